/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which inputs meet which outputs in a convolution, for all strides, dilations and paddings, in both data directions.
 *
 * Both are gathers: output element o sums, over window positions ("taps") in ascending order, input elements times
 * weights. Along one axis the outputs fall into classes: outputs of a class have the same real taps (those that do not
 * fall on padding or, backwards, between strides). Inside a class input positions are affine in output index and tap,
 * so a class is one dense problem without any padding. A stride-1 "same" 3x3 axis has three classes (first, middle,
 * last); backward data with stride s has its s phases as classes. Two axes give rectangles of classes. */
#ifndef FCNN_GEOMETRY_H
#define FCNN_GEOMETRY_H

#include "kernels/kernel.h"

/* Outputs first + i * step (0 <= i < count) use taps tap + j * tap_step (0 <= j < taps; none: the output is the bias
 * alone or 0); input position: origin + i * stride + j * advance. */
struct fcnn_axis_class {
    int64_t first, step, count;
    int64_t tap, tap_step, taps;
    int64_t origin, stride, advance;
};

/* A convolution as a gather from `src` to `dst` (backward data: from d_dst to d_src). Distances in floats. */
struct fcnn_gather {
    int64_t images, groups, depth, width; /* input and output channels of a group */
    int64_t taps_h, taps_w;
    int64_t src_h, src_w, src_pixel, src_row, src_image;
    int64_t dst_h, dst_w, dst_pixel, dst_row, dst_image;
};

/* The convolution that a problem really computes: pooled ones with p, q set to the (even) convolution outputs that
 * windows use. haloed: as if src were stored with its padding around it (h, w grow, pads vanish). */
fcnn_problem fcnn_conv_of(const fcnn_problem *problem, int haloed);
/* The same convolution with less window, where windows lie side by side and cover their rows, or the only window its
 * columns: what a window has in a row counts as channels then; likewise down, once rows are of one pixel. All tensors
 * lie in memory as before, all sums have their order. Backward data gets whole vectors of it. */
fcnn_problem fcnn_folded(const fcnn_problem *problem);
int fcnn_is_padded(const fcnn_problem *problem);

struct fcnn_gather fcnn_gather_of(const fcnn_problem *conv); /* by its direction: forward or backward data */

/* Writes the classes of the output rows (vertical) or columns of a gather; returns how many, at most dst_h (dst_w). */
int64_t fcnn_axis_classes(const fcnn_problem *conv, int vertical, struct fcnn_axis_class *classes);

/* The outputs that meet real input through a tap, as a class with that tap alone; the same for each tap of an axis. */
struct fcnn_axis_class fcnn_axis_tap(const fcnn_problem *conv, int vertical, int64_t tap);
void fcnn_axis_taps(const fcnn_problem *conv, int vertical, struct fcnn_axis_class *classes);

/* The part of a class that falls on outputs from .. to-1. */
struct fcnn_axis_class fcnn_axis_part(const struct fcnn_axis_class *whole, int64_t from, int64_t to);

/* The input position that output `out` and tap `tap` meet, along one axis; -1: padding, or between strides. */
int64_t fcnn_axis_meet(const fcnn_problem *conv, int vertical, int64_t out, int64_t tap);

/* Channels in panels of at most `most` granules: as few panels as possible, as even as possible, longer ones
 * first. Panel i covers channels [from, from + width). */
struct fcnn_panels {
    int64_t channels, granule, granules, count;
};
struct fcnn_panel {
    int64_t from, width;
};
struct fcnn_panels fcnn_panels_of(int64_t channels, int64_t granule, int64_t most);
struct fcnn_panel fcnn_panel_at(const struct fcnn_panels *panels, int64_t i);

#endif
