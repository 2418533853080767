/* SPDX-License-Identifier: BSD-2-Clause
 * im2col + matrix product, backward weights: the transposed matrix times the output gradient, a block of pixels at a
 * time, carrying the sums in the output. Blocks of images and their tree as in direct_weights.c. */
#include <string.h>

#include "kernels/conv2d/im2col.h"
#include "kernels/conv2d/weights_sum.h"
#include "kernels/simd/common.h"

struct call {
    const struct fcnn_tiles *tiles;
    struct fcnn_im2col matrix;
    struct fcnn_panels panels; /* of a group's output channels */
    enum fcnn_spread spread;
    const int32_t *steps, *zeros;
    struct fcnn_weights_sum sum;
    const float *src, *d_dst;
    int bias;
};

static struct call call_of(const struct fcnn_tiles *tiles, const fcnn_problem *p, const fcnn_tensors *t,
                           const struct fcnn_memory *memory)
{
    int pooled = p->op == FCNN_CONV2D_POOL;
    struct call call = {
        .tiles = tiles, .matrix = fcnn_im2col_of(p, pooled, memory ? memory->tables : NULL), .bias = !p->no_bias};
    call.panels = fcnn_panels_of(p->k / p->groups, tiles->lanes, tiles->vectors);
    call.spread = pooled                                  ? FCNN_SPREAD_WINDOWS
                  : p->activation == FCNN_RELU_ACTIVATION ? FCNN_SPREAD_FULL
                                                          : FCNN_SPREAD_NOTHING;
    if (!memory) return call;
    call.steps = (const int32_t *)memory->tables + fcnn_im2col_table_bytes(&call.matrix) / sizeof(int32_t);
    call.zeros = call.steps + FCNN_IM2COL_ROWS;
    if (!t) return call;
    call.src = t->src;
    call.d_dst = call.spread == FCNN_SPREAD_NOTHING ? t->d_dst : memory->shared;
    call.sum = fcnn_weights_sum_of(p, t, memory->sums, tiles->add_sums);
    return call;
}

/* Offsets within a block of the matrix are int32. */
const char *fcnn_im2col_weights_unsupported(const struct fcnn_query *query)
{
    const fcnn_problem *p = query->problem;
    if (fcnn_im2col_of(p, 0, NULL).stride > INT32_MAX / FCNN_IM2COL_ROWS)
        return "filters of more than 22 million elements";
    return fcnn_conv2d_unsupported(query);
}

void fcnn_im2col_weights_demand(const struct fcnn_query *query, struct fcnn_demand *demand)
{
    const struct fcnn_tiles *tiles = query->context;
    const fcnn_problem *p = query->problem;
    struct call call = call_of(tiles, p, NULL, NULL);
    demand->tables = fcnn_im2col_table_bytes(&call.matrix) + 2 * FCNN_IM2COL_ROWS * sizeof(int32_t);
    demand->shared = fcnn_spread_bytes(p, call.spread);
    demand->sums = fcnn_weights_sum_bytes(p);
    demand->scratch = fcnn_im2col_matrix_bytes(&call.matrix, FCNN_IM2COL_ROWS);
    demand->tasks[FCNN_TABLES] = 1;
    demand->tasks[FCNN_GATHER] = call.spread == FCNN_SPREAD_NOTHING ? 0 : p->n;
    demand->tasks[FCNN_COMPUTE] = p->groups * call.panels.count;
}

