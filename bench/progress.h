/* SPDX-License-Identifier: BSD-2-Clause
 * What stderr says while windows are timed. */
#ifndef BENCH_PROGRESS_H
#define BENCH_PROGRESS_H

#include "bench/results.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Before the first window. */
void bench_progress_start(const struct bench_results *results, double budget);

/* After every window, `elapsed` seconds since the start: now and then a line, or on a terminal the line rewritten. */
void bench_progress(const struct bench_results *results, const struct bench_result *row, double elapsed);

/* A result that is wrong or broken, at once. */
void bench_progress_wrong(const struct bench_result *row);

/* After the last window: the rewritten line ends. */
void bench_progress_end(void);

#ifdef __cplusplus
}
#endif
#endif
