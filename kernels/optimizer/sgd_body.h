/* SPDX-License-Identifier: BSD-2-Clause
 * Gradient descent with momentum, in Keras' form: v = momentum v - learning rate g;  w = w + v, and Nesterov's
 * w = w + momentum v - learning rate g. */
#include "kernels/elementwise/chunks.h"
#include "kernels/elementwise/flush.h"
#include "kernels/elementwise/lanes.h"

FCNN_INLINE void sgd_step(vec learning_rate, vec momentum, int nesterov, const float *gradient, float *parameters,
                          float *moment, int64_t n)
{
    const vec g = vec_flush(vec_load_first(gradient, n), TINY_GRADIENT);
    const vec push = vec_negate(vec_mul(learning_rate, g));
    const vec v = vec_flush(vec_fma(momentum, vec_load_first(moment, n), push), TINY_MOMENT_1);
    const vec step = nesterov ? vec_fma(momentum, v, push) : v;
    vec_store_first(parameters, vec_add(vec_load_first(parameters, n), step), n);
    vec_store_first(moment, v, n);
}

/* Elements i .. end-1. */
FCNN_INLINE void sgd_steps(int nesterov, const fcnn_tensors *t, int64_t i, int64_t end)
{
    const vec learning_rate = vec_set1(t->hyper->learning_rate), momentum = vec_set1(t->hyper->momentum);
    const float *gradient = t->d_weights;
    float *w = t->parameters, *moment = t->moment_1;
    for (; i + VL <= end; i += VL) sgd_step(learning_rate, momentum, nesterov, gradient + i, w + i, moment + i, VL);
    if (i < end) sgd_step(learning_rate, momentum, nesterov, gradient + i, w + i, moment + i, end - i);
}

static void sgd_update(const struct fcnn_query *query, const fcnn_tensors *t,
                       const struct fcnn_memory *memory, enum fcnn_stage stage, int64_t first, int64_t last)
{
    const fcnn_problem *g = query->problem;
    (void)memory, (void)stage;
    const int64_t end = fcnn_min(last * CHUNK, chunk_count(g));
    if (t->hyper->nesterov) sgd_steps(1, t, first * CHUNK, end);
    else sgd_steps(0, t, first * CHUNK, end);
}