/* Filter elements (rows of out) times one panel, over pixels first .. last-1 of the matrix in `rows`. */
static void multiply(const struct call *call, const fcnn_problem *p, const float *rows, int64_t first, int64_t last,
                     int carry, int64_t slot, int64_t channel, int64_t width)
{
    static const float one = 1.0f; /* the bias gradient is a chain of 1 * d_dst + sum */
    const struct fcnn_segment all = {0, 0, last - first};
    int64_t vectors = fcnn_ceil_div(width, call->tiles->lanes), most = call->tiles->rows[vectors];
    int64_t count = fcnn_ceil_div(call->matrix.row, most);
    float *out = fcnn_weights_sum_weights(&call->sum, slot) + channel;
    struct fcnn_tile tile = {.segments = &all,
                             .segment_count = 1,
                             .b = call->d_dst + first * p->k + channel,
                             .b_stride = p->k,
                             .steps = call->steps,
                             .width = width,
                             .carry = carry};
    for (int64_t i = 0; i < count; i++) {
        int64_t from = call->matrix.row * i / count, n = call->matrix.row * (i + 1) / count - from;
        for (int64_t j = 0; j < n; j++) {
            tile.a[j] = rows + from + j;
            tile.out[j] = out + (from + j) * p->k;
        }
        call->tiles->outer[vectors][n](&tile);
    }
    if (!call->bias) return;
    tile.a[0] = &one;
    tile.steps = call->zeros;
    tile.out[0] = fcnn_weights_sum_bias(&call->sum, slot) + channel;
    call->tiles->outer[vectors][1](&tile);
}

/* Panels first .. last-1 of one group. */
struct share {
    const struct call *call;
    const fcnn_problem *problem;
    int64_t group, first, last;
    float *rows; /* of the matrix */
};

static void sum_block(void *context, int64_t image, int64_t images, int64_t slot)
{
    const struct share *share = context;
    const struct call *call = share->call;
    const int64_t pixels = call->matrix.gather.dst_h * call->matrix.gather.dst_w, channels = call->panels.channels;
    const int64_t begin = image * pixels, end = begin + images * pixels;
    for (int64_t from = begin; from < end; from += FCNN_IM2COL_ROWS) {
        const int64_t to = fcnn_min(from + FCNN_IM2COL_ROWS, end);
        fcnn_im2col_build(&call->matrix, call->src, share->group, from, to, share->rows);
        for (int64_t i = share->first; i < share->last; i++) {
            const struct fcnn_panel panel = fcnn_panel_at(&call->panels, i);
            multiply(call, share->problem, share->rows, from, to, from > begin, slot,
                     share->group * channels + panel.from, panel.width);
        }
    }
}

static void add_slot(void *context, int64_t into)
{
    const struct share *share = context;
    const struct call *call = share->call;
    for (int64_t i = share->first; i < share->last; i++) {
        const struct fcnn_panel panel = fcnn_panel_at(&call->panels, i);
        const int64_t channel = share->group * call->panels.channels + panel.from;
        fcnn_weights_sum_add(&call->sum, into, 0, call->matrix.row, channel, panel.width);
        if (call->bias) fcnn_weights_sum_add_bias(&call->sum, into, channel, panel.width);
    }
}

static void fill_tables(const struct call *call, void *tables)
{
    int32_t *steps = (int32_t *)tables + fcnn_im2col_table_bytes(&call->matrix) / sizeof(int32_t);
    fcnn_im2col_fill_tables(&call->matrix, tables);
    for (int64_t i = 0; i < FCNN_IM2COL_ROWS; i++) {
        steps[i] = (int32_t)(i * call->matrix.stride);
        steps[FCNN_IM2COL_ROWS + i] = 0;
    }
}

void fcnn_im2col_weights_run(const struct fcnn_query *query, const fcnn_tensors *t, const struct fcnn_memory *memory,
                             enum fcnn_stage stage, int64_t first, int64_t last)
{
    const struct fcnn_tiles *tiles = query->context;
    const fcnn_problem *p = query->problem;
    struct call call = call_of(tiles, p, t, memory);
    if (stage == FCNN_TABLES) {
        fill_tables(&call, memory->tables);
    } else if (stage == FCNN_GATHER) {
        fcnn_spread(tiles, p, t, call.spread, memory->shared, first, last);
    } else {
        for (int64_t task = first, end; task < last; task = end) {
            int64_t group = task / call.panels.count, base = group * call.panels.count;
            end = fcnn_min(base + call.panels.count, last);
            struct share share = {&call, p, group, task - base, end - base, memory->scratch};
            fcnn_sum_blocks(p->n, sum_block, add_slot, &share);
        }
    }
}
