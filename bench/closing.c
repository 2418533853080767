/* SPDX-License-Identifier: BSD-2-Clause
 * The closing tables: summaries as text. */
#include <math.h>

#include "bench/format.h"
#include "bench/summaries.h"
#include "bench/tables.h"

/* ---- what dispatch takes against the peer ---- */

static void print_direction(const struct bench_direction_mean *d, const char *name, FILE *out)
{
    if (d->mean.count)
        fprintf(out, "  %-18s%7d%11.2f%14d%8d%8.2f  %s\n", name, d->mean.count, bench_mean_of(&d->mean), d->slower,
                d->below, d->mean.least, d->worst->theirs->of->layer);
}

static void print_below(const struct bench_comparison *c, FILE *out)
{
    if (!c->count || c->pairs[0].ratio >= BENCH_PEER_BAR) return;
    fprintf(out, "Below %.2f:\n", BENCH_PEER_BAR);
    for (int i = 0; i < c->count && c->pairs[i].ratio < BENCH_PEER_BAR; i++)
        fprintf(out, "  %.2f  %s/%s against %s\n", c->pairs[i].ratio, c->pairs[i].ours->of->layer,
                c->pairs[i].ours->kernel, c->pairs[i].theirs->kernel);
}

static int print_comparison(const struct bench_results *results, int peer, int with_names, FILE *out)
{
    struct bench_comparison c;
    if (!bench_compare(results, peer, &c)) return 0;
    if (c.count) {
        fprintf(out,
                "\nWhat dispatch takes, times faster than %s (direct algorithm, its favourite layouts, %d thread%s)\n"
                "  %-18s%7s%11s%14s  < %.2f%8s\n", results->peers[peer], results->threads,
                results->threads == 1 ? "" : "s",
                "direction", "layers", "geo. mean", "where slower", BENCH_PEER_BAR, "worst");
        for (int d = 0; d < BENCH_DIRECTIONS; d++)
            print_direction(&c.directions[d], fcnn_direction_name((fcnn_direction)d), out);
        print_direction(&c.directions[BENCH_DIRECTIONS], "all", out);
        if (with_names) print_below(&c, out);
    }
    if (c.left_out)
        fprintf(out, "%s%d comparison%s left out: one of the two was wrong, not supported, or had too few windows\n",
                c.count ? "  " : "\n", c.left_out, c.left_out == 1 ? "" : "s");
    bench_comparison_free(&c);
    return 1;
}

int bench_print_comparison(const struct bench_results *results, int with_names, FILE *out)
{
    for (int peer = 0; peer < results->peer_count; peer++)
        if (!print_comparison(results, peer, with_names, out)) return 0;
    return 1;
}

/* ---- Winograd ---- */

static void print_maps(const struct bench_mean *means, fcnn_class numerics, const char *map, FILE *out)
{
    const struct bench_mean *all = &means[BENCH_DIRECTIONS];
    if (!all->count) return;
    fprintf(out, "  %-12s %-12s%6d", fcnn_class_name(numerics), map, all->count);
    for (int d = FCNN_FORWARD; d <= FCNN_BACKWARD_WEIGHTS; d++)
        bench_print_number(out, 17, 2, bench_mean_of(&means[d]));
    fprintf(out, "%8.2f%8.2f\n", bench_mean_of(all), all->least);
}

void bench_print_winograd(const struct bench_results *results, FILE *out)
{
    static const char *const names[BENCH_MAPS] = {"below 14", "14 to 27", "28 and more"};
    struct bench_winograd w;
    int count = 0;
    bench_compare_winograd(results, &w);
    for (int c = 0; c < BENCH_CLASSES; c++)
        for (int map = 0; map < BENCH_MAPS; map++) count += w.means[c][map][BENCH_DIRECTIONS].count;
    if (!count) return;
    fprintf(out, "\nWinograd, times faster than the fastest exact kernel of %s, geometric means by output map\n"
            "  %-12s %-12s%6s%17s%17s%17s%8s%8s\n", fcnn_isa_name(w.isa), "class", "map", "cases", "forward",
            "backward_data", "backward_weights", "all", "worst");
    for (int c = 0; c < BENCH_CLASSES; c++)
        for (int map = BENCH_MAPS - 1; map >= 0; map--) print_maps(w.means[c][map], (fcnn_class)c, names[map], out);
}

