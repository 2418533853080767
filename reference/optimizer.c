/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Adam (Kingma & Ba 2015, arXiv:1412.6980) and AdamW, SGD with momentum, RMSprop, in Keras' forms. Gradients and
 * moments too small to matter are set to 0 where they are born, so that no later product is denormal. */
#include "reference/ref.h"

#include <math.h>

static float flush(float x, float tiny)
{
    return fabsf(x) < tiny ? 0.0f : x;
}

void ref_adam(int64_t count, float learning_rate, float weight_decay, float beta_1, float beta_2, float epsilon,
              float beta_1_power, float beta_2_power, const float *gradient, float *parameters, float *moment_1,
              float *moment_2)
{
    const float alpha = learning_rate * sqrtf(1.0f - beta_2_power) / (1.0f - beta_1_power);
    for (int64_t i = 0; i < count; i++) {
        const float g = flush(gradient[i], REF_TINY_GRADIENT);
        const float m = flush(fmaf(g - moment_1[i], 1.0f - beta_1, moment_1[i]), REF_TINY_MOMENT_1);
        const float v = flush(fmaf(g * g - moment_2[i], 1.0f - beta_2, moment_2[i]), REF_TINY_MOMENT_2);
        float w = parameters[i];
        if (weight_decay != 0) w = fmaf(-(learning_rate * weight_decay), w, w);
        parameters[i] = w - m * alpha / (sqrtf(v) + epsilon);
        moment_1[i] = m;
        moment_2[i] = v;
    }
}

void ref_sgd(int64_t count, float learning_rate, float momentum, int nesterov, const float *gradient,
             float *parameters, float *moment_1)
{
    for (int64_t i = 0; i < count; i++) {
        const float g = flush(gradient[i], REF_TINY_GRADIENT);
        const float push = -(learning_rate * g), v = flush(fmaf(momentum, moment_1[i], push), REF_TINY_MOMENT_1);
        parameters[i] += nesterov ? fmaf(momentum, v, push) : v;
        moment_1[i] = v;
    }
}

void ref_rmsprop(int64_t count, float learning_rate, float rho, float momentum, float epsilon, const float *gradient,
                 float *parameters, float *moment_1, float *moment_2)
{
    for (int64_t i = 0; i < count; i++) {
        const float g = flush(gradient[i], REF_TINY_GRADIENT);
        const float v = flush(fmaf(g * g - moment_2[i], 1.0f - rho, moment_2[i]), REF_TINY_MOMENT_2);
        const float step = learning_rate * g / sqrtf(v + epsilon);
        const float m = flush(fmaf(momentum, moment_1[i], step), REF_TINY_MOMENT_1);
        parameters[i] -= m;
        moment_1[i] = m;
        moment_2[i] = v;
    }
}
