/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/json.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Measured numbers keep 15 digits, so that a file that is read and written again is the same; what follows from them
 * 9, which differences in the sixteenth digit do not reach. */
#define DIGITS 15

/* An object under construction: once something failed, `json` is NULL and stays it. */
struct object { json_t *json; };

static void set(struct object *object, const char *key, json_t *value)
{
    if (!object->json) json_decref(value);
    else if (json_object_set_new(object->json, key, value)) json_decref(object->json), object->json = NULL;
}

static void set_text(struct object *object, const char *key, const char *text)
{
    json_t *value = json_string(text);
    set(object, key, value ? value : json_string("?")); /* not UTF-8 */
}

static void set_integer(struct object *object, const char *key, int64_t value)
{
    set(object, key, json_integer(value));
}

static void set_measured(struct object *object, const char *key, double value)
{
    if (isfinite(value)) set(object, key, json_real(value));
}

static void set_derived(struct object *object, const char *key, double value)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%.9g", value);
    set_measured(object, key, strtod(digits, NULL));
}

static int append(json_t *list, struct object object) { return json_array_append_new(list, object.json); }

static json_t *peers(const struct bench_results *results)
{
    json_t *list = json_array();
    for (int i = 0; i < results->peer_count; i++) json_array_append_new(list, json_string(results->peers[i]));
    return list;
}

static json_t *cache(const char *type, int level, int64_t size)
{
    return json_pack("{s:s, s:i, s:I}", "type", type, "level", level, "size", (json_int_t)size);
}

/* As Google Benchmark lists them; those of unknown size have 0. */
static json_t *caches(const struct bench_context *c)
{
    json_t *list = json_array();
    json_array_append_new(list, cache("Data", 1, c->l1d));
    json_array_append_new(list, cache("Unified", 2, c->l2));
    json_array_append_new(list, cache("Unified", 3, c->l3));
    return list;
}

json_t *bench_json_context(const struct bench_context *c, int threads)
{
    struct object object = {json_object()};
    set_text(&object, "date", c->date);
    set_text(&object, "host_name", c->host);
    set_text(&object, "executable", "fastcnn-bench");
    set_integer(&object, "num_cpus", c->cores);
    set(&object, "caches", caches(c));
    set_text(&object, "cpu", c->cpu);
    set_text(&object, "isas", c->isas);
    set_text(&object, "fastcnn", c->version);
    set_text(&object, "compiler", c->compiler);
    set_integer(&object, "kernel_threads", threads);
    return object.json;
}

static json_t *context(const struct bench_results *results, const struct bench_context *c)
{
    struct object object = {bench_json_context(c, results->threads)};
    set(&object, "peers", peers(results));
    set_integer(&object, "windows_planned", results->windows);
    set_integer(&object, "windows_timed", results->windows_done);
    set_derived(&object, "seconds", results->seconds);
    set(&object, "interrupted", json_boolean(results->signal));
    set_integer(&object, "signal", results->signal);
    return object.json;
}

const char *bench_verdict_name(enum bench_verdict verdict)
{
    static const char *const names[] = {"unchecked", "right", "wrong", "broken", "not_run"};
    return verdict <= BENCH_NOT_RUN ? names[verdict] : "?";
}

const char *bench_kind_name(enum bench_kind kind)
{
    static const char *const names[] = {"ours", "peer", "peer_auto", "peer_converted"};
    return kind <= BENCH_PEER_CONVERTED ? names[kind] : "?";
}

/* What a file is read back by, and the sums over all of the row's windows. */
static void set_row(struct object *object, const struct bench_result *row)
{
    set_text(object, "suffix", row->suffix);
    set_text(object, "layer", row->of->layer);
    set_measured(object, "flops", row->of->flops);
    set_measured(object, "bytes", row->of->bytes);
    set_text(object, "kind", bench_kind_name(row->kind));
    if (row->kind != BENCH_OURS) set_integer(object, "peer", row->peer);
    set_text(object, "verdict", bench_verdict_name(row->verdict));
    if (row->verdict == BENCH_BROKEN) set_integer(object, "status", row->status);
    if (*row->failure) set_text(object, "failure", row->failure);
    set(object, "doubted", json_boolean(row->is_doubted));
    set(object, "reference", json_boolean(row->is_reference));
    set_integer(object, "executions", row->executions);
    set_integer(object, "all_allocations", row->events.allocations);
    set_integer(object, "all_page_faults", row->events.page_faults);
    set_measured(object, "error", row->error);
}

/* What all entries of a kernel have. */
static struct object entry(const struct bench_result *row, const char *type, const char *aggregate)
{
    struct object object = {json_object()};
    char run[sizeof row->name + sizeof row->suffix], name[sizeof run + 16];
    snprintf(run, sizeof run, "%s%s", row->name, row->suffix);
    snprintf(name, sizeof name, "%s%s%s", run, aggregate ? "_" : "", aggregate ? aggregate : "");
    set_text(&object, "name", name);
    set_text(&object, "run_name", run);
    set_text(&object, "run_type", type);
    set_integer(&object, "repetitions", row->windows);
    if (aggregate) set_text(&object, "aggregate_name", aggregate);
    set_text(&object, "problem", row->of->text);
    set_text(&object, "direction", fcnn_direction_name(row->of->problem.direction));
    set_text(&object, "kernel", row->kernel);
    set_text(&object, "isa", fcnn_isa_name(row->isa));
    set_text(&object, "class", row->kind == BENCH_OURS ? fcnn_class_name(row->numerics) : "peer");
    set(&object, "chosen", json_boolean(row->is_chosen));
    set_integer(&object, "threads", row->threads);
    if (row->kind != BENCH_OURS) set_text(&object, "label", row->kernel);
    set_row(&object, row);
    return object;
}

