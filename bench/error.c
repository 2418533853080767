/* SPDX-License-Identifier: BSD-2-Clause
 * How far a class's floats are from the same sums in double. All kernels of a class have the same bits, so this is the
 * error of each of them. */
#include <math.h>
#include <stdlib.h>

#include "bench/cases.h"

struct ref_conv2d bench_geometry(const fcnn_problem *p)
{
    if (p->op == FCNN_DENSE)
        return (struct ref_conv2d){
            .n = p->n, .h = 1, .w = 1, .c = p->c, .k = p->k, .r = 1, .s = 1, .stride_h = 1, .stride_w = 1,
            .dilation_h = 1, .dilation_w = 1, .groups = 1, .p = 1, .q = 1,
            .relu = p->activation == FCNN_RELU_ACTIVATION};
    return (struct ref_conv2d){
        .n = p->n, .h = p->h, .w = p->w, .c = p->c, .k = p->k, .r = p->r, .s = p->s, .stride_h = p->stride_h,
        .stride_w = p->stride_w, .dilation_h = p->dilation_h, .dilation_w = p->dilation_w, .pad_top = p->pad_top,
        .pad_left = p->pad_left, .groups = p->groups,
        .p = (p->h + p->pad_top + p->pad_bottom - (p->r - 1) * p->dilation_h - 1) / p->stride_h + 1,
        .q = (p->w + p->pad_left + p->pad_right - (p->s - 1) * p->dilation_w - 1) / p->stride_w + 1,
        .relu = p->op == FCNN_CONV2D_POOL || p->activation == FCNN_RELU_ACTIVATION};
}

static double worst(int64_t count, const float *got, const double *want, const double *magnitude)
{
    double most = 0;
    for (int64_t i = 0; i < count; i++) {
        double error = fabs((double)got[i] - want[i]);
        if (error > 0) most = fmax(most, error / (0x1p-24 * magnitude[i]));
    }
    return most;
}

/* Max pooling 2x2 of (n,p,q,k) in place; a window takes the magnitude of its winner. */
static void pool(const struct ref_conv2d *g, double *dst, double *magnitude)
{
    int64_t at = 0;
    for (int64_t n = 0; n < g->n; n++)
        for (int64_t p = 0; p + 1 < g->p; p += 2)
            for (int64_t q = 0; q + 1 < g->q; q += 2)
                for (int64_t k = 0; k < g->k; k++, at++) {
                    int64_t winner = ((n * g->p + p) * g->q + q) * g->k + k;
                    const int64_t others[3] = {winner + g->k, winner + g->q * g->k, winner + (g->q + 1) * g->k};
                    for (int i = 0; i < 3; i++)
                        if (dst[others[i]] > dst[winner]) winner = others[i];
                    dst[at] = dst[winner];
                    magnitude[at] = magnitude[winner];
                }
}

static double forward_error(const fcnn_problem *p, const struct ref_conv2d *g, const fcnn_tensors *t, double *space,
                            int64_t out)
{
    refd_conv2d_forward(g, t->src, t->weights, t->bias, space, space + out);
    if (p->op == FCNN_CONV2D_POOL) pool(g, space, space + out);
    return worst(p->n * p->p * p->q * p->k, t->dst, space, space + out);
}

static double weights_error(const struct ref_conv2d *g, const fcnn_tensors *t, const float *d_dst, double *space,
                            int64_t weights)
{
    double *bias = space + 2 * weights;
    refd_conv2d_backward_weights(g, t->src, t->dst, d_dst, space, space + weights, bias, bias + g->k);
    double most = worst(weights, t->d_weights, space, space + weights);
    return t->d_bias ? fmax(most, worst(g->k, t->d_bias, bias, bias + g->k)) : most;
}

double bench_error(const fcnn_problem *p, const fcnn_tensors *t)
{
    if (p->op != FCNN_CONV2D && p->op != FCNN_CONV2D_POOL && p->op != FCNN_DENSE) return NAN;
    if (fcnn_problem_flops(p) > 1e9) return NAN;
    struct ref_conv2d g = bench_geometry(p);
    int64_t src = g.n * g.h * g.w * g.c, out = g.n * g.p * g.q * g.k;
    int64_t weights = g.r * g.s * (g.c / g.groups) * g.k, parameters = weights + g.k;
    int64_t largest = src > out ? src : out;
    if (largest < parameters) largest = parameters;
    double *space = malloc((size_t)largest * 2 * sizeof *space), error = NAN;
    float *full = malloc((size_t)out * sizeof *full); /* the gradient of a pooled convolution, zeros included */
    const float *d_dst = t->d_dst;
    if (p->op == FCNN_CONV2D_POOL && p->direction != FCNN_FORWARD && full) {
        ref_unpool(&g, t->choice, t->d_dst, full);
        d_dst = full;
        g.relu = 0;
    }
    if (space && full && p->direction == FCNN_FORWARD) {
        error = forward_error(p, &g, t, space, out);
    } else if (space && full && p->direction == FCNN_BACKWARD_DATA) {
        refd_conv2d_backward_data(&g, t->weights, t->dst, d_dst, space, space + src);
        error = worst(src, t->d_src, space, space + src);
    } else if (space && full) {
        error = weights_error(&g, t, d_dst, space, weights);
    }
    free(space);
    free(full);
    return error;
}