/* ---- threads ---- */

static void print_gains(const char *name, const struct bench_gains *g, int threads, FILE *out)
{
    if (!g->time.count) return;
    fprintf(out, "  %s: %d, geometric mean %.2f", name, g->time.count, bench_mean_of(&g->time));
    if (g->peak.count) fprintf(out, " (peak %.2f)", bench_mean_of(&g->peak));
    fprintf(out, ", worst %.2f: %s, %s", g->time.least, g->worst->of->layer, g->worst->kernel);
    if (threads == 2) fprintf(out, "; %d below %.2f", g->below, BENCH_SCALING_BAR);
    fputc('\n', out);
}

int bench_print_scaling(const struct bench_results *results, FILE *out)
{
    struct bench_scaling s;
    if (!bench_compare_threads(results, &s)) return 0;
    fprintf(out, "\nTimes faster with %d threads than with one: the kernel, and what the machine itself gains in the\n"
            "windows around it: FMA peak, and the traffic of the kernel's tensors without any arithmetic\n"
            "  %-24s %-40s%11s%11s%7s%7s%8s\n", results->threads, "layer", "kernel", "1 thread  ", "several  ", "gain",
            "peak", "memory");
    for (const struct bench_gain *g = s.pairs; g < s.pairs + s.count; g++) {
        fprintf(out, "  %-24s %-40s", g->one->of->layer, g->one->kernel);
        bench_print_time(out, g->one->wall.median);
        bench_print_time(out, g->several->wall.median);
        bench_print_number(out, 7, 2, g->time);
        bench_print_number(out, 7, 2, g->peak);
        bench_print_number(out, 8, 2, g->traffic);
        fputc('\n', out);
    }
    fputs("Those that take a millisecond or more with one thread:\n", out);
    if (!s.ours.time.count && !s.peers.time.count) fputs("  none\n", out);
    print_gains("ours", &s.ours, results->threads, out);
    print_gains("peers", &s.peers, results->threads, out);
    bench_scaling_free(&s);
    return 1;
}

/* ---- the end ---- */

void bench_print_events(const struct bench_results *results, FILE *out)
{
    int64_t executions;
    const struct bench_events sum = bench_sum_events(results, &executions);
    fprintf(out, "\nAllocations and page faults inside the timed windows of our kernels: %lld and %lld over %lld "
            "executions\n(in the whole process, preparations included: %lld and %lld)\n", (long long)sum.allocations,
            (long long)sum.page_faults, (long long)executions, (long long)results->process.allocations,
            (long long)results->process.page_faults);
    for (int i = 0; i < results->row_count; i++) {
        const struct bench_result *row = &results->rows[i];
        if (row->kind != BENCH_OURS || (!row->events.allocations && !row->events.page_faults)) continue;
        fprintf(out, "  %s, %s: %lld and %lld over %lld\n", row->of->layer, row->kernel,
                (long long)row->events.allocations, (long long)row->events.page_faults, (long long)row->executions);
    }
}

void bench_print_end(const struct bench_results *results, FILE *out)
{
    const int wrong = bench_results_wrong(results);
    int waiting = 0;
    for (int i = 0; i < results->row_count; i++) waiting += bench_is_waiting(&results->rows[i]);
    if (results->signal)
        fprintf(out, "\nInterrupted after %.0f s: %d of %d windows were timed, %d of %d kernels were not.\n",
                results->seconds, results->windows_done, results->windows, waiting, results->row_count);
    else if (results->windows_done < results->windows)
        fprintf(out, "\n%d of %d windows were not timed, and %d of %d kernels: the time of --budget was used up.\n",
                results->windows - results->windows_done, results->windows, waiting, results->row_count);
    if (wrong)
        fprintf(out, "\n%sWrong bits: %d (marked \"wrong\" above)%s\n", bench_style(out, BENCH_RED), wrong,
                bench_style(out, BENCH_PLAIN));
}
