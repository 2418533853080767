/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a network sees of a picture. Networks for MNIST know one way of showing a digit: bright ink on black, the longer
 * side of its box 20 of 28 pixels, the centre of mass in the middle. Pictures of people are dark on light, of any size,
 * with the digit anywhere. This brings one to the other and says in words what was done. */
#ifndef FCNN_SIGHT_H
#define FCNN_SIGHT_H

#include "lib/io/fastcnn_io.h"

enum fcnn_polarity {
    FCNN_POLARITY_AUTO,   /* inverted if what stands out from the border is darker than it */
    FCNN_POLARITY_INVERT,
    FCNN_POLARITY_KEEP,
};

struct fcnn_sight_options {
    enum fcnn_polarity polarity;
    int no_center; /* the whole picture, its shape kept: no box is cut out, nothing is moved */
    int as_is;     /* only grey values, and inverted if asked for; the size must be the network's */
};

#define FCNN_SIGHT_STEPS 8

struct fcnn_sight {
    int64_t h, w, c;
    float *x; /* (h, w, c), 0 to 1; the caller's: fcnn_sight_free() */
    int step_count;
    char steps[FCNN_SIGHT_STEPS][128]; /* what was done, for people: "dark on light: inverted" */
};

/* A picture as an h x w x c input. c = 1: grey 0.299 R + 0.587 G + 0.114 B, transparent parts over white, or over black
 * if the ink is bright; then polarity, contrast, specks left out, thin strokes thickened, box, area averaging, centre
 * of mass. c = 3:
 * over white, resized by area averaging; no polarity but asked for.
 * FCNN_BAD_DATA: nothing to be seen in it (blank, no even background, one filled block, noise), or not the right size
 * with as_is; FCNN_BAD_SHAPE: another c; FCNN_OUT_OF_MEMORY. The sentence begins with `name`. */
fcnn_status fcnn_sight_make(struct fcnn_sight *sight, const fcnn_picture *picture, int64_t h, int64_t w, int64_t c,
                            const struct fcnn_sight_options *options, const char *name);
void fcnn_sight_free(struct fcnn_sight *sight);

#endif
