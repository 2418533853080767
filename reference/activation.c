/* SPDX-License-Identifier: BSD-2-Clause
 *
 * ReLU, sigmoid, tanh. ReLU keeps -0 and NaN; backward asks the output, so that src need not be kept. In place is
 * fine. */
#include "reference/ref.h"

#include <math.h>

void ref_relu_forward(int64_t count, const float *src, float *dst)
{
    for (int64_t i = 0; i < count; i++) dst[i] = src[i] < 0.0f ? 0.0f : src[i];
}

void ref_relu_backward_data(int64_t count, const float *dst, const float *d_dst, float *d_src)
{
    for (int64_t i = 0; i < count; i++) d_src[i] = dst[i] == 0.0f ? 0.0f : d_dst[i];
}

/* The exponential of a magnitude cannot overflow, and both quotients are accurate. */
void ref_sigmoid_forward(int64_t count, const float *src, float *dst)
{
    for (int64_t i = 0; i < count; i++) {
        const float x = src[i], exponential = ref_expf(-fabsf(x));
        const float e = exponential < REF_TINY_PROBABILITY ? 0.0f : exponential;
        dst[i] = (x < 0.0f ? e : 1.0f) / (1.0f + e);
    }
}

void ref_sigmoid_backward_data(int64_t count, const float *dst, const float *d_dst, float *d_src)
{
    for (int64_t i = 0; i < count; i++) d_src[i] = d_dst[i] * (dst[i] * (1.0f - dst[i]));
}

void ref_tanh_forward(int64_t count, const float *src, float *dst)
{
    for (int64_t i = 0; i < count; i++) dst[i] = ref_tanhf(src[i]);
}

void ref_tanh_backward_data(int64_t count, const float *dst, const float *d_dst, float *d_src)
{
    for (int64_t i = 0; i < count; i++) d_src[i] = d_dst[i] * fmaf(-dst[i], dst[i], 1.0f);
}
