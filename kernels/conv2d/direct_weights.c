/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Direct backward weights and bias: tiles of filter elements (r, s, c) by output channels, summed over output pixels. Both
 * operands are read in place: the image by broadcasts, the output gradient by vectors; nothing is transposed.
 *
 * Order (numerics.md, rule 5): images in blocks of FCNN_BLOCK, one chain per block over n, p, q (pooled: n, window row,
 * window column, position), blocks added along the fixed tree. Long chains are cut in chunks that stay in the L2 cache: all
 * tiles of a call do one chunk, then the next, carrying their sums through memory, which is exact. */
#include <string.h>

#include "kernels/conv2d/conv2d.h"
#include "kernels/conv2d/weights_sum.h"
#include "kernels/simd/common.h"

#define CHUNK_BYTES (512 << 10)  /* of image and gradient that one chunk reads */
#define SUMMED_TILES 3
#define UNIT_STEPS 1024          /* units become whole images up to so many steps */

/* Rows of tiles lie in spans that must not be crossed: a single span without padding (any rows share their pixels), else one
 * span per tap. Chains are lists of units: runs of steps that the table `steps` describes. */
struct cut {
    fcnn_problem conv;
    struct fcnn_gather gather;
    enum fcnn_spread d_dst_spread, src_spread;
    struct fcnn_panels panels;
    int padded; /* the image that tiles read has no halo */
    int summed; /* tiles also do ReLU's gradient and the bias: there are so few that passes over the gradient would cost more */
    int64_t vectors, spans, span_rows, span_tiles, tiles; /* tiles: per panel, bias not counted */
    int64_t unit_rows;      /* output (pooled: window) rows of a unit; 0: a unit is a whole block of one-pixel images */
    int64_t unit_steps, image_units, chunk_units;
};

static struct cut cut_of(const struct fcnn_tiles *tiles, const fcnn_problem *p)
{
    struct cut cut = {.d_dst_spread = FCNN_SPREAD_NOTHING, .src_spread = FCNN_SPREAD_NOTHING};
    int pooled = p->op == FCNN_CONV2D_POOL;
    int64_t depth = p->c / p->groups, steps_per_row = p->q * (pooled ? 4 : 1);
    cut.summed = depth * p->r * p->s <= SUMMED_TILES * tiles->summed_rows;
    cut.panels = fcnn_panels_of(p->k / p->groups, tiles->lanes, cut.summed ? tiles->summed_vectors : tiles->vectors);
    cut.vectors = fcnn_ceil_div(cut.panels.granules, cut.panels.count);
    int64_t rows = cut.summed ? tiles->summed_rows : tiles->rows[cut.vectors];
    if (pooled) cut.d_dst_spread = FCNN_SPREAD_WINDOWS;
    else if (p->activation == FCNN_RELU_ACTIVATION && !cut.summed) cut.d_dst_spread = FCNN_SPREAD_FULL;
    if (fcnn_is_padded(p) && (pooled || cut.summed || depth < rows)) cut.src_spread = FCNN_SPREAD_HALO;
    cut.conv = fcnn_conv_of(p, cut.src_spread == FCNN_SPREAD_HALO);
    fcnn_problem forward = cut.conv;
    forward.direction = FCNN_FORWARD;
    cut.gather = fcnn_gather_of(&forward);

    int padded = cut.padded = fcnn_is_padded(&cut.conv);
    cut.spans = padded ? p->r * p->s : 1;
    cut.span_rows = padded ? depth : p->r * p->s * depth;
    cut.span_tiles = fcnn_ceil_div(cut.span_rows, rows);
    cut.tiles = cut.spans * cut.span_tiles;

    cut.unit_rows = !padded && p->p * steps_per_row <= UNIT_STEPS ? p->p : 1;
    cut.unit_steps = cut.unit_rows * steps_per_row;
    cut.image_units = p->p / cut.unit_rows;
    if (!padded && p->p * steps_per_row == 1 && cut.gather.src_image <= INT32_MAX / FCNN_BLOCK)
        cut.unit_rows = 0, cut.unit_steps = FCNN_BLOCK, cut.image_units = 1;
    int64_t step_bytes = (cut.gather.src_pixel * p->stride_h * p->stride_w + p->k) * (int64_t)sizeof(float);
    cut.chunk_units = fcnn_max(1, CHUNK_BYTES / step_bytes / cut.unit_steps);
    return cut;
}