typedef void set_real(struct object *object, const char *key, double value);

static void set_times(struct object *object, set_real *set_time, double wall, double cpu, const char *unit)
{
    set_time(object, "real_time", wall);
    set_time(object, "cpu_time", cpu);
    set_text(object, "time_unit", unit);
}

static int append_window(json_t *list, const struct bench_result *row, int index)
{
    const struct bench_sample *sample = &row->samples[index];
    struct object object = entry(row, "iteration", NULL);
    set_integer(&object, "repetition_index", index);
    set_integer(&object, "iterations", sample->iterations);
    set_times(&object, set_measured, sample->wall * 1e6, sample->cpu * 1e6, "us");
    set_derived(&object, "bytes_per_second", row->of->bytes / bench_time_of(row, sample));
    set_measured(&object, "traffic_us", sample->bounds.traffic * 1e6);
    if (row->of->flops > 0) {
        set_derived(&object, "GFLOP/s", bench_rate(row->of, bench_time_of(row, sample)));
        set_measured(&object, "peak_GFLOP/s", sample->bounds.peak);
        set_derived(&object, "percent_of_peak", bench_percent_of_peak(row, sample));
    }
    set_derived(&object, "percent_of_memory", bench_percent_of_memory(row, sample));
    if (row->kind == BENCH_OURS) set_integer(&object, "allocations", sample->events.allocations);
    set_integer(&object, "page_faults", sample->events.page_faults);
    return append(list, object);
}

/* Mean and standard deviation of one kind of time; the deviation of a single window is not known. */
struct moments { double mean, deviation; };

static struct moments moments_of(const struct bench_result *row, bench_value *value)
{
    struct moments m = {0, NAN};
    double squares = 0;
    for (int i = 0; i < row->count; i++) m.mean += value(row, &row->samples[i]) / row->count;
    for (int i = 0; i < row->count; i++) squares += pow(value(row, &row->samples[i]) - m.mean, 2);
    if (row->count > 1) m.deviation = sqrt(squares / (row->count - 1));
    return m;
}

static int append_aggregate(json_t *list, const struct bench_result *row, const char *name, double wall, double cpu)
{
    const int relative = !strcmp(name, "cv");
    struct object object = entry(row, "aggregate", name);
    set_text(&object, "aggregate_unit", relative ? "percentage" : "time");
    set_integer(&object, "iterations", row->count);
    const double unit = relative ? 1 : 1e6;
    set_times(&object, set_derived, wall * unit, cpu * unit, relative ? "ns" : "us");
    if (!strcmp(name, "median")) {
        if (row->of->flops > 0) set_derived(&object, "GFLOP/s", bench_rate(row->of, row->time.median));
        set_derived(&object, "percent_of_peak", row->percent_of_peak.median);
        set_derived(&object, "percent_of_memory", row->percent_of_memory.median);
    }
    return append(list, object);
}

static int append_row(json_t *list, const struct bench_result *row)
{
    int failed = 0;
    for (int i = 0; i < row->count; i++) failed |= append_window(list, row, i);
    if (!bench_is_timed(row)) return failed;
    const struct moments wall = moments_of(row, bench_wall_of), cpu = moments_of(row, bench_cpu_of);
    failed |= append_aggregate(list, row, "mean", wall.mean, cpu.mean);
    failed |= append_aggregate(list, row, "median", row->wall.median, row->cpu.median);
    failed |= append_aggregate(list, row, "stddev", wall.deviation, cpu.deviation);
    return failed | append_aggregate(list, row, "cv", wall.deviation / wall.mean, cpu.deviation / cpu.mean);
}

/* What was not timed says why. */
static int append_failure(json_t *list, const struct bench_result *row)
{
    struct object object = entry(row, "iteration", NULL);
    set(&object, "error_occurred", json_true());
    set_text(&object, "error_message", *row->failure ? row->failure : "not timed");
    return append(list, object);
}

static json_t *make_json(const struct bench_results *results, const struct bench_context *from)
{
    struct object root = {json_object()};
    json_t *list = json_array();
    int failed = 0;
    for (int i = 0; i < results->row_count; i++) {
        const struct bench_result *row = &results->rows[i];
        const int is_there = row->verdict < BENCH_WRONG && row->count;
        failed |= is_there ? append_row(list, row) : append_failure(list, row);
    }
    set(&root, "context", context(results, from));
    set(&root, "benchmarks", list);
    if (!failed) return root.json;
    json_decref(root.json);
    return NULL;
}

int bench_json_write_kept(const struct bench_results *results, const struct bench_context *from, FILE *out)
{
    json_t *root = make_json(results, from);
    const int made = root != NULL;
    if (made && !json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(DIGITS))) fputc('\n', out);
    json_decref(root);
    return made;
}

int bench_json_write(const struct bench_results *results, FILE *out)
{
    struct bench_context now;
    bench_context_now(&now);
    return bench_json_write_kept(results, &now, out);
}
