/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Direct convolution, forward and backward data: tiles of output pixels by output channels, straight from the image.
 *
 * Rows of a tile are output pixels of one class (geometry.h), taken in the order image, row, column, so that tiles run
 * on across row ends and images; each has its own input pointer. Segments are the class's taps. Padding, strides,
 * dilation and groups cost nothing but shorter lists; multiply-adds with padding or between strides do not happen.
 * Where classes would be too small to fill tiles (7x7 maps of one image have corners of one pixel), or weights of a
 * panel too many for the L2 cache, the taps are swept instead: all outputs that meet a tap, tap after tap, carrying the
 * sums in dst. Order of every sum: bias (or +0), then filter row, filter column, channel (numerics.md, rules 3, 4). */
#include "kernels/conv2d/direct_cut.h"
#include "kernels/simd/common.h"

/* ---- demand and tables ---- */

/* Tables: in which classes outputs are visited. Swept: one class for each tap. */
struct visits {
    int64_t rows, columns;
    struct fcnn_axis_class list[]; /* rows, then (behind room for the most) columns */
};

static int64_t most_rows(const struct fcnn_gather *g) { return fcnn_max(g->dst_h, g->taps_h); }

/* A block's part of what is spread lies in scratch behind the segments. */
static size_t segment_bytes(const struct fcnn_direct_cut *cut)
{
    return fcnn_line((size_t)(cut->gather.taps_h * cut->gather.taps_w) * sizeof(struct fcnn_segment));
}

/* Most rows of the halo that a block meets. */
static int64_t halo_rows(const struct fcnn_direct_cut *cut)
{
    if (cut->bands == 1) return cut->halo.rows;
    const fcnn_problem *p = &cut->problem;
    const int64_t outputs = fcnn_ceil_div(cut->gather.dst_h, cut->bands), reach = (p->r - 1) * p->dilation_h;
    if (p->direction == FCNN_FORWARD) return (outputs - 1) * p->stride_h + reach + 1;
    return fcnn_min(cut->halo.rows, (outputs - 1 + reach) / p->stride_h + 2);
}

/* The rows first .. last-1 of an image's d_dst that a block of its gradient meets. */
static void source_rows(const fcnn_problem *p, const struct fcnn_direct_block *block, int64_t *first, int64_t *last)
{
    const int64_t rows = p->op == FCNN_CONV2D_POOL ? 2 : 1, reach = (p->r - 1) * p->dilation_h;
    const int64_t from = fcnn_ceil_div(fcnn_max(0, block->from + p->pad_top - reach), p->stride_h);
    const int64_t to = fcnn_min(rows * p->p, (block->to - 1 + p->pad_top) / p->stride_h + 1);
    *first = fcnn_min(from, to) / rows;
    *last = fcnn_ceil_div(to, rows);
}

static size_t copy_bytes(const struct fcnn_direct_cut *cut)
{
    const fcnn_problem *p = &cut->problem;
    const struct fcnn_gather *g = &cut->gather;
    if (!cut->own_copy && !cut->haloed) return 0;
    if (cut->bands == 1) return (size_t)(fcnn_ceil_div(g->images, cut->blocks) * g->src_image) * sizeof(float);
    if (cut->haloed) return (size_t)(halo_rows(cut) * g->src_row) * sizeof(float);
    const int64_t reach = fcnn_ceil_div(g->dst_h, cut->bands) + (p->r - 1) * p->dilation_h;
    return (size_t)(fcnn_min(g->src_h, reach / p->stride_h + 4) * g->src_row) * sizeof(float);
}

void fcnn_direct_gather_demand(const struct fcnn_query *query, struct fcnn_demand *demand)
{
    const struct fcnn_direct_cut cut = fcnn_direct_cut_of(query);
    const fcnn_problem *p = &cut.problem;
    const struct fcnn_gather *g = &cut.gather;
    demand->tables = sizeof(struct visits) +
                     (size_t)(most_rows(g) + fcnn_max(g->dst_w, g->taps_w)) * sizeof(struct fcnn_axis_class);
    demand->packed = cut.packing.bytes;
    demand->shared = cut.own_copy ? 0 : fcnn_spread_bytes(p, cut.spread);
    demand->scratch = segment_bytes(&cut) + copy_bytes(&cut);
    demand->tasks[FCNN_TABLES] = 1;
    demand->tasks[FCNN_PACK] = cut.packing.tasks;
    if (cut.spread != FCNN_SPREAD_NOTHING && !cut.own_copy)
        demand->tasks[FCNN_GATHER] = fcnn_spread_rows_of(p, cut.spread);
    demand->tasks[FCNN_COMPUTE] = cut.blocks * cut.packing.count * cut.chunks;
}

