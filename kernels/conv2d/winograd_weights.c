/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Winograd's convolution, backward weights: dW = G^T [ sum over tiles of (B^T d B)(A dY A^T) ] G. A call transforms a chunk
 * of tiles to V and Y, adds V^T Y of every frequency to sums S (a matrix of input by output channels), then does the next
 * chunk: V and Y stay in cache, S is carried through memory, which is exact.
 * Order: images in blocks of FCNN_BLOCK as in direct_weights.c; within a block one chain per frequency over its tiles; G^T at
 * the end of a block; blocks along the fixed tree. The bias gradient is the exact one. A task is a panel of output channels. */
#include <string.h>

#include "kernels/conv2d/weights_sum.h"
#include "kernels/conv2d/winograd.h"
#include "kernels/simd/common.h"

#define CHUNK_BYTES (768 << 10) /* of V and Y */
#define CHUNK_LEAST 64          /* tiles of a chunk: what a sum's way through memory costs is shared by so many */
#define SUM_BYTES (8 << 20)     /* of S: panels of a call go together up to so much */
#define BIAS_STEPS 64
#define LINE 16                 /* floats; strides that are powers of two would share cache sets */

/* Distances in floats. V[frequency][tile][input channel], Y[frequency][tile][output channel of the call],
 * S[panel of the call][frequency][input channel][column]. */
struct cut {
    fcnn_problem problem;
    struct fcnn_gather gather; /* of the forward pass */
    struct fcnn_winograd_grid grid;
    enum fcnn_spread spread;
    struct fcnn_panels panels;  /* of a group's output channels */
    int64_t together;           /* panels that a call does at a time */
    int64_t chunk_tiles;
    int64_t v_tile, v_frequency, y_tile, y_frequency, s_frequency, s_panel;
};

static int64_t line(int64_t floats) { return fcnn_ceil_div(floats, LINE) * LINE; }

static struct cut cut_of(const struct fcnn_winograd *w, const fcnn_problem *p)
{
    struct cut cut = {.problem = *p, .spread = p->activation == FCNN_RELU_ACTIVATION ? FCNN_SPREAD_FULL : FCNN_SPREAD_NOTHING};
    const int64_t lanes = w->tiles->lanes, vectors = fcnn_min(w->tiles->vectors, 2), size = (int64_t)sizeof(float);
    cut.problem.direction = FCNN_FORWARD;
    cut.gather = fcnn_gather_of(&cut.problem);
    cut.grid = fcnn_winograd_grid_of(w->m, FCNN_BLOCK, p->p, p->q);
    cut.panels = fcnn_panels_of(cut.gather.width, lanes, vectors);
    cut.s_frequency = line(cut.gather.depth * vectors * lanes) + LINE;
    cut.s_panel = cut.grid.frequencies * cut.s_frequency;
    cut.together = fcnn_max(1, fcnn_min(cut.panels.count, SUM_BYTES / (cut.s_panel * size)));
    cut.v_tile = line(cut.gather.depth) + LINE;
    cut.y_tile = line(cut.together * vectors * lanes) + LINE;
    int64_t most = CHUNK_BYTES / (cut.grid.frequencies * (cut.v_tile + cut.y_tile) * size);
    cut.chunk_tiles = fcnn_min(cut.grid.count, fcnn_max(CHUNK_LEAST, most));
    cut.v_frequency = cut.chunk_tiles * cut.v_tile + LINE;
    cut.y_frequency = cut.chunk_tiles * cut.y_tile + LINE;
    return cut;
}

/* Scratch: a pixel of zeros, V, Y, S, sums of blocks. */
static int64_t zeros_floats(const struct cut *cut) { return line(fcnn_max(cut->gather.depth, cut->gather.width)); }
static int64_t v_floats(const struct cut *cut) { return cut->grid.frequencies * cut->v_frequency; }
static int64_t y_floats(const struct cut *cut) { return cut->grid.frequencies * cut->y_frequency; }
static int64_t s_floats(const struct cut *cut) { return cut->together * cut->s_panel; }

void fcnn_winograd_weights_demand(const struct fcnn_winograd *w, const fcnn_problem *p, struct fcnn_demand *demand)
{
    struct cut cut = cut_of(w, p);
    int64_t floats = zeros_floats(&cut) + v_floats(&cut) + y_floats(&cut) + s_floats(&cut);
    demand->tables = (size_t)cut.chunk_tiles * sizeof(int32_t);
    demand->shared = fcnn_spread_bytes(p, cut.spread);
    demand->scratch = (size_t)floats * sizeof(float) + fcnn_weights_sum_bytes(p);
    demand->tasks[FCNN_TABLES] = 1;
    demand->tasks[FCNN_GATHER] = cut.spread == FCNN_SPREAD_NOTHING ? 0 : p->n;
    demand->tasks[FCNN_COMPUTE] = p->groups * cut.panels.count;
}

