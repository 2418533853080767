/* SPDX-License-Identifier: BSD-2-Clause
 * Tiles, chains and packing of direct backward weights: see weights_cut.h. */
#include <string.h>

#include "kernels/conv2d/weights_cut.h"
#include "kernels/simd/common.h"

#define CHUNK_BYTES (512 << 10) /* of image and gradient (packed: of a strip of the gradient) that one chunk reads */
#define PACKED_BYTES                                                                                                   \
    (8 << 20) /* of a block of images and gradients, if they are to be packed: a share of a last-level cache */
#define PACKED_WORK 12          /* vector multiply-adds per packed float from which packing pays (measured) */
#define PACKED_CHANNELS 128     /* from which the lines of neighbouring pixels compete for few sets of a cache */
#define LINE 16                 /* floats in a cache line */
#define SUMMED_TILES 3
#define UNIT_STEPS 1024         /* units become whole images up to so many steps */

/* Packing touches C + K floats per pixel, tiles do C K taps multiply-adds on them. Many channels are mostly a power of
 * two: a chain's pixels, in place, fall into few sets of the caches. */
static int packs(const fcnn_problem *p, int64_t lanes)
{
    const int64_t c = p->c / p->groups, k = p->k / p->groups, work = c * k * p->r * p->s / lanes;
    const int64_t floats = fcnn_min(p->n, FCNN_BLOCK) * (p->h * p->w * p->c + p->p * p->q * p->k);
    return p->op == FCNN_CONV2D && p->p * p->q > 1 && fcnn_max(p->c, p->k) >= PACKED_CHANNELS &&
           work >= PACKED_WORK * (c + k) && floats * (int64_t)sizeof(float) <= PACKED_BYTES;
}

/* The gradient in one strip per panel; the image with pixels an odd number of cache lines apart. Threads copy their
 * share of the larger one, and all of the smaller one; of two equals the gradient is shared out (measured). */
static void plan_strips(const struct fcnn_tiles *tiles, const fcnn_problem *p, struct fcnn_cut *cut)
{
    struct fcnn_gather *g = &cut->gather;
    if (p->r == 1 && p->s == 1 && !cut->padded) /* only pixels that an output reads */
        cut->conv.h = p->p, cut->conv.w = p->q, cut->conv.stride_h = cut->conv.stride_w = 1;
    g->src_pixel = (fcnn_ceil_div(g->depth, LINE) | 1) * LINE;
    g->src_row = cut->conv.w * g->src_pixel;
    g->src_image = cut->conv.h * g->src_row;
    cut->gradient_pixel = cut->vectors * tiles->lanes;
    cut->strip = fcnn_ceil_div(fcnn_min(p->n, FCNN_BLOCK) * p->p * p->q * cut->gradient_pixel, LINE) * LINE;
    cut->all_panels = cut->conv.h * cut->conv.w * p->c > p->p * p->q * p->k;
}

static void choose_spreads(const fcnn_problem *p, int64_t rows, struct fcnn_cut *cut)
{
    int pooled = p->op == FCNN_CONV2D_POOL;
    if (pooled) cut->d_dst_spread = FCNN_SPREAD_WINDOWS;
    else if (p->activation == FCNN_RELU_ACTIVATION && !cut->summed) cut->d_dst_spread = FCNN_SPREAD_FULL;
    if (fcnn_is_padded(p) && (pooled || cut->summed || p->c / p->groups < rows)) cut->src_spread = FCNN_SPREAD_HALO;
}

/* Chains in units, units in chunks. */
static void cut_chains(const fcnn_problem *p, struct fcnn_cut *cut)
{
    int64_t steps_per_row = p->q * (p->op == FCNN_CONV2D_POOL ? 4 : 1);
    cut->unit_rows = !cut->padded && p->p * steps_per_row <= UNIT_STEPS ? p->p : 1;
    cut->unit_steps = cut->unit_rows * steps_per_row;
    cut->image_units = p->p / cut->unit_rows;
    if (!cut->padded && p->p * steps_per_row == 1 && cut->gather.src_image <= INT32_MAX / FCNN_BLOCK)
        cut->unit_rows = 0, cut->unit_steps = FCNN_BLOCK, cut->image_units = 1;
    int64_t step = cut->packed ? cut->gradient_pixel : cut->gather.src_pixel * p->stride_h * p->stride_w + p->k;
    cut->chunk_units = fcnn_max(1, CHUNK_BYTES / (step * (int64_t)sizeof(float)) / cut->unit_steps);
}

