/* SPDX-License-Identifier: BSD-2-Clause
 * RMSprop (Tieleman & Hinton 2012) in Keras' form, moment_2 the mean of squares, moment_1 the momentum:
 *   v = v + (g^2 - v) (1 - rho);  m = momentum m + learning rate g / sqrt(v + epsilon);  w = w - m */
#include "kernels/elementwise/chunks.h"
#include "kernels/elementwise/flush.h"
#include "kernels/elementwise/lanes.h"

struct rmsprop_factors {
    vec learning_rate, rest, momentum, epsilon; /* rest: 1 - rho */
};

FCNN_INLINE void rmsprop_step(const struct rmsprop_factors *f, const float *gradient, float *parameters,
                              float *moment_1, float *moment_2, int64_t n)
{
    const vec g = vec_flush(vec_load_first(gradient, n), TINY_GRADIENT);
    vec m = vec_load_first(moment_1, n), v = vec_load_first(moment_2, n);
    v = vec_flush(vec_fma(vec_sub(vec_mul(g, g), v), f->rest, v), TINY_MOMENT_2);
    const vec step = vec_div(vec_mul(f->learning_rate, g), vec_sqrt(vec_add(v, f->epsilon)));
    m = vec_flush(vec_fma(f->momentum, m, step), TINY_MOMENT_1);
    vec_store_first(parameters, vec_sub(vec_load_first(parameters, n), m), n);
    vec_store_first(moment_1, m, n);
    vec_store_first(moment_2, v, n);
}

static void rmsprop_update(const struct fcnn_query *query, const fcnn_tensors *t, const struct fcnn_memory *memory,
                           enum fcnn_stage stage, int64_t first, int64_t last)
{
    const fcnn_problem *g = query->problem;
    (void)memory, (void)stage;
    const fcnn_hyper *hyper = t->hyper;
    const struct rmsprop_factors f = {vec_set1(hyper->learning_rate), vec_set1(1.0f - hyper->rho),
                                      vec_set1(hyper->momentum), vec_set1(hyper->epsilon)};
    const float *gradient = t->d_weights;
    float *parameters = t->parameters, *moment_1 = t->moment_1, *moment_2 = t->moment_2;
    const int64_t end = fcnn_min(last * CHUNK, chunk_count(g));
    int64_t i = first * CHUNK;
    for (; i + VL <= end; i += VL) rmsprop_step(&f, gradient + i, parameters + i, moment_1 + i, moment_2 + i, VL);
    if (i < end) rmsprop_step(&f, gradient + i, parameters + i, moment_1 + i, moment_2 + i, end - i);
}
