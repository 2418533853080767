/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Convolution of groups of few channels, one or many: a vector holds channels of several groups. One operand lies in
 * lanes, the other one is *spread*: of each of its channels i there is a vector in which all lanes of a group hold
 * channel i of that group. Rows are spread in scratch, with their padding, once for all taps that meet them; what
 * remains is one multiply-add per load. Or rows are copied, a vector of channels (a *plane*) at a time: as they are,
 * where a vector holds a single group, all its lanes hold the same, and single channels are *broadcast* as they are
 * loaded; or, where it holds two or four groups, *interleaved*: channel 0 of each group, then channel 1 of each, ...,
 * so that one load repeats channel i of all groups over a whole vector, whose lanes are interleaved likewise. Or rows
 * are read in place: single channels are broadcast, or a vector of channels is *permuted* in registers for each of
 * them. Marches do not interleave.
 * Forward and backward data (gather.c, march.c): lanes are outputs; or *planar*: rows are transposed, a plane for each
 * channel, lanes are columns and weights are broadcast. Backward weights (weights.c): lanes are channels of the source,
 * gradients are spread. The inner loops of an instruction set (body.h, march_body.h, planar_body.h, weights_body.h) are
 * called by what is written once. */
#ifndef FCNN_GROUPED_H
#define FCNN_GROUPED_H

#include "kernels/conv2d/conv2d.h"

#define FCNN_GROUPED_LANES 16 /* most of a vector */

/* How the multiply-adds get their spread operand. Values are floats from one channel to the next of what is copied. */
enum fcnn_grouped_way { FCNN_SPREAD, FCNN_BROADCAST = 1, FCNN_PAIRS = 2, FCNN_QUADS = 4, FCNN_PERMUTED };
static inline int fcnn_grouped_interleaves(enum fcnn_grouped_way way) { return way == FCNN_PAIRS || way == FCNN_QUADS; }

/* Whole groups in vectors; or, of groups that are longer than a vector, parts. */
struct fcnn_grouped_lanes {
    int64_t lanes, groups;  /* of a vector; of the problem */
    int64_t width, depth;   /* channels of a group: in lanes; spread */
    int64_t together, parts; /* groups of a vector; vectors of a group: one of both is 1 */
    int64_t vectors;
    enum fcnn_grouped_way way;
    int64_t planes; /* vectors of a pixel that is spread or copied */
};
/* How rows of several groups are to be read, if that is possible; else they are spread. */
enum fcnn_grouped_rows { FCNN_SPREAD_ROWS, FCNN_INTERLEAVED_ROWS, FCNN_ROWS_IN_PLACE };
struct fcnn_grouped_lanes fcnn_grouped_lanes_of(const fcnn_problem *problem, int64_t lanes,
                                                enum fcnn_grouped_rows rows);
/* Planar: so many vectors of whole groups, or so many groups that are longer. `lanes` is how many outputs they have, a
 * plane is one channel. */
struct fcnn_grouped_lanes fcnn_grouped_planar_of(const fcnn_problem *problem, int64_t lanes, int64_t vectors);

/* The share of one vector: its lanes are channels `channel` and the next ones, channels from `spread` on are spread. */
struct fcnn_grouped_vector {
    int64_t channel, lanes, spread;
    int64_t group, groups; /* the first one; how many */
    int64_t part;
};
struct fcnn_grouped_vector fcnn_grouped_vector_at(const struct fcnn_grouped_lanes *lanes, int64_t i);
/* The channel of its vector that a lane holds, -1 if none; groups have `channels` channels each. */
int64_t fcnn_grouped_channel(const struct fcnn_grouped_lanes *lanes, int64_t channels, int64_t lane);

/* Spreads pixels of a row: out[i][x][lane] = src[x][index[lane] + i] for i < depth, 0 where dst is 0. Without index it
 * copies them: src[x][i * lanes + lane]. Interleaving is the spreading of a single channel by another index. */
struct fcnn_grouped_fill {
    const float *src, *dst; /* dst: NULL without ReLU */
    float *out, *next;      /* pixel x lies at out + x / 2 * jump if x is even, else at next + x / 2 * jump */
    int64_t columns, jump, step; /* step: floats from pixel to pixel of src and dst */
    int64_t depth, plane;   /* floats from out[i] to out[i + 1] */
    int64_t ahead;          /* floats from what is loaded to what is prefetched, for the next fills; or 0 */
    int64_t reach, room;    /* floats that the last index needs, and that there are behind src within the pixel */
    const int32_t *index;   /* below reach; NULL: copies, or planes, of `room` channels */
    float *bias;            /* NULL, or a vector for each i that continues the sum of what is stored */
};

