/* SPDX-License-Identifier: BSD-2-Clause
 * ReLU, and 2x2 max pooling with its choice words (numerics.md, rule 8) of vectors in registers, for kernels that hold
 * whole windows of convolution outputs. The stub includes vector_<isa>.h first. */
#ifndef FCNN_POOL_WINDOW_H
#define FCNN_POOL_WINDOW_H

#include "kernels/simd/common.h"
#include "kernels/simd/windows.h"

/* x < 0 ? 0 : x */
FCNN_INLINE vec rectify(vec x) { return vec_max(vec_zero(), x); }

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
