/* SPDX-License-Identifier: BSD-2-Clause
 * The proof of orders: for one output of each problem the order of summation that kernels and peers really have with
 * one thread and with several, recovered from their outputs alone, beside the documented one. */
#ifndef BENCH_ORDERS_H
#define BENCH_ORDERS_H

#include <stdio.h>

#include "bench/sums.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Small problems for --orders without others, which between them every row of the table of kernels that computes sums
 * serves. */
extern const char *const bench_order_problems[];
extern const int bench_order_problem_count;

struct bench_peer_library;
/* What one kernel or peer does with one sum. */
struct bench_order {
    const struct bench_result *of;   /* its row */
    const struct bench_peer_library *library; /* a peer's */
    const char *output;              /* "dst"; of "d_weights" and "d_bias" each has an entry */
    int terms;
    char documented[128];            /* the order of docs/numerics.md in words */
    int threads[2];
    char words[2][160];              /* the order with so many threads; "" where there is none */
    int is_tree, is_documented, depends; /* on threads */
    char failure[256];               /* why there is none */
};

/* The order of a kernel of ours on a sum, pinned by name; to be freed in any case. As order_recover(), and -1 where it
 * cannot be planned or run. */
int bench_order_of_kernel(struct order_tree *tree, const struct bench_sum *sum, const char *kernel,
                          fcnn_class numerics, int threads, char *why, size_t size);

struct bench_suite;
/* Looks at every row of the suite, prints, and writes the file of --json. 0, 1 if a kernel of class exact has another
 * order than the documented one, or the status to exit with after a message. */
int bench_orders_run(const struct bench_suite *suite, FILE *out);

#ifdef __cplusplus
}
#endif
#endif
