/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/json_read.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "bench/json.h"
#include "lib/io/json_text.h"

/* MOST_BESIDE: rows of one problem, which are looked through for each other; there are not half as many kernels. */
enum { MOST_ROWS = 100000, MOST_BESIDE = 1000, MOST_WINDOWS = 1000000, MOST_THREADS = 4096 };
#define MOST_BYTES  ((size_t)128 << 20)
#define MOST_MEMORY ((uint64_t)1 << 30)

/* ---- the file ---- */

static int cannot(const char *path, const char *why, int status)
{
    fprintf(stderr, "fastcnn-bench: %s: %s\n", path, why);
    return status;
}

static int parse(const char *path, const char *text, size_t length, json_t **root)
{
    json_error_t error;
    if (io_json_memory(text, length) > MOST_MEMORY)
        return cannot(path, "to be read it would take more than 1 GiB of memory", EX_DATAERR);
    *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (*root) return 0;
    if (json_error_code(&error) == json_error_out_of_memory) return cannot(path, "no memory", EX_OSERR);
    fprintf(stderr, "fastcnn-bench: %s:%d: %s\n", path, error.line, error.text);
    return EX_DATAERR;
}

int bench_json_load(const char *path, json_t **root)
{
    char *text;
    size_t length;
    const int error = io_stream_read(&text, &length, path, MOST_BYTES);
    *root = NULL;
    if (error == EFBIG) return cannot(path, "more than 128 MiB", EX_DATAERR);
    if (error == ENOMEM) return cannot(path, "no memory", EX_OSERR);
    if (error) return cannot(path, strerror(error), EX_NOINPUT);
    const int status = parse(path, text, length, root);
    free(text);
    return status;
}

/* ---- fields ---- */

/* An object and where it stands. Once something is wrong, that has been said, and nothing more is. */
struct reader {
    const char *path;
    char place[40]; /* "context.", "benchmarks[7]." */
    const json_t *object;
    int status;
};

__attribute__((format(printf, 3, 4)))
static void wrong(struct reader *r, const char *key, const char *format, ...)
{
    va_list arguments;
    if (r->status) return;
    r->status = EX_DATAERR;
    fprintf(stderr, "fastcnn-bench: %s: %s%s: ", r->path, r->place, key);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

static const json_t *find(const struct reader *r, const char *key) { return json_object_get(r->object, key); }

static const json_t *need(struct reader *r, const char *key)
{
    const json_t *value = find(r, key);
    if (!value) wrong(r, key, "is missing");
    return value;
}

/* A text goes to terminals, too: control characters would do something there. */
static int is_plain(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 127) return 0;
    return 1;
}

static void read_text(struct reader *r, const char *key, char *text, size_t size)
{
    const json_t *value = need(r, key);
    if (!value) return;
    const size_t length = json_string_length(value);
    if (!json_is_string(value)) wrong(r, key, "expected a text");
    else if (length >= size) wrong(r, key, "expected less than %zu bytes", size);
    else if (!is_plain(json_string_value(value), length)) wrong(r, key, "has control characters");
    else memcpy(text, json_string_value(value), length + 1);
}

static int64_t read_integer(struct reader *r, const char *key, int64_t least, int64_t most)
{
    const json_t *value = need(r, key);
    if (!value) return least;
    if (json_is_integer(value) && json_integer_value(value) >= least && json_integer_value(value) <= most)
        return json_integer_value(value);
    wrong(r, key, "expected an integer from %lld to %lld", (long long)least, (long long)most);
    return least;
}

/* NAN where it is left out. */
static double read_measured(struct reader *r, const char *key)
{
    const json_t *value = find(r, key);
    if (!value) return NAN;
    if (!json_is_number(value) || json_number_value(value) < 0) wrong(r, key, "expected a number, 0 or more");
    return json_number_value(value);
}

static double read_number(struct reader *r, const char *key)
{
    need(r, key);
    return read_measured(r, key);
}

