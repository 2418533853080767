/* SPDX-License-Identifier: BSD-2-Clause
 * Grouped convolution, backward weights and bias: see grouped.h. A task sums some filter elements of a vector of source
 * channels over everything: images in blocks of FCNN_BLOCK, one chain per block over n, p, q; blocks along the fixed
 * tree. Band by band: rows of the source are copied, with their padding, rows of gradients spread; then tile by tile of
 * filter elements, the sums carried in scratch. */
#include <string.h>

#include "kernels/conv2d/weights_sum.h"
#include "kernels/grouped/grouped.h"
#include "kernels/simd/common.h"

struct weights_cut {
    struct fcnn_grouped_lanes lanes;
    struct fcnn_grouped_copy source, gradient;
    struct fcnn_panels taps, spread; /* of tiles */
    int64_t slots;                   /* rows of the source */
    int64_t rows, strips;            /* gradients of a band: some rows, or parts of one row */
    int64_t beside;                  /* vectors that take turns, band by band */
};

enum { PIXELS, BESIDE };
#define MOST_BESIDE 32

/* Gradients have no halo. */
static struct fcnn_halo gradient_halo(const fcnn_problem *p)
{
    struct fcnn_halo halo = {.conv = *p, .h = p->p, .w = p->q, .pixel = p->k, .rows = p->p, .columns = p->q};
    halo.conv.stride_w = 1;
    return halo;
}

static struct weights_cut cut_of(const struct fcnn_query *query, const int64_t *knobs)
{
    const int64_t pixels = knobs[PIXELS];
    const struct fcnn_grouped *loops = query->context;
    const fcnn_problem *p = query->problem;
    const struct fcnn_halo halo = fcnn_halo_of(p), gradient = gradient_halo(p);
    struct weights_cut cut = {.lanes = fcnn_grouped_lanes_of(p, loops->lanes, FCNN_INTERLEAVED_ROWS),
                              .taps = fcnn_panels_of(p->r * p->s, 1, loops->taps)};
    cut.spread = fcnn_panels_of(cut.lanes.depth, 1, loops->spread);
    cut.rows = fcnn_max(1, fcnn_min(p->p, pixels / p->q));
    cut.strips = fcnn_ceil_div(p->q, fcnn_max(pixels, 1));
    const int64_t columns = fcnn_ceil_div(p->q, cut.strips);
    const struct fcnn_span met = fcnn_halo_met(&halo, 0, 0, columns), rows = fcnn_halo_met(&halo, 1, 0, cut.rows);
    cut.source = fcnn_grouped_copy_of(loops, &halo, met.to - met.from, 1, 0);
    cut.gradient = fcnn_grouped_copy_of(loops, &gradient, columns, cut.lanes.planes, 0);
    cut.slots = rows.to - rows.from;
    cut.beside = fcnn_min(knobs[BESIDE], cut.lanes.vectors);
    return cut;
}

/* Spread, a gradient is what takes room; copied, it takes no more than the source, of which a stride copies more. */
static int64_t standard_pixels(const struct fcnn_query *query)
{
    const struct weights_cut cut =
        cut_of(query, (const int64_t[]){[PIXELS] = 1, [BESIDE] = 1});
    const fcnn_problem *p = query->problem;
    const int64_t pixel = cut.lanes.lanes * (int64_t)sizeof(float);
    const int64_t source = cut.lanes.way == FCNN_SPREAD ? 0 : p->stride_h * p->stride_w;
    return query->caches->l1 / 3 / ((cut.lanes.planes + source) * pixel);
}

/* All that there are, where the next vector's lines would not wait in the second-level cache for its turn. */
static int64_t standard_beside(const struct fcnn_query *query)
{
    const struct weights_cut cut = cut_of(query, (const int64_t[]){[PIXELS] = 1, [BESIDE] = 1});
    const fcnn_problem *p = query->problem;
    const int64_t image = (p->h * p->w * p->c + p->p * p->q * p->k) * (int64_t)sizeof(float);
    return cut.lanes.vectors == 1 ? FCNN_MOOT : image > query->caches->l2 ? cut.lanes.vectors : 1;
}

