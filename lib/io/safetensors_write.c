/* SPDX-License-Identifier: BSD-2-Clause
 * Writing models as safetensors files. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io/fail.h"
#include "lib/io/json.h"
#include "lib/io/keras.h"
#include "lib/io/models.h"
#include "lib/io/number.h"
#include "lib/io/replace.h"
#include "lib/io/safetensors.h"

static void put(struct io_writing *w, json_t *object, const char *key, json_t *value)
{
    w->failed |= json_object_set_new(object, key, value);
}

/* ---- metadata ---- */

void io_writing_text(struct io_writing *w, const char *key, const char *text)
{
    put(w, w->metadata, key, text ? json_string(text) : NULL);
}

void io_writing_document(struct io_writing *w, const char *key, json_t *document)
{
    char *text = document ? json_dumps(document, JSON_COMPACT) : NULL;
    io_writing_text(w, key, text);
    free(text);
    json_decref(document);
}

static void put_number(struct io_writing *w, const char *key, double number)
{
    char text[32];
    io_number_write(text, number);
    io_writing_text(w, key, text);
}

static int has_state(const struct io_writing *w)
{
    return w->always_state || (!w->options->without_state && (w->state.steps || w->state.epochs));
}

/* What Keras' configurations have no words for. */
static json_t *own(struct io_writing *w, const fcnn_compile_options *compile)
{
    json_t *own = json_pack("{s:I, s:i}", "seed", (json_int_t)compile->seed, "shards", compile->shards);
    if (!has_state(w)) return own;
    put(w, own, "steps", json_integer(w->state.steps));
    put(w, own, "epochs", json_integer(w->state.epochs));
    put(w, own, "beta_1_power", json_real((double)w->state.beta_1_power));
    put(w, own, "beta_2_power", json_real((double)w->state.beta_2_power));
    return own;
}

static void put_metadata(struct io_writing *w, const fcnn_compile_options *compile)
{
    char producer[64];
    snprintf(producer, sizeof producer, "libfastcnn %s", fcnn_version());
    w->header = json_object();
    put(w, w->header, "__metadata__", json_object());
    w->metadata = json_object_get(w->header, "__metadata__");
    if (w->first) io_writing_text(w, w->first, w->first_text);
    io_writing_text(w, "producer", producer);
    io_writing_document(w, "model_config", io_keras_model_config(w->model));
    io_writing_document(w, "training_config", io_keras_training_config(w->model));
    io_writing_document(w, "fastcnn", own(w, compile));
    if (w->options->input_scale == 0 && w->options->input_offset == 0) return;
    put_number(w, "input_scale", w->options->input_scale);
    put_number(w, "input_offset", w->options->input_offset);
}

/* ---- tensors ---- */

static int is_zero(const float *values, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (values[i] != 0 || signbit(values[i])) return 0;
    return 1;
}

static void put_tensor(struct io_writing *w, const struct io_tensor *tensor)
{
    json_t *shape = json_array();
    const json_int_t begin = (json_int_t)(w->count * (int64_t)sizeof(float));
    const json_int_t end = begin + (json_int_t)(tensor->count * (int64_t)sizeof(float));
    for (int i = 0; i < tensor->rank; i++)
        w->failed |= json_array_append_new(shape, json_integer((json_int_t)tensor->shape[i]));
    put(w, w->header, tensor->name, json_pack("{s:s, s:o, s:[I,I]}", "dtype", "F32", "shape", shape, "data_offsets",
                                              begin, end));
    w->count += tensor->count;
}

/* Of a layer that has the part; the room is there. */
static void put_values(struct io_writing *w, const struct io_tensor *tensor, int set, const float *values)
{
    if (set != FCNN_ARRAY_WEIGHTS && is_zero(values, tensor->count)) return;
    memmove(w->data + w->count, values, (size_t)tensor->count * sizeof *values);
    put_tensor(w, tensor);
}

