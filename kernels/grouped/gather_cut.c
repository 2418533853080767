/* SPDX-License-Identifier: BSD-2-Clause
 * How grouped forward and backward data cut their work: see gather.h. */
#include "kernels/grouped/gather.h"
#include "kernels/simd/common.h"

#define DEEP 4 /* vectors of a pixel whose loads `direct` hides as well as a march does, where each is read once */

enum { PLANAR, MARCH, IN_PLACE, BESIDE, COLUMNS, TURNS, ROWS, HELD };

/* The most positions that `count` outputs meet. */
static int64_t most_met(const struct fcnn_halo *halo, int vertical, int64_t count)
{
    const struct fcnn_span met = fcnn_halo_met(halo, vertical, 0, count);
    const fcnn_problem *conv = &halo->conv;
    const int64_t reach = ((vertical ? conv->r : conv->s) - 1) * (vertical ? conv->dilation_h : conv->dilation_w);
    const int64_t stride = vertical ? conv->stride_h : conv->stride_w;
    if (conv->direction == FCNN_FORWARD) return met.to - met.from;
    return fcnn_min(vertical ? halo->rows : halo->columns, fcnn_ceil_div(reach + count - 1, stride) + 1);
}

/* Whether a march can do without copies: no gradient is masked, at either end of a row no tap meets more than one
 * position outside, and what is permuted are whole vectors. */
static int stays_in_place(const struct fcnn_query *query)
{
    const struct fcnn_grouped *loops = query->context;
    const fcnn_problem *p = query->problem;
    const struct fcnn_grouped_lanes lanes = fcnn_grouped_lanes_of(p, loops->lanes, FCNN_ROWS_IN_PLACE);
    const int64_t reach = (p->s - 1) * p->dilation_w;
    int64_t left = p->pad_left, right = (p->q - 1) * p->stride_w + reach - p->pad_left - (p->w - 1);
    const int whole = lanes.together * lanes.depth == lanes.lanes && lanes.groups % lanes.together == 0;
    if (!fcnn_grouped_age(p) || lanes.way == FCNN_SPREAD || (lanes.way == FCNN_PERMUTED && !whole)) return 0;
    if (p->direction != FCNN_FORWARD) {
        if (p->activation == FCNN_RELU_ACTIVATION) return 0;
        left = reach - p->pad_left, right = p->w - 1 + p->pad_left - (p->q - 1) * p->stride_w;
    }
    return left <= p->stride_w && right <= p->stride_w && (p->dilation_w == 1 || p->stride_w == 1);
}

/* Whether a march is what a single group of few outputs is served best by: it goes to the next pixel or row without a
 * call, while the panels of `direct` share their loads among more vectors of outputs than one. It copies no more than a
 * vector of a pixel for that. Few outputs of a gradient are narrow's. */
static int is_slim(const struct fcnn_query *query)
{
    const struct fcnn_grouped *loops = query->context;
    const fcnn_problem *p = query->problem;
    const struct fcnn_grouped_lanes lanes = fcnn_grouped_lanes_of(p, loops->lanes, FCNN_ROWS_IN_PLACE);
    if (loops->lanes == 1 || lanes.vectors > 1 || p->stride_h * p->stride_w > 1) return 0;
    if (p->direction != FCNN_FORWARD && 2 * lanes.width < fcnn_max(loops->lanes, 8)) return 0;
    if (!fcnn_grouped_age(p) || p->p == 1) return 0;
    if (p->r == 1) return p->s == 1 && lanes.depth <= DEEP * loops->lanes;
    return stays_in_place(query) || lanes.depth <= loops->lanes;
}

/* Against `direct`, whose lanes are outputs of one group. */
const char *fcnn_grouped_gather_doubt(const struct fcnn_query *query)
{
    return query->problem->groups == 1 && is_slim(query) ? NULL : fcnn_grouped_doubt(query);
}