static int read_flag(struct reader *r, const char *key)
{
    const json_t *value = need(r, key);
    if (value && !json_is_boolean(value)) wrong(r, key, "expected true or false");
    return json_is_true(value);
}

/* Which of the names 0 to count - 1. */
static int read_name(struct reader *r, const char *key, const char *name_of(int), int count)
{
    char text[32] = "";
    read_text(r, key, text, sizeof text);
    for (int i = 0; i < count; i++)
        if (!strcmp(text, name_of(i))) return i;
    wrong(r, key, "\"%s\" is not known", text);
    return 0;
}

static const char *isa_name(int i) { return fcnn_isa_name((fcnn_isa)i); }
static const char *class_name(int i) { return fcnn_class_name((fcnn_class)i); }
static const char *kind_name(int i) { return bench_kind_name((enum bench_kind)i); }
static const char *verdict_name(int i) { return bench_verdict_name((enum bench_verdict)i); }

/* ---- context ---- */

static void read_caches(struct reader *r, struct bench_context *c)
{
    const json_t *list = need(r, "caches");
    int64_t *const sizes[] = {&c->l1d, &c->l2, &c->l3};
    for (size_t i = 0; i < 3 && !r->status; i++) {
        struct reader one = {.path = r->path, .object = json_array_get(list, i)};
        snprintf(one.place, sizeof one.place, "context.caches[%zu].", i);
        *sizes[i] = read_integer(&one, "size", 0, INT64_MAX);
        r->status = one.status;
    }
}

static void read_peers(struct reader *r, struct bench_results *results)
{
    const json_t *list = need(r, "peers");
    if (list && !json_is_array(list)) wrong(r, "peers", "expected a list");
    if (json_array_size(list) > BENCH_MOST_PEERS) wrong(r, "peers", "more than %d", BENCH_MOST_PEERS);
    for (size_t i = 0; i < json_array_size(list) && !r->status; i++) {
        const char *name = json_string_value(json_array_get(list, i));
        if (!name || !is_plain(name, strlen(name)) || strlen(name) > 64) wrong(r, "peers", "expected short texts");
        else if (!(results->peers[results->peer_count++] = strdup(name))) r->status = EX_OSERR;
    }
}

static void read_context(struct reader *r, struct bench_kept *kept)
{
    struct bench_context *c = &kept->context;
    struct bench_results *results = &kept->results;
    if (!json_is_object(r->object)) wrong(r, "", "this is not what fastcnn-bench --json writes");
    read_text(r, "date", c->date, sizeof c->date);
    read_text(r, "host_name", c->host, sizeof c->host);
    read_text(r, "cpu", c->cpu, sizeof c->cpu);
    read_text(r, "isas", c->isas, sizeof c->isas);
    read_text(r, "fastcnn", c->version, sizeof c->version);
    read_text(r, "compiler", c->compiler, sizeof c->compiler);
    c->cores = (int)read_integer(r, "num_cpus", 0, MOST_THREADS);
    read_caches(r, c);
    read_peers(r, results);
    results->threads = (int)read_integer(r, "kernel_threads", 1, MOST_THREADS);
    results->windows = (int)read_integer(r, "windows_planned", 0, INT32_MAX);
    results->windows_done = (int)read_integer(r, "windows_timed", 0, INT32_MAX);
    results->seconds = read_number(r, "seconds");
    results->signal = (int)read_integer(r, "signal", 0, 127);
}

/* ---- rows ---- */

static int is_text(const json_t *object, const char *key, const char *text)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value && !strcmp(value, text);
}

/* A row begins with its first window, or with the entry that says why it has none; aggregates follow from windows. */
static int begins_row(const json_t *object)
{
    return is_text(object, "run_type", "iteration") &&
           (json_is_true(json_object_get(object, "error_occurred")) ||
            json_integer_value(json_object_get(object, "repetition_index")) == 0);
}

