/* SPDX-License-Identifier: BSD-2-Clause
 * --scaling: the same run with one thread and with several, and how far the machine's own bounds went in the same
 * windows. */
#include <math.h>
#include <stdio.h>

#include "bench/cases.h"
#include "bench/report.h"

#define LONG 1e-3 /* seconds with one thread; below it a barrier weighs too much to judge by */
#define BAR 1.85  /* with two threads */

/* Ratios of medians, one thread / several: above 1 several are faster. */
struct gain { double time, peak, traffic; };

/* Over the long ones. */
struct tally {
    int count, below;
    double sum, peaks; /* of logarithms; peaks: of those with a peak */
    int peak_count;
    double worst;
    const struct bench_run *run; /* the worst */
};

static struct gain gain_of(const struct bench_run *one, const struct bench_run *several)
{
    const struct gain gain = {
        .time = bench_summarize_run(one, bench_seconds).median / bench_summarize_run(several, bench_seconds).median,
        .peak = bench_summarize_run(several, bench_peak).median / bench_summarize_run(one, bench_peak).median,
        .traffic = bench_summarize_run(one, bench_traffic).median / bench_summarize_run(several, bench_traffic).median};
    return gain;
}

static void count(struct tally *t, const struct gain *gain, const struct bench_run *run)
{
    t->sum += log(gain->time);
    t->below += gain->time < BAR;
    if (isfinite(gain->peak)) t->peaks += log(gain->peak), t->peak_count++;
    if (!t->count++ || gain->time < t->worst) t->worst = gain->time, t->run = run;
}

static void print_row(const struct bench_run *one, const struct bench_run *several, const struct gain *gain)
{
    printf("  %-24s %-40s", one->of->layer, one->kernel.name);
    bench_print_time(bench_summarize_run(one, bench_seconds).median);
    bench_print_time(bench_summarize_run(several, bench_seconds).median);
    bench_print_number(7, 2, gain->time);
    bench_print_number(7, 2, gain->peak);
    bench_print_number(8, 2, gain->traffic);
    putchar('\n');
}

static void print_tally(const char *name, const struct tally *t, int threads)
{
    if (!t->count) return;
    printf("  %s: %d, geometric mean %.2f", name, t->count, exp(t->sum / t->count));
    if (t->peak_count) printf(" (peak %.2f)", exp(t->peaks / t->peak_count));
    printf(", worst %.2f: %s, %s", t->worst, t->run->of->layer, t->run->kernel.name);
    if (threads == 2) printf("; %d below %.2f", t->below, BAR);
    putchar('\n');
}

void bench_report_scaling(const struct bench_suite *suite)
{
    const int threads = suite->options->threads;
    struct tally ours = {0}, peers = {0};
    printf("\nTimes faster with %d threads than with one: the kernel, and what the machine itself gains in the\n"
           "windows around it: FMA peak, and the traffic of the kernel's tensors without any arithmetic\n"
           "  %-24s %-40s%11s%11s%7s%7s%8s\n", threads, "layer", "kernel", "1 thread  ", "several  ", "gain", "peak",
           "memory");
    for (int i = 0; i + 1 < suite->run_count; i++) {
        const struct bench_run *one = &suite->runs[i], *several = one + 1;
        if (one->of != several->of || !one->peer != !several->peer || one->threads == several->threads) continue;
        if (!one->count || !several->count) continue;
        const struct gain gain = gain_of(one, several);
        print_row(one, several, &gain);
        if (bench_summarize_run(one, bench_seconds).median >= LONG)
            count(one->peer ? &peers : &ours, &gain, one);
    }
    puts("Those that take a millisecond or more with one thread:");
    if (!ours.count && !peers.count) puts("  none");
    print_tally("ours", &ours, threads);
    print_tally(suite->peer ? suite->peer : "", &peers, threads);
}
