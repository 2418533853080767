/* SPDX-License-Identifier: BSD-2-Clause
 * Winograd's convolution: which problems it serves, and its tiles' geometry. See winograd.h. */
#include "kernels/winograd/winograd.h"

#include "kernels/simd/common.h"

#define LEAST 16 /* channels: with 8 the transforms cost more than F(4x4) saves on any map */

const char *fcnn_winograd_unsupported(const fcnn_problem *p)
{
    if (p->r != 3 || p->s != 3) return "a window other than 3x3";
    if (p->stride_h != 1 || p->stride_w != 1) return "a stride other than 1";
    if (p->dilation_h != 1 || p->dilation_w != 1) return "dilation";
    if (p->c / p->groups < LEAST || p->k / p->groups < LEAST) return "fewer than 16 channels";
    return fcnn_conv2d_unsupported(p);
}

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
