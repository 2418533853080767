/* SPDX-License-Identifier: BSD-2-Clause
 * What stderr says while windows are timed. */
#ifndef BENCH_PROGRESS_H
#define BENCH_PROGRESS_H

#include <stddef.h>

#include "bench/results.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Before the first window: what there is to do, how long it will take, roughly, and how long it may take. */
void bench_progress_start(const struct bench_results *results, double budget);

/* After every window, `elapsed` seconds since the start: on a terminal a bar that is rewritten, elsewhere a line now
 * and then. */
void bench_progress(const struct bench_results *results, const struct bench_result *row, double elapsed);

/* A row that has been found wrong, or is not going to be run, at once. */
void bench_progress_left_out(const struct bench_result *row);

/* After the last window: the rewritten line ends. */
void bench_progress_end(void);

/* ---- for tests ---- */

/* Seconds that are left: at the pace so far, what remains of the expected time; never more than the budget has. */
double bench_progress_left(const struct bench_results *results, double elapsed, double budget);

/* "[#####.....]  50 %, 1:05 left, layer/kernel" in at most `width` columns: what does not fit is left out from the
 * right, the name before the bar. */
void bench_progress_bar(char *text, size_t size, int width, double part, double left, const char *name);

#ifdef __cplusplus
}
#endif
#endif
