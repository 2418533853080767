/* SPDX-License-Identifier: BSD-2-Clause
 * Asking dispatch: for CPUs with more and less than this one has. Plans for a pretended CPU are never made: kernels are
 * only looked up. */
#ifndef FCNN_TESTS_DISPATCH_H
#define FCNN_TESTS_DISPATCH_H

#include "lib/internal.h"
#include "lib/isas.h"

/* Pretended CPUs: scalar, with AVX2 or NEON, with AVX-512 too. */
#define CPUS 3
extern const unsigned cpus[CPUS];

/* No option in the environment, no pretended CPU. */
void clean_settings(void);
/* A checked problem; the test fails if there is none. */
fcnn_problem parse_problem(const char *text);
/* The best instruction set of the CPU that is pretended, among those that were built. */
const char *best_isa(void);

/* The name of the kernel that is taken, or "" with the status. */
const char *chosen_kernel(const char *problem, const fcnn_options *options, fcnn_status *status);
void expect_kernel(const char *problem, const fcnn_options *options, const char *name);
/* expect_kernel() of NAME and the best instruction set behind it. */
void expect_best(const char *problem, const fcnn_options *options, const char *name);
/* That nothing is taken, with this status and a sentence in which `named` occurs. */
void expect_failure(const char *problem, const fcnn_options *options, fcnn_status want, const char *named);

#define LAYER "mb64ic32ih13oc64oh11kh3ph0"
#define CONV "conv2d+relu forward " LAYER

#endif
