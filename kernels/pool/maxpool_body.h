/* SPDX-License-Identifier: BSD-2-Clause
 * Max pooling, VL channels at a time. The first maximum in row-major order wins, the first NaN wins over numbers; a
 * window that is all padding gives 0 and argmax -1. Backward gathers: an element takes the gradients of the windows it
 * won, in the order of the taps it is under, which is descending in p and q. */
#include <math.h>

#include "kernels/elementwise/lanes.h"
#include "kernels/pool/pool.h"

/* One window, n channels. origin: offset in src of its tap (0, 0), negative in the padding; row, pixel: the steps. */
FCNN_INLINE void maxpool_step(const float *src, int64_t origin, int64_t row, int64_t pixel, struct range r,
                              struct range s, int64_t width, float *dst, int32_t *argmax, int64_t n)
{
    const int empty = r.lo == r.hi || s.lo == s.hi;
    vec best = vec_set1(empty ? 0.0f : -INFINITY);
    ivec winner = ivec_set1(empty ? -1 : (int32_t)(r.lo * width + s.lo));
    for (int64_t i = r.lo; i < r.hi; i++)
        for (int64_t j = s.lo; j < s.hi; j++) {
            const vec x = vec_load_first(src + origin + i * row + j * pixel, n);
            const mask stays = mask_or(vec_le(x, best), vec_unordered(best, best));
            best = vec_select(stays, best, x);
            winner = ivec_select(stays, winner, ivec_set1((int32_t)(i * width + j)));
        }
    vec_store_first(dst, best, n);
    ivec_store_first(argmax, winner, n);
}

static void maxpool_forward(const struct fcnn_query *query, const fcnn_tensors *t,
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
            int32_t *argmax = t->argmax + (task * g.q + q) * g.c;
            int64_t c = 0;
            for (; c + VL <= g.c; c += VL) maxpool_step(src + c, origin, row, g.c, r, s, g.s, dst + c, argmax + c, VL);
            if (c < g.c) maxpool_step(src + c, origin, row, g.c, r, s, g.s, dst + c, argmax + c, g.c - c);
        }
    }
}

/* One element, n channels. h, w: its place, counted from the start of the padding. */
FCNN_INLINE void maxpool_gradient_step(const fcnn_problem *g, const int32_t *argmax, const float *d_dst, int64_t h,
                                       int64_t w, struct range p, struct range q, float *d_src, int64_t n)
{
    vec sum = vec_zero();
    for (int64_t i = p.hi - 1; i >= p.lo; i--)
        for (int64_t j = q.hi - 1; j >= q.lo; j--) {
            const int64_t o = (i * g->q + j) * g->c, tap = (h - i * g->stride_h) * g->s + w - j * g->stride_w;
            const mask won = ivec_eq(ivec_load_first(argmax + o, n), ivec_set1((int32_t)tap));
            sum = vec_add(sum, vec_select(won, vec_load_first(d_dst + o, n), vec_zero()));
        }
    vec_store_first(d_src, sum, n);
}

static void maxpool_backward_data(const struct fcnn_query *query, const fcnn_tensors *t,
                                  const struct fcnn_memory *memory, enum fcnn_stage stage, int64_t first, int64_t last)
{
    const fcnn_problem *problem = query->problem;
    (void)memory, (void)stage;
    const fcnn_problem g = *problem;
    for (int64_t task = first; task < last; task++) {
        const int64_t n = task / g.h, h = task % g.h + g.pad_top, image = n * g.p * g.q * g.c;
        const struct range p = pool_windows(h, g.r, g.stride_h, g.p);
        const int32_t *argmax = t->argmax + image;
        const float *d_dst = t->d_dst + image;
        for (int64_t x = 0; x < g.w; x++) {
            const int64_t w = x + g.pad_left;
            const struct range q = pool_windows(w, g.s, g.stride_w, g.q);
            float *d_src = t->d_src + (task * g.w + x) * g.c;
            int64_t c = 0;
            for (; c + VL <= g.c; c += VL) maxpool_gradient_step(&g, argmax + c, d_dst + c, h, w, p, q, d_src + c, VL);
            if (c < g.c) maxpool_gradient_step(&g, argmax + c, d_dst + c, h, w, p, q, d_src + c, g.c - c);
        }
    }
}
