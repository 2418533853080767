/* SPDX-License-Identifier: BSD-2-Clause
 * A closing table: Winograd's rows against the fastest exact kernel of the same instruction set, the highest that was
 * timed, by the size of the map; every operation of the direct algorithm counts for both. */
#include <math.h>
#include <stdio.h>

#include "bench/cases.h"
#include "bench/report.h"

/* Ratios of medians, exact / Winograd: above 1 Winograd is faster. */
struct group {
    int count;
    double sum, worst; /* sum: of logarithms */
};

enum { SMALL, MIDDLE, LARGE, SIZES };
static const int64_t least_map[SIZES] = {0, 14, 28};
static const char *const size_names[SIZES] = {"below 14", "14 to 27", "28 and more"};

static int is_timed(const struct bench_run *run) { return run->count && !run->peer; }

static fcnn_isa highest_isa(const struct bench_suite *suite)
{
    fcnn_isa highest = FCNN_SCALAR;
    for (int i = 0; i < suite->run_count; i++) {
        const struct bench_run *run = &suite->runs[i];
        if (is_timed(run) && run->kernel.numerics != FCNN_EXACT && run->kernel.isa > highest) highest = run->kernel.isa;
    }
    return highest;
}

/* Seconds of the fastest exact kernel beside a run; 0: there is none. */
static double exact_beside(const struct bench_suite *suite, const struct bench_run *winograd)
{
    double least = 0;
    for (int i = 0; i < suite->run_count; i++) {
        const struct bench_run *run = &suite->runs[i];
        if (!is_timed(run) || run->of != winograd->of || run->kernel.numerics != FCNN_EXACT ||
            run->kernel.isa != winograd->kernel.isa)
            continue;
        const double seconds = bench_summarize_run(run, bench_seconds).median;
        if (least == 0 || seconds < least) least = seconds;
    }
    return least;
}

static void add(struct group *group, double ratio)
{
    if (!group->count++ || ratio < group->worst) group->worst = ratio;
    group->sum += log(ratio);
}

static void print_groups(fcnn_class numerics, struct group groups[SIZES][FCNN_DIRECTIONS + 1])
{
    for (int size = SIZES - 1; size >= 0; size--) {
        const struct group *all = &groups[size][FCNN_DIRECTIONS];
        if (!all->count) continue;
        printf("  %-12s %-12s%6d", fcnn_class_name(numerics), size_names[size], all->count);
        for (int d = FCNN_FORWARD; d <= FCNN_BACKWARD_WEIGHTS; d++)
            bench_print_number(17, 2, groups[size][d].count ? exp(groups[size][d].sum / groups[size][d].count) : NAN);
        printf("%8.2f%8.2f\n", exp(all->sum / all->count), all->worst);
    }
}

void bench_report_winograd(const struct bench_suite *suite)
{
    const fcnn_isa isa = highest_isa(suite);
    int printed = 0;
    for (fcnn_class numerics = FCNN_EXACT + 1; numerics < FCNN_CLASSES; numerics++) {
        struct group groups[SIZES][FCNN_DIRECTIONS + 1] = {{{0}}};
        int count = 0;
        for (int i = 0; i < suite->run_count; i++) {
            const struct bench_run *run = &suite->runs[i];
            if (!is_timed(run) || run->kernel.numerics != numerics || run->kernel.isa != isa) continue;
            const double exact = exact_beside(suite, run);
            if (exact == 0) continue;
            const double ratio = exact / bench_summarize_run(run, bench_seconds).median;
            const fcnn_problem *p = &run->of->problem;
            const int64_t map = p->p < p->q ? p->p : p->q;
            const int size = map >= least_map[LARGE] ? LARGE : map >= least_map[MIDDLE] ? MIDDLE : SMALL;
            add(&groups[size][p->direction], ratio);
            add(&groups[size][FCNN_DIRECTIONS], ratio);
            count++;
        }
        if (count && !printed++)
            printf("\nWinograd, times faster than the fastest exact kernel of %s, geometric means by output map\n"
                   "  %-12s %-12s%6s%17s%17s%17s%8s%8s\n", fcnn_isa_name(isa), "class", "map", "cases", "forward",
                   "backward_data", "backward_weights", "all", "worst");
        if (count) print_groups(numerics, groups);
    }
}
