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
    const struct fcnn_grouped_lanes lanes = fcnn_grouped_lanes_of(p, loops->lanes, 0);
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

/* Loads begin at the spread channel i of the first group and must reach that of the last one. */
struct fcnn_grouped_lanes fcnn_grouped_lanes_of(const fcnn_problem *p, int64_t lanes, int permuted)
{
    const int64_t c = p->c / p->groups, k = p->k / p->groups;
    struct fcnn_grouped_lanes of = {.lanes = lanes, .groups = p->groups, .width = c, .depth = k, .together = 1};
    if (p->direction == FCNN_FORWARD) of.width = k, of.depth = c;
    of.parts = fcnn_ceil_div(of.width, lanes);
    if (of.parts == 1) of.together = fcnn_min(fcnn_min(lanes / of.width, (lanes - 1) / of.depth + 1), of.groups);
    of.vectors = fcnn_ceil_div(of.groups, of.together) * of.parts;
    of.way = of.together == 1 ? FCNN_BROADCAST
             : permuted && of.together * of.depth <= lanes ? FCNN_PERMUTED : FCNN_SPREAD;
    of.planes = of.way == FCNN_SPREAD ? of.depth : fcnn_ceil_div(of.depth, lanes);
    return of;
}

int fcnn_grouped_permutes(const fcnn_problem *p, int64_t lanes)
{
    return fcnn_grouped_lanes_of(p, lanes, 1).way == FCNN_PERMUTED;
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

void fcnn_grouped_list_index(const struct fcnn_grouped_lanes *lanes, int32_t index[FCNN_GROUPED_LANES])
{
    for (int64_t lane = 0; lane < lanes->lanes; lane++) {
        const int64_t group = lanes->parts > 1 ? 0 : lane / lanes->width;
        index[lane] = (int32_t)(group < lanes->together ? group * lanes->depth : 0);
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

void fcnn_grouped_copy_row(const struct fcnn_grouped_copy *copy, struct fcnn_grouped_fill *fill, int64_t from,
                           int64_t columns, int fresh)
{
    const int64_t lane = copy->lane, phases = copy->phases, pixel = copy->halo.pixel;
    const float *src = fill->src, *dst = fill->dst;
    float *out = fill->out;
    fill->step = phases * pixel, fill->depth = copy->planes, fill->plane = copy->plane;
    if (fresh && copy->planar) memset(out, 0, (size_t)copy->row * sizeof(float));
    for (int64_t phase = 0; phase < phases && phase < columns; phase++, out += copy->phase) {
        if (phases > 1 && !is_met(copy, phase)) continue;
        const int64_t first = from + phase - copy->halo.left; /* column of the image */
        const int64_t count = ceil_phases(columns - phase, phases);
        const int64_t left = fcnn_min(count, ceil_phases(fcnn_max(0, -first), phases));
        const int64_t real = fcnn_min(count, ceil_phases(fcnn_max(0, copy->halo.w - first), phases));
        for (int64_t i = 0; fresh && !copy->planar && i < copy->planes; i++) {
            float *row = out + i * copy->plane;
            memset(row, 0, (size_t)(left * lane) * sizeof(float));
            if (real < count) memset(row + real * lane, 0, (size_t)((count - real) * lane) * sizeof(float));
        }
        if (left >= real) continue;
        fill->src = src + (first + left * phases) * pixel;
        fill->dst = dst ? dst + (first + left * phases) * pixel : NULL;
        fill->out = out + left * lane + fcnn_grouped_shift(copy, phase);
        fill->columns = real - left;
        copy->planar ? copy->loops->planar_fill(fill) : copy->loops->fill(fill);
    }
}
