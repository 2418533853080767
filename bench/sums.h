/* SPDX-License-Identifier: BSD-2-Clause
 * One output of a problem as the sum that it is: where in the tensors its terms are, in the order of docs/numerics.md,
 * and the tree that this order is. Every term is a product with 1 (a mean's: with 1 / count) of one input element, so
 * that masks can be written into the tensors (order.h). */
#ifndef BENCH_SUMS_H
#define BENCH_SUMS_H

#include "bench/cases.h"
#include "bench/order.h"

enum { BENCH_MOST_TERMS = 4096 };

enum bench_output_of { BENCH_MAIN_OUTPUT, BENCH_BIAS_GRADIENT };

struct bench_sum {
    struct bench_case *of;
    const char *output;   /* its name: "dst" */
    float **terms;        /* where they are */
    int count;
    int has_bias;         /* term 0 is the bias */
    int block;            /* terms of one chain of rule 5, the last may have fewer; 0: one chain for all; 1: the tree */
    const float *result;
    double unit;          /* what a term of 1 adds to the result */
};

/* An output in the middle of a tensor. Prepares the case, and fills its tensors; to be freed in any case. NULL, or why
 * there is no such sum. */
const char *bench_sum_make(struct bench_sum *sum, struct bench_case *c, enum bench_output_of which);
void bench_sum_free(struct bench_sum *sum);

/* The documented order; to be freed in any case. 0: no memory. */
int bench_sum_documented(const struct bench_sum *sum, struct order_tree *tree);

/* Before an execution: M at term `plus` (-1: nowhere), -M at `minus`, 1 at all others. After it: the result. */
void bench_sum_mask(const struct bench_sum *sum, int plus, int minus);
double bench_sum_value(const struct bench_sum *sum);

#endif
