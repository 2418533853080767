/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/gate/series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/statistics.h"

int gate_series_make(struct gate_series *s, int cases, int rounds)
{
    const size_t count = (size_t)cases * (size_t)rounds;
    *s = (struct gate_series){.cases = cases, .rounds = rounds};
    double *memory = malloc(2 * GATE_SIDES * count * sizeof *memory);
    s->seconds[0] = memory; /* what gate_series_free() frees */
    for (size_t i = 0; memory && i < 2 * GATE_SIDES * count; i++) memory[i] = NAN;
    for (int side = 0; memory && side < GATE_SIDES; side++) {
        s->seconds[side] = memory + (size_t)side * count;
        s->rates[side] = memory + (size_t)(GATE_SIDES + side) * count;
    }
    for (int i = 0; i < GATE_MOST_ROUNDS * GATE_SIDES; i++) s->core[i / GATE_SIDES][i % GATE_SIDES] = NAN;
    return memory != NULL;
}

void gate_series_free(struct gate_series *s) { free(s->seconds[0]); }

struct gate_ratios gate_series_ratios(const struct gate_series *s, enum gate_side side, double *logs)
{
    for (int i = 0; i < s->rounds * s->cases; i++) logs[i] = log(s->seconds[side][i] / s->seconds[GATE_BASE][i]);
    return (struct gate_ratios){s->cases, s->rounds, logs};
}

/* ---- conditions ---- */

/* The FMA rate of each process relative to the others: the mean over its cases of the logarithm of rate over the case's
 * mean rate. Different instruction sets have different rates, hence case by case. */
static double relative_rate(const struct gate_series *s, int round, int side)
{
    double sum = 0;
    int count = 0;
    for (int i = 0; i < s->cases; i++) {
        const double rate = s->rates[side][round * s->cases + i], all = s->rates[GATE_BASE][i];
        if (rate > 0 && all > 0) sum += log(rate / all), count++;
    }
    return count ? sum / count : NAN;
}

static void load_clock(struct gate_conditions *c, const struct gate_series *s)
{
    double rates[GATE_MOST_ROUNDS * GATE_SIDES], differences[GATE_MOST_ROUNDS];
    int count = 0;
    for (int round = 0; round < s->rounds; round++) {
        for (int side = 0; side < GATE_SIDES; side++) {
            const double rate = relative_rate(s, round, side);
            if (!isnan(rate)) rates[count++] = rate;
        }
        differences[round] = relative_rate(s, round, GATE_HEAD) - relative_rate(s, round, GATE_BASE);
    }
    c->clock = bench_summarize(rates, count).range;
    c->clock_bias = fabs(bench_summarize(differences, s->rounds).median);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void load_control(struct gate_conditions *c, const struct gate_series *s)
{
    double *logs = malloc((size_t)(s->rounds + 1) * (size_t)s->cases * sizeof *logs);
    double *medians = logs + s->rounds * s->cases, values[GATE_MOST_ROUNDS];
    int count = 0;
    c->spread = c->bias = NAN;
    if (!logs) return;
    const struct gate_ratios ratios = gate_series_ratios(s, GATE_CONTROL, logs);
    for (int i = 0; i < s->cases; i++) {
        for (int round = 0; round < s->rounds; round++) values[round] = logs[round * s->cases + i];
        const double median = gate_bootstrap(values, s->rounds, 0.5).median;
        if (!isnan(median)) medians[count++] = fabs(median);
    }
    qsort(medians, (size_t)count, sizeof *medians, ascending);
    if (count) c->spread = medians[(count - 1) * 19 / 20];
    const struct gate_rule rule = gate_rule_of(1);
    if (count) c->bias = fabs(gate_judge_mean(&ratios, &ratios, &rule).change.median);
    free(logs);
}

struct gate_conditions gate_series_conditions(const struct gate_series *s)
{
    struct gate_conditions c;
    double core = 0;
    int count = 0;
    for (int round = 0; round < s->rounds; round++)
        for (int side = 0; side < GATE_SIDES; side++)
            if (!isnan(s->core[round][side])) core += s->core[round][side], count++;
    c.waiting = 1 - core / count;
    gate_conditions_load(&c, &s->from, &s->to);
    load_clock(&c, s);
    load_control(&c, s);
    return c;
}
