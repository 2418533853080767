/* SPDX-License-Identifier: BSD-2-Clause
 * ReLU, and 2x2 max pooling with its choice words (numerics.md, rule 8) of vectors in registers, for kernels that hold
 * whole windows of convolution outputs. The stub includes vector_<isa>.h first. */
#ifndef FCNN_POOL_WINDOW_H
#define FCNN_POOL_WINDOW_H

#include "kernels/simd/common.h"

/* x < 0 ? 0 : x */
FCNN_INLINE vec rectify(vec x) { return vec_max(vec_zero(), x); }

/* The bits of VL channels from `channel` on, into the three words of their group of 16; bits beyond the last channel
 * become 0. */
FCNN_INLINE void put_choice(uint16_t *words, int64_t channel, int64_t channels, const unsigned bits[3])
{
    const unsigned at = (unsigned)channel;
    words += at / 16 * 3;
#if VL == 16
    (void)channels;
    FCNN_UNROLL for (int i = 0; i < 3; i++) words[i] = (uint16_t)bits[i];
#elif VL == 8
    uint8_t *halves = (uint8_t *)words + at / 8 % 2; /* little-endian: channels 0..7 first */
    if (at % 16 == 0 && channel + 8 >= channels)
        FCNN_UNROLL for (int i = 0; i < 3; i++) words[i] = (uint16_t)bits[i];
    else
        FCNN_UNROLL for (int i = 0; i < 3; i++) halves[2 * i] = (uint8_t)bits[i];
#else
    (void)channels;
    FCNN_UNROLL for (int i = 0; i < 3; i++) words[i] = (uint16_t)((at % 16 ? words[i] : 0u) | bits[i] << at % 16);
#endif
}

/* Where b wins over an earlier a: it is larger, or the first NaN. */
FCNN_INLINE mask beats(vec b, vec a) { return mask_andnot(vec_not_le(b, a), vec_unordered(a, a)); }

/* One vector of one 2x2 window: the first maximum in row-major order wins, a NaN wins over numbers; then ReLU. The
 * winner of each row first, then the winner of the rows. */
FCNN_INLINE vec pool_window(const vec x[4], uint16_t *words, int64_t channel, int64_t channels, mask real)
{
    const mask right_above = beats(x[1], x[0]), right_below = beats(x[3], x[2]);
    const vec above = vec_select(right_above, x[1], x[0]), below = vec_select(right_below, x[3], x[2]);
    const mask lower = beats(below, above);
    const vec best = vec_select(lower, below, above);
    const unsigned alive = mask_bits(mask_and(real, vec_not_le(best, vec_zero()))), bit1 = mask_bits(lower);
    const unsigned bit0 = (mask_bits(right_below) & bit1) | (mask_bits(right_above) & ~bit1);
    put_choice(words, channel, channels, (const unsigned[3]){bit0 & alive, bit1 & alive, alive});
    return rectify(best);
}

#endif
