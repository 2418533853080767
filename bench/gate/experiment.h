/* SPDX-License-Identifier: BSD-2-Clause
 * Measuring: lists of cases, and rounds of processes, of two libraries. */
#ifndef BENCH_GATE_EXPERIMENT_H
#define BENCH_GATE_EXPERIMENT_H

#include "bench/gate/records.h"
#include "bench/gate/series.h"
#include "bench/gate/settings.h"

/* The sides that have a process in each round. */
enum { GATE_ALL_SIDES = 1 << GATE_BASE | 1 << GATE_HEAD | 1 << GATE_CONTROL,
       GATE_BASE_ALONE = 1 << GATE_BASE | 1 << GATE_CONTROL, GATE_HEAD_ALONE = 1 << GATE_HEAD };

struct gate_experiment {
    const struct gate_settings *settings;
    char folder[256];             /* temporary: the sides' libraries by names of one length, as environment is stack */
    struct gate_list lists[2];    /* of base and head */
};

/* These return 0, or a status to exit with after a message (128 + N after a signal: without one). Close in any case. */
int gate_experiment_open(struct gate_experiment *experiment, const struct gate_settings *settings);
int gate_experiment_run(struct gate_experiment *experiment, unsigned sides, const struct gate_case *cases,
                        uint64_t seed, struct gate_series *series);
void gate_experiment_close(struct gate_experiment *experiment);

/* Seconds that a run of `rounds` takes, about. */
double gate_experiment_estimate(const struct gate_settings *settings, int cases, int rounds, int sides);

#endif
