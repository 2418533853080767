/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Winograd's convolution, backward weights: dW = G^T [ sum over tiles of (B^T d B)(A dY A^T) ] G. A call transforms a
 * chunk of tiles to V and Y and adds V^T Y of every frequency to sums S. Where a block of images is one chunk, a band
 * of input channels at a time is summed and transformed back, and S stays in cache; else S is carried through memory.
 * Order: images in blocks of FCNN_BLOCK as in direct_weights.c; in a block one chain per frequency over its tiles, then
 * G^T . G; blocks along the fixed tree. The bias gradient is the exact one. A task is GRANULE input channels, because
 * what threads have in common, Y, takes less time than V. */
#include <string.h>

#include "kernels/conv2d/weights_sum.h"
#include "kernels/winograd/winograd.h"
#include "kernels/simd/common.h"

/* Knobs: tiles of a chunk at most; input channels summed at a time; bytes of S, if carried, up to which the tasks of a
 * call go together. */
enum { CHUNK_TILES, BAND, SUM_BYTES };

#define GRANULE 16 /* input channels of a task at most: a vector of AVX-512 */
#define BIAS_STEPS 64
#define LINE 16                 /* floats; strides that are powers of two would share cache sets */

/* Distances in floats. V[frequency][tile][input channel of the part], Y[frequency][tile][output channel],
 * S[panel][band of the part][frequency][input channel of the band][column]; if nothing is carried, of one band. */
struct winograd_weights_cut {
    fcnn_problem problem;
    struct fcnn_gather gather; /* of the forward pass */
    struct fcnn_winograd_grid grid;
    enum fcnn_spread spread;
    struct fcnn_panels inputs;  /* tasks: of a group's input channels */
    struct fcnn_panels panels;  /* of a group's output channels */
    int64_t together, chunk_tiles; /* tasks that a call does at a time, tiles that it transforms at a time */
    int64_t band;                  /* input channels that it sums at a time, at most */
    int carried;
    int64_t v_tile, v_frequency, y_tile, y_frequency, s_frequency, s_band;
};

static int64_t line(int64_t floats) { return fcnn_ceil_div(floats, LINE) * LINE; }

/* All that does not depend on knobs; v_tile of all input channels. */
static struct winograd_weights_cut uncut_of(const struct fcnn_winograd *w, const fcnn_problem *p)
{
    struct winograd_weights_cut cut = {.problem = *p};
    cut.spread = p->activation == FCNN_RELU_ACTIVATION ? FCNN_SPREAD_FULL : FCNN_SPREAD_NOTHING;
    cut.problem.direction = FCNN_FORWARD;
    cut.gather = fcnn_gather_of(&cut.problem);
    cut.grid = fcnn_winograd_grid_of(w->m, fcnn_min(FCNN_BLOCK, p->n), p->p, p->q);
    cut.panels = fcnn_panels_of(cut.gather.width, w->tiles->lanes, w->tiles->vectors);
    cut.inputs = fcnn_panels_of(cut.gather.depth, GRANULE, 1);
    cut.v_tile = line(cut.gather.depth) + LINE;
    cut.y_tile = line(cut.gather.width) + LINE;
    return cut;
}

/* Floats of S of one frequency and input channel, in one panel. */
static int64_t widest_of(const struct fcnn_winograd *w) { return w->tiles->vectors * w->tiles->lanes; }

static struct winograd_weights_cut winograd_weights_cut_of(const struct fcnn_query *query)
{
    const struct fcnn_winograd *w = query->context;
    struct winograd_weights_cut cut = uncut_of(w, query->problem);
    const int64_t widest = widest_of(w), size = (int64_t)sizeof(float);
    cut.band = query->knobs[BAND];
    cut.chunk_tiles = fcnn_min(cut.grid.count, query->knobs[CHUNK_TILES]);
    cut.carried = cut.chunk_tiles < cut.grid.count;
    cut.together = cut.inputs.count;
    int64_t granule = cut.panels.count * cut.grid.frequencies * GRANULE * widest * size; /* bytes of S */
    if (cut.carried) cut.together = fcnn_min(cut.together, fcnn_max(1, query->knobs[SUM_BYTES] / granule));
    cut.v_tile = fcnn_min(cut.v_tile, line(cut.together * GRANULE) + LINE);
    cut.s_frequency = line(fcnn_min(cut.band, cut.together * GRANULE) * widest) + LINE;
    cut.s_band = cut.grid.frequencies * cut.s_frequency;
    cut.v_frequency = cut.chunk_tiles * cut.v_tile + LINE;
    cut.y_frequency = cut.chunk_tiles * cut.y_tile + LINE;
    return cut;
}

