/* SPDX-License-Identifier: BSD-2-Clause
 * The inner loops of depthwise convolution over the vector header that the stub has included: one vector of channels at
 * a time; accumulators are a few pixels of a few rows. Backward weights: weights_body.h. */
#include "kernels/depthwise/depthwise.h"
#include "kernels/simd/common.h"

#define WIDTH FCNN_DEPTHWISE_WIDTH

/* A tile: outputs of up to ROWS rows and STRIP columns whose sums are in registers, beside a row of weights and a
 * source; one vector of channels after the other. 7 divides the usual maps. */
#define ROWS 3
#if VEC_REGISTERS >= 32
#define STRIP 7
#else
#define STRIP 4
#endif
#define NARROW 3 /* least columns of tiles with neighbouring taps */
#define MOST_TAPS 7

/* A load that the compiler must not repeat as a memory operand of each multiply-add. */
FCNN_INLINE vec load_once(const float *p) { return vec_keep(vec_load(p)); }

/* ---- forward and backward data ---- */

struct tile {
    const float *src; /* the first output's first tap */
    float *dst;       /* the first output */
    int64_t outputs;  /* rows of them */
};

/* One vector of channels of a tile. */
struct lanes {
    const float *src, *weights;
    mask real;
};

/* A row of taps of any distance for a row of outputs. */
FCNN_INLINE void add_taps(const struct fcnn_depthwise_run *run, const float *src, const float *w, mask real,
                          const int whole, const int columns, vec acc[STRIP])
{
    const int64_t src_column = run->src_column;
    for (int64_t s = 0; s < run->taps_w; s++, src += run->tap_src_column, w += run->tap_column)
        for (int64_t d = 0; d < run->depth * WIDTH; d += WIDTH) {
            const vec weight = load_once(w + d);
            const float *x = src + d;
            FCNN_UNROLL for (int i = 0; i < columns; i++, x = fcnn_next(x, src_column))
                acc[i] = vec_fma(vec_load_real(x, whole, real), weight, acc[i]);
        }
}

/* The same where neighbouring taps are `stride` times as close as neighbouring outputs: a source is loaded once. */
FCNN_INLINE void add_window(const struct fcnn_depthwise_run *run, const float *src, const float *w, mask real,
                            const int whole, const int columns, const int taps, const int stride, vec acc[STRIP])
{
    const int64_t step = run->tap_src_column, tap_step = run->tap_column;
    vec weight[MOST_TAPS];
    FCNN_UNROLL for (int s = 0; s < taps; s++, w = fcnn_next(w, tap_step)) weight[s] = vec_load(w);
    FCNN_UNROLL for (int j = 0; j < (columns - 1) * stride + taps; j++, src = fcnn_next(src, step)) {
        const vec x = vec_load_real(src, whole, real);
        FCNN_UNROLL for (int s = 0; s < taps; s++)
            if (j >= s && (j - s) % stride == 0 && (j - s) / stride < columns)
                acc[(j - s) / stride] = vec_fma(x, weight[s], acc[(j - s) / stride]);
    }
}

/* `columns` and what follows it are constants; taps 0: any; full: all lanes are real. Row after row of taps, each for
 * all rows of outputs that meet it, so that it is in the cache for the second one: `apart` rows of taps lie between
 * rows of outputs. */
FCNN_INLINE void run_lanes(const struct fcnn_depthwise_run *run, const struct tile *tile, const struct lanes *at,
                           vec init, float *dst, const int columns, const int taps, const int stride,
                           const int full)
{
    vec acc[ROWS][STRIP];
    FCNN_UNROLL for (int o = 0; o < ROWS; o++)
        FCNN_UNROLL for (int i = 0; i < columns; i++) acc[o][i] = init;
    const int64_t rows = (tile->outputs - 1) * run->apart + run->taps_h;
    /* From the place of a row of taps to that for the next row of outputs: of src (0 if that is shared), of weights. */
    const int64_t next = run->src_row - run->apart * run->tap_src_row, back = run->apart * run->tap_row;
    const float *src = at->src, *w = at->weights;
    for (int64_t row = 0, part = 0; row < rows;) { /* part: its first tap */
        FCNN_UNROLL for (int o = 0; o < ROWS; o++) {
            if ((uint64_t)(row - o * run->apart) >= (uint64_t)run->taps_h || o >= tile->outputs) continue;
            const float *x = src + o * next, *weights = w - o * back;
            if (taps) add_window(run, x, weights, at->real, full, columns, taps, stride, acc[o]);
            else add_taps(run, x, weights, at->real, full, columns, acc[o]);
        }
        if (taps && __builtin_expect(part + taps < run->taps_w, 0)) {
            src = fcnn_next(src, taps * run->tap_src_column), w = fcnn_next(w, taps * run->tap_column);
            part += taps;
        } else {
            src = fcnn_next(src, run->tap_src_row - part * run->tap_src_column);
            w = fcnn_next(w, run->tap_row - part * run->tap_column);
            part = 0, row++;
        }
    }
    const int whole = mask_bits(at->real) == mask_bits(vec_first(VL)); /* masked stores are slow in AVX2 */
    FCNN_UNROLL for (int o = 0; o < ROWS; o++, dst += run->dst_row) {
        if (o >= tile->outputs) break;
        FCNN_UNROLL for (int i = 0; i < columns; i++) {
            const vec sum = run->relu ? vec_max(vec_zero(), acc[o][i]) : acc[o][i];
            if (VEC_STORES_MASKED || !whole) vec_store_masked(dst + i * run->dst_column, sum, at->real);
            else vec_store(dst + i * run->dst_column, sum);
        }
    }
}

