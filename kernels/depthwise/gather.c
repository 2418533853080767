/* SPDX-License-Identifier: BSD-2-Clause
 * Depthwise convolution, forward and backward data: see depthwise.h. Outputs fall into classes (geometry.h). Over
 * copies with their halo all outputs have all taps, and what classes remain are the phases of strided backward
 * data; in place borders are classes of their own. */
#include <string.h>

#include "kernels/depthwise/depthwise.h"
#include "kernels/simd/common.h"

#define WIDTH FCNN_DEPTHWISE_WIDTH
#define FEWEST_ROWS 6

const char *fcnn_depthwise_unsupported(const struct fcnn_query *query)
{
    const fcnn_problem *p = query->problem;
    if (p->k != p->c) return "a channel multiplier";
    return fcnn_depthwise_gather_unsupported(query);
}

const char *fcnn_depthwise_gather_unsupported(const struct fcnn_query *query)
{
    if (query->problem->groups != query->problem->c) return "groups of several channels";
    return fcnn_conv2d_unsupported(query);
}

/* Lanes are channels. */
const char *fcnn_depthwise_doubt(const struct fcnn_query *query)
{
    return query->problem->c == 1 ? "a single channel" : NULL;
}

/* Blocks of a pixel in scratch. */
static int64_t depth_of(const fcnn_problem *p) { return p->direction == FCNN_FORWARD ? 1 : p->k / p->c; }

/* Tasks = images * groups of blocks * bands of output rows. halo.conv: the problem as if its source were the copy, or
 * the problem itself if it reads its source in place. */
struct depthwise_cut {
    struct fcnn_halo halo;     /* in place: that of a copy, but for conv */
    struct fcnn_gather gather; /* of halo.conv */
    struct fcnn_panels blocks;
    int64_t bands, depth;
    int copies;
    int64_t pixel, row, block; /* floats from one to the next, of what is convolved; of a block in scratch */
};

/* ---- knobs ---- */

enum { COPY, BLOCKS, BAND_BYTES };

static int must_copy(const fcnn_problem *p)
{
    return p->k != p->c || (p->direction != FCNN_FORWARD && p->activation == FCNN_RELU_ACTIVATION);
}

/* Outputs along an axis that meet all taps; backward those of a phase count as if they were all. */
static int64_t inner(const fcnn_problem *p, int vertical)
{
    const int64_t in = vertical ? p->h : p->w, out = vertical ? p->p : p->q, pad = vertical ? p->pad_top : p->pad_left;
    const int64_t reach = vertical ? (p->r - 1) * p->dilation_h : (p->s - 1) * p->dilation_w;
    const int64_t stride = vertical ? p->stride_h : p->stride_w;
    if (p->direction != FCNN_FORWARD)
        return fcnn_max(0, fcnn_min(in - 1, (out - 1) * stride - pad) - fcnn_max(0, reach - pad) + 1);
    if (in - 1 + pad < reach) return 0;
    return fcnn_max(0, fcnn_min(out - 1, (in - 1 + pad - reach) / stride) - fcnn_ceil_div(pad, stride) + 1);
}

/* Copying costs some cycles for each pixel of the copy, reading in place as many as multiply-adds take for each pixel
 * of the border, where tiles are small. */
static int64_t standard_copy(const struct fcnn_query *query)
{
    const fcnn_problem *p = query->problem;
    const struct fcnn_halo halo = fcnn_halo_of(p);
    if (must_copy(p)) return FCNN_MOOT;
    const struct fcnn_gather g = fcnn_gather_of(p);
    const int64_t border = g.dst_h * g.dst_w - inner(p, 1) * inner(p, 0);
    return 4 * halo.rows * halo.columns * (p->direction == FCNN_FORWARD ? 1 : p->stride_h * p->stride_w) <
           border * p->r * p->s;
}

/* A share of the second-level cache: what is computed at a time, a few rows, is in the first one. */
static int64_t standard_band_bytes(const struct fcnn_query *query) { return query->caches->l2 / 4; }

static int64_t row_bytes(const fcnn_problem *p, const struct fcnn_halo *halo)
{
    return halo->columns * depth_of(p) * WIDTH * (int64_t)sizeof(float);
}

