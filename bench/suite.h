/* SPDX-License-Identifier: BSD-2-Clause
 * The suite: every kernel and peer that is timed, with the row of the results it fills. */
#ifndef BENCH_SUITE_H
#define BENCH_SUITE_H

#include "bench/measure.h"
#include "bench/options.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bench_suite {
    const struct bench_options *options;
    struct bench_results results;
    struct bench_run *runs; /* runs[i] fills results.rows[i] */
    const struct bench_peer_library *peers[BENCH_MOST_PEERS]; /* of results.peers */
    struct bench_case *cases;
    int case_count;
    int phases;             /* how many times the driver is to run: those of phase 0, then of phase 1, ... */
    double start;           /* on bench_now()'s clock */
};

/* Every kernel that serves a case and matches the filters. regex: Google Benchmark's filter, an extended regular
 * expression, negated by a leading '-'. 0, or a status to exit with after a message; to be freed in any case. */
int bench_suite_make(struct bench_suite *suite, const struct bench_options *options, const char *regex);
void bench_suite_free(struct bench_suite *suite);

#ifdef __cplusplus
}
#endif
#endif
