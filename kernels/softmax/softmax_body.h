/* SPDX-License-Identifier: BSD-2-Clause
 * Softmax over c, and with it the sparse categorical cross-entropy; a task is a row. Maximum and sum run in 16 striped
 * lanes (element i in lane i mod 16) whatever VL is; the lanes meet as 8+8, 4+4, 2+2, 1+1. A NaN, a +inf or nothing but
 * -inf in a row makes some exp() NaN, hence the sum, hence the row. */
#include "kernels/elementwise/flush.h"
#include "kernels/elementwise/lanes.h"
#include "kernels/simd/math.h"

enum { LANES = 16, PARTS = LANES / VL };

struct softmax_row {
    float max, sum;
};

/* x in the first n lanes, `rest` in the others. */
FCNN_INLINE vec softmax_first(vec x, int64_t n, float rest)
{
    return n >= VL ? x : vec_select(vec_first(n), x, vec_set1(rest));
}

/* The next 16 elements of a row, or the n that are left. */
FCNN_INLINE void softmax_max_step(const float *x, vec max[PARTS], int64_t n)
{
    FCNN_UNROLL
    for (int i = 0; i < PARTS; i++)
        if (i * VL < n) {
            const vec part = softmax_first(vec_load_first(x + i * VL, n - i * VL), n - i * VL, -INFINITY);
            max[i] = vec_select(vec_gt(part, max[i]), part, max[i]);
        }
}

FCNN_INLINE void softmax_exp_step(const float *x, vec max, float *dst, vec sum[PARTS], int64_t n)
{
    FCNN_UNROLL
    for (int i = 0; i < PARTS; i++)
        if (i * VL < n) {
            const vec part = vec_sub(vec_load_first(x + i * VL, n - i * VL), max);
            const vec e = vec_flush(vec_exp(part), TINY_PROBABILITY);
            vec_store_first(dst + i * VL, e, n - i * VL);
            sum[i] = vec_add(sum[i], softmax_first(e, n - i * VL, 0.0f));
        }
}

static float softmax_max(const float *x, int64_t c)
{
    vec max[PARTS];
    float lane[LANES];
    int64_t i = 0;
    FCNN_UNROLL
    for (int j = 0; j < PARTS; j++) max[j] = vec_set1(-INFINITY);
    for (; i + LANES <= c; i += LANES) softmax_max_step(x + i, max, LANES);
    if (i < c) softmax_max_step(x + i, max, c - i);
    FCNN_UNROLL
    for (int j = 0; j < PARTS; j++) vec_store(lane + j * VL, max[j]);
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int j = 0; j < half; j++) lane[j] = lane[j + half] > lane[j] ? lane[j + half] : lane[j];
    return lane[0];
}

/* dst = exp(x - max), before the division; returns the sum. */
static float softmax_exp(const float *x, int64_t c, float max, float *dst)
{
    vec sum[PARTS];
    float lane[LANES];
    int64_t i = 0;
    FCNN_UNROLL
    for (int j = 0; j < PARTS; j++) sum[j] = vec_zero();
    for (; i + LANES <= c; i += LANES) softmax_exp_step(x + i, vec_set1(max), dst + i, sum, LANES);
    if (i < c) softmax_exp_step(x + i, vec_set1(max), dst + i, sum, c - i);
    FCNN_UNROLL
    for (int j = 0; j < PARTS; j++) vec_store(lane + j * VL, sum[j]);
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int j = 0; j < half; j++) lane[j] += lane[j + half];
    return lane[0];
}

static struct softmax_row softmax_row(const float *x, int64_t c, float *dst)
{
    const float max = softmax_max(x, c), sum = softmax_exp(x, c, max, dst);
    const vec divisor = vec_set1(sum);
    int64_t i = 0;
    for (; i + VL <= c; i += VL) vec_store(dst + i, vec_div(vec_load(dst + i), divisor));
    if (i < c) vec_store_first(dst + i, vec_div(vec_load_first(dst + i, c - i), divisor), c - i);
    return (struct softmax_row){max, sum};
}

static void softmax_demand(const struct fcnn_query *query, struct fcnn_demand *demand)
{
    const fcnn_problem *g = query->problem;
    demand->tasks[FCNN_COMPUTE] = g->n;
}

static void softmax_forward(const struct fcnn_query *query, const fcnn_tensors *t,
                            const struct fcnn_memory *memory, enum fcnn_stage stage, int64_t first, int64_t last)
{
    const fcnn_problem *g = query->problem;
    (void)memory, (void)stage;
    for (int64_t n = first; n < last; n++) softmax_row(t->src + n * g->c, g->c, t->dst + n * g->c);
}

static void cross_entropy_forward(const struct fcnn_query *query, const fcnn_tensors *t,
                                  const struct fcnn_memory *memory, enum fcnn_stage stage, int64_t first, int64_t last)
{
    const fcnn_problem *g = query->problem;
    (void)memory, (void)stage;
    for (int64_t n = first; n < last; n++) {
        const float *x = t->src + n * g->c;
        const struct softmax_row row = softmax_row(x, g->c, t->dst + n * g->c);
        t->loss[n] = scalar_log(row.sum) - (x[t->labels[n]] - row.max);
    }
}

FCNN_INLINE void cross_entropy_gradient_step(const float *dst, float *d_src, float scale, int64_t n)
{
    vec_store_first(d_src, vec_flush(vec_mul(vec_load_first(dst, n), vec_set1(scale)), TINY_GRADIENT), n);
}

static void cross_entropy_backward_data(const struct fcnn_query *query, const fcnn_tensors *t,
                                        const struct fcnn_memory *memory, enum fcnn_stage stage, int64_t first,
                                        int64_t last)
{
    const fcnn_problem *g = query->problem;
    (void)memory, (void)stage;
    const int64_t c = g->c;
    const float scale = t->hyper->scale;
    for (int64_t n = first; n < last; n++) {
        const float *dst = t->dst + n * c;
        float *d_src = t->d_src + n * c;
        int64_t i = 0;
        for (; i + VL <= c; i += VL) cross_entropy_gradient_step(dst + i, d_src + i, scale, VL);
        if (i < c) cross_entropy_gradient_step(dst + i, d_src + i, scale, c - i);
        const float own = (dst[t->labels[n]] - 1.0f) * scale;
        d_src[t->labels[n]] = fabsf(own) < TINY_GRADIENT ? 0.0f : own;
    }
}