/* In place pieces of several lines are read best. Copies take one block at a time; but with a power of two between
 * pixels a block's lines share few of 64 cache sets, and several blocks in turn do better, as far as they leave room
 * for bands of a few rows. */
static int64_t standard_blocks(const struct fcnn_query *query)
{
    const fcnn_problem *p = query->problem;
    const struct fcnn_halo halo = fcnn_halo_of(p);
    const struct fcnn_span met = fcnn_halo_met(&halo, 1, 0, FEWEST_ROWS);
    const int64_t channels = p->direction == FCNN_FORWARD ? p->k : p->c;
    if (channels <= WIDTH) return FCNN_MOOT;
    if (!must_copy(p) && !query->knobs[COPY]) return 8;
    return fcnn_max(1, fcnn_min(channels % 256 == 0 ? 4 : 1,
                                standard_band_bytes(query) / ((met.to - met.from) * row_bytes(p, &halo))));
}

const struct fcnn_knob fcnn_depthwise_gather_knobs[FCNN_DEPTHWISE_GATHER_KNOBS] = {
    [COPY] = {"copy", 2, {0, 1}, standard_copy},
    [BLOCKS] = {"blocks", 5, {1, 2, 4, 8, 64}, standard_blocks},
    [BAND_BYTES] = {"band_bytes", 6, {16 << 10, 40 << 10, 80 << 10, 256 << 10, 512 << 10, 1 << 20},
                    standard_band_bytes}};

/* ---- cut ---- */

static struct depthwise_cut depthwise_cut_of(const struct fcnn_query *query)
{
    const fcnn_problem *p = query->problem;
    struct depthwise_cut cut = {
        .halo = fcnn_halo_of(p), .depth = depth_of(p), .copies = must_copy(p) || query->knobs[COPY]};
    const int64_t floats = cut.halo.columns * cut.depth * WIDTH;
    if (!cut.copies) cut.halo.conv = fcnn_conv_of(p, 0);
    cut.gather = fcnn_gather_of(&cut.halo.conv);
    cut.blocks = fcnn_panels_of(cut.gather.dst_pixel, WIDTH, query->knobs[BLOCKS]);
    const int64_t together = fcnn_ceil_div(cut.blocks.granules, cut.blocks.count);
    const int64_t bytes = together * floats * (int64_t)sizeof(float);
    int64_t rows = 0; /* of the copy, in a band */
    while (cut.bands < cut.gather.dst_h) {
        const int64_t outputs = fcnn_ceil_div(cut.gather.dst_h, ++cut.bands);
        const struct fcnn_span met = fcnn_halo_met(&cut.halo, 1, 0, outputs);
        rows = met.to - met.from + 1; /* other phases may meet one more */
        if (rows * bytes <= query->knobs[BAND_BYTES] || rows <= 2 * cut.gather.taps_h) break;
    }
    cut.pixel = cut.copies ? cut.depth * WIDTH : cut.gather.src_pixel;
    cut.row = cut.copies ? floats : cut.gather.src_row;
    cut.block = cut.copies ? rows * floats : WIDTH;
    return cut;
}

/* Tables: the classes of rows, then (from dst_h on) of columns; then lanes. */
struct classes {
    int64_t rows, columns;
    struct fcnn_axis_class list[];
};

static size_t classes_bytes(const struct fcnn_gather *g)
{
    return fcnn_line(sizeof(struct classes) + (size_t)(g->dst_h + g->dst_w) * sizeof(struct fcnn_axis_class));
}

/* See struct fcnn_depthwise_spread. */
static int64_t lanes_count(const fcnn_problem *p, int64_t vector)
{
    if (p->k == p->c) return 0;
    return p->direction == FCNN_FORWARD ? fcnn_ceil_div(p->k, WIDTH) * WIDTH : p->k / p->c * 2 * vector;
}

static void make_lanes(const fcnn_problem *p, int64_t vector, int32_t *lanes)
{
    const int64_t m = p->k / p->c, count = lanes_count(p, vector);
    if (p->direction == FCNN_FORWARD)
        for (int64_t k = 0; k < count; k++) lanes[k] = (int32_t)(k / m - (k - k % vector) / m);
    else
        for (int64_t i = 0; i < count; i++) { /* every m-th from i / vector / 2 on */
            const int64_t at = i % vector * m + i / vector / 2;
            lanes[i] = (int32_t)(i / vector % 2 ? at / vector : at % vector);
        }
}

