/* SPDX-License-Identifier: BSD-2-Clause
 * Images of one channel, and what is done with them on the way to a network. */
#ifndef FCNN_PLANE_H
#define FCNN_PLANE_H

#include <stdint.h>

struct fcnn_plane {
    int64_t h, w;
    float *v; /* free() */
};

struct fcnn_box {
    int64_t top, left, h, w;
};

/* Zeros; v is NULL where there is no memory. */
struct fcnn_plane fcnn_plane_make(int64_t h, int64_t w);

/* The smallest box around all values of at least `least`; h is 0 if there is none. */
struct fcnn_box fcnn_plane_box(const struct fcnn_plane *plane, float least);

/* A part, resized by area averaging: each output is the mean over its rectangle of the input, fractions of pixels
 * counted as such. Smaller or larger. v NULL: no memory. */
struct fcnn_plane fcnn_plane_resize(const struct fcnn_plane *plane, struct fcnn_box box, int64_t h, int64_t w);

/* Each value becomes the largest within `radius` rows and columns. 0: no memory, nothing was done. */
int fcnn_plane_thicken(struct fcnn_plane *plane, int64_t radius);

/* Sets to 0 what is not connected (by values of at least `least`, over corners too) to as much as `part` of the ink of
 * the piece that has most. Returns the number of pieces that went; -1: no memory, nothing was done. */
int64_t fcnn_plane_despeck(struct fcnn_plane *plane, float least, double part);

/* Mean width of strokes: twice the area of ink (1/2 and more) over the length of its outline. 0: no ink. */
double fcnn_plane_stroke(const struct fcnn_plane *plane);

/* Changes between ink and no ink along the rows that have ink, a mean; of columns if `columns`. */
double fcnn_plane_changes(const struct fcnn_plane *plane, int columns);

void fcnn_plane_mass(const struct fcnn_plane *plane, double *y, double *x); /* the centre; the middle if all is 0 */

#endif
