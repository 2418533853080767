/* SPDX-License-Identifier: BSD-2-Clause
 * The inner loops of grouped convolution over the vector header that the stub has included: spreading, and forward and
 * backward data. Backward weights: weights_body.h. */
#include "kernels/grouped/grouped.h"
#include "kernels/simd/common.h"

/* Most pixels of a tile, one accumulator each. */
#if VEC_REGISTERS >= 32
#define TILE_PIXELS 14
#else
#define TILE_PIXELS 12
#endif

/* ---- spreading ---- */

/* Side by side, since each has a chain of additions to its bias, and one load may serve all. */
#if VEC_REGISTERS >= 32
#define FILL_CHANNELS 8
#else
#define FILL_CHANNELS 4
#endif

/* Constants of a loop. joint: all channels of a pixel that are spread are in one vector, which is loaded once. */
struct fill_kind {
    int joint, whole, masked, biased;
};

FCNN_INLINE void fill_ahead(const struct fcnn_grouped_fill *fill, const float *src, const float *dst, const int masked)
{
    if (!fill->ahead) return;
    __builtin_prefetch(FCNN_BEYOND(src, fill->ahead), 0, 2);
    if (masked) __builtin_prefetch(FCNN_BEYOND(dst, fill->ahead), 0, 2);
}

/* Channel i of a pixel, and those after it as far as it is joint. */
FCNN_INLINE vec fill_load(const float *src, const float *dst, const struct fill_kind *kind, mask real)
{
    const vec x = kind->whole ? vec_load(src) : vec_load_masked(src, real);
    if (!kind->masked) return x;
    const vec y = kind->whole ? vec_load(dst) : vec_load_masked(dst, real);
    return vec_select(vec_eq(y, vec_zero()), vec_zero(), x);
}

/* Pixels go to `out` and `next` in turn. */
FCNN_INLINE void fill_turn(float **out, float **next, int64_t jump)
{
    float *const done = *out;
    *out = *next, *next = done + jump;
}

/* `channels` and what is in `kind` are constants. */
FCNN_INLINE void fill_channels(const struct fcnn_grouped_fill *fill, int64_t i, const int channels,
                               const struct fill_kind kind)
{
    const int64_t step = fill->step, plane = fill->plane, jump = fill->jump, apart = kind.joint ? 0 : 1;
    const float *src = fill->src + i * apart, *dst = kind.masked ? fill->dst + i * apart : NULL;
    const mask real = vec_first(fill->reach + (kind.joint ? fill->depth - 1 : 0));
    float *out = fill->out + i * plane, *next = fill->next + i * plane;
    vec bias[FILL_CHANNELS], x = vec_zero();
    ivec index[FILL_CHANNELS];
    FCNN_UNROLL for (int c = 0; c < channels; c++) {
        index[c] = ivec_load(fill->index);
        if (kind.joint) index[c] = ivec_add(index[c], ivec_set1((int32_t)i + c));
        if (kind.biased) bias[c] = vec_load(fill->bias + (i + c) * VL);
    }
    for (int64_t left = fill->columns; left > 0; left--, src += step) {
        fill_ahead(fill, src, dst, kind.masked);
        if (kind.joint) x = fill_load(src, dst, &kind, real);
        FCNN_UNROLL for (int c = 0; c < channels; c++) {
            if (!kind.joint) x = fill_load(src + c, kind.masked ? dst + c : NULL, &kind, real);
            const vec spread = vec_permute(x, index[c]);
            vec_store(out + c * plane, spread);
            if (kind.biased) bias[c] = vec_add(bias[c], spread);
        }
        fill_turn(&out, &next, jump);
        if (kind.masked) dst += step;
    }
    if (kind.biased) FCNN_UNROLL for (int c = 0; c < channels; c++) vec_store(fill->bias + (i + c) * VL, bias[c]);
}

FCNN_INLINE void fill_some(const struct fcnn_grouped_fill *fill, int64_t i, const int channels, const int joint,
                           const int whole)
{
    if (fill->dst && fill->bias) fill_channels(fill, i, channels, (struct fill_kind){joint, whole, 1, 1});
    else if (fill->dst) fill_channels(fill, i, channels, (struct fill_kind){joint, whole, 1, 0});
    else if (fill->bias) fill_channels(fill, i, channels, (struct fill_kind){joint, whole, 0, 1});
    else fill_channels(fill, i, channels, (struct fill_kind){joint, whole, 0, 0});
}

