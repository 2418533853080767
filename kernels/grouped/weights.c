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
    struct fcnn_panels taps, spread; /* of tiles; taps: whole rows of the filter, if one fits */
    int64_t slots;                   /* rows of the source */
    int64_t rows, strips;            /* gradients of a band: some rows, or parts of one row */
    int64_t beside;                  /* vectors that take turns, band by band */
    int left, right; /* of a filter of three columns, whose rows are tiles: see struct fcnn_grouped_sum */
};

enum { PIXELS, BESIDE, TILE };
enum { MANY_TAPS, MUCH_SPREAD }; /* values of TILE */
#define FEW_BESIDE 4
#define MOST_BESIDE 32

/* Gradients have no halo: whole rows are as one. */
static struct fcnn_halo gradient_halo(const fcnn_problem *p)
{
    const int64_t pixels = p->p * p->q;
    struct fcnn_halo halo = {.conv = *p, .h = 1, .w = pixels, .pixel = p->k, .rows = 1, .columns = pixels};
    halo.conv.stride_w = 1;
    return halo;
}

static struct weights_cut cut_of(const struct fcnn_query *query, const int64_t *knobs)
{
    const int64_t pixels = knobs[PIXELS];
    const struct fcnn_grouped *loops = query->context;
    const fcnn_problem *p = query->problem;
    const struct fcnn_halo halo = fcnn_halo_of(p), gradient = gradient_halo(p);
    const int64_t taps = loops->tiles[knobs[TILE]].taps, filter_row = p->s <= taps ? p->s : 1;
    struct weights_cut cut = {.lanes = fcnn_grouped_lanes_of(p, loops->lanes, FCNN_INTERLEAVED_ROWS),
                              .taps = fcnn_panels_of(p->r * p->s, filter_row, taps / filter_row)};
    cut.spread = fcnn_panels_of(cut.lanes.depth, 1, loops->tiles[knobs[TILE]].spread);
    cut.rows = fcnn_ceil_div(p->p, fcnn_ceil_div(p->p, fcnn_max(1, pixels / p->q))); /* bands are about even */
    cut.strips = fcnn_ceil_div(p->q, fcnn_max(pixels, 1));
    const int64_t columns = fcnn_ceil_div(p->q, cut.strips);
    const struct fcnn_span met = fcnn_halo_met(&halo, 0, 0, columns), rows = fcnn_halo_met(&halo, 1, 0, cut.rows);
    cut.source = fcnn_grouped_copy_of(loops, &halo, met.to - met.from, 1, 0);
    cut.gradient = fcnn_grouped_copy_of(loops, &gradient, cut.rows * columns, cut.lanes.planes, 0);
    cut.slots = rows.to - rows.from;
    if (p->s == 3 && columns > 1) {
        cut.left = halo.left > 0;
        cut.right = (p->q - 1) * p->stride_w + 2 * p->dilation_w >= halo.left + halo.w;
    }
    cut.beside = fcnn_min(knobs[BESIDE], cut.lanes.vectors);
    return cut;
}

/* Bands of a pixel, one vector at a time. */
static struct weights_cut least_cut(const struct fcnn_query *query)
{
    return cut_of(query, (const int64_t[]){[PIXELS] = 1, [BESIDE] = 1, [TILE] = MANY_TAPS});
}

/* Spread, a gradient is what takes room; copied, it takes no more than the source, of which a stride copies more. */
static int64_t standard_pixels(const struct fcnn_query *query)
{
    const struct weights_cut cut = least_cut(query);
    const fcnn_problem *p = query->problem;
    const int64_t pixel = cut.lanes.lanes * (int64_t)sizeof(float);
    const int64_t source = cut.lanes.way == FCNN_SPREAD ? 0 : p->stride_h * p->stride_w;
    return query->caches->l1 * 2 / 3 / ((cut.lanes.planes + source) * pixel);
}

/* A few: what is read and stored of them lies side by side. */
static int64_t standard_beside(const struct fcnn_query *query)
{
    const struct weights_cut cut = least_cut(query);
    return cut.lanes.vectors == 1 ? FCNN_MOOT : fcnn_min(cut.lanes.vectors, FEW_BESIDE);
}

