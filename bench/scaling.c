/* SPDX-License-Identifier: BSD-2-Clause
 * The same kernel with one thread and with several, and how far the machine's own bounds went in the same windows. By
 * the clock on both sides: what one thread computes cannot be compared with what several wait for. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/summaries.h"

static void count(struct bench_gains *gains, const struct bench_gain *gain)
{
    if (bench_mean_add(&gains->time, gain->time)) gains->worst = gain->one;
    gains->below += gain->time < BENCH_SCALING_BAR;
    if (isfinite(gain->peak)) bench_mean_add(&gains->peak, gain->peak);
}

/* The row of the same kernel with more threads; NULL: there is none, or one of the two was not timed. */
static const struct bench_result *several_beside(const struct bench_results *results, const struct bench_result *one)
{
    const struct bench_rows beside = bench_beside(results, one);
    for (const struct bench_result *row = beside.first; row < beside.end && one->threads == 1; row++)
        if (row->kind == one->kind && row->peer == one->peer && row->threads > 1 &&
            (row->kind != BENCH_OURS || !strcmp(row->kernel, one->kernel)))
            return bench_is_timed(one) && bench_is_timed(row) ? row : NULL;
    return NULL;
}

int bench_compare_threads(const struct bench_results *results, struct bench_scaling *s)
{
    *s = (struct bench_scaling){.pairs = calloc((size_t)results->row_count + 1, sizeof *s->pairs)};
    if (!s->pairs) return 0;
    for (int i = 0; i < results->row_count; i++) {
        const struct bench_result *one = &results->rows[i], *several = several_beside(results, one);
        if (!several) continue;
        const struct bench_gain gain = {one, several, one->wall.lower / several->wall.lower,
                                        several->peak.median / one->peak.median,
                                        one->traffic.median / several->traffic.median};
        s->pairs[s->count++] = gain;
        if (one->wall.lower >= BENCH_LONG) count(one->kind == BENCH_OURS ? &s->ours : &s->peers, &gain);
    }
    return 1;
}

void bench_scaling_free(struct bench_scaling *s) { free(s->pairs); }
