/* SPDX-License-Identifier: BSD-2-Clause
 * The command line of fastcnn-bench. */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include "bench/exports.h"

#ifdef __cplusplus
extern "C" {
#endif

enum bench_peers { PEERS_OFF, PEERS_WELCOME, PEERS_NEEDED };

/* The values of an option that may be repeated; they add up. */
enum { BENCH_MAX_WORDS = 32 };
struct bench_words {
    const char *values[BENCH_MAX_WORDS];
    int count;
};

enum { BENCH_MAX_BATCHES = 8 };

struct bench_options {
    int threads;
    int quick, list;
    int estimate;           /* no windows: what dispatch takes beside what tuning finds */
    int orders;             /* no windows: orders of summation, with one thread and with `threads` */
    int choice;             /* of our kernels only what dispatch takes */
    int scaling;            /* with one thread and with `threads`; implies choice */
    enum bench_peers peers;
    const char *peer_names; /* "onednn,xnnpack"; NULL: all */
    int conversions;        /* peers a second time, with conversions of layouts */
    int batches[BENCH_MAX_BATCHES], batch_count; /* images of every layer; none (0): as the lists say */
    int model;              /* the MNIST model as a whole: latency, prediction */
    int library_output;     /* --benchmark_format, _list_tests: the library prints to stdout, we do not */
    int print_json;         /* --benchmark_format=json: to stdout, in place of the summary */
    int repetitions;        /* windows per kernel */
    int repetitions_given;  /* by the user: then also for slow kernels */
    double window, budget;  /* seconds: least length of a window, length of the whole run */
    int tables;             /* the long ones to stdout, before the summary */
    struct bench_exports exports;
    struct bench_words filters, layers, problems;
    const char *report;     /* NULL: none; else a page is made of the files `from`, and nothing is timed */
    struct bench_words from;
};

/* Takes its own options out of argv and leaves those of Google Benchmark. Returns -1, or the status to exit with
 * (after --help, --version or a message). */
int bench_options_read(struct bench_options *options, int *argc, char **argv);

#ifdef __cplusplus
}
#endif
#endif
