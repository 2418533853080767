/* SPDX-License-Identifier: BSD-2-Clause
 * The closing table: what dispatch takes against the peer's direct algorithm, over all layers where both were timed. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cases.h"
#include "bench/report.h"

#define BAR 0.95 /* layers below it are named one by one */

/* A layer in one direction; ratio: of times, peer / ours: above 1 we are faster. */
struct pair {
    double ratio;
    const struct bench_run *peer;
};

static int by_ratio(const void *a, const void *b)
{
    const double x = ((const struct pair *)a)->ratio, y = ((const struct pair *)b)->ratio;
    return (x > y) - (x < y);
}

/* One line about the pairs of a direction, or of all (FCNN_DIRECTIONS); they are in ascending order of ratios. */
static void print_direction(const struct pair *pairs, int count, fcnn_direction direction)
{
    int layers = 0, slower = 0, below = 0;
    double sum = 0;
    const struct pair *worst = NULL;
    for (const struct pair *pair = pairs; pair < pairs + count; pair++) {
        if (direction != FCNN_DIRECTIONS && pair->peer->of->problem.direction != direction) continue;
        if (!worst) worst = pair;
        layers++;
        slower += pair->ratio < 1;
        below += pair->ratio < BAR;
        sum += log(pair->ratio);
    }
    if (!layers) return;
    printf("  %-18s%7d%11.2f%14d%8d%8.2f  %s\n", direction == FCNN_DIRECTIONS ? "all" : fcnn_direction_name(direction),
           layers, exp(sum / layers), slower, below, worst->ratio, worst->peer->of->layer);
}

static void print_below(const struct pair *pairs, int count)
{
    if (!count || pairs[0].ratio >= BAR) return;
    printf("Below %.2f:\n", BAR);
    for (int i = 0; i < count && pairs[i].ratio < BAR; i++)
        printf("  %.2f  %s/%s against %s\n", pairs[i].ratio, pairs[i].peer->of->layer, pairs[i].peer->of->choice,
               pairs[i].peer->kernel.name);
}

/* What dispatch takes for the case of a peer's run; NULL: it was filtered out. */
static const struct bench_run *choice_beside(const struct bench_suite *suite, const struct bench_run *peer)
{
    for (int i = 0; i < suite->run_count; i++) {
        const struct bench_run *run = &suite->runs[i];
        if (run->of == peer->of && !strcmp(run->kernel.name, peer->of->choice)) return run;
    }
    return NULL;
}

/* Leaves the pairs in ascending order in pairs[run_count]; returns how many. *left_out: those without two times. */
static int collect(const struct bench_suite *suite, struct pair *pairs, int *left_out)
{
    int count = 0;
    for (int i = 0; i < suite->run_count; i++) {
        const struct bench_run *peer = &suite->runs[i];
        if (!peer->peer || peer->peer_variant || !peer->selected) continue;
        const struct bench_run *ours = choice_beside(suite, peer);
        if (!ours || !ours->selected) continue;
        pairs[count] = (struct pair){bench_summarize_run(peer, bench_seconds).median /
                                     bench_summarize_run(ours, bench_seconds).median, peer};
        if (pairs[count].ratio > 0) count++;
        else ++*left_out;
    }
    qsort(pairs, (size_t)count, sizeof *pairs, by_ratio);
    return count;
}

void bench_report_comparison(const struct bench_suite *suite)
{
    struct pair *pairs = calloc((size_t)suite->run_count + 1, sizeof *pairs);
    int left_out = 0, count = pairs ? collect(suite, pairs, &left_out) : 0;
    if (count + left_out) {
        printf("\nWhat dispatch takes, times faster than %s (direct algorithm, its favourite layouts, %d thread%s)\n"
               "  %-18s%7s%11s%14s  < %.2f%8s\n", suite->peer, suite->options->threads,
               suite->options->threads == 1 ? "" : "s", "direction", "layers", "geo. mean", "where slower", BAR,
               "worst");
        for (int d = 0; d <= FCNN_DIRECTIONS; d++) print_direction(pairs, count, (fcnn_direction)d);
        print_below(pairs, count);
    }
    if (left_out) printf("  %d left out: one of the two was wrong, not supported or not timed (see above)\n", left_out);
    free(pairs);
}
