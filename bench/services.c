/* SPDX-License-Identifier: BSD-2-Clause
 * Results for services that follow benchmarks over commits. Both formats have series by name, smaller is better; a name
 * is the same in every run of the same machine.
 *   github-action-benchmark, tool customSmallerIsBetter: [{"name", "unit", "value", "range", "extra"}], the last two
 *     texts that are shown beside the value
 *   Bencher Metric Format, adapter json: {BENCHMARK: {MEASURE: {"value", "lower_value", "upper_value"}}}; the measure
 *     "latency" is in nanoseconds by definition */
#include <jansson.h>
#include <math.h>

#include "bench/exports.h"
#include "bench/summaries.h"

/* A point of a series. */
struct point {
    const char *name, *measure, *unit, *extra;
    double value, lower, upper; /* the last two are NAN where nothing is known of them */
};

typedef int add_point(json_t *root, const struct point *point);

static const char *name_of_opponent(const struct bench_results *results, int opponent)
{
    return opponent == BENCH_REFERENCE ? "reference" : results->peers[opponent];
}

static int add_time(json_t *root, const struct bench_result *row, add_point *add)
{
    const double lower = 1e9 * row->time.lower;
    return add(root, &(struct point){.name = row->name, .measure = "latency", .unit = "ns", .extra = row->of->text,
                                     .value = 1e9 * row->time.median, .lower = lower,
                                     .upper = lower + 1e9 * row->time.range});
}

/* By layer and direction, not by kernel: the series goes on where dispatch takes another one. */
static int add_ratio(json_t *root, const struct bench_results *results, const struct bench_result *row, int opponent,
                     add_point *add)
{
    const double ratio = 1 / bench_ratio(results, row, opponent);
    char name[128], measure[64], threads[32] = "";
    if (!isfinite(ratio)) return 0;
    if (results->scaling) snprintf(threads, sizeof threads, "/threads=%d", row->threads);
    snprintf(name, sizeof name, "%s/%s%s", row->of->layer, fcnn_direction_name(row->of->problem.direction), threads);
    snprintf(measure, sizeof measure, "time over %s", name_of_opponent(results, opponent));
    return add(root, &(struct point){name, measure, "ratio", row->kernel, ratio, NAN, NAN});
}

static int add_all(json_t *root, const struct bench_results *results, add_point *add)
{
    int failed = !root;
    for (int i = 0; i < results->row_count; i++) {
        const struct bench_result *row = &results->rows[i];
        if (!bench_is_timed(row)) continue;
        failed |= add_time(root, row, add);
        for (int j = BENCH_REFERENCE; row->is_chosen && j < results->peer_count; j++)
            failed |= add_ratio(root, results, row, j, add);
    }
    return failed;
}

/* 0: no memory. */
static int write_json(json_t *root, int failed, FILE *out)
{
    if (!failed && !json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(9))) fputc('\n', out);
    json_decref(root);
    return !failed;
}

/* ---- github-action-benchmark ---- */

static int add_to_list(json_t *root, const struct point *p)
{
    char name[256], range[64];
    const int is_time = isfinite(p->lower);
    snprintf(name, sizeof name, "%s%s%s", p->name, is_time ? "" : ": ", is_time ? "" : p->measure);
    json_t *one = json_pack("{s:s, s:s, s:f, s:s}", "name", name, "unit", p->unit, "value", p->value, "extra",
                            p->extra);
    snprintf(range, sizeof range, "%.9g to %.9g", p->lower, p->upper);
    if (is_time && one && json_object_set_new(one, "range", json_string(range))) json_decref(one), one = NULL;
    return json_array_append_new(root, one);
}

int bench_github_write(const struct bench_results *results, FILE *out)
{
    json_t *root = json_array();
    return write_json(root, add_all(root, results, add_to_list), out);
}

/* ---- Bencher ---- */

static int add_to_object(json_t *root, const struct point *p)
{
    json_t *benchmark = json_object_get(root, p->name);
    if (!benchmark && json_object_set_new(root, p->name, benchmark = json_object())) return 1;
    json_t *metric = json_pack("{s:f}", "value", p->value);
    if (isfinite(p->lower) && metric &&
        json_object_update_new(metric, json_pack("{s:f, s:f}", "lower_value", p->lower, "upper_value", p->upper)))
        json_decref(metric), metric = NULL;
    return json_object_set_new(benchmark, p->measure, metric);
}

int bench_bencher_write(const struct bench_results *results, FILE *out)
{
    json_t *root = json_object();
    return write_json(root, add_all(root, results, add_to_object), out);
}
