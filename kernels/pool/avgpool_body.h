/* SPDX-License-Identifier: BSD-2-Clause
 * Average pooling, VL channels at a time: the sum of a window's real elements in row-major order from +0, then one
 * division by their number; 0 where there is none. Backward gathers d_dst / number over the windows that hold an
 * element, in the order of the taps it is under, which is descending in p and q; windows that do not overlap spread
 * it. */
#include <string.h>

#include "kernels/elementwise/lanes.h"
#include "kernels/pool/pool.h"

/* x / count. Powers of two have an exact inverse, so that the product is the same float. */
FCNN_INLINE vec avgpool_share(vec x, int64_t count)
{
    const vec number = vec_set1((float)count);
    return (count & (count - 1)) == 0 ? vec_mul(x, vec_set1(1.0f / (float)count)) : vec_div(x, number);
}

/* One window, n channels. origin: offset in src of its tap (0, 0), negative in the padding; row, pixel: the steps. */
FCNN_INLINE void avgpool_step(const float *src, int64_t origin, int64_t row, int64_t pixel, struct range r,
                              struct range s, float *dst, int64_t n)
{
    const int64_t count = (r.hi - r.lo) * (s.hi - s.lo);
    vec sum = vec_zero();
    for (int64_t i = r.lo; i < r.hi; i++)
        for (int64_t j = s.lo; j < s.hi; j++) sum = vec_add(sum, vec_load_first(src + origin + i * row + j * pixel, n));
    vec_store_first(dst, count > 0 ? avgpool_share(sum, count) : sum, n);
}

static void avgpool_forward(const struct fcnn_query *query, const fcnn_tensors *t,
                            const struct fcnn_memory *memory, enum fcnn_stage stage, int64_t first, int64_t last)
{
    const fcnn_problem *problem = query->problem;
    (void)memory, (void)stage;
    const fcnn_problem g = *problem;
    const int64_t row = g.w * g.c;
    for (int64_t task = first; task < last; task++) {
        const int64_t n = task / g.p, h = task % g.p * g.stride_h - g.pad_top;
        const struct range r = pool_taps(h, g.r, g.h);
        const float *src = t->src + n * g.h * row;
        for (int64_t q = 0; q < g.q; q++) {
            const int64_t w = q * g.stride_w - g.pad_left;
            const int64_t origin = h * row + w * g.c;
            const struct range s = pool_taps(w, g.s, g.w);
            float *dst = t->dst + (task * g.q + q) * g.c;
            int64_t c = 0;
            for (; c + VL <= g.c; c += VL) avgpool_step(src + c, origin, row, g.c, r, s, dst + c, VL);
            if (c < g.c) avgpool_step(src + c, origin, row, g.c, r, s, dst + c, g.c - c);
        }
    }
}

/* Real elements of window i along one axis. */
static inline int64_t avgpool_real(int64_t i, int64_t stride, int64_t pad, int64_t window, int64_t size)
{
    const struct range taps = pool_taps(i * stride - pad, window, size);
    return taps.hi - taps.lo;
}

/* One element, n channels. The windows hold it, so that their counts are not 0. */
FCNN_INLINE void avgpool_gradient_step(const fcnn_problem *g, const float *d_dst, struct range p, struct range q,
                                       float *d_src, int64_t n)
{
    vec sum = vec_zero();
    for (int64_t i = p.hi - 1; i >= p.lo; i--) {
        const int64_t rows = avgpool_real(i, g->stride_h, g->pad_top, g->r, g->h);
        for (int64_t j = q.hi - 1; j >= q.lo; j--) {
            const int64_t count = rows * avgpool_real(j, g->stride_w, g->pad_left, g->s, g->w);
            sum = vec_add(sum, avgpool_share(vec_load_first(d_dst + (i * g->q + j) * g->c, n), count));
        }
    }
    vec_store_first(d_src, sum, n);
}

/* One row of d_src; p: the windows above and below it. */
static void avgpool_gather_row(const fcnn_problem *g, const float *d_dst, struct range p, float *d_src)
{
    for (int64_t w = 0; w < g->w; w++, d_src += g->c) {
        const struct range q = pool_windows(w + g->pad_left, g->s, g->stride_w, g->q);
        int64_t c = 0;
        for (; c + VL <= g->c; c += VL) avgpool_gradient_step(g, d_dst + c, p, q, d_src + c, VL);
        if (c < g->c) avgpool_gradient_step(g, d_dst + c, p, q, d_src + c, g->c - c);
    }
}

/* n channels of `pixels` neighbours that share what their window of `count` elements got. */
FCNN_INLINE void avgpool_spread_step(const float *d_dst, int64_t count, int64_t pixels, int64_t step,
                                     float *d_src, int64_t n)
{
    const vec share = vec_add(vec_zero(), avgpool_share(vec_load_first(d_dst, n), count));
    for (int64_t i = 0; i < pixels; i++) vec_store_first(d_src + i * step, share, n);
}

/* The same where windows do not overlap: each pixel is in one window of this row of windows, or in none. */
static void avgpool_spread_row(const fcnn_problem *g, const float *d_dst, struct range p, float *d_src)
{
    const int64_t rows = p.lo < p.hi ? avgpool_real(p.lo, g->stride_h, g->pad_top, g->r, g->h) : 0;
    for (int64_t w = 0, pixels; w < g->w; w += pixels, d_src += pixels * g->c) {
        const struct range q = pool_windows(w + g->pad_left, g->s, g->stride_w, g->q);
        pixels = 1;
        if (rows == 0 || q.lo == q.hi) {
            memset(d_src, 0, (size_t)g->c * sizeof(float));
            continue;
        }
        const float *window = d_dst + (p.lo * g->q + q.lo) * g->c;
        int64_t c = 0;
        pixels = fcnn_min(q.lo * g->stride_w - g->pad_left + g->s, g->w) - w;
        const int64_t count = rows * pixels;
        for (; c + VL <= g->c; c += VL) avgpool_spread_step(window + c, count, pixels, g->c, d_src + c, VL);
        if (c < g->c) avgpool_spread_step(window + c, count, pixels, g->c, d_src + c, g->c - c);
    }
}

static void avgpool_backward_data(const struct fcnn_query *query, const fcnn_tensors *t,
                                  const struct fcnn_memory *memory, enum fcnn_stage stage, int64_t first, int64_t last)
{
    const fcnn_problem *problem = query->problem;
    (void)memory, (void)stage;
    const fcnn_problem g = *problem;
    const int apart = g.stride_h >= g.r && g.stride_w >= g.s;
    for (int64_t task = first; task < last; task++) {
        const struct range p = pool_windows(task % g.h + g.pad_top, g.r, g.stride_h, g.p);
        const float *d_dst = t->d_dst + task / g.h * g.p * g.q * g.c;
        float *d_src = t->d_src + task * g.w * g.c;
        if (apart) avgpool_spread_row(&g, d_dst, p, d_src);
        else avgpool_gather_row(&g, d_dst, p, d_src);
    }
}
