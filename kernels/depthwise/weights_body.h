/* SPDX-License-Identifier: BSD-2-Clause
 * The inner loops of depthwise backward weights over the vector header that the stub has included: one vector of
 * channels at a time, accumulators are filter elements. After body.h. */
#include "kernels/depthwise/depthwise.h"
#include "kernels/simd/common.h"

FCNN_INLINE void store_part(float *p, vec a, int whole, mask real)
{
    if (whole) vec_store(p, a);
    else vec_store_masked(p, a, real);
}

/* `taps` and `whole` are constants. */
FCNN_INLINE void sum_vector(const struct fcnn_depthwise_sum *sum, int64_t channel, const int taps, const int whole,
                            mask real)
{
    const int64_t src_column = sum->src_column, dst_column = sum->dst_column;
    vec acc[FCNN_DEPTHWISE_TAPS], bias = vec_zero();
    int64_t offset[FCNN_DEPTHWISE_TAPS];
    FCNN_UNROLL for (int t = 0; t < taps; t++) {
        acc[t] = sum->carry ? load_part(sum->out[t] + channel, whole, real) : vec_zero();
        offset[t] = sum->offset[t];
    }
    if (sum->bias && sum->carry) bias = load_part(sum->bias + channel, whole, real);
    for (int64_t row = 0; row < sum->rows; row++) {
        const float *x = sum->src + channel + row * sum->src_row;
        const float *dy = sum->d_dst + channel + row * sum->dst_row, *y = sum->dst + channel + row * sum->dst_row;
        for (int64_t q = 0; q < sum->columns; q++, x += src_column, dy += dst_column, y += dst_column) {
            const mask dead = vec_eq(load_part(y, whole, real), vec_zero());
            const vec gradient = vec_select(dead, vec_zero(), load_part(dy, whole, real));
            bias = vec_add(bias, gradient);
            FCNN_UNROLL for (int t = 0; t < taps; t++) acc[t] = vec_fma(vec_load(x + offset[t]), gradient, acc[t]);
        }
    }
    FCNN_UNROLL for (int t = 0; t < taps; t++) store_part(sum->out[t] + channel, acc[t], whole, real);
    if (sum->bias) store_part(sum->bias + channel, bias, whole, real);
}

FCNN_INLINE void sum_taps(const struct fcnn_depthwise_sum *sum, const int taps)
{
    for (int64_t c = 0; c < sum->channels; c += VL) {
        if (c + VL <= sum->channels) sum_vector(sum, c, taps, 1, vec_first(VL));
        else sum_vector(sum, c, taps, 0, vec_first(sum->channels - c));
    }
}

#define SUM_TAPS(n) \
    static void sum_taps_##n(const struct fcnn_depthwise_sum *sum) { sum_taps(sum, n); }
SUM_TAPS(1) SUM_TAPS(2) SUM_TAPS(3) SUM_TAPS(4) SUM_TAPS(5) SUM_TAPS(6) SUM_TAPS(7) SUM_TAPS(8) SUM_TAPS(9)

static void sum_rows(const struct fcnn_depthwise_sum *sum)
{
    static void (*const of[FCNN_DEPTHWISE_TAPS + 1])(const struct fcnn_depthwise_sum *) = {
        NULL,       sum_taps_1, sum_taps_2, sum_taps_3, sum_taps_4,
        sum_taps_5, sum_taps_6, sum_taps_7, sum_taps_8, sum_taps_9};
    of[sum->taps](sum);
}
