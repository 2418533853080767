/* SPDX-License-Identifier: BSD-2-Clause
 * Keras' .h5 files: a whole model in the legacy layout of Keras 2.0 to 3; weights alone of either layout. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io/fail.h"
#include "lib/io/json.h"
#include "lib/io/keras_files.h"
#include "lib/io/models.h"
#include "lib/io/whole.h"

/* An attribute of JSON; *value is NULL where there is none. */
static fcnn_status read_json(struct io_h5 *h5, const char *name, json_t **value)
{
    char *text, where[640];
    *value = NULL;
    IO_TRY(io_h5_text(h5, h5->file, name, &text));
    if (!text) return FCNN_OK;
    snprintf(where, sizeof where, "%.500s: %s", h5->path, name);
    const fcnn_status status = io_json_parse(value, text, strlen(text), where);
    free(text);
    return status;
}

/* Of the root, or of the group of the weights. */
static fcnn_status read_version(struct io_keras_source *source, struct io_h5 *h5, hid_t weights)
{
    char *version = NULL;
    IO_TRY(io_h5_text(h5, h5->file, "keras_version", &version));
    if (!version) IO_TRY(io_h5_text(h5, weights, "keras_version", &version));
    if (version) snprintf(source->version, sizeof source->version, "%s", version);
    free(version);
    return FCNN_OK;
}

/* What there is instead of a whole model. */
static fcnn_status no_config(struct io_h5 *h5)
{
    if (io_h5_has_attribute(h5->file, "layer_names") || io_h5_has_attribute(h5->file, "layer_names0") ||
        io_h5_has(h5->file, "layers") || io_h5_has(h5->file, "_layer_checkpoint_dependencies"))
        return fcnn_io_fail(FCNN_BAD_DATA,
                            "%s: it holds weights alone: fcnn_model_load_weights() reads it into a model", h5->path);
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: it has no attribute model_config: it is no model of Keras", h5->path);
}

static fcnn_status read_state(struct io_values *values, struct io_h5 *h5, const fcnn_model *model,
                              fcnn_file_info *info)
{
    hid_t group;
    struct io_texts paths;
    int fits = 0;
    IO_TRY(io_h5_group(h5, h5->file, "optimizer_weights", &group));
    fcnn_status status = io_h5_texts(h5, group, "weight_names", &paths);
    if (!status) {
        status = paths.count ? io_state_read(values, h5, group, &paths, 1, model, &fits) : FCNN_OK;
        if (!status && paths.count && !fits)
            io_keras_remark(info, "the optimizer's state does not fit and is left out");
        io_texts_free(&paths);
    }
    H5Gclose(group);
    return status;
}

static fcnn_status read_numbers(struct io_values *values, struct io_h5 *h5, hid_t weights,
                                const struct io_keras_source *source, fcnn_model *model, fcnn_file_info *info)
{
    json_t *chain;
    IO_TRY(io_keras_chain(&chain, source->model, h5->path));
    fcnn_status status = io_legacy_read_weights(values, h5, weights, model, chain);
    json_decref(chain);
    if (!status && io_h5_has(h5->file, "optimizer_weights")) {
        if (source->optimizer_known) status = read_state(values, h5, model, info);
        else io_keras_remark(info, "the optimizer's state is left out");
    }
    IO_TRY(status);
    values->epochs = source->notes.epochs;
    IO_TRY(io_values_give(values, model, h5->path));
    info->has_weights = 1;
    info->has_state = values->has_state;
    return FCNN_OK;
}

static fcnn_status make(fcnn_model **model, struct io_h5 *h5, hid_t weights, struct io_keras_source *source,
                        const fcnn_load_options *options, fcnn_file_info *info)
{
    struct io_values values;
    IO_TRY(read_version(source, h5, weights));
    IO_TRY(io_notes_read(&source->notes, h5));
    IO_TRY(read_json(h5, "training_config", &source->training));
    IO_TRY(io_keras_make(model, &values, source, options, info));
    if (options->not_compiled) return FCNN_OK;
    const fcnn_status status = read_numbers(&values, h5, weights, source, *model, info);
    io_values_free(&values);
    if (!status) return FCNN_OK;
    fcnn_model_destroy(*model);
    *model = NULL;
    return status;
}

static fcnn_status load_open(fcnn_model **model, struct io_h5 *h5, const fcnn_load_options *options,
                             fcnn_file_info *info)
{
    struct io_keras_source source = {.path = h5->path, .bytes = h5->count};
    hid_t weights;
    IO_TRY(read_json(h5, "model_config", &source.model));
    if (!source.model) return no_config(h5);
    fcnn_status status = io_h5_group(h5, h5->file, "model_weights", &weights);
    if (!status) {
        status = make(model, h5, weights, &source, options, info);
        H5Gclose(weights);
    }
    json_decref(source.model);
    json_decref(source.training);
    return status;
}

fcnn_status io_h5_load(fcnn_model **model, const char *path, const fcnn_load_options *options, fcnn_file_info *info)
{
    unsigned char *bytes;
    size_t count;
    struct io_h5 h5;
    *model = NULL;
    IO_TRY(io_whole_read(&bytes, &count, path, IO_KERAS_MOST_BYTES));
    fcnn_status status = io_h5_open(&h5, bytes, count, path);
    free(bytes);
    if (status) return status;
    status = load_open(model, &h5, options, info);
    io_h5_close(&h5);
    return status;
}

/* ---- weights alone ---- */

static fcnn_status read_weights(struct io_values *values, struct io_h5 *h5, const fcnn_model *model)
{
    hid_t group;
    if (io_h5_has(h5->file, "layers") || io_h5_has(h5->file, "_layer_checkpoint_dependencies"))
        return io_vars_read_weights(values, h5, model);
    if (!io_h5_has(h5->file, "model_weights")) return io_legacy_read_weights(values, h5, h5->file, model, NULL);
    IO_TRY(io_h5_group(h5, h5->file, "model_weights", &group));
    const fcnn_status status = io_legacy_read_weights(values, h5, group, model, NULL);
    H5Gclose(group);
    return status;
}

static fcnn_status load_weights(fcnn_model *model, struct io_h5 *h5)
{
    struct io_values values;
    fcnn_status status = io_values_create(&values, model, (int64_t)(h5->count / sizeof(float)), h5->path);
    if (!status) status = read_weights(&values, h5, model);
    if (!status) status = io_values_give(&values, model, h5->path);
    io_values_free(&values);
    return status;
}

fcnn_status io_h5_load_weights(fcnn_model *model, const char *path)
{
    unsigned char *bytes;
    size_t count;
    struct io_h5 h5;
    IO_TRY(io_whole_read(&bytes, &count, path, IO_KERAS_MOST_BYTES));
    fcnn_status status = io_h5_open(&h5, bytes, count, path);
    free(bytes);
    if (status) return status;
    status = load_weights(model, &h5);
    io_h5_close(&h5);
    return status;
}