/* Tables: offsets of the image at each step of a unit; as many zeros; for each tap the outputs that meet real input. */
struct range {
    int64_t from, to;
};
struct tables {
    struct range *down, *across; /* of taps r, of taps s */
    int32_t *steps, *zeros;
};

static struct tables tables_in(const struct cut *cut, void *memory)
{
    struct range *ranges = memory;
    int32_t *steps = (int32_t *)(ranges + cut->conv.r + cut->conv.s);
    return (struct tables){ranges, ranges + cut->conv.r, steps, steps + cut->unit_steps};
}

static struct range real_outputs(const fcnn_problem *conv, int vertical, int64_t tap)
{
    int64_t out = vertical ? conv->p : conv->q;
    struct range real = {0, 0};
    for (int64_t o = 0; o < out; o++) {
        if (fcnn_axis_meet(conv, vertical, o, tap) < 0) continue;
        if (real.to == 0) real.from = o;
        real.to = o + 1;
    }
    return real;
}

static void fill_tables(const struct cut *cut, int pooled, const struct tables *tables)
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

/* The shared area: spread gradient, haloed images. Scratch: segments, sums of blocks. */
static size_t gradient_bytes(const struct cut *cut, const fcnn_problem *p) { return fcnn_line(fcnn_spread_bytes(p, cut->d_dst_spread)); }
static size_t segment_bytes(const struct cut *cut, const fcnn_problem *p)
{
    return fcnn_line((size_t)(fcnn_min(FCNN_BLOCK, p->n) * cut->image_units) * sizeof(struct fcnn_segment));
}

/* Whether the bias is a tile of its own; else its sum comes with the first tile. */
static int has_bias_tile(const struct cut *cut, const fcnn_problem *p) { return !p->no_bias && !cut->summed; }

void fcnn_direct_weights_demand(const struct fcnn_tiles *tiles, const fcnn_problem *p, struct fcnn_demand *demand)
{
    struct cut cut = cut_of(tiles, p);
    demand->tables = (size_t)(p->r + p->s) * sizeof(struct range) + 2 * (size_t)cut.unit_steps * sizeof(int32_t);
    demand->shared = gradient_bytes(&cut, p) + fcnn_spread_bytes(p, cut.src_spread);
    demand->scratch = segment_bytes(&cut, p) + fcnn_weights_sum_bytes(p);
    demand->tasks[FCNN_TABLES] = 1;
    demand->tasks[FCNN_GATHER] = p->n * ((cut.d_dst_spread != FCNN_SPREAD_NOTHING) + (cut.src_spread != FCNN_SPREAD_NOTHING));
    demand->tasks[FCNN_COMPUTE] = p->groups * cut.panels.count * (cut.tiles + has_bias_tile(&cut, p));
}

/* One tile of a call: filter elements from .. from + rows - 1 (flat r, s, c) of a group; from == -1: the bias alone. */
struct place {
    int64_t from, rows, tap, group, channel, width;
};

static struct place place_of(const struct cut *cut, int64_t task, int bias_tile)
{
    int64_t per_panel = cut->tiles + bias_tile, at = task / per_panel, i = task % per_panel;
    struct fcnn_panel panel = fcnn_panel_at(&cut->panels, at % cut->panels.count);
    struct place place = {.group = at / cut->panels.count, .width = panel.width, .rows = 1, .from = -1};
    place.channel = place.group * cut->gather.width + panel.from;
    if (i == cut->tiles) return place;
    int64_t span = i / cut->span_tiles, tile = i % cut->span_tiles;
    int64_t from = cut->span_rows * tile / cut->span_tiles, to = cut->span_rows * (tile + 1) / cut->span_tiles;
    place.tap = span;
    place.from = span * cut->span_rows + from;
    place.rows = to - from;
    return place;
}

/* Units first .. last-1 of a block of images: the part of its chains that all tiles of a call do before the next part. */
struct chunk {
    int64_t image, images, first, last;
    int64_t listed, count; /* whose chains the segments are of, and their number */
};
enum { LISTED_NONE = -3, LISTED_BIAS = -2, LISTED_ALL = -1 }; /* else: a tap */

