/* SPDX-License-Identifier: BSD-2-Clause
 * ReLU: dst = src < 0 ? 0 : src (a NaN stays), and its gradient: 0 where dst is 0. May run in place. */
#include "kernels/elementwise/chunks.h"
#include "kernels/elementwise/lanes.h"

FCNN_INLINE void relu_step(const float *src, float *dst, int64_t n)
{
    const vec x = vec_load_first(src, n);
    vec_store_first(dst, vec_select(vec_lt(x, vec_zero()), vec_zero(), x), n);
}

FCNN_INLINE void relu_gradient_step(const float *dst, const float *d_dst, float *d_src, int64_t n)
{
    const mask dead = vec_eq(vec_load_first(dst, n), vec_zero());
    vec_store_first(d_src, vec_select(dead, vec_zero(), vec_load_first(d_dst, n)), n);
}

static void relu_forward(const struct fcnn_query *query, const fcnn_tensors *t,
                         const struct fcnn_memory *memory, enum fcnn_stage stage, int64_t first, int64_t last)
{
    const fcnn_problem *g = query->problem;
    (void)memory, (void)stage;
    const float *src = t->src;
    float *dst = t->dst;
    const int64_t end = fcnn_min(last * CHUNK, chunk_count(g));
    int64_t i = first * CHUNK;
    for (; i + VL <= end; i += VL) relu_step(src + i, dst + i, VL);
    if (i < end) relu_step(src + i, dst + i, end - i);
}

static void relu_backward_data(const struct fcnn_query *query, const fcnn_tensors *t,
                               const struct fcnn_memory *memory, enum fcnn_stage stage, int64_t first, int64_t last)
{
    const fcnn_problem *g = query->problem;
    (void)memory, (void)stage;
    const float *dst = t->dst, *d_dst = t->d_dst;
    float *d_src = t->d_src;
    const int64_t end = fcnn_min(last * CHUNK, chunk_count(g));
    int64_t i = first * CHUNK;
    for (; i + VL <= end; i += VL) relu_gradient_step(dst + i, d_dst + i, d_src + i, VL);
    if (i < end) relu_gradient_step(dst + i, d_dst + i, d_src + i, end - i);
}
