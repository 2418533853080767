/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Winograd's convolution, forward, with pooling or not, and backward data (a forward pass of the gradient with rotated,
 * transposed filters and padding 2 - pad). Filters are transformed when they are packed. A call takes blocks of tiles:
 * patches -> V, per frequency V U -> M, M -> outputs. V and M should stay in half of the L2 cache; with many
 * channels they cannot, and a block is as large as it takes to pay for the way of each U from memory. A task is one
 * tile, which calls join to even blocks, or, with many channels, a slice of a block's, and neighbouring slices of a
 * call share V. Tiles begin at even outputs: none cuts a pooling window. */
#include <string.h>

#include "kernels/winograd/winograd.h"
#include "kernels/simd/common.h"

/* Knobs: least width of a slice (a call that begins inside a block transforms it anew); tiles of a block at most. */
enum { SLICE_CHANNELS, BLOCK_TILES };

#define LINE 16                 /* floats; strides that are powers of two would share cache sets */
#define WORD 16                 /* channels of a choice word; a panel is whole ones, so that no two tasks share one */

/* Distances in floats. V[frequency][tile][channel], M[frequency][tile][column of the slice],
 * U[panel][frequency][channel][column]. */
struct winograd_cut {
    struct fcnn_gather gather;
    struct fcnn_winograd_grid grid;
    enum fcnn_spread spread;
    int64_t pad_top, pad_left;
    struct fcnn_panels panels; /* of a group; whole choice words */
    int64_t lanes;
    int64_t strips, slices; /* tasks: strips of tiles (single ones; with several slices blocks) by slices of channels */
    int64_t together, block_tiles; /* strips, tiles of a block at most */
    int64_t v_tile, v_frequency, m_tile, m_frequency;
    int64_t u_frequency, u_panel, bias_floats, packed_group;
};

/* Columns of panels first .. last-1 in whole vectors. */
static int64_t columns_of(const struct winograd_cut *cut, int64_t first, int64_t last)
{
    int64_t from = fcnn_panel_at(&cut->panels, first).from;
    struct fcnn_panel end = fcnn_panel_at(&cut->panels, last - 1);
    return fcnn_ceil_div(end.from + end.width - from, cut->lanes) * cut->lanes;
}

static int64_t first_panel(const struct winograd_cut *cut, int64_t slice)
{
    return slice * cut->panels.count / cut->slices;
}

static int64_t line(int64_t floats) { return fcnn_ceil_div(floats, LINE) * LINE; }

static void lay_out(struct winograd_cut *cut)
{
    const struct fcnn_gather *g = &cut->gather;
    int64_t panel = 0, slice = 0;
    for (int64_t i = 0; i < cut->panels.count; i++) panel = fcnn_max(panel, columns_of(cut, i, i + 1));
    for (int64_t i = 0; i < cut->slices; i++)
        slice = fcnn_max(slice, columns_of(cut, first_panel(cut, i), first_panel(cut, i + 1)));
    cut->u_frequency = line(g->depth * panel) + LINE;
    cut->u_panel = cut->grid.frequencies * cut->u_frequency;
    cut->bias_floats = line(g->width);
    cut->packed_group = cut->bias_floats + cut->panels.count * cut->u_panel;
    cut->v_tile = line(g->depth) + LINE;
    cut->m_tile = line(slice) + LINE;
}

/* `most`: tiles of a block. */
static void cut_tiles(struct winograd_cut *cut, int64_t most)
{
    cut->strips = cut->slices > 1 ? fcnn_ceil_div(cut->grid.count, most) : cut->grid.count;
    cut->together = cut->slices > 1 ? 1 : fcnn_min(most, cut->grid.count);
    cut->block_tiles = cut->together * fcnn_ceil_div(cut->grid.count, cut->strips);
    cut->v_frequency = cut->block_tiles * cut->v_tile + LINE;
    cut->m_frequency = cut->block_tiles * cut->m_tile + LINE;
}

