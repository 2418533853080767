/* SPDX-License-Identifier: BSD-2-Clause
 * The mean over a row of the squared differences from targets, and its gradient. */
#include "kernels/softmax/row.h"

/* The next 16 elements of a row, or the n that are left. */
FCNN_INLINE void mse_step(const float *x, const float *target, vec sum[PARTS], int64_t n)
{
    FCNN_UNROLL
    for (int i = 0; i < PARTS; i++)
        if (i * VL < n) {
            const int64_t left = n - i * VL;
            const vec d = vec_sub(vec_load_first(x + i * VL, left), vec_load_first(target + i * VL, left));
            sum[i] = vec_fma(d, d, sum[i]); /* lanes beyond the row: 0 - 0 */
        }
}

static void mse_forward(const struct fcnn_query *query, const fcnn_tensors *t, const struct fcnn_memory *memory,
                        enum fcnn_stage stage, int64_t first, int64_t last)
{
    const int64_t c = query->problem->c;
    (void)memory, (void)stage;
    for (int64_t n = first; n < last; n++) {
        const float *x = t->src + n * c, *target = t->targets + n * c;
        vec sum[PARTS];
        int64_t i = 0;
        row_clear(sum);
        for (; i + LANES <= c; i += LANES) mse_step(x + i, target + i, sum, LANES);
        if (i < c) mse_step(x + i, target + i, sum, c - i);
        t->loss[n] = row_sum(sum) / (float)c;
    }
}

static void mse_backward_data(const struct fcnn_query *query, const fcnn_tensors *t, const struct fcnn_memory *memory,
                              enum fcnn_stage stage, int64_t first, int64_t last)
{
    const int64_t c = query->problem->c;
    (void)memory, (void)stage;
    row_gradient(t->src, t->targets, t->d_src, 2.0f * t->hyper->scale / (float)c, first, last, c);
}
