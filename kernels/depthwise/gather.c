/* SPDX-License-Identifier: BSD-2-Clause
 * Depthwise convolution, forward and backward data: see depthwise.h. With the halo all outputs have all taps; what
 * classes (geometry.h) remain are the phases of strided backward data. */
#include <string.h>

#include "kernels/depthwise/depthwise.h"
#include "kernels/simd/common.h"

#define WIDTH FCNN_DEPTHWISE_WIDTH
#define FEWEST_ROWS 6

const char *fcnn_depthwise_unsupported(const struct fcnn_query *query)
{
    const fcnn_problem *p = query->problem;
    if (p->groups != p->c) return "groups of several channels";
    if (p->k != p->c) return "a channel multiplier";
    return fcnn_conv2d_unsupported(query);
}

/* Lanes are channels. */
const char *fcnn_depthwise_doubt(const struct fcnn_query *query)
{
    return query->problem->c == 1 ? "a single channel" : NULL;
}

/* Tasks = images * groups of blocks * bands of output rows. `conv`: the problem as if its source were the map. */
struct depthwise_cut {
    fcnn_problem conv;
    struct fcnn_depthwise_map map;
    struct fcnn_gather gather; /* of conv */
    struct fcnn_panels blocks;
    int64_t bands, band_rows, block; /* rows: of the map, at most; floats of a block in scratch */
};

/* How far the halo of a backward pass reaches in front of the gradient, and its size with it, along one axis. */
static int64_t reach(int64_t taps, int64_t dilation, int64_t stride, int64_t pad)
{
    return fcnn_ceil_div(fcnn_max(0, (taps - 1) * dilation - pad), stride);
}

static struct fcnn_depthwise_map map_of(const fcnn_problem *p, fcnn_problem *conv)
{
    *conv = fcnn_conv_of(p, p->direction == FCNN_FORWARD);
    if (p->direction == FCNN_FORWARD)
        return (struct fcnn_depthwise_map){p->h, p->w, p->c, p->pad_top, p->pad_left, conv->h, conv->w};
    const int64_t top = reach(p->r, p->dilation_h, p->stride_h, p->pad_top);
    const int64_t left = reach(p->s, p->dilation_w, p->stride_w, p->pad_left);
    conv->pad_top += top * p->stride_h, conv->pad_left += left * p->stride_w;
    conv->p = (p->h - 1 + conv->pad_top) / p->stride_h + 1, conv->q = (p->w - 1 + conv->pad_left) / p->stride_w + 1;
    return (struct fcnn_depthwise_map){p->p, p->q, p->k, top, left, conv->p, conv->q};
}

/* The rows of the map that output rows first .. last-1 meet lie in [from, to). */
struct range {
    int64_t from, to;
};

static struct range rows_met(const fcnn_problem *conv, int64_t first, int64_t last)
{
    const int64_t reach = (conv->r - 1) * conv->dilation_h;
    if (conv->direction == FCNN_FORWARD)
        return (struct range){first * conv->stride_h, (last - 1) * conv->stride_h + reach + 1};
    return (struct range){fcnn_max(0, first + conv->pad_top - reach) / conv->stride_h,
                          (last - 1 + conv->pad_top) / conv->stride_h + 1};
}

/* One block at a time; but with a power of two between pixels a block's lines share one to four of 64 cache sets, and
 * several blocks in turn do better, as far as they leave room for bands of a few rows. */
static struct fcnn_panels blocks_of(const fcnn_problem *conv, int64_t row_bytes)
{
    const struct range met = rows_met(conv, 0, FEWEST_ROWS);
    const int64_t wish = conv->c % 512 == 0 ? 4 : conv->c % 256 == 0 ? 2 : 1;
    return fcnn_panels_of(conv->c, WIDTH,
                          fcnn_max(1, fcnn_min(wish, FCNN_DEPTHWISE_BYTES / ((met.to - met.from) * row_bytes))));
}

static struct depthwise_cut depthwise_cut_of(const fcnn_problem *p)
{
    struct depthwise_cut cut = {0};
    cut.map = map_of(p, &cut.conv);
    cut.gather = fcnn_gather_of(&cut.conv);
    int64_t row_bytes = cut.map.columns * WIDTH * (int64_t)sizeof(float);
    cut.blocks = blocks_of(&cut.conv, row_bytes);
    row_bytes *= fcnn_ceil_div(cut.blocks.granules, cut.blocks.count);
    while (cut.bands < cut.gather.dst_h) {
        const struct range met = rows_met(&cut.conv, 0, fcnn_ceil_div(cut.gather.dst_h, ++cut.bands));
        cut.band_rows = met.to - met.from + 1; /* other phases may meet one more */
        if (cut.band_rows * row_bytes <= FCNN_DEPTHWISE_BYTES || cut.band_rows <= 2 * cut.gather.taps_h) break;
    }
    cut.block = cut.band_rows * cut.map.columns * WIDTH;
    return cut;
}

/* Tables: the classes of rows, then (from dst_h on) of columns. */
struct classes {
    int64_t rows, columns;
    struct fcnn_axis_class list[];
};

int64_t fcnn_depthwise_packed_block(const fcnn_problem *p) { return (1 + p->r * p->s) * WIDTH; }

void fcnn_depthwise_pack(const fcnn_problem *p, const fcnn_tensors *t, float *packed, int64_t first, int64_t last)
{
    const float *bias = p->direction == FCNN_FORWARD && !p->no_bias ? t->bias : NULL;
    for (int64_t block = first; block < last; block++) {
        const int64_t from = block * WIDTH;
        const size_t bytes = (size_t)fcnn_min(WIDTH, p->c - from) * sizeof(float);
        float *row = packed + block * fcnn_depthwise_packed_block(p);
        memset(row, 0, (size_t)fcnn_depthwise_packed_block(p) * sizeof(float));
        if (bias) memcpy(row, bias + from, bytes);
        for (int64_t tap = 0; tap < p->r * p->s; tap++)
            memcpy(row + (1 + tap) * WIDTH, t->weights + tap * p->k + from, bytes);
    }
}

