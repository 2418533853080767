/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Direct backward weights and bias: tiles of filter elements (r, s, c) by output channels, summed over output pixels.
 * The image is read by broadcasts, the output gradient by vectors, in place or from strips; nothing is transposed.
 *
 * Order (numerics.md, rule 5): images in blocks of FCNN_BLOCK, one chain per block over n, p, q (pooled: n, window row,
 * window column, position), blocks added along the fixed tree. Long chains are cut in chunks that stay in the L2 cache:
 * all tiles of a call do one chunk, then the next, carrying their sums through memory, which is exact. */
#include "kernels/conv2d/strips.h"
#include "kernels/conv2d/weights_sum.h"
#include "kernels/simd/common.h"

#define LINE 16 /* floats in a cache line */

/* Scratch: segments, copies of image and gradient. The shared area: the gradient, if it is spread. */
static size_t segment_bytes(const struct fcnn_cut *cut)
{
    return fcnn_line((size_t)cut->chunk_units * sizeof(struct fcnn_segment));
}

void fcnn_direct_weights_demand(const struct fcnn_query *query, struct fcnn_demand *demand)
{
    const fcnn_problem *p = query->problem;
    struct fcnn_cut cut = fcnn_cut_of(query);
    demand->tables = (size_t)(p->r + p->s) * sizeof(struct fcnn_span) + 2 * (size_t)cut.unit_steps * sizeof(int32_t);
    demand->shared = fcnn_spread_bytes(p, cut.d_dst_spread);
    demand->sums = fcnn_weights_sum_bytes(p);
    demand->scratch = segment_bytes(&cut) + fcnn_strips_image_bytes(&cut) + fcnn_strips_gradient_bytes(&cut);
    demand->tasks[FCNN_TABLES] = 1;
    demand->tasks[FCNN_GATHER] = cut.d_dst_spread == FCNN_SPREAD_NOTHING ? 0 : p->n;
    demand->tasks[FCNN_COMPUTE] = p->groups * cut.group_tasks;
}

/* One tile of a call: filter elements from .. from + rows - 1 (flat r, s, c) of a group; from == -1: the bias alone. */
struct place {
    int64_t from, rows, span;
    int64_t panel, group, channel, width, vectors; /* panel: of the group */
    int straight;                                  /* all of the last vector may be read */
};

static struct place place_of(const struct fcnn_cut *cut, int64_t group, int64_t panel)
{
    const struct fcnn_panel channels = fcnn_panel_at(&cut->panels, panel);
    return (struct place){
        .panel = panel, .group = group, .channel = group * cut->gather.width + channels.from, .width = channels.width,
        .vectors = fcnn_ceil_div(channels.width, cut->panels.granule),
        .straight = cut->gradient_packed || channels.width % cut->panels.granule == 0};
}

/* Units first .. last-1 of a block of images: the part of its chains that all tiles of a call do before others. */
struct chunk {
    int64_t images, first, last; /* images: of the block */
    int64_t image_origin, gradient_origin; /* where copies begin */
    int64_t listed, count; /* whose chains the segments are of, and their number */
};
enum { LISTED_NONE = -3, LISTED_BIAS = -2, LISTED_ALL = -1 }; /* else: a tap */

/* The units of a chunk as segments: of the chains of a tap, or of all taps, or of the bias (which reads no image). */
static void list_units(const struct fcnn_cut *cut, const struct fcnn_cut_tables *tables, struct chunk *chunk,
                       int64_t whose, struct fcnn_segment *segments)
{
    const fcnn_problem *p = &cut->conv;
    const struct fcnn_gather *g = &cut->gather;
    const int64_t pixel_b = cut->gradient_pixel, everywhere = cut->row_steps * cut->rows;
    struct fcnn_span down = {0, cut->rows}, across = {0, fcnn_max(everywhere, cut->unit_steps)};
    int64_t base = 0;
    if (whose >= 0) {
        int64_t r = whose / p->s, s = whose % p->s;
        if (cut->padded)
            down = tables->down[r], across = tables->across[s]; /* units are of a row; outputs that meet real input */
        base = (r * p->dilation_h - p->pad_top) * g->src_row + (s * p->dilation_w - p->pad_left) * g->src_pixel;
    }
    chunk->listed = whose;
    chunk->count = 0;
    for (int64_t unit = chunk->first; unit < chunk->last; unit++) {
        const struct fcnn_unit u = fcnn_unit_at(cut, unit, chunk->images);
        const int64_t from = fcnn_max(u.from, across.from), length = fcnn_min(u.to, across.to) - from;
        struct fcnn_segment segment = {
            u.image * g->src_image + u.row * cut->image_row + from / cut->column_steps * cut->image_column + base,
            ((u.image * cut->rows + u.row) * cut->row_steps + from) * pixel_b, length};
        segment.a -= chunk->image_origin, segment.b -= chunk->gradient_origin;
        if (whose == LISTED_BIAS) segment.a = 0;
        if (u.row >= down.from && u.row < down.to && length > 0) segments[chunk->count++] = segment;
    }
}

