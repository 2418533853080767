/* SPDX-License-Identifier: BSD-2-Clause
 * Packing of weights into panels: see conv2d.h. */
#include <string.h>

#include "kernels/conv2d/conv2d.h"
#include "kernels/simd/common.h"

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
    packing.tasks = g.groups * packing.panels.count;
    packing.bytes = (size_t)(packing.tasks * packing.stride) * sizeof(float);
    return packing;
}

static void put_row(float *row, int64_t columns, const float *from, int64_t width)
{
    memcpy(row, from, (size_t)width * sizeof(float));
    memset(row + width, 0, (size_t)(columns - width) * sizeof(float));
}

/* Forward: rows (r, s, c) are rows of the weight tensor. */
static void pack_forward(const fcnn_problem *p, const float *weights, int64_t channel, int64_t width, int64_t columns,
                         float *b)
{
    for (int64_t row = 0; row < p->r * p->s * (p->c / p->groups); row++)
        put_row(b + row * columns, columns, weights + row * p->k + channel, width);
}

/* Backward data: rows (r, s, k), columns c: a transpose for every tap. `group_k`: first output channel of the group. */
static void pack_backward(const fcnn_problem *p, const float *weights, int64_t group_k, int64_t c, int64_t width,
                          int64_t columns, float *b)
{
    int64_t depth = p->k / p->groups, taps = p->r * p->s, group_c = p->c / p->groups;
    for (int64_t tap = 0; tap < taps; tap++, b += depth * columns)
        for (int64_t j = 0; j < columns; j++) {
            const float *from = j < width ? weights + (tap * group_c + c + j) * p->k + group_k : NULL;
            for (int64_t k = 0; k < depth; k++) b[k * columns + j] = from ? from[k] : 0.0f;
        }
}

void fcnn_pack_weights(const struct fcnn_tiles *tiles, const fcnn_problem *p, int64_t vectors,
                       const fcnn_tensors *tensors, float *packed, int64_t first, int64_t last)
{
    struct fcnn_packing packing = fcnn_packing_of(tiles, p, vectors);
    int forward = p->direction == FCNN_FORWARD;
    for (int64_t task = first; task < last; task++) {
        int64_t group = task / packing.panels.count, group_k = group * (p->k / p->groups);
        struct fcnn_panel panel = fcnn_panel_at(&packing.panels, task % packing.panels.count);
        int64_t columns = fcnn_ceil_div(panel.width, tiles->lanes) * tiles->lanes;
        float *bias = packed + task * packing.stride, *b = bias + columns;
        if (forward && !p->no_bias) put_row(bias, columns, tensors->bias + group_k + panel.from, panel.width);
        else memset(bias, 0, (size_t)columns * sizeof(float));
        if (forward) pack_forward(p, tensors->weights, group_k + panel.from, panel.width, columns, b);
        else pack_backward(p, tensors->weights, group_k, panel.from, panel.width, columns, b);
    }
}
