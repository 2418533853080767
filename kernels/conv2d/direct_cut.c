/* SPDX-License-Identifier: BSD-2-Clause
 * Blocks, panels, chunks and knobs of direct convolution: see direct_cut.h. */
#include "kernels/conv2d/direct_cut.h"

#include "kernels/simd/common.h"

enum { HALOED, VECTORS, ROWS, SWEEP, SWEEP_STEPS, BLOCK_PIXELS, OWN_COPY };

#define CHUNK_PIXELS 24 /* aims at the size of a task: neighbouring ones of a call are run as one */
#define MOST_CHUNKS 64
#define SHORT_CHAIN 160 /* multiply-adds that do not hide a tile's end */
#define SWEEP_PIXELS 512 /* in more, classes fill their tiles */
#define LINE 16          /* floats in a cache line */
#define HALO_MOST 4      /* images are copied if they grow by padding to no more than so many times, in an axis */

static enum fcnn_spread spread_of(const fcnn_problem *p)
{
    int pooled = p->op == FCNN_CONV2D_POOL;
    if (p->direction == FCNN_FORWARD) return pooled && fcnn_is_padded(p) ? FCNN_SPREAD_HALO : FCNN_SPREAD_NOTHING;
    return pooled || p->activation == FCNN_RELU_ACTIVATION ? FCNN_SPREAD_FULL : FCNN_SPREAD_NOTHING;
}

static int may_halo(const fcnn_problem *folded)
{
    if (folded->op != FCNN_CONV2D) return 0;
    const struct fcnn_halo halo = fcnn_halo_of(folded);
    return halo.rows <= HALO_MOST * halo.h && halo.columns <= HALO_MOST * halo.w;
}

/* Pixels of few lines follow each other, so that taps are neighbours; others keep an odd number of lines apart. */
static void plan_halo(struct fcnn_direct_cut *cut)
{
    struct fcnn_gather *g = &cut->gather;
    const int64_t lines = fcnn_ceil_div(g->depth, LINE);
    cut->spread = FCNN_SPREAD_NOTHING;
    cut->halo = fcnn_halo_of(&cut->problem);
    cut->conv = cut->halo.conv;
    *g = fcnn_gather_of(&cut->conv);
    g->src_pixel = (lines < 8 ? lines : lines | 1) * LINE;
    g->src_row = g->src_w * g->src_pixel;
    g->src_image = g->src_h * g->src_row;
}

/* What does not depend on knobs but the first two. */
static struct fcnn_direct_cut panels_cut_of(const struct fcnn_query *query, int64_t vectors)
{
    const struct fcnn_tiles *tiles = query->context;
    const fcnn_problem *p = query->problem;
    struct fcnn_direct_cut cut = {.problem = fcnn_folded(p), .spread = spread_of(p),
                                  .pooled = p->op == FCNN_CONV2D_POOL && p->direction == FCNN_FORWARD,
                                  .vectors = vectors};
    cut.conv = fcnn_conv_of(&cut.problem, cut.spread == FCNN_SPREAD_HALO);
    cut.gather = fcnn_gather_of(&cut.conv);
    cut.haloed = query->knobs[HALOED] && may_halo(&cut.problem);
    if (cut.haloed) plan_halo(&cut);
    cut.packing = fcnn_packing_of(tiles, &cut.problem, vectors);
    const struct fcnn_panels *panels = &cut.packing.panels;
    cut.columns = fcnn_ceil_div(panels->granules, panels->count) * panels->granule;
    return cut;
}

/* Blocks of about `pixels` outputs. Windows of pooling are not cut. */
static void cut_blocks(struct fcnn_direct_cut *cut, int64_t pixels)
{
    const struct fcnn_gather *g = &cut->gather;
    const int64_t image = g->dst_h * g->dst_w;
    cut->bands = fcnn_min(fcnn_ceil_div(image, pixels), g->dst_h / (cut->pooled ? 2 : 1));
    cut->blocks = cut->bands > 1 ? g->images * cut->bands : fcnn_ceil_div(g->images, fcnn_max(1, pixels / image));
}

/* Classes are cut by tiles. Swept, taps meet different pixels: chunks are images of a block, or rows of one image. */
static int64_t chunks_of(const struct fcnn_direct_cut *cut)
{
    const struct fcnn_gather *g = &cut->gather;
    if (cut->swept) /* of the smallest block */
        return fcnn_ceil_div(g->images, cut->blocks) > 1 ? g->images / cut->blocks : g->dst_h / cut->bands;
    return fcnn_max(1, fcnn_min(g->images * g->dst_h * g->dst_w / cut->blocks / CHUNK_PIXELS, MOST_CHUNKS));
}

