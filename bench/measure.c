/* SPDX-License-Identifier: BSD-2-Clause
 * Runs and their windows: checking, timing, summing up. */
#include "bench/measure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/bounds.h"
#include "bench/cases.h"
#include "bench/peer.h"
#include "bench/report.h"

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
    const fcnn_options options = {.threads = run->threads, .kernel = run->kernel.name,
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

static struct bench_bounds measure_bounds(const struct bench_run *run)
{
    const fcnn_isa isa = run->kernel.isa;
    return (struct bench_bounds){.peak = run->of->flops > 0 ? bench_bound_peak(isa, run->threads) : 0,
                                 .traffic = bench_bound_traffic(&run->of->tensors, isa, run->threads)};
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
    const double elapsed = bench_now() - run->suite->start;
    if (run->is_wrong) return BENCH_FAIL;
    if (bench_interrupted() || elapsed > run->suite->options->budget) return leave_out(run, iterations);
    if (!run->prepared) prepare(run);
    if (run->is_wrong) return BENCH_FAIL;
    if (iterations > 1) bench_execute(run); /* warm caches */
    run->bounds = measure_bounds(run);
    run->before = bench_steady_now();
    run->start = bench_now();
    return BENCH_TIME;
}

void bench_execute(const struct bench_run *run)
{
    if (run->peer) bench_peer_execute(run->peer);
    else fcnn_execute(run->plan, &run->tensors);
}

/* What happened in the window that ends now, also added up. */
static struct bench_steady count_events(struct bench_run *run, int64_t iterations)
{
    const struct bench_steady now = bench_steady_now();
    const struct bench_steady events = {now.allocations - run->before.allocations,
                                        now.page_faults - run->before.page_faults};
    run->executions += iterations;
    run->events.allocations += events.allocations;
    run->events.page_faults += events.page_faults;
    return events;
}

struct bench_figures bench_window_close(struct bench_run *run, int64_t iterations)
{
    struct bench_sample sample = {.seconds = (bench_now() - run->start) / (double)iterations};
    const struct bench_steady events = count_events(run, iterations);
    const struct bench_bounds after = measure_bounds(run);
    sample.bounds.peak = (run->bounds.peak + after.peak) / 2;
    sample.bounds.traffic = (run->bounds.traffic + after.traffic) / 2;
    if (iterations != run->iterations) forget_samples(run); /* Google Benchmark was still looking for their number */
    run->iterations = iterations;
    struct bench_sample *samples = realloc(run->samples, (size_t)(run->count + 1) * sizeof *samples);
    if (samples) {
        run->samples = samples;
        samples[run->count++] = sample;
        run->suite->windows_done++;
    }
    bench_report_progress(run);
    return (struct bench_figures){.gflops = 1e-9 * run->of->flops / sample.seconds, .peak = sample.bounds.peak,
                                  .percent_of_peak = bench_percent_of_peak(run, &sample),
                                  .percent_of_memory = bench_percent_of_memory(run, &sample),
                                  .bytes = run->of->bytes, .error = run->error, .events = events};
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

double bench_seconds(const struct bench_run *run, const struct bench_sample *sample)
{
    (void)run;
    return sample->seconds;
}

double bench_peak(const struct bench_run *run, const struct bench_sample *sample)
{
    return run->of->flops > 0 ? sample->bounds.peak : NAN;
}

double bench_traffic(const struct bench_run *run, const struct bench_sample *sample)
{
    (void)run;
    return sample->bounds.traffic;
}

double bench_percent_of_peak(const struct bench_run *run, const struct bench_sample *sample)
{
    return run->of->flops > 0 ? 100e-9 * run->of->flops / sample->seconds / sample->bounds.peak : NAN;
}

double bench_percent_of_memory(const struct bench_run *run, const struct bench_sample *sample)
{
    (void)run;
    return 100 * sample->bounds.traffic / sample->seconds;
}

struct bench_summary bench_summarize_run(const struct bench_run *run, bench_value *value)
{
    struct bench_summary summary = {NAN, NAN};
    double *values = calloc((size_t)run->count + 1, sizeof *values);
    for (int i = 0; values && i < run->count; i++) values[i] = value(run, &run->samples[i]);
    if (values) summary = bench_summarize(values, run->count);
    free(values);
    return summary;
}