/* Copies, because a store to the output might change what is behind a pointer. */
FCNN_INLINE void run_tile(const struct fcnn_depthwise_run run, const struct tile tile, const int columns,
                          const int taps, const int stride)
{
    for (int64_t c = 0; c < run.channels; c += VL) {
        const int64_t packed = c / WIDTH * run.weights_block + c % WIDTH;
        const struct lanes at = {.src = tile.src + c / WIDTH * run.src_block + c % WIDTH,
                                 .weights = run.weights + packed,
                                 .real = vec_first(fcnn_min(VL, run.channels - c))};
        const vec init = vec_load(run.init + packed);
        if (run.channels - c >= VL) run_lanes(&run, &tile, &at, init, tile.dst + c, columns, taps, stride, 1);
        else run_lanes(&run, &tile, &at, init, tile.dst + c, columns, taps, stride, 0);
    }
}

typedef void run_tile_fn(const struct fcnn_depthwise_run *run, const struct tile *tile);
#define RUN_TILE(columns, taps, stride)                                                                                \
    static void run_tile_##columns##taps##stride(const struct fcnn_depthwise_run *run, const struct tile *tile)        \
    {                                                                                                                  \
        run_tile(*run, *tile, columns, taps, stride);                                                                  \
    }
#define RUN_TILES(taps, stride) RUN_TILE(3, taps, stride) RUN_TILE(4, taps, stride) WIDE_TILES(taps, stride)
#define NAME_TILES(taps, stride)                                                                                       \
    run_tile_3##taps##stride, run_tile_4##taps##stride WIDE_NAMES(taps, stride)
#if STRIP == 7
#define WIDE_TILES(taps, stride) RUN_TILE(5, taps, stride) RUN_TILE(6, taps, stride) RUN_TILE(7, taps, stride)
#define WIDE_NAMES(taps, stride) , run_tile_5##taps##stride, run_tile_6##taps##stride, run_tile_7##taps##stride
#else
#define WIDE_TILES(taps, stride)
#define WIDE_NAMES(taps, stride)
#endif
RUN_TILE(1, 0, 1) RUN_TILE(2, 0, 1) RUN_TILES(0, 1)
RUN_TILES(2, 1) RUN_TILES(3, 1) RUN_TILES(4, 1) RUN_TILES(5, 1) RUN_TILES(7, 1)
RUN_TILES(3, 2) RUN_TILES(4, 2) RUN_TILES(5, 2)

static run_tile_fn *const any_tiles[STRIP] = {run_tile_101, run_tile_201, NAME_TILES(0, 1)};

/* Tiles with neighbouring taps, from NARROW columns on; of more taps a part after the other. */
static const struct window {
    int64_t taps, stride;
    run_tile_fn *tiles[STRIP - NARROW + 1];
} windows[] = {{7, 1, {NAME_TILES(7, 1)}}, {5, 1, {NAME_TILES(5, 1)}}, {4, 1, {NAME_TILES(4, 1)}},
               {3, 1, {NAME_TILES(3, 1)}}, {2, 1, {NAME_TILES(2, 1)}}, {5, 2, {NAME_TILES(5, 2)}},
               {4, 2, {NAME_TILES(4, 2)}}, {3, 2, {NAME_TILES(3, 2)}}};

/* Mostly it is one part, or none: no division then. */
static int is_multiple(int64_t taps, int64_t part) { return taps == part || (taps > part && taps % part == 0); }

static run_tile_fn *run_tile_of(const struct fcnn_depthwise_run *run, int64_t columns)
{
    if (columns >= NARROW && run->depth == 1)
        for (size_t i = 0; i < sizeof windows / sizeof *windows; i++)
            if (is_multiple(run->taps_w, windows[i].taps) &&
                run->src_column == windows[i].stride * run->tap_src_column)
                return windows[i].tiles[columns - NARROW];
    return any_tiles[columns - 1];
}

