/* SPDX-License-Identifier: BSD-2-Clause
 * How good dispatch is without measurement: for each problem the choice that it makes by estimate, beside the best that
 * the tuner finds. */
#ifndef BENCH_ESTIMATE_H
#define BENCH_ESTIMATE_H

#include <stdio.h>

#include "bench/results.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An estimate is good if it takes at most this times the time of the best. */
#define BENCH_ESTIMATE_BAR 1.10

struct bench_estimate {
    const struct bench_problem *of;
    char estimate[256], best[256]; /* kernels with their knobs */
    double gain;                   /* time of the first over time of the second, measured together; NAN: not measured */
    char failure[256];             /* why not; "": time was up */
};

struct bench_estimates {
    struct bench_estimate *of;
    int count, threads;
    double seconds; /* that each problem may take */
};

/* What the list comes to. */
struct bench_estimate_summary {
    int measured, good;
    struct bench_mean gain;
    const struct bench_estimate *worst; /* NULL: none was measured */
};
struct bench_estimate_summary bench_estimate_summarize(const struct bench_estimates *estimates);

/* The summary, then the problems, those first whose estimate was worst. Sorts them. */
void bench_estimate_print(struct bench_estimates *estimates, FILE *out);

/* An object for each problem, in the order of the list: {"layer", "problem", "estimate", "best", "gain"}, or "failure"
 * in place of the last two. 0: no memory; errors of `out` are the caller's to look for. */
int bench_estimate_json(const struct bench_estimates *estimates, FILE *out);

struct bench_suite;
/* Measures the suite's problems, with progress on stderr, prints, and writes the file of --json. 0, or the status to
 * exit with after a message. An interrupt ends it early: what is measured is printed, and 128 + the signal returned. */
int bench_estimate_run(const struct bench_suite *suite, FILE *out);

#ifdef __cplusplus
}
#endif
#endif
