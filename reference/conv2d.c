/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Convolution: src (n,h,w,c), weights (r,s,c/groups,k), dst (n,p,q,k). Output channel k belongs to group
 * k / (k/groups). Every output is one chain of fmaf(); a float in memory carries a chain as well as a register does,
 * so loops may visit many outputs in turn. Padding taps are skipped. */
#include "reference/ref.h"

#include <math.h>
#include <stddef.h>

void ref_conv2d_pixel(const struct ref_conv2d *g, const float *src, const float *weights, const float *bias,
                      const int64_t at[3], int64_t first, int64_t last, float *out)
{
    const int64_t group_c = g->c / g->groups, group_k = g->k / g->groups;
    for (int64_t k = first; k < last; k++) out[k - first] = bias ? bias[k] : 0.0f;
    for (int64_t r = 0; r < g->r; r++)
        for (int64_t s = 0; s < g->s; s++) {
            const int64_t h = at[1] * g->stride_h + r * g->dilation_h - g->pad_top;
            const int64_t w = at[2] * g->stride_w + s * g->dilation_w - g->pad_left;
            if (h < 0 || h >= g->h || w < 0 || w >= g->w) continue;
            const float *x = src + ((at[0] * g->h + h) * g->w + w) * g->c;
            const float *filter = weights + (r * g->s + s) * group_c * g->k;
            for (int64_t k = first, end; k < last; k = end) { /* [k, end) lies in one group */
                const int64_t group = k / group_k;
                end = (group + 1) * group_k < last ? (group + 1) * group_k : last;
                for (int64_t c = 0; c < group_c; c++)
                    for (int64_t i = k; i < end; i++)
                        out[i - first] = fmaf(x[group * group_c + c], filter[c * g->k + i], out[i - first]);
            }
        }
}

void ref_conv2d_forward(const struct ref_conv2d *g, const float *src, const float *weights, const float *bias,
                        float *dst)
{
    for (int64_t n = 0; n < g->n; n++)
        for (int64_t p = 0; p < g->p; p++)
            for (int64_t q = 0; q < g->q; q++) {
                float *pixel = dst + ((n * g->p + p) * g->q + q) * g->k;
                ref_conv2d_pixel(g, src, weights, bias, (const int64_t[]){n, p, q}, 0, g->k, pixel);
                if (g->relu) ref_relu_forward(g->k, pixel, pixel);
            }
}

/* Continues the chains of d_src (n,h,w,:) with one tap: the filter (c/groups,k) at output `at` = (n,p,q). */
static void gather_tap(const struct ref_conv2d *g, const float *filter, ref_gradient *gradient, const void *context,
                       const int64_t at[3], float *pixel)
{
    const int64_t group_c = g->c / g->groups, group_k = g->k / g->groups;
    for (int64_t k = 0; k < g->k; k++) {
        const float dy = gradient(context, at[0], at[1], at[2], k);
        float *x = pixel + k / group_k * group_c;
        for (int64_t c = 0; c < group_c; c++) x[c] = fmaf(dy, filter[c * g->k + k], x[c]);
    }
}

void ref_conv2d_gather(const struct ref_conv2d *g, const float *weights, ref_gradient *gradient, const void *context,
                       float *d_src)
{
    for (int64_t n = 0; n < g->n; n++)
        for (int64_t h = 0; h < g->h; h++)
            for (int64_t w = 0; w < g->w; w++, d_src += g->c) {
                for (int64_t c = 0; c < g->c; c++) d_src[c] = 0.0f;
                for (int64_t r = 0; r < g->r; r++)
                    for (int64_t s = 0; s < g->s; s++) {
                        const int64_t y = h + g->pad_top - r * g->dilation_h, x = w + g->pad_left - s * g->dilation_w;
                        if (y < 0 || y % g->stride_h != 0 || y / g->stride_h >= g->p) continue;
                        if (x < 0 || x % g->stride_w != 0 || x / g->stride_w >= g->q) continue;
                        const float *filter = weights + (r * g->s + s) * (g->c / g->groups) * g->k;
                        const int64_t at[3] = {n, y / g->stride_h, x / g->stride_w};
                        gather_tap(g, filter, gradient, context, at, d_src);
                    }
            }
}

/* Weights (r,s,c,k) .. (r,s,c+lanes-1,k), c counted within the group of k; or bias k. And what their gradients are
 * made of. Lanes are independent chains, side by side because that is faster than one after the other. */