static void place_rows(const struct fcnn_cut *cut, const struct place *place, const float *src, float *out,
                       struct fcnn_tile *tile)
{
    const struct fcnn_gather *g = &cut->gather;
    out += place->from * cut->conv.k + place->channel;
    for (int64_t i = 0; i < place->rows; i++, out += cut->conv.k) tile->out[i] = out;
    if (!cut->packed) src += place->group * g->depth;
    if (cut->by_tap) {
        const int64_t row = place->from - place->span * cut->span_rows;
        tile->a[0] = src + row;
        if (cut->packed) tile->a[0] += row / cut->image_channels * (cut->image_block - cut->image_channels);
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
    const fcnn_problem *problem;
    const fcnn_tensors *tensors;
    struct fcnn_cut cut;
    struct fcnn_cut_tables tables;
    const float *src, *d_dst, *alive; /* of a block of images; alive: see tile.h */
    struct fcnn_strips strips;        /* which are src and d_dst where they are copied */
    struct fcnn_segment *segments;
    struct fcnn_weights_sum sum;
};

static int brings_bias(const struct call *call, const struct place *place)
{
    return place->from < 0 || (call->cut.summed && !call->problem->no_bias && place->from == 0);
}

/* What is to be done with each tile of a call: add a chunk to the sums of slot `slot`, or (chunk == NULL) those of the
 * slot above it. What is the same for all tiles is in `tile`. */
struct pass {
    struct chunk *chunk;
    int64_t slot;
    struct fcnn_tile tile;
};

/* The next tile's sums, which may be far away, while this tile is at work. */
static void fetch_next(const struct fcnn_cut *cut, const struct place *place, const struct fcnn_tile *tile)
{
    for (int64_t i = 0; i < place->rows; i++)
        for (int64_t j = 0; j < place->width; j += LINE)
            __builtin_prefetch(tile->out[i] + place->rows * cut->conv.k + j, 1);
}

static void run_tile(const struct call *call, const struct place *place, struct pass *pass)
{
    static const float one = 1.0f; /* the bias alone is a chain of 1 * d_dst + sum */
    const struct fcnn_cut *cut = &call->cut;
    struct chunk *chunk = pass->chunk;
    struct fcnn_tile *tile = &pass->tile;
    const int64_t slot = pass->slot;
    int is_bias = place->from < 0;
    int64_t whose = is_bias ? LISTED_BIAS : cut->by_tap ? place->span : LISTED_ALL;
    if (chunk->listed != whose) list_units(cut, &call->tables, chunk, whose, call->segments);
    tile->segment_count = chunk->count;
    tile->carry = chunk->first > 0;
    tile->width = place->width;
    tile->b = call->d_dst + (cut->gradient_packed ? place->panel * cut->strip : place->channel);
    tile->steps = is_bias ? call->tables.zeros : call->tables.steps;
    if (is_bias) {
        tile->a[0] = &one;
        tile->out[0] = fcnn_weights_sum_bias(&call->sum, slot) + place->channel;
    } else {
        place_rows(cut, place, call->src, fcnn_weights_sum_weights(&call->sum, slot), tile);
        if (cut->packed && tile->carry) fetch_next(cut, place, tile);
    }
    if (cut->summed) {
        tile->alive = call->alive + place->channel;
        tile->out_b = brings_bias(call, place) ? fcnn_weights_sum_bias(&call->sum, slot) + place->channel : NULL;
    }
    const int straight = place->straight && tile->a[place->rows - 1] - tile->a[0] == place->rows - 1;
    const struct fcnn_tiles *tiles = call->tiles;
    (cut->summed ? tiles->summed : straight ? tiles->straight : tiles->outer)[place->vectors][place->rows](tile);
}

static void add_slot(const struct call *call, const struct place *place, int64_t into)
{
    if (place->from >= 0)
        fcnn_weights_sum_add(&call->sum, into, place->from, place->rows, place->channel, place->width);
    if (brings_bias(call, place)) fcnn_weights_sum_add_bias(&call->sum, into, place->channel, place->width);
}

/* Rows from .. to-1 of a place's span, in tiles of about one size. */
static void do_block(const struct call *call, int64_t from, int64_t to, struct place *place, struct pass *pass)
{
    const int64_t tiles = fcnn_ceil_div(to - from, call->cut.tile_rows);
    const int64_t even = (to - from) / tiles, longer = (to - from) % tiles;
    place->from = place->span * call->cut.span_rows + from;
    for (int64_t i = 0; i < tiles; i++, place->from += place->rows) {
        place->rows = even + (i < longer);
        if (pass->chunk) run_tile(call, place, pass);
        else add_slot(call, place, pass->slot);
    }
}

/* The same: no tile reads two blocks of a copied image. */
static void do_rows(const struct call *call, int64_t from, int64_t to, struct place *place, struct pass *pass)
{
    const struct fcnn_cut *cut = &call->cut;
    const int64_t most = cut->packed ? cut->image_channels : fcnn_max(1, cut->span_rows);
    for (int64_t next; from < to; from = next) {
        next = fcnn_min(to, (from / most + 1) * most);
        do_block(call, from, next, place, pass);
    }
}

/* Tasks first .. last-1 of a panel. */
static void do_panel(const struct call *call, int64_t first, int64_t last, struct place *place, struct pass *pass)
{
    const struct fcnn_cut *cut = &call->cut;
    const int64_t end = fcnn_min(last, cut->spans * cut->span_rows);
    const int64_t from = first / cut->spans, later = first % cut->spans, to = end / cut->spans, more = end % cut->spans;
    for (place->span = 0; place->span < cut->spans; place->span++)
        do_rows(call, from + (place->span < later), to + (place->span < more), place, pass);
    if (last == end) return;
    place->from = -1, place->rows = 1;
    if (pass->chunk) run_tile(call, place, pass);
    else add_slot(call, place, pass->slot);
}

static void do_tasks(const struct call *call, int64_t first, int64_t last, struct pass *pass)
{
    const struct fcnn_cut *cut = &call->cut;
    const int64_t together = cut->all_panels ? cut->panels.count : 1;
    for (int64_t end; first < last; first = end) {
        const int64_t at = first / cut->panel_tasks, before = at * cut->panel_tasks;
        end = fcnn_min(last, before + cut->panel_tasks);
        for (int64_t panel = at * together; panel < (at + 1) * together; panel++) {
            struct place place = place_of(cut, panel / cut->panels.count, panel % cut->panels.count);
            do_panel(call, first - before, end - before, &place, pass);
        }
    }
}

/* A block of images begins: where it lies, or is going to be copied. */
static void begin_block(struct call *call, int64_t image, const float *d_dst)
{
    const struct fcnn_cut *cut = &call->cut;
    const int64_t gradient = image * cut->conv.p * cut->conv.q * cut->conv.k;
    call->src = call->strips.image ? call->strips.image : call->tensors->src + image * cut->gather.src_image;
    call->d_dst = cut->gradient_packed ? call->strips.gradient : d_dst + gradient;
    const fcnn_problem *p = call->problem;
    const int masks =
        p->op != FCNN_CONV2D_POOL && p->activation == FCNN_RELU_ACTIVATION; /* read by summed tiles alone */
    call->alive = masks ? call->tensors->dst + gradient : call->d_dst;
    call->strips.halo_rows = 0;
}

/* Copies what a chunk reads. */
static void fill_strips(struct call *call, int64_t image, struct chunk *chunk)
{
    const struct fcnn_cut *cut = &call->cut;
    const struct fcnn_unit first = fcnn_unit_at(cut, chunk->first, chunk->images);
    struct fcnn_unit last = fcnn_unit_at(cut, chunk->last - 1, chunk->images);
    if (!cut->unit_rows) last.image = chunk->images - 1;
    fcnn_strips_fill(call->tiles, cut, call->problem, call->tensors, image, &first, &last, &call->strips);
    chunk->image_origin = call->strips.image_origin, chunk->gradient_origin = call->strips.gradient_origin;
}

/* Tasks first .. last-1 of a call. */
struct share {
    struct call *call;
    const float *d_dst;
    int64_t first, last;
    struct pass pass;
};

static void sum_block(void *context, int64_t image, int64_t images, int64_t slot)
{
    struct share *share = context;
    struct call *call = share->call;
    const struct fcnn_cut *cut = &call->cut;
    const int64_t units = cut->unit_rows ? images * cut->image_units : 1;
    share->pass.slot = slot;
    begin_block(call, image, share->d_dst);
    const int64_t stop = fcnn_max(cut->image_units, cut->chunk_units); /* where a chunk must end */
    for (int64_t unit = 0, next; unit < units; unit = next) {
        next = fcnn_min(fcnn_min(unit + cut->chunk_units, unit / stop * stop + stop), units);
        struct chunk chunk = {.images = images, .first = unit, .last = next, .listed = LISTED_NONE};
        if (call->strips.image) fill_strips(call, image, &chunk);
        share->pass.chunk = &chunk;
        do_tasks(call, share->first, share->last, &share->pass);
    }
}

static void add_block(void *context, int64_t into)
{
    struct share *share = context;
    share->pass.chunk = NULL;
    share->pass.slot = into;
    do_tasks(share->call, share->first, share->last, &share->pass);
}

static void compute(struct call *call, const float *d_dst, int64_t first, int64_t last)
{
    const struct fcnn_cut *cut = &call->cut;
    const int64_t n = cut->conv.n;
    struct share share = {call, d_dst, first, last,
                          {.tile = {.segments = call->segments, .b_stride = cut->gradient_pixel, .ahead = cut->ahead}}};
    fcnn_sum_blocks(n, sum_block, add_block, &share);
}

/* Strips hold one group, so that groups are done one after the other. */
static void compute_packed(struct call *call, const float *d_dst, int64_t first, int64_t last)
{
    const struct fcnn_cut *cut = &call->cut;
    for (int64_t end; first < last; first = end) {
        const int64_t group = first / cut->group_tasks, before = group * cut->group_tasks;
        end = fcnn_min(last, before + cut->group_tasks);
        call->strips.group = group;
        fcnn_strips_aim(cut, first - before, end - before, &call->strips);
        compute(call, d_dst, first, end);
    }
}

void fcnn_direct_weights_run(const struct fcnn_query *query, const fcnn_tensors *t, const struct fcnn_memory *memory,
                             enum fcnn_stage stage, int64_t first, int64_t last)
{
    const struct fcnn_tiles *tiles = query->context;
    const fcnn_problem *p = query->problem;
    struct call call = {.tiles = tiles, .problem = p, .tensors = t, .cut = fcnn_cut_of(query)};
    const struct fcnn_cut *cut = &call.cut;
    call.tables = fcnn_cut_tables_in(cut, memory->tables);
    if (stage == FCNN_TABLES) {
        fcnn_cut_fill_tables(cut, p->op == FCNN_CONV2D_POOL, &call.tables);
    } else if (stage == FCNN_GATHER) {
        fcnn_spread(tiles, p, t, cut->d_dst_spread, memory->shared, first, last);
    } else {
        char *copies = (char *)memory->scratch + segment_bytes(cut);
        call.segments = memory->scratch;
        call.sum = fcnn_weights_sum_of(p, t, memory->sums);
        if (fcnn_strips_image_bytes(cut)) call.strips.image = (float *)copies;
        call.strips.gradient = (float *)(copies + fcnn_strips_image_bytes(cut));
        const float *d_dst = cut->d_dst_spread == FCNN_SPREAD_NOTHING ? t->d_dst : memory->shared;
        if (cut->packed) compute_packed(&call, d_dst, first, last);
        else compute(&call, d_dst, first, last);
    }
}
