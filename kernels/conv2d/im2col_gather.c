/* SPDX-License-Identifier: BSD-2-Clause
 * im2col + matrix product, forward and backward data: a block of rows of the matrix is built in the worker's scratch,
 * then multiplied by the packed weights. Backward data is a gather too (no col2im: it would add in another order). */
#include "kernels/conv2d/im2col.h"
#include "kernels/simd/common.h"

enum { VECTORS, MATRIX_ROWS };

static int is_pooled_forward(const fcnn_problem *p)
{
    return p->op == FCNN_CONV2D_POOL && p->direction == FCNN_FORWARD;
}

static enum fcnn_spread spread_of(const fcnn_problem *p)
{
    if (p->direction == FCNN_FORWARD) return FCNN_SPREAD_NOTHING;
    return p->op == FCNN_CONV2D_POOL || p->activation == FCNN_RELU_ACTIVATION ? FCNN_SPREAD_FULL : FCNN_SPREAD_NOTHING;
}

/* Rows of the matrix that are built at a time: whole windows, whole tiles. Built, they are read once per panel. */
static int64_t rows_at_a_time(const struct fcnn_query *query)
{
    return fcnn_ceil_div(query->knobs[MATRIX_ROWS], 4) * 4;
}

static int64_t standard_rows(const struct fcnn_query *query)
{
    struct fcnn_im2col m = fcnn_im2col_of(query->problem, is_pooled_forward(query->problem), NULL);
    return fcnn_max(24, query->caches->l2 / 4 / (m.stride * (int64_t)sizeof(float)) / 24 * 24);
}

const struct fcnn_knob fcnn_im2col_gather_knobs[FCNN_IM2COL_GATHER_KNOBS] = {
    [VECTORS] = FCNN_VECTORS_KNOB(fcnn_panel_vectors),
    [MATRIX_ROWS] = {"matrix_rows", 6, {12, 24, 48, 96, 192, 384}, standard_rows},
};

static int64_t pixels_of(const struct fcnn_im2col *m) { return m->gather.images * m->gather.dst_h * m->gather.dst_w; }

void fcnn_im2col_gather_demand(const struct fcnn_query *query, struct fcnn_demand *demand)
{
    const struct fcnn_tiles *tiles = query->context;
    const fcnn_problem *p = query->problem;
    struct fcnn_im2col m = fcnn_im2col_of(p, is_pooled_forward(p), NULL);
    struct fcnn_packing packing = fcnn_packing_of(tiles, p, query->knobs[VECTORS]);
    demand->tables = fcnn_im2col_table_bytes(&m);
    demand->packed = packing.bytes;
    demand->shared = fcnn_spread_bytes(p, spread_of(p));
    demand->scratch = fcnn_im2col_matrix_bytes(&m, rows_at_a_time(query));
    demand->tasks[FCNN_TABLES] = 1;
    demand->tasks[FCNN_PACK] = packing.tasks;
    demand->tasks[FCNN_GATHER] = spread_of(p) == FCNN_SPREAD_NOTHING ? 0 : fcnn_spread_rows_of(p, spread_of(p));
    demand->tasks[FCNN_COMPUTE] = p->groups * fcnn_ceil_div(pixels_of(&m), rows_at_a_time(query));
}

/* Where row (pixel or window) `unit` of the product goes. */
static void place(const struct fcnn_im2col *m, const fcnn_problem *p, const fcnn_tensors *t, int64_t unit,
                  int64_t channel, struct fcnn_tile *tile, int64_t i)
{
    float *dst = p->direction == FCNN_FORWARD ? t->dst : t->d_src;
    tile->out[i] = dst + unit * m->gather.dst_pixel + channel;
    if (m->pooled) tile->choice[i] = t->choice + unit * ((p->k + 15) / 16 * 3);
}

/* One panel of columns for pixels first .. last-1, whose rows are in `matrix`. */
static void multiply(const struct fcnn_tiles *tiles, const struct fcnn_im2col *m, const fcnn_problem *p,
                     const fcnn_tensors *t, const float *matrix, int64_t first, int64_t last, const float *packed,
                     int64_t channel, int64_t width)
{
    const struct fcnn_segment all = {0, 0, m->row};
    int64_t vectors = fcnn_ceil_div(width, tiles->lanes), per_unit = m->pooled ? 4 : 1;
    int64_t units = (last - first) / per_unit, tile_count = fcnn_ceil_div(units, tiles->rows[vectors] / per_unit);
    struct fcnn_tile tile = {.segments = &all, .segment_count = 1, .b = packed + vectors * tiles->lanes, .init = packed,
                             .width = width, .channel = channel, .channels = p->k,
                             .relu = p->direction == FCNN_FORWARD && p->activation == FCNN_RELU_ACTIVATION};
    for (int64_t i = 0; i < tile_count; i++) {
        int64_t unit = units * i / tile_count, count = units * (i + 1) / tile_count - unit;
        for (int64_t j = 0; j < count * per_unit; j++) tile.a[j] = matrix + (unit * per_unit + j) * m->stride;
        for (int64_t j = 0; j < count; j++) place(m, p, t, first / per_unit + unit + j, channel, &tile, j);
        tiles->gather[vectors][count * per_unit](&tile);
    }
}

static void compute(const struct fcnn_query *query, const fcnn_tensors *t, const struct fcnn_memory *memory,
                    int64_t first, int64_t last)
{
    const struct fcnn_tiles *tiles = query->context;
    const fcnn_problem *p = query->problem;
    struct fcnn_im2col m = fcnn_im2col_of(p, is_pooled_forward(p), memory->tables);
    struct fcnn_packing packing = fcnn_packing_of(tiles, p, query->knobs[VECTORS]);
    const float *src = p->direction == FCNN_FORWARD          ? t->src
                       : spread_of(p) == FCNN_SPREAD_NOTHING ? t->d_dst
                                                             : memory->shared;
    const int64_t rows = rows_at_a_time(query), pixels = pixels_of(&m), chunks = fcnn_ceil_div(pixels, rows);
    for (int64_t task = first; task < last; task++) {
        int64_t group = task / chunks, from = task % chunks * rows,
                to = fcnn_min(from + rows, pixels);
        fcnn_im2col_build(&m, src, group, from, to, memory->scratch);
        for (int64_t i = 0; i < packing.panels.count; i++) {
            struct fcnn_panel panel = fcnn_panel_at(&packing.panels, i);
            const float *packed = (const float *)memory->packed + (group * packing.panels.count + i) * packing.stride;
            multiply(tiles, &m, p, t, memory->scratch, from, to, packed, group * m.gather.width + panel.from,
                     panel.width);
        }
    }
}

void fcnn_im2col_gather_run(const struct fcnn_query *query, const fcnn_tensors *t, const struct fcnn_memory *memory,
                            enum fcnn_stage stage, int64_t first, int64_t last)
{
    const struct fcnn_tiles *tiles = query->context;
    const fcnn_problem *p = query->problem;
    if (stage == FCNN_TABLES) {
        struct fcnn_im2col m = fcnn_im2col_of(p, is_pooled_forward(p), memory->tables);
        fcnn_im2col_fill_tables(&m, memory->tables);
    } else if (stage == FCNN_PACK) {
        fcnn_pack_weights(tiles, p, query->knobs[VECTORS], t, memory->packed, first, last);
    } else if (stage == FCNN_GATHER) {
        fcnn_spread_rows(tiles, p, t, spread_of(p), memory->shared, first, last);
    } else {
        compute(query, t, memory, first, last);
    }
}
