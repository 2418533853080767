/* SPDX-License-Identifier: BSD-2-Clause
 * Depthwise convolution in place over the vector header that the stub has included. A tile is ROWS x STRIP outputs,
 * whose sums are in registers, one vector of channels after the other. Channels go innermost because loads wait for
 * earlier stores to equal addresses modulo 4 KB: with a power of two between pixels, source and output of one channel
 * are such. */
#include "kernels/depthwise/inplace.h"
#include "kernels/simd/common.h"

#define WIDTH FCNN_DEPTHWISE_WIDTH

/* All sums, a row of weights and a source must fit the registers; 7 divides the usual maps. Narrow maps, and those that
 * it would divide badly, get NARROW columns. */
#define ROWS 3
#define NARROW 4
#if VEC_REGISTERS >= 32
#define STRIP 7
#else
#define STRIP NARROW
#endif
#define PAIRED(stride) (VEC_REGISTERS >= 32 && (stride) == 2) /* two vectors of channels: see run_pair() */

/* A tile of all channels. */
struct tile {
    const float *src; /* in the row of the first output's first tap, which may be outside, its first real column */
    float *dst;       /* the first output */
    int64_t outputs;  /* rows of them */
    unsigned rows;    /* bit i: row i of the source from there is real */
    int left, right;  /* the outermost column is real; else its neighbour is read in its place, and discarded */
};

/* One vector of channels of a tile. */
struct lanes {
    const float *src, *weights;
    mask real, left, right;              /* channels; of the outermost columns */
    int64_t step, left_step, right_step; /* from column to column of the source */
};

/* A row of the source times a row of taps; taps and what follows are constants. full: all lanes are real but in the
 * outermost columns. */
FCNN_INLINE void add_row(const struct lanes *at, int64_t row, int64_t tap, int64_t tap_step, const int taps,
                         const int stride, const int strip, const int full, vec acc[STRIP])
{
    const int last = (strip - 1) * stride + taps - 1;
    const float *w = fcnn_next(at->weights, tap), *src = fcnn_next(at->src, row);
    vec weight[3];
    FCNN_UNROLL for (int s = 0; s < taps; s++, w = fcnn_next(w, tap_step)) weight[s] = vec_load(w);
    FCNN_UNROLL for (int j = 0; j <= last; j++) {
        const mask real = j == 0 ? at->left : j == last ? at->right : at->real;
        const vec x = vec_load_real(src, full && j > 0 && j < last, real);
        src = fcnn_next(src, j == 0 ? at->left_step : j == last - 1 ? at->right_step : at->step);
        FCNN_UNROLL for (int s = 0; s < taps; s++)
            if (j >= s && (j - s) % stride == 0 && (j - s) / stride < strip)
                acc[(j - s) / stride] = vec_fma(x, weight[s], acc[(j - s) / stride]);
    }
}

FCNN_INLINE void finish_row(const struct fcnn_depthwise_patch *patch, float *dst, mask real, const int strip,
                            vec acc[STRIP])
{
    if (patch->relu) FCNN_UNROLL for (int i = 0; i < strip; i++) acc[i] = vec_max(vec_zero(), acc[i]);
    if (VEC_STORES_MASKED || mask_bits(real) != mask_bits(vec_first(VL))) /* masked stores are slow in AVX2 */
        FCNN_UNROLL for (int i = 0; i < strip; i++) vec_store_masked(dst + i * patch->dst_column, acc[i], real);
    else
        FCNN_UNROLL for (int i = 0; i < strip; i++) vec_store(dst + i * patch->dst_column, acc[i]);
}

/* The arguments from taps_h on are constants. */
FCNN_INLINE void run_lanes(const struct fcnn_depthwise_patch *patch, const struct tile *tile, const struct lanes *at,
                           vec init, float *dst, const int taps_h, const int taps_w, const int stride,
                           const int strip, const int full)
{
    vec acc[ROWS][STRIP];
    FCNN_UNROLL for (int o = 0; o < ROWS; o++)
        FCNN_UNROLL for (int i = 0; i < strip; i++) acc[o][i] = init;
    int64_t row = 0;
    FCNN_UNROLL for (int i = 0; i < (ROWS - 1) * stride + taps_h; i++, row += patch->src_row) {
        if (__builtin_expect(!(tile->rows >> i & 1), 0)) continue;
        FCNN_UNROLL for (int o = 0; o < ROWS; o++) {
            const int r = i - o * stride;
            if (r >= 0 && r < taps_h && (o == 0 || __builtin_expect(o < tile->outputs, 1)))
                add_row(at, row, r * patch->tap_row, patch->tap_column, taps_w, stride, strip, full, acc[o]);
        }
    }
    FCNN_UNROLL for (int o = 0; o < ROWS; o++, dst += patch->dst_row)
        if (__builtin_expect(o < tile->outputs, 1)) finish_row(patch, dst, at->real, strip, acc[o]);
}

