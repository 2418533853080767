/* SPDX-License-Identifier: BSD-2-Clause
 * The steady state: executions allocate nothing and touch no new page. */
#ifndef BENCH_STEADY_H
#define BENCH_STEADY_H

#include "bench/results.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Since the program began, of all threads. Differences of two say what happened in between. */
struct bench_events bench_steady_now(void);

#ifdef __cplusplus
}
#endif

#endif
