/* SPDX-License-Identifier: BSD-2-Clause
 * safetensors files: u64 LE length, a JSON object {NAME: {dtype, shape, data_offsets}}, then the numbers. What files of
 * this library say of the model is text in their __metadata__:
 *     model_config, training_config   Keras' JSON (keras.h)
 *     fastcnn                         seed, shards, and where training stands: steps, epochs, powers of the betas
 *     input_scale, input_offset       of fcnn_save_options
 * Tensors are LAYER.kernel, .bias (.depthwise_kernel; .gamma, .beta, .moving_mean, .moving_variance), and
 * optimizer.moment_1.LAYER.kernel and so on, without those that are 0 throughout. */
#ifndef FCNN_IO_SAFETENSORS_H
#define FCNN_IO_SAFETENSORS_H

#include <jansson.h>

#include "lib/io/fastcnn_io.h"

#define IO_SAFETENSORS_MOST_HEADER ((uint64_t)16 << 20) /* bytes */
#define IO_SAFETENSORS_RANK 4

/* A tensor that a model has. */
struct io_tensor {
    char name[192];
    int layer;
    fcnn_part part;
    int rank;
    int64_t shape[IO_SAFETENSORS_RANK], count;
};

/* Part of a layer; 0: the layer has none. `array`: weights or a moment, which gives the name its beginning. */
int io_tensor_describe(struct io_tensor *tensor, const fcnn_model *model, int layer, fcnn_part part, fcnn_array array);

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

/* What io_safetensors_load() does with the bytes of a file. */
fcnn_status io_safetensors_read(fcnn_model **model, const unsigned char *bytes, size_t count, const char *path,
                                const fcnn_load_options *options, fcnn_file_info *info);
/* The same for io_safetensors_load_weights(). */
fcnn_status io_safetensors_read_weights(fcnn_model *model, const unsigned char *bytes, size_t count, const char *path);

#endif