FCNN_INLINE void fill_any(const struct fcnn_grouped_fill *fill, int64_t i, const int channels)
{
    const int joint = fill->reach + fill->depth - 1 <= VL;
    if (joint && fill->room >= VL) fill_some(fill, i, channels, 1, 1);
    else if (joint) fill_some(fill, i, channels, 1, 0);
    else if (i + channels - 1 + VL <= fill->room) fill_some(fill, i, channels, 0, 1);
    else fill_some(fill, i, channels, 0, 0);
}

/* What is in `kind` is constant; x[i * VL] and on of each pixel. */
FCNN_INLINE void copy_plane(const struct fcnn_grouped_fill *fill, int64_t i, const struct fill_kind kind)
{
    const float *src = fill->src + i * VL, *dst = kind.masked ? fill->dst + i * VL : NULL;
    const mask real = vec_first(fcnn_min(VL, fill->room - i * VL));
    const int64_t step = fill->step, jump = fill->jump;
    float *out = fill->out + i * fill->plane, *next = fill->next + i * fill->plane;
    vec bias = kind.biased ? vec_load(fill->bias + i * VL) : vec_zero();
    for (int64_t left = fill->columns; left > 0; left--, src += step) {
        fill_ahead(fill, src, dst, kind.masked);
        const vec x = fill_load(src, dst, &kind, real);
        vec_store(out, x);
        if (kind.biased) bias = vec_add(bias, x);
        fill_turn(&out, &next, jump);
        if (kind.masked) dst += step;
    }
    if (kind.biased) vec_store(fill->bias + i * VL, bias);
}

FCNN_INLINE void copy_any(const struct fcnn_grouped_fill *fill, int64_t i, const int whole)
{
    if (fill->dst && fill->bias) copy_plane(fill, i, (struct fill_kind){1, whole, 1, 1});
    else if (fill->dst) copy_plane(fill, i, (struct fill_kind){1, whole, 1, 0});
    else if (fill->bias) copy_plane(fill, i, (struct fill_kind){1, whole, 0, 1});
    else copy_plane(fill, i, (struct fill_kind){1, whole, 0, 0});
}

static void copy_row(const struct fcnn_grouped_fill *fill)
{
    for (int64_t i = 0; i < fill->depth; i++)
        if ((i + 1) * VL <= fill->room) copy_any(fill, i, 1);
        else copy_any(fill, i, 0);
}

static void fill_row(const struct fcnn_grouped_fill *fill)
{
    if (!fill->index) {
        copy_row(fill);
        return;
    }
    int64_t i = 0;
    for (; i + FILL_CHANNELS <= fill->depth; i += FILL_CHANNELS) fill_any(fill, i, FILL_CHANNELS);
    for (; i + FILL_CHANNELS / 2 <= fill->depth; i += FILL_CHANNELS / 2) fill_any(fill, i, FILL_CHANNELS / 2);
    for (; i < fill->depth; i++) fill_any(fill, i, 1);
}

/* ---- forward and backward data ---- */

/* Spread channels, of what is copied; `way` is a constant. */
FCNN_INLINE vec load_spread(const float *x, const enum fcnn_grouped_way way)
{
    return way == FCNN_BROADCAST ? vec_set1(*x) : way == FCNN_PAIRS ? vec_pairs(x) : way == FCNN_QUADS ? vec_quads(x)
                                                                                                        : vec_load(x);
}

/* Asks for a line of what the next band needs, if there is one; what comes then. `idle`, a constant: a load more costs
 * less than a branch. */
FCNN_INLINE const float *fetch_line(const float *fetch, const float *end, const int idle)
{
    if (!idle && fetch >= end) return end;
    __builtin_prefetch(fetch, 0, 2);
    return end - fetch > FCNN_GROUPED_LANES ? fetch + FCNN_GROUPED_LANES : end;
}

