/* SPDX-License-Identifier: BSD-2-Clause
 * dst[i] = the sum over n of src[n][i] along the fixed binary tree. One task: 4096 of c. */
#include "kernels/elementwise/chunks.h"
#include "kernels/elementwise/lanes.h"
#include "kernels/elementwise/tree.h"

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

FCNN_INLINE void reduce_step(const float *src, float *dst, int64_t rows, int64_t c, int64_t n)
{
    vec waiting[64]; /* one per bit of `rows` */
    int depth = 0;
    int64_t i = 0;
    for (; i + 8 <= rows; i += 8) depth = tree_push(waiting, depth, reduce_eight(src + i * c, c, n), i / 8);
    for (; i < rows; i++) depth = tree_push(waiting, depth, vec_load_first(src + i * c, n), i);
    vec_store_first(dst, tree_sum(waiting, depth), n);
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