/* Pixels of a row: dst[x][lane] = init[lane] + sum over rows, taps of a row, i < depth of
 * rows.x[offset of the tap][i][x][lane] rows.weights[tap][i][lane]; broadcast: x[i / lanes][x][i % lanes]; pairs and
 * quads: x[x][i * way + lane % way], and dst[x][lane] gets the sum in lane index[lane]. Planar:
 * dst[j][x] = init[j] + sum of rows.x[start + offset of the tap][i][x] rows.weights[tap][i][j] for j < lanes, and up to
 * whole vectors of x are read and written. */
struct fcnn_grouped_row {
    const float *x, *weights;
};
struct fcnn_grouped_run {
    const struct fcnn_grouped_row *rows;
    const int64_t *offsets;
    int64_t count, taps, tap, skip; /* rows; taps of a row; floats of weights from tap to tap, and before the first */
    int64_t depth, plane;     /* floats from x[i] to x[i + 1] */
    const float *init;
    float *dst;
    int64_t columns, step, lanes; /* step: floats from pixel to pixel of dst; planar: from plane to plane */
    int64_t start, ahead; /* planar; ahead: floats from what is loaded to what is prefetched */
    const float *fetch, *fetch_end; /* asked for meanwhile, a line at a time; moves on */
    enum fcnn_grouped_way way;
    const int32_t *index; /* pairs, quads */
    int relu;
};

/* Some pixels of each output row from the first to the last, as rows of the input come by; a row of theirs is spread
 * for all outputs that it meets. Steps t are rows of the input: row t meets output row t / stride - j by row
 * t % stride + j * stride of the filter, j < age. Rows and outputs are counted in the order of the march. */
#define FCNN_GROUPED_AGE 3 /* most of age */
struct fcnn_grouped_march {
    const float *x;         /* row `from`, laid out as in a fcnn_grouped_run; or in place */
    int in_place;           /* the first and the last pixel of a tap may be outside the image: */
    int64_t pixel;          /* floats from pixel to pixel */
    const int64_t *outside; /* for each tap whether the first, whether the last pixel is */
    const float *zeros;     /* what is read there: a vector, all channels of a group */
    const int64_t *offsets; /* of taps of a row */
    const float *weights, *init;
    float *carry;           /* the sums of unfinished outputs between two calls, [j][pixel][lane] */
    float *dst;             /* of output 0 */
    int64_t row, dst_row;  /* floats from one to the next */
    int64_t taps, tap, tap_row; /* tap_row: floats of weights from row to row of the filter */
    int64_t height, stride, age; /* height: rows of the filter; age: height / stride, rounded up */
    int64_t from, to, last; /* steps from .. to-1 are done now; the last one of all */
    int64_t full;           /* the last one that the newest output meets */
    int64_t real_from, real_to; /* steps that are no padding */
    int64_t depth, plane, columns, step, lanes;
    const float *fetch, *fetch_end; /* in place: asked for meanwhile, a line at a time; moves on */
    enum fcnn_grouped_way way; /* permuted: x[index[lane] + i], in place alone */
    const int32_t *index;       /* permuted */
    int relu;
};

struct fcnn_grouped_tap {
    int64_t row, column; /* its row of the filter; floats to its column, in a row of the source */
};

/* Continues the sums of products of `taps` rows of the source, in lanes, and `spread` spread gradients:
 * sums[t][j][lane] += x[row][t][q][lane] gradient[row][j][q][lane], rows and q ascending; j counts from `first`.
 * Broadcast: gradient[row][j / lanes][q][j % lanes]; pairs, quads: gradient[row][q][j * way + lane % way]. */
struct fcnn_grouped_sum {
    const float *source; /* x[row][t][0] lies at source + lines[row * step + at[t].row] + at[t].column */
    const int64_t *lines;
    const struct fcnn_grouped_tap *at;
    int64_t step;
    const float *gradient;
    int64_t rows, row, columns;
    int left, right; /* of three taps: is the first one on padding in the first column, the last one in the last */
    int64_t taps, first, spread, plane; /* plane: floats from gradient[row][j] to [j + 1] */
    enum fcnn_grouped_way way;
    float *sums;
    int64_t tap; /* floats from sums[t] to sums[t + 1] */
};