struct fcnn_direct_cut fcnn_direct_cut_of(const struct fcnn_query *query)
{
    const int64_t *knobs = query->knobs;
    struct fcnn_direct_cut cut = panels_cut_of(query, knobs[VECTORS]);
    cut.swept = knobs[SWEEP] && !cut.pooled;
    cut.steps = knobs[SWEEP_STEPS];
    cut_blocks(&cut, knobs[BLOCK_PIXELS]);
    cut.own_copy = cut.spread == FCNN_SPREAD_FULL && knobs[OWN_COPY];
    cut.rows = fcnn_min(knobs[ROWS], FCNN_TILE_ROWS);
    if (cut.pooled) cut.rows = cut.rows / 4 * 4;
    cut.chunks = chunks_of(&cut);
    return cut;
}

struct fcnn_direct_block fcnn_direct_block_at(const struct fcnn_direct_cut *cut, int64_t i)
{
    const struct fcnn_gather *g = &cut->gather;
    if (cut->bands == 1) {
        const int64_t image = i * g->images / cut->blocks;
        return (struct fcnn_direct_block){image, (i + 1) * g->images / cut->blocks - image, 0, g->dst_h};
    }
    const int64_t unit = cut->pooled ? 2 : 1, units = g->dst_h / unit, band = i % cut->bands;
    return (struct fcnn_direct_block){i / cut->bands, 1, band * units / cut->bands * unit,
                                      (band + 1) * units / cut->bands * unit};
}

struct fcnn_direct_block fcnn_direct_block_part(const struct fcnn_direct_cut *cut,
                                                const struct fcnn_direct_block *block, int64_t first, int64_t last)
{
    const struct fcnn_gather *g = &cut->gather;
    struct fcnn_direct_block part = *block;
    if (fcnn_ceil_div(g->images, cut->blocks) > 1) {
        part.image = block->image + first * block->images / cut->chunks;
        part.images = block->image + last * block->images / cut->chunks - part.image;
    } else {
        const int64_t rows = block->to - block->from;
        part.from = block->from + first * rows / cut->chunks, part.to = block->from + last * rows / cut->chunks;
    }
    return part;
}

/* What a panel costs in the outputs that have some taps, in multiply-adds of vectors. A tile needs ten sums side by
 * side to keep two units of four cycles' latency busy; beginning and ending one costs as much as `tile` says. */
static int64_t cost_of(const struct fcnn_tiles *tiles, const struct fcnn_direct_cut *cut, int64_t outputs, int64_t taps,
                       int64_t tile)
{
    const int64_t vectors = cut->columns / tiles->lanes, least = 10, pixels = cut->gather.images * outputs;
    const int64_t count = fcnn_ceil_div(pixels, tiles->rows[vectors]);
    return taps * cut->gather.depth * fcnn_max(pixels * vectors, count * least) + count * tile;
}

/* Whether it is cheaper to sweep taps. The constants are measured on MNIST's third convolution. */
static int is_sweep_cheaper(const struct fcnn_tiles *tiles, const struct fcnn_direct_cut *cut)
{
    const struct fcnn_gather *g = &cut->gather;
    struct fcnn_axis_class rows[SWEEP_PIXELS + 1], *columns = rows + g->dst_h;
    int64_t by_class = 0, by_tap = 0;
    if (g->images * g->dst_h * g->dst_w > SWEEP_PIXELS) return 0;
    const int64_t down = fcnn_axis_classes(&cut->conv, 1, rows), across = fcnn_axis_classes(&cut->conv, 0, columns);
    for (int64_t i = 0; i < down; i++)
        for (int64_t j = 0; j < across; j++)
            by_class += cost_of(tiles, cut, rows[i].count * columns[j].count, rows[i].taps * columns[j].taps, 150);
    for (int64_t r = 0; r < g->taps_h; r++) {
        const int64_t met = fcnn_axis_tap(&cut->conv, 1, r).count;
        for (int64_t s = 0; s < g->taps_w && by_tap < by_class; s++)
            by_tap += cost_of(tiles, cut, met * fcnn_axis_tap(&cut->conv, 0, s).count, 1, 200);
    }
    return by_tap < by_class;
}

/* ---- knobs without measurement ---- */

/* Of a group's channels a pixel has a line or two, and pixels are often a power of two apart: in place they fall into
 * few sets of the first-level cache, and every tap is a segment of its own. But what is multiplied with padding should
 * not be as much as the rest. */
static int64_t standard_halo(const struct fcnn_query *query)
{
    const fcnn_problem folded = fcnn_folded(query->problem);
    if (!may_halo(&folded)) return FCNN_MOOT;
    const struct fcnn_halo halo = fcnn_halo_of(&folded);
    return folded.groups > 1 && folded.r * folded.s > 1 && halo.rows * halo.columns < 2 * halo.h * halo.w;
}

static int64_t panel_bytes(const struct fcnn_direct_cut *cut)
{
    return cut->packing.rows * cut->columns * (int64_t)sizeof(float);
}

