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
#include "kernels/conv2d/conv2d.h"
#include "kernels/simd/common.h"

#define BLOCK_PIXELS 1024 /* output pixels that a panel of weights is multiplied with before the next panel */
#define DEEP_PIXELS 256   /* the same where panels are deep */
#define CHUNK_PIXELS 24   /* aims at the size of a task: neighbouring ones of a call are run as one */
#define MOST_CHUNKS 64
#define DEEP_BYTES (768 << 10) /* a panel of more does not stay in the L2 cache */
#define SWEEP_STEPS 512        /* of a tap at a time */
#define SWEEP_PIXELS 512       /* in more, classes fill their tiles */
#define SHARED_BYTES (64 << 20) /* of a gradient before ReLU or pooling that threads make together, if need be ... */
#define SHARED_BLOCKS 32        /* ... or if there are fewer blocks: else each call makes those of its blocks */

/* How a problem is cut: tasks = blocks of images * groups * panels * chunks of a block's tiles. */
struct direct_cut {
    fcnn_problem conv;
    struct fcnn_gather gather;
    enum fcnn_spread spread;
    int pooled, deep; /* deep: swept because of its panels */
    int own_copy;     /* what is spread is spread in scratch, a block at a time */
    int64_t columns;  /* of the widest panel, in whole vectors */
    int64_t blocks, chunks;
};

static enum fcnn_spread spread_of(const fcnn_problem *p)
{
    int pooled = p->op == FCNN_CONV2D_POOL;
    if (p->direction == FCNN_FORWARD) return pooled && fcnn_is_padded(p) ? FCNN_SPREAD_HALO : FCNN_SPREAD_NOTHING;
    return pooled || p->activation == FCNN_RELU_ACTIVATION ? FCNN_SPREAD_FULL : FCNN_SPREAD_NOTHING;
}

static struct direct_cut direct_cut_of(const struct fcnn_tiles *tiles, const fcnn_problem *p)
{
    struct direct_cut cut = {.spread = spread_of(p),
                             .pooled = p->op == FCNN_CONV2D_POOL && p->direction == FCNN_FORWARD};
    cut.conv = fcnn_conv_of(p, cut.spread == FCNN_SPREAD_HALO);
    const struct fcnn_gather *g = &cut.gather;
    cut.gather = fcnn_gather_of(&cut.conv);
    struct fcnn_packing packing = fcnn_packing_of(tiles, p);
    cut.columns = fcnn_ceil_div(packing.panels.granules, packing.panels.count) * packing.panels.granule;
    int64_t image = g->dst_h * g->dst_w;
    cut.deep = !cut.pooled && image <= BLOCK_PIXELS && packing.rows * cut.columns * (int64_t)sizeof(float) > DEEP_BYTES;
    cut.blocks = fcnn_max(1, g->images * image / (cut.deep ? DEEP_PIXELS : BLOCK_PIXELS));
    cut.blocks = fcnn_min(cut.blocks, g->images);
    cut.own_copy = cut.spread == FCNN_SPREAD_FULL && cut.blocks >= SHARED_BLOCKS &&
                   fcnn_spread_bytes(p, cut.spread) > SHARED_BYTES;
    int64_t chunks = fcnn_ceil_div(g->images, cut.blocks) * image / CHUNK_PIXELS;
    cut.chunks = cut.deep ? 1 : fcnn_max(1, fcnn_min(chunks, MOST_CHUNKS));
    return cut;
}

/* Tables: in which classes outputs are visited. Swept: one class for each tap. */
struct visits {
    int swept;
    int64_t rows, columns;
    struct fcnn_axis_class list[]; /* rows, then (behind room for the most) columns */
};

static int64_t most_rows(const struct fcnn_gather *g) { return fcnn_max(g->dst_h, g->taps_h); }

/* What a panel costs in the outputs that have some taps, in multiply-adds of vectors. A tile needs ten sums side by
 * side to keep two units of four cycles' latency busy; beginning and ending one costs as much as `tile` says. */
static int64_t cost_of(const struct fcnn_tiles *tiles, const struct direct_cut *cut, int64_t outputs, int64_t taps,
                       int64_t tile)
{
    const int64_t vectors = cut->columns / tiles->lanes, least = 10, pixels = cut->gather.images * outputs;
    const int64_t count = fcnn_ceil_div(pixels, tiles->rows[vectors]);
    return taps * cut->gather.depth * fcnn_max(pixels * vectors, count * least) + count * tile;
}

/* Whether taps are swept: because of deep panels, or because that is cheaper. The constants are measured on MNIST's
 * third convolution. */