/* Tiles of a row of the filter leave out the rows of gradients that meet padding under it. */
static int64_t standard_tile(const struct fcnn_query *query)
{
    const struct fcnn_grouped *loops = query->context;
    const fcnn_problem *p = query->problem;
    if (loops->tiles[MUCH_SPREAD].spread == loops->tiles[MANY_TAPS].spread) return FCNN_MOOT;
    const int64_t depth = p->k / p->groups;
    return depth > loops->tiles[MANY_TAPS].spread && p->s <= loops->tiles[MUCH_SPREAD].taps ? MUCH_SPREAD : MANY_TAPS;
}

const struct fcnn_knob fcnn_grouped_weights_knobs[FCNN_GROUPED_WEIGHTS_KNOBS] = {
    [PIXELS] = {"pixels", 8, {7, 14, 28, 56, 112, 224, 448, 896}, standard_pixels},
    [BESIDE] = {"vectors", 6, {1, 2, 4, 8, 16, MOST_BESIDE}, standard_beside},
    [TILE] = {"tile", 2, {MANY_TAPS, MUCH_SPREAD}, standard_tile},
};

/* Areas of scratch: of vector i of those that take turns, then what serves all of them. */
struct scratch {
    float *source, *gradient, *sums, *bias; /* sums: [tap][spread][lane]; bias: [plane][lane] */
    struct tile {
        struct fcnn_panel taps, spread;
    } *tiles;
    struct fcnn_grouped_tap *taps;
    int64_t *lines;        /* [rows of gradients][rows of the filter]: where in `source` is what they meet */
    int64_t *held;         /* the row of the halo in each slot of `source`, or -1 */
    struct fcnn_span *met; /* the band's rows of gradients that meet no padding under each row of the filter */
    struct due {
        int64_t row, slot;
    } *due;       /* rows of the image that the band has to copy, and where to */
    size_t bytes; /* of all */
};

static struct scratch scratch_of(const struct weights_cut *cut, void *memory, int64_t i)
{
    const int64_t lanes = cut->lanes.lanes, depth = cut->lanes.depth;
    const size_t own_bytes[] = {(size_t)((cut->slots + 1) * cut->source.row) * sizeof(float),
                                (size_t)(cut->taps.channels * depth * lanes) * sizeof(float),
                                (size_t)(cut->lanes.planes * lanes) * sizeof(float)};
    const size_t shared_bytes[] = {(size_t)cut->gradient.row * sizeof(float),
                                   (size_t)(cut->taps.count * cut->spread.count) * sizeof(struct tile),
                                   (size_t)cut->taps.channels * sizeof(struct fcnn_grouped_tap),
                                   (size_t)(cut->rows * cut->source.halo.conv.r) * sizeof(int64_t),
                                   (size_t)cut->slots * sizeof(int64_t),
                                   (size_t)cut->source.halo.conv.r * sizeof(struct fcnn_span),
                                   (size_t)cut->slots * sizeof(struct due)};
    size_t own[4] = {0}, shared[8];
    for (int j = 0; j < 3; j++) own[j + 1] = own[j] + fcnn_line(own_bytes[j]);
    shared[0] = (size_t)cut->beside * own[3];
    for (int j = 0; j < 7; j++) shared[j + 1] = shared[j] + fcnn_line(shared_bytes[j]);
    char *base = memory;
    struct scratch s = {.bytes = shared[7]};
    if (!base) return s;
    s.gradient = (float *)(base + shared[0]), s.tiles = (struct tile *)(base + shared[1]);
    s.taps = (struct fcnn_grouped_tap *)(base + shared[2]), s.lines = (int64_t *)(base + shared[3]);
    s.held = (int64_t *)(base + shared[4]), s.met = (struct fcnn_span *)(base + shared[5]);
    s.due = (struct due *)(base + shared[6]);
    base += (size_t)i * own[3];
    s.source = (float *)(base + own[0]), s.sums = (float *)(base + own[1]), s.bias = (float *)(base + own[2]);
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
    float *out[FCNN_GROUPED_LANES]; /* where the weights of each lane start */
};

/* ---- a band: gradients [from, to) x [left, right) ---- */

struct band {
    int64_t n, from, to, left, right;
    struct fcnn_span met; /* columns of the source's halo */
    int64_t due;          /* rows that it has to copy */
};

/* Jobs of vectors that take turns. */
struct set {
    struct job jobs[MOST_BESIDE];
    int64_t count;
    struct band band; /* the last one */
};

