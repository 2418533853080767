/* SPDX-License-Identifier: BSD-2-Clause
 * The times of a run: some rounds, in each of which every side timed every case in a process of its own. */
#ifndef BENCH_GATE_SERIES_H
#define BENCH_GATE_SERIES_H

#include "bench/gate/conditions.h"
#include "bench/gate/judge.h"
#include "bench/gate/order.h"

struct gate_series {
    int cases, rounds;
    double *seconds[GATE_SIDES], *rates[GATE_SIDES]; /* [round * cases + case]; NAN: not timed */
    double core[GATE_MOST_ROUNDS][GATE_SIDES];       /* CPU time over time of each process; NAN: did not run */
    struct gate_ticks from, to;
};

/* All NAN. 0 without memory. */
int gate_series_make(struct gate_series *series, int cases, int rounds);
void gate_series_free(struct gate_series *series);

/* logs[rounds * cases]: ln(side / base). */
struct gate_ratios gate_series_ratios(const struct gate_series *series, enum gate_side side, double *logs);

struct gate_conditions gate_series_conditions(const struct gate_series *series);

#endif
