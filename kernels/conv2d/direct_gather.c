/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Direct convolution, forward and backward data: tiles of output pixels by output channels, straight from the NHWC image.
 *
 * Rows of a tile are output pixels of one class (geometry.h), taken in the order image, row, column, so that tiles run on across
 * row ends and images; each has its own input pointer. Segments are the class's taps. Padding, strides, dilation and groups
 * cost nothing but shorter lists; multiply-adds with padding or between strides do not happen.
 * Order of every sum: bias (or +0), then filter row, filter column, channel: numerics.md, rules 3 and 4. */
#include "kernels/conv2d/conv2d.h"
#include "kernels/simd/common.h"

/* Aims at the size of a task, in output pixels: enough to fill tiles, few enough for a core's L2 cache. */
#define BLOCK_PIXELS 1024
#define CHUNK_PIXELS 256

/* How a problem is cut: tasks = blocks of images * groups * panels * chunks of a block's tiles. */
struct cut {
    fcnn_problem conv;
    struct fcnn_gather gather;
    enum fcnn_spread spread;
    int64_t blocks, chunks;
};

static enum fcnn_spread spread_of(const fcnn_problem *p)
{
    int pooled = p->op == FCNN_CONV2D_POOL;
    if (p->direction == FCNN_FORWARD) return pooled && fcnn_is_padded(p) ? FCNN_SPREAD_HALO : FCNN_SPREAD_NOTHING;
    return pooled || p->activation == FCNN_RELU_ACTIVATION ? FCNN_SPREAD_FULL : FCNN_SPREAD_NOTHING;
}

static struct cut cut_of(const fcnn_problem *p)
{
    struct cut cut = {.spread = spread_of(p)};
    cut.conv = fcnn_conv_of(p, cut.spread == FCNN_SPREAD_HALO);
    cut.gather = fcnn_gather_of(&cut.conv);
    int64_t image = cut.gather.dst_h * cut.gather.dst_w;
    cut.blocks = fcnn_max(1, cut.gather.images * image / BLOCK_PIXELS);
    cut.blocks = fcnn_min(cut.blocks, cut.gather.images);
    int64_t chunk = cut.blocks > 1 ? 2 * CHUNK_PIXELS : CHUNK_PIXELS; /* a task costs as much as some tiles of first layers */
    cut.chunks = fcnn_max(1, fcnn_ceil_div(cut.gather.images, cut.blocks) * image / chunk);
    return cut;
}

/* Tables: the two class lists with their lengths. */
struct classes {
    int64_t rows, columns;
    struct fcnn_axis_class list[]; /* rows, then (from dst_h on) columns */
};

void fcnn_direct_gather_demand(const struct fcnn_tiles *tiles, const fcnn_problem *p, struct fcnn_demand *demand)
{
    struct cut cut = cut_of(p);
    const struct fcnn_gather *g = &cut.gather;
    struct fcnn_packing packing = fcnn_packing_of(tiles, p);
    demand->tables = sizeof(struct classes) + (size_t)(g->dst_h + g->dst_w) * sizeof(struct fcnn_axis_class);
    demand->packed = packing.bytes;
    demand->shared = fcnn_spread_bytes(p, cut.spread);
    demand->scratch = (size_t)(g->taps_h * g->taps_w) * sizeof(struct fcnn_segment);
    demand->tasks[FCNN_TABLES] = 1;
    demand->tasks[FCNN_PACK] = packing.tasks;
    demand->tasks[FCNN_GATHER] = cut.spread == FCNN_SPREAD_NOTHING ? 0 : g->images;
    demand->tasks[FCNN_COMPUTE] = cut.blocks * packing.tasks * cut.chunks;
}

