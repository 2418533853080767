/* SPDX-License-Identifier: BSD-2-Clause
 * Keeping windows, and what follows from them row by row. */
#include "bench/results.h"

#include <math.h>
#include <stdlib.h>
#include <sysexits.h>

#define LEAST_WINDOWS 3 /* for a summary, where so many were planned */

void bench_results_forget(struct bench_results *results, struct bench_result *row)
{
    results->windows_done -= row->count;
    row->count = 0;
}

int bench_results_add(struct bench_results *results, struct bench_result *row, const struct bench_sample *sample)
{
    if (row->count && row->samples[0].iterations != sample->iterations) bench_results_forget(results, row);
    if (row->count == row->windows) return 0;
    row->samples[row->count++] = *sample;
    results->windows_done++;
    return 1;
}

int bench_is_timed(const struct bench_result *row)
{
    const int least = row->windows < LEAST_WINDOWS ? row->windows : LEAST_WINDOWS;
    return row->verdict == BENCH_RIGHT && row->count && row->count >= least;
}

int bench_is_wrong(const struct bench_result *row)
{
    return row->verdict == BENCH_WRONG || row->verdict == BENCH_BROKEN;
}

int bench_is_waiting(const struct bench_result *row) { return row->verdict <= BENCH_RIGHT && !bench_is_timed(row); }

double bench_results_expected(const struct bench_results *results)
{
    double seconds = 0;
    for (int i = 0; i < results->row_count; i++) seconds += results->rows[i].windows * results->rows[i].expected;
    return seconds;
}

double bench_results_behind(const struct bench_results *results)
{
    double seconds = 0;
    for (int i = 0; i < results->row_count; i++) {
        const struct bench_result *row = &results->rows[i];
        seconds += (row->verdict >= BENCH_WRONG ? row->windows : row->count) * row->expected;
    }
    return seconds;
}

int bench_results_wrong(const struct bench_results *results)
{
    int wrong = 0;
    for (int i = 0; i < results->row_count; i++)
        wrong += results->rows[i].kind == BENCH_OURS && bench_is_wrong(&results->rows[i]);
    return wrong;
}

int bench_results_status(const struct bench_results *results)
{
    int short_of_memory = 0;
    for (int i = 0; i < results->row_count; i++) {
        const struct bench_result *row = &results->rows[i];
        if (row->kind != BENCH_OURS || row->verdict < BENCH_WRONG) continue;
        if (row->verdict == BENCH_WRONG || row->status != FCNN_OUT_OF_MEMORY) return EXIT_FAILURE;
        short_of_memory = 1;
    }
    if (short_of_memory) return EX_OSERR;
    return results->signal ? 128 + results->signal : EXIT_SUCCESS;
}

/* ---- values ---- */

double bench_time_of(const struct bench_result *row, const struct bench_sample *sample)
{
    return row->threads == 1 ? sample->cpu : sample->wall;
}

double bench_wall_of(const struct bench_result *row, const struct bench_sample *sample)
{
    (void)row;
    return sample->wall;
}

double bench_cpu_of(const struct bench_result *row, const struct bench_sample *sample)
{
    (void)row;
    return sample->cpu;
}

double bench_peak_of(const struct bench_result *row, const struct bench_sample *sample)
{
    return row->of->flops > 0 ? sample->bounds.peak : NAN;
}

double bench_traffic_of(const struct bench_result *row, const struct bench_sample *sample)
{
    (void)row;
    return sample->bounds.traffic;
}

double bench_percent_of_peak(const struct bench_result *row, const struct bench_sample *sample)
{
    return row->of->flops > 0 ? 100e-9 * row->of->flops / bench_time_of(row, sample) / sample->bounds.peak : NAN;
}

double bench_percent_of_memory(const struct bench_result *row, const struct bench_sample *sample)
{
    return 100 * sample->bounds.traffic / bench_time_of(row, sample);
}

double bench_rate(const struct bench_problem *problem, double seconds)
{
    return 1e-9 * (problem->flops > 0 ? problem->flops : problem->bytes) / seconds;
}

/* ---- summaries ---- */

static struct bench_summary summarize(const struct bench_result *row, bench_value *value, double *space)
{
    const int count = bench_is_timed(row) ? row->count : 0;
    for (int i = 0; i < count; i++) space[i] = value(row, &row->samples[i]);
    return bench_summarize(space, count);
}

int bench_results_summarize(struct bench_results *results)
{
    int most = 1;
    for (int i = 0; i < results->row_count; i++)
        if (results->rows[i].count > most) most = results->rows[i].count;
    double *space = calloc((size_t)most, sizeof *space);
    for (int i = 0; space && i < results->row_count; i++) {
        struct bench_result *row = &results->rows[i];
        row->time = summarize(row, bench_time_of, space);
        row->wall = summarize(row, bench_wall_of, space);
        row->cpu = summarize(row, bench_cpu_of, space);
        row->percent_of_peak = summarize(row, bench_percent_of_peak, space);
        row->percent_of_memory = summarize(row, bench_percent_of_memory, space);
        row->peak = summarize(row, bench_peak_of, space);
        row->traffic = summarize(row, bench_traffic_of, space);
    }
    free(space);
    return space != NULL;
}