/* V and Y in three quarters of the L2 cache; at least so many tiles that an FMA chain of a sum takes four times as long
 * as the sum's way through memory, where a vector takes some 8 cycles and half an FMA's time is one: 64. */
static int64_t standard_tiles(const struct fcnn_query *query)
{
    const struct winograd_weights_cut cut = uncut_of(query->context, query->problem);
    const int64_t tile = cut.grid.frequencies * (cut.v_tile + cut.y_tile) * (int64_t)sizeof(float);
    return cut.grid.count <= 16 ? FCNN_MOOT : fcnn_max(64, query->caches->l2 / 4 * 3 / tile);
}

/* Sums of a band, of one panel and all frequencies of F(4x4), in most of the L2 cache. */
static int64_t standard_band(const struct fcnn_query *query)
{
    const int64_t depth = query->problem->c / query->problem->groups;
    const int64_t channel = 36 * widest_of(query->context) * (int64_t)sizeof(float);
    return depth <= 32 ? FCNN_MOOT : query->caches->l2 / 8 * 7 / channel / GRANULE * GRANULE;
}

/* S passes by once per chunk, which is long enough to hide its way from anywhere: several times the L2 cache. */
static int64_t standard_sum(const struct fcnn_query *query)
{
    return fcnn_max(query->caches->share, 8 * query->caches->l2);
}

const struct fcnn_knob fcnn_winograd_weights_knobs[] = {
    [CHUNK_TILES] = {"chunk_tiles", 8, {16, 32, 64, 96, 128, 192, 256, 512}, standard_tiles},
    [BAND] = {"band", 6, {32, 48, 96, 144, 192, 384}, standard_band},
    [SUM_BYTES] = {"sum_bytes", 6, {1 << 20, 2 << 20, 4 << 20, 8 << 20, 16 << 20, 32 << 20}, standard_sum},
};

/* Scratch: a pixel of zeros, V, Y, S. */
static int64_t zeros_floats(const struct winograd_weights_cut *cut)
{
    return line(fcnn_max(cut->gather.depth, cut->gather.width));
}
static int64_t v_floats(const struct winograd_weights_cut *cut) { return cut->grid.frequencies * cut->v_frequency; }
static int64_t y_floats(const struct winograd_weights_cut *cut) { return cut->grid.frequencies * cut->y_frequency; }

static int64_t s_floats(const struct winograd_weights_cut *cut)
{
    int64_t bands = fcnn_ceil_div(fcnn_min(cut->gather.depth, cut->together * GRANULE), cut->band);
    return (cut->carried ? cut->panels.count * bands : 1) * cut->s_band;
}

void fcnn_winograd_weights_demand(const struct fcnn_query *query, struct fcnn_demand *demand)
{
    const fcnn_problem *p = query->problem;
    struct winograd_weights_cut cut = winograd_weights_cut_of(query);
    int64_t floats = zeros_floats(&cut) + v_floats(&cut) + y_floats(&cut) + s_floats(&cut);
    demand->tables = (size_t)cut.chunk_tiles * sizeof(int32_t);
    demand->shared = fcnn_spread_bytes(p, cut.spread);
    demand->sums = fcnn_weights_sum_bytes(p);
    demand->scratch = (size_t)floats * sizeof(float);
    demand->tasks[FCNN_TABLES] = 1;
    demand->tasks[FCNN_GATHER] = cut.spread == FCNN_SPREAD_NOTHING ? 0 : p->n;
    demand->tasks[FCNN_COMPUTE] = p->groups * cut.inputs.count;
}

/* What a call works with. */
struct call {
    const struct fcnn_winograd *w;
    struct winograd_weights_cut cut;
    const int32_t *steps; /* floats of V from the first tile of a chunk to each tile */
    const float *src, *d_dst;
    float *zeros, *v, *y, *s;
    struct fcnn_weights_sum sum;
};

/* Input channels from .. to-1 of a group. */
struct part {
    int64_t group, from, to;
};