const struct fcnn_knob fcnn_grouped_weights_knobs[FCNN_GROUPED_WEIGHTS_KNOBS] = {
    [PIXELS] = {"pixels", 8, {7, 14, 28, 56, 112, 224, 448, 896}, standard_pixels},
    [BESIDE] = {"vectors", 6, {1, 2, 4, 8, 16, MOST_BESIDE}, standard_beside},
};

/* Areas of scratch: of vector i of those that take turns, then what serves all of them. */
struct scratch {
    float *source, *gradient, *sums, *bias; /* sums: [tap][spread][lane]; bias: [plane][lane] */
    const float **x;                        /* [rows][taps] */
    int64_t *held, *offsets;                /* the rows in `source`; of filter columns in such a row */
    size_t bytes;                           /* of all */
};

static struct scratch scratch_of(const struct weights_cut *cut, void *memory, int64_t i)
{
    const int64_t lanes = cut->lanes.lanes, depth = cut->lanes.depth;
    const size_t bytes[] = {(size_t)(cut->slots * cut->source.row + cut->source.row) * sizeof(float),
                            (size_t)(cut->taps.channels * depth * lanes) * sizeof(float),
                            (size_t)(cut->lanes.planes * lanes) * sizeof(float), (size_t)cut->slots * sizeof(int64_t)};
    size_t at[4], own = 0;
    for (int j = 0; j < 4; j++) at[j] = own, own += fcnn_line(bytes[j]);
    const size_t gradient = (size_t)cut->beside * own;
    const size_t x = gradient + fcnn_line((size_t)(cut->rows * cut->gradient.row) * sizeof(float));
    const size_t offsets = x + fcnn_line((size_t)(cut->rows * cut->taps.channels) * sizeof(float *));
    char *base = memory;
    struct scratch s = {.bytes = offsets + (size_t)(cut->source.reach + 1) * sizeof(int64_t)};
    if (!base) return s;
    s.gradient = (float *)(base + gradient), s.x = (const float **)(base + x), s.offsets = (int64_t *)(base + offsets);
    base += (size_t)i * own;
    s.source = (float *)(base + at[0]), s.sums = (float *)(base + at[1]), s.bias = (float *)(base + at[2]);
    s.held = (int64_t *)(base + at[3]);
    return s;
}

void fcnn_grouped_weights_demand(const struct fcnn_query *query, struct fcnn_demand *demand)
{
    const struct weights_cut cut = cut_of(query, query->knobs);
    demand->sums = fcnn_weights_sum_bytes(query->problem);
    demand->scratch = scratch_of(&cut, NULL, 0).bytes;
    demand->tasks[FCNN_COMPUTE] = cut.lanes.vectors * cut.taps.count * cut.spread.count;
}

/* Of gradients that are spread or interleaved; interleaved: of the source, and where its channels are then. */
struct indexes {
    int32_t gradient[FCNN_GROUPED_LANES], source[FCNN_GROUPED_LANES], lanes[FCNN_GROUPED_LANES];
};

/* Tiles first .. last-1 of a vector. */
struct job {
    const fcnn_problem *problem;
    const struct weights_cut *cut;
    const fcnn_tensors *tensors;
    struct scratch scratch;
    struct fcnn_weights_sum sum;
    struct fcnn_grouped_vector at;
    int64_t first, last;
    const struct indexes *index;
};

/* Those of vectors that take turns. */
struct set {
    struct job jobs[MOST_BESIDE];
    int64_t count;
};

struct tile {
    struct fcnn_panel taps, spread;
};

static struct tile tile_at(const struct weights_cut *cut, int64_t i)
{
    return (struct tile){fcnn_panel_at(&cut->taps, i / cut->spread.count),
                         fcnn_panel_at(&cut->spread, i % cut->spread.count)};
}

/* ---- a band: gradients (from, to) x [left, right) ---- */

struct band {
    int64_t n, from, to, left, right;
    struct fcnn_span met; /* columns of the source's halo */
};

