/* SPDX-License-Identifier: BSD-2-Clause
 * Trials: one problem, inputs made from a seed, and the outputs that the reference computes from them. */
#ifndef FCNN_TESTS_FILL_H
#define FCNN_TESTS_FILL_H

#include "lib/internal.h"

/* splitmix64 */
uint64_t rng_next(uint64_t *state);
int64_t rng_below(uint64_t *state, int64_t n); /* 0 .. n-1 */
float rng_float(uint64_t *state);              /* [-1, 1), 24 random bits */

/* What the numbers look like; a trial's seed picks one. */
enum fill_style {
    FILL_UNIFORM,  /* [-1, 1) */
    FILL_SPARSE,   /* as after ReLU and max pooling: no negative inputs, three of four gradients zero */
    FILL_INTEGERS, /* -2 .. 2: ties in max pooling, outputs of exactly 0 */
    FILL_WIDE,     /* magnitudes over 40 binades: every change of order shows */
    FILL_SPECIAL,  /* uniform; where the contract covers them a few NaN, infinities, -0, denormals, huge numbers */
    FILL_STYLES
};

#define TRIAL_TEXT 256
struct trial {
    fcnn_problem problem;
    uint64_t seed;
    char text[TRIAL_TEXT]; /* fcnn_problem_format() */
    enum fill_style style;
    int count; /* tensors */
    struct fcnn_tensor_info info[FCNN_MAX_TENSORS];
    void *given[FCNN_MAX_TENSORS]; /* contents at entry of inputs and in/outs, else NULL */
    void *want[FCNN_MAX_TENSORS];  /* contents afterwards of outputs and in/outs, else NULL */
    fcnn_hyper hyper;
};

/* `problem` has passed fcnn_problem_check(). The same problem and seed give the same trial. */
void trial_make(struct trial *trial, const fcnn_problem *problem, uint64_t seed);
void trial_free(struct trial *trial);

size_t tensor_bytes(const struct fcnn_tensor_info *info);
void tensor_set(fcnn_tensors *tensors, const struct fcnn_tensor_info *info, void *data);
/* The row named *_naive for an operation and direction; exits if there is none. */
const struct fcnn_kernel *naive_kernel(fcnn_op op, fcnn_direction direction);
/* All stages of a kernel, with memory of their own. */
void run_kernel(const struct fcnn_kernel *kernel, const fcnn_problem *problem, const fcnn_tensors *tensors);
void run_choice(const struct fcnn_choice *choice, const fcnn_problem *problem, const fcnn_tensors *tensors);
/* malloc, or exit. */
void *grab(size_t bytes);

#endif
