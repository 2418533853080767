/* SPDX-License-Identifier: BSD-2-Clause
 * Tiles, chains and packing of direct backward weights: see weights_cut.h. */
#include <string.h>

#include "kernels/conv2d/weights_cut.h"
#include "kernels/conv2d/weights_sum.h"
#include "kernels/simd/common.h"

#define LINE 16             /* floats in a cache line */
#define BLOCK 48            /* channels of a block of the image: whole lines, and whole tiles of 4, 6, 8, 12 rows */
#define SUMMED_TILES 3      /* up to which summed tiles pay */
#define SUMMED_MOST 8       /* up to which they are thought of */
#define PACKED_WORK 6       /* vector multiply-adds per packed float, from which packing should pay */
#define PACKED_CHANNELS 128 /* from which the lines of neighbouring pixels compete for few sets of a cache */

static int64_t filter_elements(const fcnn_problem *p) { return p->r * p->s * (p->c / p->groups); }

static int may_sum(const struct fcnn_tiles *tiles, const fcnn_problem *p)
{
    return filter_elements(p) <= SUMMED_MOST * tiles->summed_rows;
}

/* Floats between pixels of a copy of so many channels: an odd number of cache lines. */
static int64_t copied_pixel(int64_t channels) { return (fcnn_ceil_div(channels, LINE) | 1) * LINE; }

/* Steps of a unit are 32-bit offsets; few channels take more room in a copy than in the image. */
static int may_pack(const fcnn_problem *p)
{
    return p->op == FCNN_CONV2D && p->p * p->q > 1 && p->h * p->w <= INT32_MAX / copied_pixel(p->c / p->groups);
}

/* There is one unit, a block of images. */
static int is_pixel(const fcnn_problem *p)
{
    return p->p * p->q == 1 && p->op != FCNN_CONV2D_POOL && !fcnn_is_padded(p) &&
           p->h * p->w * p->c <= INT32_MAX / FCNN_BLOCK;
}

static int has_few_channels(const struct fcnn_query *query)
{
    const struct fcnn_tiles *tiles = query->context;
    return query->problem->c / query->problem->groups < tiles->rows[tiles->vectors];
}

static int64_t standard_summed(const struct fcnn_query *query)
{
    const struct fcnn_tiles *tiles = query->context;
    if (!may_sum(tiles, query->problem)) return FCNN_MOOT;
    return filter_elements(query->problem) <= SUMMED_TILES * tiles->summed_rows;
}

/* Packing touches C + K floats per pixel, tiles do C K taps multiply-adds on them. Many channels are mostly a power of
 * two: a chain's pixels, in place, fall into few sets of the caches. Packed tiles are of one tap: of fewer channels
 * than a tile has rows they would be low ones. */
static int64_t standard_packed(const struct fcnn_query *query)
{
    const struct fcnn_tiles *tiles = query->context;
    const fcnn_problem *p = query->problem;
    const int64_t c = p->c / p->groups, k = p->k / p->groups, work = c * k * p->r * p->s / tiles->lanes;
    if (query->knobs[FCNN_CUT_SUMMED] || !may_pack(p)) return FCNN_MOOT;
    if (has_few_channels(query)) return 0;
    return fcnn_max(p->c, p->k) >= PACKED_CHANNELS && work >= PACKED_WORK * (c + k) ? FCNN_PACKED_BOTH : 0;
}

/* The widest that a tile can be: a knob's value stands for the nearest that there is. */
static int64_t panel_vectors(const struct fcnn_tiles *tiles, int summed, int64_t wanted)
{
    int64_t vectors = fcnn_min(wanted, summed ? tiles->summed_vectors : fcnn_widest(tiles));
    while (tiles->rows[vectors] == 0) vectors--;
    return vectors;
}

static int64_t standard_panel(const struct fcnn_query *query)
{
    const struct fcnn_tiles *tiles = query->context;
    if (query->problem->k / query->problem->groups <= tiles->lanes) return FCNN_MOOT;
    return query->knobs[FCNN_CUT_SUMMED] ? tiles->summed_vectors : tiles->vectors;
}

/* Steps of what one panel's tiles read, a strip of the gradient and a line or two of the image, that stay in the first
 * cache. */
