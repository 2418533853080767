/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/json.h"

#include <jansson.h>
#include <math.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

static void set_number(struct object *object, const char *key, double value)
{
    if (isfinite(value)) set(object, key, json_real(value));
}

static int append(json_t *list, struct object object) { return json_array_append_new(list, object.json); }

static json_t *peers(const struct bench_results *results)
{
    json_t *list = json_array();
    for (int i = 0; i < results->peer_count; i++) json_array_append_new(list, json_string(results->peers[i]));
    return list;
}

static json_t *context(const struct bench_results *results)
{
    struct object object = {json_object()};
    fcnn_machine machine;
    char date[64] = "", host[256] = "";
    const time_t now = time(NULL);
    struct tm local;
    if (localtime_r(&now, &local)) strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S%z", &local);
    gethostname(host, sizeof host - 1);
    fcnn_machine_describe(&machine);
    set_text(&object, "date", date);
    set_text(&object, "host_name", host);
    set_text(&object, "executable", "fastcnn-bench");
    set_integer(&object, "num_cpus", machine.cores);
    set_text(&object, "cpu", machine.cpu);
    set_text(&object, "fastcnn", fcnn_version_details());
    set_integer(&object, "kernel_threads", results->threads);
    set(&object, "peers", peers(results));
    set_integer(&object, "windows_planned", results->windows);
    set_integer(&object, "windows_timed", results->windows_done);
    set_number(&object, "seconds", results->seconds);
    set(&object, "interrupted", json_boolean(results->signal));
    return object.json;
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
    return object;
}

static void set_times(struct object *object, double wall, double cpu, const char *unit, double factor)
{
    set_number(object, "real_time", wall * factor);
    set_number(object, "cpu_time", cpu * factor);
    set_text(object, "time_unit", unit);
}

static int append_window(json_t *list, const struct bench_result *row, int index)
{
    const struct bench_sample *sample = &row->samples[index];
    struct object object = entry(row, "iteration", NULL);
    set_integer(&object, "repetition_index", index);
    set_integer(&object, "iterations", sample->iterations);
    set_times(&object, sample->wall, sample->cpu, "us", 1e6);
    set_number(&object, "bytes_per_second", row->of->bytes / bench_time_of(row, sample));
    set_number(&object, "bytes", row->of->bytes);
    if (row->of->flops > 0) {
        set_number(&object, "GFLOP/s", bench_rate(row->of, bench_time_of(row, sample)));
        set_number(&object, "peak_GFLOP/s", sample->bounds.peak);
        set_number(&object, "percent_of_peak", bench_percent_of_peak(row, sample));
        set_number(&object, "error", row->error);
    }
    set_number(&object, "percent_of_memory", bench_percent_of_memory(row, sample));
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
    set_times(&object, wall, cpu, relative ? "ns" : "us", relative ? 1 : 1e6);
    if (!strcmp(name, "median")) {
        if (row->of->flops > 0) set_number(&object, "GFLOP/s", bench_rate(row->of, row->time.median));
        set_number(&object, "percent_of_peak", row->percent_of_peak.median);
        set_number(&object, "percent_of_memory", row->percent_of_memory.median);
        if (row->of->flops > 0) set_number(&object, "error", row->error);
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

/* What could not be timed says why. */
static int append_failure(json_t *list, const struct bench_result *row)
{
    struct object object = entry(row, "iteration", NULL);
    set(&object, "error_occurred", json_true());
    set_text(&object, "error_message", row->failure);
    return append(list, object);
}

int bench_json_write(const struct bench_results *results, FILE *out)
{
    struct object root = {json_object()};
    json_t *list = json_array();
    int failed = 0;
    for (int i = 0; i < results->row_count; i++) {
        const struct bench_result *row = &results->rows[i];
        failed |= row->verdict >= BENCH_WRONG ? append_failure(list, row) : append_row(list, row);
    }
    set(&root, "context", context(results));
    set(&root, "benchmarks", list);
    failed |= !root.json;
    if (!failed && !json_dumpf(root.json, out, JSON_INDENT(2) | JSON_REAL_PRECISION(9))) fputc('\n', out);
    json_decref(root.json);
    return !failed;
}
