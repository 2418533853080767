/* SPDX-License-Identifier: BSD-2-Clause
 * Runs and their windows: checking, timing, summing up. */
#include "bench/measure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/cases.h"
#include "bench/peer.h"
#include "bench/report.h"

#define PEAK_SECONDS 0.4e-3

double bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
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

/* Plans, packs, executes once and compares bits. */
static void prepare_kernel(struct bench_run *run)
{
    fcnn_status status = make_plan(run);
    if (!status) status = fcnn_execute(run->plan, &run->tensors);
    if (status) snprintf(run->failure, sizeof run->failure, "failed: %s", fcnn_last_error());
    else bench_case_differs(run->of, run->kernel.numerics, run->failure, sizeof run->failure);
    run->error = run->of->references[run->kernel.numerics].error;
}

/* Converts, executes once and compares within bounds. */
static void prepare_peer(struct bench_run *run)
{
    const char *failure = bench_peer_load(run->peer);
    if (!failure) {
        bench_peer_execute(run->peer);
        failure = bench_peer_store(run->peer);
    }
    if (failure) snprintf(run->failure, sizeof run->failure, "%s", failure);
    else bench_case_strays(run->of, &run->error, run->failure, sizeof run->failure);
}

/* Leaves the sentence in run->failure if something goes wrong. */
static void prepare(struct bench_run *run)
{
    const char *failure = bench_case_prepare(run->of, run->kernel.numerics);
    run->prepared = 1;
    if (failure) {
        snprintf(run->failure, sizeof run->failure, "%s", failure);
    } else {
        bench_case_reset(run->of);
        if (run->peer) prepare_peer(run);
        else prepare_kernel(run);
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
    snprintf(run->failure, sizeof run->failure, "not timed: %s", bench_interrupted() ? "interrupted" : "no time left");
    return BENCH_FAIL;
}

enum bench_turn bench_window_open(struct bench_run *run, int64_t iterations)
{
    if (run->is_wrong) return BENCH_FAIL;
    if (bench_interrupted() || bench_now() - run->suite->start > run->suite->options->budget) return leave_out(run, iterations);
    if (!run->prepared) prepare(run);
    if (run->is_wrong) return BENCH_FAIL;
    if (iterations > 1) bench_execute(run); /* warm caches */
    run->peak = peak_window(run);
    run->start = bench_now();
    return BENCH_TIME;
}

void bench_execute(const struct bench_run *run)
{
    if (run->peer) bench_peer_execute(run->peer);
    else fcnn_execute(run->plan, &run->tensors);
}

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
                                  .bytes = run->of->bytes, .error = run->error};
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

double bench_median(const struct bench_run *run)
{
    double *values = calloc((size_t)run->count + 1, sizeof *values), median = NAN;
    for (int i = 0; values && i < run->count; i++) values[i] = run->samples[i].seconds;
    if (values) median = bench_summarize(values, run->count).median;
    free(values);
    return median;
}
