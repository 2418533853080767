/* SPDX-License-Identifier: BSD-2-Clause
 * The steady state: executions allocate nothing and touch no new page. */
#ifndef BENCH_STEADY_H
#define BENCH_STEADY_H

#include <stdint.h>

/* Since the program began, of all threads. Differences of two say what happened in between. */
struct bench_steady { int64_t allocations, page_faults; };

struct bench_steady bench_steady_now(void);

#endif
