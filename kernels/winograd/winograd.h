/* SPDX-License-Identifier: BSD-2-Clause
 * Winograd's convolution F(m x m, 3 x 3) (Lavin & Gray 2016): outputs in tiles of m x m, inputs in overlapping patches
 * of (m+2) x (m+2). Patches and filters are transformed to (m+2)^2 frequencies, where convolution is one matrix product
 * over channels per frequency: 16 instead of 36 multiplications per tile for m = 2, 36 instead of 144 for m = 4.
 * Transforms are written once over vectors (winograd_body.h) with a fixed order of operations, products are chains of
 * the register tiles in ascending channels (or tiles): one set of bits for all instruction sets and partitions. */
#ifndef FCNN_WINOGRAD_H
#define FCNN_WINOGRAD_H

#include "kernels/conv2d/conv2d.h"

#define FCNN_WINOGRAD_POINTS 6 /* most frequencies along an axis: m + 2 */

/* Where the output transform puts one tile. Pooled, a stored pixel is a window of 2x2 outputs. */
struct fcnn_winograd_place {
    float *dst;            /* the first stored pixel and channel */
    int64_t row, pixel;    /* pixels from row to row; floats from pixel to pixel */
    int64_t rows, columns; /* outputs of the tile that exist: at most m each; pooled: even */
    int64_t channels;
    const float *bias;     /* `channels` floats */
    int relu;
    uint16_t *choice;      /* pooled: the first window's words of the first channels, a multiple of 16; else NULL */
    int64_t words;         /* from window to window */
};

/* A transform of listed pixels into frequencies: out[i * frequency + c] for all c < channels, rounded up to whole
 * vectors (missing channels count as 0). */
typedef void fcnn_winograd_spread_fn(const float *const *pixels, int64_t channels, float *out, int64_t frequency);

/* Transforms of one instruction set for one m; n = m + 2. Names as in the paper: d input, g filter, Y output. */
struct fcnn_winograd {
    const struct fcnn_tiles *tiles;
    int64_t m;
    fcnn_winograd_spread_fn *input;    /* B^T d B of n x n pixels */
    fcnn_winograd_spread_fn *gradient; /* A dY A^T of m x m pixels */
    /* G g G^T: tap t of column j is g[t * tap + j]. Columns are rounded up likewise. */
    void (*filter)(const float *g, int64_t tap, int64_t columns, float *out, int64_t frequency);
    /* A^T M A + bias, then ReLU or pooling: frequency i of channel c is in[i * frequency + c]. */
    void (*output)(const float *in, int64_t frequency, const struct fcnn_winograd_place *place);
    /* G^T M G, the gradient of nine taps: out[t * tap + j] for j < columns. */
    void (*taps)(const float *in, int64_t frequency, int64_t columns, float *out, int64_t tap);
};

/* Patches and tiles of all images, counted through in the order image, row, column. */
struct fcnn_winograd_grid {
    int64_t n, frequencies;        /* n = m + 2, n * n */
    int64_t down, across, count;   /* tiles of an image along its axes; of all images */
};
struct fcnn_winograd_grid fcnn_winograd_grid_of(int64_t m, int64_t images, int64_t rows, int64_t columns);

/* One side of a convolution, for listing pixels. */
struct fcnn_winograd_image {
    const float *data; /* the first channel of interest */
    int64_t h, w, pixel;
};
/* The size x size pixels from (top, left) of image n; those outside it are `zeros`. */
void fcnn_winograd_pixels(const struct fcnn_winograd_image *image, int64_t n, int64_t top, int64_t left, int64_t size,
                          const float *zeros, const float **pixels);

/* The context of all these is a struct fcnn_winograd. winograd.c: */
fcnn_phrase_fn fcnn_winograd_unsupported, fcnn_winograd_doubt;
/* gather.c: forward and backward data. weights.c: backward weights. */
fcnn_demand_fn fcnn_winograd_gather_demand, fcnn_winograd_weights_demand;
fcnn_run_fn fcnn_winograd_gather_run, fcnn_winograd_weights_run;

extern const struct fcnn_knob fcnn_winograd_gather_knobs[2], fcnn_winograd_weights_knobs[3];

/* Values of a struct fcnn_variant. */
#define FCNN_WINOGRAD_GATHER(w)                                                                                        \
    {.unsupported = fcnn_winograd_unsupported, .doubt = fcnn_winograd_doubt, .demand = fcnn_winograd_gather_demand,    \
     .run = fcnn_winograd_gather_run, .context = &(w), FCNN_KNOBS(fcnn_winograd_gather_knobs)}
#define FCNN_WINOGRAD_WEIGHTS(w)                                                                                       \
    {.unsupported = fcnn_winograd_unsupported, .doubt = fcnn_winograd_doubt,                                           \
     .demand = fcnn_winograd_weights_demand, .run = fcnn_winograd_weights_run, .context = &(w),                        \
     FCNN_KNOBS(fcnn_winograd_weights_knobs), .revision = 2}

#endif
