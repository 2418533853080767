/* SPDX-License-Identifier: BSD-2-Clause
 * The numbers of a model between its own order and that of Keras' files: read as a whole before any is set. */
#ifndef FCNN_IO_KERAS_VALUES_H
#define FCNN_IO_KERAS_VALUES_H

#include "lib/io/fastcnn_io.h"

/* A variable of a layer, in Keras' order: what is trained (weights, bias), then the moving ones. */
struct io_part {
    fcnn_part part;
    const char *name; /* Keras 3's: kernel bias gamma beta moving_mean moving_variance */
    int trainable, rank;
    int64_t dims[4], count;
};
int io_parts(const fcnn_model *model, int layer, struct io_part parts[4]); /* their number */

/* Adam: m and v. SGD: its velocity. RMSprop: the mean square, and the momentum where there is any. */
#define IO_SLOTS 2
struct io_slot {
    fcnn_array array;
    const char *name; /* Keras 3's: momentum, velocity */
};
/* The slots of the optimizer per variable that a Keras which trains so has; their number. */
int io_slots(const fcnn_compile_options *options, struct io_slot slots[IO_SLOTS]);

struct io_values {
    int64_t total;        /* floats of one array: all parts of all layers */
    float *weights;       /* layer by layer, part by part */
    float *slots[IO_SLOTS]; /* the same places, 0 for what is not trained; NULL: no such slot, or no state */
    int has_state;
    int64_t steps, epochs; /* of which no Keras tells the second */
};

/* Room for the numbers of a model, compiled or not. FCNN_BAD_DATA: more than `most` floats. */
fcnn_status io_values_create(struct io_values *values, const fcnn_model *model, int64_t most, const char *where);
fcnn_status io_values_add_slots(struct io_values *values, const char *where);
void io_values_free(struct io_values *values);

/* Turns the filters of convolutions by half a turn: Keras with Theano convolves where all others correlate. */
void io_values_turn_filters(struct io_values *values, const fcnn_model *model);

/* From a compiled model, and into one. Slots as the model's options have them. */
fcnn_status io_values_take(struct io_values *values, const fcnn_model *model, int with_state, const char *where);
fcnn_status io_values_give(const struct io_values *values, fcnn_model *model, const char *where);

#endif
