/* SPDX-License-Identifier: BSD-2-Clause
 * The command line of fastcnn-bench. */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#ifdef __cplusplus
extern "C" {
#endif

enum { BENCH_MAX_PROBLEMS = 32 };

enum bench_peers { PEERS_OFF, PEERS_WELCOME, PEERS_NEEDED };

struct bench_options {
    int threads;
    int quick, list;
    int choice;             /* of our kernels only what dispatch takes */
    int scaling;            /* with one thread and with `threads`; implies choice */
    enum bench_peers peers;
    int library_output;     /* --benchmark_format, _list_tests: the library prints to stdout, the tables are left out */
    int repetitions;        /* windows per kernel */
    int repetitions_given;  /* by the user: then also for slow kernels */
    double window, budget;  /* seconds: least length of a window, length of the whole run */
    const char *json, *filter, *layers;
    const char *problems[BENCH_MAX_PROBLEMS];
    int problem_count;
};

/* Takes its own options out of argv and leaves those of Google Benchmark. Returns -1, or the status to exit with
 * (after --help, --version or a message). */
int bench_options_read(struct bench_options *options, int *argc, char **argv);

#ifdef __cplusplus
}
#endif
#endif
