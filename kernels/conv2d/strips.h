/* SPDX-License-Identifier: BSD-2-Clause
 * Copies of image and gradient that a call of direct backward weights makes in its own scratch, so that tiles stream
 * through memory that is contiguous and was written by the core that reads it. A call copies what its tasks read, chunk
 * by chunk into the same place, which stays in a cache; images with a halo as a whole, but no row before a chunk needs
 * it. */
#ifndef FCNN_STRIPS_H
#define FCNN_STRIPS_H

#include "kernels/conv2d/weights_cut.h"

/* Of one chunk and one group: the image as tiles read it, and one strip of gradient per panel. */
struct fcnn_strips {
    float *image, *gradient;
    int64_t group, channel, channels, first_panel, last_panel; /* copied to packed strips */
    int64_t image_origin, gradient_origin; /* packed: floats, laid out like the block, before the chunk */
    int64_t halo_rows;                     /* of the block: copied so far */
};

size_t fcnn_strips_image_bytes(const struct fcnn_cut *cut);
size_t fcnn_strips_gradient_bytes(const struct fcnn_cut *cut);

/* Tasks first .. last-1 of a group will be run: which channels and panels they read. */
void fcnn_strips_aim(const struct fcnn_cut *cut, int64_t first, int64_t last, struct fcnn_strips *strips);

/* Copies what units `first` to `last` of a chunk need; images count from `image`, the first of their block. */
void fcnn_strips_fill(const struct fcnn_tiles *tiles, const struct fcnn_cut *cut, const fcnn_problem *problem,
                      const fcnn_tensors *tensors, int64_t image, const struct fcnn_unit *first,
                      const struct fcnn_unit *last, struct fcnn_strips *strips);

#endif