static int64_t standard_vectors(const struct fcnn_query *query)
{
    const fcnn_problem folded = fcnn_folded(query->problem);
    return fcnn_panel_vectors(&(struct fcnn_query){&folded, query->context, query->caches, query->knobs});
}

/* As many as fit the registers; for short chains fewer, so that tiles end with fewer stores at once. */
static int64_t standard_tile_rows(const struct fcnn_query *query)
{
    const struct fcnn_tiles *tiles = query->context;
    const struct fcnn_direct_cut cut = panels_cut_of(query, query->knobs[VECTORS]);
    const int64_t most = tiles->rows[cut.columns / tiles->lanes];
    const int many = cut.packing.rows > SHORT_CHAIN || cut.pooled || cut.haloed;
    return most <= 4 ? FCNN_MOOT : many ? most : fcnn_max(4, most * 2 / 3);
}

/* Because that is cheaper, or because a panel does not stay in the L2 cache. */
static int64_t standard_sweep(const struct fcnn_query *query)
{
    const struct fcnn_direct_cut cut = panels_cut_of(query, query->knobs[VECTORS]);
    if (cut.pooled) return FCNN_MOOT;
    return panel_bytes(&cut) > query->caches->l2 / 4 * 3 || is_sweep_cheaper(query->context, &cut);
}

/* The part of a panel that tiles read while they sweep takes an eighth of the L2 cache. */
static int64_t standard_steps(const struct fcnn_query *query)
{
    const struct fcnn_direct_cut cut = panels_cut_of(query, query->knobs[VECTORS]);
    const int64_t steps = query->caches->l2 / 8 / (cut.columns * (int64_t)sizeof(float));
    return !query->knobs[SWEEP] || cut.pooled ? FCNN_MOOT : fcnn_max(64, steps);
}

/* A copy fills half of the first-level cache; but it is of many more rows than neighbouring blocks have in common. */
static int64_t haloed_block(const struct fcnn_query *query, const struct fcnn_gather *g)
{
    const int64_t pixels = query->caches->l1 / 2 / (g->src_pixel * (int64_t)sizeof(float));
    return fcnn_max(pixels * (g->dst_h * g->dst_w) / (g->src_h * g->src_w), 4 * g->taps_h * g->dst_w);
}

/* What a block reads and writes should stay in the L2 cache, beside a panel, for all panels; but a panel that comes
 * from further away should meet some hundred pixels. A single panel comes but once. */
static int64_t standard_block(const struct fcnn_query *query)
{
    const struct fcnn_direct_cut cut = panels_cut_of(query, query->knobs[VECTORS]);
    const struct fcnn_gather *g = &cut.gather;
    if (cut.haloed) return haloed_block(query, g);
    if (cut.packing.panels.count == 1 && !query->knobs[SWEEP] && cut.spread != FCNN_SPREAD_FULL) return INT64_MAX;
    const int64_t deep = fcnn_min(g->depth, query->knobs[SWEEP] ? query->knobs[SWEEP_STEPS] : g->depth);
    const int64_t read = fcnn_ceil_div(g->src_h * g->src_w * deep, g->dst_h * g->dst_w) + cut.columns;
    return fcnn_max(query->knobs[SWEEP] ? 256 : 512, query->caches->l2 / 2 / (read * (int64_t)sizeof(float)));
}

/* A gradient that would leave the L2 cache before it is read; but many blocks, as threads that share one spread it
 * twice. */
static int64_t standard_copy(const struct fcnn_query *query)
{
    struct fcnn_direct_cut cut = panels_cut_of(query, query->knobs[VECTORS]);
    if (cut.spread != FCNN_SPREAD_FULL) return FCNN_MOOT;
    cut_blocks(&cut, query->knobs[BLOCK_PIXELS]);
    return cut.blocks >= 8 && fcnn_spread_bytes(&cut.problem, cut.spread) > (size_t)query->caches->l2 / 2;
}

const struct fcnn_knob fcnn_direct_gather_knobs[FCNN_DIRECT_GATHER_KNOBS] = {
    [HALOED] = {"haloed", 2, {0, 1}, standard_halo},
    [VECTORS] = FCNN_VECTORS_KNOB(standard_vectors),
    [ROWS] = {"rows", 6, {4, 5, 6, 8, 10, 12}, standard_tile_rows},
    [SWEEP] = {"sweep", 2, {0, 1}, standard_sweep},
    [SWEEP_STEPS] = {"sweep_steps", 6, {64, 128, 256, 512, 1024, 2048}, standard_steps},
    [BLOCK_PIXELS] = {"block_pixels", 7, {64, 128, 256, 512, 1024, 4096, 1 << 20}, standard_block},
    [OWN_COPY] = {"own_copy", 2, {0, 1}, standard_copy},
};
