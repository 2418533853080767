/* SPDX-License-Identifier: BSD-2-Clause
 * Copies of image and gradient for the tiles of a call: see strips.h. */
#include "kernels/conv2d/strips.h"
#include "kernels/simd/common.h"

#define LINE 16 /* floats in a cache line */

static int64_t block_images(const struct fcnn_cut *cut) { return fcnn_min(cut->conv.n, FCNN_BLOCK); }

size_t fcnn_strips_image_bytes(const struct fcnn_cut *cut)
{
    if (cut->packed) return fcnn_line((size_t)(cut->image_blocks * cut->image_block) * sizeof(float));
    if (cut->src_spread == FCNN_SPREAD_NOTHING) return 0;
    return fcnn_line((size_t)(block_images(cut) * cut->gather.src_image) * sizeof(float));
}

size_t fcnn_strips_gradient_bytes(const struct fcnn_cut *cut)
{
    return cut->gradient_packed ? (size_t)(cut->panels.count * cut->strip) * sizeof(float) : 0;
}

void fcnn_strips_aim(const struct fcnn_cut *cut, int64_t first, int64_t last, struct fcnn_strips *strips)
{
    const int64_t share = cut->all_panels ? cut->panels.count : 1; /* panels of a task */
    const int64_t panel = first / cut->panel_tasks, last_panel = (last - 1) / cut->panel_tasks;
    const int64_t depth = cut->gather.depth;
    strips->first_panel = panel * share;
    strips->last_panel = (last_panel + 1) * share;
    strips->channel = 0, strips->channels = depth;
    if (panel != last_panel) return;
    const int64_t from = fcnn_min((first - panel * cut->panel_tasks) / cut->spans, depth); /* depth: the bias alone */
    const int64_t to = fcnn_min(fcnn_ceil_div(last - panel * cut->panel_tasks, cut->spans), depth);
    strips->channel = from / LINE * LINE;
    strips->channels = to - strips->channel;
}

/* Rows (of all images of a block) and columns. */
struct area {
    int64_t top, bottom, left, right;
};

/* Channels from .. from + channels-1, which are of one block. */
static void fill_block(const struct fcnn_tiles *tiles, const struct fcnn_cut *cut, const fcnn_problem *p,
                       const float *src, const struct area *area, int64_t from, int64_t channels, float *to)
{
    const struct fcnn_gather *g = &cut->gather;
    const int compact = cut->conv.h != p->h || cut->conv.w != p->w; /* only pixels that meet an output */
    const int64_t step_h = compact ? p->stride_h : 1, step_w = compact ? p->stride_w : 1;
    for (int64_t row = area->top; row < area->bottom; row++, to += g->src_row) {
        const int64_t n = row / cut->conv.h, h = row % cut->conv.h * step_h;
        tiles->cut_strip(area->right - area->left, channels,
                         src + ((n * p->h + h) * p->w + area->left * step_w) * p->c + from, NULL, step_w * p->c, to,
                         g->src_pixel);
    }
}

static void fill_image(const struct fcnn_tiles *tiles, const struct fcnn_cut *cut, const fcnn_problem *p,
                       const float *src, const struct area *area, const struct fcnn_strips *strips)
{
    const int64_t last = strips->channel + strips->channels;
    for (int64_t from = strips->channel, to; from < last; from = to) {
        const int64_t block = from / cut->image_channels, within = from % cut->image_channels;
        to = fcnn_min(last, from - within + cut->image_channels);
        fill_block(tiles, cut, p, src, area, strips->group * cut->gather.depth + from, to - from,
                   strips->image + block * cut->image_block + within);
    }
}

static void fill_gradient(const struct fcnn_tiles *tiles, const struct fcnn_cut *cut, const fcnn_problem *p,
                          const float *d_dst, const float *alive, const struct area *area,
                          const struct fcnn_strips *strips)
{
    /* Neighbouring rows are neighbours in memory, if they are whole. */
    const int64_t first = area->top * p->q + area->left, last = (area->bottom - 1) * p->q + area->right;
    for (int64_t i = strips->first_panel; i < strips->last_panel; i++) {
        const struct fcnn_panel panel = fcnn_panel_at(&cut->panels, i);
        const int64_t at = first * p->k + strips->group * cut->panels.channels + panel.from;
        tiles->cut_strip(last - first, panel.width, d_dst + at, alive ? alive + at : NULL, p->k,
                         strips->gradient + i * cut->strip, cut->gradient_pixel);
    }
}