static void spread_gradients(const struct job *job, const struct band *b)
{
    const struct weights_cut *cut = job->cut;
    const fcnn_problem *p = job->problem;
    const int biased = !p->no_bias && job->at.part == 0, interleaved = fcnn_grouped_interleaves(cut->lanes.way);
    const int indexed = interleaved || cut->lanes.way == FCNN_SPREAD;
    const int64_t at = b->n * p->p * p->q * p->k + job->at.spread;
    struct fcnn_grouped_fill fill = {.src = job->tensors->d_dst + at,
                                     .dst = p->activation == FCNN_RELU_ACTIVATION ? job->tensors->dst + at : NULL,
                                     .out = job->scratch.gradient,
                                     .ahead = job->at.groups * cut->lanes.depth,
                                     .reach = (job->at.groups - !interleaved) * cut->lanes.depth + !interleaved,
                                     .room = indexed ? p->k - job->at.spread : job->at.groups * cut->lanes.depth,
                                     .index = indexed ? job->index->gradient : NULL,
                                     .bias = biased ? job->scratch.bias : NULL};
    const int64_t columns = (b->to - b->from - 1) * p->q + b->right - b->left; /* several rows are whole */
    fcnn_grouped_copy_row(&cut->gradient, &fill, b->from * p->q + b->left, columns, 0);
}

/* Where each row of gradients meets the source, under each row of the filter: slots, which vectors that take turns fill
 * alike; behind them is a row of zeros. */
static void list_lines(const struct weights_cut *cut, const struct scratch *scratch, struct band *b)
{
    const struct fcnn_halo *halo = &cut->source.halo;
    const fcnn_problem *p = &halo->conv;
    int64_t *line = scratch->lines;
    b->due = 0;
    for (int64_t i = b->from; i < b->to; i++) {
        const int64_t first = (int32_t)(i * p->stride_h) % (int32_t)cut->slots; /* a short division */
        for (int64_t r = 0; r < p->r; r++) {
            const int64_t row = i * p->stride_h + r * p->dilation_h, ahead = first + r * p->dilation_h;
            const int64_t slot = ahead < cut->slots ? ahead : ahead - cut->slots;
            const int real = row >= halo->top && row < halo->top + halo->h;
            *line++ = (real ? slot : cut->slots) * cut->source.row;
            if (!real || scratch->held[slot] == row) continue;
            scratch->due[b->due++] = (struct due){row - halo->top, slot};
            scratch->held[slot] = row;
        }
    }
    for (int64_t r = 0; r < p->r; r++) {
        const int64_t first = halo->top - r * p->dilation_h;
        scratch->met[r].from = fcnn_max(b->from, fcnn_ceil_div(fcnn_max(0, first), p->stride_h));
        scratch->met[r].to = fcnn_min(b->to, fcnn_ceil_div(fcnn_max(0, first + halo->h), p->stride_h));
    }
}

static void copy_source(const struct job *job, const struct band *b)
{
    const struct weights_cut *cut = job->cut;
    const struct fcnn_halo *halo = &cut->source.halo;
    const int interleaved = fcnn_grouped_interleaves(cut->lanes.way);
    for (const struct due *due = job->scratch.due; due < job->scratch.due + b->due; due++) {
        struct fcnn_grouped_fill fill = {
            .src = job->tensors->src + (b->n * halo->h + due->row) * halo->w * halo->pixel + job->at.channel,
            .out = job->scratch.source + due->slot * cut->source.row,
            .ahead = job->at.lanes,
            .reach = job->at.lanes,
            .room = interleaved ? halo->pixel - job->at.channel : job->at.lanes,
            .index = interleaved ? job->index->source : NULL};
        fcnn_grouped_copy_row(&cut->source, &fill, b->met.from, b->met.to - b->met.from, cut->strips > 1);
    }
}

