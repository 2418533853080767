/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Dense layers: src (n,c), weights (c,k), dst (n,k). Nothing but a convolution of n images of one pixel. */
#include "reference/ref.h"

static struct ref_conv2d one_pixel(const struct ref_dense *g)
{
    return (struct ref_conv2d){.n = g->n, .h = 1, .w = 1, .c = g->c, .k = g->k, .r = 1, .s = 1,
                               .stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1, .groups = 1,
                               .p = 1, .q = 1, .relu = g->relu};
}

void ref_dense_forward(const struct ref_dense *g, const float *src, const float *weights, const float *bias, float *dst)
{
    const struct ref_conv2d conv = one_pixel(g);
    ref_conv2d_forward(&conv, src, weights, bias, dst);
}

void ref_dense_backward_data(const struct ref_dense *g, const float *weights, const float *dst, const float *d_dst,
                             float *d_src)
{
    const struct ref_conv2d conv = one_pixel(g);
    ref_conv2d_backward_data(&conv, weights, dst, d_dst, d_src);
}

void ref_dense_backward_weights(const struct ref_dense *g, const float *src, const float *dst, const float *d_dst,
                                float *d_weights, float *d_bias)
{
    const struct ref_conv2d conv = one_pixel(g);
    ref_conv2d_backward_weights(&conv, src, dst, d_dst, d_weights, d_bias);
}
