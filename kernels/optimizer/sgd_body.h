/* SPDX-License-Identifier: BSD-2-Clause
 * Gradient descent with momentum, in Keras' form: v = momentum v - learning rate g;  w = w + v. */
#include "kernels/elementwise/chunks.h"
#include "kernels/elementwise/flush.h"
#include "kernels/elementwise/lanes.h"

FCNN_INLINE void sgd_step(vec learning_rate, vec momentum, const float *gradient, float *parameters, float *moment,
                          int64_t n)
{
    const vec g = vec_flush(vec_load_first(gradient, n), TINY_GRADIENT);
    const vec push = vec_negate(vec_mul(learning_rate, g));
    const vec v = vec_flush(vec_fma(momentum, vec_load_first(moment, n), push), TINY_MOMENT_1);
    vec_store_first(parameters, vec_add(vec_load_first(parameters, n), v), n);
    vec_store_first(moment, v, n);
}

static void sgd_update(const struct fcnn_query *query, const fcnn_tensors *t,
                       const struct fcnn_memory *memory, enum fcnn_stage stage, int64_t first, int64_t last)
{
    const fcnn_problem *g = query->problem;
    (void)memory, (void)stage;
    const vec learning_rate = vec_set1(t->hyper->learning_rate), momentum = vec_set1(t->hyper->momentum);
    const float *gradient = t->d_weights;
    float *parameters = t->parameters, *moment = t->moment_1;
    const int64_t end = fcnn_min(last * CHUNK, chunk_count(g));
    int64_t i = first * CHUNK;
    for (; i + VL <= end; i += VL) sgd_step(learning_rate, momentum, gradient + i, parameters + i, moment + i, VL);
    if (i < end) sgd_step(learning_rate, momentum, gradient + i, parameters + i, moment + i, end - i);
}