static void transform(const struct call *call, const struct part *part, int64_t image, int64_t first, int64_t last)
{
    const struct winograd_weights_cut *cut = &call->cut;
    const struct fcnn_gather *g = &cut->gather;
    const struct fcnn_winograd_grid *grid = &cut->grid;
    const int64_t m = call->w->m;
    const struct fcnn_winograd_image src = {call->src + part->group * g->depth + part->from, g->src_h, g->src_w,
                                            g->src_pixel};
    const struct fcnn_winograd_image d_dst = {call->d_dst + part->group * g->width, g->dst_h, g->dst_w, g->dst_pixel};
    for (int64_t tile = first; tile < last; tile++) {
        const float *pixels[FCNN_WINOGRAD_POINTS * FCNN_WINOGRAD_POINTS];
        int64_t j = tile % grid->across * m, i = tile / grid->across % grid->down * m;
        int64_t n = image + tile / grid->across / grid->down;
        int64_t top = i - cut->problem.pad_top, left = j - cut->problem.pad_left;
        fcnn_winograd_pixels(&src, n, top, left, grid->n, call->zeros, pixels);
        call->w->input(pixels, part->to - part->from, call->v + (tile - first) * cut->v_tile, cut->v_frequency);
        fcnn_winograd_pixels(&d_dst, n, i, j, m, call->zeros, pixels);
        call->w->gradient(pixels, g->width, call->y + (tile - first) * cut->y_tile, cut->y_frequency);
    }
}

static int64_t columns_of(const struct winograd_weights_cut *cut, struct fcnn_panel panel)
{
    return fcnn_ceil_div(panel.width, cut->panels.granule) * cut->panels.granule;
}

/* Input channels from .. to-1 of a part by one panel of output channels, with their sums. */
struct band {
    int64_t from, to;
    struct fcnn_panel panel;
    int64_t columns;
    float *s;
};

/* Adds V^T Y of one frequency over a chunk of tiles. `carry`: 0 for the first chunk of a block. */
static void multiply(const struct call *call, const struct band *band, int64_t frequency,
                     const struct fcnn_segment *tiles, int carry)
{
    const struct fcnn_tiles *isa = call->w->tiles;
    const struct winograd_weights_cut *cut = &call->cut;
    const float *v = call->v + frequency * cut->v_frequency + band->from;
    float *s = band->s + frequency * cut->s_frequency;
    int64_t depth = band->to - band->from, vectors = band->columns / isa->lanes;
    int64_t count = fcnn_ceil_div(depth, isa->rows[vectors]);
    struct fcnn_tile tile = {.segments = tiles, .segment_count = 1, .b_stride = cut->y_tile, .steps = call->steps,
                             .width = band->columns, .carry = carry, .tiles = 1, .out_step = band->columns,
                             .sums_step = band->columns};
    tile.b = call->y + frequency * cut->y_frequency + band->panel.from;
    for (int64_t i = 0; i < count; i++) {
        int64_t first = depth * i / count, rows = depth * (i + 1) / count - first;
        tile.a[0] = v + first;
        tile.sums = tile.out[0] = s + first * band->columns;
        isa->straight[vectors][rows](&tile);
    }
}

/* Sums of a band to gradients of taps, in a slot. */
static void transform_sums(const struct call *call, const struct part *part, const struct band *band, int64_t slot)
{
    const struct winograd_weights_cut *cut = &call->cut;
    int64_t k = cut->problem.k;
    float *out = fcnn_weights_sum_weights(&call->sum, slot) + part->group * cut->gather.width + band->panel.from;
    for (int64_t c = band->from; c < band->to; c++)
        call->w->taps(band->s + (c - band->from) * band->columns, cut->s_frequency, band->panel.width,
                      out + (part->from + c) * k, cut->gather.depth * k);
}

/* One panel of a chunk: tiles first .. last-1 of the `count` tiles of a block. */
static void sum_panel(const struct call *call, const struct part *part, int64_t at, int64_t first, int64_t last,
                      int64_t count, int64_t slot)
{
    const struct winograd_weights_cut *cut = &call->cut;
    const struct fcnn_segment tiles = {0, 0, last - first};
    struct band band = {.panel = fcnn_panel_at(&cut->panels, at)};
    int64_t depth = part->to - part->from, bands = fcnn_ceil_div(depth, cut->band);
    band.columns = columns_of(cut, band.panel);
    for (int64_t i = 0; i < bands; i++) {
        band.from = depth * i / bands;
        band.to = depth * (i + 1) / bands;
        band.s = call->s + (cut->carried ? at * bands + i : 0) * cut->s_band;
        for (int64_t frequency = 0; frequency < cut->grid.frequencies; frequency++)
            multiply(call, &band, frequency, &tiles, first > 0);
        if (last == count) transform_sums(call, part, &band, slot);
    }
}

