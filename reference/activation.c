/* SPDX-License-Identifier: BSD-2-Clause
 *
 * ReLU. Forward keeps -0 and NaN; backward asks the output, so that src need not be kept. In place is fine. */
#include "reference/ref.h"

void ref_relu_forward(int64_t count, const float *src, float *dst)
{
    for (int64_t i = 0; i < count; i++) dst[i] = src[i] < 0.0f ? 0.0f : src[i];
}

void ref_relu_backward_data(int64_t count, const float *dst, const float *d_dst, float *d_src)
{
    for (int64_t i = 0; i < count; i++) d_src[i] = dst[i] == 0.0f ? 0.0f : d_dst[i];
}
