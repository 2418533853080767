/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Depthwise convolution: every channel is a group of its own, so vectors run over channels. Inputs are copied, a block
 * of channels and a band of rows at a time, into scratch that stays near: with their padding around them, in
 * whole vectors, pixel by pixel (in place, 1024 channels put all pixels into one cache set); what is read only once
 * stays in place. The inner loops of an instruction set (body.h) are called by what is written once: gather.c (forward
 * and backward data). Backward weights: weights.h. */
#ifndef FCNN_DEPTHWISE_H
#define FCNN_DEPTHWISE_H

#include "kernels/conv2d/conv2d.h"

#define FCNN_DEPTHWISE_WIDTH 16 /* channels of a block: floats of a pixel in scratch and of a row of packed weights */

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

/* How the blocks of a copy are made from a source with a channel multiplier: forward each channel `multiplier` times,
 * one block a pixel; backward every multiplier-th gradient from the first, from the second, ..., `depth` blocks. */
struct fcnn_depthwise_spread {
    int64_t multiplier, depth, channel; /* channel: the first one in scratch; the source is that of channel 0 */
    /* Forward: of each channel, its input's in a vector that begins with that of the first channel of its vector;
     * backward: for each block a vector of lanes, and one of the vectors they are in. */
    const int32_t *lanes;
};

/* Of source and output together, without a channel multiplier. */
static inline int64_t fcnn_depthwise_bytes(const fcnn_problem *p)
{
    return p->n * p->c * (p->h * p->w + p->p * p->q) * (int64_t)sizeof(float);
}

/* The inner loops of one instruction set. */
struct fcnn_depthwise {
    void (*run)(const struct fcnn_depthwise_run *run);
    /* Rows first .. last-1 of a source with its halo into scratch: `channels` channels in blocks that start `block`
     * floats apart; +0 behind the last channel, and where dst is 0, if there is a dst. */
    void (*fill)(const struct fcnn_halo *halo, const float *src, const float *dst, int64_t first, int64_t last,
                 int64_t channels, float *out, int64_t block);
    /* The same with a channel multiplier. */
    void (*fill_spread)(const struct fcnn_halo *halo, const struct fcnn_depthwise_spread *spread,
                        const float *src, const float *dst, int64_t first, int64_t last, int64_t channels, float *out,
                        int64_t block);
    int lanes, strip, rows; /* floats of a vector; most outputs of a row, and rows, that `run` computes at once */
};

/* The context of all these but the phrases is a struct fcnn_depthwise. */
fcnn_phrase_fn fcnn_depthwise_unsupported, fcnn_depthwise_gather_unsupported, fcnn_depthwise_doubt;
fcnn_demand_fn fcnn_depthwise_gather_demand;
fcnn_run_fn fcnn_depthwise_gather_run;
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
     FCNN_KNOBS(fcnn_depthwise_gather_knobs), .revision = 4}

#endif