int64_t fcnn_depthwise_packed_block(const fcnn_problem *p) { return (1 + p->r * p->s * depth_of(p)) * WIDTH; }

/* Weights of one tap and block; backward those of the first output of each channel, of the second, ... */
static void pack_tap(const float *weights, int64_t channels, int64_t depth, float *row)
{
    if (depth == 1 && channels == WIDTH) {
        memcpy(row, weights, WIDTH * sizeof(float));
        return;
    }
    for (int64_t d = 0; d < depth; d++, row += WIDTH)
        for (int64_t c = 0; c < WIDTH; c++) row[c] = c < channels ? weights[c * depth + d] : 0;
}

void fcnn_depthwise_pack(const fcnn_problem *p, const fcnn_tensors *t, float *packed, int64_t first, int64_t last)
{
    static const float zeros[WIDTH];
    const int forward = p->direction == FCNN_FORWARD;
    const float *bias = forward && !p->no_bias ? t->bias : NULL;
    const int64_t depth = depth_of(p), all = forward ? p->k : p->c;
    const int64_t size = fcnn_depthwise_packed_block(p), taps = p->r * p->s, columns = p->k;
    for (int64_t block = first; block < last; block++) {
        const int64_t from = block * WIDTH, channels = fcnn_min(WIDTH, all - from);
        float *row = packed + block * size;
        pack_tap(bias ? bias + from : zeros, channels, 1, row);
        for (int64_t tap = 0; tap < taps; tap++)
            pack_tap(t->weights + tap * columns + from * depth, channels, depth, row + (1 + tap * depth) * WIDTH);
    }
}

void fcnn_depthwise_gather_demand(const struct fcnn_query *query, struct fcnn_demand *demand)
{
    const struct fcnn_depthwise *loops = query->context;
    const fcnn_problem *p = query->problem;
    const struct depthwise_cut cut = depthwise_cut_of(query);
    demand->tables = classes_bytes(&cut.gather) + (size_t)lanes_count(p, loops->lanes) * sizeof(int32_t);
    demand->packed = (size_t)(cut.blocks.granules * fcnn_depthwise_packed_block(p)) * sizeof(float);
    if (cut.copies)
        demand->scratch = (size_t)(fcnn_ceil_div(cut.blocks.granules, cut.blocks.count) * cut.block) * sizeof(float);
    demand->tasks[FCNN_TABLES] = 1;
    demand->tasks[FCNN_PACK] = cut.blocks.granules;
    demand->tasks[FCNN_COMPUTE] = cut.gather.images * cut.blocks.count * cut.bands;
}

/* Rows of outputs that share rows of their source are computed together. */
static int64_t apart(const struct fcnn_axis_class *v)
{
    const int64_t advance = v->advance < 0 ? -v->advance : v->advance, stride = v->stride < 0 ? -v->stride : v->stride;
    return advance && stride % advance == 0 && stride / advance < v->taps ? stride / advance : v->taps;
}

/* The same outputs from the last one on. */
static void mirror(struct fcnn_axis_class *c)
{
    c->first += (c->count - 1) * c->step, c->step = -c->step;
    c->origin += (c->count - 1) * c->stride, c->stride = -c->stride;
}

/* With a dilation outputs some distance apart share inputs: into so many classes they fall. */
static int64_t turns(const struct fcnn_axis_class *c)
{
    const int64_t advance = c->advance < 0 ? -c->advance : c->advance;
    return advance > c->stride && advance % c->stride == 0 && c->count >= 2 * advance / c->stride ? advance / c->stride
                                                                                                 : 1;
}

static struct fcnn_axis_class turn_of(struct fcnn_axis_class c, int64_t turn, int64_t turns)
{
    c.first += turn * c.step, c.origin += turn * c.stride;
    c.count = (c.count - turn + turns - 1) / turns;
    c.step *= turns, c.stride *= turns;
    return c;
}

static void swap(int64_t *a, int64_t *b)
{
    const int64_t c = *a;
    *a = *b, *b = c;
}

