/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Sparse backward passes: after fused ReLU and 2x2 max pooling at most one of the four gradients of a window and
 * channel is not zero, after ReLU alone those whose output is not. These kernels visit the live ones alone; the order
 * of the reference makes that exact:
 *   weights (pooled): every element's chain is window-major, so a list of the live windows of a channel is its chain;
 *   data: a gather over ascending taps and channels is a scatter over descending positions and ascending channels.
 * Everything is written once against struct fcnn_sparse; the stubs sparse_<isa>.c fill it from sparse_body.h. */
#ifndef FCNN_SPARSE_H
#define FCNN_SPARSE_H

#include "kernels/conv2d/geometry.h"

#define FCNN_SPARSE_GROUP 16  /* output channels of one choice word */
#define FCNN_SPARSE_ROWS 3    /* most runs of a tile of filter elements */
#define FCNN_SPARSE_VECTORS 12 /* most vectors of each */
#define FCNN_SPARSE_TAPS 12   /* most taps of a scatter */
#define FCNN_SPARSE_WIDEST 8  /* most vectors of each: a power of 2 */
#define FCNN_SPARSE_SUMS 24   /* most vectors in all */
#define FCNN_SPARSE_PICKS 10  /* most filter elements whose inputs lanes pick */

/* Lists of the live windows of FCNN_SPARSE_GROUP channels: where the winner's first input lies, and its gradient. */
struct fcnn_sparse_lists {
    const uint16_t *choice;   /* of the first window */
    const float *d_dst;       /* likewise, first channel of the group */
    const int32_t *corners;   /* of the windows: offset of the first of the four pixels */
    int64_t windows, choice_stride, d_dst_stride;
    int64_t width;            /* channels that exist */
    int32_t right, below;     /* to the other pixels of a window */
    int64_t capacity;         /* of a list: windows rounded up to 16 */
    int32_t *counts, *offsets; /* [16], [16][capacity] */
    float *gradients;         /* [16][capacity] */
};

/* Filter elements of some output channels: sums of gradient times input over the lists. Rows are runs of filter
 * elements that are neighbours in the image and in the filter. */
struct fcnn_sparse_tile {
    const float *src[FCNN_SPARSE_ROWS]; /* run i in the first image, at offset 0 */
    float *out[FCNN_SPARSE_ROWS];       /* sums of run i for the first channel, whole vectors */
    int64_t width;                      /* elements of a run: the last vector may be partial */
    int64_t channels, out_stride;
    int carry;                          /* continue the sums in out, instead of +0 */
    int64_t units, src_step, counts_step, lists_step, capacity; /* lists of several images */
    const int32_t *counts, *offsets;
    const float *gradients;
};

/* Some taps and input channels of one image's d_src. */
struct fcnn_sparse_scatter {
    const float *weights;  /* [k][taps][vectors] */
    const uint64_t *live;  /* [row][column][words]: one bit per output channel */
    const float *d_dst;    /* [window][k] */
    int pooled;            /* a window is two rows of two positions; else one position */
    float *d_src;
    const int64_t *taps;   /* offsets in d_src from an output position's first pixel */
    int64_t words, k, rows, columns; /* output positions: whole windows */
    int64_t below, right;  /* in d_src, from one output position to the next */
};

/* Some filter elements of a few vectors of output channels. */
struct fcnn_sparse_pick {
    const float *fours;       /* of the first window and element: inputs at the window's four positions */
    const uint16_t *choice;   /* of the first window, all channels */
    const float *d_dst;       /* of the first window and channel */
    int64_t windows, fours_step, choice_step, k;
    int64_t channel, width;   /* the first channel; how many */
    float *out, *bias;        /* of the first element and channel; NULL: the bias is not wanted */
    int carry;                /* continue the sums in out and bias, instead of +0 */
};

