/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Depthwise backward weights with windows of 3x3 and 2x2, whose sums all fit the registers: source and gradients are
 * read in place, gradients once. Other windows and channel multipliers are served by weights.h. weights_inplace.c cuts
 * a problem into bands of rows; weights_inplace_body.h sums them. */
#ifndef FCNN_DEPTHWISE_WEIGHTS_INPLACE_H
#define FCNN_DEPTHWISE_WEIGHTS_INPLACE_H

#include "kernels/depthwise/depthwise.h"

/* Continues, or begins, the sums of all filter elements over output rows from .. to-1 of an image. */
struct fcnn_depthwise_sweep {
    const fcnn_problem *problem;
    const float *src, *d_dst, *dst; /* of the image; dst: without ReLU d_dst itself */
    int64_t from, to, channels;
    float *sums, *bias; /* a filter element after the other, K floats apart; bias: NULL or K floats */
    int begins;
    int slides, masks; /* whether windows slide; whether they load under a mask what is not kept */
    int kept;          /* whether rows that are met again are kept, in */
    float *scratch;    /* FCNN_DEPTHWISE_KEPT vectors for each pixel of a row */
};
#define FCNN_DEPTHWISE_KEPT 4

/* The inner loop of one instruction set. */
struct fcnn_depthwise_weights_inplace {
    void (*sweep)(const struct fcnn_depthwise_sweep *sweep);
    int (*can_slide)(const fcnn_problem *problem); /* whether `slides` changes anything */
    void (*add_sums)(int64_t rows, int64_t width, const float *a, int64_t a_step, const float *b, int64_t b_step,
                     float *to, int64_t to_step); /* simd/sums.h */
    int lanes;                                     /* of a vector */
    int can_mask;                                  /* whether `masks` changes anything where windows slide */
};

/* The context of these is a struct fcnn_depthwise_weights_inplace. */
fcnn_phrase_fn fcnn_depthwise_weights_inplace_unsupported, fcnn_depthwise_weights_inplace_doubt;
fcnn_demand_fn fcnn_depthwise_weights_inplace_demand;
fcnn_run_fn fcnn_depthwise_weights_inplace_run;
#define FCNN_DEPTHWISE_WEIGHTS_INPLACE_KNOBS 4
extern const struct fcnn_knob fcnn_depthwise_weights_inplace_knobs[FCNN_DEPTHWISE_WEIGHTS_INPLACE_KNOBS];

/* The value of a struct fcnn_variant. */
#define FCNN_DEPTHWISE_WEIGHTS_INPLACE(loops)                                                                          \
    {.unsupported = fcnn_depthwise_weights_inplace_unsupported, .doubt = fcnn_depthwise_weights_inplace_doubt,         \
     .demand = fcnn_depthwise_weights_inplace_demand, .run = fcnn_depthwise_weights_inplace_run, .context = &(loops),  \
     FCNN_KNOBS(fcnn_depthwise_weights_inplace_knobs), .revision = 4}

#endif
