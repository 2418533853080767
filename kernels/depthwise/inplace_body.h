/* SPDX-License-Identifier: BSD-2-Clause
 * Depthwise convolution in place over the vector header that the stub has included. A tile is ROWS x STRIP outputs,
 * whose sums are in registers, one vector of channels after the other. Channels go innermost because loads wait for
 * earlier stores to equal addresses modulo 4 KB: with a power of two between pixels, source and output of one channel
 * are such. */
#include "kernels/depthwise/inplace.h"
#include "kernels/simd/common.h"

#define WIDTH FCNN_DEPTHWISE_WIDTH

/* All sums, a row of weights and a source of 3x3 windows must fit the registers; 7 divides the usual maps. Narrow maps,
 * and those that it would divide badly, get NARROW columns. */
#define ROWS 3
#define NARROW 4
#if VEC_REGISTERS >= 32
#define STRIP 7
#else
#define STRIP NARROW
#endif
#define MOST_TAPS 7
#define EDGE(taps) FCNN_DEPTHWISE_EDGE(taps) /* columns on either side of a tile's source that may be outside */
#define MOST_EDGE EDGE(MOST_TAPS)

/* Vectors of channels whose sums are in registers, beside a row of weights and a source, for one row of outputs: see
 * run_beside(). */
#define MOST_BESIDE 4
#define BESIDE(taps) (VEC_REGISTERS < 32 ? 1 : MOST_BESIDE * STRIP + (taps) < VEC_REGISTERS ? MOST_BESIDE : 2)

/* A tile of all channels. */
struct tile {
    const float *src; /* in the row of the first output's first tap, which may be outside, its first real column */
    float *dst;       /* the first output */
    int64_t outputs;  /* rows of them */
    unsigned rows;    /* bit i: row i of the source from there is real */
    int left, right;  /* outermost columns that are not: others are read in their place, and discarded */
};

/* One vector of channels of a tile. */
struct lanes {
    const float *src, *weights;
    mask real, left[MOST_EDGE], right[MOST_EDGE];              /* channels; of columns from the outermost inwards */
    int64_t step, left_step[MOST_EDGE], right_step[MOST_EDGE]; /* between columns of the source: inner ones; from and
                                                                * to the outer ones */
};

/* Column j of 0 .. last of a tile's source, of which `edge` on either side may be outside: its channels, the step to
 * the next one. */
FCNN_INLINE mask column_mask(const struct lanes *at, const int j, const int last, const int edge)
{
    return j < edge ? at->left[j] : j > last - edge ? at->right[last - j] : at->real;
}

FCNN_INLINE int64_t column_step(const struct lanes *at, const int j, const int last, const int edge)
{
    return j < edge ? at->left_step[j] : j >= last - edge && j < last ? at->right_step[last - 1 - j] : at->step;
}

/* A row of the source times a row of taps; taps and what follows are constants. full: all lanes are real but in the
 * outermost columns. (Intel's masked loads take places of multiply-adds.) */
FCNN_INLINE void add_row(const struct lanes *at, int64_t row, int64_t tap, int64_t tap_step, const int taps,
                         const int stride, const int strip, const int full, vec acc[STRIP])
{
    const int last = (strip - 1) * stride + taps - 1, edge = EDGE(taps);
    const float *w = fcnn_next(at->weights, tap), *src = fcnn_next(at->src, row);
    vec weight[MOST_TAPS];
    FCNN_UNROLL for (int s = 0; s < taps; s++, w = fcnn_next(w, tap_step)) weight[s] = vec_load(w);
    FCNN_UNROLL for (int j = 0; j <= last; j++) {
        const vec x = vec_load_real(src, full && j >= edge && j <= last - edge, column_mask(at, j, last, edge));
        src = fcnn_next(src, column_step(at, j, last, edge));
        FCNN_UNROLL for (int s = 0; s < taps; s++)
            if (j >= s && (j - s) % stride == 0 && (j - s) / stride < strip)
                acc[(j - s) / stride] = vec_fma(x, weight[s], acc[(j - s) / stride]);
    }
}

