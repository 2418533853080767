/* SPDX-License-Identifier: BSD-2-Clause
 * Depthwise forward and backward data: a few pixels of a row by one vector of channels at a time, one accumulator each. A
 * weight vector is loaded once per tile and tap; inputs are memory operands, so that as many loads as multiply-adds suffice. */
#include "kernels/depthwise/depthwise.h"
#include "kernels/simd/common.h"

#define TILE_PIXELS 8

FCNN_INLINE vec load_part(const float *p, int whole, mask real) { return whole ? vec_load(p) : vec_load_masked(p, real); }

/* `pixels` and `whole` are constants: accumulators live in registers. */
FCNN_INLINE void run_vector(const struct fcnn_depthwise_run *run, const float *src, float *dst, int64_t channel, const int pixels,
                            const int whole, mask real)
{
    const int64_t src_pixel = run->src_pixel;
    const float *weights = run->weights + channel;
    vec acc[TILE_PIXELS];
    const vec start = run->bias ? load_part(run->bias + channel, whole, real) : vec_zero();
    FCNN_UNROLL for (int i = 0; i < pixels; i++) acc[i] = start;
    for (int64_t r = 0; r < run->rows; r++) {
        const float *x = src + channel + r * run->src_row, *w = weights + r * run->weights_row;
        for (int64_t s = 0; s < run->columns; s++, x += run->src_column, w += run->weights_column) {
            const vec weight = load_part(w, whole, real);
            FCNN_UNROLL for (int i = 0; i < pixels; i++)
                acc[i] = vec_fma(load_part(x + i * src_pixel, whole, real), weight, acc[i]);
        }
    }
    if (run->relu) FCNN_UNROLL for (int i = 0; i < pixels; i++) acc[i] = vec_max(vec_zero(), acc[i]);
    FCNN_UNROLL for (int i = 0; i < pixels; i++) {
        float *out = dst + channel + i * run->dst_pixel;
        if (whole) vec_store(out, acc[i]);
        else vec_store_masked(out, acc[i], real);
    }
}

FCNN_INLINE void run_tile(const struct fcnn_depthwise_run *run, const float *src, float *dst, const int pixels)
{
    int64_t channel = 0;
    for (; channel + VL <= run->channels; channel += VL) run_vector(run, src, dst, channel, pixels, 1, vec_first(VL));
    if (channel < run->channels) run_vector(run, src, dst, channel, pixels, 0, vec_first(run->channels - channel));
}

#define RUN_TILE(n) \
    static void run_tile_##n(const struct fcnn_depthwise_run *run, const float *src, float *dst) { run_tile(run, src, dst, n); }
RUN_TILE(1) RUN_TILE(2) RUN_TILE(3) RUN_TILE(4) RUN_TILE(5) RUN_TILE(6) RUN_TILE(7) RUN_TILE(8)

/* Tiles as few as possible and as even as possible. */
static void run_pixels(const struct fcnn_depthwise_run *run)
{
    static void (*const of[TILE_PIXELS + 1])(const struct fcnn_depthwise_run *, const float *, float *) = {
        NULL, run_tile_1, run_tile_2, run_tile_3, run_tile_4, run_tile_5, run_tile_6, run_tile_7, run_tile_8};
    const int64_t tiles = fcnn_ceil_div(run->pixels, TILE_PIXELS), least = run->pixels / tiles, larger = run->pixels % tiles;
    const float *src = run->src;
    float *dst = run->dst;
    for (int64_t i = 0; i < tiles; i++) {
        const int64_t pixels = least + (i < larger);
        of[pixels](run, src, dst);
        src += pixels * run->src_pixel;
        dst += pixels * run->dst_pixel;
    }
}
