/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Softmax over c of src (n,c), and with it the cross-entropies: with a label or a distribution for each row; and the
 * mean squared error. Maximum and sums run in 16 striped lanes, so that vectors of 4, 8 and 16 floats compute the same
 * bits. */
#include "reference/ref.h"

#include <math.h>

enum { LANES = 16 };

static float larger(float m, float x)
{
    return x > m ? x : m;
}

static float row_max(int64_t c, const float *x)
{
    float lane[LANES];
    for (int i = 0; i < LANES; i++) lane[i] = -INFINITY;
    for (int64_t i = 0; i < c; i++) lane[i % LANES] = larger(lane[i % LANES], x[i]);
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++) lane[i] = larger(lane[i], lane[i + half]);
    return lane[0];
}

static float join(float lane[LANES])
{
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++) lane[i] += lane[i + half];
    return lane[0];
}

static float row_sum(int64_t c, const float *x)
{
    float lane[LANES] = {0.0f};
    for (int64_t i = 0; i < c; i++) lane[i % LANES] += x[i];
    return join(lane);
}

/* A NaN, a +inf or nothing but -inf in the row: some e_i is NaN, so the sum is, so all of dst is. */
static void softmax_row(int64_t c, const float *x, float *dst, float *max, float *sum)
{
    *max = row_max(c, x);
    for (int64_t i = 0; i < c; i++) {
        const float e = ref_expf(x[i] - *max);
        dst[i] = e < REF_TINY_PROBABILITY ? 0.0f : e;
    }
    *sum = row_sum(c, dst);
    for (int64_t i = 0; i < c; i++) dst[i] /= *sum;
}

void ref_softmax(int64_t n, int64_t c, const float *src, float *dst)
{
    float max, sum;
    for (int64_t i = 0; i < n; i++) softmax_row(c, src + i * c, dst + i * c, &max, &sum);
}

void ref_cross_entropy_forward(int64_t n, int64_t c, const float *src, const int32_t *labels, float *dst, float *loss)
{
    float max, sum;
    for (int64_t i = 0; i < n; i++) {
        softmax_row(c, src + i * c, dst + i * c, &max, &sum);
        loss[i] = ref_logf(sum) - (src[i * c + labels[i]] - max);
    }
}

void ref_cross_entropy_backward(int64_t n, int64_t c, const float *dst, const int32_t *labels, float scale,
                                float *d_src)
{
    for (int64_t i = 0; i < n * c; i++) {
        const float d = (dst[i] - (i % c == labels[i / c] ? 1.0f : 0.0f)) * scale;
        d_src[i] = fabsf(d) < REF_TINY_GRADIENT ? 0.0f : d;
    }
}

void ref_categorical_cross_entropy_forward(int64_t n, int64_t c, const float *src, const float *targets, float *dst,
                                           float *loss)
{
    float max, sum;
    for (int64_t row = 0; row < n; row++) {
        const float *x = src + row * c, *target = targets + row * c;
        float lane[LANES] = {0.0f};
        softmax_row(c, x, dst + row * c, &max, &sum);
        const float log_sum = ref_logf(sum);
        for (int64_t i = 0; i < c; i++) {
            const float term = target[i] == 0.0f ? 0.0f : log_sum - (x[i] - max);
            lane[i % LANES] = fmaf(target[i], term, lane[i % LANES]);
        }
        loss[row] = join(lane);
    }
}

/* (x - target) * factor */
static void gradient(int64_t count, const float *x, const float *targets, float factor, float *d_src)
{
    for (int64_t i = 0; i < count; i++) {
        const float d = (x[i] - targets[i]) * factor;
        d_src[i] = fabsf(d) < REF_TINY_GRADIENT ? 0.0f : d;
    }
}

void ref_categorical_cross_entropy_backward(int64_t n, int64_t c, const float *dst, const float *targets, float scale,
                                            float *d_src)
{
    gradient(n * c, dst, targets, scale, d_src);
}

void ref_mse_forward(int64_t n, int64_t c, const float *src, const float *targets, float *loss)
{
    for (int64_t row = 0; row < n; row++) {
        float lane[LANES] = {0.0f};
        for (int64_t i = 0; i < c; i++) {
            const float d = src[row * c + i] - targets[row * c + i];
            lane[i % LANES] = fmaf(d, d, lane[i % LANES]);
        }
        loss[row] = join(lane) / (float)c;
    }
}

void ref_mse_backward(int64_t n, int64_t c, const float *src, const float *targets, float scale, float *d_src)
{
    gradient(n * c, src, targets, 2.0f * scale / (float)c, d_src);
}
