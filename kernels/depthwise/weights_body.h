/* SPDX-License-Identifier: BSD-2-Clause
 * Depthwise backward weights: one vector of channels, one accumulator per filter element and one for the bias, over all pixels
 * of some rows. */
#include "kernels/depthwise/depthwise.h"
#include "kernels/simd/common.h"

FCNN_INLINE vec sum_load(const float *p, int whole, mask real) { return whole ? vec_load(p) : vec_load_masked(p, real); }

FCNN_INLINE void sum_store(float *p, vec a, int whole, mask real)
{
    if (whole) vec_store(p, a);
    else vec_store_masked(p, a, real);
}

/* The gradient before ReLU. */
FCNN_INLINE vec sum_gradient(const float *dst, const float *d_dst, int whole, mask real)
{
    return vec_select(vec_eq(sum_load(dst, whole, real), vec_zero()), vec_zero(), sum_load(d_dst, whole, real));
}

/* `taps` and `whole` are constants. */
FCNN_INLINE void sum_vector(const struct fcnn_depthwise_sum *sum, int64_t channel, const int taps, const int whole, mask real)
{
    const unsigned all = (1u << taps) - 1;
    const int64_t columns = sum->columns, src_pixel = sum->src_pixel, dst_pixel = sum->dst_pixel;
    vec acc[FCNN_DEPTHWISE_TAPS], bias = vec_zero();
    int64_t offset[FCNN_DEPTHWISE_TAPS];
    FCNN_UNROLL for (int t = 0; t < taps; t++) {
        acc[t] = sum->carry ? sum_load(sum->out[t] + channel, whole, real) : vec_zero();
        offset[t] = sum->offset[t];
    }
    if (sum->bias && sum->carry) bias = sum_load(sum->bias + channel, whole, real);
    for (int64_t row = sum->first_row; row < sum->last_row; row++) {
        const unsigned real_row = sum->real_rows[row];
        const int64_t inner_first = real_row == all ? sum->inner_first : columns;
        const int64_t inner_last = real_row == all ? sum->inner_last : columns;
        const float *d_dst = sum->d_dst + channel + row * columns * dst_pixel, *dst = sum->dst + channel + row * columns * dst_pixel;
        const float *src = sum->src + channel;
        int64_t at = row * sum->src_row;
        for (int64_t q = 0; q < columns;) {
            const unsigned bits = real_row & sum->real_columns[q];
            const vec gradient = sum_gradient(dst, d_dst, whole, real);
            bias = vec_add(bias, gradient);
            FCNN_UNROLL for (int t = 0; t < taps; t++)
                if (bits >> t & 1) acc[t] = vec_fma(sum_load(src + (at + offset[t]), whole, real), gradient, acc[t]);
            at += src_pixel, dst += dst_pixel, d_dst += dst_pixel;
            if (++q != inner_first) continue;
            for (; q < inner_last; q++, at += src_pixel, dst += dst_pixel, d_dst += dst_pixel) {
                const vec inner = sum_gradient(dst, d_dst, whole, real);
                bias = vec_add(bias, inner);
                FCNN_UNROLL for (int t = 0; t < taps; t++)
                    acc[t] = vec_fma(sum_load(src + (at + offset[t]), whole, real), inner, acc[t]);
            }
        }
    }
    FCNN_UNROLL for (int t = 0; t < taps; t++) sum_store(sum->out[t] + channel, acc[t], whole, real);
    if (sum->bias) sum_store(sum->bias + channel, bias, whole, real);
}

FCNN_INLINE void sum_taps(const struct fcnn_depthwise_sum *sum, const int taps)
{
    int64_t channel = 0;
    for (; channel + VL <= sum->channels; channel += VL) sum_vector(sum, channel, taps, 1, vec_first(VL));
    if (channel < sum->channels) sum_vector(sum, channel, taps, 0, vec_first(sum->channels - channel));
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
