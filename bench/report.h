/* SPDX-License-Identifier: BSD-2-Clause
 * What people see: the list, progress on stderr, tables on stdout. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "bench/measure.h"

#ifdef __cplusplus
extern "C" {
#endif

void bench_report_list(const struct bench_suite *suite);
void bench_report_progress(const struct bench_run *run);
void bench_report_wrong(const struct bench_run *run); /* at once, on stderr */

/* Creates the file for the JSON and the folders it lies in, so that a bad path fails before the timing. 0 after a
 * message. */
int bench_report_create(const char *path);

/* The header, a table per case (or bench_report_scaling()), and whether anything was allocated. */
void bench_report_tables(const struct bench_suite *suite);

/* What numbers in tables look like; "-" for what is not finite. */
void bench_print_time(double seconds); /* 11 columns */
void bench_print_number(int width, int digits, double value);

/* scaling.c: in place of the tables of cases, one row per pair of runs. */
void bench_report_scaling(const struct bench_suite *suite);

/* comparison.c: where a peer took part, how it compares with what dispatch takes, direction by direction. */
void bench_report_comparison(const struct bench_suite *suite);

/* winograd.c: where its rows were timed, how they compare with exact kernels. */
void bench_report_winograd(const struct bench_suite *suite);

#ifdef __cplusplus
}
#endif
#endif