/* What a call works with. */
struct call {
    const struct fcnn_winograd *w;
    struct cut cut;
    const int32_t *steps; /* floats of V from the first tile of a chunk to each tile */
    const float *src, *d_dst;
    float *zeros, *v, *y, *s;
    struct fcnn_weights_sum sum;
};

/* Panels first .. last-1 of a group: output channels from .. from + width - 1 of all. */
struct part {
    int64_t group, first, last, from, width;
};

static void transform(const struct call *call, const struct part *part, int64_t image, int64_t first, int64_t last)
{
    const struct cut *cut = &call->cut;
    const struct fcnn_gather *g = &cut->gather;
    const struct fcnn_winograd_grid *grid = &cut->grid;
    const int64_t m = call->w->m;
    const struct fcnn_winograd_image src = {call->src + part->group * g->depth, g->src_h, g->src_w, g->src_pixel};
    const struct fcnn_winograd_image d_dst = {call->d_dst + part->from, g->dst_h, g->dst_w, g->dst_pixel};
    for (int64_t tile = first; tile < last; tile++) {
        const float *pixels[FCNN_WINOGRAD_POINTS * FCNN_WINOGRAD_POINTS];
        int64_t j = tile % grid->across * m, i = tile / grid->across % grid->down * m, n = image + tile / grid->across / grid->down;
        fcnn_winograd_pixels(&src, n, i - cut->problem.pad_top, j - cut->problem.pad_left, grid->n, call->zeros, pixels);
        call->w->input(pixels, g->depth, call->v + (tile - first) * cut->v_tile, cut->v_frequency);
        fcnn_winograd_pixels(&d_dst, n, i, j, m, call->zeros, pixels);
        call->w->gradient(pixels, part->width, call->y + (tile - first) * cut->y_tile, cut->y_frequency);
    }
}

/* Adds V^T Y of one frequency and panel, over a chunk of tiles. `carry`: 0 for the first chunk of a block. */
static void multiply(const struct call *call, int64_t frequency, int64_t at, int64_t columns, const struct fcnn_segment *tiles,
                     float *s, int carry)
{
    const struct fcnn_tiles *isa = call->w->tiles;
    const struct cut *cut = &call->cut;
    const float *v = call->v + frequency * cut->v_frequency;
    int64_t depth = cut->gather.depth, vectors = columns / isa->lanes, count = fcnn_ceil_div(depth, isa->rows[vectors]);
    struct fcnn_tile tile = {.segments = tiles, .segment_count = 1, .b = call->y + frequency * cut->y_frequency + at,
                             .b_stride = cut->y_tile, .steps = call->steps, .width = columns, .carry = carry};
    for (int64_t i = 0; i < count; i++) {
        int64_t first = depth * i / count, rows = depth * (i + 1) / count - first;
        for (int64_t j = 0; j < rows; j++) {
            tile.a[j] = v + first + j;
            tile.out[j] = s + (first + j) * columns;
        }
        isa->outer[vectors][rows](&tile);
    }
}

static int64_t columns_of(const struct cut *cut, struct fcnn_panel panel)
{
    return fcnn_ceil_div(panel.width, cut->panels.granule) * cut->panels.granule;
}

/* The chains of a block of images, in S. */
static void sum_block(const struct call *call, const struct part *part, int64_t image, int64_t images)
{
    const struct cut *cut = &call->cut;
    int64_t count = images * cut->grid.down * cut->grid.across, base = fcnn_panel_at(&cut->panels, part->first).from;
    for (int64_t first = 0; first < count; first += cut->chunk_tiles) {
        int64_t last = fcnn_min(first + cut->chunk_tiles, count);
        const struct fcnn_segment tiles = {0, 0, last - first};
        transform(call, part, image, first, last);
        for (int64_t frequency = 0; frequency < cut->grid.frequencies; frequency++)
            for (int64_t i = part->first; i < part->last; i++) {
                struct fcnn_panel panel = fcnn_panel_at(&cut->panels, i);
                float *s = call->s + (i - part->first) * cut->s_panel + frequency * cut->s_frequency;
                multiply(call, frequency, panel.from - base, columns_of(cut, panel), &tiles, s, first > 0);
            }
    }
}

/* S of a block to gradients of taps, in a slot. */
static void transform_sums(const struct call *call, const struct part *part, int64_t slot)
{
    const struct cut *cut = &call->cut;
    int64_t k = cut->problem.k, depth = cut->gather.depth;
    float *out = fcnn_weights_sum_weights(&call->sum, slot) + part->group * cut->gather.width;
    for (int64_t i = part->first; i < part->last; i++) {
        struct fcnn_panel panel = fcnn_panel_at(&cut->panels, i);
        const float *s = call->s + (i - part->first) * cut->s_panel;
        for (int64_t c = 0; c < depth; c++)
            call->w->taps(s + c * columns_of(cut, panel), cut->s_frequency, panel.width, out + c * k + panel.from, depth * k);
    }
}

