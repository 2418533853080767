/* SPDX-License-Identifier: BSD-2-Clause
 * Winograd's rows against the fastest exact kernel of the same instruction set, the highest that was timed, by the size
 * of the map; every operation of the direct algorithm counts for both. */
#include "bench/summaries.h"

static int takes_part(const struct bench_result *row) { return row->kind == BENCH_OURS && bench_is_timed(row); }

static fcnn_isa highest_isa(const struct bench_results *results)
{
    fcnn_isa highest = FCNN_SCALAR;
    for (int i = 0; i < results->row_count; i++) {
        const struct bench_result *row = &results->rows[i];
        if (takes_part(row) && row->numerics != FCNN_EXACT && row->isa > highest) highest = row->isa;
    }
    return highest;
}

/* Seconds of the fastest exact kernel beside a row; 0: there is none. */
static double exact_beside(const struct bench_results *results, const struct bench_result *winograd)
{
    const struct bench_rows beside = bench_beside(results, winograd);
    double least = 0;
    for (const struct bench_result *row = beside.first; row < beside.end; row++) {
        if (!takes_part(row) || row->numerics != FCNN_EXACT || row->isa != winograd->isa ||
            row->threads != winograd->threads)
            continue;
        if (least == 0 || row->time.lower < least) least = row->time.lower;
    }
    return least;
}

static enum bench_map map_of(const fcnn_problem *p)
{
    const int64_t side = p->p < p->q ? p->p : p->q;
    return side >= 28 ? BENCH_LARGE_MAP : side >= 14 ? BENCH_MIDDLE_MAP : BENCH_SMALL_MAP;
}

void bench_compare_winograd(const struct bench_results *results, struct bench_winograd *w)
{
    *w = (struct bench_winograd){.isa = highest_isa(results)};
    for (int i = 0; i < results->row_count; i++) {
        const struct bench_result *row = &results->rows[i];
        if (!takes_part(row) || row->numerics == FCNN_EXACT || row->isa != w->isa ||
            row->numerics >= (fcnn_class)BENCH_CLASSES)
            continue;
        const double exact = exact_beside(results, row);
        if (exact == 0) continue;
        struct bench_mean *means = w->means[row->numerics][map_of(&row->of->problem)];
        bench_mean_add(&means[row->of->problem.direction], exact / row->time.lower);
        bench_mean_add(&means[BENCH_DIRECTIONS], exact / row->time.lower);
    }
}
