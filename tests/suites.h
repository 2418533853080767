/* SPDX-License-Identifier: BSD-2-Clause
 * The benchmark's suites by command lines, for its tests. */
#ifndef FCNN_TESTS_SUITES_H
#define FCNN_TESTS_SUITES_H

#include "bench/suite.h"

enum { SUITES_WORDS = 12 };

/* Reads "--a --b=c"; the words stay those of `words`, which is written to. */
int suites_options(struct bench_options *o, const char *line, char words[512], char *argv[SUITES_WORDS], int *argc);

/* A suite of these options, which are kept in static memory; NULL after another status than 0. */
struct bench_suite *suites_make(const char *line, const char *regex);

/* The first row of a kernel, which there is. */
struct bench_result *suites_row(struct bench_suite *suite, const char *kernel);

#endif