void io_writing_set(struct io_writing *w, int set, const float *packed)
{
    struct io_tensor tensor;
    for (int i = 0; i < fcnn_model_layers(w->model); i++)
        for (int part = FCNN_PART_WEIGHTS; part <= FCNN_PART_MOVING_VARIANCE; part++) {
            if (!io_tensor_describe(&tensor, w->model, i, (fcnn_part)part, set)) continue;
            put_values(w, &tensor, set, packed);
            packed += tensor.count;
        }
}

/* The array is read to where its tensors will be, or further back. */
static fcnn_status put_arrays(struct io_writing *w)
{
    const int arrays = has_state(w) ? 3 : 1;
    const int64_t count = fcnn_model_parameters(w->model);
    const size_t floats = (size_t)(arrays + w->extra_sets) * (size_t)count;
    w->data = malloc(floats ? floats * sizeof *w->data : 1);
    w->failed |= !w->data;
    for (int array = FCNN_ARRAY_WEIGHTS; w->data && array < arrays; array++) {
        float *to = w->data + w->count;
        const fcnn_status status = fcnn_model_get_array(w->model, (fcnn_array)array, to, count);
        if (status) return status;
        io_writing_set(w, array, to);
    }
    return FCNN_OK;
}

/* ---- the file ---- */

/* The header is padded with blanks, so that the numbers begin at a multiple of 8. */
fcnn_status io_writing_end(struct io_writing *w, const char *path)
{
    static const char blanks[8] = "        ";
    char *text = w->failed ? NULL : json_dumps(w->header, JSON_COMPACT);
    if (!text) return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory for the file's content", path);
    const size_t length = strlen(text), padding = (8 - length % 8) % 8;
    const uint64_t header = length + padding;
    fcnn_status status;
    if (w->seal) w->seal(text, length, w->data, (size_t)w->count);
    if (io_json_measure(text, length, path))
        status = fcnn_io_fail(FCNN_BAD_ARGUMENT, "%s: the header of the file would have %llu bytes; so many are not "
                              "read again", path, (unsigned long long)header);
    else
        status = io_replace(path, (const struct io_piece[]){{&header, sizeof header},
                                                            {text, length},
                                                            {blanks, padding},
                                                            {w->data, (size_t)w->count * sizeof *w->data}}, 4);
    free(text);
    return status;
}

/* A layer whose tensors could have the names of another one's moments. */
static fcnn_status check_names(const fcnn_model *model, const char *path)
{
    fcnn_layer_info info;
    for (int i = 0; !fcnn_model_layer(model, i, &info); i++)
        if (!strncmp(info.name, "optimizer.", 10))
            return fcnn_io_fail(FCNN_BAD_ARGUMENT, "%s: layer \"%s\": in safetensors files names that begin with "
                                "\"optimizer.\" are the optimizer's", path, info.name);
    return FCNN_OK;
}

fcnn_status io_writing_begin(struct io_writing *w, const char *path)
{
    fcnn_compile_options compile;
    IO_TRY(check_names(w->model, path));
    fcnn_status status = fcnn_model_compile_options(w->model, &compile);
    if (status)
        return fcnn_io_fail(FCNN_BAD_ARGUMENT, "%s: the model is not compiled: it has no weights to write", path);
    status = fcnn_model_get_state(w->model, &w->state);
    if (!status) put_metadata(w, &compile);
    if (!status) status = put_arrays(w);
    return status ? fcnn_io_fail_as(status, path) : FCNN_OK;
}

void io_writing_free(struct io_writing *w)
{
    json_decref(w->header);
    free(w->data);
}

fcnn_status io_safetensors_save(const fcnn_model *model, const char *path, const fcnn_save_options *options)
{
    struct io_writing w = {.model = model, .options = options};
    fcnn_status status = io_writing_begin(&w, path);
    if (!status) status = io_writing_end(&w, path);
    io_writing_free(&w);
    return status;
}
