/* SPDX-License-Identifier: BSD-2-Clause
 * Runs: one kernel on one case, timed in windows. Each run is checked for bits once before, and each window has the
 * machine's bounds measured before (several threads: some 10 ms) and right after it, so that it carries its own ratio
 * to what is possible. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include "bench/results.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bench_case;
struct bench_peer;

/* In this order: what dispatch takes, peers, Winograd on the instruction set that dispatch takes; what these are
 * compared with, which is the reference; other vector code; scalar code and what dispatch doubts. */
enum bench_phase { BENCH_FIRST, BENCH_COMPARED, BENCH_MIDDLE, BENCH_LAST };
enum { BENCH_PHASES = 4 };

struct bench_run {
    struct bench_results *results;
    struct bench_result *result; /* its row */
    struct bench_case *of;
    struct bench_peer *peer;     /* NULL: a kernel of ours, run by `plan` */
    enum bench_phase phase;
    double deadline;             /* on bench_now()'s clock: no window opens after it */
    int prepared;
    fcnn_plan *plan;
    void *packed;
    fcnn_tensors tensors;
    /* of the open window */
    double wall, cpu;
    struct bench_bounds bounds;
    struct bench_events before;
};

double bench_now(void);        /* seconds */
double bench_thread_now(void); /* seconds that this thread had a core */

/* Waits, at most 0.2 seconds, until the process's other threads rest; returns whether they do. An OpenMP runtime of a
 * peer's spins for milliseconds after its last region, on a core that the helpers of the next window need. */
int bench_await_rest(void);

/* What to do with a window. Google Benchmark wants the repetitions of a benchmark to end alike (all failed, or all with
 * the same number of iterations), so one that is left out after others were timed must pass through its loop idly. */
enum bench_turn {
    BENCH_TIME, /* the window has begun: execute, then close */
    BENCH_IDLE, /* time used up or interrupted, after windows that were timed */
    BENCH_FAIL  /* result->failure says why: wrong bits, or no time was left for the first window */
};
enum bench_turn bench_window_open(struct bench_run *run, int64_t iterations);
void bench_execute(const struct bench_run *run);
void bench_window_close(struct bench_run *run, int64_t iterations); /* the sample goes to the results */

void bench_run_free(struct bench_run *run); /* what it holds; its row stays */

#ifdef __cplusplus
}
#endif
#endif
