/* SPDX-License-Identifier: BSD-2-Clause
 * What the directions of grouped convolution share: see grouped.h. */
#include <string.h>

#include "kernels/grouped/grouped.h"
#include "kernels/simd/common.h"

#define FEW_COLUMNS 12 /* of a row of gradients, too few to hide what going to the next one costs */
#define LINE 16        /* floats of a cache line */
#define FEW_TAPS 3     /* too few sums side by side in a tile */

/* Against `direct`, whose lanes are outputs of one group. */
const char *fcnn_grouped_doubt(const struct fcnn_query *query)
{
    const struct fcnn_grouped *loops = query->context;
    const fcnn_problem *p = query->problem;
    const struct fcnn_grouped_lanes lanes = fcnn_grouped_lanes_of(p, loops->lanes, FCNN_SPREAD_ROWS);
    if (loops->lanes == 1) return "vectors of one lane";
    if (p->groups == 1) return "a single group";
    if (lanes.parts > 1) return "groups longer than a vector";
    return NULL;
}

/* Lanes of `direct` are outputs, of these rows inputs. So a single group of few outputs is taken too, if they leave at
 * least half of a vector in `direct`'s last panel empty: tiles are of several taps and outputs. */
const char *fcnn_grouped_weights_doubt(const struct fcnn_query *query)
{
    const struct fcnn_grouped *loops = query->context;
    const fcnn_problem *p = query->problem;
    if (p->groups > 1 || loops->lanes == 1) return fcnn_grouped_doubt(query);
    if (p->c < loops->lanes) return "fewer input channels than a vector has lanes";
    if (2 * p->k > 3 * loops->lanes) return "outputs that fill vectors";
    if (p->r * p->s <= FEW_TAPS) return "a filter of few taps";
    if (p->q < FEW_COLUMNS) return "rows of few columns";
    return NULL;
}

/* All channels of a vector's groups must fit a vector. Interleaved groups that fill it alone would be spread. */
static enum fcnn_grouped_way way_of(const struct fcnn_grouped_lanes *of, enum fcnn_grouped_rows rows)
{
    const int64_t groups = of->together;
    if (groups == 1) return FCNN_BROADCAST;
    if (groups * of->depth > of->lanes || rows == FCNN_SPREAD_ROWS) return FCNN_SPREAD;
    if (rows == FCNN_ROWS_IN_PLACE) return FCNN_PERMUTED;
    if (groups == of->lanes) return FCNN_SPREAD;
    return groups == FCNN_PAIRS ? FCNN_PAIRS : groups == FCNN_QUADS ? FCNN_QUADS : FCNN_SPREAD;
}

/* Loads begin at the spread channel i of the first group and must reach that of the last one. */
struct fcnn_grouped_lanes fcnn_grouped_lanes_of(const fcnn_problem *p, int64_t lanes, enum fcnn_grouped_rows rows)
{
    const int64_t c = p->c / p->groups, k = p->k / p->groups;
    struct fcnn_grouped_lanes of = {.lanes = lanes, .groups = p->groups, .width = c, .depth = k, .together = 1};
    if (p->direction == FCNN_FORWARD) of.width = k, of.depth = c;
    of.parts = fcnn_ceil_div(of.width, lanes);
    if (of.parts == 1) of.together = fcnn_min(fcnn_min(lanes / of.width, (lanes - 1) / of.depth + 1), of.groups);
    of.vectors = fcnn_ceil_div(of.groups, of.together) * of.parts;
    of.way = way_of(&of, rows);
    of.planes = of.way == FCNN_SPREAD ? of.depth : fcnn_ceil_div(of.depth, lanes);
    return of;
}

struct fcnn_grouped_lanes fcnn_grouped_planar_of(const fcnn_problem *p, int64_t lanes, int64_t vectors)
{
    const int64_t c = p->c / p->groups, k = p->k / p->groups, forward = p->direction == FCNN_FORWARD;
    struct fcnn_grouped_lanes of = {.groups = p->groups, .width = forward ? k : c, .depth = forward ? c : k,
                                    .parts = 1};
    of.together = fcnn_min(of.groups, fcnn_max(1, lanes / fcnn_max(c, k)) * vectors);
    of.lanes = of.together * of.width, of.planes = of.together * of.depth;
    of.vectors = fcnn_ceil_div(of.groups, of.together);
    return of;
}

struct fcnn_grouped_vector fcnn_grouped_vector_at(const struct fcnn_grouped_lanes *lanes, int64_t i)
{
    struct fcnn_grouped_vector v = {.group = i * lanes->together};
    if (lanes->parts > 1) v.group = i / lanes->parts, v.part = i % lanes->parts;
    v.groups = fcnn_min(lanes->together, lanes->groups - v.group);
    v.channel = v.group * lanes->width + v.part * lanes->lanes;
    v.lanes = fcnn_min(lanes->lanes, v.groups * lanes->width - v.part * lanes->lanes);
    v.spread = v.group * lanes->depth;
    return v;
}

int64_t fcnn_grouped_channel(const struct fcnn_grouped_lanes *lanes, int64_t channels, int64_t lane)
{
    if (lanes->parts > 1) return lane;
    if (lane >= lanes->together * channels) return -1;
    return fcnn_grouped_interleaves(lanes->way) ? lane % lanes->together * channels + lane / lanes->together : lane;
}

void fcnn_grouped_list_index(const struct fcnn_grouped_lanes *lanes, int64_t channels,
                             int32_t index[FCNN_GROUPED_LANES])
{
    for (int64_t lane = 0; lane < lanes->lanes; lane++) {
        const int64_t group = lanes->parts > 1 ? 0 : lane / lanes->width;
        index[lane] = (int32_t)(group < lanes->together ? group * lanes->depth : 0);
        if (fcnn_grouped_interleaves(lanes->way))
            index[lane] = (int32_t)fcnn_max(0, fcnn_grouped_channel(lanes, channels, lane));
    }
}

