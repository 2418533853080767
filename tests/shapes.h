/* SPDX-License-Identifier: BSD-2-Clause
 * Problems to test kernels with: lists that sweep around the tiles of every kernel, and random ones. */
#ifndef FCNN_TESTS_SHAPES_H
#define FCNN_TESTS_SHAPES_H

#include "kernels/kernel.h"

struct problem_list {
    fcnn_problem *items; /* all have passed fcnn_problem_check() */
    int count;
};

/* The list of an operation and direction, without problems of more than `most` multiply-adds (0: no limit). Free with
 * shapes_free(). */
struct problem_list shapes_list(fcnn_op op, fcnn_direction direction, double most);
void shapes_add(struct problem_list *list, const fcnn_problem *checked);
void shapes_free(struct problem_list *list);

/* A random problem of at most `most` multiply-adds or elements. */
fcnn_problem shapes_random(fcnn_op op, fcnn_direction direction, uint64_t *state, double most);
/* Adds `count` random problems that a row serves, drawn from `seed`, of at most `most` multiply-adds each (0: a limit
 * of its own). Returns how many it found: fewer than `count` if it gave up. */
int shapes_add_random(struct problem_list *list, const struct fcnn_kernel *kernel, int count, uint64_t seed,
                      double most);

/* Multiply-adds of a checked problem, padding included; elements touched where there are none. */
double shapes_cost(const fcnn_problem *problem);

#endif