static int is_swept(const struct fcnn_tiles *tiles, const struct direct_cut *cut)
{
    const struct fcnn_gather *g = &cut->gather;
    struct fcnn_axis_class rows[SWEEP_PIXELS + 1], *columns = rows + g->dst_h;
    int64_t by_class = 0, by_tap = 0;
    if (cut->deep || cut->pooled || g->images * g->dst_h * g->dst_w > SWEEP_PIXELS) return cut->deep;
    const int64_t down = fcnn_axis_classes(&cut->conv, 1, rows), across = fcnn_axis_classes(&cut->conv, 0, columns);
    for (int64_t i = 0; i < down; i++)
        for (int64_t j = 0; j < across; j++)
            by_class += cost_of(tiles, cut, rows[i].count * columns[j].count, rows[i].taps * columns[j].taps, 150);
    for (int64_t r = 0; r < g->taps_h; r++) {
        const int64_t met = fcnn_axis_tap(&cut->conv, 1, r).count;
        for (int64_t s = 0; s < g->taps_w && by_tap < by_class; s++)
            by_tap += cost_of(tiles, cut, met * fcnn_axis_tap(&cut->conv, 0, s).count, 1, 200);
    }
    return by_tap < by_class;
}

/* Of one chunk as of all: taps meet different pixels. */
static int64_t chunks_of(const struct direct_cut *cut, int swept) { return swept ? 1 : cut->chunks; }

/* A block's part of what is spread lies in scratch behind the segments. */
static size_t segment_bytes(const struct direct_cut *cut)
{
    return fcnn_line((size_t)(cut->gather.taps_h * cut->gather.taps_w) * sizeof(struct fcnn_segment));
}

static size_t copy_bytes(const struct direct_cut *cut)
{
    return (size_t)(fcnn_ceil_div(cut->gather.images, cut->blocks) * cut->gather.src_image) * sizeof(float);
}

void fcnn_direct_gather_demand(const struct fcnn_query *query, struct fcnn_demand *demand)
{
    const struct fcnn_tiles *tiles = query->context;
    const fcnn_problem *p = query->problem;
    struct direct_cut cut = direct_cut_of(tiles, p);
    const struct fcnn_gather *g = &cut.gather;
    struct fcnn_packing packing = fcnn_packing_of(tiles, p);
    demand->tables = sizeof(struct visits) +
                     (size_t)(most_rows(g) + fcnn_max(g->dst_w, g->taps_w)) * sizeof(struct fcnn_axis_class);
    demand->packed = packing.bytes;
    demand->shared = cut.own_copy ? 0 : fcnn_spread_bytes(p, cut.spread);
    demand->scratch = segment_bytes(&cut) + (cut.own_copy ? copy_bytes(&cut) : 0);
    demand->tasks[FCNN_TABLES] = 1;
    demand->tasks[FCNN_PACK] = packing.tasks;
    demand->tasks[FCNN_GATHER] = cut.spread == FCNN_SPREAD_NOTHING || cut.own_copy ? 0 : g->images;
    demand->tasks[FCNN_COMPUTE] = cut.blocks * packing.tasks * chunks_of(&cut, is_swept(tiles, &cut));
}