struct fcnn_sparse {
    int lanes;
    int picks;                         /* most vectors of output channels whose lanes pick; 0: no such tiles */
    int vectors[FCNN_SPARSE_ROWS + 1]; /* widest tile of so many rows */
    int taps[FCNN_SPARSE_WIDEST + 1];  /* most taps of a scatter of so many vectors; 0: no such scatter */
    int slides[FCNN_SPARSE_WIDEST + 1]; /* likewise: most filter rows of three taps at stride 1 */
    /* one bit for each output that is not zero, [pixel][words] */
    void (*mark)(int64_t pixels, int64_t channels, const float *dst, uint64_t *live);
    void (*list)(const struct fcnn_sparse_lists *lists);
    void (*accumulate[FCNN_SPARSE_ROWS + 1][FCNN_SPARSE_VECTORS + 1])(const struct fcnn_sparse_tile *tile);
    void (*scatter[FCNN_SPARSE_WIDEST + 1][FCNN_SPARSE_TAPS + 1])(const struct fcnn_sparse_scatter *scatter);
    void (*slide[FCNN_SPARSE_WIDEST + 1][FCNN_SPARSE_ROWS + 1])(const struct fcnn_sparse_scatter *scatter);
    void (*pick[3][FCNN_SPARSE_PICKS + 1])(const struct fcnn_sparse_pick *pick);
    /* fours of a row of windows */
    void (*lay_out)(int64_t windows, int64_t elements, const int32_t *offsets, const float *src, int64_t right,
                    int64_t below, float *fours);
    /* sums[k] = chain over the windows of the live gradients, whole vectors; of the lists only the inputs count */
    void (*sum_gradients)(const struct fcnn_sparse_lists *lists, float sums[FCNN_SPARSE_GROUP]);
    void (*add_sums)(int64_t rows, int64_t width, const float *a, int64_t a_step, const float *b, int64_t b_step,
                     float *to, int64_t to_step); /* simd/sums.h */
    /* to[j * to_step + i] = from[i * from_step + j], i < rows, j < columns */
    void (*transpose)(int64_t rows, int64_t columns, const float *from, int64_t from_step, float *to, int64_t to_step);
    /* `width` floats of so many pixels; from_step 0 repeats one pixel */
    void (*copy)(int64_t pixels, int64_t width, const float *from, int64_t from_step, float *to, int64_t to_step);
};

extern const struct fcnn_sparse fcnn_sparse_scalar, fcnn_sparse_avx2, fcnn_sparse_avx512, fcnn_sparse_neon;

/* The context of all these is a struct fcnn_sparse. */
fcnn_phrase_fn fcnn_sparse_unsupported, fcnn_sparse_data_doubt, fcnn_sparse_weights_doubt, fcnn_sparse_winners_doubt;
fcnn_demand_fn fcnn_sparse_data_demand, fcnn_sparse_weights_demand, fcnn_sparse_winners_demand;
fcnn_run_fn fcnn_sparse_data_run, fcnn_sparse_weights_run, fcnn_sparse_winners_run;
extern const struct fcnn_knob fcnn_sparse_data_knobs[2], fcnn_sparse_weights_knobs[2], fcnn_sparse_winners_knobs[1];

/* Values of a struct fcnn_variant. */
#define FCNN_SPARSE_DATA(isa)                                                                                          \
    {.unsupported = fcnn_sparse_unsupported, .doubt = fcnn_sparse_data_doubt, .demand = fcnn_sparse_data_demand,       \
     .run = fcnn_sparse_data_run, .context = &(isa), FCNN_KNOBS(fcnn_sparse_data_knobs), .revision = 1}
#define FCNN_SPARSE_WEIGHTS(isa)                                                                                       \
    {.unsupported = fcnn_sparse_unsupported, .doubt = fcnn_sparse_weights_doubt,                                       \
     .demand = fcnn_sparse_weights_demand, .run = fcnn_sparse_weights_run, .context = &(isa),                          \
     FCNN_KNOBS(fcnn_sparse_weights_knobs)}
#define FCNN_SPARSE_WINNERS(isa)                                                                                       \
    {.unsupported = fcnn_sparse_unsupported, .doubt = fcnn_sparse_winners_doubt,                                       \
     .demand = fcnn_sparse_winners_demand, .run = fcnn_sparse_winners_run, .context = &(isa),                          \
     FCNN_KNOBS(fcnn_sparse_winners_knobs)}

#endif