/* `columns` is moot in place, `held` but in a march with copies. */
static struct fcnn_grouped_cut cut_of(const struct fcnn_query *query, const int64_t *knobs)
{
    const struct fcnn_grouped *loops = query->context;
    const fcnn_problem *p = query->problem;
    const struct fcnn_halo halo = fcnn_halo_of(p);
    struct fcnn_grouped_cut cut = {.gather = fcnn_gather_of(&halo.conv), .phases_h = 1, .phases_w = 1};
    cut.planar = knobs[PLANAR] != 0;
    cut.age = knobs[MARCH] && !cut.planar ? fcnn_grouped_age(p) : 0;
    cut.in_place = cut.age && knobs[IN_PLACE] && stays_in_place(query);
    cut.lanes = fcnn_grouped_lanes_of(p, loops->lanes, cut.in_place ? FCNN_ROWS_IN_PLACE
                                                       : cut.age    ? FCNN_SPREAD_ROWS : FCNN_INTERLEAVED_ROWS);
    if (cut.planar) cut.lanes = fcnn_grouped_planar_of(p, loops->lanes, knobs[BESIDE]);
    if (halo.conv.direction != FCNN_FORWARD) {
        cut.phases_h = fcnn_min(halo.conv.stride_h, cut.gather.dst_h);
        cut.phases_w = fcnn_min(halo.conv.stride_w, cut.gather.dst_w);
    }
    cut.strips = cut.in_place ? 1 : fcnn_ceil_div(cut.gather.dst_w, knobs[COLUMNS]);
    const int64_t columns = fcnn_ceil_div(cut.gather.dst_w, cut.strips);
    if (cut.age) cut.tiles = fcnn_ceil_div(columns, cut.phases_w * loops->marching[cut.age - 1]);
    cut.copy = fcnn_grouped_copy_of(loops, &halo, most_met(&halo, 0, columns), cut.lanes.planes, cut.planar);
    cut.slots = cut.age ? fcnn_min(knobs[HELD], halo.h) : most_met(&halo, 1, 1);
    cut.ring = cut.slots * cut.copy.row;
    cut.pitch = fcnn_ceil_div(columns, loops->lanes) * loops->lanes;
    cut.beside = cut.planar ? 1 : fcnn_min(knobs[BESIDE], cut.lanes.vectors);
    cut.sets = fcnn_ceil_div(cut.lanes.vectors, cut.beside);
    cut.turns = knobs[TURNS] && cut.sets > 1;
    cut.rows = fcnn_min(knobs[ROWS], cut.gather.dst_h);
    cut.bands = fcnn_ceil_div(cut.gather.dst_h, cut.rows);
    return cut;
}

struct fcnn_grouped_cut fcnn_grouped_gather_cut(const struct fcnn_query *query) { return cut_of(query, query->knobs); }

/* One vector and row at a time, or rows of a march. */
static struct fcnn_grouped_cut least_cut(const struct fcnn_query *query, int64_t march, int64_t columns)
{
    const int64_t knobs[] = {[PLANAR] = query->knobs[PLANAR], [MARCH] = march, [BESIDE] = 1,
                             [COLUMNS] = columns, [ROWS] = 1, [HELD] = 1};
    return cut_of(query, knobs);
}

/* ---- knobs ---- */

/* A march pays where rows meet several outputs: a stride leaves too few sums to a tile, unless spreading is what costs.
 * Tiles must be wide enough that at most a quarter of a row is read for two of them. */
static int marches_well(const struct fcnn_query *query)
{
    const struct fcnn_grouped *loops = query->context;
    const fcnn_problem *p = query->problem;
    const int64_t age = fcnn_grouped_age(p);
    return age > 1 && loops->marching[age - 1] * p->stride_w >= 4 * (p->s - 1) * p->dilation_w;
}

/* If rows fill vectors and no march does better: spares the spreading. Where nothing is spread, only what a stride
 * copies is met too seldom; gradients of a stride are met by all of its phases. */
static int64_t standard_planar(const struct fcnn_query *query)
{
    const struct fcnn_grouped *loops = query->context;
    const fcnn_problem *p = query->problem;
    const int64_t forward = p->direction == FCNN_FORWARD;
    const int64_t columns = forward ? p->q : fcnn_ceil_div(p->w, p->stride_w);
    const int64_t whole = fcnn_ceil_div(columns, loops->lanes) * loops->lanes;
    const enum fcnn_grouped_way way = fcnn_grouped_lanes_of(p, loops->lanes, FCNN_INTERLEAVED_ROWS).way;
    if (way == FCNN_BROADCAST && p->stride_h * p->stride_w == 1) return 0;
    if (!forward && p->stride_h * p->stride_w > 1 && fcnn_grouped_interleaves(way)) return 0;
    if (p->stride_h * p->stride_w == 1 && marches_well(query) && stays_in_place(query)) return 0;
    return 4 * columns >= 3 * whole;
}

/* Spares the copy; a stride permutes what it reads for fewer sums. */
static int64_t standard_in_place(const struct fcnn_query *query)
{
    if (query->knobs[PLANAR] || !query->knobs[MARCH] || !stays_in_place(query)) return FCNN_MOOT;
    return query->problem->stride_h * query->problem->stride_w == 1;
}

/* So that a pixel's outputs fill a cache line; planar: whole pixels, in the order of memory. */
static int64_t standard_beside(const struct fcnn_query *query)
{
    const struct fcnn_grouped *loops = query->context;
    const struct fcnn_grouped_lanes lanes = query->knobs[PLANAR]
                                                ? fcnn_grouped_planar_of(query->problem, loops->lanes, 1)
                                                : fcnn_grouped_lanes_of(query->problem, loops->lanes, FCNN_SPREAD_ROWS);
    const int64_t outputs = fcnn_min(lanes.lanes, lanes.together * lanes.width);
    if (lanes.vectors > 1 && query->knobs[PLANAR]) return lanes.vectors;
    return lanes.vectors == 1 ? FCNN_MOOT : fcnn_max(1, 16 / outputs);
}