static void sum_tile(const struct job *job, const struct band *b, const struct tile *tile)
{
    const struct weights_cut *cut = job->cut;
    const int64_t lanes = cut->lanes.lanes, taps_h = cut->source.halo.conv.r;
    const struct fcnn_grouped_tap *at = job->scratch.taps + tile->taps.from;
    const int64_t from = job->scratch.met[at[tile->taps.width - 1].row].from, to = job->scratch.met[at->row].to;
    const int64_t row = (b->right - b->left) * lanes; /* of gradients */
    if (from >= to) return;
    const struct fcnn_grouped_sum sum = {
        .source = job->scratch.source, .lines = job->scratch.lines + (from - b->from) * taps_h, .step = taps_h,
        .at = at,
        .gradient = job->scratch.gradient + (from - b->from) * row,
        .rows = to - from, .row = row, .columns = b->right - b->left,
        .left = cut->left && b->left == 0, .right = cut->right && b->right == cut->source.halo.conv.q,
        .taps = tile->taps.width, .first = tile->spread.from, .spread = tile->spread.width,
        .plane = cut->gradient.plane, .way = cut->lanes.way,
        .sums = job->scratch.sums + (tile->taps.from * cut->lanes.depth + tile->spread.from) * lanes,
        .tap = cut->lanes.depth * lanes};
    cut->source.loops->sum(&sum);
}

static void sum_band(const struct job *job, const struct band *b)
{
    spread_gradients(job, b);
    copy_source(job, b);
    for (int64_t i = job->first; i < job->last; i++) sum_tile(job, b, &job->scratch.tiles[i]);
}

/* A band of a whole image is like the image's before it. */
static void sum_image(struct set *set, int64_t n)
{
    const struct weights_cut *cut = set->jobs->cut;
    const struct scratch *scratch = &set->jobs->scratch;
    const fcnn_problem *p = set->jobs->problem;
    struct band *b = &set->band;
    for (b->n = n, b->from = 0; b->from < p->p; b->from = b->to)
        for (int64_t strip = 0; strip < cut->strips; strip++) {
            if (cut->rows < p->p || cut->strips > 1 || b->to == 0) {
                b->to = fcnn_min(p->p, b->from + cut->rows);
                b->left = p->q * strip / cut->strips, b->right = p->q * (strip + 1) / cut->strips;
                b->met = fcnn_halo_met(&cut->source.halo, 0, b->left, b->right);
                if (cut->strips > 1 || b->from == 0) memset(scratch->held, -1, (size_t)cut->slots * sizeof(int64_t));
                list_lines(cut, scratch, b);
            }
            for (int64_t i = 0; i < set->count; i++) sum_band(&set->jobs[i], b);
        }
}

/* ---- sums ---- */

static void list_weights(struct job *job, float *weights)
{
    const struct fcnn_grouped_lanes *lanes = &job->cut->lanes;
    int64_t group = job->at.group, c = job->at.part * lanes->lanes;
    for (int64_t lane = 0; lane < job->at.lanes; lane++) {
        job->out[lane] = weights + c * job->problem->k + group * lanes->depth;
        if (++c == lanes->width) c = 0, group++;
    }
}

/* Those of the job's spread channels that panel `taps` of taps is summed with. */
static struct fcnn_span spread_of(const struct job *job, int64_t taps)
{
    const int64_t across = job->cut->spread.count;
    const int64_t first = fcnn_max(job->first, taps * across), last = fcnn_min(job->last, (taps + 1) * across) - 1;
    if (first > last) return (struct fcnn_span){0, 0};
    const struct fcnn_panel *from = &job->scratch.tiles[first].spread, *end = &job->scratch.tiles[last].spread;
    return (struct fcnn_span){from->from, end->from + end->width};
}

/* Sums of a tap and of spread channels, from lanes to where they belong. */
static void store_sums(const struct job *job, int64_t tap, struct fcnn_span spread)
{
    const struct fcnn_grouped_lanes *lanes = &job->cut->lanes;
    const int32_t *index = fcnn_grouped_interleaves(lanes->way) ? job->index->lanes : NULL;
    if (spread.from < spread.to)
        job->cut->source.loops->store(job->scratch.sums + (tap * lanes->depth + spread.from) * lanes->lanes,
                                      spread.to - spread.from, job->at.lanes, index, job->out,
                                      tap * lanes->width * job->problem->k + spread.from);
}

/* Spread, the lanes of a group hold the same; else they are as in a copied pixel. */
static void store_bias(const struct job *job, struct fcnn_span spread, float *bias)
{
    const struct fcnn_grouped_lanes *lanes = &job->cut->lanes;
    const enum fcnn_grouped_way way = lanes->way;
    for (int64_t i = 0; i < job->at.groups; i++) {
        const float *from = job->scratch.bias + i * (way == FCNN_SPREAD ? lanes->width : 1);
        float *out = bias + (job->at.group + i) * lanes->depth;
        for (int64_t j = spread.from; j < spread.to; j++)
            out[j] = from[j * (way == FCNN_SPREAD ? lanes->lanes : (int64_t)way)];
    }
}