static int64_t first_steps(const struct fcnn_query *query)
{
    const struct fcnn_tiles *tiles = query->context;
    const int64_t strip = panel_vectors(tiles, 0, query->knobs[FCNN_CUT_PANEL]) * tiles->lanes;
    return query->caches->l1 / ((strip + 2 * LINE) * (int64_t)sizeof(float));
}

/* All that a chunk reads fills half of the second cache: tiles come back to it row by row; of copies, what a panel and
 * a block of the image have. Where all sums find room in the other half, carrying them costs little: a chunk is what
 * stays in the first cache. Beyond that each pass over the sums costs more than it saves, as it does where tiles are of
 * several taps, whose rows are looked up one by one. */
static int64_t standard_chunk(const struct fcnn_query *query)
{
    const struct fcnn_tiles *tiles = query->context;
    const fcnn_problem *p = query->problem;
    const int64_t bytes = (int64_t)sizeof(float), packed = query->knobs[FCNN_CUT_PACKED];
    const int64_t strip = panel_vectors(tiles, 0, query->knobs[FCNN_CUT_PANEL]) * tiles->lanes;
    const int64_t floats = packed == FCNN_PACKED_BOTH ? strip + BLOCK : p->c * p->stride_h * p->stride_w + p->k;
    const int64_t second = query->caches->l2 / 2 / (floats * bytes);
    if (is_pixel(p)) return FCNN_MOOT;
    const int carries = filter_elements(p) * p->k * bytes <= query->caches->l2 / 2 && !has_few_channels(query);
    if (query->knobs[FCNN_CUT_SUMMED] || !carries) return second;
    return fcnn_min(first_steps(query), second);
}

/* A group of rows and a panel do a long chunk by what stays in the first cache: their sums wait in the second one. */
static int64_t standard_stretch(const struct fcnn_query *query)
{
    if (is_pixel(query->problem)) return FCNN_MOOT;
    return query->knobs[FCNN_CUT_PACKED] == FCNN_PACKED_BOTH ? first_steps(query) : 1 << 16;
}

/* Whether a block has so few steps that storing and adding sums is what costs. */
static int has_pieces(const fcnn_problem *p) { return is_pixel(p) && p->n > FCNN_BLOCK; }

/* What is not packed. The slots of a piece stay in half of the second cache. Of a single block rows that share sets of
 * the first cache are done a few at a time, all panels, where the sums stay in a cache; else panel by panel. */
static int64_t group_in_place(const struct fcnn_query *query)
{
    const struct fcnn_tiles *tiles = query->context;
    const fcnn_problem *p = query->problem;
    const int64_t strip = panel_vectors(tiles, 0, query->knobs[FCNN_CUT_PANEL]) * tiles->lanes;
    if (query->knobs[FCNN_CUT_SUMMED]) return 1 << 16;
    if (has_pieces(p))
        return query->caches->l2 / 2 / ((fcnn_weights_sum_slots(p) + 1) * strip * (int64_t)sizeof(float));
    const int64_t row = p->k * (int64_t)sizeof(float), near = fcnn_max(query->caches->l2, query->caches->share);
    return is_pixel(p) && row % 4096 == 0 && filter_elements(p) * row <= near ? LINE : 1 << 16;
}

/* What is copied of the image is to stay in half of the first cache while all panels meet it; of large chunks in the
 * second one. */
static int64_t standard_group(const struct fcnn_query *query)
{
    const fcnn_problem *p = query->problem;
    const int64_t all = fcnn_min(p->n, FCNN_BLOCK) * p->h * p->w, pixels = fcnn_min(all, query->knobs[FCNN_CUT_CHUNK]);
    if (!query->knobs[FCNN_CUT_PACKED]) return group_in_place(query);
    return fcnn_max(1, query->caches->l1 / 2 / (pixels * (int64_t)sizeof(float)) / BLOCK) * BLOCK;
}