/* Floats from a vector of packed weights to the next one. */
FCNN_INLINE int64_t next_weights(const struct fcnn_depthwise_patch *patch)
{
    return VL / WIDTH * patch->weights_block + VL % WIDTH;
}

/* With a stride rows of outputs share little of their source. One by one they leave registers for a second vector, and
 * of each pixel two neighbouring lines come at once; with a power of two between pixels, none waits for its turn in the
 * cache. All channels of both vectors are real. */
FCNN_INLINE void run_pair(const struct fcnn_depthwise_patch *patch, const struct tile *tile, const struct lanes *at,
                          const vec init[2], float *dst, const int taps_h, const int taps_w, const int stride,
                          const int strip)
{
    const int64_t second = next_weights(patch);
    const int last = (strip - 1) * stride + taps_w - 1;
    for (int64_t o = 0; o < tile->outputs; o++, dst += patch->dst_row) {
        vec acc[2][STRIP];
        FCNN_UNROLL for (int i = 0; i < strip; i++) acc[0][i] = init[0], acc[1][i] = init[1];
        FCNN_UNROLL for (int r = 0; r < taps_h; r++) {
            if (__builtin_expect(!(tile->rows >> (o * stride + r) & 1), 0)) continue;
            const float *w = at->weights + r * patch->tap_row, *src = at->src + (o * stride + r) * patch->src_row;
            vec weight[2][3];
            FCNN_UNROLL for (int s = 0; s < taps_w; s++, w = fcnn_next(w, patch->tap_column))
                weight[0][s] = vec_load(w), weight[1][s] = vec_load(w + second);
            FCNN_UNROLL for (int j = 0; j <= last; j++) {
                const mask real = j == 0 ? at->left : j == last ? at->right : at->real;
                const int inner = WHOLE(j > 0 && j < last);
                const vec x = vec_load_real(src, inner, real), y = vec_load_real(src + VL, inner, real);
                src = fcnn_next(src, j == 0 ? at->left_step : j == last - 1 ? at->right_step : at->step);
                FCNN_UNROLL for (int s = 0; s < taps_w; s++)
                    if (j >= s && (j - s) % stride == 0 && (j - s) / stride < strip) {
                        const int i = (j - s) / stride;
                        acc[0][i] = vec_fma(x, weight[0][s], acc[0][i]);
                        acc[1][i] = vec_fma(y, weight[1][s], acc[1][i]);
                    }
            }
        }
        finish_row(patch, dst, at->real, strip, acc[0]);
        finish_row(patch, dst + VL, at->real, strip, acc[1]);
    }
}

/* Copies, because a store to the output might change what is behind a pointer. */
FCNN_INLINE void run_tile(const struct fcnn_depthwise_patch patch, const struct tile tile, const int taps_h,
                          const int taps_w, const int stride, const int strip)
{
    for (int64_t c = 0; c < patch.channels; c += VL) {
        const int64_t packed = c / WIDTH * patch.weights_block + c % WIDTH;
        const mask real = vec_first(fcnn_min(VL, patch.channels - c)), none = vec_first(0);
        const struct lanes at = {.src = tile.src + c,
                                 .weights = patch.weights + packed,
                                 .real = real,
                                 .left = tile.left ? real : none,
                                 .right = tile.right ? real : none,
                                 .step = patch.src_column,
                                 .left_step = tile.left ? patch.src_column : 0,
                                 .right_step = tile.right ? patch.src_column : 0};
        const vec init = vec_load(patch.init + packed);
        if (PAIRED(stride) && c + 2 * VL <= patch.channels) {
            const vec both[2] = {init, vec_load(patch.init + packed + next_weights(&patch))};
            run_pair(&patch, &tile, &at, both, tile.dst + c, taps_h, taps_w, stride, strip);
            c += VL;
        } else if (WHOLE(c + VL <= patch.channels)) {
            run_lanes(&patch, &tile, &at, init, tile.dst + c, taps_h, taps_w, stride, strip, 1);
        } else {
            run_lanes(&patch, &tile, &at, init, tile.dst + c, taps_h, taps_w, stride, strip, 0);
        }
    }
}

