/* SPDX-License-Identifier: BSD-2-Clause
 * Winograd's convolution: which problems it serves, where it is doubted, and its tiles' geometry. See winograd.h. */
#include "kernels/winograd/winograd.h"

#include "kernels/simd/common.h"

const char *fcnn_winograd_unsupported(const struct fcnn_query *query)
{
    const fcnn_problem *p = query->problem;
    if (p->r != 3 || p->s != 3) return "a window other than 3x3";
    if (p->stride_h != 1 || p->stride_w != 1) return "a stride other than 1";
    if (p->dilation_h != 1 || p->dilation_w != 1) return "dilation";
    return fcnn_conv2d_unsupported(query);
}

/* ---- doubts: where it is expected to be slower than direct convolution ---- */

/* The constants come from measurements (docs/architecture.md). With 8 channels the transforms cost more than F(4x4)
 * saves on any map. Transforms cost, per tile, frequency and channel on either side, TRANSFORM * m multiply-adds of the
 * products. */
#define LEAST_CHANNELS 16
#define TRANSFORM 4
/* Least tiles that share one pass over the transformed weights, which are 1.8 (F2) or 4 (F4) times as large as the
 * weights; where these exceed LARGE_BYTES, a share of an L3 cache; and for the sums of backward weights, in a block of
 * images. */
#define LEAST_TILES 4
#define LEAST_TILES_LARGE 8
#define LEAST_TILES_SUMMED 8
#define LARGE_BYTES (16 << 20)

/* Sum over the outputs of the forward pass, along one axis, of the taps that fall on real input. */
static double real_taps(int64_t out, int64_t in, int64_t pad)
{
    int64_t taps = 0;
    for (int64_t t = 0; t < 3; t++) taps += fcnn_max(0, fcnn_min(out, in + pad - t) - fcnn_max(0, pad - t));
    return (double)taps;
}

/* Multiply-adds of direct convolution. */
static double direct_cost(const fcnn_problem *p)
{
    const int64_t side = p->op == FCNN_CONV2D_POOL ? 2 : 1;
    return (double)p->n * real_taps(p->p * side, p->h, p->pad_top) * real_taps(p->q * side, p->w, p->pad_left) *
           (double)(p->c / p->groups) * (double)p->k;
}

/* Tiles of m x m that cover the outputs of one image. */
static double tiles_of(const fcnn_problem *p, int64_t m)
{
    const int64_t side = p->op == FCNN_CONV2D_POOL ? 2 : 1;
    const int64_t h = p->direction == FCNN_BACKWARD_DATA ? p->h : side * p->p;
    const int64_t w = p->direction == FCNN_BACKWARD_DATA ? p->w : side * p->q;
    return (double)(fcnn_ceil_div(h, m) * fcnn_ceil_div(w, m));
}

/* Knows problem and m, not the instruction set, for a class is a set of bits: one machine must not take another than
 * the next. */
const char *fcnn_winograd_doubt(const struct fcnn_query *query)
{
    const fcnn_problem *p = query->problem;
    const int64_t m = ((const struct fcnn_winograd *)query->context)->m;
    const double c = (double)(p->c / p->groups), k = (double)(p->k / p->groups);
    if (c < LEAST_CHANNELS || k < LEAST_CHANNELS) return "fewer than 16 channels";
    const double frequencies = (double)((m + 2) * (m + 2)), tiles = tiles_of(p, m);
    const double transforms = TRANSFORM * (double)m * (c + k);
    const double winograd = (double)(p->n * p->groups) * tiles * frequencies * (c * k + transforms);
    if (winograd > direct_cost(p)) return "tiles and transforms would cost more than they save";
    const int summed = p->direction == FCNN_BACKWARD_WEIGHTS, large = frequencies * c * k * sizeof(float) > LARGE_BYTES;
    const int64_t images = summed ? fcnn_min(p->n, FCNN_BLOCK) : p->n;
    const double least = summed ? LEAST_TILES_SUMMED : large ? LEAST_TILES_LARGE : LEAST_TILES;
    return (double)images * tiles < least ? "too few tiles share its transformed weights" : NULL;
}

/* ---- geometry ---- */

struct fcnn_winograd_grid fcnn_winograd_grid_of(int64_t m, int64_t images, int64_t rows, int64_t columns)
{
    struct fcnn_winograd_grid grid = {.n = m + 2, .frequencies = (m + 2) * (m + 2)};
    grid.down = fcnn_ceil_div(rows, m);
    grid.across = fcnn_ceil_div(columns, m);
    grid.count = images * grid.down * grid.across;
    return grid;
}

void fcnn_winograd_pixels(const struct fcnn_winograd_image *image, int64_t n, int64_t top, int64_t left, int64_t size,
                          const float *zeros, const float **pixels)
{
    for (int64_t i = top; i < top + size; i++)
        for (int64_t j = left; j < left + size; j++) {
            int real = i >= 0 && i < image->h && j >= 0 && j < image->w;
            *pixels++ = real ? image->data + ((n * image->h + i) * image->w + j) * image->pixel : zeros;
        }
}
