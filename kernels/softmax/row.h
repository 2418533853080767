/* SPDX-License-Identifier: BSD-2-Clause
 * Sums over the c values of a row, in 16 striped lanes (element i in lane i mod 16) whatever VL is; the lanes meet as
 * 8+8, 4+4, 2+2, 1+1 (docs/numerics.md, rule 6). A task is a row. */
#ifndef FCNN_ROW_H
#define FCNN_ROW_H

#include "kernels/elementwise/flush.h"
#include "kernels/elementwise/lanes.h"

enum { LANES = 16, PARTS = LANES / VL };

/* x in the first n lanes, `rest` in the others. */
FCNN_INLINE vec row_first(vec x, int64_t n, float rest)
{
    return n >= VL ? x : vec_select(vec_first(n), x, vec_set1(rest));
}

FCNN_INLINE void row_clear(vec sum[PARTS])
{
    FCNN_UNROLL
    for (int i = 0; i < PARTS; i++) sum[i] = vec_zero();
}

/* Of short rows this is most of the work: without loops, whose ends nobody predicts. */
static inline float row_sum(const vec sum[PARTS])
{
    float lane[LANES];
    FCNN_UNROLL
    for (int i = 0; i < PARTS; i++) vec_store(lane + i * VL, sum[i]);
    FCNN_UNROLL
    for (int i = 0; i < 8; i++) lane[i] += lane[i + 8];
    FCNN_UNROLL
    for (int i = 0; i < 4; i++) lane[i] += lane[i + 4];
    return (lane[0] + lane[2]) + (lane[1] + lane[3]);
}

/* The gradient of both losses with targets: (x - target) * factor, flushed, in rows first .. last-1. */
FCNN_INLINE void row_gradient_step(const float *x, const float *target, float *d_src, vec factor, int64_t n)
{
    const vec d = vec_sub(vec_load_first(x, n), vec_load_first(target, n));
    vec_store_first(d_src, vec_flush(vec_mul(d, factor), TINY_GRADIENT), n);
}

FCNN_INLINE void row_gradient(const float *x, const float *target, float *d_src, float factor, int64_t first,
                              int64_t last, int64_t c)
{
    const int64_t end = last * c;
    int64_t i = first * c;
    for (; i + VL <= end; i += VL) row_gradient_step(x + i, target + i, d_src + i, vec_set1(factor), VL);
    if (i < end) row_gradient_step(x + i, target + i, d_src + i, vec_set1(factor), end - i);
}

static void row_demand(const struct fcnn_query *query, struct fcnn_demand *demand)
{
    demand->tasks[FCNN_COMPUTE] = query->problem->n;
}

#endif
