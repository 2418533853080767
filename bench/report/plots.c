/* SPDX-License-Identifier: BSD-2-Clause
 * Results as pictures: which rows become bars, points and roofs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/report/html.h"
#include "bench/report/page.h"

/* ---- layers against peers ---- */

static int draw_direction(struct report *report, const struct bench_results *results,
                          const struct bench_comparison *c, int direction, int peer)
{
    struct report_bar *bars = calloc((size_t)c->count + 1, sizeof *bars);
    char title[256];
    int count = 0, there = 1;
    if (!bars) return 0;
    for (int i = 0; i < c->count; i++)
        if ((int)c->pairs[i].ours->of->problem.direction == direction)
            bars[count++] = (struct report_bar){c->pairs[i].ours->of->layer, c->pairs[i].ratio, NAN};
    snprintf(title, sizeof title, "%s: times faster than %s", fcnn_direction_name((fcnn_direction)direction),
             results->peers[peer]);
    if (count) there = report_draw_ratios(report, title, NULL, bars, count);
    free(bars);
    return there;
}

int report_bars(struct report *report, const struct report_file *file)
{
    const struct bench_results *results = &file->kept.results;
    int there = 1;
    for (int peer = 0; peer < results->peer_count && there; peer++) {
        struct bench_comparison c;
        if (!bench_compare(results, peer, &c)) return 0;
        for (int d = 0; d < BENCH_DIRECTIONS && there; d++) there = draw_direction(report, results, &c, d, peer);
        bench_comparison_free(&c);
    }
    return there;
}

/* ---- kernels as points ---- */

enum series { CHOSEN, OTHERS, WINOGRAD_F2, WINOGRAD_F4, PEERS, BF16, SCALAR, SERIES };
static const char *const series_names[SERIES] = {"taken by dispatch", "other exact", "winograd_f2", "winograd_f4",
                                                 "peers", "bf16", "scalar"};

static enum series series_of(const struct bench_result *row)
{
    if (row->kind != BENCH_OURS) return PEERS;
    if (row->is_chosen) return CHOSEN;
    if (row->isa == FCNN_SCALAR) return SCALAR;
    switch (row->numerics) {
    case FCNN_WINOGRAD_F2: return WINOGRAD_F2;
    case FCNN_WINOGRAD_F4: return WINOGRAD_F4;
    case FCNN_BF16: return BF16;
    default: return OTHERS;
    }
}

/* Points and the names they carry. */
struct points {
    struct report_point *list;
    char (*names)[320];
    int count;
};

static int make_points(struct points *points, int most)
{
    points->count = 0;
    points->list = calloc((size_t)most + 1, sizeof *points->list);
    points->names = calloc((size_t)most + 1, sizeof *points->names);
    return points->list && points->names;
}

static void free_points(struct points *points)
{
    free(points->list);
    free(points->names);
}

static void add_point(struct points *points, const struct bench_result *row, double x, double y)
{
    if (!(x > 0 && y > 0 && isfinite(x) && isfinite(y))) return;
    char *name = points->names[points->count];
    snprintf(name, sizeof *points->names, "%s %s, %s: %.4g, %.4g", row->of->layer,
             fcnn_direction_name(row->of->problem.direction), row->kernel, x, y);
    points->list[points->count++] = (struct report_point){name, x, y, series_of(row)};
}

static int has_roof(const struct bench_results *results, const struct bench_result *row)
{
    return row->of->flops > 0 && row->threads == results->threads && bench_is_timed(row);
}

/* ---- roofline ---- */

enum { MOST_ROOFS = BENCH_ISAS + 2 };
struct roofs {
    struct report_line lines[MOST_ROOFS];
    char names[MOST_ROOFS][64];
    int count;
};

static void add_roof(struct roofs *roofs, double x1, double y1, double x2, double y2)
{
    roofs->lines[roofs->count] = (struct report_line){roofs->names[roofs->count], x1, y1, x2, y2};
    roofs->count++;
}

/* GB/s of the traffic loop. */
struct speeds { double slow, fast; };

/* The quartiles over its problems: those in memory or a far cache are slow, those in a near one fast. 0: none. */
static struct speeds traffic_of(const struct bench_results *results)
{
    double *values = calloc((size_t)results->row_count + 1, sizeof *values);
    int count = 0;
    for (int i = 0; i < results->row_count; i++) {
        const struct bench_result *row = &results->rows[i];
        const double speed = 1e-9 * row->of->bytes / row->traffic.median;
        if (values && has_roof(results, row) && row->isa != FCNN_SCALAR && isfinite(speed)) values[count++] = speed;
    }
    const struct bench_summary s = bench_summarize(values, count);
    free(values);
    return count ? (struct speeds){s.lower, s.lower + s.range} : (struct speeds){0, 0};
}

static void add_slope(double speed, double left, double peak, struct roofs *roofs)
{
    snprintf(roofs->names[roofs->count], sizeof *roofs->names, "traffic %.0f GB/s", speed);
    add_roof(roofs, left, speed * left, peak / speed, peak);
}