static int continues_row(const json_t *object, const json_t *first, size_t index)
{
    const json_t *name = json_object_get(first, "run_name");
    return is_text(object, "run_type", "iteration") && !json_object_get(object, "error_occurred") &&
           json_integer_value(json_object_get(object, "repetition_index")) == (json_int_t)index &&
           json_equal(json_object_get(object, "run_name"), name);
}

static void read_problem(struct reader *r, struct bench_problem *p)
{
    read_text(r, "layer", p->layer, sizeof p->layer);
    read_text(r, "problem", p->text, sizeof p->text);
    p->flops = read_number(r, "flops");
    p->bytes = read_number(r, "bytes");
    if (!r->status && fcnn_problem_parse(&p->problem, p->text)) wrong(r, "problem", "%s", fcnn_last_error());
}

/* Its name is what run_name has before the suffix. */
static void read_names(struct reader *r, struct bench_result *row)
{
    char run[sizeof row->name + sizeof row->suffix] = "";
    read_text(r, "run_name", run, sizeof run);
    read_text(r, "suffix", row->suffix, sizeof row->suffix);
    read_text(r, "kernel", row->kernel, sizeof row->kernel);
    if (find(r, "failure")) read_text(r, "failure", row->failure, sizeof row->failure);
    const size_t length = strlen(run), rest = strlen(row->suffix);
    if (length < rest || strcmp(run + length - rest, row->suffix) || length - rest >= sizeof row->name)
        wrong(r, "run_name", "does not end in the suffix, or is too long");
    else snprintf(row->name, sizeof row->name, "%.*s", (int)(length - rest), run);
}

static void read_row(struct reader *r, const struct bench_results *results, struct bench_result *row)
{
    read_names(r, row);
    row->isa = (fcnn_isa)read_name(r, "isa", isa_name, BENCH_ISAS);
    row->kind = (enum bench_kind)read_name(r, "kind", kind_name, BENCH_PEER_CONVERTED + 1);
    if (row->kind == BENCH_OURS) row->numerics = (fcnn_class)read_name(r, "class", class_name, BENCH_CLASSES);
    else row->peer = (int)read_integer(r, "peer", 0, results->peer_count - 1);
    row->verdict = (enum bench_verdict)read_name(r, "verdict", verdict_name, BENCH_NOT_RUN + 1);
    if (row->verdict == BENCH_BROKEN) row->status = (fcnn_status)read_integer(r, "status", 0, 1000);
    row->is_chosen = read_flag(r, "chosen");
    row->is_doubted = read_flag(r, "doubted");
    row->is_reference = read_flag(r, "reference");
    row->threads = (int)read_integer(r, "threads", 1, MOST_THREADS);
    row->windows = (int)read_integer(r, "repetitions", 1, MOST_WINDOWS);
    row->executions = read_integer(r, "executions", 0, INT64_MAX);
    row->events.allocations = read_integer(r, "all_allocations", 0, INT64_MAX);
    row->events.page_faults = read_integer(r, "all_page_faults", 0, INT64_MAX);
    row->error = read_measured(r, "error");
}

static void read_window(struct reader *r, const struct bench_result *row, struct bench_sample *sample)
{
    if (!is_text(r->object, "time_unit", "us")) wrong(r, "time_unit", "expected \"us\"");
    sample->iterations = read_integer(r, "iterations", 1, INT64_MAX);
    sample->wall = read_number(r, "real_time") / 1e6;
    sample->cpu = read_number(r, "cpu_time") / 1e6;
    sample->bounds.peak = row->of->flops > 0 ? read_measured(r, "peak_GFLOP/s") : 0;
    sample->bounds.traffic = read_measured(r, "traffic_us") / 1e6;
    if (row->kind == BENCH_OURS) sample->events.allocations = read_integer(r, "allocations", 0, INT64_MAX);
    sample->events.page_faults = read_integer(r, "page_faults", 0, INT64_MAX);
}

static struct reader reader_at(const char *path, const json_t *list, size_t index)
{
    struct reader r = {.path = path, .object = json_array_get(list, index)};
    snprintf(r.place, sizeof r.place, "benchmarks[%zu].", index);
    return r;
}

