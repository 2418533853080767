/* SPDX-License-Identifier: BSD-2-Clause
 * Sigmoid, tanh and their gradients, which ask the output. May run in place. */
#include "kernels/elementwise/chunks.h"
#include "kernels/elementwise/flush.h"
#include "kernels/elementwise/lanes.h"
#include "kernels/simd/math.h"

/* exp of a magnitude cannot overflow, and both quotients are accurate. */
FCNN_INLINE vec sigmoid_of(vec x)
{
    const vec e = vec_flush(vec_exp(vec_negate(vec_abs(x))), TINY_PROBABILITY), one = vec_set1(1.0f);
    return vec_div(vec_select(vec_lt(x, vec_zero()), e, one), vec_add(one, e));
}

FCNN_INLINE vec sigmoid_slope(vec y) { return vec_mul(y, vec_sub(vec_set1(1.0f), y)); }

FCNN_INLINE vec tanh_slope(vec y) { return vec_fma(vec_negate(y), y, vec_set1(1.0f)); }

typedef vec curve(vec x);

/* A function that is known at compile time over the elements of tasks. */
FCNN_INLINE void curve_forward(curve *of, const fcnn_problem *g, const fcnn_tensors *t, int64_t first, int64_t last)
{
    const float *src = t->src;
    float *dst = t->dst;
    const int64_t end = fcnn_min(last * CHUNK, chunk_count(g));
    int64_t i = first * CHUNK;
    for (; i + VL <= end; i += VL) vec_store(dst + i, of(vec_load(src + i)));
    if (i < end) vec_store_first(dst + i, of(vec_load_first(src + i, end - i)), end - i);
}

FCNN_INLINE void curve_gradient_step(curve *slope, const float *dst, const float *d_dst, float *d_src, int64_t n)
{
    vec_store_first(d_src, vec_mul(vec_load_first(d_dst, n), slope(vec_load_first(dst, n))), n);
}

FCNN_INLINE void curve_backward(curve *slope, const fcnn_problem *g, const fcnn_tensors *t, int64_t first, int64_t last)
{
    const float *dst = t->dst, *d_dst = t->d_dst;
    float *d_src = t->d_src;
    const int64_t end = fcnn_min(last * CHUNK, chunk_count(g));
    int64_t i = first * CHUNK;
    for (; i + VL <= end; i += VL) curve_gradient_step(slope, dst + i, d_dst + i, d_src + i, VL);
    if (i < end) curve_gradient_step(slope, dst + i, d_dst + i, d_src + i, end - i);
}

static void sigmoid_forward(const struct fcnn_query *query, const fcnn_tensors *t, const struct fcnn_memory *memory,
                            enum fcnn_stage stage, int64_t first, int64_t last)
{
    (void)memory, (void)stage;
    curve_forward(sigmoid_of, query->problem, t, first, last);
}

static void sigmoid_backward_data(const struct fcnn_query *query, const fcnn_tensors *t,
                                  const struct fcnn_memory *memory, enum fcnn_stage stage, int64_t first, int64_t last)
{
    (void)memory, (void)stage;
    curve_backward(sigmoid_slope, query->problem, t, first, last);
}

static void tanh_forward(const struct fcnn_query *query, const fcnn_tensors *t, const struct fcnn_memory *memory,
                         enum fcnn_stage stage, int64_t first, int64_t last)
{
    (void)memory, (void)stage;
    curve_forward(vec_tanh, query->problem, t, first, last);
}

static void tanh_backward_data(const struct fcnn_query *query, const fcnn_tensors *t, const struct fcnn_memory *memory,
                               enum fcnn_stage stage, int64_t first, int64_t last)
{
    (void)memory, (void)stage;
    curve_backward(tanh_slope, query->problem, t, first, last);
}
