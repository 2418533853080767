/* SPDX-License-Identifier: BSD-2-Clause
 * Adam (Kingma & Ba 2015) in Keras' form. With the gradient g:
 *   m = m + (g - m) (1 - beta_1);  v = v + (g^2 - v) (1 - beta_2);  w = w - m alpha / (sqrt(v) + epsilon)
 *   alpha = learning rate * sqrt(1 - beta_2^t) / (1 - beta_1^t)
 * With weight decay (AdamW, Loshchilov & Hutter 2019) w = w - learning rate * decay * w goes before. */
#include <math.h>

#include "kernels/elementwise/chunks.h"
#include "kernels/elementwise/flush.h"
#include "kernels/elementwise/lanes.h"

struct adam_factors {
    vec rest_1, rest_2, alpha, epsilon; /* rest: 1 - beta */
    vec decay;                          /* -learning rate * weight decay */
};

FCNN_INLINE void adam_step(const struct adam_factors *f, int decays, const float *gradient, float *parameters,
                           float *moment_1, float *moment_2, int64_t n)
{
    const vec g = vec_flush(vec_load_first(gradient, n), TINY_GRADIENT);
    vec m = vec_load_first(moment_1, n), v = vec_load_first(moment_2, n);
    m = vec_flush(vec_fma(vec_sub(g, m), f->rest_1, m), TINY_MOMENT_1);
    v = vec_flush(vec_fma(vec_sub(vec_mul(g, g), v), f->rest_2, v), TINY_MOMENT_2);
    const vec step = vec_div(vec_mul(m, f->alpha), vec_add(vec_sqrt(v), f->epsilon));
    vec w = vec_load_first(parameters, n);
    if (decays) w = vec_fma(f->decay, w, w);
    vec_store_first(parameters, vec_sub(w, step), n);
    vec_store_first(moment_1, m, n);
    vec_store_first(moment_2, v, n);
}

/* Elements i .. end-1. */
FCNN_INLINE void adam_steps(const struct adam_factors *f, int decays, const fcnn_tensors *t, int64_t i, int64_t end)
{
    const float *gradient = t->d_weights;
    float *w = t->parameters, *moment_1 = t->moment_1, *moment_2 = t->moment_2;
    for (; i + VL <= end; i += VL) adam_step(f, decays, gradient + i, w + i, moment_1 + i, moment_2 + i, VL);
    if (i < end) adam_step(f, decays, gradient + i, w + i, moment_1 + i, moment_2 + i, end - i);
}

static void adam_update(const struct fcnn_query *query, const fcnn_tensors *t,
                        const struct fcnn_memory *memory, enum fcnn_stage stage, int64_t first, int64_t last)
{
    const fcnn_problem *g = query->problem;
    (void)memory, (void)stage;
    const fcnn_hyper *hyper = t->hyper;
    const float alpha = hyper->learning_rate * sqrtf(1.0f - hyper->beta_2_power) / (1.0f - hyper->beta_1_power);
    const struct adam_factors f = {vec_set1(1.0f - hyper->beta_1), vec_set1(1.0f - hyper->beta_2), vec_set1(alpha),
                                   vec_set1(hyper->epsilon), vec_set1(-(hyper->learning_rate * hyper->weight_decay))};
    const int64_t end = fcnn_min(last * CHUNK, chunk_count(g));
    if (hyper->weight_decay != 0) adam_steps(&f, 1, t, first * CHUNK, end);
    else adam_steps(&f, 0, t, first * CHUNK, end);
}