void fcnn_grouped_list_lanes(const struct fcnn_grouped_lanes *lanes, int64_t channels,
                             int32_t index[FCNN_GROUPED_LANES])
{
    memset(index, 0, FCNN_GROUPED_LANES * sizeof *index);
    for (int64_t lane = 0; lane < lanes->lanes; lane++) {
        const int64_t channel = fcnn_grouped_channel(lanes, channels, lane);
        if (channel >= 0) index[channel] = (int32_t)lane;
    }
}

/* Floats, up to whole cache lines. */
static int64_t line_up(int64_t floats) { return fcnn_ceil_div(floats, LINE) * LINE; }

int64_t fcnn_grouped_shift(const struct fcnn_grouped_copy *copy, int64_t phase)
{
    if (!copy->planar) return 0;
    const int64_t most = fcnn_ceil_div(copy->halo.left, copy->phases);
    return line_up(most) - fcnn_ceil_div(fcnn_max(0, copy->halo.left - phase), copy->phases);
}

struct fcnn_grouped_copy fcnn_grouped_copy_of(const struct fcnn_grouped *loops, const struct fcnn_halo *halo,
                                              int64_t columns, int64_t planes, int planar)
{
    const fcnn_problem *conv = &halo->conv;
    const int forward = conv->direction != FCNN_BACKWARD_DATA;
    struct fcnn_grouped_copy copy = {.loops = loops, .halo = *halo, .phases = forward ? conv->stride_w : 1,
                                     .reach = conv->s - 1, .apart = conv->dilation_w, .columns = columns,
                                     .planes = planes, .planar = planar, .lane = planar ? 1 : loops->lanes};
    copy.phase = fcnn_ceil_div(columns, copy.phases) * copy.lane;
    if (planar) copy.phase = line_up(copy.phase + (copy.phases > 1)); /* phases may begin a column apart */
    copy.plane = copy.phases * copy.phase;
    copy.row = planes * copy.plane;
    if (planar) copy.row += line_up(halo->left) + line_up(loops->lanes);
    return copy;
}

/* a / b, rounded up. Rows are short: no division where there is none. */
static int64_t ceil_phases(int64_t a, int64_t b) { return b == 1 ? a : fcnn_ceil_div(a, b); }

static int is_met(const struct fcnn_grouped_copy *copy, int64_t phase)
{
    for (int64_t tap = 0; tap <= copy->reach && tap < copy->phases; tap++)
        if (tap * copy->apart % copy->phases == phase) return 1;
    return 0;
}

/* What is padding in a row: zeros before the first and behind the last pixel of the image. */
void fcnn_grouped_pad_row(const struct fcnn_grouped_copy *copy, float *out, int64_t from, int64_t columns)
{
    const int64_t lane = copy->lane, phases = copy->phases;
    for (int64_t phase = 0; phase < phases && phase < columns; phase++, out += copy->phase) {
        const int64_t first = from + phase - copy->halo.left; /* column of the image */
        const int64_t count = ceil_phases(columns - phase, phases);
        const int64_t left = fcnn_min(count, ceil_phases(fcnn_max(0, -first), phases));
        const int64_t real = fcnn_min(count, ceil_phases(fcnn_max(0, copy->halo.w - first), phases));
        for (int64_t i = 0; i < copy->planes; i++) {
            float *row = out + i * copy->plane;
            memset(row, 0, (size_t)(left * lane) * sizeof(float));
            if (real < count) memset(row + real * lane, 0, (size_t)((count - real) * lane) * sizeof(float));
        }
    }
}

/* Where a column of the row lies. */
static float *column_at(const struct fcnn_grouped_copy *copy, float *out, int64_t column)
{
    if (copy->phases == 1) return out + column * copy->lane;
    return out + column % copy->phases * copy->phase + column / copy->phases * copy->lane;
}

void fcnn_grouped_copy_row(const struct fcnn_grouped_copy *copy, struct fcnn_grouped_fill *fill, int64_t from,
                           int64_t columns, int fresh)
{
    const int64_t left = copy->halo.left, pixel = copy->halo.pixel;
    const float *src = fill->src, *dst = fill->dst;
    float *out = fill->out;
    if (fresh && copy->planar) memset(out, 0, (size_t)copy->row * sizeof(float));
    else if (fresh) fcnn_grouped_pad_row(copy, out, from, columns);
    /* One phase after the other; or two at once, in the order of memory. */
    const int two = copy->phases == 2 && !copy->planar && is_met(copy, 1);
    const int64_t every = two ? 1 : copy->phases;
    fill->step = every * pixel, fill->depth = copy->planes, fill->plane = copy->plane;
    fill->jump = copy->lane * (two ? 1 : 2);
    for (int64_t phase = 0; phase < every && phase < columns; phase++) {
        if (every > 1 && !is_met(copy, phase)) continue;
        const int64_t outside = ceil_phases(fcnn_max(0, left - from - phase), every); /* columns before the image */
        const int64_t first = phase + outside * every, x = from + first - left;
        fill->columns = ceil_phases(fcnn_min(columns - first, copy->halo.w - x), every);
        if (fill->columns <= 0) continue;
        fill->src = src + x * pixel, fill->dst = dst ? dst + x * pixel : NULL;
        fill->out = column_at(copy, out, first) + fcnn_grouped_shift(copy, phase);
        fill->next = two ? column_at(copy, out, first + 1) : fill->out + copy->lane;
        copy->planar ? copy->loops->planar_fill(fill) : copy->loops->fill(fill);
    }
}
