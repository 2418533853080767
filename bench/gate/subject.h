/* SPDX-License-Identifier: BSD-2-Clause
 * A kernel on a problem, ready to be executed and timed. Uses the public interface alone. */
#ifndef BENCH_GATE_SUBJECT_H
#define BENCH_GATE_SUBJECT_H

#include "bench/tensors.h"

struct gate_subject {
    fcnn_plan *plan;
    fcnn_isa isa;
    int threads;
    void *packed;
    struct bench_tensors tensors;
};

/* Plans, packs, executes once. To be freed in any case. */
fcnn_status gate_subject_make(struct gate_subject *subject, const char *kernel, const fcnn_problem *problem,
                              int threads);
void gate_subject_free(struct gate_subject *subject);

/* Seconds of `iterations` executions, after one that warms the caches: time that this thread had a core, with several
 * threads time on the clock. `slower` (0: not) is a planted fault: the sample is made longer by that part. */
double gate_subject_time(const struct gate_subject *subject, long iterations, double slower);

#endif