/* Summed tiles use a gradient beyond the second cache as fast as it comes, and skip parts of it: they ask ahead. */
static int64_t standard_ahead(const struct fcnn_query *query)
{
    const fcnn_problem *p = query->problem;
    if (!query->knobs[FCNN_CUT_SUMMED]) return FCNN_MOOT;
    const int64_t steps = p->n * p->p * p->q * (p->op == FCNN_CONV2D_POOL ? 4 : 1);
    return steps * p->k * (int64_t)sizeof(float) > query->caches->l2 ? 48 : 0;
}

const struct fcnn_knob fcnn_cut_knobs[FCNN_CUT_KNOBS] = {
    [FCNN_CUT_SUMMED] = {"summed", 2, {0, 1}, standard_summed},
    [FCNN_CUT_PACKED] = {"packed", 3, {0, FCNN_PACKED_IMAGE, FCNN_PACKED_BOTH}, standard_packed},
    [FCNN_CUT_PANEL] = FCNN_VECTORS_KNOB(standard_panel),
    [FCNN_CUT_CHUNK] = {"chunk_steps", 9, {16, 32, 64, 128, 256, 512, 1024, 4096, 1 << 16}, standard_chunk},
    [FCNN_CUT_STRETCH] = {"stretch_steps", 7, {16, 32, 64, 128, 256, 512, 1 << 16}, standard_stretch},
    [FCNN_CUT_GROUP] = {"group_rows", 5, {16, 48, 96, 192, 1 << 16}, standard_group},
    [FCNN_CUT_AHEAD] = {"ahead_steps", 4, {0, 16, 48, 96}, standard_ahead},
};

/* The gradient in one strip per panel; the image a block of channels at a time, each to the same place, where all
 * panels meet it before the next one: so it is written to, and read from, a near cache. Pixels are an odd number of
 * cache lines apart. A tile's pixels then lie in a few pages, in neighbouring lines: whole pixels of many channels
 * would be pages apart, and even from the first cache tiles would be a fifth slower (measured). Threads copy their
 * share of the larger one, and all of the smaller one; of two equals, and for several taps, which do more with each
 * copy, the image is shared out: then each thread's sums are neighbours (measured). */
static void plan_strips(const struct fcnn_tiles *tiles, const fcnn_problem *p, struct fcnn_cut *cut)
{
    struct fcnn_gather *g = &cut->gather;
    if (p->r == 1 && p->s == 1 && !cut->padded) /* only pixels that an output reads */
        cut->conv.h = p->p, cut->conv.w = p->q, cut->conv.stride_h = cut->conv.stride_w = 1;
    cut->group_rows = fcnn_min(g->depth, fcnn_max(1, cut->group_rows / LINE) * LINE);
    g->src_pixel = copied_pixel(cut->group_rows);
    g->src_row = cut->conv.w * g->src_pixel;
    g->src_image = cut->conv.h * g->src_row;
    if (cut->gradient_packed) cut->gradient_pixel = cut->vectors * tiles->lanes;
    cut->all_panels = p->r * p->s > 1 || cut->conv.h * cut->conv.w * p->c >= p->p * p->q * p->k;
}

static void choose_spreads(const fcnn_problem *p, int64_t rows, struct fcnn_cut *cut)
{
    int pooled = p->op == FCNN_CONV2D_POOL;
    if (pooled) cut->d_dst_spread = FCNN_SPREAD_WINDOWS;
    else if (p->activation == FCNN_RELU_ACTIVATION && !cut->summed) cut->d_dst_spread = FCNN_SPREAD_FULL;
    if (!cut->packed && fcnn_is_padded(p) && (pooled || cut->summed || p->c / p->groups < rows))
        cut->src_spread = FCNN_SPREAD_HALO;
}

/* About `most` of `all`, in equal parts. */
static int64_t even_part(int64_t all, int64_t most)
{
    return fcnn_ceil_div(all, fcnn_ceil_div(all, fcnn_max(1, most)));
}

static int64_t units_of_chunk(const struct fcnn_cut *cut, int64_t steps, int64_t images)
{
    const int64_t units = fcnn_max(1, steps / cut->unit_steps);
    if (units < cut->row_units) return even_part(cut->row_units, units);
    if (units < cut->image_units)
        return even_part(cut->image_units / cut->row_units, units / cut->row_units) * cut->row_units;
    return fcnn_min(units / cut->image_units, images) * cut->image_units;
}

