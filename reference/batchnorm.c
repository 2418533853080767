/* SPDX-License-Identifier: BSD-2-Clause
 * Batch normalization. */
#include <math.h>

#include "reference/ref.h"

/* Of one channel: the terms (x - shift), or times (x - shift), of its pixels, c floats apart. */
struct column {
    const float *x, *times;
    float shift, times_shift;
    int64_t pixels, c;
};

static float chain(const void *context, int64_t block)
{
    const struct column *t = context;
    const int64_t first = block * REF_PIXELS, end = first + REF_PIXELS < t->pixels ? first + REF_PIXELS : t->pixels;
    float sum = 0.0f;
    for (int64_t i = first; i < end; i++) {
        const float d = t->x[i * t->c] - t->shift;
        sum = t->times ? fmaf(t->times[i * t->c] - t->times_shift, d, sum) : sum + d;
    }
    return sum;
}

static float sum_of(const struct column *t)
{
    return ref_tree(0, (t->pixels + REF_PIXELS - 1) / REF_PIXELS, chain, t);
}

static float factor(float variance, float epsilon)
{
    return 1.0f / sqrtf(variance + epsilon);
}

void ref_batch_sums(int64_t pixels, int64_t c, const float *src, float *dst)
{
    for (int64_t i = 0; i < c; i++) {
        struct column t = {.x = src + i, .pixels = pixels, .c = c};
        dst[i] = t.shift = sum_of(&t) / (float)pixels;
        dst[c + i] = sum_of(&t);
        t.times = t.x, t.times_shift = t.shift;
        dst[2 * c + i] = sum_of(&t);
    }
}

void ref_batch_norm_forward(int64_t pixels, int64_t c, float epsilon, const float *src, const float *mean,
                            const float *variance, const float *gamma, const float *beta, float *dst)
{
    for (int64_t i = 0; i < pixels; i++)
        for (int64_t j = 0; j < c; j++)
            dst[i * c + j] = fmaf(src[i * c + j] - mean[j], gamma[j] * factor(variance[j], epsilon), beta[j]);
}

void ref_batch_norm_backward_weights(int64_t pixels, int64_t c, float epsilon, const float *src, const float *mean,
                                     const float *variance, const float *d_dst, float *d_gamma, float *d_beta)
{
    for (int64_t i = 0; i < c; i++) {
        const struct column plain = {.x = d_dst + i, .pixels = pixels, .c = c};
        const struct column product = {.x = src + i, .times = d_dst + i, .shift = mean[i], .pixels = pixels, .c = c};
        d_beta[i] = sum_of(&plain);
        d_gamma[i] = sum_of(&product) * factor(variance[i], epsilon);
    }
}

void ref_batch_norm_backward_data(int64_t pixels, int64_t c, float epsilon, float scale, const float *src,
                                  const float *mean, const float *variance, const float *gamma, const float *d_gamma,
                                  const float *d_beta, const float *d_dst, float *d_src)
{
    for (int64_t i = 0; i < pixels; i++)
        for (int64_t j = 0; j < c; j++) {
            const float f = factor(variance[j], epsilon), slope = d_gamma[j] * scale * f;
            const float gradient = fmaf(mean[j] - src[i * c + j], slope, d_dst[i * c + j] - d_beta[j] * scale);
            d_src[i * c + j] = gradient * (gamma[j] * f);
        }
}