static void list_visits(const struct fcnn_direct_cut *cut, struct visits *visits)
{
    const struct fcnn_gather *g = &cut->gather;
    struct fcnn_axis_class *columns = visits->list + most_rows(g);
    visits->rows = g->taps_h, visits->columns = g->taps_w;
    if (cut->swept) {
        fcnn_axis_taps(&cut->conv, 1, visits->list);
        fcnn_axis_taps(&cut->conv, 0, columns);
    } else {
        visits->rows = fcnn_axis_classes(&cut->conv, 1, visits->list);
        visits->columns = fcnn_axis_classes(&cut->conv, 0, columns);
    }
}

/* The taps of a class as segments; neighbours in memory become one. `columns`: of the panel. */
static int64_t list_segments(const struct fcnn_gather *g, const struct fcnn_axis_class *v,
                             const struct fcnn_axis_class *h, int64_t columns, struct fcnn_segment *segments)
{
    int64_t count = 0;
    for (int64_t i = 0; i < v->taps; i++)
        for (int64_t j = 0; j < h->taps; j++) {
            int64_t tap = (v->tap + i * v->tap_step) * g->taps_w + h->tap + j * h->tap_step;
            int64_t a = i * v->advance * g->src_row + j * h->advance * g->src_pixel;
            struct fcnn_segment s = {a, tap * g->depth * columns, g->depth};
            struct fcnn_segment *last = count ? &segments[count - 1] : NULL;
            if (last && last->a + last->length == s.a && last->b + last->length * columns == s.b)
                last->length += s.length;
            else segments[count++] = s;
        }
    return count;
}

/* What the tiles of one class, block and panel have in common. */
struct job {
    const struct fcnn_gather *gather;
    struct fcnn_axis_class v, h; /* v: the block's part of it */
    const float *src;   /* first channel of the group, first image of the block */
    float *dst;         /* first channel of the panel, likewise */
    uint16_t *choice;   /* pooled: first word of the block's first image */
    int64_t choice_pixel;
    struct fcnn_direct_block block; /* swept: the part of it that the call is about */
    int64_t src_from;   /* the row at which src begins */
};

/* Units (output pixels of a class, or pooling windows) in the order image, row, column. Tiles of first layers take
 * about a hundred cycles, so going from one to the next must not divide. */
struct walk {
    int64_t rows, columns; /* of units in an image */
    int64_t a_image, a_row, a_column, out_image, out_row, out_column; /* distances, in floats */
    int64_t n, i, j;
    const float *first_a, *a; /* of unit (0,0,0); of the current unit */
    float *first_out, *out;
    uint16_t *choice;
};

FCNN_INLINE void walk_to_row(struct walk *w)
{
    w->a = FCNN_BEYOND(w->first_a, w->n * w->a_image + w->i * w->a_row);
    w->out = FCNN_BEYOND(w->first_out, w->n * w->out_image + w->i * w->out_row);
}

static struct walk walk_from(const struct job *job, int64_t unit)
{
    const struct fcnn_gather *g = job->gather;
    const struct fcnn_axis_class *v = &job->v, *h = &job->h;
    struct walk w = {.rows = v->count, .columns = h->count, .a_image = g->src_image, .a_row = v->stride * g->src_row,
                     .a_column = h->stride * g->src_pixel, .out_image = g->dst_image, .out_row = v->step * g->dst_row,
                     .out_column = h->step * g->dst_pixel};
    w.first_a = job->src + (v->origin - job->src_from) * g->src_row + h->origin * g->src_pixel;
    w.first_out = job->dst + v->first * g->dst_row + h->first * g->dst_pixel;
    if (job->choice) { /* the only class covers the whole block, in steps of 1 */
        w.rows /= 2, w.columns /= 2, w.a_row *= 2, w.a_column *= 2;
        w.out_row /= 2, w.out_image /= 4;
        w.first_out = job->dst + v->first / 2 * w.out_row;
        w.choice = job->choice + (v->first / 2 * w.columns + unit) * job->choice_pixel;
    }
    w.j = unit % w.columns, w.i = unit / w.columns % w.rows, w.n = unit / w.columns / w.rows;
    walk_to_row(&w);
    w.a += w.j * w.a_column;
    w.out += w.j * w.out_column;
    return w;
}

