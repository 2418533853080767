/* SPDX-License-Identifier: BSD-2-Clause
 * Runs and their windows: which there are, checking, timing, summing up. */
#include "bench/measure.h"

#include <fnmatch.h>
#include <math.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "bench/cases.h"
#include "bench/report.h"

#define PEAK_SECONDS 0.4e-3

double bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static volatile sig_atomic_t interrupted;
static void interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}
int bench_interrupted(void) { return interrupted; }

/* ---- which runs there are ---- */

/* Scalar code on a large layer takes up to a second: three windows must do. */
static int windows_of(const struct bench_options *o, const struct bench_run *run)
{
    int slow = run->kernel.isa == FCNN_SCALAR && run->of->flops > 20e6;
    return slow && !o->repetitions_given ? 3 : o->repetitions;
}

static int matches(const char *filter, const struct bench_run *run)
{
    return !filter || !fnmatch(filter, run->of->layer, 0) || !fnmatch(filter, run->kernel.name, 0) ||
           !fnmatch(filter, run->name, 0);
}

static void add_runs(struct bench_suite *suite, struct bench_case *c)
{
    const struct bench_options *o = suite->options;
    for (int i = 0; i < fcnn_kernel_count(); i++) {
        struct bench_run *run = &suite->runs[suite->run_count];
        memset(run, 0, sizeof *run);
        run->kernel = fcnn_kernel_describe(i);
        fcnn_options options = {.threads = o->threads, .kernel = run->kernel.name,
                                .math = fcnn_class_name(run->kernel.numerics)};
        if (*fcnn_kernel_reason(i, &c->problem, &options)) continue;
        run->suite = suite;
        run->of = c;
        snprintf(run->name, sizeof run->name, "%s/%s", c->layer, run->kernel.name);
        run->repetitions = windows_of(o, run);
        char few[32] = "";
        if (run->repetitions != o->repetitions) snprintf(few, sizeof few, "/repeats:%d", run->repetitions);
        snprintf(run->suffix, sizeof run->suffix, "%s%s/real_time", few, o->threads > 1 ? "/process_time" : "");
        if (matches(o->filter, run)) suite->run_count++;
    }
}

int bench_suite_make(struct bench_suite *suite, const struct bench_options *options)
{
    *suite = (struct bench_suite){.options = options, .start = bench_now()};
    fcnn_status status = fcnn_options_check(NULL);
    if (status) return fprintf(stderr, "fastcnn-bench: %s\n", fcnn_last_error()), EX_USAGE;
    suite->cases = bench_cases_make(options, &suite->case_count);
    if (!suite->cases) return EX_USAGE;
    suite->runs = calloc((size_t)suite->case_count * (size_t)fcnn_kernel_count() + 1, sizeof *suite->runs);
    if (!suite->runs) return fprintf(stderr, "fastcnn-bench: no memory\n"), EX_OSERR;
    for (int i = 0; i < suite->case_count; i++) add_runs(suite, &suite->cases[i]);
    if (!suite->run_count)
        return fprintf(stderr, "fastcnn-bench: no kernel or layer matches --filter=%s\n", options->filter), EX_USAGE;
    sigaction(SIGINT, &(struct sigaction){.sa_handler = interrupt, .sa_flags = (int)SA_RESETHAND}, NULL);
    return 0;
}

void bench_suite_free(struct bench_suite *suite)
{
    for (int i = 0; i < suite->run_count; i++) {
        fcnn_plan_destroy(suite->runs[i].plan);
        free(suite->runs[i].packed);
        free(suite->runs[i].samples);
    }
    free(suite->runs);
    bench_cases_free(suite->cases, suite->case_count);
}

int bench_suite_select(struct bench_suite *suite, const char *filter)
{
    regex_t regex;
    int negative = *filter == '-';
    const char *pattern = filter + negative;
    if (regcomp(&regex, strcmp(pattern, "all") ? pattern : ".", REG_EXTENDED | REG_NOSUB))
        return fprintf(stderr, "fastcnn-bench: --benchmark_filter=%s: not a regular expression\n", filter), 0;
    for (int i = 0; i < suite->run_count; i++) {
        struct bench_run *run = &suite->runs[i];
        char name[sizeof run->name + sizeof run->suffix];
        snprintf(name, sizeof name, "%s%s", run->name, run->suffix);
        run->selected = (regexec(&regex, name, 0, NULL, 0) == 0) != negative;
        if (run->selected) suite->windows += run->repetitions;
    }
    regfree(&regex);
    if (!suite->windows) fprintf(stderr, "fastcnn-bench: no kernel or layer matches --benchmark_filter=%s\n", filter);
    return suite->windows;
}

