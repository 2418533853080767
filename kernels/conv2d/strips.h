/* SPDX-License-Identifier: BSD-2-Clause
 * Copies of image and gradient that a call of direct backward weights makes in its own scratch, so that tiles stream
 * through memory that is contiguous and was written by the core that reads it. A call copies what its tasks read, and
 * no row before a chunk needs it. */
#ifndef FCNN_STRIPS_H
#define FCNN_STRIPS_H

#include "kernels/conv2d/weights_cut.h"

/* Of one block of images and one group: the image as tiles read it, and one strip of gradient per panel. */
struct fcnn_strips {
    float *image, *gradient;
    int64_t group, channel, channels, first_panel, last_panel; /* copied to packed strips */
    int64_t image_rows, gradient_rows;                         /* of the block: copied so far */
};

size_t fcnn_strips_image_bytes(const struct fcnn_cut *cut);
size_t fcnn_strips_gradient_bytes(const struct fcnn_cut *cut);

/* Tasks first .. last-1 of a group will be run: which channels and panels they read. */
void fcnn_strips_aim(const struct fcnn_cut *cut, int64_t first, int64_t last, struct fcnn_strips *strips);

/* Copies up to what output row `row` of image n needs; both count from image `image`, the first of its block. */
void fcnn_strips_fill(const struct fcnn_tiles *tiles, const struct fcnn_cut *cut, const fcnn_problem *problem,
                      const fcnn_tensors *tensors, int64_t image, int64_t n, int64_t row, struct fcnn_strips *strips);

#endif