/* Behind the last unit there is none. */
FCNN_INLINE void walk_on(struct walk *w)
{
    w->a = FCNN_BEYOND(w->a, w->a_column);
    w->out = FCNN_BEYOND(w->out, w->out_column);
    if (++w->j < w->columns) return;
    w->j = 0;
    if (++w->i == w->rows) w->i = 0, w->n++;
    walk_to_row(w);
}

/* Rows of plain tiles: one per pixel. */
FCNN_INLINE void place_pixels(struct walk *w, struct fcnn_tile *tile, int64_t pixels)
{
    for (int64_t row = 0; row < pixels; row++) {
        tile->a[row] = w->a;
        tile->out[row] = w->out;
        walk_on(w);
    }
}

/* Rows of pooled tiles: the four pixels of each window. */
FCNN_INLINE void place_windows(const struct job *job, struct walk *w, struct fcnn_tile *tile, int64_t windows)
{
    const int64_t right = w->a_column / 2, below = w->a_row / 2;
    for (int64_t i = 0; i < windows; i++) {
        tile->a[4 * i] = w->a;
        tile->a[4 * i + 1] = w->a + right;
        tile->a[4 * i + 2] = w->a + below;
        tile->a[4 * i + 3] = w->a + below + right;
        tile->out[i] = w->out;
        tile->choice[i] = w->choice;
        w->choice += job->choice_pixel;
        walk_on(w);
    }
}

/* What all tiles of some tasks have in common: a block, a panel, and chunks first .. last-1. */
struct call {
    const struct fcnn_tiles *tiles;
    const struct fcnn_direct_cut *cut;
    const struct visits *visits;
    int64_t columns, vectors, rows; /* of the panel; most of a tile */
    int64_t first, last;
};

/* Pixels or windows of the class that job is at. */
static int64_t units_of(const struct job *job)
{
    return job->block.images * job->v.count * job->h.count / (job->choice ? 4 : 1);
}

/* How many tiles they make. */
static int64_t tiles_of(const struct call *call, const struct job *job)
{
    return fcnn_ceil_div(units_of(job), call->rows / (job->choice ? 4 : 1));
}

/* Tiles first .. last-1 of `count` of one class. */
static void run_tiles(const struct call *call, const struct job *job, struct fcnn_tile *tile, int64_t first,
                      int64_t last, int64_t count)
{
    if (first >= last) return;
    const int64_t per_unit = job->choice ? 4 : 1, units = units_of(job);
    int64_t least = units / count, larger = units % count; /* the first `larger` tiles have one unit more */
    struct walk walk = walk_from(job, least * first + fcnn_min(first, larger));
    for (int64_t i = first; i < last; i++) {
        int64_t size = least + (i < larger);
        if (job->choice) place_windows(job, &walk, tile, size);
        else place_pixels(&walk, tile, size);
        call->tiles->gather[call->vectors][size * per_unit](tile);
    }
}

/* The class of outputs of a pair of visits, as far as it lies in the block. */
static void go_to(const struct call *call, struct job *job, int64_t pair)
{
    const struct visits *visits = call->visits;
    job->v = fcnn_axis_part(&visits->list[pair / visits->columns], job->block.from, job->block.to);
    job->h = visits->list[most_rows(job->gather) + pair % visits->columns];
}