typedef void run_tile_fn(const struct fcnn_depthwise_patch *patch, const struct tile *tile);

#define RUN_TILE(r, s, stride, strip)                                                                                  \
    static void run_tile_##r##s##stride##_##strip(const struct fcnn_depthwise_patch *patch, const struct tile *tile)   \
    {                                                                                                                  \
        run_tile(*patch, *tile, r, s, stride, strip);                                                                  \
    }
#define RUN_TILES(strip)                                                                                               \
    RUN_TILE(3, 3, 1, strip) RUN_TILE(3, 3, 2, strip) RUN_TILE(2, 2, 1, strip) RUN_TILE(2, 1, 1, strip)                \
    RUN_TILE(1, 2, 1, strip) RUN_TILE(1, 1, 1, strip)
#define NAME_TILES(strip)                                                                                              \
    {run_tile_331_##strip, run_tile_332_##strip, run_tile_221_##strip,                                                 \
     run_tile_211_##strip, run_tile_121_##strip, run_tile_111_##strip}
RUN_TILES(4)
#if VEC_REGISTERS >= 32
RUN_TILES(7)
static run_tile_fn *const run_tiles[][6] = {NAME_TILES(4), NAME_TILES(7)};
#else
static run_tile_fn *const run_tiles[][6] = {NAME_TILES(4)};
#endif

static run_tile_fn *run_tile_of(const struct fcnn_depthwise_patch *patch, int64_t strip)
{
    run_tile_fn *const *of = run_tiles[strip > NARROW];
    if (patch->taps_h == 3) return of[patch->stride - 1];
    return of[patch->taps_h == 2 ? 4 - patch->taps_w : 6 - patch->taps_w];
}

/* Bits of the real ones among `count` rows from `first` on. */
static unsigned real_rows(int64_t first, int64_t count, int64_t size)
{
    const int64_t from = fcnn_max(0, -first), to = fcnn_min(count, size - first);
    return from < to ? (1u << to) - (1u << from) : 0;
}

/* Outputs of a tile in a row, so that few are computed twice. */
static int64_t strip_of(int64_t columns)
{
    const int64_t in_wide = fcnn_ceil_div(columns, STRIP) * STRIP, in_narrow = fcnn_ceil_div(columns, NARROW) * NARROW;
    return columns < STRIP || in_narrow < in_wide ? NARROW : STRIP;
}

/* Tiles are as even in rows as possible. The last strip of a row is moved left until it ends with the row, and may
 * compute some outputs twice. */
static void run_patch(const struct fcnn_depthwise_patch *patch)
{
    const int64_t strip = strip_of(patch->columns), stride = patch->stride;
    const int64_t strips = fcnn_ceil_div(patch->columns, strip);
    const int64_t rows = patch->to - patch->from, tiles = fcnn_ceil_div(rows, ROWS);
    run_tile_fn *run = run_tile_of(patch, strip);
    for (int64_t t = 0; t < tiles; t++) {
        const int64_t y = patch->from + rows * t / tiles, outputs = patch->from + rows * (t + 1) / tiles - y;
        for (int64_t i = 0; i < strips; i++) {
            const int64_t x = fcnn_min(i * strip, patch->columns - strip);
            const int64_t row = y * stride - patch->top, column = x * stride - patch->left;
            const int64_t end = column + (strip - 1) * stride + patch->taps_w;
            const struct tile tile = {
                .src = patch->src + row * patch->src_row + fcnn_max(0, column) * patch->src_column,
                .dst = patch->dst + y * patch->dst_row + x * patch->dst_column,
                .outputs = outputs,
                .rows = real_rows(row, (outputs - 1) * stride + patch->taps_h, patch->src_rows),
                .left = column >= 0,
                .right = end <= patch->src_columns};
            run(patch, &tile);
        }
    }
}

static const struct fcnn_depthwise_inplace loops = {VL, NARROW, run_patch};