/* Chains in units, units in stretches and chunks of about so many steps. */
static void cut_chains(const fcnn_problem *p, int64_t stretch, int64_t chunk, struct fcnn_cut *cut)
{
    stretch = fcnn_min(stretch, chunk);
    const struct fcnn_gather *g = &cut->gather;
    const int pooled = p->op == FCNN_CONV2D_POOL;
    cut->rows = p->p;
    cut->column_steps = pooled ? 4 : 1;
    cut->row_steps = p->q * cut->column_steps;
    cut->image_row = (pooled ? 2 : 1) * cut->conv.stride_h * g->src_row;
    cut->image_column = (pooled ? 2 : 1) * cut->conv.stride_w * g->src_pixel;
    cut->row_units = cut->image_units = cut->chunk_units = cut->stretch_units = 1;
    cut->unit_rows = 0, cut->unit_steps = FCNN_BLOCK;
    if (!cut->padded && p->p * cut->row_steps == 1 && g->src_image <= INT32_MAX / FCNN_BLOCK) return;
    cut->unit_rows = cut->padded ? 1 : even_part(p->p, fcnn_min(p->p, stretch / cut->row_steps));
    cut->unit_steps = cut->unit_rows * cut->row_steps;
    if (cut->unit_rows == 1) {
        const int64_t columns = fcnn_ceil_div(p->q, fcnn_ceil_div(cut->row_steps, stretch));
        cut->row_units = fcnn_ceil_div(p->q, columns);
        cut->unit_steps = columns * cut->column_steps;
    }
    cut->image_units = fcnn_ceil_div(p->p, cut->unit_rows) * cut->row_units;
    cut->chunk_units = units_of_chunk(cut, chunk, fcnn_min(p->n, FCNN_BLOCK));
    cut->stretch_units = even_part(cut->chunk_units, stretch / cut->unit_steps);
}

/* What a chunk reads, at most. */
static void size_strips(struct fcnn_cut *cut)
{
    const fcnn_problem *conv = &cut->conv;
    const int64_t rows = cut->chunk_units < cut->row_units ? 1 : cut->chunk_units / cut->row_units * cut->unit_rows;
    const int64_t met = (rows - 1) * conv->stride_h + (conv->r - 1) * conv->dilation_h + 1;
    cut->strip_rows = cut->chunk_units < cut->image_units ? fcnn_min(met, conv->h)
                                                          : cut->chunk_units / cut->image_units * conv->h;
    cut->strip = fcnn_ceil_div(cut->chunk_units * cut->unit_steps * cut->gradient_pixel, LINE) * LINE;
}

/* Where a thread's sums are carried from chunk to chunk, and both places of them stay in the second cache. */
static int may_carry(const struct fcnn_query *query, const struct fcnn_cut *cut)
{
    const fcnn_problem *p = query->problem;
    const int64_t sums = filter_elements(p) * p->k * (int64_t)sizeof(float);
    return cut->by_tap && !cut->summed && cut->unit_rows && !cut->all_panels && cut->panels.count * p->groups > 1 &&
           fcnn_min(p->n, FCNN_BLOCK) * cut->image_units > cut->stretch_units && sums <= query->caches->l2 / 2;
}

struct fcnn_cut fcnn_cut_of(const struct fcnn_query *query)
{
    const struct fcnn_tiles *tiles = query->context;
    const fcnn_problem *p = query->problem;
    const int64_t *knobs = query->knobs;
    struct fcnn_cut cut = {
        .d_dst_spread = FCNN_SPREAD_NOTHING, .src_spread = FCNN_SPREAD_NOTHING, .gradient_pixel = p->k};
    int64_t depth = p->c / p->groups;
    cut.group_rows = knobs[FCNN_CUT_GROUP];
    cut.summed = knobs[FCNN_CUT_SUMMED] && may_sum(tiles, p);
    cut.packed = knobs[FCNN_CUT_PACKED] && !cut.summed && may_pack(p);
    cut.gradient_packed = cut.packed && knobs[FCNN_CUT_PACKED] == FCNN_PACKED_BOTH;
    cut.panels =
        fcnn_panels_of(p->k / p->groups, tiles->lanes, panel_vectors(tiles, cut.summed, knobs[FCNN_CUT_PANEL]));
    cut.vectors = fcnn_ceil_div(cut.panels.granules, cut.panels.count);
    cut.tile_rows = cut.summed ? tiles->summed_rows : tiles->rows[cut.vectors];
    cut.bias_tile = !p->no_bias && !cut.summed;
    if (!cut.gradient_packed) choose_spreads(p, cut.tile_rows, &cut);
    cut.conv = fcnn_conv_of(p, cut.src_spread == FCNN_SPREAD_HALO);
    fcnn_problem forward = cut.conv;
    forward.direction = FCNN_FORWARD;
    cut.gather = fcnn_gather_of(&forward);
    cut.padded = fcnn_is_padded(&cut.conv);
    if (cut.packed) plan_strips(tiles, p, &cut);

