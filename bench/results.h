/* SPDX-License-Identifier: BSD-2-Clause
 * What was measured, as data: tables, JSON and exit status only read it. Nothing here measures or prints, and nothing
 * here knows plans, tensors or peers, so that results can as well be made up (tests) or read from a file. */
#ifndef BENCH_RESULTS_H
#define BENCH_RESULTS_H

#include <stdint.h>

#include "bench/statistics.h"
#include "lib/fastcnn.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How many of each the benchmark knows; a library that knows more is met with these. */
enum { BENCH_DIRECTIONS = FCNN_UPDATE + 1, BENCH_ISAS = FCNN_NEON + 1, BENCH_CLASSES = FCNN_BF16 + 1 };
enum { BENCH_MOST_PEERS = 4 };

/* A layer in one direction. */
struct bench_problem {
    char layer[64], text[192]; /* text: in benchdnn's syntax */
    fcnn_problem problem;
    double flops, bytes;       /* of one execution; bytes: every tensor once */
};

/* What the machine allows right before or after a window, or on average: GFLOP/s of fused multiply-adds, 0 if the
 * operation has none; seconds for the traffic of one execution. */
struct bench_bounds { double peak, traffic; };

/* What must not happen while a kernel runs again and again. */
struct bench_events { int64_t allocations, page_faults; };

/* One window. Seconds of one execution: by the clock, and of the calling thread alone. */
struct bench_sample {
    int64_t iterations;
    double wall, cpu;
    struct bench_bounds bounds;
    struct bench_events events;
};

enum bench_kind {
    BENCH_OURS,
    BENCH_PEER,          /* a peer's direct algorithm */
    BENCH_PEER_AUTO,     /* what a peer would rather take, of another numerics class */
    BENCH_PEER_CONVERTED /* the direct one with conversions from our layouts and back */
};

enum bench_verdict {
    BENCH_UNCHECKED,
    BENCH_RIGHT,
    BENCH_WRONG, /* other bits than the reference's; a peer's: beyond its bounds */
    BENCH_BROKEN, /* could not be run: `status` */
    BENCH_NOT_RUN /* a peer's: its library has no code for the problem, which is nobody's fault */
};

/* One kernel on one problem with a number of threads. */
struct bench_result {
    const struct bench_problem *of;
    char name[128], suffix[64]; /* "layer/kernel", as filters see it; what Google Benchmark appends to it */
    char kernel[96];            /* of a peer: "onednn_2.6.3 (jit:avx512_core)" */
    fcnn_isa isa;
    fcnn_class numerics;        /* of a peer: none, 0 */
    enum bench_kind kind;
    int peer;                   /* which of the results' peers, where it is not ours */
    int is_chosen;              /* by dispatch */
    int is_doubted;             /* dispatch expects it to be slower than others: fcnn_kernel_doubt() */
    int is_reference;           /* a *_naive */
    int threads;
    int windows;                /* planned */
    double expected;            /* seconds that one of them takes, roughly; checking the kernel before is included */
    enum bench_verdict verdict;
    fcnn_status status;
    char failure[256];          /* why it is wrong, broken or was not timed */
    double error;               /* see bench_error(); all kernels of a class have the same; NAN: not known */
    struct bench_sample *samples;
    int count;
    int64_t executions;         /* in all windows, also those that samples were not taken from */
    struct bench_events events; /* in these windows */
    /* Filled by bench_results_summarize(), NAN where the result is not timed or the value does not apply. `time` is
     * what is compared: see bench_time_of(). Percents are those of the single windows. */
    struct bench_summary time, wall, cpu, percent_of_peak, percent_of_memory, peak, traffic;
};

struct bench_results {
    struct bench_result *rows; /* in the order of problems, then of the table of kernels, then peers */
    int row_count, problem_count; /* of problems that have rows */
    int threads;               /* as asked for */
    int scaling;               /* every kernel has a row for one thread and one for `threads` */
    const char *peers[BENCH_MOST_PEERS]; /* "onednn_2.6.3", ...: those that took part; the first is the one that
                                          * tables have a column for */
    int peer_count;
    int windows, windows_done; /* planned for rows that were not found wrong; timed */
    double seconds;            /* the whole run took */
    struct bench_events process; /* of the whole run, preparations included */
    int signal;                /* that ended it early; 0: none */
};

/* Takes a window into a row. Windows of another number of iterations are forgotten: the driver was still looking for
 * it. Returns 0 where the row has no room: it was planned with fewer. */
int bench_results_add(struct bench_results *results, struct bench_result *row, const struct bench_sample *sample);
void bench_results_forget(struct bench_results *results, struct bench_result *row); /* its samples */

/* A row may stand in tables and comparisons: it is right, and all of its windows or at least three were timed. */
int bench_is_timed(const struct bench_result *row);

/* It is wrong, or broken. */
int bench_is_wrong(const struct bench_result *row);

/* It is not timed, and nothing is known against it: no time was left. */
int bench_is_waiting(const struct bench_result *row);

/* Seconds that the windows planned take, roughly, and those of them that are behind us. Rows that were found wrong
 * count as done. */
double bench_results_expected(const struct bench_results *results);
double bench_results_behind(const struct bench_results *results);

/* Fills the summaries of all rows. 0: no memory. */
int bench_results_summarize(struct bench_results *results);

/* Rows of ours that are wrong or broken. */
int bench_results_wrong(const struct bench_results *results);

/* What the program exits with: 1 if a kernel of ours computes wrong bits or fails, 71 if one found no memory, 128 + the
 * signal that ended the run, 0. */
int bench_results_status(const struct bench_results *results);

/* ---- values of a window; NAN where they do not apply ---- */

typedef double bench_value(const struct bench_result *row, const struct bench_sample *sample);

/* Seconds of an execution. With one thread those of the thread: what neighbours take is not the kernel's. Several
 * threads wait for each other: by the clock. */
bench_value bench_time_of;
bench_value bench_wall_of, bench_cpu_of, bench_peak_of, bench_traffic_of;
bench_value bench_percent_of_peak, bench_percent_of_memory;

/* GFLOP/s, or GB/s of operations without multiply-adds, at that many seconds for one execution. */
double bench_rate(const struct bench_problem *problem, double seconds);

#ifdef __cplusplus
}
#endif
#endif