/* Tiles are handed out by where they begin in the sum of all tiles' taps. */
static void run_classes(const struct call *call, struct job *job, struct fcnn_tile *tile, struct fcnn_segment *segments)
{
    const int64_t pairs = call->visits->rows * call->visits->columns;
    int64_t total = 0, at = 0;
    for (int64_t i = 0; i < pairs; i++) {
        go_to(call, job, i);
        total += tiles_of(call, job) * (job->v.taps * job->h.taps + 1);
    }
    const int64_t begin = total * call->first / call->cut->chunks, end = total * call->last / call->cut->chunks;
    tile->segments = segments;
    for (int64_t i = 0; i < pairs; i++) {
        go_to(call, job, i);
        int64_t count = tiles_of(call, job), taps = job->v.taps * job->h.taps + 1;
        int64_t first = fcnn_min(fcnn_ceil_div(fcnn_max(0, begin - at), taps), count);
        int64_t last = fcnn_min(fcnn_ceil_div(fcnn_max(0, end - at), taps), count);
        at += count * taps;
        if (first == last) continue;
        tile->segment_count = list_segments(job->gather, &job->v, &job->h, call->columns, segments);
        run_tiles(call, job, tile, first, last, count);
    }
}

/* All tiles of the class that job is at. */
static void run_class(const struct call *call, const struct job *job, struct fcnn_tile *tile)
{
    const int64_t count = tiles_of(call, job);
    run_tiles(call, job, tile, 0, count, count);
}

/* All outputs of the block, which need no taps. */
static void run_all(const struct call *call, struct job *job, struct fcnn_tile *tile)
{
    job->v = (struct fcnn_axis_class){.first = job->block.from, .step = 1, .count = job->block.to - job->block.from,
                                      .origin = job->src_from};
    job->h = (struct fcnn_axis_class){.step = 1, .count = job->gather->dst_w};
    run_class(call, job, tile);
}

/* Starts all sums, adds the taps in ascending order, then, if wanted, applies ReLU. */
static void run_sweep(const struct call *call, struct job *job, struct fcnn_tile *tile)
{
    const struct fcnn_gather *g = job->gather;
    const int relu = tile->relu;
    struct fcnn_segment part;
    tile->segments = &part;
    tile->relu = 0;
    run_all(call, job, tile);
    tile->carry = 1;
    tile->segment_count = 1;
    for (int64_t i = 0; i < call->visits->rows * call->visits->columns; i++) {
        go_to(call, job, i);
        if (job->v.count * job->h.count == 0) continue;
        for (int64_t k = 0; k < g->depth; k += part.length) {
            part = (struct fcnn_segment){k, (i * g->depth + k) * call->columns,
                                         fcnn_min(call->cut->steps, g->depth - k)};
            run_class(call, job, tile);
        }
    }
    if (!relu) return;
    tile->relu = 1;
    tile->segment_count = 0;
    run_all(call, job, tile);
}

/* The copy of a block and group, made if it is not there yet. */
static void place_halo(const struct fcnn_query *query, const struct fcnn_direct_cut *cut, const fcnn_tensors *t,
                       const struct fcnn_memory *memory, int64_t group, int copy_now, struct job *job)
{
    float *copy = (float *)((char *)memory->scratch + segment_bytes(cut));
    struct fcnn_span met = {0, cut->halo.rows};
    job->src = copy;
    if (cut->bands > 1) met = fcnn_halo_met(&cut->halo, 1, job->block.from, job->block.to);
    for (int64_t i = 0; copy_now && i < job->block.images; i++, copy += (met.to - met.from) * cut->gather.src_row)
        fcnn_spread_group(query->context, &cut->problem, t, &cut->halo, &cut->gather, job->block.image + i, group, &met,
                          copy);
    job->src_from = met.from;
}