/* A tile's rows become columns, of which it has more; taps stay in their order, unless there is only one in a row. */
static void transpose(struct fcnn_depthwise_run *run)
{
    swap(&run->rows, &run->columns), swap(&run->src_row, &run->src_column), swap(&run->dst_row, &run->dst_column);
    if (run->taps_w == 1)
        swap(&run->taps_h, &run->taps_w), swap(&run->tap_src_row, &run->tap_src_column),
            swap(&run->tap_row, &run->tap_column);
    run->apart = run->taps_h;
}

/* A single row as several rows of a tile, one piece of it below the other, and what is left of it: few channels do
 * little in a call. */
static void run_row(const struct fcnn_depthwise *loops, struct fcnn_depthwise_run run)
{
    const int64_t piece = run.columns / loops->rows, left = run.columns % loops->rows;
    run.rows = loops->rows, run.columns = piece, run.apart = run.taps_h;
    run.src_row = piece * run.src_column, run.dst_row = piece * run.dst_column;
    loops->run(&run);
    if (left == 0) return;
    run.src += loops->rows * run.src_row, run.dst += loops->rows * run.dst_row;
    run.rows = 1, run.columns = left;
    loops->run(&run);
}

/* Outputs of two classes of one turn among rows first .. last-1. In `run`, src is row `top` of what is convolved,
 * dst pixel (0,0). Taps go where outputs go. */
static void run_turn(const struct fcnn_depthwise *loops, const struct depthwise_cut *cut, struct fcnn_axis_class v,
                     struct fcnn_axis_class h, int64_t first, int64_t last, int64_t top, struct fcnn_depthwise_run run)
{
    const struct fcnn_gather *g = &cut->gather;
    const int64_t tap_column = cut->depth * WIDTH, tap_row = g->taps_w * tap_column;
    const int64_t from = fcnn_ceil_div(fcnn_max(0, first - v.first), v.step);
    const int64_t to = fcnn_min(v.count, fcnn_ceil_div(fcnn_max(0, last - v.first), v.step));
    if (from >= to || h.count == 0) return;
    v.first += from * v.step, v.origin += from * v.stride, v.count = to - from;
    if (v.advance < 0) mirror(&v);
    if (h.advance < 0) mirror(&h);
    run.rows = v.count;
    run.src += (v.origin - top) * cut->row + h.origin * cut->pixel;
    run.src_row = v.stride * cut->row;
    run.tap_src_row = v.advance * cut->row;
    run.dst += v.first * g->dst_row + h.first * g->dst_pixel;
    run.dst_row = v.step * g->dst_row;
    run.columns = h.count;
    run.src_column = h.stride * cut->pixel;
    run.tap_src_column = h.advance * cut->pixel;
    run.dst_column = h.step * g->dst_pixel;
    run.taps_h = v.taps;
    run.taps_w = h.taps;
    run.weights += v.tap * tap_row + h.tap * tap_column;
    run.tap_row = v.tap_step * tap_row;
    run.tap_column = h.tap_step * tap_column;
    run.apart = apart(&v);
    const int is_tall = run.taps_w == 1 && run.taps_h > 3 && run.rows >= loops->strip; /* windows, and so tiles */
    if (is_tall || (run.columns < loops->strip && run.columns < run.rows)) transpose(&run);
    const int is_long = run.rows == 1 && run.columns >= loops->rows * loops->strip;
    if (is_long && run.channels <= 2 * loops->lanes) run_row(loops, run);
    else loops->run(&run);
}

static void run_class(const struct fcnn_depthwise *loops, const struct depthwise_cut *cut,
                      const struct fcnn_axis_class v, const struct fcnn_axis_class h, int64_t first, int64_t last,
                      int64_t top, const struct fcnn_depthwise_run *run)
{
    const int64_t tall = turns(&v), wide = turns(&h);
    for (int64_t i = 0; i < tall; i++)
        for (int64_t j = 0; j < wide; j++)
            run_turn(loops, cut, turn_of(v, i, tall), turn_of(h, j, wide), first, last, top, *run);
}

static int32_t *lanes_of(const struct depthwise_cut *cut, const struct fcnn_memory *memory)
{
    return (int32_t *)(void *)((char *)memory->tables + classes_bytes(&cut->gather));
}