static void spread_gradients(const struct job *job, const struct band *b)
{
    const struct weights_cut *cut = job->cut;
    const fcnn_problem *p = job->problem;
    const int biased = !p->no_bias && job->at.part == 0, interleaved = fcnn_grouped_interleaves(cut->lanes.way);
    const int indexed = interleaved || cut->lanes.way == FCNN_SPREAD;
    for (int64_t row = b->from; row < b->to; row++) {
        const int64_t at = (b->n * p->p + row) * p->q * p->k + job->at.spread;
        struct fcnn_grouped_fill fill = {
            .src = job->tensors->d_dst + at,
            .dst = p->activation == FCNN_RELU_ACTIVATION ? job->tensors->dst + at : NULL,
            .out = job->scratch.gradient + (row - b->from) * cut->gradient.row,
            .ahead = job->at.groups * cut->lanes.depth,
            .reach = (job->at.groups - !interleaved) * cut->lanes.depth + !interleaved,
            .room = indexed ? p->k - job->at.spread : job->at.groups * cut->lanes.depth,
            .index = indexed ? job->index->gradient : NULL,
            .bias = biased ? job->scratch.bias : NULL};
        fcnn_grouped_copy_row(&cut->gradient, &fill, b->left, b->right - b->left, 0);
    }
}

/* Row `row` of the source's halo; behind the slots is one of zeros. */
static const float *source_row(const struct job *job, const struct band *b, int64_t row)
{
    const struct weights_cut *cut = job->cut;
    const struct fcnn_halo *halo = &cut->source.halo;
    if (row < halo->top || row >= halo->top + halo->h) return job->scratch.source + cut->slots * cut->source.row;
    const int64_t slot = (int32_t)row % (int32_t)cut->slots; /* a short division */
    float *out = job->scratch.source + slot * cut->source.row;
    if (job->scratch.held[slot] == row) return out;
    struct fcnn_grouped_fill fill = {
        .src = job->tensors->src + (b->n * halo->h + row - halo->top) * halo->w * halo->pixel + job->at.channel,
        .out = out,
        .ahead = job->at.lanes,
        .reach = job->at.lanes,
        .room = job->at.lanes};
    if (fcnn_grouped_interleaves(cut->lanes.way))
        fill.room = halo->pixel - job->at.channel, fill.index = job->index->source;
    fcnn_grouped_copy_row(&cut->source, &fill, b->met.from, b->met.to - b->met.from, job->scratch.held[slot] < 0);
    job->scratch.held[slot] = row;
    return out;
}

/* Where the source of each gradient row and filter element starts. */
static void list_sources(const struct job *job, const struct band *b)
{
    const fcnn_problem *p = job->problem;
    const float **x = job->scratch.x;
    for (int64_t row = b->from; row < b->to; row++)
        for (int64_t r = 0; r < p->r; r++) {
            const float *source = source_row(job, b, row * p->stride_h + r * p->dilation_h);
            for (int64_t s = 0; s < p->s; s++) *x++ = source + job->scratch.offsets[s];
        }
}

static void sum_tile(const struct job *job, const struct band *b, const struct tile *tile)
{
    const struct weights_cut *cut = job->cut;
    const int64_t lanes = cut->lanes.lanes;
    const struct fcnn_grouped_sum sum = {
        .x = job->scratch.x + tile->taps.from, .step = cut->taps.channels,
        .gradient = job->scratch.gradient,
        .rows = b->to - b->from, .row = cut->gradient.row, .columns = b->right - b->left,
        .taps = tile->taps.width, .first = tile->spread.from, .spread = tile->spread.width,
        .plane = cut->gradient.plane, .way = cut->lanes.way,
        .sums = job->scratch.sums + (tile->taps.from * cut->lanes.depth + tile->spread.from) * lanes,
        .tap = cut->lanes.depth * lanes};
    cut->source.loops->sum(&sum);
}

static void forget_rows(const struct job *job)
{
    for (int64_t i = 0; i < job->cut->slots; i++) job->scratch.held[i] = -1;
}

