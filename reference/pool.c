/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Max and average pooling. src, d_src (n,h,w,c); dst, d_dst, argmax (n,p,q,c). Windows are clipped to the image:
 * padding is never an element. Backward gathers: all windows that hold an input element, in the order of r, s. */
#include "reference/ref.h"

#include <math.h>
#include <stddef.h>

/* Whether x takes the lead from `best`. Ties keep the first, and so does a second NaN. */
static int wins(float x, float best)
{
    return x > best || (isnan(x) && !isnan(best));
}

void ref_maxpool_forward(const struct ref_pool *g, const float *src, float *dst, int32_t *argmax)
{
    for (int64_t n = 0; n < g->n; n++)
        for (int64_t p = 0; p < g->p; p++)
            for (int64_t q = 0; q < g->q; q++)
                for (int64_t c = 0; c < g->c; c++) {
                    float best = 0.0f;
                    int64_t winner = -1;
                    for (int64_t r = 0; r < g->r; r++)
                        for (int64_t s = 0; s < g->s; s++) {
                            const int64_t h = p * g->stride_h + r - g->pad_top, w = q * g->stride_w + s - g->pad_left;
                            if (h < 0 || h >= g->h || w < 0 || w >= g->w) continue;
                            const float x = src[((n * g->h + h) * g->w + w) * g->c + c];
                            if (winner >= 0 && !wins(x, best)) continue;
                            best = x;
                            winner = r * g->s + s;
                        }
                    *dst++ = best;
                    *argmax++ = (int32_t)winner;
                }
}

/* Elements of the window at output coordinate p that exist, along one axis. */
static int64_t real_elements(int64_t p, int64_t stride, int64_t pad, int64_t window, int64_t inputs)
{
    const int64_t lo = p * stride - pad, hi = lo + window;
    const int64_t count = (hi < inputs ? hi : inputs) - (lo > 0 ? lo : 0);
    return count > 0 ? count : 0;
}

static float window_count(const struct ref_pool *g, int64_t p, int64_t q)
{
    return (float)(real_elements(p, g->stride_h, g->pad_top, g->r, g->h) *
                   real_elements(q, g->stride_w, g->pad_left, g->s, g->w));
}

void ref_avgpool_forward(const struct ref_pool *g, const float *src, float *dst)
{
    for (int64_t n = 0; n < g->n; n++)
        for (int64_t p = 0; p < g->p; p++)
            for (int64_t q = 0; q < g->q; q++)
                for (int64_t c = 0; c < g->c; c++) {
                    float sum = 0.0f;
                    for (int64_t r = 0; r < g->r; r++)
                        for (int64_t s = 0; s < g->s; s++) {
                            const int64_t h = p * g->stride_h + r - g->pad_top, w = q * g->stride_w + s - g->pad_left;
                            if (h < 0 || h >= g->h || w < 0 || w >= g->w) continue;
                            sum += src[((n * g->h + h) * g->w + w) * g->c + c];
                        }
                    const float count = window_count(g, p, q);
                    *dst++ = count > 0.0f ? sum / count : 0.0f;
                }
}

/* The output coordinate whose tap r lies on input coordinate x, or -1. */
static int64_t output_of(int64_t x, int64_t r, int64_t pad, int64_t stride, int64_t outputs)
{
    const int64_t at = x + pad - r;
    return at >= 0 && at % stride == 0 && at / stride < outputs ? at / stride : -1;
}

/* argmax NULL: average pooling. */
static void gather(const struct ref_pool *g, const int32_t *argmax, const float *d_dst, float *d_src)
{
    for (int64_t n = 0; n < g->n; n++)
        for (int64_t h = 0; h < g->h; h++)
            for (int64_t w = 0; w < g->w; w++)
                for (int64_t c = 0; c < g->c; c++) {
                    float sum = 0.0f;
                    for (int64_t r = 0; r < g->r; r++)
                        for (int64_t s = 0; s < g->s; s++) {
                            const int64_t p = output_of(h, r, g->pad_top, g->stride_h, g->p);
                            const int64_t q = output_of(w, s, g->pad_left, g->stride_w, g->q);
                            if (p < 0 || q < 0) continue;
                            const int64_t o = ((n * g->p + p) * g->q + q) * g->c + c;
                            if (!argmax) sum += d_dst[o] / window_count(g, p, q);
                            else if (argmax[o] == r * g->s + s) sum += d_dst[o];
                        }
                    *d_src++ = sum;
                }
}

void ref_maxpool_backward_data(const struct ref_pool *g, const int32_t *argmax, const float *d_dst, float *d_src)
{
    gather(g, argmax, d_dst, d_src);
}

void ref_avgpool_backward_data(const struct ref_pool *g, const float *d_dst, float *d_src)
{
    gather(g, NULL, d_dst, d_src);
}