static struct winograd_cut sliced_cut_of(const struct fcnn_winograd *w, const fcnn_problem *p, int64_t slice_channels)
{
    int forward = p->direction == FCNN_FORWARD;
    const fcnn_problem conv = fcnn_conv_of(p, 0);
    struct winograd_cut cut = {.gather = fcnn_gather_of(&conv), .lanes = w->tiles->lanes};
    cut.spread = !forward && p->activation == FCNN_RELU_ACTIVATION ? FCNN_SPREAD_FULL : FCNN_SPREAD_NOTHING;
    cut.pad_top = forward ? p->pad_top : 2 - p->pad_top;
    cut.pad_left = forward ? p->pad_left : 2 - p->pad_left;
    cut.grid = fcnn_winograd_grid_of(w->m, cut.gather.images, cut.gather.dst_h, cut.gather.dst_w);
    cut.panels = fcnn_panels_of(cut.gather.width, WORD, fcnn_max(1, w->tiles->vectors * cut.lanes / WORD));
    cut.slices = fcnn_max(1, fcnn_min(cut.gather.width / slice_channels, cut.panels.count));
    lay_out(&cut);
    return cut;
}

static struct winograd_cut winograd_cut_of(const struct fcnn_query *query)
{
    struct winograd_cut cut = sliced_cut_of(query->context, query->problem, query->knobs[SLICE_CHANNELS]);
    cut_tiles(&cut, query->knobs[BLOCK_TILES]);
    return cut;
}

/* Products of 128 columns repay a patch's transform, which costs about as much as those of 16 (winograd.c). */
static int64_t standard_channels(const struct fcnn_query *query)
{
    const fcnn_problem conv = fcnn_conv_of(query->problem, 0);
    return fcnn_gather_of(&conv).width < 2 * 64 ? FCNN_MOOT : 128;
}

/* As many as have V and M in half of the L2 cache. At least so many that their products (FMAs of two vectors per cycle)
 * take twice the time of U's way from beyond that cache (a float per cycle): four for every lane, in tiles of six. */
static int64_t standard_tiles(const struct fcnn_query *query)
{
    const struct fcnn_winograd *w = query->context;
    const struct winograd_cut cut = sliced_cut_of(w, query->problem, query->knobs[SLICE_CHANNELS]);
    const int64_t tile = cut.grid.frequencies * (cut.v_tile + cut.m_tile) * (int64_t)sizeof(float);
    return fcnn_max(fcnn_ceil_div(4 * w->tiles->lanes + 2, 6) * 6, query->caches->l2 / 2 / tile);
}

const struct fcnn_knob fcnn_winograd_gather_knobs[] = {
    [SLICE_CHANNELS] = {"slice_channels", 5, {64, 128, 256, 512, 4096}, standard_channels},
    [BLOCK_TILES] = {"block_tiles", 9, {8, 24, 48, 72, 96, 144, 192, 288, 512}, standard_tiles},
};

/* Scratch: a pixel of zeros, V, M. */
static int64_t zeros_floats(const struct winograd_cut *cut) { return line(cut->gather.depth); }
static int64_t v_floats(const struct winograd_cut *cut) { return cut->grid.frequencies * cut->v_frequency; }
static int64_t m_floats(const struct winograd_cut *cut) { return cut->grid.frequencies * cut->m_frequency; }

void fcnn_winograd_gather_demand(const struct fcnn_query *query, struct fcnn_demand *demand)
{
    const fcnn_problem *p = query->problem;
    struct winograd_cut cut = winograd_cut_of(query);
    const struct fcnn_gather *g = &cut.gather;
    demand->packed = (size_t)(g->groups * cut.packed_group) * sizeof(float);
    demand->shared = fcnn_spread_bytes(p, cut.spread);
    demand->scratch = (size_t)(zeros_floats(&cut) + v_floats(&cut) + m_floats(&cut)) * sizeof(float);
    demand->tasks[FCNN_PACK] = g->groups * cut.panels.count;
    demand->tasks[FCNN_GATHER] = cut.spread == FCNN_SPREAD_NOTHING ? 0 : g->images;
    demand->tasks[FCNN_COMPUTE] = g->groups * cut.strips * cut.slices;
}

/* ---- packing ---- */

/* Nine taps of the filters from output channel `k` to input channels c .. c+width-1, rotated: rows of `tap` floats. */
static void rotate_taps(const fcnn_problem *p, const float *weights, int64_t c, int64_t width, int64_t k, int64_t tap,
                        float *out)
{
    int64_t group_c = p->c / p->groups;
    for (int64_t t = 0; t < 9; t++)
        for (int64_t j = 0; j < width; j++) out[t * tap + j] = weights[((8 - t) * group_c + c + j) * p->k + k];
}

