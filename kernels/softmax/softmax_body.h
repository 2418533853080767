/* SPDX-License-Identifier: BSD-2-Clause
 * Softmax over c, and with it the cross-entropies: with a label (sparse categorical) or a distribution for each row.
 * The maximum runs in the lanes of sums (row.h). A NaN, a +inf or nothing but -inf in a row makes some exp() NaN, hence
 * the sum, hence the row. */
#include "kernels/simd/math.h"
#include "kernels/softmax/row.h"

struct softmax_row {
    float max, sum;
};

/* The next 16 elements of a row, or the n that are left. */
FCNN_INLINE void softmax_max_step(const float *x, vec max[PARTS], int64_t n)
{
    FCNN_UNROLL
    for (int i = 0; i < PARTS; i++)
        if (i * VL < n) {
            const vec part = row_first(vec_load_first(x + i * VL, n - i * VL), n - i * VL, -INFINITY);
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
            sum[i] = vec_add(sum[i], row_first(e, n - i * VL, 0.0f));
        }
}

FCNN_INLINE float larger(float a, float b) { return b > a ? b : a; }

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
    FCNN_UNROLL
    for (int j = 0; j < 8; j++) lane[j] = larger(lane[j], lane[j + 8]);
    FCNN_UNROLL
    for (int j = 0; j < 4; j++) lane[j] = larger(lane[j], lane[j + 4]);
    return larger(larger(lane[0], lane[2]), larger(lane[1], lane[3]));
}

/* dst = exp(x - max), before the division; returns the sum. */
static float softmax_exp(const float *x, int64_t c, float max, float *dst)
{
    vec sum[PARTS];
    int64_t i = 0;
    row_clear(sum);
    for (; i + LANES <= c; i += LANES) softmax_exp_step(x + i, vec_set1(max), dst + i, sum, LANES);
    if (i < c) softmax_exp_step(x + i, vec_set1(max), dst + i, sum, c - i);
    return row_sum(sum);
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

/* ---- a distribution in place of a label ---- */

/* Adds target * (log(sum) - (x - max)) of the next 16 elements, or the n that are left. A target of 0 adds nothing,
 * whatever x is. */
FCNN_INLINE void categorical_step(const float *x, const float *target, vec max, vec log_sum, vec loss[PARTS], int64_t n)
{
    FCNN_UNROLL
    for (int i = 0; i < PARTS; i++)
        if (i * VL < n) {
            const int64_t left = n - i * VL;
            const vec own = vec_load_first(target + i * VL, left);
            const vec term = vec_sub(log_sum, vec_sub(vec_load_first(x + i * VL, left), max));
            loss[i] = vec_fma(own, vec_select(vec_eq(own, vec_zero()), vec_zero(), term), loss[i]);
        }
}

static void categorical_cross_entropy_forward(const struct fcnn_query *query, const fcnn_tensors *t,
                                              const struct fcnn_memory *memory, enum fcnn_stage stage, int64_t first,
                                              int64_t last)
{
    const int64_t c = query->problem->c;
    (void)memory, (void)stage;
    for (int64_t n = first; n < last; n++) {
        const float *x = t->src + n * c, *target = t->targets + n * c;
        const struct softmax_row row = softmax_row(x, c, t->dst + n * c);
        const vec max = vec_set1(row.max), log_sum = vec_set1(scalar_log(row.sum));
        vec loss[PARTS];
        int64_t i = 0;
        row_clear(loss);
        for (; i + LANES <= c; i += LANES) categorical_step(x + i, target + i, max, log_sum, loss, LANES);
        if (i < c) categorical_step(x + i, target + i, max, log_sum, loss, c - i);
        t->loss[n] = row_sum(loss);
    }
}

static void categorical_cross_entropy_backward_data(const struct fcnn_query *query, const fcnn_tensors *t,
                                                    const struct fcnn_memory *memory, enum fcnn_stage stage,
                                                    int64_t first, int64_t last)
{
    (void)memory, (void)stage;
    row_gradient(t->dst, t->targets, t->d_src, t->hyper->scale, first, last, query->problem->c);
}