/* ---- one run ---- */

static fcnn_status make_plan(struct bench_run *run)
{
    const struct bench_case *c = run->of;
    const fcnn_options options = {.threads = c->threads, .kernel = run->kernel.name,
                                  .math = fcnn_class_name(run->kernel.numerics)};
    fcnn_status status = fcnn_plan_create(&run->plan, &c->problem, &options);
    if (status) return status;
    run->tensors = c->tensors.arrays;
    size_t bytes = fcnn_plan_packed(run->plan);
    if (!bytes) return FCNN_OK;
    if (!(run->packed = aligned_alloc(64, (bytes + 63) & ~(size_t)63)))
        return fcnn_fail(FCNN_OUT_OF_MEMORY, "no memory for %zu bytes of packed weights", bytes);
    run->tensors.packed = run->packed;
    return fcnn_pack(run->plan, run->tensors.weights, run->tensors.bias, run->packed);
}

/* Plans, packs, executes once and compares bits. Leaves the sentence in run->failure if that goes wrong. */
static void prepare(struct bench_run *run)
{
    const char *failure = bench_case_prepare(run->of, run->kernel.numerics);
    run->prepared = 1;
    if (failure) {
        snprintf(run->failure, sizeof run->failure, "%s", failure);
    } else {
        bench_case_reset(run->of);
        fcnn_status status = make_plan(run);
        if (!status) status = fcnn_execute(run->plan, &run->tensors);
        if (status) snprintf(run->failure, sizeof run->failure, "failed: %s", fcnn_last_error());
        else bench_case_differs(run->of, run->kernel.numerics, run->failure, sizeof run->failure);
    }
    run->is_wrong = *run->failure != 0;
    if (!run->is_wrong) return;
    run->suite->windows -= run->repetitions;
    bench_report_wrong(run);
}

static double peak_window(const struct bench_run *run)
{
    return run->of->flops > 0 ? fcnn_measure_peak(run->kernel.isa, PEAK_SECONDS) * run->of->threads : 0;
}

static void forget_samples(struct bench_run *run)
{
    run->suite->windows_done -= run->count;
    run->count = 0;
}

static enum bench_turn leave_out(struct bench_run *run, int64_t iterations)
{
    run->suite->windows_skipped++;
    if (run->count && run->iterations == iterations) return BENCH_IDLE;
    forget_samples(run);
    snprintf(run->failure, sizeof run->failure, "not timed: %s", interrupted ? "interrupted" : "no time left");
    return BENCH_FAIL;
}

enum bench_turn bench_window_open(struct bench_run *run, int64_t iterations)
{
    if (run->is_wrong) return BENCH_FAIL;
    if (interrupted || bench_now() - run->suite->start > run->suite->options->budget) return leave_out(run, iterations);
    if (!run->prepared) prepare(run);
    if (run->is_wrong) return BENCH_FAIL;
    if (iterations > 1) bench_execute(run); /* warm caches */
    run->peak = peak_window(run);
    run->start = bench_now();
    return BENCH_TIME;
}

void bench_execute(const struct bench_run *run) { fcnn_execute(run->plan, &run->tensors); }

struct bench_figures bench_window_close(struct bench_run *run, int64_t iterations)
{
    struct bench_sample sample = {.seconds = (bench_now() - run->start) / (double)iterations};
    sample.peak = (run->peak + peak_window(run)) / 2;
    if (iterations != run->iterations) forget_samples(run); /* Google Benchmark was still looking for their number */
    run->iterations = iterations;
    struct bench_sample *samples = realloc(run->samples, (size_t)(run->count + 1) * sizeof *samples);
    if (samples) {
        run->samples = samples;
        samples[run->count++] = sample;
        run->suite->windows_done++;
    }
    bench_report_progress(run);
    double gflops = run->of->flops / sample.seconds * 1e-9;
    return (struct bench_figures){.gflops = gflops, .peak = sample.peak,
                                  .percent_of_peak = sample.peak > 0 ? 100 * gflops / sample.peak : NAN,
                                  .bytes = run->of->bytes,
                                  .error = run->of->references[run->kernel.numerics].error};
}

/* ---- summing up ---- */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(const double *sorted, int count, double q)
{
    double at = q * (count - 1);
    int below = (int)at, above = below + 1 < count ? below + 1 : below;
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}

struct bench_summary bench_summarize(double *values, int count)
{
    if (!count) return (struct bench_summary){NAN, NAN};
    qsort(values, (size_t)count, sizeof *values, ascending);
    double range = quantile(values, count, 0.75) - quantile(values, count, 0.25);
    return (struct bench_summary){quantile(values, count, 0.5), range};
}
