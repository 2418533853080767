/* SPDX-License-Identifier: BSD-2-Clause
 * Problems to test kernels with: lists that sweep around the tiles of every kernel, and random ones. */
#ifndef FCNN_TESTS_SHAPES_H
#define FCNN_TESTS_SHAPES_H

#include "lib/fastcnn.h"

struct problem_list {
    fcnn_problem *items; /* all have passed fcnn_problem_check() */
    int count;
};

/* The list of an operation and direction, plus `random` problems drawn from `seed`, each of at most `most`
 * multiply-adds (0: no limit; larger problems of the list are left out). Free with shapes_free(). */
struct problem_list shapes_list(fcnn_op op, fcnn_direction direction, int random, uint64_t seed, double most);
void shapes_free(struct problem_list *list);

/* A random problem of at most about `most` multiply-adds or elements. */
fcnn_problem shapes_random(fcnn_op op, fcnn_direction direction, uint64_t *state, double most);

/* Multiply-adds of a checked problem, padding included; elements touched where there are none. */
double shapes_cost(const fcnn_problem *problem);

#endif
