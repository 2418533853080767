/* SPDX-License-Identifier: BSD-2-Clause
 * What text looks like: numbers in columns, colours where the terminal has them. */
#ifndef BENCH_FORMAT_H
#define BENCH_FORMAT_H

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

void bench_print_time(FILE *out, double seconds);                      /* 11 columns */
void bench_print_number(FILE *out, int width, int digits, double value); /* "-" for what is not finite */

/* A terminal that knows escape sequences: not TERM=dumb, not a file. */
int bench_is_terminal(FILE *out);

/* The sequences that begin and end a style; "" where NO_COLOR is set, or bench_is_terminal() says no. */
enum bench_style { BENCH_PLAIN, BENCH_BOLD, BENCH_RED };
const char *bench_style(FILE *out, enum bench_style style);

#ifdef __cplusplus
}
#endif
#endif
