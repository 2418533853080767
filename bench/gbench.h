/* SPDX-License-Identifier: BSD-2-Clause
 * What the C++ of Google Benchmark looks like from C. */
#ifndef BENCH_GBENCH_H
#define BENCH_GBENCH_H

#include "bench/suite.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Reads the library's own options. 0, or the status to exit with after a message. */
int bench_driver_start(const struct bench_options *options, int argc, char **argv);
const char *bench_driver_filter(void); /* --benchmark_filter=; valid until the next call */

/* Times all windows, phase by phase. */
void bench_driver_run(struct bench_suite *suite);

#ifdef __cplusplus
}
#endif
#endif
