/* SPDX-License-Identifier: BSD-2-Clause
 * Runs: one kernel on one case, timed in windows. Each run is checked for bits once before, and each window has the
 * machine's bounds measured right before and right after it, so that it carries its own ratio to what is possible. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stddef.h>
#include <stdint.h>

#include "bench/options.h"
#include "bench/steady.h"
#include "lib/fastcnn.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bench_case;
struct bench_peer;

/* What the machine allows (bounds.h), before or after a window or on average: GFLOP/s of fused multiply-adds, 0 if the
 * operation has none; seconds for the traffic of one execution. */
struct bench_bounds { double peak, traffic; };

/* One window: seconds of one execution, and the bounds around it. */
struct bench_sample {
    double seconds;
    struct bench_bounds bounds;
};

struct bench_run {
    struct bench_suite *suite;
    struct bench_case *of;
    fcnn_kernel_info kernel; /* of a peer: just title and instruction set */
    struct bench_peer *peer; /* NULL: a kernel of ours, run by `plan` */
    int peer_variant;        /* as in bench_peer_open() */
    char title[64];          /* of a peer: "onednn_2.6.3 (jit:avx512_core)" */
    int threads;
    char name[128];         /* layer/kernel */
    char suffix[64];        /* what Google Benchmark appends to the name */
    int selected;
    int repetitions;        /* windows */
    int prepared, is_wrong;
    double error;           /* see bench_error(); all kernels of a class have the same */
    char failure[256];      /* why it is not timed */
    fcnn_plan *plan;
    void *packed;
    fcnn_tensors tensors;
    int64_t iterations;     /* of every sample */
    int count;
    struct bench_sample *samples;
    int64_t executions;         /* in all windows, also those that samples were not taken from */
    struct bench_steady events; /* in these windows */
    /* of the open window */
    double start;
    struct bench_bounds bounds;
    struct bench_steady before;
};

struct bench_suite {
    const struct bench_options *options;
    struct bench_case *cases;
    struct bench_run *runs; /* in the order of cases, then of the table of kernels */
    int case_count, run_count;
    int windows, windows_done, windows_skipped; /* of the selected runs */
    const char *peer;       /* "onednn_2.6.3"; NULL: none takes part */
    double start;           /* seconds on bench_now()'s clock */
};

/* What one window says, for the counters. Not a number where it does not apply. */
struct bench_figures {
    double gflops, peak, percent_of_peak, percent_of_memory, bytes, error;
    struct bench_steady events;
};

double bench_now(void);

/* Every kernel that serves a case and matches options->filter. 0, or a status to exit with, after a message. */
int bench_suite_make(struct bench_suite *suite, const struct bench_options *options);
void bench_suite_free(struct bench_suite *suite); /* also after a failure */

/* Selects the runs that match Google Benchmark's filter: an extended regular expression, negated by a leading '-'.
 * Returns how many windows they have; 0 after a message. */
int bench_suite_select(struct bench_suite *suite, const char *filter);

/* What to do with a window. Google Benchmark wants the repetitions of a benchmark to end alike (all failed, or all with
 * the same number of iterations), so one that is left out after others were timed must pass through its loop idly. */
enum bench_turn {
    BENCH_TIME, /* the window has begun: execute, then close */
    BENCH_IDLE, /* time used up or interrupted, after windows that were timed */
    BENCH_FAIL  /* run->failure says why: wrong bits, or no time was left for the first window */
};
enum bench_turn bench_window_open(struct bench_run *run, int64_t iterations);
void bench_execute(const struct bench_run *run);
struct bench_figures bench_window_close(struct bench_run *run, int64_t iterations);

/* Nonzero after Ctrl-C: no window opens any more. A second Ctrl-C ends the program at once. */
int bench_interrupted(void);

/* Median and interquartile range of values[count], which are sorted on return. */
struct bench_summary { double median, range; };
struct bench_summary bench_summarize(double *values, int count);

/* Of one value of the windows of a run; not a number if it was not timed. */
typedef double bench_value(const struct bench_run *run, const struct bench_sample *sample);
bench_value bench_seconds, bench_peak, bench_traffic, bench_percent_of_peak, bench_percent_of_memory;
struct bench_summary bench_summarize_run(const struct bench_run *run, bench_value *value);

#ifdef __cplusplus
}
#endif
#endif
