/* SPDX-License-Identifier: BSD-2-Clause
 * Copies of image and gradient that a call of direct backward weights makes in its own scratch, so that tiles stream
 * through memory that is contiguous and was written by the core that reads it. A call copies what its tasks read, chunk
 * by chunk into the same place, which stays in a cache; images with a halo as a whole, but no row before a chunk needs
 * it. */
#ifndef FCNN_STRIPS_H
#define FCNN_STRIPS_H

#include "kernels/conv2d/weights_cut.h"

/* Rows (of all images of a block) and columns. */
struct fcnn_area {
    int64_t top, bottom, left, right;
};

/* Of one chunk and one group: the image as tiles read it, and one strip of gradient per panel. */
struct fcnn_strips {
    float *image, *gradient;
    char *filled;  /* packed: strips that are copied */
    int64_t block; /* packed: that of the image which is copied, group_rows channels; -1: none */
    const float *src, *d_dst, *alive; /* packed: of a block of images; alive: NULL without ReLU */
    struct fcnn_area in, out;         /* packed: of the chunk */
    int64_t group, channel, channels; /* packed: of the image's channels, copied at most */
    int64_t image_origin, gradient_origin; /* packed: floats, laid out like the block, before the chunk */
    int64_t halo_rows;                     /* of the block: copied so far */
};

size_t fcnn_strips_image_bytes(const struct fcnn_cut *cut);
size_t fcnn_strips_gradient_bytes(const struct fcnn_cut *cut);

size_t fcnn_strips_filled_bytes(const struct fcnn_cut *cut);

/* Packed: tasks first .. last-1 of a group will be run: which channels they read. */
void fcnn_strips_aim(const struct fcnn_cut *cut, int64_t first, int64_t last, struct fcnn_strips *strips);

/* Packed: a chunk begins, units `first` to `last`; images count from `image`, the first of their block. */
void fcnn_strips_begin(const struct fcnn_cut *cut, const fcnn_problem *problem, const fcnn_tensors *tensors,
                       int64_t image, const struct fcnn_unit *first, const struct fcnn_unit *last,
                       struct fcnn_strips *strips);
/* What is not yet copied of the chunk: the strip of a panel, the block of the image with channel `from` (-1: none). */
void fcnn_strips_need(const struct fcnn_tiles *tiles, const struct fcnn_cut *cut, const fcnn_problem *problem,
                      int64_t panel, int64_t from, struct fcnn_strips *strips);

/* What a strip, or a block of the image from channel `channel` on, will be copied from, in this chunk or (later) in the
 * one after it: some cache lines of each pixel; none if it has been copied, or if pixels are not the same distance
 * apart. */
struct fcnn_lines {
    const float *from;
    int64_t pixel, count, line; /* floats from pixel to pixel; lines of a pixel; floats from line to line */
};
struct fcnn_lines fcnn_strips_of_panel(const struct fcnn_cut *cut, const fcnn_problem *problem, int64_t panel,
                                       int later, const struct fcnn_strips *strips);
struct fcnn_lines fcnn_strips_of_block(const struct fcnn_cut *cut, const fcnn_problem *problem, int64_t channel,
                                       int later, const struct fcnn_strips *strips);

/* Not packed: copies what a chunk up to unit `last` needs. */
void fcnn_strips_fill(const struct fcnn_cut *cut, const fcnn_problem *problem, const fcnn_tensors *tensors,
                      int64_t image, const struct fcnn_unit *last, struct fcnn_strips *strips);

#endif