static void pack_panel(const struct fcnn_winograd *w, const struct winograd_cut *cut, const fcnn_problem *p,
                       const fcnn_tensors *t, int64_t group, int64_t at, float *packed)
{
    enum { TAP = FCNN_TILE_VECTORS * 16 };
    float rotated[9 * TAP];
    struct fcnn_panel panel = fcnn_panel_at(&cut->panels, at);
    int64_t columns = columns_of(cut, at, at + 1), depth = cut->gather.depth;
    float *u = packed + cut->bias_floats + at * cut->u_panel, *bias = packed + panel.from;
    if (p->direction == FCNN_FORWARD) {
        const float *g = t->weights + group * cut->gather.width + panel.from;
        for (int64_t c = 0; c < depth; c++)
            w->filter(g + c * p->k, depth * p->k, panel.width, u + c * columns, cut->u_frequency);
    } else {
        for (int64_t k = 0; k < depth; k++) {
            rotate_taps(p, t->weights, panel.from, panel.width, group * depth + k, TAP, rotated);
            w->filter(rotated, TAP, panel.width, u + k * columns, cut->u_frequency);
        }
    }
    if (p->direction != FCNN_FORWARD || p->no_bias) memset(bias, 0, (size_t)panel.width * sizeof(float));
    else memcpy(bias, t->bias + group * cut->gather.width + panel.from, (size_t)panel.width * sizeof(float));
}

/* ---- computing ---- */

/* What the tasks of a call share. */
struct call {
    const struct fcnn_winograd *w;
    struct winograd_cut cut;
    const float *src, *packed;
    float *dst, *zeros, *v, *m;
    uint16_t *choice; /* pooled; else NULL */
    int relu;
};

/* Tiles first .. last-1 of a group, and panels from .. to-1. */
struct part {
    int64_t group, first, last, from, to;
};

static void transform_patches(const struct call *call, const struct part *part)
{
    const struct winograd_cut *cut = &call->cut;
    const struct fcnn_gather *g = &cut->gather;
    const struct fcnn_winograd_grid *grid = &cut->grid;
    const struct fcnn_winograd_image image = {call->src + part->group * g->depth, g->src_h, g->src_w, g->src_pixel};
    const int64_t m = call->w->m;
    for (int64_t tile = part->first; tile < part->last; tile++) {
        const float *pixels[FCNN_WINOGRAD_POINTS * FCNN_WINOGRAD_POINTS];
        int64_t j = tile % grid->across, i = tile / grid->across % grid->down, n = tile / grid->across / grid->down;
        fcnn_winograd_pixels(&image, n, i * m - cut->pad_top, j * m - cut->pad_left, grid->n, call->zeros, pixels);
        call->w->input(pixels, g->depth, call->v + (tile - part->first) * cut->v_tile, cut->v_frequency);
    }
}

/* One frequency and panel: `tiles` rows of V times U, to columns `at` .. of M. */
static void multiply(const struct call *call, int64_t frequency, int64_t tiles, const float *u, int64_t at,
                     int64_t columns)
{
    const struct winograd_cut *cut = &call->cut;
    const struct fcnn_tiles *isa = call->w->tiles;
    const struct fcnn_segment all = {0, 0, cut->gather.depth};
    const float *v = call->v + frequency * cut->v_frequency;
    float *m = call->m + frequency * cut->m_frequency + at;
    int64_t vectors = columns / isa->lanes, count = fcnn_ceil_div(tiles, isa->rows[vectors]);
    struct fcnn_tile tile = {.segments = &all, .segment_count = 1, .b = u, .width = columns};
    for (int64_t i = 0; i < count; i++) {
        int64_t first = tiles * i / count, rows = tiles * (i + 1) / count - first;
        for (int64_t j = 0; j < rows; j++) {
            tile.a[j] = v + (first + j) * cut->v_tile;
            tile.out[j] = m + (first + j) * cut->m_tile;
        }
        isa->gather[vectors][rows](&tile);
    }
}

static void multiply_all(const struct call *call, const struct part *part)
{
    const struct winograd_cut *cut = &call->cut;
    const float *u = call->packed + part->group * cut->packed_group + cut->bias_floats;
    int64_t base = fcnn_panel_at(&cut->panels, part->from).from;
    for (int64_t frequency = 0; frequency < cut->grid.frequencies; frequency++)
        for (int64_t i = part->from; i < part->to; i++)
            multiply(call, frequency, part->last - part->first, u + i * cut->u_panel + frequency * cut->u_frequency,
                     fcnn_panel_at(&cut->panels, i).from - base, columns_of(cut, i, i + 1));
}

