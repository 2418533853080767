/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bench/format.h"

static double allowed; /* the budget */
static double last;    /* seconds since the start, of the last line */
static int is_open;    /* the cursor stands behind a line that can be rewritten */

/* To the beginning of an empty line. */
static const char *rewind_line(void) { return is_open ? "\r\033[K" : ""; }

static int columns(void)
{
    const char *told = getenv("COLUMNS");
    struct winsize size;
    if (told && atoi(told) > 0) return atoi(told);
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || !size.ws_col ? 80 : size.ws_col;
}

/* ---- how far ---- */

static double part_of(const struct bench_results *results)
{
    const double all = bench_results_expected(results);
    return all > 0 ? fmin(1, bench_results_behind(results) / all) : 1;
}

double bench_progress_left(const struct bench_results *results, double elapsed, double budget)
{
    const double all = bench_results_expected(results), behind = bench_results_behind(results);
    /* the first windows say little about the pace: they count like a twentieth of what was expected */
    const double pace = all > 0 ? (elapsed + 0.05 * all) / (behind + 0.05 * all) : 0;
    return fmax(0, fmin(pace * (all - behind), budget - elapsed));
}

static void put_minutes(char *text, size_t size, double seconds)
{
    const int rounded = (int)(seconds + 0.5);
    if (rounded < 60) snprintf(text, size, "%d s", rounded);
    else if (rounded < 3600) snprintf(text, size, "%d:%02d", rounded / 60, rounded % 60);
    else snprintf(text, size, "%.1f h", seconds / 3600);
}

/* ---- what is said ---- */

void bench_progress_bar(char *text, size_t size, int width, double part, double left, const char *name)
{
    enum { BAR = 20, NUMBERS = 24, LEAST_NAME = 8 };
    char minutes[32], bar[] = "[....................] ";
    put_minutes(minutes, sizeof minutes, left);
    if (width < (int)sizeof bar + NUMBERS) *bar = 0;
    else memset(bar + 1, '#', (size_t)(fmin(part, 1) * BAR));
    const int used = snprintf(text, size, "%s%3.0f %%, %s left", bar, 100 * part, minutes);
    if (used + 2 + LEAST_NAME <= width) snprintf(text + used, size - (size_t)used, ", %.*s", width - used - 2, name);
    else if (used > width) text[width > 0 ? width : 0] = 0;
}

void bench_progress_start(const struct bench_results *results, double budget)
{
    char minutes[32], most[32];
    allowed = budget;
    last = 0;
    put_minutes(minutes, sizeof minutes, fmin(budget, bench_results_expected(results)));
    put_minutes(most, sizeof most, budget);
    fprintf(stderr, "%d kernels on %d problems, %d windows: about %s, at most %s (--budget)\n", results->row_count,
            results->problem_count, results->windows, minutes, most);
}

/* Some fifteen lines of a long run. */
static double between_lines(void) { return fmax(10, fmin(allowed, 3600) / 15); }

void bench_progress(const struct bench_results *results, const struct bench_result *row, double elapsed)
{
    const int terminal = bench_is_terminal(stderr);
    char text[512], minutes[32];
    if (elapsed - last < (terminal ? 0.1 : between_lines())) return;
    last = elapsed;
    const double part = part_of(results), left = bench_progress_left(results, elapsed, allowed);
    if (terminal) {
        const int width = columns() - 1;
        bench_progress_bar(text, sizeof text, width < 200 ? width : 200, part, left, row->name);
        fprintf(stderr, "%s%s", rewind_line(), text);
    } else {
        put_minutes(minutes, sizeof minutes, left);
        fprintf(stderr, "%3.0f %%, %d/%d windows, %.0f s, %s left\n", 100 * part, results->windows_done,
                results->windows, elapsed, minutes);
    }
    is_open = terminal;
    fflush(stderr);
}

void bench_progress_left_out(const struct bench_result *row)
{
    const int wrong = bench_is_wrong(row);
    fprintf(stderr, "%s%s%s%s%s on \"%s\": %s\n", rewind_line(), wrong ? bench_style(stderr, BENCH_RED) : "",
            wrong ? "WRONG " : "", row->kernel, wrong ? bench_style(stderr, BENCH_PLAIN) : "", row->of->text,
            row->failure);
    is_open = 0;
}

void bench_progress_end(void)
{
    fputs(rewind_line(), stderr);
    is_open = 0;
}
