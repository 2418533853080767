/* SPDX-License-Identifier: BSD-2-Clause
 * Copies of image and gradient for the tiles of a call: see strips.h. */
#include <string.h>

#include "kernels/conv2d/strips.h"
#include "kernels/simd/common.h"

#define LINE 16 /* floats in a cache line */

static int64_t block_images(const struct fcnn_cut *cut) { return fcnn_min(cut->conv.n, FCNN_BLOCK); }

size_t fcnn_strips_image_bytes(const struct fcnn_cut *cut)
{
    if (cut->packed) return fcnn_line((size_t)(cut->strip_rows * cut->gather.src_row) * sizeof(float));
    if (cut->src_spread == FCNN_SPREAD_NOTHING) return 0;
    return fcnn_line((size_t)(block_images(cut) * cut->gather.src_image) * sizeof(float));
}

size_t fcnn_strips_gradient_bytes(const struct fcnn_cut *cut)
{
    return cut->gradient_packed ? (size_t)(cut->panels.count * cut->strip) * sizeof(float) : 0;
}

size_t fcnn_strips_filled_bytes(const struct fcnn_cut *cut)
{
    return cut->packed ? fcnn_line((size_t)cut->panels.count) : 0;
}

void fcnn_strips_aim(const struct fcnn_cut *cut, int64_t first, int64_t last, struct fcnn_strips *strips)
{
    const int64_t panel = first / cut->panel_tasks, last_panel = (last - 1) / cut->panel_tasks;
    const int64_t depth = cut->gather.depth;
    strips->channel = 0, strips->channels = depth;
    if (panel != last_panel) return;
    const int64_t from = fcnn_min((first - panel * cut->panel_tasks) / cut->spans, depth); /* depth: the bias alone */
    const int64_t to = fcnn_min(fcnn_ceil_div(last - panel * cut->panel_tasks, cut->spans), depth);
    strips->channel = from / LINE * LINE;
    strips->channels = to - strips->channel;
}

/* Only pixels that meet an output are copied. */
static int is_compact(const struct fcnn_cut *cut, const fcnn_problem *p)
{
    return cut->conv.h != p->h || cut->conv.w != p->w;
}

/* Channels from .. to-1, of the block that is there now. */
static void fill_image(const struct fcnn_tiles *tiles, const struct fcnn_cut *cut, const fcnn_problem *p,
                       int64_t from, int64_t to, const struct fcnn_strips *strips)
{
    const struct fcnn_gather *g = &cut->gather;
    const struct fcnn_area *area = &strips->in;
    const int64_t step_h = is_compact(cut, p) ? p->stride_h : 1, step_w = is_compact(cut, p) ? p->stride_w : 1;
    float *image = strips->image + from % cut->group_rows;
    for (int64_t row = area->top; row < area->bottom; row++, image = FCNN_BEYOND(image, g->src_row)) {
        const int64_t n = row / cut->conv.h, h = row % cut->conv.h * step_h;
        tiles->cut_strip(area->right - area->left, to - from,
                         strips->src + ((n * p->h + h) * p->w + area->left * step_w) * p->c +
                             strips->group * g->depth + from,
                         NULL, step_w * p->c, image, g->src_pixel);
    }
}

/* Of the gradient's pixels: neighbouring rows are neighbours in memory, if they are whole. */
static struct fcnn_span pixels_of(const fcnn_problem *p, const struct fcnn_area *area)
{
    return (struct fcnn_span){area->top * p->q + area->left, (area->bottom - 1) * p->q + area->right};
}

static void fill_gradient(const struct fcnn_tiles *tiles, const struct fcnn_cut *cut, const fcnn_problem *p,
                          int64_t panel, const struct fcnn_strips *strips)
{
    const struct fcnn_span pixels = pixels_of(p, &strips->out);
    const struct fcnn_panel channels = fcnn_panel_at(&cut->panels, panel);
    const int64_t at = pixels.from * p->k + strips->group * cut->panels.channels + channels.from;
    tiles->cut_strip(pixels.to - pixels.from, channels.width, strips->d_dst + at,
                     strips->alive ? strips->alive + at : NULL, p->k, strips->gradient + panel * cut->strip,
                     cut->gradient_pixel);
}

void fcnn_strips_need(const struct fcnn_tiles *tiles, const struct fcnn_cut *cut, const fcnn_problem *p, int64_t panel,
                      int64_t from, struct fcnn_strips *strips)
{
    if (cut->gradient_packed && !strips->filled[panel]) {
        fill_gradient(tiles, cut, p, panel, strips);
        strips->filled[panel] = 1;
    }
    if (from < 0 || from / cut->group_rows == strips->block) return;
    strips->block = from / cut->group_rows;
    fill_image(tiles, cut, p, fcnn_max(strips->channel, strips->block * cut->group_rows),
               fcnn_min(strips->channel + strips->channels, (strips->block + 1) * cut->group_rows), strips);
}

