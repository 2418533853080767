/* SPDX-License-Identifier: BSD-2-Clause
 * The closing table: what dispatch takes against the peer's direct algorithm, over all layers where both were timed. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/cases.h"
#include "bench/report.h"

/* Ratios of times, peer / ours: above 1 we are faster. */
struct tally {
    int layers, slower;
    double sum, worst; /* sum: of logarithms */
    const struct bench_run *peer; /* of the worst */
};

static void count(struct tally *t, double ratio, const struct bench_run *peer)
{
    t->sum += log(ratio);
    t->slower += ratio < 1;
    if (!t->layers++ || ratio < t->worst) {
        t->worst = ratio;
        t->peer = peer;
    }
}

static void print_tally(const char *name, const struct tally *t)
{
    if (!t->layers) return;
    printf("  %-18s%7d%11.2f%14d%8.2f  %s, %s\n", name, t->layers, exp(t->sum / t->layers), t->slower, t->worst,
           t->peer->of->layer, t->peer->kernel.name);
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

void bench_report_comparison(const struct bench_suite *suite)
{
    struct tally tally[FCNN_DIRECTIONS] = {{0}}, all = {0};
    int left_out = 0, peers = 0;
    for (int i = 0; i < suite->run_count; i++) {
        const struct bench_run *peer = &suite->runs[i];
        if (!peer->peer || peer->peer_variant || !peer->selected) continue;
        const struct bench_run *ours = choice_beside(suite, peer);
        if (!ours || !ours->selected) continue;
        const double ratio = bench_summarize_run(peer, bench_seconds).median / bench_summarize_run(ours, bench_seconds).median;
        peers++;
        if (!(ratio > 0)) {
            left_out++;
            continue;
        }
        count(&tally[peer->of->problem.direction], ratio, peer);
        count(&all, ratio, peer);
    }
    if (!peers) return;
    printf("\nWhat dispatch takes, times faster than %s (direct algorithm, its favourite layouts, %d thread%s)\n"
           "  %-18s%7s%11s%14s%8s\n", suite->peer, suite->options->threads, suite->options->threads == 1 ? "" : "s",
           "direction", "layers", "geo. mean", "where slower", "worst");
    for (int d = 0; d < FCNN_DIRECTIONS; d++) print_tally(fcnn_direction_name((fcnn_direction)d), &tally[d]);
    print_tally("all", &all);
    if (left_out) printf("  %d left out: one of the two was wrong, not supported or not timed (see above)\n", left_out);
}