static void sum_band(const struct job *job, const struct band *b)
{
    if (job->cut->strips > 1 || b->from == 0) forget_rows(job);
    spread_gradients(job, b);
    list_sources(job, b);
    for (int64_t i = job->first; i < job->last; i++) {
        const struct tile tile = tile_at(job->cut, i);
        sum_tile(job, b, &tile);
    }
}

static void sum_image(const struct set *set, int64_t n)
{
    const struct weights_cut *cut = set->jobs->cut;
    const fcnn_problem *p = set->jobs->problem;
    struct band b = {.n = n};
    for (b.from = 0; b.from < p->p; b.from = b.to)
        for (int64_t strip = 0; strip < cut->strips; strip++) {
            b.to = fcnn_min(p->p, b.from + cut->rows);
            b.left = p->q * strip / cut->strips, b.right = p->q * (strip + 1) / cut->strips;
            b.met = fcnn_halo_met(&cut->source.halo, 0, b.left, b.right);
            for (int64_t i = 0; i < set->count; i++) sum_band(&set->jobs[i], &b);
        }
}

/* ---- sums ---- */

/* Sums of some taps and spread channels, from lanes to where they belong. */
static void store_sums(const struct job *job, const struct tile *sums, float *weights)
{
    const struct weights_cut *cut = job->cut;
    const struct fcnn_grouped_lanes *lanes = &cut->lanes;
    const int64_t k = job->problem->k;
    const int32_t *index = fcnn_grouped_interleaves(lanes->way) ? job->index->lanes : NULL;
    float *out[FCNN_GROUPED_LANES];
    for (int64_t lane = 0; lane < job->at.lanes; lane++) {
        const int64_t group = (job->at.channel + lane) / lanes->width, c = (job->at.channel + lane) % lanes->width;
        out[lane] = weights + (sums->taps.from * lanes->width + c) * k + group * lanes->depth + sums->spread.from;
    }
    for (int64_t tap = sums->taps.from; tap < sums->taps.from + sums->taps.width; tap++) {
        cut->source.loops->store(job->scratch.sums + (tap * lanes->depth + sums->spread.from) * lanes->lanes,
                                 sums->spread.width, job->at.lanes, index, out);
        for (int64_t lane = 0; lane < job->at.lanes; lane++) out[lane] += lanes->width * k;
    }
}

/* Likewise. Spread, the lanes of a group hold the same; else they are as in a copied pixel. */
static void store_bias(const struct job *job, const struct fcnn_panel *spread, float *bias)
{
    const struct fcnn_grouped_lanes *lanes = &job->cut->lanes;
    const enum fcnn_grouped_way way = lanes->way;
    for (int64_t i = 0; i < job->at.groups; i++) {
        const float *from = job->scratch.bias + i * (way == FCNN_SPREAD ? lanes->width : 1);
        float *out = bias + (job->at.group + i) * lanes->depth;
        for (int64_t j = spread->from; j < spread->from + spread->width; j++)
            out[j] = from[j * (way == FCNN_SPREAD ? lanes->lanes : (int64_t)way)];
    }
}

/* All sums of the job's tiles, those of the same taps together. */
static void store_tiles(const struct job *job, float *weights, float *bias)
{
    const int64_t across = job->cut->spread.count;
    for (int64_t i = job->first, next; i < job->last; i = next) {
        next = fcnn_min(job->last, (i / across + 1) * across);
        const struct fcnn_panel end = tile_at(job->cut, next - 1).spread;
        struct tile sums = tile_at(job->cut, i);
        sums.spread.width = end.from + end.width - sums.spread.from;
        store_sums(job, &sums, weights);
        if (bias && job->at.part == 0 && sums.taps.from == 0) store_bias(job, &sums.spread, bias);
    }
}

