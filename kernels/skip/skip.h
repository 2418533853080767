/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Forward convolution that skips zeros of its input, as ReLU leaves them. The gather's order, ascending taps then
 * channels, is kept by scattering: going through a row of pixels from left to right brings an output's taps of one
 * filter row in ascending order, so the sums of three outputs move along with the pixel. A pixel's channels that are
 * not zero are the bits of words. Two rows of pixels go together: what is not zero in one of them meets weights that
 * are loaded once, and neighbours are often zero together.
 * Everything is written once against struct fcnn_skip; the stubs skip_<isa>.c fill it from skip_body.h. */
#ifndef FCNN_SKIP_H
#define FCNN_SKIP_H

#include "kernels/kernel.h"

#define FCNN_SKIP_TAPS 3 /* in a filter row */

/* One or two rows of pixels through one filter row. Column u is the u-th of the padded row. */
struct fcnn_skip_rows {
    const float *src;        /* column `from` of the first row */
    int64_t from, to, pixel; /* real columns; floats from one to the next */
    int64_t below;           /* floats to the second row */
    int64_t channels, words;
    const uint64_t *live, *live_below; /* from column `from` on, [column][words]: bits of channels that are not zero */
    const float *weights;    /* [channel][tap][columns of a panel] */
    float *out, *out_below;  /* sums: [columns][columns of a panel] */
    int64_t columns;         /* outputs of a row */
};

struct fcnn_skip {
    int panel; /* output channels */
    /* One bit per channel of each pixel, in whole words. */
    void (*mark)(int64_t pixels, int64_t channels, const float *src, uint64_t *live);
    void (*add[3])(const struct fcnn_skip_rows *rows); /* [rows] */
    void (*start)(int64_t pixels, const float *bias, float *out);
    int (*is_finite)(int64_t count, const float *values); /* whole vectors */
    /* A row of sums to `width` channels of pixels k floats apart. */
    void (*put)(int64_t pixels, const float *sums, int64_t width, int relu, float *dst, int64_t k);
    /* Two rows of sums, `below` floats apart, to their windows. */
    void (*pool)(int64_t windows, const float *sums, int64_t below, int64_t channel, int64_t k, uint16_t *choice,
                 float *dst);
};

extern const struct fcnn_skip fcnn_skip_scalar, fcnn_skip_avx2, fcnn_skip_avx512;

/* The context of all these is a struct fcnn_skip. */
fcnn_phrase_fn fcnn_skip_unsupported, fcnn_skip_doubt;
fcnn_demand_fn fcnn_skip_demand;
fcnn_run_fn fcnn_skip_run;
extern const struct fcnn_knob fcnn_skip_knobs[1];

/* A value of a struct fcnn_variant. */
#define FCNN_SKIP(isa)                                                                                                 \
    {.unsupported = fcnn_skip_unsupported, .doubt = fcnn_skip_doubt, .demand = fcnn_skip_demand, .run = fcnn_skip_run, \
     .context = &(isa), FCNN_KNOBS(fcnn_skip_knobs)}

#endif
