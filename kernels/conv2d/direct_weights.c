/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Direct backward weights and bias: tiles of filter elements (r, s, c) by output channels, summed over output pixels. The
 * image is read by broadcasts, the output gradient by vectors, in place or from strips; nothing is transposed.
 *
 * Order (numerics.md, rule 5): images in blocks of FCNN_BLOCK, one chain per block over n, p, q (pooled: n, window row,
 * window column, position), blocks added along the fixed tree. Long chains are cut in chunks that stay in the L2 cache: all
 * tiles of a call do one chunk, then the next, carrying their sums through memory, which is exact. */
#include "kernels/conv2d/weights_cut.h"
#include "kernels/conv2d/weights_sum.h"
#include "kernels/simd/common.h"

/* Summed tiles use a gradient beyond the L2 cache as fast as it comes, and skip parts of it: they ask ahead. */
#define FAR_FLOATS (1 << 18)
#define AHEAD 48 /* steps */

/* The shared area: spread or packed gradient, haloed or packed images. Scratch: segments, sums of blocks. */
static size_t gradient_bytes(const struct fcnn_cut *cut, const fcnn_problem *p)
{
    return fcnn_line(cut->packed ? cut->gradient.bytes : fcnn_spread_bytes(p, cut->d_dst_spread));
}

static size_t image_bytes(const struct fcnn_cut *cut, const fcnn_problem *p)
{
    return cut->packed ? cut->image.bytes : fcnn_spread_bytes(p, cut->src_spread);
}

static size_t segment_bytes(const struct fcnn_cut *cut, const fcnn_problem *p)
{
    return fcnn_line((size_t)(fcnn_min(FCNN_BLOCK, p->n) * cut->image_units) * sizeof(struct fcnn_segment));
}

/* Whether the bias is a tile of its own; else its sum comes with the first tile. */
static int has_bias_tile(const struct fcnn_cut *cut, const fcnn_problem *p) { return !p->no_bias && !cut->summed; }

void fcnn_direct_weights_demand(const struct fcnn_tiles *tiles, const fcnn_problem *p, struct fcnn_demand *demand)
{
    struct fcnn_cut cut = fcnn_cut_of(tiles, p);
    demand->tables = (size_t)(p->r + p->s) * sizeof(struct fcnn_range) + 2 * (size_t)cut.unit_steps * sizeof(int32_t);
    demand->shared = gradient_bytes(&cut, p) + image_bytes(&cut, p);
    demand->scratch = segment_bytes(&cut, p) + fcnn_weights_sum_bytes(p);
    demand->tasks[FCNN_TABLES] = 1;
    const int spreads = (cut.d_dst_spread != FCNN_SPREAD_NOTHING) + (cut.src_spread != FCNN_SPREAD_NOTHING);
    demand->tasks[FCNN_GATHER] = cut.packed ? cut.gradient.rows + cut.image.rows : p->n * spreads;
    demand->tasks[FCNN_COMPUTE] = p->groups * cut.panels.count * (cut.tiles + has_bias_tile(&cut, p));
}

/* One tile of a call: filter elements from .. from + rows - 1 (flat r, s, c) of a group; from == -1: the bias alone. */
struct place {
    int64_t from, rows;
    int64_t span, tile, left;              /* tile: of the span; left: tasks of the panel from here on */
    int64_t panel, group, channel, width, vectors; /* panel: of all groups */
    int straight;                          /* all of the last vector may be read */
};

static void place_tile(const struct fcnn_cut *cut, struct place *place)
{
    const int64_t tile = place->tile, even = cut->tile_rows, longer = cut->longer_tiles;
    place->from = place->span * cut->span_rows + tile * even + fcnn_min(tile, longer);
    place->rows = even + (tile < longer);
    if (place->span == cut->spans) place->from = -1, place->rows = 1;
}

static struct place place_of(const struct fcnn_cut *cut, int64_t task, int bias_tile)
{
    int64_t per_panel = cut->tiles + bias_tile, at = task / per_panel, i = task % per_panel;
    struct fcnn_panel panel = fcnn_panel_at(&cut->panels, at % cut->panels.count);
    struct place place = {.panel = at, .group = at / cut->panels.count, .width = panel.width};
    place.straight = cut->packed || panel.width % cut->panels.granule == 0;
    place.vectors = fcnn_ceil_div(panel.width, cut->panels.granule);
    place.channel = place.group * cut->gather.width + panel.from;
    place.span = i / cut->span_tiles;
    place.tile = i % cut->span_tiles;
    place.left = per_panel - i;
    place_tile(cut, &place);
    return place;
}

/* The place of the next task: without divisions, which short tiles would notice. */
static void move_on(const struct fcnn_cut *cut, int64_t next, int bias_tile, struct place *place)
{
    if (--place->left == 0) {
        *place = place_of(cut, next, bias_tile);
        return;
    }
    if (++place->tile == cut->span_tiles) place->tile = 0, place->span++;
    place_tile(cut, place);
}