/* The units of a chunk as segments: of the chains of a tap, or of all taps, or of the bias (which reads no image). */
static void list_units(const struct cut *cut, const struct tables *tables, struct chunk *chunk, int64_t whose,
                       struct fcnn_segment *segments)
{
    const fcnn_problem *p = &cut->conv;
    const struct fcnn_gather *g = &cut->gather;
    int64_t n = chunk->image + chunk->first / cut->image_units, row = chunk->first % cut->image_units;
    int64_t unit_a = g->dst_h / cut->image_units * p->stride_h * g->src_row, unit_b = (cut->unit_rows ? cut->unit_steps : 1) * p->k;
    struct range down = {0, cut->image_units}, across = {0, cut->unit_steps};
    int64_t base = 0;
    if (whose >= 0) { /* padded: a unit is one output row; only outputs that meet real input */
        int64_t r = whose / p->s, s = whose % p->s;
        down = tables->down[r], across = tables->across[s];
        base = (r * p->dilation_h - p->pad_top) * g->src_row +
               (across.from * p->stride_w + s * p->dilation_w - p->pad_left) * g->src_pixel;
    }
    chunk->listed = whose;
    chunk->count = 0;
    for (int64_t unit = chunk->first; unit < chunk->last; unit++) {
        struct fcnn_segment segment = {n * g->src_image + row * unit_a + base,
                                       (n * cut->image_units + row) * unit_b + across.from * p->k, across.to - across.from};
        if (cut->unit_rows == 0) segment.length = chunk->images; /* one unit: a block of one-pixel images */
        if (whose == LISTED_BIAS) segment.a = 0;
        if (row >= down.from && row < down.to && segment.length > 0) segments[chunk->count++] = segment;
        if (++row == cut->image_units) row = 0, n++;
    }
}

static void place_rows(const struct cut *cut, const struct place *place, const float *src, float *out, struct fcnn_tile *tile)
{
    const struct fcnn_gather *g = &cut->gather;
    int64_t c = place->from % g->depth, tap = place->from / g->depth, r = tap / g->taps_w, s = tap % g->taps_w;
    out += place->from * cut->conv.k + place->channel;
    src += place->group * g->depth;
    for (int64_t i = 0; i < place->rows; i++, out += cut->conv.k) {
        tile->a[i] = src + c + (cut->padded ? 0 : r * cut->conv.dilation_h * g->src_row + s * cut->conv.dilation_w * g->src_pixel);
        tile->out[i] = out;
        if (++c < g->depth) continue;
        c = 0;
        if (++s < g->taps_w) continue;
        s = 0;
        r++;
    }
}

/* What a call works with. */
struct call {
    const struct fcnn_tiles *tiles;
    struct cut cut;
    struct tables tables;
    const float *src, *d_dst, *alive; /* alive: see tile.h */
    struct fcnn_segment *segments;
    struct fcnn_weights_sum sum;
    int bias, bias_tile; /* wanted; a tile of its own */
};

static int brings_bias(const struct call *call, const struct place *place)
{
    return place->from < 0 || (call->cut.summed && call->bias && place->from == 0);
}

/* One tile over a chunk of a block; the block's sums go to slot `slot`. */
static void run_tile(const struct call *call, const struct place *place, struct chunk *chunk, int64_t slot)
{
    static const float one = 1.0f; /* the bias alone is a chain of 1 * d_dst + sum */
    const struct cut *cut = &call->cut;
    int64_t vectors = fcnn_ceil_div(place->width, call->tiles->lanes);
    int is_bias = place->from < 0;
    int64_t whose = is_bias ? LISTED_BIAS : cut->padded ? place->tap : LISTED_ALL;
    if (chunk->listed != whose) list_units(cut, &call->tables, chunk, whose, call->segments);
    struct fcnn_tile tile = {.segments = call->segments, .segment_count = chunk->count, .b = call->d_dst + place->channel,
                             .width = place->width, .carry = chunk->first > 0, .b_stride = cut->conv.k,
                             .steps = is_bias ? call->tables.zeros : call->tables.steps};
    if (is_bias) {
        tile.a[0] = &one;
        tile.out[0] = fcnn_weights_sum_bias(&call->sum, slot) + place->channel;
    } else {
        place_rows(cut, place, call->src, fcnn_weights_sum_weights(&call->sum, slot), &tile);
    }
    if (!cut->summed) {
        call->tiles->outer[vectors][place->rows](&tile);
        return;
    }
    tile.alive = call->alive + place->channel;
    if (brings_bias(call, place)) tile.out_b = fcnn_weights_sum_bias(&call->sum, slot) + place->channel;
    call->tiles->summed[vectors][place->rows](&tile);
}

