/* SPDX-License-Identifier: BSD-2-Clause
 * dst[i] = the sum over n of src[n][i] along the fixed binary tree: [lo, hi) is [lo, mid) + [mid, hi), mid - lo the
 * largest power of two below hi - lo. Read from left to right that is a binary counter: a sum of 2^k rows waits on a
 * stack until the next 2^k rows are summed, and what waits at the end is added from the right. One task: 4096 of c. */
#include "kernels/elementwise/chunks.h"
#include "kernels/elementwise/lanes.h"

/* The rows of one aligned group of 8, in registers. */
FCNN_INLINE vec reduce_eight(const float *src, int64_t c, int64_t n)
{
    vec x[8];
    FCNN_UNROLL
    for (int i = 0; i < 8; i++) x[i] = vec_load_first(src + i * c, n);
    FCNN_UNROLL
    for (int i = 0; i < 4; i++) x[i] = vec_add(x[2 * i], x[2 * i + 1]);
    return vec_add(vec_add(x[0], x[1]), vec_add(x[2], x[3]));
}

/* Puts the i-th sum of its size on the stack: it completes as many waiting sums as i has trailing ones. */
FCNN_INLINE int reduce_push(vec *waiting, int depth, vec x, int64_t i)
{
    for (; i & 1; i >>= 1) x = vec_add(waiting[--depth], x);
    waiting[depth] = x;
    return depth + 1;
}

FCNN_INLINE void reduce_step(const float *src, float *dst, int64_t rows, int64_t c, int64_t n)
{
    vec waiting[64]; /* one per bit of `rows` */
    int depth = 0;
    int64_t i = 0;
    for (; i + 8 <= rows; i += 8) depth = reduce_push(waiting, depth, reduce_eight(src + i * c, c, n), i / 8);
    for (; i < rows; i++) depth = reduce_push(waiting, depth, vec_load_first(src + i * c, n), i);
    vec sum = waiting[--depth];
    while (depth > 0) sum = vec_add(waiting[--depth], sum);
    vec_store_first(dst, sum, n);
}

static void reduce_demand(const struct fcnn_query *query, struct fcnn_demand *demand)
{
    const fcnn_problem *g = query->problem;
    demand->tasks[FCNN_COMPUTE] = fcnn_ceil_div(g->c, CHUNK);
}

static void reduce_forward(const struct fcnn_query *query, const fcnn_tensors *t,
                           const struct fcnn_memory *memory, enum fcnn_stage stage, int64_t first, int64_t last)
{
    const fcnn_problem *g = query->problem;
    (void)memory, (void)stage;
    const int64_t rows = g->n, c = g->c, end = fcnn_min(last * CHUNK, c);
    const float *src = t->src;
    float *dst = t->dst;
    int64_t i = first * CHUNK;
    for (; i + VL <= end; i += VL) reduce_step(src + i, dst + i, rows, c, VL);
    if (i < end) reduce_step(src + i, dst + i, rows, c, end - i);
}
