/* SPDX-License-Identifier: BSD-2-Clause
 * Times of a problem's kernels beside what the machine allows, and the errors of their classes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cases.h"
#include "cli/cli.h"
#include "cli/times.h"

/* ---- times ---- */

struct search {
    struct cli_times *times;
    int threads;
    struct cli_progress bar;
};

static void note_time(struct search *search, const char *choice, double seconds, int threads)
{
    for (int i = 0; i < fcnn_kernel_count(); i++) {
        struct cli_time *t = &search->times->of[i];
        const fcnn_kernel_info kernel = fcnn_kernel_describe(i);
        const size_t length = strcspn(choice, "{");
        if (strlen(kernel.name) != length || strncmp(kernel.name, choice, length)) continue;
        if (t->seconds > 0 && t->seconds <= seconds) return;
        snprintf(t->choice, sizeof t->choice, "%s", choice);
        t->seconds = seconds;
        t->threads = threads;
    }
}

static int on_trial(void *context, const fcnn_tune_progress *p)
{
    struct search *search = context;
    note_time(search, p->choice, p->seconds, p->team);
    note_time(search, p->against, p->best, search->threads);
    cli_progress_show(&search->bar, (int64_t)(p->part * 100), 100, p->choice);
    return cli_interrupted();
}

/* The result goes into a table that is thrown away. */
static fcnn_status search(struct search *s, const fcnn_problem *problem, const fcnn_options *options, double budget)
{
    const fcnn_tune_options how = {.seconds = budget, .progress = on_trial, .context = s};
    fcnn_tuning *table;
    fcnn_status status = fcnn_tuning_create(&table);
    if (status) return status;
    cli_progress_begin(&s->bar, !cli_json);
    cli_catch_interrupt();
    status = fcnn_tune(table, problem, options, &how, NULL);
    cli_progress_clear(&s->bar);
    fcnn_tuning_destroy(table);
    return status;
}

/* ---- bounds ---- */

/* Of an instruction set and a number of threads; measured once each. */
struct bounds {
    int threads;
    double peak, traffic; /* operations per second; seconds */
};

/* The search counts the CPU time of one thread, so its bounds must not be those of what neighbours left of the core. */
static struct bounds measure_bounds(fcnn_isa isa, const fcnn_problem *problem, int threads)
{
    const double cpu = cli_cpu(), wall = cli_now();
    struct bounds b = {threads, 1e9 * cli_measure_peak(isa, threads), cli_measure_traffic(isa, problem, threads)};
    const double share = (cli_cpu() - cpu) / (cli_now() - wall);
    if (threads > 1 || !(share > 0) || share >= 1) return b;
    b.peak /= share;
    b.traffic *= share;
    return b;
}

static void set_parts(struct cli_times *times, const fcnn_problem *problem)
{
    struct bounds bounds[FCNN_ISAS] = {0};
    const double flops = fcnn_problem_flops(problem);
    for (int i = 0; i < fcnn_kernel_count(); i++) {
        struct cli_time *t = &times->of[i];
        const fcnn_isa isa = fcnn_kernel_describe(i).isa;
        if (!(t->seconds > 0)) continue;
        if (bounds[isa].threads != t->threads) bounds[isa] = measure_bounds(isa, problem, t->threads);
        if (flops > 0) t->of_peak = flops / t->seconds / bounds[isa].peak;
        t->of_memory = bounds[isa].traffic / t->seconds;
    }
}

/* ---- errors ---- */

static void set_errors(struct cli_times *times, const fcnn_problem *problem)
{
    struct bench_case c = {.about.problem = *problem};
    for (int i = 0; i < fcnn_kernel_count(); i++) {
        const fcnn_class numerics = fcnn_kernel_describe(i).numerics;
        if (times->of[i].seconds > 0 && (int)numerics < BENCH_CLASSES && !bench_case_prepare(&c, numerics))
            times->of[i].error = c.references[numerics].error;
    }
    bench_case_free(&c);
}

fcnn_status cli_times_measure(struct cli_times **times, const fcnn_problem *problem, const fcnn_options *options,
                              int threads, double budget)
{
    const int count = fcnn_kernel_count();
    struct search s = {.times = program_allocate(1, sizeof *s.times), .threads = threads};
    s.times->of = program_allocate((size_t)count, sizeof *s.times->of);
    for (int i = 0; i < count; i++) s.times->of[i].of_peak = s.times->of[i].of_memory = s.times->of[i].error = NAN;
    *times = s.times;
    const fcnn_status status = search(&s, problem, options, budget);
    if (status) return status;
    set_parts(s.times, problem);
    set_errors(s.times, problem);
    return FCNN_OK;
}

void cli_times_free(struct cli_times *times)
{
    if (times) free(times->of);
    free(times);
}