/* Inputs from .. to-1 of `in` that meet outputs from .. to-1. */
static struct fcnn_span inputs_of(int64_t from, int64_t to, int64_t stride, int64_t pad, int64_t reach, int64_t in)
{
    const int64_t first = fcnn_min(fcnn_max(from * stride - pad, 0), in), last = (to - 1) * stride - pad + reach;
    return (struct fcnn_span){first, fcnn_max(first, fcnn_min(last, in))};
}

/* Outputs of a chunk: rows of whole columns, or a piece of one row. */
static struct area outputs_between(const struct fcnn_cut *cut, const struct fcnn_unit *first,
                                   const struct fcnn_unit *last)
{
    const int64_t rows = cut->rows, below = fcnn_min(last->row + cut->unit_rows, rows);
    struct area area = {first->image * rows + first->row, last->image * rows + below, 0, cut->row_steps};
    if (cut->row_units > 1) area.left = first->from, area.right = last->to;
    return area;
}

static struct area inputs_between(const struct fcnn_cut *cut, const struct fcnn_unit *first,
                                  const struct fcnn_unit *last, const struct area *out)
{
    const fcnn_problem *conv = &cut->conv;
    const int64_t above = first->image * cut->rows;
    const int64_t high = (conv->r - 1) * conv->dilation_h + 1, wide = (conv->s - 1) * conv->dilation_w + 1;
    const struct fcnn_span down = inputs_of(out->top - above, out->bottom - above, conv->stride_h, conv->pad_top, high,
                                             conv->h),
                            across = inputs_of(out->left, out->right, conv->stride_w, conv->pad_left, wide, conv->w);
    if (first->image != last->image || cut->image_units == cut->chunk_units) /* whole images */
        return (struct area){first->image * conv->h, (last->image + 1) * conv->h, across.from, across.to};
    return (struct area){first->image * conv->h + down.from, first->image * conv->h + down.to, across.from, across.to};
}

static void pack(const struct fcnn_tiles *tiles, const struct fcnn_cut *cut, const fcnn_problem *p,
                 const fcnn_tensors *t, int64_t image, const struct fcnn_unit *first, const struct fcnn_unit *last,
                 struct fcnn_strips *strips)
{
    const int64_t gradient = image * p->p * p->q * p->k;
    const float *alive = p->activation == FCNN_RELU_ACTIVATION ? t->dst + gradient : NULL;
    const struct area out = outputs_between(cut, first, last), in = inputs_between(cut, first, last, &out);
    strips->gradient_origin = cut->gradient_packed ? (out.top * p->q + out.left) * cut->gradient_pixel : 0;
    strips->image_origin = in.top * cut->gather.src_row + in.left * cut->gather.src_pixel;
    if (cut->gradient_packed) fill_gradient(tiles, cut, p, t->d_dst + gradient, alive, &out, strips);
    if (strips->channels > 0) fill_image(tiles, cut, p, t->src + image * p->h * p->w * p->c, &in, strips);
}

void fcnn_strips_fill(const struct fcnn_tiles *tiles, const struct fcnn_cut *cut, const fcnn_problem *p,
                      const fcnn_tensors *t, int64_t image, const struct fcnn_unit *first,
                      const struct fcnn_unit *last, struct fcnn_strips *strips)
{
    if (cut->packed) {
        pack(tiles, cut, p, t, image, first, last, strips);
        return;
    }
    const fcnn_problem *conv = &cut->conv;
    const int64_t rows = conv->p / cut->rows, row = fcnn_min(last->row + fcnn_max(cut->unit_rows, 1), cut->rows) * rows;
    const struct fcnn_span down =
        inputs_of(0, row, conv->stride_h, 0, (conv->r - 1) * conv->dilation_h + 1, conv->h);
    const int64_t needed = last->image * conv->h + down.to;
    fcnn_halo_rows(p, t->src + image * p->h * p->w * p->c, strips->image, strips->halo_rows, needed);
    strips->halo_rows = fcnn_max(strips->halo_rows, needed);
}
