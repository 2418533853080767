/* SPDX-License-Identifier: BSD-2-Clause
 * From the JSON of a Keras file to a compiled model with room for its numbers. */
#include <stdio.h>
#include <string.h>

#include "lib/io/fail.h"
#include "lib/io/json.h"
#include "lib/io/keras_files.h"

static int has_loss(const struct io_keras_source *source)
{
    return io_get(source->training, "loss") != NULL;
}

/* Keras leaves it out of a .keras that it writes right after the same model's .h5. */
static int has_optimizer(const struct io_keras_source *source)
{
    return io_get(source->training, "optimizer_config") || io_get(source->training, "optimizer");
}

/* What the file says of training. Where that is nothing that this library has, the loss alone may be: it decides what
 * the last layer is. */
static void read_training(struct io_keras_source *source, fcnn_compile_options *found, fcnn_file_info *info)
{
    if (!has_loss(source) && !has_optimizer(source)) return;
    const fcnn_status status = io_keras_read_training(found, source->training, source->path);
    info->has_training = status == FCNN_OK;
    source->optimizer_known = info->has_training && has_optimizer(source);
    if (info->has_training && !source->optimizer_known)
        io_keras_remark(info, "the file names no optimizer: it is Adam here");
    if (!status) return;
    const char *why = fcnn_io_last_error();
    const size_t skip = strlen(source->path) + 2; /* the file's name and ": " */
    io_keras_remark(info, "not compiled as in the file: %s", strlen(why) > skip ? why + skip : why);
    json_t *loss = json_pack("{s:O}", "loss", json_object_get(source->training, "loss"));
    source->loss_unknown = has_loss(source) && (!loss || io_keras_read_training(found, loss, source->path));
    info->binary = io_keras_binary_loss(source->training);
    json_decref(loss);
}

/* What the model's last computation ends in. */
static fcnn_activation last_activation(const fcnn_model *model)
{
    fcnn_layer layer = {0};
    for (int i = fcnn_model_layers(model) - 1; i >= 0; i--) {
        fcnn_model_layer_as_added(model, i, &layer);
        if (layer.kind != FCNN_LAYER_DROPOUT && layer.kind != FCNN_LAYER_FLATTEN) break;
    }
    return layer.activation;
}

/* The softmax of one number is 1, whatever the model computes. */
static int has_one_output(const fcnn_model *model)
{
    fcnn_layer_info last = {0};
    fcnn_model_layer(model, fcnn_model_layers(model) - 1, &last);
    return last.h * last.w * last.c == 1;
}

/* Whether the outputs are meant as they are, although `found` has cross-entropy. A linear end without any loss may be
 * that of a classifier: it was trained elsewhere, or is not trained yet. */
static int gives_values(const fcnn_model *model, const struct io_keras_source *source, fcnn_activation end)
{
    return end != FCNN_LINEAR || source->loss_unknown || (!has_loss(source) && has_one_output(model));
}

/* Predictions come first: a loss that this library has not with such an end makes way for one that it has. An end that
 * is linear gives probabilities by cross-entropy alone; of files of this library that is no news. */
static void fit_loss(const fcnn_model *model, const struct io_keras_source *source, fcnn_compile_options *found,
                     fcnn_file_info *info)
{
    const fcnn_activation end = last_activation(model);
    const int squares = found->loss == FCNN_LOSS_MEAN_SQUARED_ERROR, softmax = end == FCNN_SOFTMAX_ACTIVATION;
    info->other_loss = source->loss_unknown;
    if (softmax && squares) {
        found->loss = FCNN_LOSS_CATEGORICAL_CROSSENTROPY;
        info->other_loss = 1;
        io_keras_remark(info, "the loss is cross-entropy here, as the model ends in softmax");
    } else if (!softmax && !squares && gives_values(model, source, end)) {
        found->loss = FCNN_LOSS_MEAN_SQUARED_ERROR;
        info->other_loss |= has_loss(source);
        io_keras_remark(info, "the loss is the mean squared error here, as the model does not end in softmax");
    } else if (!softmax && !squares && !*source->notes.version)
        io_keras_remark(info, "the model ends in logits; what is predicted is their softmax, as %s",
                        has_loss(source) ? "its loss is cross-entropy" : "no loss is known");
}

/* The caller's options win; the state is taken over where its optimizer is the file's. */
static fcnn_compile_options choose(const fcnn_model *model, struct io_keras_source *source,
                                   const fcnn_load_options *options, fcnn_file_info *info)
{
    fcnn_compile_options found = {0};
    read_training(source, &found, info);
    if (!options->compile) fit_loss(model, source, &found, info);
    if (source->notes.has_training) {
        found.seed = source->notes.seed;
        found.shards = source->notes.shards;
    }
    if (options->compile) {
        source->optimizer_known &= options->compile->optimizer == found.optimizer;
        found = *options->compile;
    }
    found.kernels = options->kernels;
    return found;
}

static void describe(const struct io_keras_source *source, fcnn_file_info *info)
{
    const struct io_notes *notes = &source->notes;
    if (*notes->version) snprintf(info->producer, sizeof info->producer, "libfastcnn %s", notes->version);
    else if (*source->version) snprintf(info->producer, sizeof info->producer, "Keras %s", source->version);
    info->has_scale = notes->has_scale;
    info->input_scale = notes->scale;
    info->input_offset = notes->offset;
    io_keras_note_losses(source->model, info);
}

static fcnn_status compile(fcnn_model *model, struct io_values *values, struct io_keras_source *source,
                           const fcnn_load_options *options, fcnn_file_info *info)
{
    IO_TRY(io_values_create(values, model, (int64_t)source->bytes, source->path));
    const fcnn_compile_options chosen = choose(model, source, options, info);
    const fcnn_status status = fcnn_compile(model, &chosen);
    if (!status) return FCNN_OK;
    return options->compile ? fcnn_io_fail_as(status, source->path) : fcnn_io_fail_of_file(status, source->path);
}

fcnn_status io_keras_make(fcnn_model **model, struct io_values *values, struct io_keras_source *source,
                          const fcnn_load_options *options, fcnn_file_info *info)
{
    *values = (struct io_values){0};
    IO_TRY(io_keras_read_model(model, source->model, source->path));
    describe(source, info);
    if (options->not_compiled) return FCNN_OK;
    const fcnn_status status = compile(*model, values, source, options, info);
    if (!status) return FCNN_OK;
    io_values_free(values);
    fcnn_model_destroy(*model);
    *model = NULL;
    return status;
}
