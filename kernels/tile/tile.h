/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The register tile: out[i][j] = init + sum over k of a_i[k] b[k][j], one FMA chain per element in ascending k, for a
 * few rows i (broadcast from memory) and a few vectors of columns j. Multiply-adds of
 * convolutions and matrix products happen here, or in bodies that share no operands so (depthwise, sparse); what
 * the rows are (pixels, filter taps, rows of a matrix) is the caller's affair:
 *   gather form: rows are output pixels, b is packed weights, k runs over taps and channels;
 *   outer form: rows are filter elements, b is the output gradient, k runs over output pixels (conv2d/narrow.c: rows
 *   are filter rows and input channels, columns pixels, k runs over filter columns and channels); summed: with the
 *   bias's sum on the way, for filters of so few elements that a pass over the gradient would cost more; masked: with
 *   the gradient before ReLU, too; straight: rows that are neighbours in memory, columns in whole vectors.
 * Sums run over segments, so that a row pointer and a list of offsets describe any window, stride, dilation or
 * padding. */
#ifndef FCNN_TILE_H
#define FCNN_TILE_H

#include <stddef.h>
#include <stdint.h>

#define FCNN_TILE_ROWS 12    /* most rows of any tile */
#define FCNN_TILE_VECTORS 16 /* most vectors of columns of any tile */

/* Part of the summed index: a_i[offset a ..], b[offset b ..], both in floats. */
struct fcnn_segment {
    int64_t a, b, length;
};

struct fcnn_tile {
    const float *a[FCNN_TILE_ROWS];
    float *out[FCNN_TILE_ROWS]; /* where row i goes (pooled: where window i goes) */
    const struct fcnn_segment *segments;
    int64_t segment_count;
    const float *b;
    const float *init;  /* a row of columns, whole vectors; NULL: +0 */
    int64_t width;      /* columns that exist: the last vector may be partial */
    int carry;          /* continue the sums that are in out (straight: in `sums`), instead of init */
    int relu;
    /* gather form, pooled: rows are the four positions of rows/4 windows */
    uint16_t *choice[FCNN_TILE_ROWS / 4]; /* choice words of window i; NULL in [0]: not pooled */
    int64_t channel, channels;            /* the first column's channel and their number in all, for the choice words */
    /* outer form */
    const int32_t *steps; /* offset of a at step k of a segment */
    int64_t b_stride;     /* floats from b[k] to b[k+1] */
    /* outer form, straight: all of b's last vector may be read, a[i] is a[0] + i, out[i] is out[0] + i out_step, what
     * row i continues sums + i sums_step, and so on: that many tiles, one below the other. Without init and relu. */
    int64_t tiles, out_step, sums_step;
    const float *sums;
    const float *next;    /* prefetched: at every step what is next_step floats further, of a tile next_tile */
    int64_t next_step, next_tile; /* 0: nothing */
    /* outer form, summed: out_b = sum over k of b[k]; masked: and b counts as 0 where `alive`, laid out like b, is 0 */
    const float *alive;
    float *out_b;         /* NULL: not wanted */
    int64_t ahead;        /* floats from b to what is prefetched; 0: nothing */
};

typedef void fcnn_tile_fn(const struct fcnn_tile *tile);

/* The tiles of one instruction set. */
struct fcnn_tiles {
    int lanes;               /* floats in a vector */
    int vectors;             /* widest tile of the plain form, in vectors */
    int pooled_vectors;      /* widest tile of the pooled form */
    int outer_vectors;       /* widest tile of the outer form, with few rows */
    int rows[FCNN_TILE_VECTORS + 1]; /* most rows of a tile of so many vectors */
    fcnn_tile_fn *gather[FCNN_TILE_VECTORS + 1][FCNN_TILE_ROWS + 1]; /* [vectors][rows] */
    fcnn_tile_fn *outer[FCNN_TILE_VECTORS + 1][FCNN_TILE_ROWS + 1];
    fcnn_tile_fn *straight[FCNN_TILE_VECTORS + 1][FCNN_TILE_ROWS + 1]; /* outer form */
    fcnn_tile_fn *summed[FCNN_TILE_VECTORS + 1][FCNN_TILE_ROWS + 1]; /* outer form */
    fcnn_tile_fn *masked[FCNN_TILE_VECTORS + 1][FCNN_TILE_ROWS + 1]; /* outer form: summed, with `alive` */
    int summed_vectors, summed_rows; /* their most */
    /* The gradient before a ReLU: 0 where dst is 0, else d_dst. */
    void (*mask_relu)(int64_t count, const float *dst, const float *d_dst, float *masked);
    void (*add_sums)(int64_t rows, int64_t width, const float *a, int64_t a_step, const float *b, int64_t b_step,
                     float *to, int64_t to_step); /* simd/sums.h */
    /* `width` channels of pixels that are `from_step` floats apart, to where they are `to_step` apart, which is whole
     * vectors; 0 where `alive`, laid out like `from`, is 0 (NULL: nowhere). The last vector is filled up with zeros. */
    void (*cut_strip)(int64_t pixels, int64_t width, const float *from, const float *alive, int64_t from_step,
                      float *to, int64_t to_step);
    /* The gradient of one 2x2 window before its pooling and ReLU: four rows of `channels` floats, all overwritten. */
    void (*unpool)(int64_t channels, const uint16_t *choice, const float *d_dst, float *const full[4]);
    /* Pixels transposed: out[k * pitch + x] = from[x * from_step + k], or 0 where `alive`, laid out like from, is 0
     * (NULL: as it is). Whole vectors: pixels are rounded up, with zeros. */
    void (*transpose)(int64_t pixels, int64_t channels, const float *from, const float *alive, int64_t from_step,
                      float *out, int64_t pitch);
};

/* Vectors of the widest tile that any panel of a plain form may have. */
static inline int64_t fcnn_widest(const struct fcnn_tiles *tiles)
{
    return tiles->vectors > tiles->pooled_vectors ? tiles->vectors : tiles->pooled_vectors;
}

extern const struct fcnn_tiles fcnn_tiles_scalar, fcnn_tiles_avx2, fcnn_tiles_avx512, fcnn_tiles_neon;

#endif