/* The bias gradient of a block: one chain of 1 * d_dst + sum over its pixels. */
static void sum_bias(const struct call *call, const struct part *part, int64_t image, int64_t images, int64_t slot)
{
    static const float one = 1.0f;
    static const int32_t zeros[BIAS_STEPS];
    const struct cut *cut = &call->cut;
    const struct fcnn_tiles *isa = call->w->tiles;
    int64_t pixels = images * cut->problem.p * cut->problem.q, k = cut->problem.k;
    for (int64_t i = part->first; i < part->last; i++) {
        struct fcnn_panel panel = fcnn_panel_at(&cut->panels, i);
        int64_t channel = part->group * cut->gather.width + panel.from;
        for (int64_t first = 0; first < pixels; first += BIAS_STEPS) {
            const struct fcnn_segment segment = {0, 0, fcnn_min(BIAS_STEPS, pixels - first)};
            struct fcnn_tile tile = {.a = {&one}, .segments = &segment, .segment_count = 1, .b_stride = k, .steps = zeros,
                                     .width = panel.width, .carry = first > 0};
            tile.b = call->d_dst + image * cut->gather.dst_image + first * k + channel;
            tile.out[0] = fcnn_weights_sum_bias(&call->sum, slot) + channel;
            isa->outer[columns_of(cut, panel) / isa->lanes][1](&tile);
        }
    }
}

/* Adds the slot above `into` to it. */
static void add_slots(const struct call *call, const struct part *part, int64_t into)
{
    const struct fcnn_weights_sum *sum = &call->sum;
    float *a = fcnn_weights_sum_weights(sum, into) + part->from;
    const float *b = fcnn_weights_sum_weights(sum, into + 1) + part->from;
    for (int64_t i = 0; i < 9 * call->cut.gather.depth; i++, a += sum->k, b += sum->k)
        for (int64_t j = 0; j < part->width; j++) a[j] += b[j];
    if (call->cut.problem.no_bias) return;
    a = fcnn_weights_sum_bias(sum, into) + part->from;
    b = fcnn_weights_sum_bias(sum, into + 1) + part->from;
    for (int64_t j = 0; j < part->width; j++) a[j] += b[j];
}

static void compute_part(const struct call *call, const struct part *part)
{
    int64_t n = call->cut.problem.n;
    struct fcnn_tree tree = {0};
    for (int64_t image = 0; image < n; image += FCNN_BLOCK) {
        int64_t images = fcnn_min(FCNN_BLOCK, n - image), slot = fcnn_tree_push(&tree);
        sum_block(call, part, image, images);
        transform_sums(call, part, slot);
        if (!call->cut.problem.no_bias) sum_bias(call, part, image, images, slot);
        for (int64_t into; (into = fcnn_tree_merge(&tree, image + FCNN_BLOCK >= n)) >= 0;) add_slots(call, part, into);
    }
}

static void compute(const struct call *call, int64_t first, int64_t last)
{
    const struct cut *cut = &call->cut;
    memset(call->zeros, 0, (size_t)zeros_floats(cut) * sizeof(float));
    for (int64_t task = first, end; task < last; task = end) {
        int64_t group = task / cut->panels.count, base = group * cut->panels.count;
        end = fcnn_min(fcnn_min(task + cut->together, base + cut->panels.count), last);
        struct part part = {.group = group, .first = task - base, .last = end - base};
        struct fcnn_panel begin = fcnn_panel_at(&cut->panels, part.first), final = fcnn_panel_at(&cut->panels, part.last - 1);
        part.from = group * cut->gather.width + begin.from;
        part.width = final.from + final.width - begin.from;
        compute_part(call, &part);
    }
}

void fcnn_winograd_weights_run(const struct fcnn_winograd *w, const fcnn_problem *p, const fcnn_tensors *t,
                               const struct fcnn_memory *memory, enum fcnn_stage stage, int64_t first, int64_t last)
{
    struct call call = {.w = w, .cut = cut_of(w, p), .steps = memory->tables};
    const struct cut *cut = &call.cut;
    if (stage == FCNN_TABLES) {
        for (int64_t i = 0; i < cut->chunk_tiles; i++) ((int32_t *)memory->tables)[i] = (int32_t)(i * cut->v_tile);
    } else if (stage == FCNN_GATHER) {
        fcnn_spread(w->tiles, p, t, cut->spread, memory->shared, first, last);
    } else {
        call.src = t->src;
        call.d_dst = cut->spread == FCNN_SPREAD_NOTHING ? t->d_dst : memory->shared;
        call.zeros = memory->scratch;
        call.v = call.zeros + zeros_floats(cut);
        call.y = call.v + v_floats(cut);
        call.s = call.y + y_floats(cut);
        call.sum = fcnn_weights_sum_of(p, t, call.s + s_floats(cut));
        compute(&call, first, last);
    }
}
