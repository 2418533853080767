/* SPDX-License-Identifier: BSD-2-Clause
 * The tensors of a problem, with deterministic numbers in them. Uses the public interface alone. */
#ifndef BENCH_TENSORS_H
#define BENCH_TENSORS_H

#include "lib/fastcnn.h"

enum { BENCH_MAX_TENSORS = 8 };

struct bench_tensors {
    int count;
    fcnn_tensor_info info[BENCH_MAX_TENSORS];
    void *memory[BENCH_MAX_TENSORS];
    fcnn_hyper hyper;
    fcnn_tensors arrays; /* the same memory, as fcnn_execute() wants it */
};

/* The tensors of a problem; returns their number. */
int bench_tensor_list(const fcnn_problem *problem, fcnn_tensor_info list[BENCH_MAX_TENSORS]);

/* Memory and numbers; what a backward pass reads of the forward pass comes from the reference's. To be freed in any
 * case. */
fcnn_status bench_tensors_make(struct bench_tensors *t, const fcnn_problem *problem);
void bench_tensors_free(struct bench_tensors *t);

/* In/out tensors as they were, outputs NaN. */
void bench_tensors_reset(struct bench_tensors *t, const fcnn_problem *problem);

/* Runs the reference of a class, naive or the scalar row, with all cores: this is not timed. */
fcnn_status bench_reference_run(fcnn_class numerics, const fcnn_problem *problem, const fcnn_tensors *tensors);

#endif