static void add_row(float *into, const float *from, int64_t width)
{
    for (int64_t i = 0; i < width; i++) into[i] += from[i];
}

static void add_slot(const struct call *call, const struct place *place, int64_t into)
{
    const struct fcnn_weights_sum *sum = &call->sum;
    for (int64_t i = 0; place->from >= 0 && i < place->rows; i++) {
        const int64_t at = place->channel + (place->from + i) * call->cut.conv.k;
        add_row(fcnn_weights_sum_weights(sum, into) + at, fcnn_weights_sum_weights(sum, into + 1) + at, place->width);
    }
    if (brings_bias(call, place))
        add_row(fcnn_weights_sum_bias(sum, into) + place->channel, fcnn_weights_sum_bias(sum, into + 1) + place->channel, place->width);
}

static void compute(const struct call *call, int64_t n, int64_t first, int64_t last)
{
    const struct cut *cut = &call->cut;
    struct fcnn_tree tree = {0};
    for (int64_t image = 0; image < n; image += FCNN_BLOCK) {
        int64_t images = fcnn_min(FCNN_BLOCK, n - image), units = cut->unit_rows ? images * cut->image_units : 1;
        int64_t slot = fcnn_tree_push(&tree);
        for (int64_t unit = 0; unit < units; unit += cut->chunk_units) {
            struct chunk chunk = {image, images, unit, fcnn_min(unit + cut->chunk_units, units), LISTED_NONE, 0};
            for (int64_t task = first; task < last; task++) {
                struct place place = place_of(cut, task, call->bias_tile);
                run_tile(call, &place, &chunk, slot);
            }
        }
        for (int64_t into; (into = fcnn_tree_merge(&tree, image + FCNN_BLOCK >= n)) >= 0;)
            for (int64_t task = first; task < last; task++) {
                struct place place = place_of(cut, task, call->bias_tile);
                add_slot(call, &place, into);
            }
    }
}

static void gather(const struct call *call, const fcnn_problem *p, const fcnn_tensors *t, char *shared, int64_t first, int64_t last)
{
    const struct cut *cut = &call->cut;
    int64_t gradients = cut->d_dst_spread == FCNN_SPREAD_NOTHING ? 0 : p->n;
    if (first < gradients)
        fcnn_spread(call->tiles, p, t, cut->d_dst_spread, (float *)shared, first, fcnn_min(last, gradients));
    if (last > gradients)
        fcnn_spread(call->tiles, p, t, cut->src_spread, (float *)(shared + gradient_bytes(cut, p)),
                    fcnn_max(first, gradients) - gradients, last - gradients);
}

void fcnn_direct_weights_run(const struct fcnn_tiles *tiles, const fcnn_problem *p, const fcnn_tensors *t,
                             const struct fcnn_memory *memory, enum fcnn_stage stage, int64_t first, int64_t last)
{
    struct call call = {.tiles = tiles, .cut = cut_of(tiles, p), .segments = memory->scratch, .bias = !p->no_bias};
    const struct cut *cut = &call.cut;
    char *shared = memory->shared;
    call.bias_tile = has_bias_tile(cut, p);
    call.tables = tables_in(cut, memory->tables);
    if (stage == FCNN_TABLES) {
        fill_tables(cut, p->op == FCNN_CONV2D_POOL, &call.tables);
    } else if (stage == FCNN_GATHER) {
        gather(&call, p, t, shared, first, last);
    } else {
        call.d_dst = cut->d_dst_spread == FCNN_SPREAD_NOTHING ? t->d_dst : (const float *)shared;
        call.alive = p->op != FCNN_CONV2D_POOL && p->activation == FCNN_RELU_ACTIVATION ? t->dst : call.d_dst;
        call.src = cut->src_spread == FCNN_SPREAD_NOTHING ? t->src : (const float *)(shared + gradient_bytes(cut, p));
        call.sum = fcnn_weights_sum_of(p, t, (char *)memory->scratch + segment_bytes(cut, p));
        compute(&call, p->n, first, last);
    }
}
