/* SPDX-License-Identifier: BSD-2-Clause
 * Results of a benchmark that nobody measured, so that what follows from them is known. */
#ifndef FCNN_TESTS_MADE_UP_H
#define FCNN_TESTS_MADE_UP_H

#include "bench/results.h"

enum { MADE_ROWS = 80, MADE_PROBLEMS = 12, MADE_WINDOWS = 9 };

struct made_up {
    struct bench_results results;
    struct bench_problem problems[MADE_PROBLEMS];
    struct bench_result rows[MADE_ROWS];
    struct bench_sample samples[MADE_ROWS][MADE_WINDOWS];
};

/* Empty results, for one thread. */
void made_up_start(struct made_up *m);

/* A convolution "layerN" with a map of `map` x `map`: 2 GFLOP, 1 GB. */
struct bench_problem *made_up_problem(struct made_up *m, fcnn_direction direction, int64_t map);

/* A right row of one thread that planned nine windows and has those of `seconds`, which end with a 0. The thread's
 * seconds, that is; by the clock it was twice as long. Around each window the peak was 8 GFLOP/s, traffic 0.125 s. */
struct bench_result *made_up_row(struct made_up *m, const struct bench_problem *of, const char *kernel, fcnn_isa isa,
                                 const double *seconds);

/* The seconds of a row. */
#define SECONDS(...) ((const double[]){__VA_ARGS__, 0})

#endif
