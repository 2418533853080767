/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Depthwise convolution with the usual windows, 3x3, 5x5 and (of stride 1) 7x7, of stride 1 dilated, too, that
 * reads its source in place: forward and backward data (not of ReLU). Everything else, and narrow maps, are served by
 * depthwise.h. inplace.c turns a problem into patches; inplace_body.h computes them. */
#ifndef FCNN_DEPTHWISE_INPLACE_H
#define FCNN_DEPTHWISE_INPLACE_H

#include "kernels/depthwise/depthwise.h"

#define FCNN_DEPTHWISE_EDGE(taps) ((taps) > 5 ? 3 : (taps) > 3 ? 2 : 1) /* columns of padding on either side, at most */

/* Rows from .. to-1 of dst[y][x][c] = init[c] + sum over i, j of
 * src[y * stride + i - top][x * stride + j - left][c] weights[i,j][c]. What lies outside the source counts as 0 or is
 * skipped. Steps may be negative; src and dst are row and column 0. */
struct fcnn_depthwise_patch {
    const float *src, *weights, *init; /* the last two in whole blocks of channels, weights_block apart */
    float *dst;
    int64_t src_rows, src_row, src_columns, src_column;
    int64_t from, to, dst_row, columns, dst_column;
    int64_t top, left;
    int64_t taps_h, tap_row, taps_w, tap_column, stride; /* taps: 3 and 3, 5 and 5; with stride 1 also 7 and 7, and
                                                          * 1 or 2, 2 or 3 each */
    int64_t channels, weights_block;
    int relu;
    int fetch;  /* a tile's outputs are fetched before they are computed */
    int beside; /* vectors of channels beside each other, at most; 1, 2 or more */
    int masked; /* one vector after the other; all inputs are loaded under a mask */
};

/* The inner loop of one instruction set. */
struct fcnn_depthwise_inplace {
    int lanes, strip; /* floats of a vector; the fewest columns that `run` serves */
    int beside;       /* vectors of channels that `run` takes beside each other, at most */
    int can_mask;     /* whether masked loads are an alternative to others */
    void (*run)(const struct fcnn_depthwise_patch *patch);
};

/* The context of these is a struct fcnn_depthwise_inplace. */
fcnn_phrase_fn fcnn_depthwise_inplace_unsupported, fcnn_depthwise_inplace_doubt;
fcnn_demand_fn fcnn_depthwise_inplace_demand;
fcnn_run_fn fcnn_depthwise_inplace_run;
#define FCNN_DEPTHWISE_INPLACE_KNOBS 5
extern const struct fcnn_knob fcnn_depthwise_inplace_knobs[FCNN_DEPTHWISE_INPLACE_KNOBS];

/* The value of a struct fcnn_variant. */
#define FCNN_DEPTHWISE_INPLACE(loops)                                                                                  \
    {.unsupported = fcnn_depthwise_inplace_unsupported, .doubt = fcnn_depthwise_inplace_doubt,                         \
     .demand = fcnn_depthwise_inplace_demand, .run = fcnn_depthwise_inplace_run, .context = &(loops),                  \
     FCNN_KNOBS(fcnn_depthwise_inplace_knobs), .revision = 5}

#endif
