/* SPDX-License-Identifier: BSD-2-Clause
 * Packing of weights into panels: see conv2d.h. */
#include <string.h>

#include "kernels/conv2d/conv2d.h"
#include "kernels/simd/common.h"

#define PIECE_ROWS 128 /* about, of what is packed at a time: threads share out the rows of a panel */

/* Choice words hold 16 channels, so no two tasks may share one; vectors of 8 own a byte of it. */
static struct fcnn_panels panels_of(const struct fcnn_tiles *tiles, const fcnn_problem *p, int64_t width,
                                    int64_t vectors)
{
    if (p->op == FCNN_CONV2D_POOL && p->direction == FCNN_FORWARD) {
        int64_t granule = tiles->lanes >= 8 ? tiles->lanes : 16;
        return fcnn_panels_of(width, granule, tiles->pooled_vectors * tiles->lanes / granule);
    }
    return fcnn_panels_of(width, tiles->lanes, fcnn_min(vectors, fcnn_widest(tiles)));
}

/* A panel is read once per tile; the widest tile's should stay in half of the L2 cache, beside what it meets. */
int64_t fcnn_panel_vectors(const struct fcnn_query *query)
{
    const struct fcnn_tiles *tiles = query->context;
    const fcnn_problem *p = query->problem;
    const struct fcnn_gather g = fcnn_gather_of(p);
    const int64_t row = g.taps_h * g.taps_w * g.depth * tiles->lanes * (int64_t)sizeof(float);
    if (g.width <= tiles->lanes || (p->op == FCNN_CONV2D_POOL && p->direction == FCNN_FORWARD)) return FCNN_MOOT;
    int64_t most = tiles->vectors;
    while (most > 2 && row * most > query->caches->l2 / 8 * 3) most--;
    return most;
}

struct fcnn_packing fcnn_packing_of(const struct fcnn_tiles *tiles, const fcnn_problem *p, int64_t vectors)
{
    struct fcnn_gather g = fcnn_gather_of(p);
    struct fcnn_packing packing = {.rows = g.taps_h * g.taps_w * g.depth};
    packing.panels = panels_of(tiles, p, g.width, vectors);
    const int64_t widest = fcnn_panel_at(&packing.panels, 0).width;
    packing.stride = (packing.rows + 1) * fcnn_ceil_div(widest, tiles->lanes) * tiles->lanes;
    packing.stride = fcnn_ceil_div(packing.stride, 16) * 16; /* panels start on cache lines */
    packing.count = g.groups * packing.panels.count;
    packing.bytes = (size_t)(packing.count * packing.stride) * sizeof(float);
    packing.pieces = fcnn_max(1, packing.rows / PIECE_ROWS);
    packing.tasks = packing.count * packing.pieces;
    return packing;
}

/* Where a piece of a panel begins; in whole squares of what is transposed, mostly. */
static int64_t first_row(const struct fcnn_packing *packing, int64_t piece)
{
    return piece == packing->pieces ? packing->rows : piece * packing->rows / packing->pieces / 16 * 16;
}

/* Rows from .. to-1 of a panel at `b`. Forward: rows (r, s, c) are rows of the weight tensor. Backward data: rows
 * (r, s, k), columns c: a transpose for every tap. */
static void pack_rows(const struct fcnn_tiles *tiles, const fcnn_problem *p, const float *weights, int64_t group,
                      const struct fcnn_panel *panel, int64_t from, int64_t to, float *b)
{
    const int64_t group_k = group * (p->k / p->groups);
    const int64_t columns = fcnn_ceil_div(panel->width, tiles->lanes) * tiles->lanes;
    if (p->direction == FCNN_FORWARD) {
        tiles->cut_strip(to - from, panel->width, weights + from * p->k + group_k + panel->from, NULL, p->k,
                         b + from * columns, columns);
        return;
    }
    const int64_t depth = p->k / p->groups, group_c = p->c / p->groups;
    for (int64_t next; from < to; from = next) {
        const int64_t tap = from / depth, k = from % depth;
        next = fcnn_min(to, from - k + depth);
        tiles->transpose(panel->width, next - from, weights + (tap * group_c + panel->from) * p->k + group_k + k, NULL,
                         p->k, b + from * columns, columns);
    }
}

void fcnn_pack_weights(const struct fcnn_tiles *tiles, const fcnn_problem *p, int64_t vectors,
                       const fcnn_tensors *tensors, float *packed, int64_t first, int64_t last)
{
    const struct fcnn_packing packing = fcnn_packing_of(tiles, p, vectors);
    const int has_bias = p->direction == FCNN_FORWARD && !p->no_bias;
    for (int64_t task = first; task < last; task++) {
        const int64_t place = task / packing.pieces, piece = task % packing.pieces;
        const int64_t group = place / packing.panels.count;
        const struct fcnn_panel panel = fcnn_panel_at(&packing.panels, place % packing.panels.count);
        const int64_t columns = fcnn_ceil_div(panel.width, tiles->lanes) * tiles->lanes;
        float *bias = packed + place * packing.stride;
        const int64_t channel = group * (p->k / p->groups) + panel.from;
        if (piece == 0 && has_bias) tiles->cut_strip(1, panel.width, tensors->bias + channel, NULL, 0, bias, 0);
        else if (piece == 0) memset(bias, 0, (size_t)columns * sizeof(float));
        pack_rows(tiles, p, tensors->weights, group, &panel, first_row(&packing, piece),
                  first_row(&packing, piece + 1), bias + columns);
    }
}
