/* SPDX-License-Identifier: BSD-2-Clause
 * Gradients spread back over what pooling and ReLU dropped, and transposed: the inputs of backward tiles. */
#include "kernels/simd/common.h"
#include "kernels/simd/sums.h"
#include "kernels/simd/transpose.h"

static void mask_relu(int64_t count, const float *dst, const float *d_dst, float *masked)
{
    for (int64_t i = 0; i < count; i += VL) {
        mask real = vec_first(fcnn_min(count - i, VL));
        vec dead = vec_load_masked(dst + i, real), gradient = vec_load_masked(d_dst + i, real);
        vec_store_masked(masked + i, vec_select(vec_eq(dead, vec_zero()), vec_zero(), gradient), real);
    }
}

FCNN_INLINE vec masked_by(vec x, const float *alive, mask real)
{
    return alive ? vec_select(vec_eq(vec_load_masked(alive, real), vec_zero()), vec_zero(), x) : x;
}

static void cut_strip(int64_t pixels, int64_t width, const float *from, const float *alive, int64_t from_step,
                      float *to, int64_t to_step)
{
    const int64_t whole = width / VL * VL;
    const mask all = vec_first(VL), real = vec_first(width - whole);
    for (int64_t i = 0; i < pixels; i++, from = FCNN_BEYOND(from, from_step), to = FCNN_BEYOND(to, to_step)) {
        const float *dst = alive ? alive + i * from_step : NULL;
        if (!dst)
            for (int64_t c = 0; c < whole; c += VL) vec_store(to + c, vec_load(from + c));
        else
            for (int64_t c = 0; c < whole; c += VL) vec_store(to + c, masked_by(vec_load(from + c), dst + c, all));
        if (whole < width)
            vec_store(to + whole, masked_by(vec_load_masked(from + whole, real), dst ? dst + whole : NULL, real));
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

/* Up to VL pixels by up to VL channels; `whole`: so many. */
FCNN_INLINE void transpose_square(int64_t pixels, int64_t channels, int64_t step, const float *from, const float *alive,
                                  float *out, int64_t pitch, const int whole, const int masked)
{
    const mask real = vec_first(fcnn_min(channels, VL));
    vec square[VL];
    FCNN_UNROLL for (int64_t i = 0; i < VL; i++) {
        const int64_t at = i * step;
        square[i] = vec_zero();
        if (!whole && i >= pixels) continue;
        square[i] = whole ? vec_load(from + at) : vec_load_masked(from + at, real);
        if (!masked) continue;
        const vec output = whole ? vec_load(alive + at) : vec_load_masked(alive + at, real);
        square[i] = vec_select(vec_eq(output, vec_zero()), vec_zero(), square[i]);
    }
    vec_transpose(square);
    FCNN_UNROLL for (int64_t i = 0; i < VL; i++)
        if (whole || i < channels) vec_store(out + i * pitch, square[i]);
}

static void transpose(int64_t pixels, int64_t channels, const float *from, const float *alive, int64_t from_step,
                      float *out, int64_t pitch)
{
    for (int64_t x = 0; x < pixels; x += VL)
        for (int64_t k = 0; k < channels; k += VL) {
            const int64_t at = x * from_step + k, height = pixels - x, width = channels - k;
            float *to = out + k * pitch + x;
            if (height < VL || width < VL)
                transpose_square(height, width, from_step, from + at, alive ? alive + at : from + at, to, pitch, 0, 1);
            else if (alive) transpose_square(VL, VL, from_step, from + at, alive + at, to, pitch, 1, 1);
            else transpose_square(VL, VL, from_step, from + at, NULL, to, pitch, 1, 0);
        }
}