struct fcnn_lines fcnn_strips_of_panel(const struct fcnn_cut *cut, const fcnn_problem *p, int64_t panel,
                                       int later, const struct fcnn_strips *strips)
{
    if (!cut->gradient_packed || (!later && strips->filled[panel])) return (struct fcnn_lines){NULL, 0, 0, 0};
    const struct fcnn_panel channels = fcnn_panel_at(&cut->panels, panel);
    const struct fcnn_span pixels = pixels_of(p, &strips->out);
    const int64_t first = later ? pixels.to : pixels.from;
    const int64_t at = first * p->k + strips->group * cut->panels.channels + channels.from;
    return (struct fcnn_lines){FCNN_BEYOND(strips->d_dst, at), p->k, fcnn_ceil_div(channels.width, LINE), LINE};
}

struct fcnn_lines fcnn_strips_of_block(const struct fcnn_cut *cut, const fcnn_problem *p, int64_t channel,
                                       int later, const struct fcnn_strips *strips)
{
    const int64_t width = fcnn_min(cut->group_rows, cut->gather.depth - channel);
    const struct fcnn_area *in = &strips->in;
    if (is_compact(cut, p)) return (struct fcnn_lines){NULL, 0, 0, 0};
    const int64_t at = (later ? in->bottom * p->w : in->top * p->w + in->left) * p->c;
    const float *src = FCNN_BEYOND(strips->src, at + strips->group * cut->gather.depth + channel);
    return (struct fcnn_lines){src, p->c, fcnn_ceil_div(width, LINE), LINE};
}

/* Inputs from .. to-1 of `in` that meet outputs from .. to-1. */
static struct fcnn_span inputs_of(int64_t from, int64_t to, int64_t stride, int64_t pad, int64_t reach, int64_t in)
{
    const int64_t first = fcnn_min(fcnn_max(from * stride - pad, 0), in), last = (to - 1) * stride - pad + reach;
    return (struct fcnn_span){first, fcnn_max(first, fcnn_min(last, in))};
}

/* Outputs of a chunk: rows of whole columns, or a piece of one row. */
static struct fcnn_area outputs_between(const struct fcnn_cut *cut, const struct fcnn_unit *first,
                                   const struct fcnn_unit *last)
{
    const int64_t rows = cut->rows, below = fcnn_min(last->row + cut->unit_rows, rows);
    struct fcnn_area area = {first->image * rows + first->row, last->image * rows + below, 0, cut->row_steps};
    if (cut->chunk_units < cut->row_units) area.left = first->from, area.right = last->to;
    return area;
}

static struct fcnn_area inputs_between(const struct fcnn_cut *cut, const struct fcnn_unit *first,
                                  const struct fcnn_unit *last, const struct fcnn_area *out)
{
    const fcnn_problem *conv = &cut->conv;
    const int64_t above = first->image * cut->rows;
    const int64_t high = (conv->r - 1) * conv->dilation_h + 1, wide = (conv->s - 1) * conv->dilation_w + 1;
    const struct fcnn_span down = inputs_of(out->top - above, out->bottom - above, conv->stride_h, conv->pad_top, high,
                                             conv->h),
                            across = inputs_of(out->left, out->right, conv->stride_w, conv->pad_left, wide, conv->w);
    if (first->image != last->image || cut->image_units == cut->chunk_units) /* whole images */
        return (struct fcnn_area){first->image * conv->h, (last->image + 1) * conv->h, across.from, across.to};
    return (struct fcnn_area){first->image * conv->h + down.from, first->image * conv->h + down.to,
                              across.from, across.to};
}

void fcnn_strips_begin(const struct fcnn_cut *cut, const fcnn_problem *p, const fcnn_tensors *t, int64_t image,
                       const struct fcnn_unit *first, const struct fcnn_unit *last, struct fcnn_strips *strips)
{
    const int64_t gradient = image * p->p * p->q * p->k;
    strips->src = t->src + image * p->h * p->w * p->c;
    strips->d_dst = t->d_dst + gradient;
    strips->alive = p->activation == FCNN_RELU_ACTIVATION ? t->dst + gradient : NULL;
    const struct fcnn_area out = outputs_between(cut, first, last), in = inputs_between(cut, first, last, &out);
    strips->out = out, strips->in = in;
    strips->gradient_origin = cut->gradient_packed ? (out.top * p->q + out.left) * cut->gradient_pixel : 0;
    strips->image_origin = in.top * cut->gather.src_row + in.left * cut->gather.src_pixel;
    strips->block = -1;
    memset(strips->filled, 0, fcnn_strips_filled_bytes(cut));
}

void fcnn_strips_fill(const struct fcnn_cut *cut, const fcnn_problem *p, const fcnn_tensors *t, int64_t image,
                      const struct fcnn_unit *last, struct fcnn_strips *strips)
{
    const fcnn_problem *conv = &cut->conv;
    const int64_t rows = conv->p / cut->rows, row = fcnn_min(last->row + fcnn_max(cut->unit_rows, 1), cut->rows) * rows;
    const struct fcnn_span down =
        inputs_of(0, row, conv->stride_h, 0, (conv->r - 1) * conv->dilation_h + 1, conv->h);
    const int64_t needed = last->image * conv->h + down.to;
    fcnn_halo_rows(p, t->src + image * p->h * p->w * p->c, strips->image, strips->halo_rows, needed);
    strips->halo_rows = fcnn_max(strips->halo_rows, needed);
}