/* Tiles of all channels, row by row; as few as possible, as even as possible. */
static void run_rows(const struct fcnn_depthwise_run *run)
{
    const int64_t tall = fcnn_ceil_div(run->rows, ROWS), wide = fcnn_ceil_div(run->columns, STRIP);
    const int64_t narrow = run->columns / wide, wider = run->columns % wide; /* a column more than `narrow` */
    run_tile_fn *const of_narrow = run_tile_of(run, narrow), *const of_wider = run_tile_of(run, narrow + (wider > 0));
    for (int64_t i = 0; i < tall; i++) {
        const int64_t y = run->rows * i / tall;
        struct tile tile = {run->src + y * run->src_row, run->dst + y * run->dst_row, run->rows * (i + 1) / tall - y};
        for (int64_t j = 0; j < wide; j++) {
            const int64_t columns = narrow + (j < wider);
            (j < wider ? of_wider : of_narrow)(run, &tile);
            tile.src += columns * run->src_column, tile.dst += columns * run->dst_column;
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

/* Pixels of one row whose channels are inputs of `multiplier` neighbouring ones each (forward). */
static void fill_repeated(const struct fcnn_depthwise_spread *spread, const float *src, int64_t pixels, int64_t step,
                          int64_t channel, int64_t channels, float *out)
{
    for (int64_t c = 0; c < WIDTH; c += VL) {
        const int64_t from = channel + c, to = from + fcnn_min(VL, channels - c), m = spread->multiplier;
        const mask met = vec_first(from < to ? (to - 1) / m - from / m + 1 : 0);
        const ivec lanes = ivec_load(spread->lanes + from);
        const float *x = src + (from < to ? from / m : 0);
        for (int64_t i = 0; i < pixels; i++, x += step)
            vec_store(out + i * WIDTH + c, vec_permute(vec_load_masked(x, met), lanes));
    }
}

/* VL of every multiplier-th gradient: each lane from the one of `vectors` vectors that has it. */
FCNN_INLINE vec every(const float *src, const float *dst, int64_t vectors, int64_t real, const int32_t *lanes)
{
    const ivec lane = ivec_load(lanes), place = ivec_load(lanes + VL);
    vec out = vec_zero();
    for (int64_t v = 0; v < vectors; v++, src += VL, real -= VL) {
        const mask met = vec_first(fcnn_max(0, fcnn_min(VL, real)));
        vec x = vec_load_masked(src, met);
        if (dst) x = vec_select(vec_eq(vec_load_masked(dst + v * VL, met), vec_zero()), vec_zero(), x);
        out = vec_select(ivec_eq(place, ivec_set1((int32_t)v)), vec_permute(x, lane), out);
    }
    return out;
}

/* Pixels of one row and block of the gradients of `depth` outputs for each channel (backward data). */
static void fill_parts(const struct fcnn_depthwise_spread *spread, const float *src, const float *dst, int64_t pixels,
                       int64_t step, int64_t channels, float *out)
{
    const int64_t m = spread->depth;
    for (int64_t i = 0; i < pixels; i++)
        for (int64_t part = 0; part < m; part++, out += WIDTH)
            for (int64_t c = 0; c < WIDTH; c += VL) {
                const int64_t at = i * step + c * m, real = (channels - c) * m;
                const int32_t *lanes = spread->lanes + part * 2 * VL;
                vec_store(out + c, real <= 0 ? vec_zero() : every(src + at, dst ? dst + at : NULL, m, real, lanes));
            }
}

/* Without a channel multiplier spread is NULL. */
FCNN_INLINE void fill_copy(const struct fcnn_halo *halo, const struct fcnn_depthwise_spread *spread,
                          const float *src, const float *dst, int64_t first, int64_t last, int64_t channels, float *out,
                          int64_t block)
{
    const int64_t step = halo->pixel, real = fcnn_min(halo->w, halo->columns - halo->left);
    const int64_t right = halo->columns - halo->left - real, depth = spread ? spread->depth : 1;
    for (int64_t row = first - halo->top; row < last - halo->top; row++, out += halo->columns * depth * WIDTH)
        for (int64_t c = 0; c < channels; c += WIDTH) {
            const int64_t image = row * halo->w * step, at = image + ((spread ? spread->channel : 0) + c) * depth;
            float *to = out + c / WIDTH * block, *middle = to + halo->left * depth * WIDTH;
            if (row < 0 || row >= halo->h) {
                fill_zeros(to, halo->columns * depth);
                continue;
            }
            fill_zeros(to, halo->left * depth);
            if (depth > 1)
                fill_parts(spread, src + at, dst ? dst + at : NULL, real, step, channels - c, middle);
            else if (spread)
                fill_repeated(spread, src + image, real, step, spread->channel + c, channels - c, middle);
            else
                fill_block(src + at, dst ? dst + at : NULL, real, step, channels - c, middle);
            fill_zeros(middle + real * depth * WIDTH, right * depth);
        }
}

static void fill_rows(const struct fcnn_halo *halo, const float *src, const float *dst, int64_t first,
                      int64_t last, int64_t channels, float *out, int64_t block)
{
    fill_copy(halo, NULL, src, dst, first, last, channels, out, block);
}

static void fill_spread_rows(const struct fcnn_halo *halo, const struct fcnn_depthwise_spread *spread,
                             const float *src, const float *dst, int64_t first, int64_t last, int64_t channels,
                             float *out, int64_t block)
{
    fill_copy(halo, spread, src, dst, first, last, channels, out, block);
}
