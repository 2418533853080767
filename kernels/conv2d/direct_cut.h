/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How direct convolution, forward and backward data, cuts a problem, and its knobs. */
#ifndef FCNN_DIRECT_CUT_H
#define FCNN_DIRECT_CUT_H

#include "kernels/conv2d/conv2d.h"

/* How a problem is cut: tasks = blocks * groups * panels * chunks of a block's tiles. A block is some images, or a band
 * of rows of one. */
struct fcnn_direct_cut {
    fcnn_problem problem; /* folded */
    fcnn_problem conv;
    struct fcnn_gather gather;
    struct fcnn_packing packing;
    enum fcnn_spread spread;
    int pooled;
    int swept;       /* taps are, parts of so many steps at a time */
    int64_t steps;
    int own_copy;    /* what is spread is spread in scratch, a block at a time */
    int haloed;      /* one group of a block's source is copied to scratch, with its padding: conv, gather are of it */
    struct fcnn_halo halo;
    int64_t vectors; /* of a panel, at most */
    int64_t columns; /* of the widest panel, in whole vectors */
    int64_t rows;    /* of a tile, at most */
    int64_t blocks, bands, chunks;
};

/* Outputs of a convolution: all rows of some images, or some rows of one. */
struct fcnn_direct_block {
    int64_t image, images, from, to;
};

struct fcnn_direct_cut fcnn_direct_cut_of(const struct fcnn_query *query);

/* Block 0 .. cut->blocks-1, and chunks first .. last-1 of a swept one. */
struct fcnn_direct_block fcnn_direct_block_at(const struct fcnn_direct_cut *cut, int64_t i);
struct fcnn_direct_block fcnn_direct_block_part(const struct fcnn_direct_cut *cut,
                                                const struct fcnn_direct_block *block, int64_t first, int64_t last);

#endif
