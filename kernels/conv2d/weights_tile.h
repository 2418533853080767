/* SPDX-License-Identifier: BSD-2-Clause
 * The tiles of direct backward weights: what a tile sums, from where, and how it is run. direct_weights.c says in which
 * order. */
#ifndef FCNN_WEIGHTS_TILE_H
#define FCNN_WEIGHTS_TILE_H

#include "kernels/conv2d/strips.h"
#include "kernels/conv2d/weights_sum.h"

/* One tile of a call: filter elements from .. from + rows - 1 (flat r, s, c) of a group; from == -1: the bias alone. */
struct fcnn_weights_place {
    int64_t from, rows, span;
    int64_t panel, group, channel, width, vectors; /* panel: of the group */
    int straight;                                  /* all of the last vector may be read */
};

/* Units first .. last-1 of a block of images: the part of its chains that all tiles of a call do before others. */
struct fcnn_weights_chunk {
    int64_t images, first, last;           /* images: of the block */
    int64_t image_origin, gradient_origin; /* where copies begin */
    int64_t listed, count;                 /* whose chains the segments are of, and their number */
};
enum { FCNN_LISTED_NONE = -3, FCNN_LISTED_BIAS = -2, FCNN_LISTED_ALL = -1 }; /* else: a tap */

/* What a call works with. */
struct fcnn_weights_call {
    const struct fcnn_tiles *tiles;
    const fcnn_problem *problem;
    const fcnn_tensors *tensors;
    struct fcnn_cut cut;
    struct fcnn_cut_tables tables;
    const float *src, *d_dst, *alive; /* of a block of images; alive: see tile.h */
    struct fcnn_strips strips;        /* which are src and d_dst where they are copied */
    struct fcnn_segment *segments;
    struct fcnn_weights_sum sum;
    float *carried; /* sums between chunks; NULL: they wait in their slot */
    /* Of a piece: its slots, a row for each task (NULL: there are no pieces); its first task, of its panel. */
    float *slots;
    int64_t slot_floats, piece_first;
};

/* What is to be done with each tile of a call: add a chunk to the sums of slot `slot`, or (chunk == NULL) those of the
 * slot above it. What is the same for all tiles is in `tile`. */
struct fcnn_weights_pass {
    struct fcnn_weights_chunk *chunk; /* or a stretch of it */
    int64_t slot;
    int64_t adds; /* that are still to come after this one: the last one's sums are the output */
    struct fcnn_lines next[2]; /* what is copied or read after this: each tile asks for a line of its pixels */
    int64_t line, steps;       /* lines asked for in this stretch; steps of the chunk before it */
    struct fcnn_tile tile;
};

struct fcnn_weights_place fcnn_weights_place_of(const struct fcnn_cut *cut, int64_t group, int64_t panel);

#define FCNN_WEIGHTS_OUTPUT (-1)
/* Where a slot, or the output, has the sums of a place, which may be the bias's. */
struct fcnn_weights_rows {
    float *at;
    int64_t step; /* floats from row to row */
};
struct fcnn_weights_rows fcnn_weights_rows_of(const struct fcnn_weights_call *call,
                                              const struct fcnn_weights_place *place, int64_t slot);

/* Does the bias's sum come with this tile? */
static inline int fcnn_weights_brings_bias(const struct fcnn_weights_call *call, const struct fcnn_weights_place *place)
{
    return place->from < 0 || (call->cut.summed && !call->problem->no_bias && place->from == 0);
}

/* A place, and as many rows below it as make so many tiles. */
void fcnn_weights_tiles(const struct fcnn_weights_call *call, const struct fcnn_weights_place *place, int64_t tiles,
                        struct fcnn_weights_pass *pass);

#endif
