/* SPDX-License-Identifier: BSD-2-Clause
 * The inner loops of depthwise convolution over the vector header that the stub has included: one vector of channels at
 * a time; accumulators are a few pixels of a row. Backward weights: weights_body.h. */
#include "kernels/depthwise/depthwise.h"
#include "kernels/simd/common.h"

#define WIDTH FCNN_DEPTHWISE_WIDTH

/* Most pixels of a tile, one accumulator each: 32 registers have room for a row of 14, and half of one of 28. */
#if VEC_REGISTERS >= 32
#define TILE_PIXELS 14
#else
#define TILE_PIXELS 8
#endif

/* ---- forward and backward data ---- */

/* A load that the compiler must not repeat as a memory operand of each multiply-add. */
FCNN_INLINE vec load_once(const float *p) { return vec_keep(vec_load(p)); }

/* A row of taps for all pixels of a tile. */
FCNN_INLINE void run_taps(const struct fcnn_depthwise_run *run, const float *x, const float *w, const int pixels,
                          vec acc[TILE_PIXELS])
{
    const int64_t src_column = run->src_column;
    for (int64_t s = 0; s < run->taps_w; s++, x += run->tap_src_column, w += run->tap_column) {
        const vec weight = load_once(w);
        FCNN_UNROLL for (int i = 0; i < pixels; i++) acc[i] = vec_fma(vec_load(x + i * src_column), weight, acc[i]);
    }
}

/* Three neighbouring taps at neighbouring pixels, the usual case: every input is loaded once. `backwards`: taps go
 * against the pixels (backward data). */
FCNN_INLINE void run_three_taps(const float *x, const float *w, const int backwards, const int pixels,
                                vec acc[TILE_PIXELS])
{
    const vec w0 = load_once(w), w1 = load_once(w + WIDTH), w2 = load_once(w + 2 * WIDTH);
    if (backwards) x -= 2 * WIDTH;
    vec left = load_once(x), middle = load_once(x + WIDTH);
    FCNN_UNROLL for (int i = 0; i < pixels; i++) {
        const vec right = load_once(x + (i + 2) * WIDTH);
        const vec first = backwards ? right : left, third = backwards ? left : right;
        acc[i] = vec_fma(third, w2, vec_fma(middle, w1, vec_fma(first, w0, acc[i])));
        left = middle, middle = right;
    }
}

/* The first pixel of a tile in one block of channels. */
struct place {
    const float *src, *weights, *init;
    float *dst;
    int64_t channels;
};

enum taps { TAPS_ANY, TAPS_FORWARDS, TAPS_BACKWARDS };

/* A tile of one vector of channels; `pixels` and `taps` are constants: accumulators live in registers. */
FCNN_INLINE void run_vector(const struct fcnn_depthwise_run *run, const struct place *at, int64_t channel,
                            const int pixels, const enum taps taps)
{
    const float *x = at->src + channel, *w = at->weights + channel;
    float *dst = at->dst + channel;
    const int64_t dst_column = run->dst_column, real = at->channels - channel;
    vec acc[TILE_PIXELS];
    const vec start = vec_load(at->init + channel);
    FCNN_UNROLL for (int i = 0; i < pixels; i++) acc[i] = start;
    for (int64_t r = 0; r < run->taps_h; r++, x += run->tap_src_row, w += run->tap_row) {
        if (taps == TAPS_ANY) run_taps(run, x, w, pixels, acc);
        else run_three_taps(x, w, taps == TAPS_BACKWARDS, pixels, acc);
    }
    if (run->relu) FCNN_UNROLL for (int i = 0; i < pixels; i++) acc[i] = vec_max(vec_zero(), acc[i]);
    if (real >= VL) FCNN_UNROLL for (int i = 0; i < pixels; i++) vec_store(dst + i * dst_column, acc[i]);
    else FCNN_UNROLL for (int i = 0; i < pixels; i++) vec_store_masked(dst + i * dst_column, acc[i], vec_first(real));
}

FCNN_INLINE void run_tile(const struct fcnn_depthwise_run *run, const struct place *at, const int pixels)
{
    const int three = run->taps_w == 3 && run->src_column == WIDTH && run->tap_column == WIDTH;
    for (int64_t c = 0; c < at->channels; c += VL) {
        if (three && run->tap_src_column == WIDTH) run_vector(run, at, c, pixels, TAPS_FORWARDS);
        else if (three && run->tap_src_column == -WIDTH) run_vector(run, at, c, pixels, TAPS_BACKWARDS);
        else run_vector(run, at, c, pixels, TAPS_ANY);
    }
}

typedef void run_tile_fn(const struct fcnn_depthwise_run *run, const struct place *at);
#define RUN_TILE(n) \
    static void run_tile_##n(const struct fcnn_depthwise_run *run, const struct place *at) { run_tile(run, at, n); }