static void transform_outputs(const struct call *call, const struct part *part)
{
    const struct winograd_cut *cut = &call->cut;
    const struct fcnn_gather *g = &cut->gather;
    const struct fcnn_winograd_grid *grid = &cut->grid;
    const int64_t m = call->w->m, from = fcnn_panel_at(&cut->panels, part->from).from;
    struct fcnn_panel end = fcnn_panel_at(&cut->panels, part->to - 1);
    const int64_t side = call->choice ? 2 : 1, down = g->dst_h / side, across = g->dst_w / side; /* of pixels stored */
    const int64_t channel = part->group * g->width + from;
    struct fcnn_winograd_place place = {.row = across, .pixel = g->dst_pixel, .relu = call->relu};
    place.words = fcnn_ceil_div(g->dst_pixel, WORD) * 3;
    place.channels = end.from + end.width - from;
    place.bias = call->packed + part->group * cut->packed_group + from;
    for (int64_t tile = part->first; tile < part->last; tile++) {
        int64_t j = tile % grid->across, i = tile / grid->across % grid->down, n = tile / grid->across / grid->down;
        int64_t pixel = (n * down + i * m / side) * across + j * m / side;
        place.dst = call->dst + pixel * place.pixel + channel;
        if (call->choice) place.choice = call->choice + pixel * place.words + channel / WORD * 3;
        place.rows = fcnn_min(m, g->dst_h - i * m);
        place.columns = fcnn_min(m, g->dst_w - j * m);
        call->w->output(call->m + (tile - part->first) * cut->m_tile, cut->m_frequency, &place);
    }
}

static void compute(const struct call *call, int64_t first, int64_t last)
{
    const struct winograd_cut *cut = &call->cut;
    int64_t transformed = -1;
    memset(call->zeros, 0, (size_t)cut->gather.depth * sizeof(float));
    for (int64_t task = first, count; task < last; task += count) {
        int64_t slice = task % cut->slices, at = task / cut->slices, strip = at % cut->strips;
        int64_t left = fcnn_min(last - task, cut->strips - strip);
        count = fcnn_ceil_div(left, fcnn_ceil_div(left, cut->together)); /* 1 with several slices */
        const struct part part = {.group = at / cut->strips,
                                  .first = cut->grid.count * strip / cut->strips,
                                  .last = cut->grid.count * (strip + count) / cut->strips,
                                  .from = first_panel(cut, slice),
                                  .to = first_panel(cut, slice + 1)};
        if (at != transformed) transform_patches(call, &part);
        transformed = at;
        multiply_all(call, &part);
        transform_outputs(call, &part);
    }
}

void fcnn_winograd_gather_run(const struct fcnn_query *query, const fcnn_tensors *t, const struct fcnn_memory *memory,
                              enum fcnn_stage stage, int64_t first, int64_t last)
{
    const struct fcnn_winograd *w = query->context;
    const fcnn_problem *p = query->problem;
    struct call call = {.w = w, .cut = winograd_cut_of(query)};
    const struct winograd_cut *cut = &call.cut;
    int forward = p->direction == FCNN_FORWARD;
    if (stage == FCNN_PACK) {
        for (int64_t task = first; task < last; task++) {
            int64_t group = task / cut->panels.count, panel = task % cut->panels.count;
            pack_panel(w, cut, p, t, group, panel, (float *)memory->packed + group * cut->packed_group);
        }
    } else if (stage == FCNN_GATHER) {
        fcnn_spread(w->tiles, p, t, cut->spread, memory->shared, first, last);
    } else {
        call.src = forward ? t->src : cut->spread == FCNN_SPREAD_NOTHING ? t->d_dst : memory->shared;
        call.dst = forward ? t->dst : t->d_src;
        call.packed = memory->packed;
        call.choice = forward && p->op == FCNN_CONV2D_POOL ? t->choice : NULL;
        call.relu = forward && p->activation == FCNN_RELU_ACTIVATION;
        call.zeros = memory->scratch;
        call.v = call.zeros + zeros_floats(cut);
        call.m = call.v + v_floats(cut);
        compute(&call, first, last);
    }
}
