/* SPDX-License-Identifier: BSD-2-Clause
 * What dispatch takes against the reference or a peer's direct algorithm, over all problems where both were timed. */
#include <stdlib.h>

#include "bench/summaries.h"

static int by_ratio(const void *a, const void *b)
{
    const double x = ((const struct bench_pair *)a)->ratio, y = ((const struct bench_pair *)b)->ratio;
    return (x > y) - (x < y);
}

/* What dispatch takes where the opponent's row is; NULL: it was filtered out. */
static const struct bench_result *choice_beside(const struct bench_results *results, const struct bench_result *other)
{
    const struct bench_rows beside = bench_beside(results, other);
    for (const struct bench_result *row = beside.first; row < beside.end; row++)
        if (row->is_chosen && row->threads == other->threads) return row;
    return NULL;
}

static void collect(const struct bench_results *results, int opponent, struct bench_comparison *c)
{
    for (int i = 0; i < results->row_count; i++) {
        const struct bench_result *theirs = &results->rows[i], *ours = NULL;
        if (bench_is_opponent(theirs, opponent)) ours = choice_beside(results, theirs);
        if (!ours) continue;
        const double ratio = theirs->time.lower / ours->time.lower;
        if (ratio > 0) c->pairs[c->count++] = (struct bench_pair){ours, theirs, ratio};
        else c->left_out++;
    }
    qsort(c->pairs, (size_t)c->count, sizeof *c->pairs, by_ratio);
}

static void add(struct bench_direction_mean *direction, const struct bench_pair *pair)
{
    if (bench_mean_add(&direction->mean, pair->ratio)) direction->worst = pair;
    direction->slower += pair->ratio < 1;
    direction->below += pair->ratio < BENCH_PEER_BAR;
}

int bench_compare(const struct bench_results *results, int opponent, struct bench_comparison *c)
{
    *c = (struct bench_comparison){.pairs = calloc((size_t)results->row_count + 1, sizeof *c->pairs)};
    if (!c->pairs) return 0;
    collect(results, opponent, c);
    for (int i = 0; i < c->count; i++) {
        add(&c->directions[c->pairs[i].theirs->of->problem.direction], &c->pairs[i]);
        add(&c->directions[BENCH_DIRECTIONS], &c->pairs[i]);
    }
    return 1;
}

void bench_comparison_free(struct bench_comparison *c) { free(c->pairs); }