RUN_TILE(1) RUN_TILE(2) RUN_TILE(3) RUN_TILE(4) RUN_TILE(5) RUN_TILE(6) RUN_TILE(7) RUN_TILE(8)
#if TILE_PIXELS == 14
RUN_TILE(9) RUN_TILE(10) RUN_TILE(11) RUN_TILE(12) RUN_TILE(13) RUN_TILE(14)
#endif

static run_tile_fn *const run_tiles[TILE_PIXELS + 1] = {
    NULL,       run_tile_1,  run_tile_2,  run_tile_3,  run_tile_4,  run_tile_5,  run_tile_6,  run_tile_7,  run_tile_8,
#if TILE_PIXELS == 14
    run_tile_9, run_tile_10, run_tile_11, run_tile_12, run_tile_13, run_tile_14,
#endif
};

/* Tiles of a row: as few as possible, as even as possible. */
struct tiles {
    int64_t count, least, larger; /* the first `larger` ones have a pixel more than `least` */
};

/* One row of one block. */
FCNN_INLINE void run_row(const struct fcnn_depthwise_run *run, const struct tiles *tiles, struct place at)
{
    for (int64_t i = 0; i < tiles->count; i++) {
        const int64_t pixels = tiles->least + (i < tiles->larger);
        run_tiles[pixels](run, &at);
        at.src += pixels * run->src_column;
        at.dst += pixels * run->dst_column;
    }
}

/* Blocks take turns row by row: with a power of two between pixels all stores of a block hit one or two cache sets. */
static void run_rows(const struct fcnn_depthwise_run *run)
{
    const int64_t count = fcnn_ceil_div(run->columns, TILE_PIXELS);
    const struct tiles tiles = {count, run->columns / count, run->columns % count};
    for (int64_t row = 0; row < run->rows; row++) {
        struct place at = {run->src + row * run->src_row, run->weights, run->init, run->dst + row * run->dst_row, 0};
        for (int64_t channel = 0; channel < run->channels; channel += WIDTH) {
            at.channels = fcnn_min(WIDTH, run->channels - channel);
            run_row(run, &tiles, at);
            at.src += run->src_block, at.weights += run->weights_block, at.init += run->weights_block, at.dst += WIDTH;
        }
    }
}

/* ---- images in scratch ---- */

FCNN_INLINE vec load_part(const float *p, int whole, mask real)
{
    return whole ? vec_load(p) : vec_load_masked(p, real);
}

static void fill_zeros(float *out, int64_t pixels)
{
    for (const float *end = out + pixels * WIDTH; out < end; out += VL) vec_store(out, vec_zero());
}

/* Pixels of one row and block; `whole` and `masked` are constants. */
FCNN_INLINE void fill_pixels(const float *src, const float *dst, int64_t pixels, int64_t step, int64_t channels,
                             const int whole, const int masked, float *out)
{
    for (const float *end = out + pixels * WIDTH; out < end; src += step, out += WIDTH) {
        FCNN_UNROLL for (int c = 0; c < WIDTH; c += VL) {
            const mask real = vec_first(whole ? VL : fcnn_max(0, fcnn_min(VL, channels - c)));
            vec x = load_part(src + c, whole, real);
            if (masked) x = vec_select(vec_eq(load_part(dst + c, whole, real), vec_zero()), vec_zero(), x);
            vec_store(out + c, x);
        }
        if (masked) dst += step;
    }
}

static void fill_block(const float *src, const float *dst, int64_t pixels, int64_t step, int64_t channels, float *out)
{
    if (channels < WIDTH && dst) fill_pixels(src, dst, pixels, step, channels, 0, 1, out);
    else if (channels < WIDTH) fill_pixels(src, dst, pixels, step, channels, 0, 0, out);
    else if (dst) fill_pixels(src, dst, pixels, step, channels, 1, 1, out);
    else fill_pixels(src, dst, pixels, step, channels, 1, 0, out);
}

static void fill_rows(const struct fcnn_depthwise_map *map, const float *src, const float *dst, int64_t first,
                      int64_t last, int64_t channels, float *out, int64_t block)
{
    const int64_t step = map->pixel, real = fcnn_min(map->w, map->columns - map->left);
    const int64_t right = map->columns - map->left - real;
    for (int64_t row = first - map->top; row < last - map->top; row++, out += map->columns * WIDTH)
        for (int64_t c = 0; c < channels; c += WIDTH) {
            const int64_t at = row * map->w * step + c;
            float *to = out + c / WIDTH * block;
            if (row < 0 || row >= map->h) {
                fill_zeros(to, map->columns);
                continue;
            }
            fill_zeros(to, map->left);
            fill_block(src + at, dst ? dst + at : NULL, real, step, channels - c, to + map->left * WIDTH);
            fill_zeros(to + (map->left + real) * WIDTH, right);
        }
}
