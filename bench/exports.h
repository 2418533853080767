/* SPDX-License-Identifier: BSD-2-Clause
 * Files that results go to, each in a format that somebody reads: one table of formats, and whoever adds one adds a
 * row. */
#ifndef BENCH_EXPORTS_H
#define BENCH_EXPORTS_H

#include <stdio.h>

#include "bench/results.h"

#ifdef __cplusplus
extern "C" {
#endif

enum bench_format { BENCH_JSON, BENCH_CSV, BENCH_GITHUB, BENCH_BENCHER, BENCH_TABLES, BENCH_FORMATS };
#define BENCH_FORMAT_NAMES "json, csv, github, bencher or tables"

enum { BENCH_MOST_EXPORTS = 16 };
struct bench_exports {
    struct bench_export { enum bench_format format; const char *path; } files[BENCH_MOST_EXPORTS];
    int count;
};

/* The format whose name the first `length` characters are; BENCH_FORMATS: none. */
enum bench_format bench_format_named(const char *name, size_t length);
const char *bench_format_describe(enum bench_format format); /* "Google Benchmark's JSON" */

/* The first file of a format; NULL: none was asked for. */
const char *bench_exports_path(const struct bench_exports *exports, enum bench_format format);

/* Whether all of them can be written. 0, or the status to exit with after a message. */
int bench_exports_probe(const struct bench_exports *exports);

/* Writes them; one that fails does not keep the others from being written. 0, or the status to exit with after a
 * message. */
int bench_exports_write(const struct bench_exports *exports, const struct bench_results *results);

/* ---- the formats; 0: no memory. Errors of `out` are the caller's to look for ---- */

/* csv.c: a header, then a line for each kernel, timed or not, quoted as RFC 4180 has it. */
int bench_csv_write(const struct bench_results *results, FILE *out);

/* services.c: what services read that draw a chart over commits. An entry for each kernel that was timed, in
 * nanoseconds; and for every layer and direction the time of what dispatch takes over that of the reference and over
 * each peer's, which are what can be compared where machines change. */
int bench_github_write(const struct bench_results *results, FILE *out);  /* customSmallerIsBetter */
int bench_bencher_write(const struct bench_results *results, FILE *out); /* Bencher Metric Format */

#ifdef __cplusplus
}
#endif
#endif
