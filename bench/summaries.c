/* SPDX-License-Identifier: BSD-2-Clause
 * Order, ratios within a problem, sums over all rows. */
#include "bench/summaries.h"

#include <math.h>
#include <stdlib.h>

static int is_faster(const struct bench_result *a, const struct bench_result *b)
{
    if (isnan(a->time.median) || isnan(b->time.median)) return !isnan(a->time.median) && isnan(b->time.median);
    return a->time.median < b->time.median;
}

/* Rows of a problem are few: by insertion, which keeps the order of equals. */
void bench_sort_rows(const struct bench_results *results, int first, int end, int *order)
{
    for (int i = first; i < end; i++) {
        int at = i - first;
        for (; at > 0 && is_faster(&results->rows[i], &results->rows[order[at - 1]]); at--) order[at] = order[at - 1];
        order[at] = i;
    }
}

struct bench_rows bench_beside(const struct bench_results *results, const struct bench_result *row)
{
    const struct bench_result *const last = results->rows + results->row_count;
    struct bench_rows beside = {row, row + 1};
    while (beside.first > results->rows && beside.first[-1].of == row->of) beside.first--;
    while (beside.end < last && beside.end->of == row->of) beside.end++;
    return beside;
}

int bench_is_opponent(const struct bench_result *row, int opponent)
{
    if (opponent == BENCH_REFERENCE) return row->kind == BENCH_OURS && row->is_reference;
    return row->kind == BENCH_PEER && row->peer == opponent;
}

double bench_ratio(const struct bench_results *results, const struct bench_result *row, int opponent)
{
    const struct bench_rows beside = bench_beside(results, row);
    for (const struct bench_result *other = beside.first; other < beside.end; other++)
        if (other->threads == row->threads && bench_is_opponent(other, opponent))
            return other->time.lower / row->time.lower;
    return NAN;
}

struct bench_summary bench_peak_of_isa(const struct bench_results *results, fcnn_isa isa, int *count)
{
    int most = 0;
    for (int i = 0; i < results->row_count; i++) most += results->rows[i].count;
    double *values = calloc((size_t)most + 1, sizeof *values);
    *count = 0;
    for (int i = 0; values && i < results->row_count; i++) {
        const struct bench_result *row = &results->rows[i];
        if (row->isa != isa || row->of->flops == 0 || !bench_is_timed(row)) continue;
        for (int j = 0; j < row->count; j++) values[(*count)++] = row->samples[j].bounds.peak / row->threads;
    }
    const struct bench_summary summary = bench_summarize(values, *count);
    free(values);
    return summary;
}

struct bench_events bench_sum_events(const struct bench_results *results, int64_t *executions)
{
    struct bench_events sum = {0, 0};
    *executions = 0;
    for (int i = 0; i < results->row_count; i++) {
        const struct bench_result *row = &results->rows[i];
        if (row->kind != BENCH_OURS) continue;
        *executions += row->executions;
        sum.allocations += row->events.allocations;
        sum.page_faults += row->events.page_faults;
    }
    return sum;
}