/* Units first .. last-1 of a block of images: the part of its chains that all tiles of a call do before the next part. */
struct chunk {
    int64_t image, images, first, last;
    int64_t listed, count; /* whose chains the segments are of, and their number */
};
enum { LISTED_NONE = -3, LISTED_BIAS = -2, LISTED_ALL = -1 }; /* else: a tap */

/* The units of a chunk as segments: of the chains of a tap, or of all taps, or of the bias (which reads no image). */
static void list_units(const struct fcnn_cut *cut, const struct fcnn_cut_tables *tables, struct chunk *chunk, int64_t whose,
                       struct fcnn_segment *segments)
{
    const fcnn_problem *p = &cut->conv;
    const struct fcnn_gather *g = &cut->gather;
    int64_t n = chunk->image + chunk->first / cut->image_units, row = chunk->first % cut->image_units;
    int64_t unit_a = g->dst_h / cut->image_units * p->stride_h * g->src_row, pixel_b = cut->gradient_pixel;
    int64_t unit_b = (cut->unit_rows ? cut->unit_steps : 1) * pixel_b;
    struct fcnn_range down = {0, cut->image_units}, across = {0, cut->unit_steps};
    int64_t base = 0;
    if (whose >= 0) {
        int64_t r = whose / p->s, s = whose % p->s;
        if (cut->padded) down = tables->down[r], across = tables->across[s]; /* units are rows; outputs that meet real input */
        base = (r * p->dilation_h - p->pad_top) * g->src_row +
               (across.from * p->stride_w + s * p->dilation_w - p->pad_left) * g->src_pixel;
    }
    chunk->listed = whose;
    chunk->count = 0;
    for (int64_t unit = chunk->first; unit < chunk->last; unit++) {
        struct fcnn_segment segment = {n * g->src_image + row * unit_a + base,
                                       (n * cut->image_units + row) * unit_b + across.from * pixel_b, across.to - across.from};
        if (cut->unit_rows == 0) segment.length = chunk->images; /* one unit: a block of one-pixel images */
        if (whose == LISTED_BIAS) segment.a = 0;
        if (row >= down.from && row < down.to && segment.length > 0) segments[chunk->count++] = segment;
        if (++row == cut->image_units) row = 0, n++;
    }
}

