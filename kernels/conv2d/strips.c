/* SPDX-License-Identifier: BSD-2-Clause
 * Copies of image and gradient for the tiles of a call: see strips.h. */
#include "kernels/conv2d/strips.h"
#include "kernels/simd/common.h"

#define LINE 16 /* floats in a cache line */

static int64_t block_images(const struct fcnn_cut *cut) { return fcnn_min(cut->conv.n, FCNN_BLOCK); }

size_t fcnn_strips_image_bytes(const struct fcnn_cut *cut)
{
    if (!cut->packed && cut->src_spread == FCNN_SPREAD_NOTHING) return 0;
    return fcnn_line((size_t)(block_images(cut) * cut->gather.src_image) * sizeof(float));
}

size_t fcnn_strips_gradient_bytes(const struct fcnn_cut *cut)
{
    return cut->packed ? (size_t)(cut->panels.count * cut->strip) * sizeof(float) : 0;
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

static void fill_image(const struct fcnn_tiles *tiles, const struct fcnn_cut *cut, const fcnn_problem *p,
                       const float *src, int64_t rows, struct fcnn_strips *strips)
{
    const struct fcnn_gather *g = &cut->gather;
    const int compact = cut->conv.h != p->h || cut->conv.w != p->w; /* only pixels that meet an output */
    const int64_t step_h = compact ? p->stride_h : 1, step_w = compact ? p->stride_w : 1;
    src += strips->group * g->depth + strips->channel;
    for (int64_t row = strips->image_rows; row < rows; row++) {
        const int64_t n = row / cut->conv.h, h = row % cut->conv.h * step_h;
        tiles->cut_strip(cut->conv.w, strips->channels, src + (n * p->h + h) * p->w * p->c, NULL, step_w * p->c,
                         strips->image + row * g->src_row + strips->channel, g->src_pixel);
    }
}

static void fill_gradient(const struct fcnn_tiles *tiles, const struct fcnn_cut *cut, const fcnn_problem *p,
                          const float *d_dst, const float *alive, int64_t rows, struct fcnn_strips *strips)
{
    for (int64_t row = strips->gradient_rows; row < rows; row++)
        for (int64_t i = strips->first_panel; i < strips->last_panel; i++) {
            const struct fcnn_panel panel = fcnn_panel_at(&cut->panels, i);
            const int64_t at = row * p->q * p->k + strips->group * cut->panels.channels + panel.from;
            tiles->cut_strip(p->q, panel.width, d_dst + at, alive ? alive + at : NULL, p->k,
                             strips->gradient + i * cut->strip + row * p->q * cut->gradient_pixel, cut->gradient_pixel);
        }
}

void fcnn_strips_fill(const struct fcnn_tiles *tiles, const struct fcnn_cut *cut, const fcnn_problem *p,
                      const fcnn_tensors *t, int64_t image, int64_t n, int64_t row, struct fcnn_strips *strips)
{
    const fcnn_problem *conv = &cut->conv;
    const int64_t below = row * conv->stride_h - conv->pad_top + (conv->r - 1) * conv->dilation_h + 1;
    const int64_t image_rows = n * conv->h + fcnn_max(0, fcnn_min(below, conv->h)), gradient_rows = n * p->p + row + 1;
    const float *src = t->src + image * p->h * p->w * p->c;
    const int64_t gradient = image * p->p * p->q * p->k;
    if (cut->packed) {
        const float *alive = p->activation == FCNN_RELU_ACTIVATION ? t->dst + gradient : NULL;
        fill_gradient(tiles, cut, p, t->d_dst + gradient, alive, gradient_rows, strips);
        if (strips->channels > 0) fill_image(tiles, cut, p, src, image_rows, strips);
    } else if (cut->src_spread == FCNN_SPREAD_HALO) {
        fcnn_halo_rows(p, src, strips->image, strips->image_rows, image_rows);
    }
    strips->image_rows = fcnn_max(strips->image_rows, image_rows);
    strips->gradient_rows = fcnn_max(strips->gradient_rows, gradient_rows);
}
