/* SPDX-License-Identifier: BSD-2-Clause
 * Runs and their windows: checking, timing. */
#include "bench/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/bounds.h"
#include "bench/cases.h"
#include "bench/interrupt.h"
#include "bench/peer.h"
#include "bench/steady.h"

static double seconds_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double bench_now(void) { return seconds_of(CLOCK_MONOTONIC); }
double bench_thread_now(void) { return seconds_of(CLOCK_THREAD_CPUTIME_ID); }

/* The time of a thread on another core is added up when the scheduler's clock ticks there: each nap is longer. */
int bench_await_rest(void)
{
    struct timespec tick = {0};
#ifdef CLOCK_MONOTONIC_COARSE
    clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
#endif
    const struct timespec nap = {.tv_nsec = tick.tv_nsec + 1000000};
    const double end = bench_now() + 0.2;
    do {
        const double before = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
        nanosleep(&nap, NULL);
        if (seconds_of(CLOCK_PROCESS_CPUTIME_ID) - before < 2e-4) return 1;
    } while (bench_now() < end);
    return 0;
}

/* ---- before the first window ---- */

/* What dispatch takes is run as a caller would get it: with the knobs and threads of the tuning table, if that has some
 * for this number of threads. All else by name, with standard knobs. */
static fcnn_status create_plan(fcnn_plan **plan, const struct bench_result *row)
{
    const fcnn_options pinned = {.threads = row->threads, .kernel = row->kernel,
                                 .math = fcnn_class_name(row->numerics)};
    const fcnn_options open = {.threads = row->threads};
    if (row->is_chosen && !fcnn_plan_create(plan, &row->of->problem, &open)) {
        if (!strcmp(fcnn_plan_kernel(*plan), row->kernel)) return FCNN_OK;
        fcnn_plan_destroy(*plan);
    }
    return fcnn_plan_create(plan, &row->of->problem, &pinned);
}

static fcnn_status make_plan(struct bench_run *run)
{
    fcnn_status status = create_plan(&run->plan, run->result);
    if (status) return status;
    run->tensors = run->of->tensors.arrays;
    size_t bytes = fcnn_plan_packed(run->plan);
    if (!bytes) return FCNN_OK;
    if (!(run->packed = aligned_alloc(64, (bytes + 63) & ~(size_t)63))) return FCNN_OUT_OF_MEMORY;
    run->tensors.packed = run->packed;
    return fcnn_pack(run->plan, run->tensors.weights, run->tensors.bias, run->packed);
}

static enum bench_verdict broken(struct bench_result *row, fcnn_status status, const char *text)
{
    row->status = status;
    snprintf(row->failure, sizeof row->failure, "failed: %.240s", text);
    return BENCH_BROKEN;
}

/* Plans, packs, executes once and compares bits. */
static enum bench_verdict check_kernel(struct bench_run *run)
{
    struct bench_result *row = run->result;
    fcnn_status status = make_plan(run);
    if (!status) status = fcnn_execute(run->plan, &run->tensors);
    if (status) return broken(row, status, bench_reason(status));
    row->error = run->of->references[row->numerics].error;
    return bench_case_differs(run->of, row->numerics, row->failure, sizeof row->failure) ? BENCH_WRONG : BENCH_RIGHT;
}

/* Converts, executes once and compares within bounds. */
static enum bench_verdict check_peer(struct bench_run *run)
{
    struct bench_result *row = run->result;
    const struct bench_peer_library *library = run->peer->library;
    const char *failure = library->load(run->peer);
    if (!failure) {
        library->execute(run->peer);
        failure = library->store(run->peer);
    }
    if (failure && !run->peer->lacks) return broken(row, FCNN_NO_KERNEL, failure);
    if (failure) return snprintf(row->failure, sizeof row->failure, "not run: %.240s", failure), BENCH_NOT_RUN;
    return bench_case_strays(run->of, &row->error, row->failure, sizeof row->failure) ? BENCH_WRONG : BENCH_RIGHT;
}

static void prepare(struct bench_run *run)
{
    struct bench_result *row = run->result;
    const fcnn_status status = bench_case_prepare(run->of, row->numerics);
    run->prepared = 1;
    if (status) {
        row->verdict = broken(row, status, run->of->failure);
    } else {
        bench_case_reset(run->of);
        row->verdict = run->peer ? check_peer(run) : check_kernel(run);
    }
    if (row->verdict != BENCH_RIGHT) run->results->windows -= row->windows;
}

/* ---- windows ---- */

static struct bench_bounds measure_bounds(const struct bench_run *run)
{
    const struct bench_result *row = run->result;
    return (struct bench_bounds){
        .peak = row->of->flops > 0 ? bench_bound_peak(row->isa, row->threads) : 0,
        .traffic = bench_bound_traffic(&run->of->tensors, row->isa, row->threads)};
}

static enum bench_turn leave_out(struct bench_run *run, int64_t iterations)
{
    struct bench_result *row = run->result;
    snprintf(row->failure, sizeof row->failure, "not timed: %s", bench_interrupted() ? "interrupted" : "no time left");
    if (row->count && row->samples[0].iterations == iterations) return BENCH_IDLE;
    bench_results_forget(run->results, row);
    return BENCH_FAIL;
}

/* Warms caches, and has helpers awake on cores of their own: a scheduler may wake them on the leader's core and move
 * them when its clock ticks next, milliseconds later. */
static void wake(const struct bench_run *run)
{
    const double start = bench_now();
    do bench_execute(run);
    while (run->result->threads > 1 && bench_now() - start < 0.01);
}

enum bench_turn bench_window_open(struct bench_run *run, int64_t iterations)
{
    if (run->result->verdict > BENCH_RIGHT) return BENCH_FAIL;
    if (bench_interrupted() || bench_now() > run->deadline) return leave_out(run, iterations);
    if (!run->prepared) prepare(run);
    if (run->result->verdict != BENCH_RIGHT) return BENCH_FAIL;
    run->bounds = measure_bounds(run);
    if (run->result->threads > 1) bench_await_rest();
    if (iterations > 1 || run->result->threads > 1) wake(run);
    run->before = bench_steady_now();
    run->wall = bench_now();
    run->cpu = bench_thread_now();
    return BENCH_TIME;
}

void bench_execute(const struct bench_run *run)
{
    if (run->peer) run->peer->library->execute(run->peer);
    else fcnn_execute(run->plan, &run->tensors);
}

void bench_window_close(struct bench_run *run, int64_t iterations)
{
    struct bench_result *row = run->result;
    const double cpu = bench_thread_now() - run->cpu, wall = bench_now() - run->wall;
    const struct bench_events now = bench_steady_now();
    const struct bench_bounds after = measure_bounds(run);
    const struct bench_sample sample = {
        .iterations = iterations, .wall = wall / (double)iterations, .cpu = (cpu > 0 ? cpu : wall) / (double)iterations,
        .bounds = {(run->bounds.peak + after.peak) / 2, (run->bounds.traffic + after.traffic) / 2},
        .events = {now.allocations - run->before.allocations, now.page_faults - run->before.page_faults}};
    row->executions += iterations;
    row->events.allocations += sample.events.allocations;
    row->events.page_faults += sample.events.page_faults;
    bench_results_add(run->results, row, &sample);
}

void bench_run_free(struct bench_run *run)
{
    fcnn_plan_destroy(run->plan);
    if (run->peer) run->peer->library->close(run->peer);
    free(run->packed);
}