static void place_rows(const struct fcnn_cut *cut, const struct place *place, const float *src, float *out, struct fcnn_tile *tile)
{
    const struct fcnn_gather *g = &cut->gather;
    out += place->from * cut->conv.k + place->channel;
    for (int64_t i = 0; i < place->rows; i++, out += cut->conv.k) tile->out[i] = out;
    src += place->group * (cut->packed ? cut->image.stride : g->depth);
    if (cut->by_tap) {
        tile->a[0] = src + place->from - place->span * cut->span_rows;
        for (int64_t i = 1; i < place->rows; i++) tile->a[i] = tile->a[0] + i;
        return;
    }
    int64_t c = place->from % g->depth, tap = place->from / g->depth, r = tap / g->taps_w, s = tap % g->taps_w;
    for (int64_t i = 0; i < place->rows; i++) {
        tile->a[i] = src + c + r * cut->conv.dilation_h * g->src_row + s * cut->conv.dilation_w * g->src_pixel;
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
    struct fcnn_cut cut;
    struct fcnn_cut_tables tables;
    const float *src, *d_dst, *alive; /* alive: see tile.h */
    struct fcnn_segment *segments;
    struct fcnn_weights_sum sum;
    int bias, bias_tile; /* wanted; a tile of its own */
};

static int brings_bias(const struct call *call, const struct place *place)
{
    return place->from < 0 || (call->cut.summed && call->bias && place->from == 0);
}

/* One tile over a chunk of a block; the block's sums go to slot `slot`. What is the same for all tiles is in *tile. */
static void run_tile(const struct call *call, const struct place *place, struct chunk *chunk, int64_t slot, struct fcnn_tile *tile)
{
    static const float one = 1.0f; /* the bias alone is a chain of 1 * d_dst + sum */
    const struct fcnn_cut *cut = &call->cut;
    int is_bias = place->from < 0;
    int64_t whose = is_bias ? LISTED_BIAS : cut->by_tap ? place->span : LISTED_ALL;
    if (chunk->listed != whose) list_units(cut, &call->tables, chunk, whose, call->segments);
    tile->segment_count = chunk->count;
    tile->carry = chunk->first > 0;
    tile->width = place->width;
    tile->b = call->d_dst + (cut->packed ? place->panel * cut->gradient.stride : place->channel);
    tile->steps = is_bias ? call->tables.zeros : call->tables.steps;
    if (is_bias) {
        tile->a[0] = &one;
        tile->out[0] = fcnn_weights_sum_bias(&call->sum, slot) + place->channel;
    } else {
        place_rows(cut, place, call->src, fcnn_weights_sum_weights(&call->sum, slot), tile);
    }
    if (cut->summed) {
        tile->alive = call->alive + place->channel;
        tile->out_b = brings_bias(call, place) ? fcnn_weights_sum_bias(&call->sum, slot) + place->channel : NULL;
    }
    const int straight = place->straight && tile->a[place->rows - 1] - tile->a[0] == place->rows - 1;
    const struct fcnn_tiles *tiles = call->tiles;
    (cut->summed ? tiles->summed : straight ? tiles->straight : tiles->outer)[place->vectors][place->rows](tile);
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
    const struct fcnn_cut *cut = &call->cut;
    struct fcnn_tree tree = {0};
    struct fcnn_tile tile = {.segments = call->segments, .b_stride = cut->gradient_pixel};
    if (n * cut->image_units * cut->unit_steps * cut->gradient_pixel > FAR_FLOATS) tile.ahead = AHEAD * cut->gradient_pixel;
    for (int64_t image = 0; image < n; image += FCNN_BLOCK) {
        int64_t images = fcnn_min(FCNN_BLOCK, n - image), units = cut->unit_rows ? images * cut->image_units : 1;
        int64_t slot = fcnn_tree_push(&tree);
        for (int64_t unit = 0; unit < units; unit += cut->chunk_units) {
            struct chunk chunk = {image, images, unit, fcnn_min(unit + cut->chunk_units, units), LISTED_NONE, 0};
            struct place place = place_of(cut, first, call->bias_tile);
            for (int64_t task = first; task < last; move_on(cut, ++task, call->bias_tile, &place))
                run_tile(call, &place, &chunk, slot, &tile);
        }
        for (int64_t into; (into = fcnn_tree_merge(&tree, image + FCNN_BLOCK >= n)) >= 0;)
            for (int64_t task = first; task < last; task++) {
                struct place place = place_of(cut, task, call->bias_tile);
                add_slot(call, &place, into);
            }
    }
}

/* Rows of the gradient, then rows of the image. */
static void gather_strips(const struct call *call, const fcnn_problem *p, const fcnn_tensors *t, char *shared, int64_t first,
                          int64_t last)
{
    const struct fcnn_cut *cut = &call->cut;
    const float *alive = p->activation == FCNN_RELU_ACTIVATION ? t->dst : NULL;
    const int compact = cut->conv.h != p->h || cut->conv.w != p->w; /* only pixels that meet an output */
    const int64_t step_h = compact ? p->stride_h : 1, step_w = compact ? p->stride_w : 1;
    for (int64_t row = first; row < last; row++) {
        const int64_t at = row * p->q * p->k, i = row - cut->gradient.rows, n = i / cut->conv.h, h = i % cut->conv.h;
        if (i < 0)
            fcnn_cut_strips(call->tiles, &cut->gradient, row, t->d_dst + at, alive ? alive + at : NULL, p->k, (float *)shared);
        else
            fcnn_cut_strips(call->tiles, &cut->image, i, t->src + (n * p->h + h * step_h) * p->w * p->c, NULL,
                            step_w * p->c, (float *)(shared + gradient_bytes(cut, p)));
    }
}

static void gather(const struct call *call, const fcnn_problem *p, const fcnn_tensors *t, char *shared, int64_t first, int64_t last)
{
    const struct fcnn_cut *cut = &call->cut;
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
    struct call call = {.tiles = tiles, .cut = fcnn_cut_of(tiles, p), .segments = memory->scratch, .bias = !p->no_bias};
    const struct fcnn_cut *cut = &call.cut;
    char *shared = memory->shared;
    call.bias_tile = has_bias_tile(cut, p);
    call.tables = fcnn_cut_tables_in(cut, memory->tables);
    if (stage == FCNN_TABLES) {
        fcnn_cut_fill_tables(cut, p->op == FCNN_CONV2D_POOL, &call.tables);
    } else if (stage == FCNN_GATHER) {
        (cut->packed ? gather_strips : gather)(&call, p, t, shared, first, last);
    } else {
        call.d_dst = cut->d_dst_spread == FCNN_SPREAD_NOTHING && !cut->packed ? t->d_dst : (const float *)shared;
        call.alive = p->op != FCNN_CONV2D_POOL && p->activation == FCNN_RELU_ACTIVATION ? t->dst : call.d_dst;
        call.src = cut->src_spread == FCNN_SPREAD_NOTHING && !cut->packed ? t->src : (const float *)(shared + gradient_bytes(cut, p));
        call.sum = fcnn_weights_sum_of(p, t, (char *)memory->scratch + segment_bytes(cut, p));
        compute(&call, p->n, first, last);
    }
}