/* The bias gradient of a block: one chain of 1 * d_dst + sum over its pixels. */
static void sum_bias(const struct call *call, const struct part *part, int64_t image, int64_t images, int64_t slot)
{
    static const float one = 1.0f;
    static const int32_t zeros[BIAS_STEPS];
    const struct winograd_weights_cut *cut = &call->cut;
    const struct fcnn_tiles *isa = call->w->tiles;
    int64_t pixels = images * cut->problem.p * cut->problem.q, k = cut->problem.k;
    for (int64_t i = 0; i < cut->panels.count; i++) {
        struct fcnn_panel panel = fcnn_panel_at(&cut->panels, i);
        int64_t channel = part->group * cut->gather.width + panel.from;
        for (int64_t first = 0; first < pixels; first += BIAS_STEPS) {
            const struct fcnn_segment segment = {0, 0, fcnn_min(BIAS_STEPS, pixels - first)};
            struct fcnn_tile tile = {.a = {&one}, .segments = &segment, .segment_count = 1, .b_stride = k,
                                     .steps = zeros, .width = panel.width, .carry = first > 0};
            tile.b = call->d_dst + image * cut->gather.dst_image + first * k + channel;
            tile.out[0] = fcnn_weights_sum_bias(&call->sum, slot) + channel;
            isa->outer[columns_of(cut, panel) / isa->lanes][1](&tile);
        }
    }
}

/* A part and whether its tasks sum the bias. */
struct share {
    const struct call *call;
    struct part part;
    int bias;
};

/* The chains of a block of images, back to taps. */
static void sum_block(void *context, int64_t image, int64_t images, int64_t slot)
{
    const struct share *share = context;
    const struct call *call = share->call;
    const struct winograd_weights_cut *cut = &call->cut;
    const int64_t count = images * cut->grid.down * cut->grid.across;
    for (int64_t first = 0; first < count; first += cut->chunk_tiles) {
        const int64_t last = fcnn_min(first + cut->chunk_tiles, count);
        transform(call, &share->part, image, first, last);
        for (int64_t i = 0; i < cut->panels.count; i++) sum_panel(call, &share->part, i, first, last, count, slot);
    }
    if (share->bias) sum_bias(call, &share->part, image, images, slot);
}

/* A part's weights, and its bias if it has one. */
static void add_slot(void *context, int64_t into)
{
    const struct share *share = context;
    const struct fcnn_weights_sum *sum = &share->call->sum;
    const struct fcnn_gather *g = &share->call->cut.gather;
    const struct part *part = &share->part;
    const int64_t channel = part->group * g->width;
    for (int64_t tap = 0; tap < 9; tap++)
        fcnn_weights_sum_add(sum, into, tap * g->depth + part->from, part->to - part->from, channel, g->width);
    if (share->bias) fcnn_weights_sum_add_bias(sum, into, channel, g->width);
}

static void compute(const struct call *call, int64_t first, int64_t last)
{
    const struct winograd_weights_cut *cut = &call->cut;
    memset(call->zeros, 0, (size_t)zeros_floats(cut) * sizeof(float));
    for (int64_t task = first, count; task < last; task += count) {
        int64_t group = task / cut->inputs.count, at = task % cut->inputs.count;
        int64_t left = fcnn_min(last - task, cut->inputs.count - at);
        count = fcnn_ceil_div(left, fcnn_ceil_div(left, cut->together));
        struct fcnn_panel begin = fcnn_panel_at(&cut->inputs, at), final = fcnn_panel_at(&cut->inputs, at + count - 1);
        struct share share = {call, {.group = group, .from = begin.from, .to = final.from + final.width}, 0};
        share.bias = !cut->problem.no_bias && begin.from == 0;
        fcnn_sum_blocks(cut->problem.n, sum_block, add_slot, &share);
    }
}

void fcnn_winograd_weights_run(const struct fcnn_query *query, const fcnn_tensors *t, const struct fcnn_memory *memory,
                               enum fcnn_stage stage, int64_t first, int64_t last)
{
    const struct fcnn_winograd *w = query->context;
    const fcnn_problem *p = query->problem;
    struct call call = {.w = w, .cut = winograd_weights_cut_of(query), .steps = memory->tables};
    const struct winograd_weights_cut *cut = &call.cut;
    if (stage == FCNN_TABLES) {
        for (int64_t i = 0; i < cut->chunk_tiles; i++) ((int32_t *)memory->tables)[i] = (int32_t)(i * cut->v_tile);
    } else if (stage == FCNN_GATHER) {
        fcnn_spread(w->tiles, p, t, cut->spread, memory->shared, first, last);
    } else {
        call.src = t->src;
        call.d_dst = cut->spread == FCNN_SPREAD_NOTHING ? t->d_dst : memory->shared;
        call.zeros = memory->scratch;
        call.v = call.zeros + zeros_floats(cut);
        call.y = call.v + v_floats(cut);
        call.s = call.y + y_floats(cut);
        call.sum = fcnn_weights_sum_of(p, t, memory->sums, w->tiles->add_sums);
        compute(&call, first, last);
    }
}
