/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/progress.h"

#include <stdio.h>

#include "bench/format.h"

static double last;  /* seconds since the start, of the last line */
static int is_open;  /* the cursor stands behind a line that can be rewritten */

/* To the beginning of an empty line. */
static const char *rewind_line(void) { return is_open ? "\r\033[K" : ""; }

void bench_progress_start(const struct bench_results *results, double budget)
{
    fprintf(stderr, "%d kernels on %d problems, %d windows, at most %.4g s\n", results->row_count,
            results->problem_count, results->windows, budget);
}

void bench_progress(const struct bench_results *results, const struct bench_result *row, double elapsed)
{
    const int terminal = bench_is_terminal(stderr);
    if (elapsed - last < (terminal ? 0.1 : 10)) return;
    last = elapsed;
    fprintf(stderr, "%s%d/%d windows, %.0f s, %.60s%s", rewind_line(), results->windows_done, results->windows, elapsed,
            row->name, terminal ? "" : "\n");
    is_open = terminal;
    fflush(stderr);
}

void bench_progress_wrong(const struct bench_result *row)
{
    fprintf(stderr, "%s%sWRONG %s%s on \"%s\": %s\n", rewind_line(), bench_style(stderr, BENCH_RED), row->kernel,
            bench_style(stderr, BENCH_PLAIN), row->of->text, row->failure);
    is_open = 0;
}

void bench_progress_end(void)
{
    fputs(rewind_line(), stderr);
    is_open = 0;
}
