/* SPDX-License-Identifier: BSD-2-Clause
 * Latency and throughput of the MNIST model. Rounds have a window of single images and one call with many, so that a
 * slow moment of the machine hits both. */
#include "bench/model.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "bench/format.h"
#include "bench/interrupt.h"
#include "bench/json.h"
#include "bench/measure.h"
#include "bench/output.h"
#include "bench/statistics.h"

enum { PIXELS = 28 * 28, DIGITS = 10, MOST_CALLS = 1 << 16 };

/* ---- what the calls come to ---- */

struct bench_latency bench_latency_of(double *seconds, int count)
{
    const double median = bench_summarize(seconds, count).median;
    return (struct bench_latency){median, count ? bench_quantile(seconds, count, 0.99) : NAN};
}

static void print_line(const char *name, double *seconds, int count, int images, FILE *out)
{
    const struct bench_latency l = bench_latency_of(seconds, count);
    fprintf(out, "  %-14s", name);
    bench_print_time(out, l.median);
    bench_print_time(out, l.p99);
    bench_print_number(out, 14, 0, images / l.median);
    fprintf(out, "%8d\n", count);
}

void bench_model_print(struct bench_model_times *t, FILE *out)
{
    char many[32];
    snprintf(many, sizeof many, "%d images", BENCH_MANY_IMAGES);
    fprintf(out, "%s\n\nThe MNIST model, %lld parameters, %.3g MFLOP an image, %d thread%s, warm; fcnn_predict():\n"
            "  %-14s%11s%11s%14s%8s\n", fcnn_version_details(), (long long)t->parameters, t->flops * 1e-6, t->threads,
            t->threads == 1 ? "" : "s", "", "p50   ", "p99   ", "images/s", "calls");
    print_line("1 image", t->one, t->one_count, 1, out);
    print_line(many, t->many, t->many_count, BENCH_MANY_IMAGES, out);
}

static int append(json_t *list, int threads, int images, const char *what, double seconds, int calls)
{
    char name[64], program[96];
    snprintf(name, sizeof name, "mnist.model/predict@%d_%s", images, what);
    snprintf(program, sizeof program, "fastcnn %s", fcnn_version());
    json_t *one = json_pack("{s:s, s:s, s:s, s:s, s:i, s:f, s:f, s:s, s:f}", "name", name, "run_name", name, "run_type",
                            "aggregate", "aggregate_name", what, "iterations", calls, "real_time", seconds * 1e6,
                            "cpu_time", seconds * 1e6, "time_unit", "us", "items_per_second", images / seconds);
    json_t *about = json_pack("{s:s, s:i, s:i}", "program", program, "threads", threads, "images", images);
    const int failed = !one || json_object_update(one, about);
    json_decref(about);
    return json_array_append_new(list, one) | failed;
}

int bench_model_json(struct bench_model_times *t, FILE *out)
{
    const struct bench_latency one = bench_latency_of(t->one, t->one_count);
    const struct bench_latency many = bench_latency_of(t->many, t->many_count);
    json_t *list = json_array();
    struct bench_context context;
    int failed = 0;
    bench_context_now(&context);
    if (t->one_count) failed |= append(list, t->threads, 1, "median", one.median, t->one_count);
    if (t->one_count) failed |= append(list, t->threads, 1, "p99", one.p99, t->one_count);
    if (t->many_count) failed |= append(list, t->threads, BENCH_MANY_IMAGES, "median", many.median, t->many_count);
    json_t *root = json_pack("{s:o, s:{s:s, s:I, s:f}, s:o}", "context", bench_json_context(&context, t->threads),
                             "model", "name", "mnist", "parameters", (json_int_t)t->parameters, "flops", t->flops,
                             "benchmarks", list);
    if (!failed && root && !json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(9))) fputc('\n', out);
    failed |= !root;
    json_decref(root);
    return !failed;
}

/* ---- the measurement ---- */

/* A model with what it works on. */
struct subject {
    fcnn_model *model;
    float *images, *answers; /* of BENCH_MANY_IMAGES */
};

static void fill(float *images)
{
    uint32_t x = 1;
    for (int i = 0; i < BENCH_MANY_IMAGES * PIXELS; i++) {
        x = x * 1664525u + 1013904223u;
        images[i] = (float)(x >> 24) / 255;
    }
}