struct fcnn_cut fcnn_cut_of(const struct fcnn_tiles *tiles, const fcnn_problem *p)
{
    struct fcnn_cut cut = {
        .d_dst_spread = FCNN_SPREAD_NOTHING, .src_spread = FCNN_SPREAD_NOTHING, .gradient_pixel = p->k};
    int64_t depth = p->c / p->groups;
    cut.summed = depth * p->r * p->s <= SUMMED_TILES * tiles->summed_rows;
    cut.packed = !cut.summed && packs(p, tiles->lanes);
    cut.panels = fcnn_panels_of(p->k / p->groups, tiles->lanes, cut.summed ? tiles->summed_vectors : tiles->vectors);
    cut.vectors = fcnn_ceil_div(cut.panels.granules, cut.panels.count);
    cut.tile_rows = cut.summed ? tiles->summed_rows : tiles->rows[cut.vectors];
    cut.bias_tile = !p->no_bias && !cut.summed;
    if (!cut.packed) choose_spreads(p, cut.tile_rows, &cut);
    cut.conv = fcnn_conv_of(p, cut.src_spread == FCNN_SPREAD_HALO);
    fcnn_problem forward = cut.conv;
    forward.direction = FCNN_FORWARD;
    cut.gather = fcnn_gather_of(&forward);
    cut.padded = fcnn_is_padded(&cut.conv);
    if (cut.packed) plan_strips(tiles, p, &cut);

    cut.by_tap = cut.padded || cut.packed;
    cut.spans = cut.by_tap ? p->r * p->s : 1;
    cut.span_rows = p->r * p->s * depth / cut.spans;
    cut.panel_tasks = cut.spans * cut.span_rows + cut.bias_tile;
    cut.group_tasks = cut.panel_tasks * (cut.all_panels ? 1 : cut.panels.count);
    cut_chains(p, &cut);
    return cut;
}

struct fcnn_cut_tables fcnn_cut_tables_in(const struct fcnn_cut *cut, void *memory)
{
    struct fcnn_range *ranges = memory;
    int32_t *steps = (int32_t *)(ranges + cut->conv.r + cut->conv.s);
    return (struct fcnn_cut_tables){ranges, ranges + cut->conv.r, steps, steps + cut->unit_steps};
}

static struct fcnn_range real_outputs(const fcnn_problem *conv, int vertical, int64_t tap)
{
    const struct fcnn_axis_class met = fcnn_axis_tap(conv, vertical, tap);
    return (struct fcnn_range){met.first, met.first + met.count};
}

void fcnn_cut_fill_tables(const struct fcnn_cut *cut, int pooled, const struct fcnn_cut_tables *tables)
{
    const fcnn_problem *conv = &cut->conv;
    const struct fcnn_gather *g = &cut->gather;
    int64_t right = conv->stride_w * g->src_pixel, below = conv->stride_h * g->src_row, columns = g->dst_w;
    for (int64_t r = 0; r < conv->r; r++) tables->down[r] = real_outputs(conv, 1, r);
    for (int64_t s = 0; s < conv->s; s++) tables->across[s] = real_outputs(conv, 0, s);
    memset(tables->zeros, 0, (size_t)cut->unit_steps * sizeof(int32_t));
    for (int64_t k = 0; k < cut->unit_steps; k++) {
        int64_t at;
        if (cut->unit_rows == 0) at = k * g->src_image;
        else if (!pooled) at = k / columns * below + k % columns * right;
        else at = (k / (2 * columns) * 2 + k / 2 % 2) * below + (k / 4 % (columns / 2) * 2 + k % 2) * right;
        tables->steps[k] = (int32_t)at;
    }
}