/* Tap by tap, so that what vectors which take turns have beside each other is written together. */
static void store_set(struct set *set, int64_t slot)
{
    const struct weights_cut *cut = set->jobs->cut;
    for (struct job *job = set->jobs; job < set->jobs + set->count; job++) {
        list_weights(job, fcnn_weights_sum_weights(&job->sum, slot));
        if (!job->problem->no_bias && job->at.part == 0)
            store_bias(job, spread_of(job, 0), fcnn_weights_sum_bias(&job->sum, slot));
    }
    for (int64_t i = 0; i < cut->taps.count; i++) {
        const struct fcnn_panel taps = fcnn_panel_at(&cut->taps, i);
        for (int64_t tap = taps.from; tap < taps.from + taps.width; tap++)
            for (int64_t j = 0; j < set->count; j++) store_sums(&set->jobs[j], tap, spread_of(&set->jobs[j], i));
    }
}

/* The chain of a block of images, into a slot of the tree. */
static void sum_block(void *context, int64_t image, int64_t images, int64_t slot)
{
    struct set *set = context;
    const struct weights_cut *cut = set->jobs->cut;
    const int64_t lanes = cut->lanes.lanes;
    for (int64_t i = 0; i < set->count; i++) {
        const struct scratch *scratch = &set->jobs[i].scratch;
        memset(scratch->sums, 0, (size_t)(cut->taps.channels * cut->lanes.depth * lanes) * sizeof(float));
        memset(scratch->bias, 0, (size_t)(cut->lanes.planes * lanes) * sizeof(float));
    }
    for (int64_t n = image; n < image + images; n++) sum_image(set, n);
    store_set(set, slot);
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
        for (int64_t i = job->first; i < job->last; i++) add_tile(job, into, &job->scratch.tiles[i]);
}

static void list_taps(const struct weights_cut *cut, struct fcnn_grouped_tap *taps)
{
    const fcnn_problem *p = &cut->source.halo.conv;
    for (int64_t r = 0; r < p->r; r++)
        for (int64_t s = 0; s < p->s; s++) {
            const int64_t column = s * p->dilation_w, phases = cut->source.phases;
            *taps++ = (struct fcnn_grouped_tap){
                r, column % phases * cut->source.phase + column / phases * cut->lanes.lanes};
        }
}

static void list_tiles(const struct weights_cut *cut, struct tile *tiles)
{
    for (int64_t i = 0; i < cut->taps.count; i++)
        for (int64_t j = 0; j < cut->spread.count; j++)
            *tiles++ = (struct tile){fcnn_panel_at(&cut->taps, i), fcnn_panel_at(&cut->spread, j)};
}

/* What never changes, in vectors' own parts of scratch and in what they share. */
static void begin(const struct weights_cut *cut, void *memory, struct set *set)
{
    const int64_t row = cut->source.row;
    for (int64_t i = 0; i < cut->beside; i++) {
        const struct scratch scratch = set->jobs[i].scratch = scratch_of(cut, memory, i);
        memset(scratch.source + cut->slots * row, 0, (size_t)row * sizeof(float));
        for (int64_t slot = 0; slot < cut->slots && cut->strips == 1; slot++)
            fcnn_grouped_pad_row(&cut->source, scratch.source + slot * row, 0, cut->source.columns);
    }
    list_taps(cut, set->jobs->scratch.taps);
    list_tiles(cut, set->jobs->scratch.tiles);
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
    set.band.to = 0;
    begin(&cut, memory->scratch, &set);
    for (int64_t task = first, end; task < last;) {
        for (set.count = 0; set.count < cut.beside && task < last; task = end) {
            end = fcnn_min(last, (task / tiles + 1) * tiles);
            struct job *job = &set.jobs[set.count++];
            *job = (struct job){
                .problem = query->problem, .cut = &cut, .tensors = t, .index = &index, .scratch = job->scratch,
                .sum = fcnn_weights_sum_of(query->problem, t, memory->sums, cut.source.loops->add_sums),
                .at = fcnn_grouped_vector_at(&cut.lanes, task / tiles),
                .first = task % tiles, .last = task % tiles + end - task};
        }
        fcnn_sum_blocks(query->problem->n, sum_block, add_slot, &set);
    }
}