    cut.by_tap = cut.padded || cut.packed || p->r * p->s == 1;
    cut.spans = cut.by_tap ? p->r * p->s : 1;
    cut.span_rows = p->r * p->s * depth / cut.spans;
    cut.panel_tasks = cut.spans * cut.span_rows + cut.bias_tile;
    cut.group_tasks = cut.panel_tasks * (cut.all_panels ? 1 : cut.panels.count);
    cut_chains(p, knobs[FCNN_CUT_STRETCH], knobs[FCNN_CUT_CHUNK], &cut);
    if (cut.packed) size_strips(&cut);
    else if (has_pieces(p) && !cut.summed) cut.piece = fcnn_min(cut.group_rows, cut.panel_tasks);
    cut.carried = may_carry(query, &cut);
    if (cut.summed) cut.ahead = knobs[FCNN_CUT_AHEAD] * cut.gradient_pixel;
    return cut;
}

struct fcnn_unit fcnn_unit_at(const struct fcnn_cut *cut, int64_t unit, int64_t images)
{
    if (cut->unit_rows == 0) return (struct fcnn_unit){0, 0, 0, images};
    const int64_t image = unit / cut->image_units, at = unit % cut->image_units;
    const int64_t row = at / cut->row_units * cut->unit_rows, from = at % cut->row_units * cut->unit_steps;
    const int64_t steps = fcnn_min(cut->unit_rows, cut->rows - row) * cut->row_steps;
    return (struct fcnn_unit){image, row, from, fcnn_min(from + cut->unit_steps, steps)};
}

struct fcnn_cut_tables fcnn_cut_tables_in(const struct fcnn_cut *cut, void *memory)
{
    struct fcnn_span *ranges = memory;
    int32_t *steps = (int32_t *)(ranges + cut->conv.r + cut->conv.s);
    return (struct fcnn_cut_tables){ranges, ranges + cut->conv.r, steps, steps + cut->unit_steps};
}

static struct fcnn_span real_outputs(const fcnn_problem *conv, int vertical, int64_t tap)
{
    const struct fcnn_axis_class met = fcnn_axis_tap(conv, vertical, tap);
    return (struct fcnn_span){met.first, met.first + met.count};
}

void fcnn_cut_fill_tables(const struct fcnn_cut *cut, int pooled, const struct fcnn_cut_tables *tables)
{
    const fcnn_problem *conv = &cut->conv;
    const struct fcnn_gather *g = &cut->gather;
    int64_t right = conv->stride_w * g->src_pixel, below = conv->stride_h * g->src_row, columns = g->dst_w;
    for (int64_t r = 0; r < conv->r; r++) tables->down[r] = real_outputs(conv, 1, r);
    for (int64_t s = 0; s < conv->s; s++) tables->across[s] = real_outputs(conv, 0, s);
    memset(tables->zeros, 0, (size_t)cut->unit_steps * sizeof(int32_t));
    for (int64_t k = 0; k < cut->unit_steps; k++) {
        int64_t at;
        if (cut->unit_rows == 0) at = k * g->src_image;
        else if (!pooled) at = k / columns * below + k % columns * right;
        else at = (k / (2 * columns) * 2 + k / 2 % 2) * below + (k / 4 % (columns / 2) * 2 + k % 2) * right;
        tables->steps[k] = (int32_t)at;
    }
}
