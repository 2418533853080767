/* SPDX-License-Identifier: BSD-2-Clause
 * Inputs that tiles cannot read in place: see conv2d.h. */
#include <string.h>

#include "kernels/conv2d/conv2d.h"
#include "kernels/simd/common.h"

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

/* One row of a group. */
static void halo_row(const struct fcnn_tiles *tiles, const struct fcnn_halo *halo, const struct fcnn_gather *gather,
                     const float *src, const float *alive, float *out)
{
    const int64_t pixel = gather->src_pixel;
    const int64_t real = fcnn_min(halo->w, halo->columns - halo->left); /* no output may meet the last ones */
    float *right = out + (halo->left + real) * pixel;
    memset(out, 0, (size_t)(halo->left * pixel) * sizeof(float));
    tiles->cut_strip(real, gather->depth, src, alive, halo->pixel, out + halo->left * pixel, pixel);
    memset(right, 0, (size_t)((halo->columns - halo->left - real) * pixel) * sizeof(float));
}

void fcnn_spread_group(const struct fcnn_tiles *tiles, const fcnn_problem *p, const fcnn_tensors *t,
                       const struct fcnn_halo *halo, const struct fcnn_gather *gather, int64_t image, int64_t group,
                       const struct fcnn_span *rows, float *out)
{
    const int forward = p->direction == FCNN_FORWARD, masked = !forward && p->activation == FCNN_RELU_ACTIVATION;
    const float *src = forward ? t->src : t->d_dst;
    for (int64_t i = rows->from; i < rows->to; i++, out += gather->src_row) {
        const int64_t h = i - halo->top;
        const int64_t at = (image * halo->h + h) * halo->w * halo->pixel + group * gather->depth;
        if (h < 0 || h >= halo->h) memset(out, 0, (size_t)gather->src_row * sizeof(float));
        else halo_row(tiles, halo, gather, src + at, masked ? t->dst + at : NULL, out);
    }
}

/* The four rows of channels that window (row, column) owns. */
static void window_rows(const fcnn_problem *p, enum fcnn_spread what, float *out, int64_t column, float *full[4])
{
    for (int64_t i = 0; i < 4; i++)
        full[i] = what == FCNN_SPREAD_WINDOWS ? out + (column * 4 + i) * p->k
                                              : out + (i / 2 * 2 * p->q + 2 * column + i % 2) * p->k;
}

/* One row of windows. */
static void unpool_row(const struct fcnn_tiles *tiles, const fcnn_problem *p, const uint16_t *choice,
                       const float *d_dst, enum fcnn_spread what, float *out)
{
    int64_t words = (p->k + 15) / 16 * 3;
    for (int64_t column = 0; column < p->q; column++, choice += words, d_dst += p->k) {
        float *full[4];
        window_rows(p, what, out, column, full);
        tiles->unpool(p->k, choice, d_dst, full);
    }
}

void fcnn_spread_gradient(const struct fcnn_tiles *tiles, const fcnn_problem *p, const fcnn_tensors *t,
                          enum fcnn_spread what, float *out, int64_t first, int64_t last)
{
    const int64_t row = p->q * p->k, words = p->q * ((p->k + 15) / 16) * 3;
    if (p->op != FCNN_CONV2D_POOL) {
        tiles->mask_relu((last - first) * row, t->dst + first * row, t->d_dst + first * row, out);
        return;
    }
    for (int64_t i = first; i < last; i++, out += 4 * row)
        unpool_row(tiles, p, t->choice + i * words, t->d_dst + i * row, what, out);
}

int64_t fcnn_spread_rows_of(const fcnn_problem *p, enum fcnn_spread what)
{
    return p->n * (what == FCNN_SPREAD_HALO ? p->pad_top + p->h + p->pad_bottom : p->p);
}

void fcnn_spread_rows(const struct fcnn_tiles *tiles, const fcnn_problem *p, const fcnn_tensors *t,
                      enum fcnn_spread what, float *out, int64_t first, int64_t last)
{
    if (what == FCNN_SPREAD_HALO) fcnn_halo_rows(p, t->src, out, first, last);
    else {
        const int64_t row = (p->op == FCNN_CONV2D_POOL ? 4 : 1) * p->q * p->k;
        fcnn_spread_gradient(tiles, p, t, what, out + first * row, first, last);
    }
}

void fcnn_spread(const struct fcnn_tiles *tiles, const fcnn_problem *p, const fcnn_tensors *t, enum fcnn_spread what,
                 float *out, int64_t first, int64_t last)
{
    const int64_t rows = fcnn_spread_rows_of(p, what) / p->n;
    fcnn_spread_rows(tiles, p, t, what, out, first * rows, last * rows);
}
