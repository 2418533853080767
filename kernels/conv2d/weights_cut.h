/* SPDX-License-Identifier: BSD-2-Clause
 * How direct backward weights cut a problem in tiles and chains: direct_weights.c's plan, a function of the problem and
 * of the knobs. */
#ifndef FCNN_WEIGHTS_CUT_H
#define FCNN_WEIGHTS_CUT_H

#include "kernels/conv2d/conv2d.h"
#include "kernels/simd/common.h"

/* Rows of tiles lie in spans that must not be crossed: one per tap if there is padding or packing, else a single one
 * (any rows share their pixels). A task is one such row: row i / spans of span i % spans, then the bias, so that
 * neighbouring tasks share input channels; a call makes tiles of the rows that it is given. Chains are lists of units:
 * runs of steps that the table `steps` describes. */
struct fcnn_cut {
    fcnn_problem conv;
    struct fcnn_gather gather;
    enum fcnn_spread d_dst_spread, src_spread;
    struct fcnn_panels panels;
    int padded; /* the image that tiles read has no halo */
    int summed; /* tiles also do ReLU's gradient and the bias: so few that passes over the gradient would cost more */
    int packed, gradient_packed; /* tiles read the image, and the gradient, too, from strips.h's copies: */
    int64_t strip, strip_rows; /* of a chunk: floats of the gradient of a panel, rows of the image */
    int64_t gradient_pixel; /* floats from pixel to pixel, packed or not */
    int64_t vectors, spans, span_rows, tile_rows; /* tile_rows: at most */
    int by_tap;             /* a span is a tap */
    int bias_tile;          /* the bias is a tile of its own; else its sum comes with the first tile */
    int all_panels;         /* a task is of all panels of a group, not of one */
    /* Between chunks sums wait in an area of their own, panel by panel: in the output the panels of two threads would
     * lie side by side in every row, and what one core fetches ahead is what the other one writes. */
    int carried;
    int64_t panel_tasks, group_tasks; /* of a panel (of all), of a group */
    int64_t piece; /* one-pixel images: tasks of a panel that are done for all blocks before others; 0: all of a call */
    /* Units: rows of output (pooled: of windows), or one of the pieces of a row. Steps of a row are columns (pooled:
     * the four positions of a window, hence by fours); image_column floats of the image apart, rows image_row. */
    int64_t unit_rows; /* at most; 0: a unit is a whole block of one-pixel images */
    int64_t unit_steps, row_steps, row_units, image_units;
    int64_t chunk_units;   /* pieces of a row, whole rows of an image, or whole images */
    int64_t stretch_units; /* what a few tiles do of a chunk before others begin */
    int64_t group_rows;    /* those few: of so many rows of each span, as pieces; packed: channels copied at a time */
    int64_t rows, column_steps, image_row, image_column;
    int64_t ahead; /* floats of the gradient from what a tile reads to what it prefetches */
};

/* Tables: offsets of the image at each step of a unit; as many zeros; for each tap the outputs that meet real input. */
struct fcnn_cut_tables {
    struct fcnn_span *down, *across; /* of taps r, of taps s */
    int32_t *steps, *zeros;
};

struct fcnn_cut fcnn_cut_of(const struct fcnn_query *query);

/* Where a unit of a block of images is: steps from .. to-1, counted from the beginning of its (first) row. */
struct fcnn_unit {
    int64_t image, row, from, to;
};
struct fcnn_unit fcnn_unit_at(const struct fcnn_cut *cut, int64_t unit, int64_t images);

/* The next one. Without division, and inline: lists of units are made often, those of small maps for few steps. */
static inline struct fcnn_unit fcnn_unit_after(const struct fcnn_cut *cut, struct fcnn_unit unit)
{
    int64_t steps = fcnn_min(cut->unit_rows, cut->rows - unit.row) * cut->row_steps;
    unit.from = unit.to;
    if (unit.from >= steps) {
        unit.from = 0, unit.row += cut->unit_rows;
        if (unit.row >= cut->rows) unit.row = 0, unit.image++;
        steps = fcnn_min(cut->unit_rows, cut->rows - unit.row) * cut->row_steps;
    }
    unit.to = fcnn_min(unit.from + cut->unit_steps, steps);
    return unit;
}

struct fcnn_cut_tables fcnn_cut_tables_in(const struct fcnn_cut *cut, void *memory);
void fcnn_cut_fill_tables(const struct fcnn_cut *cut, int pooled, const struct fcnn_cut_tables *tables);

#endif
