/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The inner loops of depthwise backward weights (weights_body.h) and what calls them (weights.c). Lanes are output
 * channels, accumulators are elements of a filter: a few rows and columns of it are summed side by side. */
#ifndef FCNN_DEPTHWISE_WEIGHTS_H
#define FCNN_DEPTHWISE_WEIGHTS_H

#include "kernels/depthwise/depthwise.h"

/* Copies rows of output gradients into slots: for each block of channels `slots` rows of `columns` pixels, 0 where dst
 * is 0 and behind the last channel. Continues their sum. */
struct fcnn_depthwise_lay {
    const float *d_dst, *dst;           /* of the first row; dst: without ReLU d_dst itself */
    float *out, *bias;                  /* bias: whole vectors */
    int64_t rows, dst_row, slot, slots; /* the first row's slot; then the next ones, and around */
    int64_t columns, dst_column, channels;
};

/* Copies pixels of the source, each channel `multiplier` times, to pixels of `out_column` floats, whole vectors. */
struct fcnn_depthwise_multiply {
    const float *src; /* channel 0 of the first pixel */
    float *out;
    int64_t pixels, src_column, out_column;
    int64_t multiplier, first, channels; /* of the copies: the first one, how many */
    int64_t c;                           /* channels of the source */
};

#define FCNN_DEPTHWISE_ROWS 5    /* most filter rows summed side by side */
#define FCNN_DEPTHWISE_COLUMNS 5 /* and neighbouring columns */

/* Continues the sums of taps_h x taps_w filter elements over some rows of the source. Under filter row i the first of
 * these meets the gradients in slot[i], the second those in the next slot, and so around. Output column q lies on
 * columns stride * q - left + 0, 1, ... * dilation of the source; those outside 0 .. w-1 are padding. */
struct fcnn_depthwise_meet {
    const float *src;
    float *gradients;
    int64_t rows, src_row, w, src_column;
    int64_t slot[FCNN_DEPTHWISE_ROWS], slots, columns;
    float *sums[FCNN_DEPTHWISE_ROWS]; /* of the first element, whole vectors; the next element is `sum` floats away */
    int64_t taps_h, taps_w, sum;
    int64_t stride, dilation, left, channels;
    int64_t ahead; /* pixels from what is read to what is prefetched */
    /* Unless NULL: the gradients under filter row 0 are not in their slots yet. They are taken from here, masked by dst
     * (without ReLU d_dst itself), added to the bias, and left in their slots. */
    const float *d_dst, *dst;
    int64_t dst_row, dst_column;
    float *bias;
};

struct fcnn_depthwise_weights {
    void (*lay)(const struct fcnn_depthwise_lay *lay);
    void (*multiply)(const struct fcnn_depthwise_multiply *multiply);
    void (*meet)(const struct fcnn_depthwise_meet *meet);
    void (*add_sums)(int64_t rows, int64_t width, const float *a, int64_t a_step, const float *b, int64_t b_step,
                     float *to, int64_t to_step); /* simd/sums.h */
    int64_t most_rows[FCNN_DEPTHWISE_COLUMNS + 1]; /* of a filter that meet() takes, by the number of columns */
};

/* The context of these is a struct fcnn_depthwise_weights. */
extern const struct fcnn_knob fcnn_depthwise_weights_knobs[3];
fcnn_phrase_fn fcnn_depthwise_weights_unsupported;
fcnn_demand_fn fcnn_depthwise_weights_demand;
fcnn_run_fn fcnn_depthwise_weights_run;

/* Value of a struct fcnn_variant. */
#define FCNN_DEPTHWISE_WEIGHTS(loops)                                                                                  \
    {.unsupported = fcnn_depthwise_weights_unsupported, .doubt = fcnn_depthwise_doubt,                                 \
     .demand = fcnn_depthwise_weights_demand, .run = fcnn_depthwise_weights_run, .context = &(loops),                  \
     FCNN_KNOBS(fcnn_depthwise_weights_knobs), .revision = 2}

#endif
