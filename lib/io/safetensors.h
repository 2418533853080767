/* SPDX-License-Identifier: BSD-2-Clause
 * safetensors files: u64 LE length, a JSON object {NAME: {dtype, shape, data_offsets}}, then the numbers. What files of
 * this library say of the model is text in their __metadata__:
 *     model_config, training_config   Keras' JSON (keras.h)
 *     fastcnn                         seed, shards, and where training stands: steps, epochs, powers of the betas
 *     input_scale, input_offset       of fcnn_save_options
 * Tensors are LAYER.kernel, .bias (.depthwise_kernel; .gamma, .beta, .moving_mean, .moving_variance), and
 * optimizer.moment_1.LAYER.kernel and so on, without those that are 0 throughout. checkpoint.h has what a checkpoint
 * has beside. */
#ifndef FCNN_IO_SAFETENSORS_H
#define FCNN_IO_SAFETENSORS_H

#include <jansson.h>

#include "lib/io/fastcnn_io.h"

#define IO_SAFETENSORS_RANK 4

/* A tensor that a model has. */
struct io_tensor {
    char name[192];
    int layer;
    fcnn_part part;
    int rank;
    int64_t shape[IO_SAFETENSORS_RANK], count;
};

/* Sets of tensors: a fcnn_array, or the best epoch's weights and moments, IO_BEST + fcnn_array. */
#define IO_BEST (FCNN_ARRAY_INITIAL_MOMENT_2 + 1)

/* Part of a layer; 0: the layer has none. The set gives the name its beginning. */
int io_tensor_describe(struct io_tensor *tensor, const fcnn_model *model, int layer, fcnn_part part, int set);

/* ---- reading ---- */

/* A file in memory whose header holds: F32 tensors that cover the data one behind the other, without a gap. */
struct io_safetensors {
    const char *path;
    json_t *header;
    const json_t *metadata;    /* the __metadata__, NULL: none */
    const unsigned char *data; /* within the bytes that were given */
    int count;                 /* of tensors */
    const char **in_order;     /* their names, by their places in the data */
};

/* FCNN_BAD_DATA, FCNN_OUT_OF_MEMORY: nothing to close. */
fcnn_status io_safetensors_open(struct io_safetensors *file, const unsigned char *bytes, size_t count,
                                const char *path);
void io_safetensors_close(struct io_safetensors *file);

const char *io_safetensors_metadata(const struct io_safetensors *file, const char *key); /* NULL: not there */

/* The model of a file; *model is NULL after a failure. */
fcnn_status io_safetensors_model(const struct io_safetensors *file, fcnn_model **model,
                                 const fcnn_load_options *options, fcnn_file_info *info);
/* A set of tensors into an array of a compiled model; those that are not in the file are 0 throughout. */
fcnn_status io_safetensors_fill(const struct io_safetensors *file, fcnn_model *model, int set, fcnn_array array);
/* Into fcnn_model_parameters() floats. */
fcnn_status io_safetensors_copy(const struct io_safetensors *file, const fcnn_model *model, int set, float *packed);

/* What io_safetensors_load() does with the bytes of a file. */
fcnn_status io_safetensors_read(fcnn_model **model, const unsigned char *bytes, size_t count, const char *path,
                                const fcnn_load_options *options, fcnn_file_info *info);
/* The same for io_safetensors_load_weights(). */
fcnn_status io_safetensors_read_weights(fcnn_model *model, const unsigned char *bytes, size_t count, const char *path);

/* ---- writing ---- */

/* A file in the making. What cannot be made for lack of memory shows in `failed`. The caller sets all down
 * to `seal`. */
struct io_writing {
    const fcnn_model *model;
    const fcnn_save_options *options;
    int extra_sets;   /* of tensors, behind weights and moments */
    int always_state; /* also where training has not begun */
    const char *first, *first_text; /* of the metadata, before all others; NULL: none */
    void (*seal)(char *header, size_t length, const float *data, size_t count); /* last of all; NULL: nothing */
    fcnn_state state;
    json_t *header, *metadata;
    float *data;
    int64_t count;    /* floats that are there */
    int failed;
};

/* What a model file has. Then tensors and metadata can be added. */
fcnn_status io_writing_begin(struct io_writing *w, const char *path);
/* A text in the metadata; NULL: no memory. The document is its to release. */
void io_writing_text(struct io_writing *w, const char *key, const char *text);
void io_writing_document(struct io_writing *w, const char *key, json_t *document);
/* A set of tensors from fcnn_model_parameters() floats in their order, without those that are 0 throughout. */
void io_writing_set(struct io_writing *w, int set, const float *packed);
fcnn_status io_writing_end(struct io_writing *w, const char *path);
void io_writing_free(struct io_writing *w);

#endif
