/* SPDX-License-Identifier: BSD-2-Clause
 * Inputs that tiles cannot read in place: see conv2d.h. */
#include <string.h>

#include "kernels/conv2d/conv2d.h"

/* A halo may be 2^31 times as large as its image; what no address space holds is all one. */
static size_t halo_bytes(const fcnn_problem *p)
{
    const int64_t image = p->h * p->w * p->c * (int64_t)sizeof(float);
    return p->n > INT64_MAX / 8 / image ? SIZE_MAX / 8 : (size_t)(p->n * image);
}

size_t fcnn_spread_bytes(const fcnn_problem *problem, enum fcnn_spread what)
{
    fcnn_problem p = fcnn_conv_of(problem, what == FCNN_SPREAD_HALO);
    switch (what) {
    case FCNN_SPREAD_NOTHING: return 0;
    case FCNN_SPREAD_HALO: return halo_bytes(&p);
    default: return (size_t)(p.n * p.p * p.q * p.k) * sizeof(float);
    }
}

void fcnn_halo_rows(const fcnn_problem *p, const float *src, float *out, int64_t first, int64_t last)
{
    const int64_t height = p->pad_top + p->h + p->pad_bottom;
    size_t left = (size_t)(p->pad_left * p->c), row = (size_t)(p->w * p->c), right = (size_t)(p->pad_right * p->c);
    size_t padded = left + row + right;
    out += (size_t)first * padded;
    for (int64_t i = first; i < last; i++, out += padded) {
        const int64_t n = i / height, h = i % height - p->pad_top;
        if (h < 0 || h >= p->h) {
            memset(out, 0, padded * sizeof(float));
            continue;
        }
        memset(out, 0, left * sizeof(float));
        memcpy(out + left, src + (size_t)(n * p->h + h) * row, row * sizeof(float));
        memset(out + left + row, 0, right * sizeof(float));
    }
}

/* The four rows of channels that window (row, column) owns. */
static void window_rows(const fcnn_problem *p, enum fcnn_spread what, float *out, int64_t row, int64_t column,
                        float *full[4])
{
    for (int64_t i = 0; i < 4; i++)
        full[i] = what == FCNN_SPREAD_WINDOWS ? out + ((row * p->q + column) * 4 + i) * p->k
                                              : out + ((2 * row + i / 2) * 2 * p->q + 2 * column + i % 2) * p->k;
}

static void unpool_image(const struct fcnn_tiles *tiles, const fcnn_problem *p, const uint16_t *choice,
                         const float *d_dst, enum fcnn_spread what, float *out)
{
    int64_t words = (p->k + 15) / 16 * 3;
    for (int64_t row = 0; row < p->p; row++)
        for (int64_t column = 0; column < p->q; column++, choice += words, d_dst += p->k) {
            float *full[4];
            window_rows(p, what, out, row, column, full);
            tiles->unpool(p->k, choice, d_dst, full);
        }
}

void fcnn_spread_gradient(const struct fcnn_tiles *tiles, const fcnn_problem *p, const fcnn_tensors *t,
                          enum fcnn_spread what, float *out, int64_t first, int64_t last)
{
    const int64_t dst = p->p * p->q * p->k, words = p->p * p->q * ((p->k + 15) / 16) * 3;
    for (int64_t n = first; n < last; n++, out += p->op == FCNN_CONV2D_POOL ? 4 * dst : dst) {
        if (p->op == FCNN_CONV2D_POOL) unpool_image(tiles, p, t->choice + n * words, t->d_dst + n * dst, what, out);
        else tiles->mask_relu(dst, t->dst + n * dst, t->d_dst + n * dst, out);
    }
}

void fcnn_spread(const struct fcnn_tiles *tiles, const fcnn_problem *p, const fcnn_tensors *t, enum fcnn_spread what,
                 float *out, int64_t first, int64_t last)
{
    const int64_t height = p->pad_top + p->h + p->pad_bottom;
    if (what == FCNN_SPREAD_HALO) fcnn_halo_rows(p, t->src, out, first * height, last * height);
    else
        fcnn_spread_gradient(tiles, p, t, what,
                             out + first * (int64_t)(fcnn_spread_bytes(p, what) / sizeof(float)) / p->n, first, last);
}
