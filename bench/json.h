/* SPDX-License-Identifier: BSD-2-Clause
 * Results as Google Benchmark's JSON, for compare.py and the like. */
#ifndef BENCH_JSON_H
#define BENCH_JSON_H

#include <stdio.h>

#include "bench/context.h"
#include "bench/results.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The context, then for every kernel its windows and their mean, median, stddev and cv, with keys of our own: problem,
 * layer, kernel, isa, class, chosen, threads, what the tables have, and what json_read.h needs beside. A kernel without
 * a window has one entry that says why. Values that do not apply are left out: there is no NaN in JSON. 0: no memory
 * (nothing is written); errors of `out` are the caller's to look for. */
int bench_json_write(const struct bench_results *results, FILE *out);

/* The same of results that were measured elsewhere. */
int bench_json_write_kept(const struct bench_results *results, const struct bench_context *from, FILE *out);

/* What Google Benchmark calls the context: machine, versions, threads. NULL: no memory. */
struct json_t; /* jansson's */
struct json_t *bench_json_context(const struct bench_context *context, int threads);

/* Names in the file. */
const char *bench_verdict_name(enum bench_verdict verdict);
const char *bench_kind_name(enum bench_kind kind);

#ifdef __cplusplus
}
#endif
#endif
