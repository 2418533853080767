/* SPDX-License-Identifier: BSD-2-Clause
 * Gradients spread back over what pooling and ReLU dropped: the inputs of backward tiles. */
#include "kernels/simd/common.h"

static void mask_relu(int64_t count, const float *dst, const float *d_dst, float *masked)
{
    for (int64_t i = 0; i < count; i += VL) {
        mask real = vec_first(fcnn_min(count - i, VL));
        vec dead = vec_load_masked(dst + i, real), gradient = vec_load_masked(d_dst + i, real);
        vec_store_masked(masked + i, vec_select(vec_eq(dead, vec_zero()), vec_zero(), gradient), real);
    }
}

static void cut_strip(int64_t pixels, int64_t width, const float *from, const float *alive, int64_t from_step, float *to,
                      int64_t to_step)
{
    for (int64_t i = 0; i < pixels; i++, from += from_step, to += to_step)
        for (int64_t c = 0; c < width; c += VL) {
            const mask real = vec_first(fcnn_min(width - c, VL));
            vec x = vec_load_masked(from + c, real);
            if (alive) x = vec_select(vec_eq(vec_load_masked(alive + i * from_step + c, real), vec_zero()), vec_zero(), x);
            vec_store(to + c, x);
        }
}

/* Truth values of VL channels from word `part` of their group of 16. */
FCNN_INLINE mask get_choice(const uint16_t *choice, int part, int64_t channel)
{
    return mask_from_bits((unsigned)choice[channel / 16 * 3 + part] >> channel % 16);
}

static void unpool(int64_t channels, const uint16_t *choice, const float *d_dst, float *const full[4])
{
    for (int64_t c = 0; c < channels; c += VL) {
        mask real = vec_first(fcnn_min(channels - c, VL));
        mask bit0 = get_choice(choice, 0, c), bit1 = get_choice(choice, 1, c), alive = get_choice(choice, 2, c);
        vec gradient = vec_select(alive, vec_load_masked(d_dst + c, real), vec_zero());
        const mask position[4] = {mask_andnot(mask_andnot(alive, bit0), bit1), mask_andnot(bit0, bit1),
                                  mask_andnot(bit1, bit0), mask_and(bit0, bit1)};
        for (int i = 0; i < 4; i++) vec_store_masked(full[i] + c, vec_select(position[i], gradient, vec_zero()), real);
    }
}
