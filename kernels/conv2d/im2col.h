/* SPDX-License-Identifier: BSD-2-Clause
 * The im2col matrix: one row per output pixel, with the inputs that it meets in the order (filter row, filter column,
 * channel) and zeros for padding. Chellapilla, Puri & Simard 2006. */
#ifndef FCNN_IM2COL_H
#define FCNN_IM2COL_H

#include "kernels/conv2d/conv2d.h"

#define FCNN_IM2COL_ROWS 96 /* rows built at a time for backward weights: whole windows, whole tiles */

struct fcnn_im2col {
    fcnn_problem conv;         /* forward, or backward data */
    struct fcnn_gather gather;
    int pooled;                /* pixels in window-major order */
    int64_t row, stride;       /* floats in a row, and from row to row */
    const int32_t *down, *across; /* input row (column) that output row (column) and tap meet, or -1: [out][tap] */
};

struct fcnn_im2col fcnn_im2col_of(const fcnn_problem *problem, int pooled, const void *tables);
size_t fcnn_im2col_table_bytes(const struct fcnn_im2col *m);
void fcnn_im2col_fill_tables(const struct fcnn_im2col *m, void *tables);
size_t fcnn_im2col_matrix_bytes(const struct fcnn_im2col *m, int64_t rows);
/* Rows of pixels first .. last-1 (images, rows, columns counted through) of a group. */
void fcnn_im2col_build(const struct fcnn_im2col *m, const float *src, int64_t group, int64_t first, int64_t last,
                       float *matrix);

#endif
