/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Convolution in double, for measuring errors; written independently of conv2d.c. One loop visits every multiplication:
 * element x of src, w of weights and y of dst meet. Each direction scatters the product of two into the third.
 * *_mag is the sum of |a b| over the terms of the same element (of the bias too). */
#include "reference/ref.h"

#include <math.h>
#include <stddef.h>

enum { X, W, Y };

struct scatter {
    const float *tensor[3];   /* src, weights, d_dst; that of the output is NULL */
    const float *dst;         /* not NULL: outputs that are 0 have no gradient */
    int out;                  /* X, W or Y */
    double *sum, *magnitude;
};

static void visit(const struct scatter *scatter, const int64_t at[3])
{
    if (scatter->dst && scatter->dst[at[Y]] == 0.0f) return;
    const int out = scatter->out, a = (out + 1) % 3, b = (out + 2) % 3;
    const double product = (double)scatter->tensor[a][at[a]] * (double)scatter->tensor[b][at[b]];
    scatter->sum[at[out]] += product;
    scatter->magnitude[at[out]] += fabs(product);
}

/* All outputs that read input pixel (n,h,w), and through which tap. */
static void visit_pixel(const struct ref_conv2d *g, const struct scatter *scatter, int64_t n, int64_t h, int64_t w)
{
    const int64_t group_c = g->c / g->groups, group_k = g->k / g->groups;
    const int64_t first = (h + g->pad_top - (g->r - 1) * g->dilation_h) / g->stride_h;
    for (int64_t p = first > 0 ? first : 0; p < g->p; p++) {
        const int64_t down = h + g->pad_top - p * g->stride_h;
        if (down < 0) break;
        if (down % g->dilation_h != 0 || down / g->dilation_h >= g->r) continue;
        for (int64_t q = 0; q < g->q; q++) {
            const int64_t right = w + g->pad_left - q * g->stride_w;
            if (right < 0) break;
            if (right % g->dilation_w != 0 || right / g->dilation_w >= g->s) continue;
            const int64_t tap = down / g->dilation_h * g->s + right / g->dilation_w;
            for (int64_t c = 0; c < g->c; c++)
                for (int64_t k = c / group_c * group_k; k < (c / group_c + 1) * group_k; k++)
                    visit(scatter, (const int64_t[]){((n * g->h + h) * g->w + w) * g->c + c,
                                                     (tap * group_c + c % group_c) * g->k + k,
                                                     ((n * g->p + p) * g->q + q) * g->k + k});
        }
    }
}

static void visit_all(const struct ref_conv2d *g, const struct scatter *scatter)
{
    for (int64_t n = 0; n < g->n; n++)
        for (int64_t h = 0; h < g->h; h++)
            for (int64_t w = 0; w < g->w; w++) visit_pixel(g, scatter, n, h, w);
}

void refd_conv2d_forward(const struct ref_conv2d *g, const float *src, const float *weights, const float *bias,
                         double *dst, double *dst_mag)
{
    const int64_t count = g->n * g->p * g->q * g->k;
    for (int64_t i = 0; i < count; i++) {
        dst[i] = bias ? (double)bias[i % g->k] : 0.0;
        dst_mag[i] = fabs(dst[i]);
    }
    visit_all(g, &(struct scatter){{src, weights, NULL}, NULL, Y, dst, dst_mag});
    if (!g->relu) return;
    for (int64_t i = 0; i < count; i++) dst[i] = dst[i] < 0.0 ? 0.0 : dst[i];
}

void refd_conv2d_backward_data(const struct ref_conv2d *g, const float *weights, const float *dst, const float *d_dst,
                               double *d_src, double *d_src_mag)
{
    for (int64_t i = 0; i < g->n * g->h * g->w * g->c; i++) d_src[i] = d_src_mag[i] = 0.0;
    visit_all(g, &(struct scatter){{NULL, weights, d_dst}, g->relu ? dst : NULL, X, d_src, d_src_mag});
}

void refd_conv2d_backward_weights(const struct ref_conv2d *g, const float *src, const float *dst, const float *d_dst,
                                  double *d_weights, double *d_weights_mag, double *d_bias, double *d_bias_mag)
{
    for (int64_t i = 0; i < g->r * g->s * (g->c / g->groups) * g->k; i++) d_weights[i] = d_weights_mag[i] = 0.0;
    visit_all(g, &(struct scatter){{src, NULL, d_dst}, g->relu ? dst : NULL, W, d_weights, d_weights_mag});
    if (!d_bias) return;
    for (int64_t k = 0; k < g->k; k++) d_bias[k] = d_bias_mag[k] = 0.0;
    for (int64_t i = 0; i < g->n * g->p * g->q * g->k; i++) {
        if (g->relu && dst[i] == 0.0f) continue;
        d_bias[i % g->k] += (double)d_dst[i];
        d_bias_mag[i % g->k] += fabs((double)d_dst[i]);
    }
}