/* The windows from `first` to `end` - 1. */
static int read_windows(const char *path, const json_t *list, size_t first, size_t end, struct bench_result *row)
{
    if (end - first > (size_t)row->windows) {
        struct reader r = reader_at(path, list, first);
        return wrong(&r, "repetitions", "there are more windows"), r.status;
    }
    row->samples = calloc(end - first, sizeof *row->samples);
    if (!row->samples) return cannot(path, "no memory", EX_OSERR);
    for (size_t i = first; i < end; i++) {
        struct reader r = reader_at(path, list, i);
        read_window(&r, row, &row->samples[row->count++]);
        if (r.status) return r.status;
    }
    return 0;
}

/* The row that begins at `first`. Rows of a problem stand side by side. */
static int add_row(const char *path, const json_t *list, size_t first, struct bench_kept *kept)
{
    struct bench_results *results = &kept->results;
    struct reader r = reader_at(path, list, first);
    struct bench_problem *problem = &kept->problems[results->problem_count];
    const struct bench_problem *last = results->problem_count ? problem - 1 : NULL;
    struct bench_result *row = &results->rows[results->row_count++];
    size_t end = first;
    read_problem(&r, problem);
    const int is_same = last && !strcmp(last->layer, problem->layer) && !strcmp(last->text, problem->text);
    results->problem_count += !is_same;
    row->of = is_same ? last : problem;
    if (results->row_count > MOST_BESIDE && row[-MOST_BESIDE].of == row->of)
        wrong(&r, "problem", "more than %d kernels of one", MOST_BESIDE);
    read_row(&r, results, row);
    if (r.status || json_object_get(r.object, "error_occurred")) return r.status;
    while (end < json_array_size(list) && continues_row(json_array_get(list, end), r.object, end - first)) end++;
    return read_windows(path, list, first, end, row);
}

static int read_rows(const char *path, const json_t *list, struct bench_kept *kept)
{
    size_t count = 0;
    int status = 0;
    for (size_t i = 0; i < json_array_size(list); i++) count += (size_t)begins_row(json_array_get(list, i));
    if (count > MOST_ROWS) return cannot(path, "benchmarks: more than 100000 kernels", EX_DATAERR);
    kept->results.rows = calloc(count + 1, sizeof *kept->results.rows);
    kept->problems = calloc(count + 1, sizeof *kept->problems);
    if (!kept->results.rows || !kept->problems) return cannot(path, "no memory", EX_OSERR);
    for (size_t i = 0; i < json_array_size(list) && !status; i++)
        if (begins_row(json_array_get(list, i))) status = add_row(path, list, i, kept);
    return status;
}

int bench_json_take(const char *path, const json_t *root, struct bench_kept *kept)
{
    const json_t *list = json_object_get(root, "benchmarks");
    struct reader r = {.path = path, .place = "context.", .object = json_object_get(root, "context")};
    memset(kept, 0, sizeof *kept);
    read_context(&r, kept);
    if (r.status == EX_OSERR) return cannot(path, "no memory", EX_OSERR);
    if (r.status) return r.status;
    if (!json_is_array(list)) return cannot(path, "benchmarks: expected a list", EX_DATAERR);
    const int status = read_rows(path, list, kept);
    if (status) return status;
    return bench_results_summarize(&kept->results) ? 0 : cannot(path, "no memory", EX_OSERR);
}

int bench_json_read(const char *path, struct bench_kept *kept)
{
    json_t *root;
    memset(kept, 0, sizeof *kept);
    const int status = bench_json_load(path, &root);
    if (status) return status;
    const int taken = bench_json_take(path, root, kept);
    json_decref(root);
    return taken;
}

void bench_kept_free(struct bench_kept *kept)
{
    struct bench_results *results = &kept->results;
    for (int i = 0; i < results->row_count; i++) free(results->rows[i].samples);
    for (int i = 0; i < results->peer_count; i++) free((char *)(uintptr_t)results->peers[i]);
    free(results->rows);
    free(kept->problems);
}