/* A tap of all pixels of a tile; `pixels`, too, is a constant. */
FCNN_INLINE void add_tap(struct fcnn_grouped_run *run, const float *x, const float *w, vec *acc, const int pixels,
                         const enum fcnn_grouped_way way)
{
    const int64_t depth = run->depth, plane = run->plane;
    const float *fetch = run->fetch, *const fetch_end = run->fetch_end;
    const int64_t channel = way == FCNN_SPREAD ? VL : (int64_t)way; /* floats to the next one */
    for (int64_t left = depth * channel; left > 0; left -= VL, x = FCNN_BEYOND(x, plane)) {
        const float *at = x;
        for (const float *end = x + fcnn_min(left, VL); at < end; at += channel, w += VL) {
            const vec weight = vec_keep(vec_load(w));
            fetch = fetch_line(fetch, fetch_end, 0);
            FCNN_UNROLL for (int i = 0; i < pixels; i++)
                acc[i] = vec_fma(load_spread(at + i * VL, way), weight, acc[i]);
        }
    }
    run->fetch = fetch;
}

/* `pixels` and `way` are constants: accumulators live in registers. */
FCNN_INLINE void run_tile(struct fcnn_grouped_run *run, int64_t first, const int pixels,
                          const enum fcnn_grouped_way way)
{
    const int64_t count = run->count, taps = run->taps, step = run->step;
    const int64_t *const offsets = run->offsets;
    float *dst = run->dst + first * step;
    vec acc[TILE_PIXELS];
    const vec start = vec_load(run->init);
    FCNN_UNROLL for (int i = 0; i < pixels; i++) acc[i] = start;
    for (int64_t r = 0; r < count; r++)
        for (int64_t s = 0; s < taps; s++) {
            const float *x = run->rows[r].x + offsets[s] + first * VL;
            const float *w = run->rows[r].weights + run->skip + s * run->tap;
            add_tap(run, x, w, acc, pixels, way);
        }
    if (fcnn_grouped_interleaves(way))
        FCNN_UNROLL for (int i = 0; i < pixels; i++) acc[i] = vec_permute(acc[i], ivec_load(run->index));
    if (run->relu) FCNN_UNROLL for (int i = 0; i < pixels; i++) acc[i] = vec_max(vec_zero(), acc[i]);
    if (run->lanes == VL) FCNN_UNROLL for (int i = 0; i < pixels; i++) vec_store(dst + i * step, acc[i]);
    else FCNN_UNROLL for (int i = 0; i < pixels; i++) vec_store_masked(dst + i * step, acc[i], vec_first(run->lanes));
}

typedef void run_tile_fn(struct fcnn_grouped_run *run, int64_t first);
#define RUN_TILE(n) \
    static void run_tile_##n(struct fcnn_grouped_run *run, int64_t first)             \
    {                                                                                 \
        if (run->way == FCNN_BROADCAST) run_tile(run, first, n, FCNN_BROADCAST);      \
        else if (run->way == FCNN_PAIRS) run_tile(run, first, n, FCNN_PAIRS);         \
        else if (run->way == FCNN_QUADS) run_tile(run, first, n, FCNN_QUADS);         \
        else run_tile(run, first, n, FCNN_SPREAD);                                    \
    }
RUN_TILE(1) RUN_TILE(2) RUN_TILE(3) RUN_TILE(4) RUN_TILE(5) RUN_TILE(6)
RUN_TILE(7) RUN_TILE(8) RUN_TILE(9) RUN_TILE(10) RUN_TILE(11) RUN_TILE(12)
#if TILE_PIXELS == 14
RUN_TILE(13) RUN_TILE(14)
#endif

static run_tile_fn *const run_tiles[TILE_PIXELS + 1] = {
    NULL,       run_tile_1, run_tile_2,  run_tile_3,  run_tile_4,  run_tile_5,  run_tile_6,
    run_tile_7, run_tile_8, run_tile_9,  run_tile_10, run_tile_11, run_tile_12,
#if TILE_PIXELS == 14
    run_tile_13, run_tile_14,
#endif
};

/* Tiles of a row: as few as possible, as even as possible. */
static void run_row(struct fcnn_grouped_run *run)
{
    const int64_t count = fcnn_ceil_div(run->columns, TILE_PIXELS);
    for (int64_t i = 0, first = 0, next; i < count; i++, first = next) {
        next = (i + 1) * run->columns / count;
        run_tiles[next - first](run, first);
    }
}
