/* SPDX-License-Identifier: BSD-2-Clause
 * Results as text. */
#ifndef BENCH_TABLES_H
#define BENCH_TABLES_H

#include <stdio.h>

#include "bench/results.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What would be timed. */
void bench_print_list(const struct bench_results *results, FILE *out);

/* The machine and how the run was. */
void bench_print_header(const struct bench_results *results, FILE *out);

/* A table per problem. What was not timed is counted below it, but for what is wrong or broken. 0: no memory. */
int bench_print_tables(const struct bench_results *results, FILE *out);

/* All of it, from the header to the end; with --scaling its table in place of those of the problems. 0: no memory. */
int bench_print_all(const struct bench_results *results, FILE *out);
int bench_print_without_legend(const struct bench_results *results, FILE *out);

/* ---- closing.c ---- */

/* Which of our kernels allocated or touched new pages while they were timed. */
void bench_print_events(const struct bench_results *results, FILE *out);

/* Windows that were left out, and wrong bits. */
void bench_print_end(const struct bench_results *results, FILE *out);

/* summaries.h as tables; nothing where there is nothing to compare. Those that return an int: 0 is no memory. */
int bench_print_comparison(const struct bench_results *results, int with_names, FILE *out);
void bench_print_winograd(const struct bench_results *results, FILE *out);
int bench_print_scaling(const struct bench_results *results, FILE *out);

#ifdef __cplusplus
}
#endif
#endif