static int64_t standard_march(const struct fcnn_query *query)
{
    const struct fcnn_grouped *loops = query->context;
    const fcnn_problem *p = query->problem;
    if (!fcnn_grouped_age(p) || query->knobs[PLANAR]) return FCNN_MOOT;
    const enum fcnn_grouped_way way = fcnn_grouped_lanes_of(p, loops->lanes, FCNN_INTERLEAVED_ROWS).way;
    const int broadcast = way == FCNN_BROADCAST && loops->lanes > 1; /* what costs nothing in place */
    if (broadcast && p->stride_h * p->stride_w == 1 && stays_in_place(query)) return 1;
    return marches_well(query) && (p->stride_h == 1 || way == FCNN_SPREAD);
}

/* As many tiles as leave half of the first-level cache to outputs, weights and the image, of one vector; one at least.
 * Vectors of planar rows lie in it side by side. A march holds the rows of a window at least. */
static int64_t standard_columns(const struct fcnn_query *query)
{
    const struct fcnn_grouped *loops = query->context;
    const int64_t march = query->knobs[MARCH] && !query->knobs[PLANAR];
    if (march && query->knobs[IN_PLACE]) return FCNN_MOOT;
    const int64_t tile = query->knobs[PLANAR] ? loops->lanes : loops->pixels;
    const int64_t most = least_cut(query, 0, tile).gather.dst_w, times = march ? query->problem->r : 1;
    const int64_t room = query->caches->l1 / 2 / (int64_t)sizeof(float);
    int64_t columns = fcnn_min(tile, most);
    while (columns < most && times * least_cut(query, march, columns + tile).ring <= room) columns += tile;
    return columns;
}

/* What stays neither in the second-level cache nor in a core's share of the last one is read in the order of memory,
 * band by band; so is, but for a march, which reads all rows of a vector without a pause, what comes from memory
 * because there are many images. */
static int64_t standard_turns(const struct fcnn_query *query)
{
    const fcnn_problem *p = query->problem;
    const int64_t image = (p->h * p->w * p->c + p->p * p->q * p->k) * (int64_t)sizeof(float);
    const int64_t knobs[FCNN_GROUPED_GATHER_KNOBS] = {
        [PLANAR] = query->knobs[PLANAR], [BESIDE] = query->knobs[BESIDE], [COLUMNS] = 1, [ROWS] = 1};
    if (cut_of(query, knobs).sets == 1) return FCNN_MOOT;
    const int from_memory = fcnn_leaves_share(query->caches, p->n * image);
    return image > query->caches->l2 &&
           (!fcnn_stays_in_share(query->caches, image) || (from_memory && !query->knobs[MARCH]));
}

/* Neighbouring bands of a call are one: small ones cost nothing but where a call begins. Where sets take turns without
 * a march, inputs and outputs of a band and of the next one, which is fetched meanwhile, fill a third of the
 * second-level cache: a vector's lines lie a pixel apart, in few of its sets. */
static int64_t standard_rows(const struct fcnn_query *query)
{
    const struct fcnn_grouped_cut cut = least_cut(query, 0, 1);
    const fcnn_problem *p = query->problem;
    if (cut.gather.dst_h == 1) return FCNN_MOOT;
    const int64_t rows = fcnn_max(2 * cut.slots, fcnn_ceil_div(cut.gather.dst_h, 4));
    if (!query->knobs[TURNS] || query->knobs[PLANAR] || (query->knobs[MARCH] && fcnn_grouped_age(p))) return rows;
    const int64_t image = (p->h * p->w * p->c + p->p * p->q * p->k) * (int64_t)sizeof(float);
    return fcnn_min(rows, fcnn_max(1, query->caches->l2 / 6 * cut.gather.dst_h / image));
}

/* Rows that leave as much, too; in place none is held. */
static int64_t standard_held(const struct fcnn_query *query)
{
    if (query->knobs[PLANAR] || !query->knobs[MARCH] || query->knobs[IN_PLACE]) return FCNN_MOOT;
    return query->caches->l1 / 2 / (least_cut(query, 1, query->knobs[COLUMNS]).copy.row * (int64_t)sizeof(float));
}

const struct fcnn_knob fcnn_grouped_gather_knobs[FCNN_GROUPED_GATHER_KNOBS] = {
    [PLANAR] = {"planar", 2, {0, 1}, standard_planar},
    [MARCH] = {"march", 2, {0, 1}, standard_march},
    [IN_PLACE] = {"in_place", 2, {0, 1}, standard_in_place},
    [BESIDE] = {"vectors", 6, {1, 2, 4, 8, 16, 32}, standard_beside},
    [COLUMNS] = {"columns", 8, {7, 10, 14, 20, 28, 42, 56, 112}, standard_columns},
    [TURNS] = {"turns", 2, {0, 1}, standard_turns},
    [ROWS] = {"rows", 6, {1, 2, 4, 8, 16, 64}, standard_rows},
    [HELD] = {"held_rows", 6, {1, 2, 4, 8, 16, 32}, standard_held},
};