/* The inner loops of one instruction set. */
struct fcnn_grouped {
    int64_t lanes;
    int64_t pixels;       /* of a tile of run() */
    int64_t marching[FCNN_GROUPED_AGE]; /* most columns of march() for each age, from 1 on */
    struct {
        int64_t taps, spread;
    } tiles[2]; /* most of sum(): many taps; much that is spread; there may be no such choice */
    void (*fill)(const struct fcnn_grouped_fill *fill);
    void (*run)(struct fcnn_grouped_run *run);
    void (*planar_fill)(const struct fcnn_grouped_fill *fill); /* out[i][x] = src[x][i], i < room, 0 where dst is */
    void (*planar_run)(struct fcnn_grouped_run *run);
    /* dst[x][i] = planes[i][x], i < channels; whole vectors of x are read */
    void (*planar_store)(const float *planes, int64_t plane, int64_t channels, int64_t columns, float *dst,
                         int64_t step);
    void (*march)(struct fcnn_grouped_march *march);
    void (*sum)(const struct fcnn_grouped_sum *sum);
    /* out[lane][at + j] = sums[j][lane], j < count; sums[j][index[lane]] if there is an index */
    void (*store)(const float *sums, int64_t count, int64_t lanes, const int32_t *index, float *const *out, int64_t at);
    void (*add_sums)(int64_t rows, int64_t width, const float *a, int64_t a_step, const float *b, int64_t b_step,
                     float *to, int64_t to_step); /* simd/sums.h */
};

/* Rows of a haloed image in scratch. Columns that are a stride apart lie side by side: those of a phase, phases one
 * after the other, all that once for each channel that is spread. */
struct fcnn_grouped_copy {
    const struct fcnn_grouped *loops;
    struct fcnn_halo halo;
    int64_t phases, reach, apart; /* phases that no tap j <= reach meets in column j * apart are left out */
    int64_t columns, phase, plane; /* most columns; floats of a phase, of a channel */
    int64_t planes, row;           /* vectors of a pixel; floats of a row */
    int planar;                    /* planes are channels, a vector behind the last one may be read */
    int64_t lane;                  /* floats from column to column of a phase */
};
struct fcnn_grouped_copy fcnn_grouped_copy_of(const struct fcnn_grouped *loops, const struct fcnn_halo *halo,
                                              int64_t columns, int64_t planes, int planar);
/* Planar: zeros of the padding that lie before a phase's first column in a line, so that the image starts a line. */
int64_t fcnn_grouped_shift(const struct fcnn_grouped_copy *copy, int64_t phase);
/* Writes the padding among columns from .. from + columns-1 of the halo, not planar. */
void fcnn_grouped_pad_row(const struct fcnn_grouped_copy *copy, float *out, int64_t from, int64_t columns);
/* Columns from .. from + columns-1 of the halo, of an image row that starts at fill->src. `fresh`: the padding in
 * fill->out has to be written too; else there is a row of the same columns. What `fill` says is used up: a copy of it
 * would be read in larger pieces than it was just written in, which waits for all stores before, outputs included. */
void fcnn_grouped_copy_row(const struct fcnn_grouped_copy *copy, struct fcnn_grouped_fill *fill, int64_t from,
                           int64_t columns, int fresh);
/* index[lane] of a fill, or of what is permuted in place; interleaved: groups have `channels` channels each. */
void fcnn_grouped_list_index(const struct fcnn_grouped_lanes *lanes, int64_t channels,
                             int32_t index[FCNN_GROUPED_LANES]);
/* Interleaved: the lane of each channel. */
void fcnn_grouped_list_lanes(const struct fcnn_grouped_lanes *lanes, int64_t channels,
                             int32_t index[FCNN_GROUPED_LANES]);

/* The context of all these is a struct fcnn_grouped. */
fcnn_phrase_fn fcnn_grouped_doubt, fcnn_grouped_gather_doubt, fcnn_grouped_weights_doubt;
fcnn_demand_fn fcnn_grouped_gather_demand, fcnn_grouped_weights_demand;
fcnn_run_fn fcnn_grouped_gather_run, fcnn_grouped_weights_run;
#define FCNN_GROUPED_GATHER_KNOBS 8
#define FCNN_GROUPED_WEIGHTS_KNOBS 3
extern const struct fcnn_knob fcnn_grouped_gather_knobs[FCNN_GROUPED_GATHER_KNOBS];
extern const struct fcnn_knob fcnn_grouped_weights_knobs[FCNN_GROUPED_WEIGHTS_KNOBS];

/* Values of a struct fcnn_variant. */
#define FCNN_GROUPED_GATHER(loops)                                                                                     \
    {.unsupported = fcnn_conv2d_unsupported, .doubt = fcnn_grouped_gather_doubt, .demand = fcnn_grouped_gather_demand, \
     .run = fcnn_grouped_gather_run, .context = &(loops), FCNN_KNOBS(fcnn_grouped_gather_knobs), .revision = 6}
#define FCNN_GROUPED_WEIGHTS(loops)                                                                                    \
    {.unsupported = fcnn_conv2d_unsupported, .doubt = fcnn_grouped_weights_doubt,                                      \
     .demand = fcnn_grouped_weights_demand, .run = fcnn_grouped_weights_run, .context = &(loops),                      \
     FCNN_KNOBS(fcnn_grouped_weights_knobs), .revision = 6}

#endif