/* Where a block's source lies: in the tensor, in memory.shared, or in scratch, to where it is spread. */
static void place_source(const struct fcnn_query *query, const struct fcnn_direct_cut *cut, const fcnn_tensors *t,
                         const struct fcnn_memory *memory, int spread_now, struct job *job)
{
    const fcnn_problem *p = &cut->problem;
    const float *src = p->direction == FCNN_FORWARD ? t->src : t->d_dst;
    job->src_from = 0;
    if (!cut->own_copy) {
        if (cut->spread != FCNN_SPREAD_NOTHING) src = memory->shared;
        job->src = src + job->block.image * cut->gather.src_image;
        return;
    }
    float *copy = (float *)((char *)memory->scratch + segment_bytes(cut));
    int64_t first = 0, last = p->p;
    if (cut->bands > 1) source_rows(p, &job->block, &first, &last);
    if (spread_now) {
        const int64_t row = job->block.image * p->p;
        fcnn_spread_gradient(query->context, p, t, cut->spread, copy, row + first,
                             row + (job->block.images - 1) * p->p + last);
    }
    job->src = copy;
    job->src_from = p->op == FCNN_CONV2D_POOL ? 2 * first : first;
}

static void compute(const struct fcnn_query *query, const fcnn_tensors *t, const struct fcnn_memory *memory,
                    int64_t first, int64_t last)
{
    const struct fcnn_tiles *tiles = query->context;
    const struct fcnn_direct_cut cut = fcnn_direct_cut_of(query);
    const fcnn_problem *p = &cut.problem;
    const struct fcnn_gather *g = &cut.gather;
    const struct fcnn_packing *packing = &cut.packing;
    const int forward = p->direction == FCNN_FORWARD;
    const int64_t dst_image = cut.pooled ? g->dst_image / 4 : g->dst_image, words = (p->k + 15) / 16 * 3;
    struct job job = {.gather = g, .choice_pixel = words};
    for (int64_t task = first, end, ready = -1, group_ready = -1; task < last; task = end) {
        const int64_t chunk = task % cut.chunks, at = task / cut.chunks % packing->count;
        const int64_t block = task / cut.chunks / packing->count;
        end = fcnn_min(last, task - chunk + cut.chunks);
        const int64_t group = at / packing->panels.count;
        const struct fcnn_panel panel = fcnn_panel_at(&packing->panels, at % packing->panels.count);
        const int64_t vectors = fcnn_ceil_div(panel.width, tiles->lanes), columns = vectors * tiles->lanes;
        const int64_t channel = group * g->width + panel.from;
        const float *packed = (const float *)memory->packed + at * packing->stride;
        job.block = fcnn_direct_block_at(&cut, block);
        if (cut.haloed) place_halo(query, &cut, t, memory, group, block != ready || group != group_ready, &job);
        else place_source(query, &cut, t, memory, block != ready, &job);
        ready = block, group_ready = group;
        if (cut.swept) {
            const struct fcnn_direct_block part = fcnn_direct_block_part(&cut, &job.block, chunk, chunk + end - task);
            job.src += (part.image - job.block.image) * g->src_image;
            job.block = part;
        }
        if (!cut.haloed) job.src += group * g->depth;
        job.dst = (forward ? t->dst : t->d_src) + job.block.image * dst_image + channel;
        job.choice = cut.pooled ? t->choice + job.block.image * p->p * p->q * words : NULL;
        struct fcnn_tile tile = {.b = packed + columns, .init = packed, .width = panel.width, .channel = channel,
                                 .relu = forward && p->activation == FCNN_RELU_ACTIVATION, .channels = p->k};
        const struct call call = {tiles, &cut, memory->tables, columns, vectors,
                                  fcnn_min(cut.rows, tiles->rows[vectors]), chunk, chunk + end - task};
        if (cut.swept) run_sweep(&call, &job, &tile);
        else run_classes(&call, &job, &tile, memory->scratch);
    }
}

void fcnn_direct_gather_run(const struct fcnn_query *query, const fcnn_tensors *t, const struct fcnn_memory *memory,
                            enum fcnn_stage stage, int64_t first, int64_t last)
{
    const struct fcnn_tiles *tiles = query->context;
    const struct fcnn_direct_cut cut = fcnn_direct_cut_of(query);
    const fcnn_problem *p = &cut.problem;
    switch (stage) {
    case FCNN_TABLES: list_visits(&cut, memory->tables); break;
    case FCNN_PACK: fcnn_pack_weights(tiles, p, cut.vectors, t, memory->packed, first, last); break;
    case FCNN_GATHER: fcnn_spread_rows(tiles, p, t, cut.spread, memory->shared, first, last); break;
    default: compute(query, t, memory, first, last);
    }
}
