/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Depthwise convolution: every channel is a group of its own, so vectors run over channels. Inputs are copied, a block
 * of channels and a band of rows at a time, into scratch that fits the L1 cache: with their padding around them, in
 * whole vectors, pixel by pixel (in place, 1024 channels put all pixels into one cache set); what is read only once
 * stays in place. The inner loops of an instruction set (body.h, weights_body.h) are called by what is written once:
 * gather.c (forward and backward data), weights.c. */
#ifndef FCNN_DEPTHWISE_H
#define FCNN_DEPTHWISE_H

#include "kernels/conv2d/conv2d.h"

#define FCNN_DEPTHWISE_WIDTH 16 /* channels of a block: floats of a pixel in scratch and of a row of packed weights */
#define FCNN_DEPTHWISE_BYTES (40 << 10) /* of scratch that bands aim at */

/* Output pixels of some rows: dst[y][x][c] = init[c] + sum over i < taps_h, j < taps_w, d < depth of
 * src[i,j][y][x][d][c] weights[i,j][d][c]. Steps are in floats; src and dst have `channels` channels, weights whole
 * blocks of them. */
struct fcnn_depthwise_run {
    const float *src, *weights, *init;
    float *dst;
    int64_t rows, src_row, dst_row;          /* from output row to output row */
    int64_t columns, src_column, dst_column; /* likewise */
    int64_t taps_h, tap_src_row, tap_row;    /* from tap to tap: of src, of weights */
    int64_t taps_w, tap_src_column, tap_column;
    int64_t depth; /* blocks beside each other in a pixel of src and in a tap: 1 without a channel multiplier */
    int64_t apart; /* tap rows between output rows if they share rows of src, else taps_h */
    int64_t channels, src_block, weights_block; /* from block to block: of src; of weights and init */
    int relu;
};

#define FCNN_DEPTHWISE_TAPS 9 /* most filter elements summed side by side, the bias beside them */

/* Continues sums over rows of output pixels: of gradients of `taps` filter elements, and of the bias. The gradient of
 * the output is read in place, once; it counts as 0 where dst is 0. */
struct fcnn_depthwise_sum {
    const float *src, *d_dst, *dst;            /* dst: without ReLU d_dst itself */
    int64_t rows, src_row, dst_row;            /* from output row to output row */
    int64_t columns, src_column, dst_column;   /* likewise */
    int64_t taps, offset[FCNN_DEPTHWISE_TAPS]; /* of src */
    float *out[FCNN_DEPTHWISE_TAPS], *bias;    /* bias NULL: not wanted */
    int64_t channels;                          /* of one block */
    int carry;                                 /* else the sums start from +0 */
};

/* Copies rows of output gradients into slots: for each block of channels `slots` rows of `columns` pixels, 0 where dst
 * is 0 and behind the last channel. Continues their sum. */
struct fcnn_depthwise_lay {
    const float *d_dst, *dst;           /* of the first row; dst: without ReLU d_dst itself */
    float *out, *bias;                  /* bias: whole vectors */
    int64_t rows, dst_row, slot, slots; /* the first row's slot; then the next ones, and around */
    int64_t columns, dst_column, channels;
};

#define FCNN_DEPTHWISE_ROWS 3 /* most filter rows summed side by side */

/* Continues the sums of three neighbouring filter elements in each of `taps` filter rows over some rows of the source.
 * Under filter row i the first of these meets the gradients in slot[i], the second those in the next slot, and so
 * around. Output column q lies on columns stride * q - left + 0, 1, 2 of the source; those outside 0 .. w-1 are
 * padding. */
struct fcnn_depthwise_meet {
    const float *src, *gradients;
    int64_t rows, src_row, w, src_column;
    int64_t slot[FCNN_DEPTHWISE_ROWS], slots, columns;
    float *sums[FCNN_DEPTHWISE_ROWS]; /* of the first element, whole vectors; the next element is `sum` floats away */
    int64_t taps, sum;
    int64_t stride, left, channels; /* stride: 1 or 2 */
};

/* The source of a convolution, or of a gather, with a halo of zeros: pixel (y,x) of the map is pixel (y-top,x-left). */
struct fcnn_depthwise_map {
    int64_t h, w, pixel;              /* of the image; floats from pixel to pixel */
    int64_t top, left, rows, columns; /* of the map */
};

/* How the blocks of a map are made from a source with a channel multiplier: forward each channel `multiplier` times,
 * one block a pixel; backward every multiplier-th gradient from the first, from the second, ..., `depth` blocks. */
struct fcnn_depthwise_spread {
    int64_t multiplier, depth, channel; /* channel: the first one in scratch; the source is that of channel 0 */
    const int32_t *lanes; /* forward: of each channel, its input's in a vector that begins with that of the first channel
                             of its vector; backward: for each block a vector of lanes, and one of the vectors they are
                             in */
};

/* The inner loops of one instruction set. */
struct fcnn_depthwise {
    void (*run)(const struct fcnn_depthwise_run *run);
    void (*sum)(const struct fcnn_depthwise_sum *sum);
    void (*lay)(const struct fcnn_depthwise_lay *lay);
    void (*meet)(const struct fcnn_depthwise_meet *meet);
    /* Rows first .. last-1 of a map of `src` into scratch: `channels` channels in blocks that start `block` floats
     * apart; +0 behind the last channel, and where dst is 0, if there is a dst. */
    void (*fill)(const struct fcnn_depthwise_map *map, const float *src, const float *dst, int64_t first, int64_t last,
                 int64_t channels, float *out, int64_t block);
    /* The same with a channel multiplier. */
    void (*fill_spread)(const struct fcnn_depthwise_map *map, const struct fcnn_depthwise_spread *spread,
                        const float *src, const float *dst, int64_t first, int64_t last, int64_t channels, float *out,
                        int64_t block);
    int lanes, strip; /* floats of a vector; most outputs of a row that `run` computes at once */
};

/* The context of all these but the phrases is a struct fcnn_depthwise. */
fcnn_phrase_fn fcnn_depthwise_unsupported, fcnn_depthwise_gather_unsupported, fcnn_depthwise_doubt;
fcnn_demand_fn fcnn_depthwise_gather_demand, fcnn_depthwise_weights_demand;
fcnn_run_fn fcnn_depthwise_gather_run, fcnn_depthwise_weights_run;
#define FCNN_DEPTHWISE_GATHER_KNOBS 3
extern const struct fcnn_knob fcnn_depthwise_gather_knobs[FCNN_DEPTHWISE_GATHER_KNOBS];

/* Packed weights: for each block of channels a row of biases (backward: 0) and a row of weights for each tap. */
int64_t fcnn_depthwise_packed_block(const fcnn_problem *problem); /* in floats */
void fcnn_depthwise_pack(const fcnn_problem *problem, const fcnn_tensors *tensors, float *packed, int64_t first,
                         int64_t last);

/* Values of a struct fcnn_variant. */
#define FCNN_DEPTHWISE_GATHER(loops)                                                                                   \
    {.unsupported = fcnn_depthwise_gather_unsupported, .doubt = fcnn_depthwise_doubt,                                  \
     .demand = fcnn_depthwise_gather_demand, .run = fcnn_depthwise_gather_run, .context = &(loops),                    \
     FCNN_KNOBS(fcnn_depthwise_gather_knobs)}
#define FCNN_DEPTHWISE_WEIGHTS(loops)                                                                                  \
    {.unsupported = fcnn_depthwise_unsupported, .doubt = fcnn_depthwise_doubt,                                         \
     .demand = fcnn_depthwise_weights_demand, .run = fcnn_depthwise_weights_run, .context = &(loops)}

#endif