/* The chain of a block of images, into a slot of the tree. */
static void sum_block(void *context, int64_t image, int64_t images, int64_t slot)
{
    const struct set *set = context;
    const struct weights_cut *cut = set->jobs->cut;
    const int64_t lanes = cut->lanes.lanes;
    for (int64_t i = 0; i < set->count; i++) {
        const struct scratch *scratch = &set->jobs[i].scratch;
        memset(scratch->sums, 0, (size_t)(cut->taps.channels * cut->lanes.depth * lanes) * sizeof(float));
        memset(scratch->bias, 0, (size_t)(cut->lanes.planes * lanes) * sizeof(float));
    }
    for (int64_t n = image; n < image + images; n++) sum_image(set, n);
    for (int64_t i = 0; i < set->count; i++) {
        const struct job *job = &set->jobs[i];
        store_tiles(job, fcnn_weights_sum_weights(&job->sum, slot),
                    job->problem->no_bias ? NULL : fcnn_weights_sum_bias(&job->sum, slot));
    }
}

static void add_tile(const struct job *job, int64_t into, const struct tile *tile)
{
    const struct fcnn_grouped_lanes *lanes = &job->cut->lanes;
    for (int64_t group = job->at.group; group < job->at.group + job->at.groups; group++) {
        const int64_t k = group * lanes->depth + tile->spread.from, c = job->at.part * lanes->lanes;
        const int64_t rows = fcnn_min(lanes->lanes, lanes->width - c);
        for (int64_t tap = tile->taps.from; tap < tile->taps.from + tile->taps.width; tap++)
            fcnn_weights_sum_add(&job->sum, into, tap * lanes->width + c, rows, k, tile->spread.width);
        if (!job->problem->no_bias && c == 0 && tile->taps.from == 0)
            fcnn_weights_sum_add_bias(&job->sum, into, k, tile->spread.width);
    }
}

static void add_slot(void *context, int64_t into)
{
    const struct set *set = context;
    for (const struct job *job = set->jobs; job < set->jobs + set->count; job++)
        for (int64_t i = job->first; i < job->last; i++) {
            const struct tile tile = tile_at(job->cut, i);
            add_tile(job, into, &tile);
        }
}

/* What vectors share, and what never changes in their own parts of scratch. */
static void begin(const struct weights_cut *cut, const fcnn_problem *p, void *memory)
{
    for (int64_t i = 0; i < cut->beside; i++) {
        const struct scratch scratch = scratch_of(cut, memory, i);
        memset(scratch.source + cut->slots * cut->source.row, 0, (size_t)cut->source.row * sizeof(float));
    }
    const struct scratch scratch = scratch_of(cut, memory, 0);
    for (int64_t s = 0; s < p->s; s++) {
        const int64_t column = s * p->dilation_w, phases = cut->source.phases;
        scratch.offsets[s] = column % phases * cut->source.phase + column / phases * cut->lanes.lanes;
    }
}

void fcnn_grouped_weights_run(const struct fcnn_query *query, const fcnn_tensors *t, const struct fcnn_memory *memory,
                              enum fcnn_stage stage, int64_t first, int64_t last)
{
    const struct weights_cut cut = cut_of(query, query->knobs);
    const int64_t tiles = cut.taps.count * cut.spread.count;
    struct indexes index;
    struct set set;
    (void)stage; /* only one */
    fcnn_grouped_list_index(&cut.lanes, cut.lanes.depth, index.gradient);
    fcnn_grouped_list_index(&cut.lanes, cut.lanes.width, index.source);
    fcnn_grouped_list_lanes(&cut.lanes, cut.lanes.width, index.lanes);
    begin(&cut, query->problem, memory->scratch);
    for (int64_t task = first, end; task < last;) {
        for (set.count = 0; set.count < cut.beside && task < last; task = end) {
            end = fcnn_min(last, (task / tiles + 1) * tiles);
            set.jobs[set.count] = (struct job){
                .problem = query->problem, .cut = &cut, .tensors = t, .index = &index,
                .scratch = scratch_of(&cut, memory->scratch, set.count),
                .sum = fcnn_weights_sum_of(query->problem, t, memory->sums),
                .at = fcnn_grouped_vector_at(&cut.lanes, task / tiles),
                .first = task % tiles, .last = task % tiles + end - task};
            set.count++;
        }
        fcnn_sum_blocks(query->problem->n, sum_block, add_slot, &set);
    }
}
