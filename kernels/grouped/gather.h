/* SPDX-License-Identifier: BSD-2-Clause
 * Grouped forward and backward data: what its two ways have in common. Output by output (gather.c) rows of the input
 * are spread in a ring; in a march (march.c) outputs wait for the next row of the input. */
#ifndef FCNN_GROUPED_GATHER_H
#define FCNN_GROUPED_GATHER_H

#include "kernels/grouped/grouped.h"
#include "kernels/simd/common.h"

struct fcnn_grouped_cut {
    struct fcnn_grouped_copy copy;
    struct fcnn_gather gather; /* of copy.halo.conv */
    struct fcnn_grouped_lanes lanes;
    int64_t slots, ring;         /* rows of a ring, its floats; in a march rows that are spread at once */
    int64_t beside, sets;        /* vectors of a task; how many such sets there are */
    int64_t strips, bands, rows; /* rows: of a band */
    int64_t tiles;               /* of a strip, in a march */
    int64_t age;                 /* 0: no march; else of the oldest outputs */
    int planar, in_place;        /* in_place: a march without copies */
    int turns;                   /* the sets of a band follow each other, not the bands of a set */
    int64_t pitch;               /* planar: floats from plane to plane of sums */
    int64_t phases_h, phases_w;  /* backward data: of the stride */
};

/* Tables: the classes of rows, then (from dst_h on) of columns. */
struct fcnn_grouped_classes {
    int64_t rows, columns;
    int32_t index[FCNN_GROUPED_LANES], sums[FCNN_GROUPED_LANES]; /* of fills or permutations; of interleaved outputs */
    struct fcnn_axis_class list[];
};

struct fcnn_grouped_cut fcnn_grouped_gather_cut(const struct fcnn_query *query); /* gather_cut.c */

/* Floats that are fetched, in the order of memory. */
struct fcnn_grouped_fetch {
    const float *from, *end;
};

/* Floats of a vector's packed weights: initial values, then for each tap and spread channel a vector. */
static inline int64_t fcnn_grouped_packed(const struct fcnn_grouped_cut *cut)
{
    return (1 + cut->gather.taps_h * cut->gather.taps_w * cut->lanes.depth) * cut->lanes.lanes;
}

/* Planar: those of a group. */
static inline int64_t fcnn_grouped_packed_group(const struct fcnn_grouped_cut *cut)
{
    return (1 + cut->gather.taps_h * cut->gather.taps_w * cut->lanes.depth) * cut->lanes.width;
}

/* The outputs of a class in the strip. Short rows are done in a few hundred cycles: no division where there is none. */
static inline struct fcnn_span fcnn_grouped_part(const struct fcnn_axis_class *h, int64_t from, int64_t to)
{
    if (h->step == 1) return (struct fcnn_span){fcnn_max(0, from - h->first), fcnn_min(h->count, to - h->first)};
    return (struct fcnn_span){fcnn_ceil_div(fcnn_max(0, from - h->first), h->step),
                               fcnn_min(h->count, fcnn_ceil_div(fcnn_max(0, to - h->first), h->step))};
}

/* Where in a row each class of columns has the first pixel of each tap; outputs from .. to-1, columns of the halo from
 * `met` on. */
void fcnn_grouped_list_offsets(const struct fcnn_grouped_cut *cut, const struct fcnn_grouped_classes *classes,
                               int64_t from, int64_t to, int64_t met, int64_t *offsets);

/* A row of the image for a vector, but for what `out` and fcnn_grouped_copy_row() say. Member by member: a struct that
 * is copied would be read in larger pieces than it was just written in. */
void fcnn_grouped_begin_fill(const struct fcnn_grouped_cut *cut, const struct fcnn_grouped_classes *classes,
                             const fcnn_tensors *tensors, const struct fcnn_grouped_vector *at, int64_t n, int64_t row,
                             struct fcnn_grouped_fill *fill);

/* march.c. The age of a problem's outputs in a march, or 0. */
int64_t fcnn_grouped_age(const fcnn_problem *problem);
size_t fcnn_grouped_march_scratch(const struct fcnn_grouped_cut *cut);
/* Vectors first .. last-1, output rows from .. to-1 of image n. Marches in place
 * fetch two lists meanwhile. */
void fcnn_grouped_march_band(const struct fcnn_grouped_cut *cut, const fcnn_tensors *tensors,
                             const struct fcnn_memory *memory, int64_t n, int64_t first, int64_t last,
                             const struct fcnn_span *rows, struct fcnn_grouped_fetch fetch[2]);

#endif