static void make_roofs(const struct bench_results *results, const struct points *points, struct roofs *roofs)
{
    const struct speeds traffic = traffic_of(results);
    double left = HUGE_VAL, right = 0, highest = 0;
    roofs->count = 0;
    for (int i = 0; i < points->count; i++)
        left = fmin(left, points->list[i].x), right = fmax(right, points->list[i].x);
    for (int isa = 0; isa < BENCH_ISAS; isa++) {
        int count;
        const double peak = bench_peak_of_isa(results, (fcnn_isa)isa, &count).median * results->threads;
        if (!count || !(peak > 0)) continue;
        snprintf(roofs->names[roofs->count], sizeof *roofs->names, "%s peak %.3g GFLOP/s", fcnn_isa_name((fcnn_isa)isa),
                 peak);
        add_roof(roofs, traffic.fast > 0 ? fmin(peak / traffic.fast, right) : left, peak, right, peak);
        highest = fmax(highest, peak);
    }
    if (!(traffic.fast > 0 && highest > 0)) return;
    left = fmin(left, highest / traffic.fast / 2);
    add_slope(traffic.fast, left, highest, roofs);
    if (traffic.slow < 0.8 * traffic.fast) add_slope(traffic.slow, left, highest, roofs);
}

int report_roofline(struct report *report, const struct report_file *file)
{
    const struct bench_results *results = &file->kept.results;
    struct points points;
    struct roofs roofs;
    int there = make_points(&points, results->row_count);
    for (int i = 0; there && i < results->row_count; i++) {
        const struct bench_result *row = &results->rows[i];
        if (has_roof(results, row))
            add_point(&points, row, row->of->flops / row->of->bytes, bench_rate(row->of, row->time.median));
    }
    if (there && points.count) {
        make_roofs(results, &points, &roofs);
        const struct report_cloud cloud = {
            .title = "Roofline: every kernel on every layer", .x = "FLOP/byte: direct algorithm, every tensor once",
            .y = "GFLOP/s", .series = series_names, .series_count = SERIES, .points = points.list,
            .point_count = points.count, .lines = roofs.lines, .line_count = roofs.count};
        there = report_draw_cloud(report, &cloud);
    }
    free_points(&points);
    return there;
}

/* ---- speed against error ---- */

static const struct bench_result *choice_beside(const struct bench_results *results, const struct bench_result *row)
{
    const struct bench_rows beside = bench_beside(results, row);
    for (const struct bench_result *other = beside.first; other < beside.end; other++)
        if (report_is_choice(results, other)) return other;
    return NULL;
}

int report_errors(struct report *report, const struct report_file *file)
{
    const struct bench_results *results = &file->kept.results;
    struct points points;
    int there = make_points(&points, results->row_count);
    for (int i = 0; there && i < results->row_count; i++) {
        const struct bench_result *row = &results->rows[i];
        const struct bench_result *choice = has_roof(results, row) ? choice_beside(results, row) : NULL;
        if (choice && row->isa != FCNN_SCALAR)
            add_point(&points, row, choice->time.lower / row->time.lower, row->error);
    }
    if (there && points.count) {
        const struct report_cloud cloud = {
            .title = "Speed against error", .x = "times faster than what dispatch takes",
            .y = "error, in units of 2^-24 S", .series = series_names, .series_count = SERIES, .points = points.list,
            .point_count = points.count};
        there = report_draw_cloud(report, &cloud);
    }
    free_points(&points);
    return there;
}

/* ---- threads ---- */

static int draw_gains(struct report *report, const struct bench_results *results, const struct bench_scaling *s)
{
    struct report_bar *bars = calloc((size_t)s->count + 1, sizeof *bars);
    char (*names)[192] = calloc((size_t)s->count + 1, sizeof *names), title[128];
    int count = 0, there = bars && names;
    for (int i = 0; there && i < s->count; i++) {
        const struct bench_gain *g = &s->pairs[i];
        if (g->one->kind != BENCH_OURS || !(g->time > 0)) continue;
        snprintf(names[count], sizeof *names, "%s %s", g->one->of->layer,
                 fcnn_direction_name(g->one->of->problem.direction));
        bars[count] = (struct report_bar){names[count], g->time, g->peak};
        count++;
    }
    snprintf(title, sizeof title, "Times faster with %d threads than with one", results->threads);
    if (there && count) there = report_draw_ratios(report, title, "what the FMA peak gained", bars, count);
    free(bars);
    free(names);
    return there;
}

static void put_gain(FILE *out, const struct bench_gain *g)
{
    fputs("<tr>", out);
    html_cell_name(out, g->one->of->layer);
    html_cell(out, fcnn_direction_name(g->one->of->problem.direction));
    html_cell(out, g->one->kernel);
    html_cell_time(out, g->one->wall.median);
    html_cell_time(out, g->several->wall.median);
    html_cell_ratio(out, g->time);
    html_cell_number(out, g->peak, 2);
    html_cell_number(out, g->traffic, 2);
    fputs("</tr>\n", out);
}

int report_scaling(struct report *report, const struct report_file *file)
{
    const struct bench_results *results = &file->kept.results;
    struct bench_scaling s;
    char id[32];
    int there = 1;
    if (!bench_compare_threads(results, &s)) return 0;
    if (s.count) {
        there = draw_gains(report, results, &s);
        snprintf(id, sizeof id, "threads%d", (int)(file - report->files));
        html_table(report->out, id, "Threads", "layer|direction|kernel|#1 thread|#several|#gain|#peak|#memory");
        for (int i = 0; i < s.count; i++) put_gain(report->out, &s.pairs[i]);
        html_table_end(report->out);
    }
    bench_scaling_free(&s);
    return there;
}