/* What output rows meet, of image n, into scratch. */
static void fill(const struct fcnn_depthwise *loops, const struct depthwise_cut *cut, const float *src,
                 const float *dst, const struct fcnn_span met, const struct fcnn_panel channels,
                 const struct fcnn_memory *memory)
{
    const int64_t multiplier = cut->halo.conv.k / cut->halo.conv.c;
    if (multiplier > 1) {
        const struct fcnn_depthwise_spread spread = {multiplier, cut->depth, channels.from, lanes_of(cut, memory)};
        loops->fill_spread(&cut->halo, &spread, src, dst, met.from, met.to, channels.width, memory->scratch,
                           cut->block);
    } else {
        loops->fill(&cut->halo, src + channels.from, dst ? dst + channels.from : NULL, met.from, met.to, channels.width,
                    memory->scratch, cut->block);
    }
}

/* Outputs of a band in one group of blocks. */
static void compute_band(const struct fcnn_depthwise *loops, const struct depthwise_cut *cut, const fcnn_tensors *t,
                         const struct fcnn_memory *memory, int64_t n, const struct fcnn_panel channels, int64_t from,
                         int64_t to)
{
    const fcnn_problem *p = &cut->halo.conv;
    const struct fcnn_gather *g = &cut->gather;
    const struct classes *classes = memory->tables;
    const int forward = p->direction == FCNN_FORWARD, relu = p->activation == FCNN_RELU_ACTIVATION;
    const int64_t image = cut->halo.h * cut->halo.w * cut->halo.pixel;
    const float *src = (forward ? t->src : t->d_dst) + n * image;
    const float *packed = (const float *)memory->packed + channels.from / WIDTH * fcnn_depthwise_packed_block(p);
    struct fcnn_depthwise_run run = {.src = cut->copies ? memory->scratch : src + channels.from,
                                     .weights = packed + WIDTH,
                                     .init = packed,
                                     .dst = (forward ? t->dst : t->d_src) + n * g->dst_image + channels.from,
                                     .depth = cut->depth,
                                     .channels = channels.width,
                                     .src_block = cut->block,
                                     .weights_block = fcnn_depthwise_packed_block(p),
                                     .relu = forward && relu};
    const struct fcnn_span met = fcnn_halo_met(&cut->halo, 1, from, to);
    if (cut->copies) fill(loops, cut, src, !forward && relu ? t->dst + n * image : NULL, met, channels, memory);
    for (int64_t i = 0; i < classes->rows; i++)
        for (int64_t j = 0; j < classes->columns; j++)
            run_class(loops, cut, classes->list[i], classes->list[g->dst_h + j], from, to, cut->copies ? met.from : 0,
                      &run);
}

static void compute(const struct fcnn_depthwise *loops, const struct depthwise_cut *cut, const fcnn_tensors *t,
                    const struct fcnn_memory *memory, int64_t first, int64_t last)
{
    for (int64_t task = first; task < last; task++) {
        const int64_t band = task % cut->bands, group = task / cut->bands % cut->blocks.count;
        const int64_t n = task / cut->bands / cut->blocks.count, rows = cut->gather.dst_h;
        compute_band(loops, cut, t, memory, n, fcnn_panel_at(&cut->blocks, group), rows * band / cut->bands,
                     rows * (band + 1) / cut->bands);
    }
}

void fcnn_depthwise_gather_run(const struct fcnn_query *query, const fcnn_tensors *t, const struct fcnn_memory *memory,
                               enum fcnn_stage stage, int64_t first, int64_t last)
{
    const struct fcnn_depthwise *loops = query->context;
    const fcnn_problem *p = query->problem;
    struct depthwise_cut cut = depthwise_cut_of(query);
    struct classes *classes = memory->tables;
    if (stage == FCNN_TABLES) {
        classes->rows = fcnn_axis_classes(&cut.halo.conv, 1, classes->list);
        classes->columns = fcnn_axis_classes(&cut.halo.conv, 0, classes->list + cut.gather.dst_h);
        make_lanes(p, loops->lanes, lanes_of(&cut, memory));
    } else if (stage == FCNN_PACK) {
        fcnn_depthwise_pack(p, t, memory->packed, first, last);
    } else {
        compute(loops, &cut, t, memory, first, last);
    }
}
