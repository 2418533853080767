/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Convolution kernels: what direct and im2col share. Everything here is written once against the tiles of an
 * instruction set; the stubs (direct_<isa>.c, im2col_<isa>.c) name the tiles. Dense layers are 1x1 convolutions of
 * images of one pixel. */
#ifndef FCNN_CONV2D_H
#define FCNN_CONV2D_H

#include "kernels/conv2d/geometry.h"
#include "kernels/tile/tile.h"

/* The context of all these is a struct fcnn_tiles.
 * direct_gather.c: forward and backward data. direct_weights.c: backward weights. */
fcnn_demand_fn fcnn_direct_gather_demand, fcnn_direct_weights_demand;
fcnn_run_fn fcnn_direct_gather_run, fcnn_direct_weights_run;
/* im2col_gather.c, im2col_weights.c: the same by matrices. */
fcnn_demand_fn fcnn_im2col_gather_demand, fcnn_im2col_weights_demand;
fcnn_run_fn fcnn_im2col_gather_run, fcnn_im2col_weights_run;

fcnn_phrase_fn fcnn_conv2d_unsupported, fcnn_im2col_weights_unsupported;

/* weights_cut.h: what is free in direct backward weights. */
enum fcnn_cut_knob {
    FCNN_CUT_SUMMED, FCNN_CUT_PACKED, FCNN_CUT_PANEL, FCNN_CUT_CHUNK, FCNN_CUT_STRETCH, FCNN_CUT_GROUP, FCNN_CUT_AHEAD,
    FCNN_CUT_KNOBS
};
enum { FCNN_PACKED_IMAGE = 1, FCNN_PACKED_BOTH }; /* values of FCNN_CUT_PACKED */
extern const struct fcnn_knob fcnn_cut_knobs[FCNN_CUT_KNOBS];
#define FCNN_DIRECT_GATHER_KNOBS 7
#define FCNN_IM2COL_GATHER_KNOBS 2
extern const struct fcnn_knob fcnn_direct_gather_knobs[FCNN_DIRECT_GATHER_KNOBS];
extern const struct fcnn_knob fcnn_im2col_gather_knobs[FCNN_IM2COL_GATHER_KNOBS];

/* Values of a struct fcnn_variant. */
#define FCNN_DIRECT_GATHER(tiles)                                                                                      \
    {.unsupported = fcnn_conv2d_unsupported, .demand = fcnn_direct_gather_demand, .run = fcnn_direct_gather_run,       \
     .context = &(tiles), FCNN_KNOBS(fcnn_direct_gather_knobs), .revision = 2}
#define FCNN_DIRECT_WEIGHTS(tiles)                                                                                     \
    {.unsupported = fcnn_conv2d_unsupported, .demand = fcnn_direct_weights_demand, .run = fcnn_direct_weights_run,     \
     .context = &(tiles), FCNN_KNOBS(fcnn_cut_knobs), .revision = 6}
#define FCNN_IM2COL_GATHER(tiles)                                                                                      \
    {.unsupported = fcnn_conv2d_unsupported, .demand = fcnn_im2col_gather_demand, .run = fcnn_im2col_gather_run,       \
     .context = &(tiles), FCNN_KNOBS(fcnn_im2col_gather_knobs), .revision = 1}
#define FCNN_IM2COL_WEIGHTS(tiles)                                                                                     \
    {.unsupported = fcnn_im2col_weights_unsupported, .demand = fcnn_im2col_weights_demand,                             \
     .run = fcnn_im2col_weights_run, .context = &(tiles), .revision = 1}

/* ---- pack.c: weights as the tiles read them ---- */

/* Packed weights: for each group and panel first a row of biases (forward; else 0), then depth * taps rows of weights
 * in the order of the sum; rows are whole vectors, missing columns 0. Panels start `stride` floats apart. */
struct fcnn_packing {
    struct fcnn_panels panels; /* of one group */
    int64_t rows, stride;      /* rows without the biases */
    size_t bytes;
    int64_t count;         /* groups * panels */
    int64_t pieces, tasks; /* of a panel, of all: what is packed at a time */
};
/* The knob `vectors`: in a panel, at most. It changes the layout of what is packed. */
#define FCNN_VECTORS_KNOB(standard) {"vectors", 4, {1, 2, 3, 4}, standard}
int64_t fcnn_panel_vectors(const struct fcnn_query *query);
struct fcnn_packing fcnn_packing_of(const struct fcnn_tiles *tiles, const fcnn_problem *problem, int64_t vectors);
void fcnn_pack_weights(const struct fcnn_tiles *tiles, const fcnn_problem *problem, int64_t vectors,
                       const fcnn_tensors *tensors, float *packed, int64_t first, int64_t last);

/* ---- spread.c: inputs as the tiles read them, for the stage FCNN_GATHER ---- */

enum fcnn_spread {
    FCNN_SPREAD_NOTHING, /* tiles read the tensor itself */
    FCNN_SPREAD_HALO,    /* src with its padding around it, (n, h', w', c) */
    FCNN_SPREAD_FULL,    /* d_dst before ReLU or pooling, (n, p, q, k) of fcnn_conv_of() */
    FCNN_SPREAD_WINDOWS, /* d_dst before pooling in window-major order, (n, p/2, q/2, 4, k) */
};
size_t fcnn_spread_bytes(const fcnn_problem *problem, enum fcnn_spread what);
/* Images first .. last-1. */
void fcnn_spread(const struct fcnn_tiles *tiles, const fcnn_problem *problem, const fcnn_tensors *tensors,
                 enum fcnn_spread what, float *out, int64_t first, int64_t last);
/* The same by rows, counted over all images: one task each. Of HALO padded rows, of the others rows of d_dst. */
int64_t fcnn_spread_rows_of(const fcnn_problem *problem, enum fcnn_spread what);
void fcnn_spread_rows(const struct fcnn_tiles *tiles, const fcnn_problem *problem, const fcnn_tensors *tensors,
                      enum fcnn_spread what, float *out, int64_t first, int64_t last);
/* Not HALO: such rows, the first of them to the beginning of `out`. */
void fcnn_spread_gradient(const struct fcnn_tiles *tiles, const fcnn_problem *problem, const fcnn_tensors *tensors,
                          enum fcnn_spread what, float *out, int64_t first, int64_t last);
/* Forward and backward data: rows of an image in a halo, channels of one group of the input before ReLU. `gather`: of
 * the halo, with the distances of `out`, where pixels are whole vectors. */
void fcnn_spread_group(const struct fcnn_tiles *tiles, const fcnn_problem *problem, const fcnn_tensors *tensors,
                       const struct fcnn_halo *halo, const struct fcnn_gather *gather, int64_t image, int64_t group,
                       const struct fcnn_span *rows, float *out);
/* FCNN_SPREAD_HALO alone: rows first .. last-1, counted over all images, to their place in `out`. */
void fcnn_halo_rows(const fcnn_problem *problem, const float *src, float *out, int64_t first, int64_t last);

#endif
