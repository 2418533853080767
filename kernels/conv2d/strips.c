/* SPDX-License-Identifier: BSD-2-Clause
 * Images and gradients in strips of channels: see conv2d.h. */
#include "kernels/conv2d/conv2d.h"

struct fcnn_strips fcnn_strips_of(struct fcnn_panels panels, int64_t groups, int64_t pitch, int64_t rows, int64_t columns)
{
    struct fcnn_strips strips = {.panels = panels, .groups = groups, .pitch = pitch, .rows = rows, .columns = columns};
    strips.stride = (rows * columns * pitch + 15) / 16 * 16;
    strips.bytes = (size_t)(groups * panels.count * strips.stride) * sizeof(float);
    return strips;
}

void fcnn_cut_strips(const struct fcnn_tiles *tiles, const struct fcnn_strips *strips, int64_t row, const float *from,
                     const float *alive, int64_t from_step, float *to)
{
    const struct fcnn_panels *panels = &strips->panels;
    to += row * strips->columns * strips->pitch;
    for (int64_t group = 0; group < strips->groups; group++)
        for (int64_t i = 0; i < panels->count; i++, to += strips->stride) {
            const struct fcnn_panel panel = fcnn_panel_at(panels, i);
            const int64_t at = group * panels->channels + panel.from;
            tiles->cut_strip(strips->columns, panel.width, from + at, alive ? alive + at : NULL, from_step, to, strips->pitch);
        }
}
