/* SPDX-License-Identifier: BSD-2-Clause
 * Which values are not zero, a bit each. Include after vector_<isa>.h. */
#ifndef FCNN_LIVE_H
#define FCNN_LIVE_H

#include "kernels/simd/common.h"

/* Pixels of so many channels, each in whole words: [pixel][words]. A NaN is not zero. */
static void mark_live(int64_t pixels, int64_t channels, const float *x, uint64_t *live)
{
    for (int64_t i = 0; i < pixels; i++)
        for (int64_t count = channels, width; count > 0; count -= width, x += width) {
            uint64_t word = 0;
            width = fcnn_min(count, FCNN_LIVE_WORD);
            for (int64_t c = 0; c < width; c += VL) {
                const mask real = vec_first(fcnn_min(VL, width - c));
                const vec value = width - c >= VL ? vec_load(x + c) : vec_load_masked(x + c, real);
                word |= (uint64_t)mask_bits(mask_andnot(real, vec_eq(value, vec_zero()))) << c;
            }
            *live++ = word;
        }
}

#endif