static fcnn_status make(struct subject *s, int threads)
{
    const fcnn_options kernels = {.threads = threads};
    const fcnn_compile_options options = {.kernels = &kernels};
    s->images = malloc((size_t)BENCH_MANY_IMAGES * PIXELS * sizeof *s->images);
    s->answers = malloc((size_t)BENCH_MANY_IMAGES * DIGITS * sizeof *s->answers);
    if (!s->images || !s->answers) return FCNN_OUT_OF_MEMORY;
    fill(s->images);
    const fcnn_status status = fcnn_model_mnist(&s->model);
    return status ? status : fcnn_compile(s->model, &options);
}

/* An image's answer does not depend on those beside it. Plans everything, too. */
static fcnn_status check(const struct subject *s, int *is_wrong)
{
    fcnn_status status = fcnn_predict(s->model, s->images, BENCH_MANY_IMAGES, s->answers);
    for (int i = 0; !status && i < BENCH_MANY_IMAGES; i += 999) {
        float answer[DIGITS];
        status = fcnn_predict(s->model, s->images + i * PIXELS, 1, answer);
        *is_wrong |= memcmp(answer, s->answers + i * DIGITS, sizeof answer) != 0;
    }
    return status;
}

static void note(double *seconds, int *count, double value)
{
    if (*count < MOST_CALLS) seconds[(*count)++] = value;
}

/* Returns the end. */
static double call_with_one(const struct subject *s, struct bench_model_times *t)
{
    const double begin = bench_now();
    fcnn_predict(s->model, s->images, 1, s->answers);
    const double end = bench_now();
    note(t->one, &t->one_count, end - begin);
    return end;
}

/* As kernels are timed: several threads by the clock, one thread by what it had of a core. */
static void call_with_many(const struct subject *s, struct bench_model_times *t)
{
    double (*const now)(void) = t->threads > 1 ? bench_now : bench_thread_now;
    const double begin = now();
    fcnn_predict(s->model, s->images, BENCH_MANY_IMAGES, s->answers);
    note(t->many, &t->many_count, now() - begin);
}

static void measure(const struct subject *s, const struct bench_options *o, struct bench_model_times *t)
{
    const double end = bench_now() + o->budget;
    for (int round = 0; round < o->repetitions && bench_now() < end && !bench_interrupted(); round++) {
        const double window = bench_now() + 10 * o->window; /* a p99 wants hundreds of calls */
        fcnn_predict(s->model, s->images, 1, s->answers);
        while (call_with_one(s, t) < window) continue;
        call_with_many(s, t);
    }
}

/* 0, or the status to exit with after a message. */
static int write_json(struct bench_model_times *times, const char *path)
{
    struct bench_output output;
    if (!bench_output_open(&output, path)) return EX_CANTCREAT;
    if (bench_model_json(times, output.file)) return bench_output_close(&output) ? 0 : EX_IOERR;
    bench_output_cancel(&output);
    return fputs("fastcnn-bench: no memory\n", stderr), EX_OSERR;
}

static int report(const struct subject *s, const struct bench_options *o, struct bench_model_times *t, FILE *out)
{
    t->parameters = fcnn_model_parameters(s->model);
    t->flops = fcnn_model_flops(s->model, 0);
    bench_model_print(t, out);
    const char *json = bench_exports_path(&o->exports, BENCH_JSON);
    const int status = json ? write_json(t, json) : 0;
    return bench_interrupted() ? 128 + bench_interrupted() : status;
}

static int run(struct subject *s, const struct bench_options *o, struct bench_model_times *t, FILE *out)
{
    int is_wrong = 0;
    const int failed = bench_exports_probe(&o->exports);
    if (failed) return failed;
    fcnn_status status = make(s, o->threads);
    if (!status) status = check(s, &is_wrong);
    if (status)
        return fprintf(stderr, "fastcnn-bench: %s\n", status == FCNN_OUT_OF_MEMORY ? "no memory" : fcnn_last_error()),
               status == FCNN_OUT_OF_MEMORY ? EX_OSERR : EX_USAGE;
    if (is_wrong) return fputs("fastcnn-bench: an image alone and among others has other bits\n", stderr), 1;
    bench_interrupt_watch();
    measure(s, o, t);
    return report(s, o, t, out);
}

int bench_model_run(const struct bench_options *o, FILE *out)
{
    struct subject s = {0};
    struct bench_model_times times = {.threads = o->threads, .one = calloc(MOST_CALLS, sizeof *times.one),
                                      .many = calloc(MOST_CALLS, sizeof *times.many)};
    const int status = times.one && times.many ? run(&s, o, &times, out)
                                               : (fputs("fastcnn-bench: no memory\n", stderr), EX_OSERR);
    fcnn_model_destroy(s.model);
    free(s.images);
    free(s.answers);
    free(times.one);
    free(times.many);
    return status;
}