void fcnn_depthwise_gather_demand(const struct fcnn_query *query, struct fcnn_demand *demand)
{
    const struct fcnn_depthwise *loops = query->context;
    const fcnn_problem *p = query->problem;
    struct depthwise_cut cut = depthwise_cut_of(p);
    (void)loops;
    demand->tables =
        sizeof(struct classes) + (size_t)(cut.gather.dst_h + cut.gather.dst_w) * sizeof(struct fcnn_axis_class);
    demand->packed = (size_t)(cut.blocks.granules * fcnn_depthwise_packed_block(p)) * sizeof(float);
    demand->scratch = (size_t)(fcnn_ceil_div(cut.blocks.granules, cut.blocks.count) * cut.block) * sizeof(float);
    demand->tasks[FCNN_TABLES] = 1;
    demand->tasks[FCNN_PACK] = cut.blocks.granules;
    demand->tasks[FCNN_COMPUTE] = cut.gather.images * cut.blocks.count * cut.bands;
}

/* Outputs of two classes among rows first .. last-1. In `run`, src is the first pixel in scratch, dst pixel (0,0). */
static void run_class(const struct fcnn_depthwise *loops, const struct depthwise_cut *cut,
                      const struct fcnn_axis_class *v, const struct fcnn_axis_class *h, int64_t first, int64_t last,
                      struct fcnn_depthwise_run run)
{
    const struct fcnn_gather *g = &cut->gather;
    const int64_t src_row = cut->map.columns * WIDTH, tap_row = g->taps_w * WIDTH;
    const int64_t from = fcnn_ceil_div(fcnn_max(0, first - v->first), v->step);
    const int64_t to = fcnn_min(v->count, fcnn_ceil_div(fcnn_max(0, last - v->first), v->step));
    run.rows = to - from;
    run.src += (v->origin + from * v->stride - rows_met(&cut->conv, first, last).from) * src_row + h->origin * WIDTH;
    run.src_row = v->stride * src_row;
    run.tap_src_row = v->advance * src_row;
    run.dst += (v->first + from * v->step) * g->dst_row + h->first * g->dst_pixel;
    run.dst_row = v->step * g->dst_row;
    run.columns = h->count;
    run.src_column = h->stride * WIDTH;
    run.tap_src_column = h->advance * WIDTH;
    run.dst_column = h->step * g->dst_pixel;
    run.taps_h = v->taps;
    run.taps_w = h->taps;
    run.weights += v->tap * tap_row + h->tap * WIDTH;
    run.tap_row = v->tap_step * tap_row;
    run.tap_column = h->tap_step * WIDTH;
    loops->run(&run);
}

static void compute(const struct fcnn_depthwise *loops, const struct depthwise_cut *cut, const fcnn_tensors *t,
                    const struct fcnn_memory *memory, int64_t first, int64_t last)
{
    const fcnn_problem *p = &cut->conv;
    const struct fcnn_gather *g = &cut->gather;
    const struct classes *classes = memory->tables;
    const int forward = p->direction == FCNN_FORWARD, relu = p->activation == FCNN_RELU_ACTIVATION;
    float *scratch = memory->scratch;
    for (int64_t task = first; task < last; task++) {
        int64_t band = task % cut->bands, group = task / cut->bands % cut->blocks.count,
                n = task / cut->bands / cut->blocks.count;
        struct fcnn_panel channels = fcnn_panel_at(&cut->blocks, group);
        int64_t from = g->dst_h * band / cut->bands, to = g->dst_h * (band + 1) / cut->bands;
        int64_t source = n * cut->map.h * cut->map.w * cut->map.pixel + channels.from;
        const float *packed = (const float *)memory->packed + channels.from / WIDTH * fcnn_depthwise_packed_block(p);
        struct range met = rows_met(p, from, to);
        loops->fill(&cut->map, (forward ? t->src : t->d_dst) + source, !forward && relu ? t->dst + source : NULL,
                    met.from, met.to, channels.width, scratch, cut->block);
        struct fcnn_depthwise_run run = {.src = scratch,
                                         .weights = packed + WIDTH,
                                         .init = packed,
                                         .dst = (forward ? t->dst : t->d_src) + n * g->dst_image + channels.from,
                                         .channels = channels.width,
                                         .src_block = cut->block,
                                         .weights_block = fcnn_depthwise_packed_block(p),
                                         .relu = forward && relu};
        for (int64_t i = 0; i < classes->rows; i++)
            for (int64_t j = 0; j < classes->columns; j++)
                run_class(loops, cut, &classes->list[i], &classes->list[g->dst_h + j], from, to, run);
    }
}

void fcnn_depthwise_gather_run(const struct fcnn_query *query, const fcnn_tensors *t, const struct fcnn_memory *memory,
                               enum fcnn_stage stage, int64_t first, int64_t last)
{
    const struct fcnn_depthwise *loops = query->context;
    const fcnn_problem *p = query->problem;
    struct depthwise_cut cut = depthwise_cut_of(p);
    struct classes *classes = memory->tables;
    if (stage == FCNN_TABLES) {
        classes->rows = fcnn_axis_classes(&cut.conv, 1, classes->list);
        classes->columns = fcnn_axis_classes(&cut.conv, 0, classes->list + cut.gather.dst_h);
    } else if (stage == FCNN_PACK) {
        fcnn_depthwise_pack(p, t, memory->packed, first, last);
    } else {
        compute(loops, &cut, t, memory, first, last);
    }
}
