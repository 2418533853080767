/* SPDX-License-Identifier: BSD-2-Clause
 * What the three kinds of Keras' files, all of them HDF5 within, have in common. */
#ifndef FCNN_IO_KERAS_FILES_H
#define FCNN_IO_KERAS_FILES_H

#include "lib/io/h5.h"
#include "lib/io/h5_make.h"
#include "lib/io/keras.h"
#include "lib/io/keras_values.h"

#define IO_KERAS_MOST_BYTES ((int64_t)1 << 32) /* of a file */
/* What is written says this of its layout, the one that Keras of this version writes and all since 2.0 read. */
#define IO_KERAS_VERSION "3.5.0"

/* What Keras has no place for: attributes of the root that it does not look at. */
struct io_notes {
    int has_training, has_scale;
    uint64_t seed;
    int shards;
    int64_t epochs;
    double scale, offset;
    char version[32]; /* of this library; "" where another one wrote the file */
};
fcnn_status io_notes_read(struct io_notes *notes, struct io_h5 *h5);
fcnn_status io_notes_write(struct io_h5_new *h5, const fcnn_model *model, const fcnn_save_options *options);

/* ---- the readers, of files in memory; as in models.h ---- */

fcnn_status io_h5_read(fcnn_model **model, const unsigned char *bytes, size_t count, const char *path,
                       const fcnn_load_options *options, fcnn_file_info *info);
fcnn_status io_h5_read_weights(fcnn_model *model, const unsigned char *bytes, size_t count, const char *path);
fcnn_status io_keras_read(fcnn_model **model, const unsigned char *bytes, size_t count, const char *path,
                          const fcnn_load_options *options, fcnn_file_info *info);

/* ---- a model to be read ---- */

struct io_keras_source {
    const char *path;
    size_t bytes;         /* of the file: there are no more weights, which have a byte at least */
    json_t *model;        /* its config */
    json_t *training;     /* NULL: not there */
    struct io_notes notes;
    char version[32];     /* Keras'; "" unknown */
    /* found while the model is made */
    int optimizer_known;  /* the model is compiled with the file's optimizer */
    int loss_unknown;     /* the file has one that this library has not */
};
/* The model, compiled unless options say otherwise, and room for its numbers where it is. */
fcnn_status io_keras_make(fcnn_model **model, struct io_values *values, struct io_keras_source *source,
                          const fcnn_load_options *options, fcnn_file_info *info);

/* ---- layouts ---- */

/* .h5: model_weights/LAYER/PATHS, or LAYER/PATHS of a file of weights alone. chain: of the file's own model, whose
 * names decide then; NULL: layers are matched by their order. */
fcnn_status io_legacy_read_weights(struct io_values *values, struct io_h5 *h5, uint64_t group, const fcnn_model *model,
                                   const json_t *chain);
/* .weights.h5: layers/CLASS_N/vars/0. */
fcnn_status io_vars_read_weights(struct io_values *values, struct io_h5 *h5, const fcnn_model *model);
/* Whether a state is there and fits: values->has_state, *fits. */
fcnn_status io_vars_read_state(struct io_values *values, struct io_h5 *h5, const fcnn_model *model, int *fits);
fcnn_status io_vars_write(struct io_h5_new *h5, const fcnn_model *model, const fcnn_save_options *options,
                          int with_state);

/* Where an optimizer's state is. */
struct io_state {
    uint64_t group;
    const struct io_texts *paths; /* of the arrays in it, in the order in which that Keras wrote them */
    int named;                    /* what they are is told by their names, else by their places */
    const json_t *sorted;         /* variables are in the order of their names, of the chain that the file's model is;
                                   * NULL: in the order of the layers */
};
/* *fits is 0 where the arrays are not those of this model and optimizer; values->has_state 0: training has not
 * begun. */
fcnn_status io_state_read(struct io_values *values, struct io_h5 *h5, const struct io_state *state,
                          const fcnn_model *model, int *fits);

/* Reads all of one array into values that are as many as expected, with that shape. */
fcnn_status io_part_read(struct io_h5 *h5, uint64_t group, const char *path, const struct io_part *part,
                         const char *layer, float *values);

#endif
