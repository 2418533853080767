/* SPDX-License-Identifier: BSD-2-Clause
 * The parts of the page. Each writes what there is of its subject, and nothing where there is nothing. Those that
 * return an int: 0 is no memory. */
#ifndef BENCH_REPORT_PAGE_H
#define BENCH_REPORT_PAGE_H

#include <stdio.h>

#include "bench/json_read.h"
#include "bench/summaries.h"

enum report_kind { REPORT_RESULTS, REPORT_MODEL, REPORT_ORDERS, REPORT_PROGRAMS, REPORT_TRAINING };

struct report_file {
    const char *name; /* of the file, without its folders */
    enum report_kind kind;
    struct json_t *root;
    struct bench_kept kept; /* of results */
};

struct report {
    struct report_file *files;
    int count;
    int pictures, no_gnuplot; /* drawn so far; it was asked, and could not */
    FILE *out;
};

/* ---- model.c: what the page's numbers are ---- */

/* A network in one direction, or all of its directions (BENCH_DIRECTIONS); of an empty network: all together. */
struct report_group {
    char network[64];
    int direction, layers; /* layers: with a row that dispatch takes and that was timed */
    struct bench_mean reference, peers[BENCH_MOST_PEERS]; /* times faster than these */
};

/* In the order of the results; of several networks the last are of all. To be freed; NULL: no memory. */
struct report_group *report_groups(const struct bench_results *results, int *count);

/* A layer's network: what its name has before the dot. */
void report_network(const char *layer, char *name, size_t size);

/* Taken by dispatch, timed, with as many threads as were asked for. */
int report_is_choice(const struct bench_results *results, const struct bench_result *row);

/* ---- fields of files that are not looked at before; NAN and "?" where there is none ---- */

double report_number(const struct json_t *object, const char *key);
const char *report_string(const struct json_t *object, const char *key);

/* ---- parts, in the page's order ---- */

int report_summary(struct report *report, const struct report_file *file);
int report_bars(struct report *report, const struct report_file *file);
int report_roofline(struct report *report, const struct report_file *file);
int report_errors(struct report *report, const struct report_file *file);
int report_scaling(struct report *report, const struct report_file *file);
int report_batches(struct report *report, const struct report_file *file);
int report_predictions(struct report *report);
int report_trainings(struct report *report);
int report_orders(struct report *report);
int report_sides(struct report *report);
int report_rows(struct report *report, const struct report_file *file);

/* ---- charts.c: gnuplot's scripts ---- */

struct report_bar {
    const char *name;
    double value, mark; /* mark: a point beside the bar; NAN: none */
};

/* Ratios as bars from 1, on a logarithmic axis: gains to the right, losses to the left. */
int report_draw_ratios(struct report *report, const char *title, const char *mark, const struct report_bar *bars,
                       int count);
/* Amounts of a unit as bars from 0; the mark is how far they spread to either side. */
int report_draw_amounts(struct report *report, const char *title, const char *unit, const struct report_bar *bars,
                        int count);

struct report_point { const char *name; double x, y; int series; };
struct report_line { const char *name; double x1, y1, x2, y2; }; /* with its name at the end */

/* Points on two logarithmic axes, in series with a name each. */
struct report_cloud {
    const char *title, *x, *y;
    const char *const *series;
    int series_count, point_count, line_count;
    struct report_point *points;
    const struct report_line *lines;
};
int report_draw_cloud(struct report *report, const struct report_cloud *cloud);

/* What make puts here from page.css and page.js: lines, NULL at the end. */
extern const char *const report_css[], *const report_js[];

#endif
