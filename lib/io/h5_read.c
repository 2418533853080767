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
    IO_TRY(io_h5_text(h5, h5->root, name, &text));
    if (!text) return FCNN_OK;
    snprintf(where, sizeof where, "%.500s: %s", h5->path, name);
    const fcnn_status status = io_json_parse(value, text, strlen(text), where);
    free(text);
    return status;
}

/* Of the root, or of the group of the weights. */
static fcnn_status read_version(struct io_keras_source *source, struct io_h5 *h5, uint64_t weights)
{
    char *version = NULL;
    IO_TRY(io_h5_text(h5, h5->root, "keras_version", &version));
    if (!version) IO_TRY(io_h5_text(h5, weights, "keras_version", &version));
    if (version) snprintf(source->version, sizeof source->version, "%s", version);
    free(version);
    return FCNN_OK;
}

/* What there is instead of a whole model. */
static fcnn_status no_config(struct io_h5 *h5)
{
    if (io_h5_has_attribute(h5, h5->root, "layer_names") || io_h5_has_attribute(h5, h5->root, "layer_names0") ||
        io_h5_has(h5, h5->root, "layers") || io_h5_has(h5, h5->root, "_layer_checkpoint_dependencies"))
        return fcnn_io_fail(FCNN_BAD_DATA,
                            "%s: it holds weights alone: fcnn_model_load_weights() reads it into a model", h5->path);
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: it has no attribute model_config: it is no model of Keras", h5->path);
}

/* Until 2.0.5 Keras sorted what an optimizer trains by name. */
static int sorts_variables(const struct io_keras_source *source)
{
    int major = 0, minor = 0, patch = 0;
    return sscanf(source->version, "%d.%d.%d", &major, &minor, &patch) == 3 && major == 2 && minor == 0 && patch < 6;
}

static fcnn_status read_state(struct io_values *values, struct io_h5 *h5, const struct io_keras_source *source,
                              const json_t *chain, const fcnn_model *model, fcnn_file_info *info)
{
    struct io_texts paths;
    struct io_state state = {.paths = &paths, .named = 1, .sorted = sorts_variables(source) ? chain : NULL};
    int fits = 1;
    if (!source->optimizer_known) {
        io_keras_remark(info, "the optimizer's state is left out");
        return FCNN_OK;
    }
    IO_TRY(io_h5_find(h5, h5->root, "optimizer_weights", &state.group));
    IO_TRY(io_h5_texts(h5, state.group, "weight_names", &paths));
    const fcnn_status status = paths.count ? io_state_read(values, h5, &state, model, &fits) : FCNN_OK;
    if (!status && !fits) io_keras_remark(info, "the optimizer's state does not fit and is left out");
    io_texts_free(&paths);
    return status;
}

static fcnn_status turn_if_theano(struct io_values *values, struct io_h5 *h5, uint64_t weights, const fcnn_model *model)
{
    char *backend = NULL;
    IO_TRY(io_h5_text(h5, weights, "backend", &backend));
    if (backend && !strcmp(backend, "theano")) io_values_turn_filters(values, model);
    free(backend);
    return FCNN_OK;
}

static fcnn_status read_numbers(struct io_values *values, struct io_h5 *h5, uint64_t weights,
                                const struct io_keras_source *source, fcnn_model *model, fcnn_file_info *info)
{
    json_t *chain;
    IO_TRY(io_keras_chain(&chain, source->model, h5->path));
    fcnn_status status = io_legacy_read_weights(values, h5, weights, model, chain);
    if (!status && io_h5_has(h5, h5->root, "optimizer_weights"))
        status = read_state(values, h5, source, chain, model, info);
    json_decref(chain);
    if (!status) status = turn_if_theano(values, h5, weights, model);
    IO_TRY(status);
    values->epochs = source->notes.epochs;
    IO_TRY(io_values_give(values, model, h5->path));
    info->has_weights = 1;
    info->has_state = values->has_state;
    return FCNN_OK;
}

static fcnn_status make(fcnn_model **model, struct io_h5 *h5, uint64_t weights, struct io_keras_source *source,
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

fcnn_status io_h5_read(fcnn_model **model, const unsigned char *bytes, size_t count, const char *path,
                       const fcnn_load_options *options, fcnn_file_info *info)
{
    struct io_keras_source source = {.path = path, .bytes = count};
    struct io_h5 h5;
    uint64_t weights;
    *model = NULL;
    IO_TRY(io_h5_open(&h5, bytes, count, path));
    IO_TRY(read_json(&h5, "model_config", &source.model));
    if (!source.model) return no_config(&h5);
    fcnn_status status = io_h5_find(&h5, h5.root, "model_weights", &weights);
    if (!status) status = make(model, &h5, weights, &source, options, info);
    json_decref(source.model);
    json_decref(source.training);
    return status;
}

fcnn_status io_h5_load(fcnn_model **model, const char *path, const fcnn_load_options *options, fcnn_file_info *info)
{
    unsigned char *bytes;
    size_t count;
    *model = NULL;
    IO_TRY(io_whole_read(&bytes, &count, path, IO_KERAS_MOST_BYTES));
    const fcnn_status status = io_h5_read(model, bytes, count, path, options, info);
    free(bytes);
    return status;
}

/* ---- weights alone ---- */

static fcnn_status read_weights(struct io_values *values, struct io_h5 *h5, const fcnn_model *model)
{
    uint64_t group = h5->root;
    if (io_h5_has(h5, h5->root, "layers") || io_h5_has(h5, h5->root, "_layer_checkpoint_dependencies"))
        return io_vars_read_weights(values, h5, model);
    if (io_h5_has(h5, h5->root, "model_weights")) IO_TRY(io_h5_find(h5, h5->root, "model_weights", &group));
    IO_TRY(io_legacy_read_weights(values, h5, group, model, NULL));
    return turn_if_theano(values, h5, group, model);
}

fcnn_status io_h5_read_weights(fcnn_model *model, const unsigned char *bytes, size_t count, const char *path)
{
    struct io_values values;
    struct io_h5 h5;
    IO_TRY(io_h5_open(&h5, bytes, count, path));
    fcnn_status status = io_values_create(&values, model, (int64_t)count, path);
    if (!status) status = read_weights(&values, &h5, model);
    if (!status) status = io_values_give(&values, model, path);
    io_values_free(&values);
    return status;
}

fcnn_status io_h5_load_weights(fcnn_model *model, const char *path)
{
    unsigned char *bytes;
    size_t count;
    IO_TRY(io_whole_read(&bytes, &count, path, IO_KERAS_MOST_BYTES));
    const fcnn_status status = io_h5_read_weights(model, bytes, count, path);
    free(bytes);
    return status;
}
