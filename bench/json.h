/* SPDX-License-Identifier: BSD-2-Clause
 * Results as Google Benchmark's JSON, for compare.py and the like. */
#ifndef BENCH_JSON_H
#define BENCH_JSON_H

#include <stdio.h>

#include "bench/results.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The context, then for every kernel its windows and their mean, median, stddev and cv, with keys of our own: problem,
 * kernel, isa, class, chosen, threads and what the tables have. Values that do not apply are left out: there is no NaN
 * in JSON. 0: no memory (nothing is written); errors of `out` are the caller's to look for. */
int bench_json_write(const struct bench_results *results, FILE *out);

#ifdef __cplusplus
}
#endif
#endif