static void list_visits(const struct direct_cut *cut, int swept, struct visits *visits)
{
    const struct fcnn_gather *g = &cut->gather;
    struct fcnn_axis_class *columns = visits->list + most_rows(g);
    visits->swept = swept;
    visits->rows = g->taps_h, visits->columns = g->taps_w;
    if (swept) {
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

/* What the tiles of one class, block of images and panel have in common. */
struct job {
    const struct fcnn_gather *gather;
    const struct fcnn_axis_class *v, *h;
    const float *src;   /* first channel of the group, first image of the block */
    float *dst;         /* first channel of the panel, likewise */
    uint16_t *choice;   /* pooled: first word of the block's first image */
    int64_t choice_pixel;
    int64_t images;
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
    w->a = w->first_a + w->n * w->a_image + w->i * w->a_row;
    w->out = w->first_out + w->n * w->out_image + w->i * w->out_row;
}

static struct walk walk_from(const struct job *job, int64_t unit)
{
    const struct fcnn_gather *g = job->gather;
    const struct fcnn_axis_class *v = job->v, *h = job->h;
    struct walk w = {.rows = v->count, .columns = h->count, .a_image = g->src_image, .a_row = v->stride * g->src_row,
                     .a_column = h->stride * g->src_pixel, .out_image = g->dst_image, .out_row = v->step * g->dst_row,
                     .out_column = h->step * g->dst_pixel};
    w.first_a = job->src + v->origin * g->src_row + h->origin * g->src_pixel;
    w.first_out = job->dst + v->first * g->dst_row + h->first * g->dst_pixel;
    if (job->choice) { /* the only class covers the whole output, from 0 in steps of 1 */
        w.rows /= 2, w.columns /= 2, w.a_row *= 2, w.a_column *= 2;
        w.out_row /= 2, w.out_image /= 4;
        w.choice = job->choice + unit * job->choice_pixel;
    }
    w.j = unit % w.columns, w.i = unit / w.columns % w.rows, w.n = unit / w.columns / w.rows;
    walk_to_row(&w);
    w.a += w.j * w.a_column;
    w.out += w.j * w.out_column;
    return w;
}

FCNN_INLINE void walk_on(struct walk *w)
{
    w->a += w->a_column;
    w->out += w->out_column;
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

/* How many tiles the pixels of a class make. */
static int64_t tiles_of(const struct fcnn_tiles *tiles, const struct job *job, int64_t vectors)
{
    int64_t per_unit = job->choice ? 4 : 1, units = job->images * job->v->count * job->h->count / per_unit;
    return fcnn_ceil_div(units, tiles->rows[vectors] / per_unit);
}

/* Tiles first .. last-1 of `count` of one class. */
static void run_tiles(const struct fcnn_tiles *tiles, const struct job *job, struct fcnn_tile *tile, int64_t vectors,
                      int64_t first, int64_t last, int64_t count)
{
    if (first >= last) return;
    int64_t per_unit = job->choice ? 4 : 1, units = job->images * job->v->count * job->h->count / per_unit;
    int64_t least = units / count, larger = units % count; /* the first `larger` tiles have one unit more */
    struct walk walk = walk_from(job, least * first + fcnn_min(first, larger));
    for (int64_t i = first; i < last; i++) {
        int64_t size = least + (i < larger);
        if (job->choice) place_windows(job, &walk, tile, size);
        else place_pixels(&walk, tile, size);
        tiles->gather[vectors][size * per_unit](tile);
    }
}

/* What all tiles of some tasks have in common: a block of images, a panel, and chunks first .. last-1 of `chunks`. */
struct call {
    const struct fcnn_tiles *tiles;
    const struct visits *visits;
    int64_t columns, first, last, chunks;
};

/* Tiles are handed out by where they begin in the sum of all tiles' taps. */
static void run_classes(const struct call *call, struct job *job, struct fcnn_tile *tile, struct fcnn_segment *segments)
{
    const struct visits *visits = call->visits;
    const struct fcnn_axis_class *columns = visits->list + most_rows(job->gather);
    int64_t vectors = call->columns / call->tiles->lanes, total = 0, at = 0;
    for (int64_t i = 0; i < visits->rows * visits->columns; i++) {
        job->v = &visits->list[i / visits->columns], job->h = &columns[i % visits->columns];
        total += tiles_of(call->tiles, job, vectors) * (job->v->taps * job->h->taps + 1);
    }
    const int64_t begin = total * call->first / call->chunks, end = total * call->last / call->chunks;
    tile->segments = segments;
    for (int64_t i = 0; i < visits->rows * visits->columns; i++) {
        job->v = &visits->list[i / visits->columns], job->h = &columns[i % visits->columns];
        int64_t count = tiles_of(call->tiles, job, vectors), taps = job->v->taps * job->h->taps + 1;
        int64_t first = fcnn_min(fcnn_ceil_div(fcnn_max(0, begin - at), taps), count);
        int64_t last = fcnn_min(fcnn_ceil_div(fcnn_max(0, end - at), taps), count);
        at += count * taps;
        if (first == last) continue;
        tile->segment_count = list_segments(job->gather, job->v, job->h, call->columns, segments);
        run_tiles(call->tiles, job, tile, vectors, first, last, count);
    }
}

/* All tiles of the class that job is at. */
static void run_class(const struct call *call, const struct job *job, struct fcnn_tile *tile)
{
    int64_t vectors = call->columns / call->tiles->lanes, count = tiles_of(call->tiles, job, vectors);
    run_tiles(call->tiles, job, tile, vectors, 0, count, count);
}

/* Starts all sums, adds the taps in ascending order, then, if wanted, applies ReLU. */
static void run_sweep(const struct call *call, struct job *job, struct fcnn_tile *tile)
{
    const struct fcnn_gather *g = job->gather;
    const struct visits *visits = call->visits;
    const struct fcnn_axis_class all_rows = {.step = 1, .count = g->dst_h};
    const struct fcnn_axis_class all_columns = {.step = 1, .count = g->dst_w};
    const int relu = tile->relu;
    struct fcnn_segment part;
    tile->segments = &part;
    tile->relu = 0;
    job->v = &all_rows, job->h = &all_columns;
    run_class(call, job, tile);
    tile->carry = 1;
    tile->segment_count = 1;
    for (int64_t i = 0; i < visits->rows * visits->columns; i++) {
        job->v = &visits->list[i / visits->columns], job->h = &visits->list[most_rows(g) + i % visits->columns];
        if (job->v->count * job->h->count == 0) continue;
        for (int64_t k = 0; k < g->depth; k += part.length) {
            part = (struct fcnn_segment){k, (i * g->depth + k) * call->columns, fcnn_min(SWEEP_STEPS, g->depth - k)};
            run_class(call, job, tile);
        }
    }
    if (!relu) return;
    tile->relu = 1;
    tile->segment_count = 0;
    job->v = &all_rows, job->h = &all_columns;
    run_class(call, job, tile);
}

static void compute(const struct fcnn_tiles *tiles, const fcnn_problem *p, const fcnn_tensors *t,
                    const struct fcnn_memory *memory, int64_t first, int64_t last)
{
    struct direct_cut cut = direct_cut_of(tiles, p);
    const struct fcnn_gather *g = &cut.gather;
    struct fcnn_packing packing = fcnn_packing_of(tiles, p);
    int forward = p->direction == FCNN_FORWARD, pooled = cut.pooled;
    const struct visits *visits = memory->tables;
    const int64_t chunks = chunks_of(&cut, visits->swept);
    const float *src = cut.spread != FCNN_SPREAD_NOTHING ? memory->shared : forward ? t->src : t->d_dst;
    float *copy = (float *)((char *)memory->scratch + segment_bytes(&cut));
    int64_t dst_image = pooled ? g->dst_image / 4 : g->dst_image, words = (p->k + 15) / 16 * 3;
    for (int64_t task = first, end, copied = -1; task < last; task = end) {
        int64_t chunk = task % chunks, at = task / chunks % packing.tasks;
        int64_t block = task / chunks / packing.tasks;
        end = fcnn_min(last, task - chunk + chunks);
        int64_t group = at / packing.panels.count, image = block * g->images / cut.blocks;
        struct fcnn_panel panel = fcnn_panel_at(&packing.panels, at % packing.panels.count);
        int64_t columns = fcnn_ceil_div(panel.width, tiles->lanes) * tiles->lanes;
        int64_t channel = group * g->width + panel.from;
        const float *packed = (const float *)memory->packed + at * packing.stride;
        struct job job = {.gather = g, .images = (block + 1) * g->images / cut.blocks - image, .choice_pixel = words};
        if (cut.own_copy && block != copied)
            fcnn_spread_gradient(tiles, p, t, cut.spread, copy, image, image + job.images);
        copied = block;
        job.src = (cut.own_copy ? copy : src + image * g->src_image) + group * g->depth;
        job.dst = (forward ? t->dst : t->d_src) + image * dst_image + channel;
        job.choice = pooled ? t->choice + image * p->p * p->q * words : NULL;
        struct fcnn_tile tile = {.b = packed + columns, .init = packed, .width = panel.width, .channel = channel,
                                 .relu = forward && p->activation == FCNN_RELU_ACTIVATION, .channels = p->k};
        const struct call call = {tiles, visits, columns, chunk, chunk + end - task, chunks};
        if (visits->swept) run_sweep(&call, &job, &tile);
        else run_classes(&call, &job, &tile, memory->scratch);
    }
}

void fcnn_direct_gather_run(const struct fcnn_query *query, const fcnn_tensors *t, const struct fcnn_memory *memory,
                            enum fcnn_stage stage, int64_t first, int64_t last)
{
    const struct fcnn_tiles *tiles = query->context;
    const fcnn_problem *p = query->problem;
    struct direct_cut cut = direct_cut_of(tiles, p);
    switch (stage) {
    case FCNN_TABLES: list_visits(&cut, is_swept(tiles, &cut), memory->tables); break;
    case FCNN_PACK: fcnn_pack_weights(tiles, p, t, memory->packed, first, last); break;
    case FCNN_GATHER: fcnn_spread(tiles, p, t, cut.spread, memory->shared, first, last); break;
    default: compute(tiles, p, t, memory, first, last);
    }
}