FCNN_INLINE void activate(const struct fcnn_depthwise_patch *patch, const int strip, vec acc[STRIP])
{
    if (patch->relu) FCNN_UNROLL for (int i = 0; i < strip; i++) acc[i] = vec_max(vec_zero(), acc[i]);
}

FCNN_INLINE void finish_row(const struct fcnn_depthwise_patch *patch, float *dst, mask real, const int strip,
                            vec acc[STRIP])
{
    activate(patch, strip, acc);
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

/* Where a channel, the first one of a vector, is in packed weights. */
FCNN_INLINE int64_t packed_at(const struct fcnn_depthwise_patch *patch, int64_t channel)
{
    return channel / WIDTH * patch->weights_block + channel % WIDTH;
}

/* One by one rows of outputs, which with a stride share little of their source, leave registers for more vectors: of
 * each pixel neighbouring lines come at once, and go at once. With a power of two between pixels they go to several
 * sets of the cache, each of which takes one line after the other. All channels of the vectors, of which `channel` is
 * the first one, are real. */
FCNN_INLINE void run_beside(const struct fcnn_depthwise_patch *patch, const struct tile *tile, const struct lanes *at,
                            int64_t channel, const int vectors, const int taps_h, const int taps_w, const int stride,
                            const int strip)
{
    float *dst = tile->dst + channel;
    for (int64_t o = 0; o < tile->outputs; o++, dst += patch->dst_row) {
        vec acc[MOST_BESIDE][STRIP];
        FCNN_UNROLL for (int v = 0; v < vectors; v++) {
            const vec init = vec_load(patch->init + packed_at(patch, channel + v * VL));
            FCNN_UNROLL for (int i = 0; i < strip; i++) acc[v][i] = init;
        }
        FCNN_UNROLL for (int r = 0; r < taps_h; r++) {
            if (__builtin_expect(!(tile->rows >> (o * stride + r) & 1), 0)) continue;
            const int64_t row = (o * stride + r) * patch->src_row;
            FCNN_UNROLL for (int v = 0; v < vectors; v++) {
                const int64_t tap = packed_at(patch, channel + v * VL) - packed_at(patch, channel) + r * patch->tap_row;
                add_row(at, row + v * VL, tap, patch->tap_column, taps_w, stride, strip, 1, acc[v]);
            }
        }
        FCNN_UNROLL for (int v = 0; v < vectors; v++) activate(patch, strip, acc[v]);
        FCNN_UNROLL for (int i = 0; i < strip; i++)
            FCNN_UNROLL for (int v = 0; v < vectors; v++) vec_store(dst + i * patch->dst_column + v * VL, acc[v][i]);
    }
}

/* The outputs of a vector of channels, into the cache: stores to lines that are not there wait for each other. */
FCNN_INLINE void fetch_outputs(const struct fcnn_depthwise_patch *patch, const struct tile *tile, int64_t channel,
                               const int strip)
{
    const float *dst = tile->dst + channel;
    for (int64_t o = 0; o < tile->outputs; o++, dst += patch->dst_row)
        FCNN_UNROLL for (int i = 0; i < strip; i++) __builtin_prefetch(dst + i * patch->dst_column, 1);
}

/* Of channels, all of which or the first few are real. */
FCNN_INLINE struct lanes lanes_of(const struct fcnn_depthwise_patch *patch, const struct tile *tile, mask real)
{
    struct lanes at = {.real = real, .step = patch->src_column};
    FCNN_UNROLL for (int i = 0; i < MOST_EDGE; i++) {
        at.left[i] = i < tile->left ? vec_first(0) : real, at.left_step[i] = i < tile->left ? 0 : at.step;
        at.right[i] = i < tile->right ? vec_first(0) : real, at.right_step[i] = i < tile->right ? 0 : at.step;
    }
    return at;
}

/* Copies, because a store to the output might change what is behind a pointer. */
FCNN_INLINE void run_tile(const struct fcnn_depthwise_patch patch, const struct tile tile, const int taps_h,
                          const int taps_w, const int stride, const int strip)
{
    const int most = BESIDE(taps_w), masked = VEC_STORES_MASKED && patch.masked;
    struct lanes at = lanes_of(&patch, &tile, vec_first(VL));
    int64_t c = 0;
    for (int beside; c + VL <= patch.channels && !masked; c += beside * VL) {
        const vec init = vec_load(patch.init + packed_at(&patch, c));
        at.src = tile.src + c, at.weights = patch.weights + packed_at(&patch, c);
        beside = (int)fcnn_min(fcnn_min(most, patch.beside), (patch.channels - c) / VL);
        if (beside < most) beside = beside < 2 ? 1 : 2;
        if (patch.fetch)
            for (int v = 0; v < beside; v++) fetch_outputs(&patch, &tile, c + v * VL, strip);
        if (most > 2 && beside == most)
            run_beside(&patch, &tile, &at, c, most, taps_h, taps_w, stride, strip);
        else if (most > 1 && beside == 2)
            run_beside(&patch, &tile, &at, c, 2, taps_h, taps_w, stride, strip);
        else
            run_lanes(&patch, &tile, &at, init, tile.dst + c, taps_h, taps_w, stride, strip, 1);
    }
    for (; c < patch.channels; c += VL) { /* once, unless all are masked */
        at = lanes_of(&patch, &tile, vec_first(fcnn_min(VL, patch.channels - c)));
        at.src = tile.src + c, at.weights = patch.weights + packed_at(&patch, c);
        if (patch.fetch) fetch_outputs(&patch, &tile, c, strip);
        run_lanes(&patch, &tile, &at, vec_load(patch.init + packed_at(&patch, c)), tile.dst + c, taps_h, taps_w,
                  stride, strip, 0);
    }
}

typedef void run_tile_fn(const struct fcnn_depthwise_patch *patch, const struct tile *tile);

#define RUN_TILE(r, s, stride, strip)                                                                                  \
    static void run_tile_##r##s##stride##_##strip(const struct fcnn_depthwise_patch *patch, const struct tile *tile)   \
    {                                                                                                                  \
        run_tile(*patch, *tile, r, s, stride, strip);                                                                  \
    }
#define RUN_TILES(strip)                                                                                               \
    RUN_TILE(3, 3, 1, strip) RUN_TILE(3, 3, 2, strip) RUN_TILE(5, 5, 1, strip) RUN_TILE(5, 5, 2, strip)                \
    RUN_TILE(1, 1, 1, strip) RUN_TILE(1, 2, 1, strip) RUN_TILE(2, 1, 1, strip) RUN_TILE(2, 2, 1, strip)                \
    RUN_TILE(2, 3, 1, strip) RUN_TILE(3, 2, 1, strip) RUN_TILE(7, 7, 1, strip)
RUN_TILES(4)
#if VEC_REGISTERS >= 32
RUN_TILES(7)
#define WINDOW(r, s, stride) {r, s, stride, run_tile_##r##s##stride##_4, run_tile_##r##s##stride##_7}
#else
#define WINDOW(r, s, stride) {r, s, stride, run_tile_##r##s##stride##_4, run_tile_##r##s##stride##_4}
#endif

static run_tile_fn *run_tile_of(const struct fcnn_depthwise_patch *patch, int64_t strip)
{
    static const struct {
        int64_t taps_h, taps_w, stride;
        run_tile_fn *narrow, *wide;
    } windows[] = {WINDOW(3, 3, 1), WINDOW(3, 3, 2), WINDOW(5, 5, 1), WINDOW(5, 5, 2), WINDOW(1, 1, 1),
                   WINDOW(1, 2, 1), WINDOW(2, 1, 1), WINDOW(2, 2, 1), WINDOW(2, 3, 1), WINDOW(3, 2, 1),
                   WINDOW(7, 7, 1)};
    size_t i = 0;
    while (windows[i].taps_h != patch->taps_h || windows[i].taps_w != patch->taps_w ||
           windows[i].stride != patch->stride)
        i++;
    return strip > NARROW ? windows[i].wide : windows[i].narrow;
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
                .left = (int)fcnn_max(0, -column),
                .right = (int)fcnn_max(0, end - patch->src_columns)};
            run(patch, &tile);
        }
    }
}

static const struct fcnn_depthwise_inplace loops = {VL, NARROW, BESIDE(3), VEC_STORES_MASKED, run_patch};
