/* SPDX-License-Identifier: BSD-2-Clause
 * What the classes winograd_f2 and winograd_f4 promise (docs/numerics.md): the bits of their scalar row on every
 * instruction set and for every partition; errors within a bound; F(2x2) exact on small integers. */
#ifndef FCNN_TESTS_WINOGRAD_H
#define FCNN_TESTS_WINOGRAD_H

#include "tests/harness.h"
#include "tests/shapes.h"

/* Largest errors of a row so far: |x - d| / (2^-24 S), S the largest sum |a b| in the output tile; and relative L2. */
struct winograd_errors {
    double worst, relative;
};

/* As harness_stages() and harness_api() for a trial of an exact row, the scalar row in place of the reference; then the
 * errors. Overwrites the trial's tensors. */
int winograd_check(const struct fcnn_kernel *kernel, struct trial *trial, struct winograd_errors *errors,
                   char text[HARNESS_TEXT]);

/* Adds maps and channels around the edges of tiles, blocks, chunks and slices. */
void winograd_add_problems(struct problem_list *list, fcnn_op op, fcnn_direction direction, double most);

#endif
