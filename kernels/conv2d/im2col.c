/* SPDX-License-Identifier: BSD-2-Clause
 * Building the im2col matrix: see im2col.h. */
#include "kernels/conv2d/im2col.h"

#include <string.h>

#include "kernels/simd/common.h"

struct fcnn_im2col fcnn_im2col_of(const fcnn_problem *problem, int pooled, const void *tables)
{
    struct fcnn_im2col m = {.conv = fcnn_conv_of(problem, 0), .pooled = pooled};
    if (m.conv.direction == FCNN_BACKWARD_WEIGHTS) m.conv.direction = FCNN_FORWARD;
    m.gather = fcnn_gather_of(&m.conv);
    m.row = m.gather.taps_h * m.gather.taps_w * m.gather.depth;
    m.stride = fcnn_ceil_div(m.row, 16) * 16 + 16; /* never a multiple of 4 KB: rows would share a cache set */
    m.down = tables;
    m.across = tables ? m.down + m.gather.dst_h * m.gather.taps_h : NULL;
    return m;
}

size_t fcnn_im2col_table_bytes(const struct fcnn_im2col *m)
{
    return (size_t)(m->gather.dst_h * m->gather.taps_h + m->gather.dst_w * m->gather.taps_w) * sizeof(int32_t);
}

void fcnn_im2col_fill_tables(const struct fcnn_im2col *m, void *tables)
{
    int32_t *entry = tables;
    for (int vertical = 1; vertical >= 0; vertical--) {
        int64_t outputs = vertical ? m->gather.dst_h : m->gather.dst_w,
                taps = vertical ? m->gather.taps_h : m->gather.taps_w;
        for (int64_t out = 0; out < outputs; out++)
            for (int64_t tap = 0; tap < taps; tap++) *entry++ = (int32_t)fcnn_axis_meet(&m->conv, vertical, out, tap);
    }
}

size_t fcnn_im2col_matrix_bytes(const struct fcnn_im2col *m, int64_t rows)
{
    return (size_t)(rows * m->stride) * sizeof(float);
}

static void build_row(const struct fcnn_im2col *m, const float *image, int64_t y, int64_t x, float *row)
{
    const struct fcnn_gather *g = &m->gather;
    const size_t bytes = (size_t)g->depth * sizeof(float);
    const int32_t *across = m->across + x * g->taps_w;
    for (int64_t r = 0; r < g->taps_h; r++) {
        int32_t in_row = m->down[y * g->taps_h + r];
        for (int64_t s = 0; s < g->taps_w; s++, row += g->depth) {
            if (in_row < 0 || across[s] < 0) memset(row, 0, bytes);
            else memcpy(row, image + in_row * g->src_row + across[s] * g->src_pixel, bytes);
        }
    }
}

void fcnn_im2col_build(const struct fcnn_im2col *m, const float *src, int64_t group, int64_t first, int64_t last,
                       float *matrix)
{
    const struct fcnn_gather *g = &m->gather;
    for (int64_t pixel = first; pixel < last; pixel++, matrix += m->stride) {
        int64_t n = pixel / (g->dst_h * g->dst_w), at = pixel % (g->dst_h * g->dst_w), y = at / g->dst_w,
                x = at % g->dst_w;
        if (m->pooled) {
            int64_t window = at / 4, across = g->dst_w / 2;
            y = window / across * 2 + at / 2 % 2;
            x = window % across * 2 + at % 2;
        }
        build_row(m, src + n * g->src_image + group * g->depth, y, x, matrix);
    }
}
