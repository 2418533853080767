/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Depthwise convolution: every channel is a group of its own, so vectors run over channels: of images, gradients and the
 * weights (R,S,1,K) alike, all read in place. The inner loops of an instruction set (gather_body.h, weights_body.h) are called
 * by what is written once: gather.c (forward and backward data), weights.c. Orders of sums: numerics.md, rules 3 to 5. */
#ifndef FCNN_DEPTHWISE_H
#define FCNN_DEPTHWISE_H

#include "kernels/conv2d/conv2d.h"

/* Output pixels of one row and one class (geometry.h), `channels` channels each:
 * dst[x][c] = bias[c] + sum over i < rows, j < columns of src[i,j][x][c] weights[i,j][c]. Steps are in floats. */
struct fcnn_depthwise_run {
    const float *src, *weights, *bias; /* bias NULL: +0 */
    float *dst;
    int64_t pixels, src_pixel, dst_pixel;
    int64_t rows, src_row, weights_row;
    int64_t columns, src_column, weights_column;
    int64_t channels;
    int relu;
};

#define FCNN_DEPTHWISE_TAPS 9 /* most filter elements summed side by side, the bias beside them */

/* Output rows first_row .. last_row-1 of an image, `channels` channels: continues the sums of gradients of `taps` filter
 * elements, and of the bias. Bits of real_rows (real_columns) of an output row (column): the taps that meet real input there;
 * from inner_first to inner_last all columns have them all. */
struct fcnn_depthwise_sum {
    const float *src, *d_dst, *dst; /* dst: gradients count as 0 where it is 0; without ReLU d_dst itself */
    int64_t src_row, src_pixel, offset[FCNN_DEPTHWISE_TAPS]; /* from output to output; from tap to tap, with padding: may be < 0 */
    int64_t first_row, last_row, columns, dst_pixel;
    const uint16_t *real_rows, *real_columns;
    int64_t inner_first, inner_last;
    float *out[FCNN_DEPTHWISE_TAPS], *bias; /* bias NULL: not wanted */
    int64_t taps, channels;
    int carry; /* else the sums start from +0 */
};

/* The inner loops of one instruction set. */
struct fcnn_depthwise {
    const struct fcnn_tiles *tiles;
    void (*run)(const struct fcnn_depthwise_run *run);
    void (*sum)(const struct fcnn_depthwise_sum *sum);
};

typedef void fcnn_depthwise_demand_fn(const struct fcnn_depthwise *loops, const fcnn_problem *problem, struct fcnn_demand *demand);
typedef void fcnn_depthwise_run_fn(const struct fcnn_depthwise *loops, const fcnn_problem *problem, const fcnn_tensors *tensors,
                                   const struct fcnn_memory *memory, enum fcnn_stage stage, int64_t first, int64_t last);
fcnn_depthwise_demand_fn fcnn_depthwise_gather_demand, fcnn_depthwise_weights_demand;
fcnn_depthwise_run_fn fcnn_depthwise_gather_run, fcnn_depthwise_weights_run;
const char *fcnn_depthwise_unsupported(const fcnn_problem *problem);

/* One entry of the table: NAME with its two functions for the stub's `loops`. */
#define FCNN_DEPTHWISE_VARIANT(name, algorithm)                                                                        \
    static void name##_demand(const fcnn_problem *problem, struct fcnn_demand *demand)                                 \
    {                                                                                                                  \
        algorithm##_demand(&loops, problem, demand);                                                                   \
    }                                                                                                                  \
    static void name##_run(const fcnn_problem *problem, const fcnn_tensors *tensors, const struct fcnn_memory *memory, \
                           enum fcnn_stage stage, int64_t first, int64_t last)                                         \
    {                                                                                                                  \
        algorithm##_run(&loops, problem, tensors, memory, stage, first, last);                                         \
    }                                                                                                                  \
    const struct fcnn_variant name = {fcnn_depthwise_unsupported, name##_demand, name##_run};

#endif
