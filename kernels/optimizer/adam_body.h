/* SPDX-License-Identifier: BSD-2-Clause
 * Adam (Kingma & Ba 2015) in Keras' form. With the gradient g:
 *   m = m + (g - m) (1 - beta_1);  v = v + (g^2 - v) (1 - beta_2);  w = w - m alpha / (sqrt(v) + epsilon)
 *   alpha = learning rate * sqrt(1 - beta_2^t) / (1 - beta_1^t) */
#include <math.h>

#include "kernels/elementwise/chunks.h"
#include "kernels/elementwise/flush.h"
#include "kernels/elementwise/lanes.h"

struct adam_factors {
    vec rest_1, rest_2, alpha, epsilon; /* rest: 1 - beta */
};

FCNN_INLINE void adam_step(const struct adam_factors *f, const float *gradient, float *parameters, float *moment_1,
                           float *moment_2, int64_t n)
{
    const vec g = vec_flush(vec_load_first(gradient, n), TINY_GRADIENT);
    vec m = vec_load_first(moment_1, n), v = vec_load_first(moment_2, n);
    m = vec_flush(vec_fma(vec_sub(g, m), f->rest_1, m), TINY_MOMENT_1);
    v = vec_flush(vec_fma(vec_sub(vec_mul(g, g), v), f->rest_2, v), TINY_MOMENT_2);
    const vec step = vec_div(vec_mul(m, f->alpha), vec_add(vec_sqrt(v), f->epsilon));
    vec_store_first(parameters, vec_sub(vec_load_first(parameters, n), step), n);
    vec_store_first(moment_1, m, n);
    vec_store_first(moment_2, v, n);
}

static void adam_update(const struct fcnn_query *query, const fcnn_tensors *t,
                        const struct fcnn_memory *memory, enum fcnn_stage stage, int64_t first, int64_t last)
{
    const fcnn_problem *g = query->problem;
    (void)memory, (void)stage;
    const fcnn_hyper *hyper = t->hyper;
    const float alpha = hyper->learning_rate * sqrtf(1.0f - hyper->beta_2_power) / (1.0f - hyper->beta_1_power);
    const struct adam_factors f = {vec_set1(1.0f - hyper->beta_1), vec_set1(1.0f - hyper->beta_2), vec_set1(alpha),
                                   vec_set1(hyper->epsilon)};
    const float *gradient = t->d_weights;
    float *parameters = t->parameters, *moment_1 = t->moment_1, *moment_2 = t->moment_2;
    const int64_t end = fcnn_min(last * CHUNK, chunk_count(g));
    int64_t i = first * CHUNK;
    for (; i + VL <= end; i += VL) adam_step(&f, gradient + i, parameters + i, moment_1 + i, moment_2 + i, VL);
    if (i < end) adam_step(&f, gradient + i, parameters + i, moment_1 + i, moment_2 + i, end - i);
}
