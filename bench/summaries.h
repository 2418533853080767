/* SPDX-License-Identifier: BSD-2-Clause
 * What results say together: ratios between rows, their means, the worst. Data too: closing.c prints it. All of it
 * needs bench_results_summarize() first; only rows that are timed take part. Ratios are of lower quartiles, and above 1
 * is good. */
#ifndef BENCH_SUMMARIES_H
#define BENCH_SUMMARIES_H

#include "bench/results.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Rows of one problem for a table, fastest first, what was not timed last: indices into results->rows, from `first` to
 * `end` - 1. */
void bench_sort_rows(const struct bench_results *results, int first, int end, int *order);

/* Rows of one problem stand side by side (results.h): those beside `row`, itself included, from first to end - 1. */
struct bench_rows { const struct bench_result *first, *end; };
struct bench_rows bench_beside(const struct bench_results *results, const struct bench_result *row);

/* What kernels are compared with: the reference, or one of the results' peers by its number. */
enum { BENCH_REFERENCE = -1 };
int bench_is_opponent(const struct bench_result *row, int opponent);

/* How many times faster `row` is than that on its problem with as many threads; NAN: one of the two was not timed. */
double bench_ratio(const struct bench_results *results, const struct bench_result *row, int opponent);

/* The peak per thread with one instruction set, over all windows. *count of them; 0 of memory that is missing, too. */
struct bench_summary bench_peak_of_isa(const struct bench_results *results, fcnn_isa isa, int *count);

/* Allocations and page faults in the windows of our rows, and how many executions these had. */
struct bench_events bench_sum_events(const struct bench_results *results, int64_t *executions);

/* ---- comparison.c: what dispatch takes against the reference, or a peer's direct algorithm ---- */

#define BENCH_PEER_BAR 0.95 /* pairs below it are named one by one */

struct bench_pair {
    const struct bench_result *ours, *theirs;
    double ratio; /* times, theirs / ours */
};

struct bench_comparison {
    struct bench_pair *pairs; /* in ascending order of ratios */
    int count, left_out;      /* left_out: one of the two is not timed */
    struct bench_direction_mean {
        struct bench_mean mean;
        int slower, below;    /* than 1, than the bar */
        const struct bench_pair *worst;
    } directions[BENCH_DIRECTIONS + 1]; /* the last: all together */
};

/* 0: no memory. */
int bench_compare(const struct bench_results *results, int opponent, struct bench_comparison *comparison);
void bench_comparison_free(struct bench_comparison *comparison);

/* ---- winograd.c: each of its rows against the fastest exact one of the same problem and instruction set ---- */

enum bench_map { BENCH_SMALL_MAP, BENCH_MIDDLE_MAP, BENCH_LARGE_MAP, BENCH_MAPS }; /* below 14, below 28, others */

struct bench_winograd {
    fcnn_isa isa; /* the highest that was timed; others are left out */
    struct bench_mean means[BENCH_CLASSES][BENCH_MAPS][BENCH_DIRECTIONS + 1]; /* times, exact / Winograd */
};

void bench_compare_winograd(const struct bench_results *results, struct bench_winograd *winograd);

/* ---- scaling.c: the same kernel with one thread and with several, by the clock ---- */

#define BENCH_SCALING_BAR 1.85 /* with two threads */
#define BENCH_LONG 1e-3        /* seconds with one thread; below it a barrier weighs too much to judge by */

struct bench_gain {
    const struct bench_result *one, *several;
    double time, peak, traffic; /* gains; of the bounds by medians; peak may be NAN */
};

/* Over those of BENCH_LONG and more. */
struct bench_gains {
    struct bench_mean time, peak;
    int below;
    const struct bench_result *worst;
};

struct bench_scaling {
    struct bench_gain *pairs;
    int count;
    struct bench_gains ours, peers;
};

int bench_compare_threads(const struct bench_results *results, struct bench_scaling *scaling); /* 0: no memory */
void bench_scaling_free(struct bench_scaling *scaling);

#ifdef __cplusplus
}
#endif
#endif
