/* SPDX-License-Identifier: BSD-2-Clause
 * Depthwise convolution, forward and backward data: see depthwise.h. Rows in ascending order, a block of channels at a time,
 * so that an input row stays in the L1 cache for all output rows that it meets. */
#include "kernels/depthwise/depthwise.h"
#include "kernels/simd/common.h"

#define BLOCK_BYTES (28 << 10) /* of the rows that one output row reads and writes */
#define CHANNEL_GRANULE 16
#define BAND_PIXELS 512 /* output pixels of a task, at least, if its image has them */

const char *fcnn_depthwise_unsupported(const fcnn_problem *p)
{
    if (p->groups == 1 || p->groups != p->c) return "groups of several channels";
    if (p->k != p->c) return "a channel multiplier";
    return fcnn_conv2d_unsupported(p);
}

/* Tasks = images * blocks of channels * bands of output rows. */
struct cut {
    fcnn_problem conv;
    struct fcnn_gather gather;
    enum fcnn_spread spread;
    struct fcnn_panels blocks;
    int64_t bands;
};

static struct cut cut_of(const fcnn_problem *p)
{
    int masked = p->direction == FCNN_BACKWARD_DATA && p->activation == FCNN_RELU_ACTIVATION;
    struct cut cut = {.conv = *p, .gather = fcnn_gather_of(p), .spread = masked ? FCNN_SPREAD_FULL : FCNN_SPREAD_NOTHING};
    const struct fcnn_gather *g = &cut.gather;
    int64_t row_bytes = ((g->taps_h + 1) * g->src_w + g->dst_w) * CHANNEL_GRANULE * (int64_t)sizeof(float);
    cut.blocks = fcnn_panels_of(p->c, CHANNEL_GRANULE, fcnn_max(1, BLOCK_BYTES / row_bytes));
    cut.bands = fcnn_max(1, g->dst_h * g->dst_w / BAND_PIXELS);
    cut.bands = fcnn_min(cut.bands, g->dst_h);
    return cut;
}

/* Tables: the classes of rows, then (from dst_h on) of columns; the class of each output row. */
struct classes {
    int64_t rows, columns;
    struct fcnn_axis_class list[];
};

static int32_t *row_classes(const struct cut *cut, struct classes *classes)
{
    return (int32_t *)(classes->list + cut->gather.dst_h + cut->gather.dst_w);
}

static void fill_tables(const struct cut *cut, struct classes *classes)
{
    int32_t *row_class = row_classes(cut, classes);
    classes->rows = fcnn_axis_classes(&cut->conv, 1, classes->list);
    classes->columns = fcnn_axis_classes(&cut->conv, 0, classes->list + cut->gather.dst_h);
    for (int64_t i = 0; i < classes->rows; i++) {
        const struct fcnn_axis_class *v = &classes->list[i];
        for (int64_t j = 0; j < v->count; j++) row_class[v->first + j * v->step] = (int32_t)i;
    }
}

void fcnn_depthwise_gather_demand(const struct fcnn_depthwise *loops, const fcnn_problem *p, struct fcnn_demand *demand)
{
    struct cut cut = cut_of(p);
    const struct fcnn_gather *g = &cut.gather;
    (void)loops;
    demand->tables = sizeof(struct classes) + (size_t)(g->dst_h + g->dst_w) * sizeof(struct fcnn_axis_class) +
                     (size_t)g->dst_h * sizeof(int32_t);
    demand->shared = fcnn_spread_bytes(p, cut.spread);
    demand->tasks[FCNN_TABLES] = 1;
    demand->tasks[FCNN_GATHER] = cut.spread == FCNN_SPREAD_NOTHING ? 0 : g->images;
    demand->tasks[FCNN_COMPUTE] = g->images * cut.blocks.count * cut.bands;
}

/* One output row: `src`, `dst` and the weights of `run` point to a block of channels of the image. */
static void run_row(const struct fcnn_depthwise *loops, const struct cut *cut, const struct classes *classes, int64_t row,
                    const struct fcnn_axis_class *v, struct fcnn_depthwise_run run)
{
    const struct fcnn_gather *g = &cut->gather;
    const struct fcnn_axis_class *columns = classes->list + g->dst_h;
    const float *src = run.src + (v->origin + (row - v->first) / v->step * v->stride) * g->src_row;
    const float *weights = run.weights + v->tap * g->taps_w * g->dst_pixel;
    float *dst = run.dst + row * g->dst_row;
    run.rows = v->taps;
    run.src_row = v->advance * g->src_row;
    run.weights_row = v->tap_step * g->taps_w * g->dst_pixel;
    for (const struct fcnn_axis_class *h = columns; h < columns + classes->columns; h++) {
        run.pixels = h->count;
        run.src = src + h->origin * g->src_pixel;
        run.src_pixel = h->stride * g->src_pixel;
        run.dst = dst + h->first * g->dst_pixel;
        run.dst_pixel = h->step * g->dst_pixel;
        run.columns = h->taps;
        run.src_column = h->advance * g->src_pixel;
        run.weights = weights + h->tap * g->dst_pixel;
        run.weights_column = h->tap_step * g->dst_pixel;
        loops->run(&run);
    }
}

static void compute(const struct fcnn_depthwise *loops, const struct cut *cut, const fcnn_tensors *t, const struct fcnn_memory *memory,
                    int64_t first, int64_t last)
{
    const fcnn_problem *p = &cut->conv;
    const struct fcnn_gather *g = &cut->gather;
    struct classes *classes = memory->tables;
    const int32_t *row_class = row_classes(cut, classes);
    const int forward = p->direction == FCNN_FORWARD;
    const float *src = forward ? t->src : cut->spread == FCNN_SPREAD_NOTHING ? t->d_dst : memory->shared;
    for (int64_t task = first; task < last; task++) {
        int64_t band = task % cut->bands, block = task / cut->bands % cut->blocks.count, n = task / cut->bands / cut->blocks.count;
        struct fcnn_panel channels = fcnn_panel_at(&cut->blocks, block);
        struct fcnn_depthwise_run run = {.src = src + n * g->src_image + channels.from, .weights = t->weights + channels.from,
                                         .bias = forward && !p->no_bias ? t->bias + channels.from : NULL,
                                         .dst = (forward ? t->dst : t->d_src) + n * g->dst_image + channels.from,
                                         .channels = channels.width,
                                         .relu = forward && p->activation == FCNN_RELU_ACTIVATION};
        for (int64_t row = g->dst_h * band / cut->bands; row < g->dst_h * (band + 1) / cut->bands; row++)
            run_row(loops, cut, classes, row, &classes->list[row_class[row]], run);
    }
}

void fcnn_depthwise_gather_run(const struct fcnn_depthwise *loops, const fcnn_problem *p, const fcnn_tensors *t,
                               const struct fcnn_memory *memory, enum fcnn_stage stage, int64_t first, int64_t last)
{
    struct cut cut = cut_of(p);
    if (stage == FCNN_TABLES) fill_tables(&cut, memory->tables);
    else if (stage == FCNN_GATHER) fcnn_spread(loops->tiles, p, t, cut.spread, memory->shared, first, last);
    else compute(loops, &cut, t, memory, first, last);
}
