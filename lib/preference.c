/* SPDX-License-Identifier: BSD-2-Clause
 * Where Winograd can serve but is expected to be slower than direct convolution: where tiles and transforms cost more
 * than the multiplications they save (few channels; maps that tiles cover badly, or much padding), and where too few
 * tiles share the transformed weights, which are 1.8 (F2) or 4 (F4) times as large as the weights. A preference and no
 * limit: it decides between kernels of one instruction set; one that is alone or asked for by name still runs. It
 * knows problem and class, not the instruction set, for a class is a set of bits: one machine must not take another
 * than the next. The constants come from measurements (docs/architecture.md). */
#include "lib/internal.h"

/* Transforms cost, per tile, frequency and channel on either side, TRANSFORM * m multiply-adds of the products. */
#define TRANSFORM 4
/* Least tiles that share one pass over the transformed weights; where these exceed LARGE_BYTES, a share of an L3 cache;
 * and for the sums of backward weights, in a block of images. */
#define LEAST_TILES 4
#define LEAST_TILES_LARGE 8
#define LEAST_TILES_SUMMED 8
#define LARGE_BYTES (16 << 20)

/* Tiles of m x m that cover the outputs of one image. */
static int64_t tiles_of(const fcnn_problem *p, int64_t m)
{
    const int64_t side = p->op == FCNN_CONV2D_POOL ? 2 : 1;
    const int64_t h = p->direction == FCNN_BACKWARD_DATA ? p->h : side * p->p;
    const int64_t w = p->direction == FCNN_BACKWARD_DATA ? p->w : side * p->q;
    return ((h + m - 1) / m) * ((w + m - 1) / m);
}

const char *fcnn_dispatch_doubt(const struct fcnn_kernel *kernel, const fcnn_problem *p)
{
    const int64_t m = kernel->numerics == FCNN_WINOGRAD_F4 ? 4 : kernel->numerics == FCNN_WINOGRAD_F2 ? 2 : 0;
    if (!m) return "";
    const double c = (double)(p->c / p->groups), k = (double)(p->k / p->groups);
    const double frequencies = (double)((m + 2) * (m + 2)), tiles = (double)tiles_of(p, m);
    const double transforms = TRANSFORM * (double)m * (c + k);
    const double winograd = (double)(p->n * p->groups) * tiles * frequencies * (c * k + transforms);
    if (2 * winograd > fcnn_problem_flops(p)) return "tiles and transforms would cost more than they save";
    const int summed = p->direction == FCNN_BACKWARD_WEIGHTS, large = frequencies * c * k * sizeof(float) > LARGE_BYTES;
    const int64_t images = summed && p->n > FCNN_BLOCK ? FCNN_BLOCK : p->n;
    const double least = summed ? LEAST_TILES_SUMMED : large ? LEAST_TILES_LARGE : LEAST_TILES;
    return (double)images * tiles < least ? "too few tiles share its transformed weights" : "";
}