enum { LANES = 16 };
struct sum {
    const struct ref_conv2d *g;
    const float *src, *dst, *d_dst;
    int64_t r, s, c, k, lanes;
};

static float output_gradient(const struct sum *sum, int64_t i)
{
    return sum->g->relu && sum->dst[i] == 0.0f ? 0.0f : sum->d_dst[i];
}

static float gradient_at(const void *context, int64_t n, int64_t p, int64_t q, int64_t k)
{
    const struct sum *sum = context;
    const struct ref_conv2d *g = sum->g;
    return output_gradient(sum, ((n * g->p + p) * g->q + q) * g->k + k);
}

void ref_conv2d_backward_data(const struct ref_conv2d *g, const float *weights, const float *dst, const float *d_dst,
                              float *d_src)
{
    ref_conv2d_gather(g, weights, gradient_at, &(struct sum){.g = g, .dst = dst, .d_dst = d_dst}, d_src);
}

/* One block of images: a chain per lane. */
static void weight_block(const struct sum *sum, int64_t block, float acc[LANES])
{
    const struct ref_conv2d *g = sum->g;
    const int64_t channel = sum->k / (g->k / g->groups) * (g->c / g->groups) + sum->c;
    const int64_t first = block * REF_BLOCK, last = first + REF_BLOCK < g->n ? first + REF_BLOCK : g->n;
    for (int i = 0; i < LANES; i++) acc[i] = 0.0f;
    for (int64_t n = first; n < last; n++)
        for (int64_t p = 0; p < g->p; p++) {
            const int64_t h = p * g->stride_h + sum->r * g->dilation_h - g->pad_top;
            if (h < 0 || h >= g->h) continue;
            for (int64_t q = 0; q < g->q; q++) {
                const int64_t w = q * g->stride_w + sum->s * g->dilation_w - g->pad_left;
                if (w < 0 || w >= g->w) continue;
                const float *x = sum->src + ((n * g->h + h) * g->w + w) * g->c + channel;
                const float dy = output_gradient(sum, ((n * g->p + p) * g->q + q) * g->k + sum->k);
                for (int64_t i = 0; i < sum->lanes; i++) acc[i] = fmaf(x[i], dy, acc[i]);
            }
        }
}

/* ref_tree() over blocks, for all lanes. */
static void weight_tree(const struct sum *sum, int64_t lo, int64_t hi, float acc[LANES])
{
    if (hi - lo == 1) {
        weight_block(sum, lo, acc);
        return;
    }
    const int64_t middle = lo + ref_tree_half(hi - lo);
    float right[LANES];
    weight_tree(sum, lo, middle, acc);
    weight_tree(sum, middle, hi, right);
    for (int i = 0; i < LANES; i++) acc[i] += right[i];
}

static float bias_block(const void *context, int64_t block)
{
    const struct sum *sum = context;
    const struct ref_conv2d *g = sum->g;
    const int64_t first = block * REF_BLOCK, last = first + REF_BLOCK < g->n ? first + REF_BLOCK : g->n;
    float acc = 0.0f;
    for (int64_t i = first * g->p * g->q; i < last * g->p * g->q; i++) acc += output_gradient(sum, i * g->k + sum->k);
    return acc;
}

void ref_conv2d_backward_weights(const struct ref_conv2d *g, const float *src, const float *dst, const float *d_dst,
                                 float *d_weights, float *d_bias)
{
    const int64_t blocks = (g->n + REF_BLOCK - 1) / REF_BLOCK, group_c = g->c / g->groups;
    struct sum sum = {.g = g, .src = src, .dst = dst, .d_dst = d_dst};
    for (sum.r = 0; sum.r < g->r; sum.r++)
        for (sum.s = 0; sum.s < g->s; sum.s++)
            for (sum.c = 0; sum.c < group_c; sum.c += sum.lanes) {
                sum.lanes = group_c - sum.c < LANES ? group_c - sum.c : LANES;
                for (sum.k = 0; sum.k < g->k; sum.k++) {
                    float acc[LANES];
                    weight_tree(&sum, 0, blocks, acc);
                    float *out = d_weights + ((sum.r * g->s + sum.s) * group_c + sum.c) * g->k + sum.k;
                    for (int64_t i = 0; i < sum.lanes; i++) out[i * g->k] = acc[i];
                }
            }
    if (!d_bias) return;
    for (sum.k = 0; sum.k < g->k; sum.k++) d_bias[sum.k] = ref_tree(0, blocks, bias_block, &sum);
}