/* The taps of a class as segments; neighbours in memory become one. `columns`: of the panel. */
static int64_t list_segments(const struct fcnn_gather *g, const struct fcnn_axis_class *v, const struct fcnn_axis_class *h,
                             int64_t columns, struct fcnn_segment *segments)
{
    int64_t count = 0;
    for (int64_t i = 0; i < v->taps; i++)
        for (int64_t j = 0; j < h->taps; j++) {
            int64_t tap = (v->tap + i * v->tap_step) * g->taps_w + h->tap + j * h->tap_step;
            struct fcnn_segment s = {i * v->advance * g->src_row + j * h->advance * g->src_pixel, tap * g->depth * columns, g->depth};
            struct fcnn_segment *last = &segments[count - 1];
            if (count && last->a + last->length == s.a && last->b + last->length * columns == s.b) last->length += s.length;
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

/* Units (output pixels of a class, or pooling windows) in the order image, row, column. Tiles of first layers take about a
 * hundred cycles, so going from one to the next must not divide. */
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

/* Chunk `chunk` of the tiles of one class. */
static void run_class(const struct fcnn_tiles *tiles, const struct job *job, struct fcnn_tile *tile, int64_t chunk, int64_t chunks)
{
    int64_t vectors = fcnn_ceil_div(tile->width, tiles->lanes), rows = tiles->rows[vectors];
    int64_t per_unit = job->choice ? 4 : 1, units = job->images * job->v->count * job->h->count / per_unit;
    int64_t count = fcnn_ceil_div(units, rows / per_unit), first = count * chunk / chunks, last = count * (chunk + 1) / chunks;
    if (first == last) return;
    int64_t least = units / count, larger = units % count; /* the first `larger` tiles have one unit more */
    struct walk walk = walk_from(job, least * first + fcnn_min(first, larger));
    for (int64_t i = first; i < last; i++) {
        int64_t size = least + (i < larger);
        if (job->choice) place_windows(job, &walk, tile, size);
        else place_pixels(&walk, tile, size);
        tiles->gather[vectors][size * per_unit](tile);
    }
}

static void compute(const struct fcnn_tiles *tiles, const fcnn_problem *p, const fcnn_tensors *t, const struct fcnn_memory *memory,
                    int64_t first, int64_t last)
{
    struct cut cut = cut_of(p);
    const struct fcnn_gather *g = &cut.gather;
    struct fcnn_packing packing = fcnn_packing_of(tiles, p);
    const struct classes *classes = memory->tables;
    int forward = p->direction == FCNN_FORWARD, pooled = forward && p->op == FCNN_CONV2D_POOL;
    const float *src = cut.spread != FCNN_SPREAD_NOTHING ? memory->shared : forward ? t->src : t->d_dst;
    int64_t dst_image = pooled ? g->dst_image / 4 : g->dst_image, words = (p->k + 15) / 16 * 3;
    for (int64_t task = first; task < last; task++) {
        int64_t chunk = task % cut.chunks, at = task / cut.chunks % packing.tasks, block = task / cut.chunks / packing.tasks;
        int64_t group = at / packing.panels.count, image = block * g->images / cut.blocks;
        struct fcnn_panel panel = fcnn_panel_at(&packing.panels, at % packing.panels.count);
        int64_t columns = fcnn_ceil_div(panel.width, tiles->lanes) * tiles->lanes, channel = group * g->width + panel.from;
        const float *packed = (const float *)memory->packed + at * packing.stride;
        struct job job = {.gather = g, .images = (block + 1) * g->images / cut.blocks - image, .choice_pixel = words};
        job.src = src + image * g->src_image + group * g->depth;
        job.dst = (forward ? t->dst : t->d_src) + image * dst_image + channel;
        job.choice = pooled ? t->choice + image * p->p * p->q * words : NULL;
        struct fcnn_tile tile = {.segments = memory->scratch, .b = packed + columns, .init = packed, .width = panel.width,
                                 .relu = forward && p->activation == FCNN_RELU_ACTIVATION, .channel = channel, .channels = p->k};
        for (int64_t i = 0; i < classes->rows; i++)
            for (int64_t j = 0; j < classes->columns; j++) {
                job.v = &classes->list[i], job.h = &classes->list[g->dst_h + j];
                tile.segment_count = list_segments(g, job.v, job.h, columns, memory->scratch);
                run_class(tiles, &job, &tile, chunk, cut.chunks);
            }
    }
}

void fcnn_direct_gather_run(const struct fcnn_tiles *tiles, const fcnn_problem *p, const fcnn_tensors *t,
                            const struct fcnn_memory *memory, enum fcnn_stage stage, int64_t first, int64_t last)
{
    struct cut cut = cut_of(p);
    struct classes *classes = memory->tables;
    switch (stage) {
    case FCNN_TABLES:
        classes->rows = fcnn_axis_classes(&cut.conv, 1, classes->list);
        classes->columns = fcnn_axis_classes(&cut.conv, 0, classes->list + cut.gather.dst_h);
        break;
    case FCNN_PACK: fcnn_pack_weights(tiles, p, t, memory->packed, first, last); break;
    case FCNN_GATHER: fcnn_spread(tiles, p, t, cut.spread, memory->shared, first, last); break;
    default: compute(tiles, p, t, memory, first, last);
    }
}
