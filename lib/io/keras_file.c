/* SPDX-License-Identifier: BSD-2-Clause
 * Keras 3's .keras files, a zip archive of metadata.json, config.json and model.weights.h5; and .weights.h5 written. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io/fail.h"
#include "lib/io/json.h"
#include "lib/io/keras_files.h"
#include "lib/io/models.h"
#include "lib/io/replace.h"
#include "lib/io/whole.h"
#include "lib/io/zip.h"

struct archive {
    const char *path;
    const unsigned char *bytes;
    size_t count;
};

/* ---- reading ---- */

static fcnn_status read_json(const struct archive *a, const char *member, json_t **value)
{
    unsigned char *text;
    size_t length;
    char where[640];
    IO_TRY(io_zip_read(&text, &length, a->bytes, a->count, member, IO_JSON_MOST, a->path));
    snprintf(where, sizeof where, "%.500s: %s", a->path, member);
    const fcnn_status status = io_json_parse(value, (const char *)text, length, where);
    free(text);
    return status;
}

static fcnn_status read_version(struct io_keras_source *source, const struct archive *a)
{
    json_t *metadata;
    IO_TRY(read_json(a, "metadata.json", &metadata));
    const char *version = json_string_value(json_object_get(metadata, "keras_version"));
    if (version) snprintf(source->version, sizeof source->version, "%.31s", version);
    json_decref(metadata);
    return FCNN_OK;
}

static fcnn_status read_numbers(struct io_values *values, struct io_h5 *h5, const struct io_keras_source *source,
                                fcnn_model *model, fcnn_file_info *info)
{
    int fits = 1;
    IO_TRY(io_vars_read_weights(values, h5, model));
    if (source->optimizer_known) IO_TRY(io_vars_read_state(values, h5, model, &fits));
    else if (io_h5_has(h5, h5->root, "optimizer")) io_keras_remark(info, "the optimizer's state is left out");
    if (!fits) io_keras_remark(info, "the optimizer's state does not fit and is left out");
    values->epochs = source->notes.epochs;
    IO_TRY(io_values_give(values, model, h5->path));
    info->has_weights = 1;
    info->has_state = values->has_state;
    return FCNN_OK;
}

static fcnn_status make(fcnn_model **model, struct io_h5 *h5, struct io_keras_source *source,
                        const fcnn_load_options *options, fcnn_file_info *info)
{
    struct io_values values;
    IO_TRY(io_notes_read(&source->notes, h5));
    IO_TRY(io_keras_make(model, &values, source, options, info));
    if (options->not_compiled) return FCNN_OK;
    const fcnn_status status = read_numbers(&values, h5, source, *model, info);
    io_values_free(&values);
    if (!status) return FCNN_OK;
    fcnn_model_destroy(*model);
    *model = NULL;
    return status;
}

static fcnn_status load_weights(fcnn_model **model, const struct archive *a, struct io_keras_source *source,
                                const fcnn_load_options *options, fcnn_file_info *info)
{
    unsigned char *bytes;
    struct io_h5 h5;
    IO_TRY(io_zip_read(&bytes, &source->bytes, a->bytes, a->count, "model.weights.h5", IO_KERAS_MOST_BYTES - 1,
                       a->path));
    fcnn_status status = io_h5_open(&h5, bytes, source->bytes, a->path);
    if (!status) status = make(model, &h5, source, options, info);
    free(bytes);
    return status;
}

fcnn_status io_keras_read(fcnn_model **model, const unsigned char *bytes, size_t count, const char *path,
                          const fcnn_load_options *options, fcnn_file_info *info)
{
    const struct archive a = {path, bytes, count};
    struct io_keras_source source = {.path = path};
    *model = NULL;
    IO_TRY(read_version(&source, &a));
    IO_TRY(read_json(&a, "config.json", &source.model));
    source.training = json_incref(json_object_get(source.model, "compile_config"));
    const fcnn_status status = load_weights(model, &a, &source, options, info);
    json_decref(source.training);
    json_decref(source.model);
    return status;
}

fcnn_status io_keras_load(fcnn_model **model, const char *path, const fcnn_load_options *options,
                          fcnn_file_info *info)
{
    unsigned char *bytes;
    size_t count;
    *model = NULL;
    IO_TRY(io_whole_read(&bytes, &count, path, IO_KERAS_MOST_BYTES));
    const fcnn_status status = io_keras_read(model, bytes, count, path, options, info);
    free(bytes);
    return status;
}

/* ---- writing ---- */

static fcnn_status make_weights(unsigned char **bytes, size_t *count, const fcnn_model *model, const char *path,
                                const fcnn_save_options *options, int with_state)
{
    struct io_h5_new h5;
    fcnn_state state;
    *bytes = NULL;
    if (fcnn_model_get_state(model, &state)) return fcnn_io_fail_as(FCNN_BAD_ARGUMENT, path);
    IO_TRY(io_h5_create(&h5, path));
    fcnn_status status = io_vars_write(&h5, model, options, with_state);
    if (!status) status = io_h5_image(&h5, bytes, count);
    io_h5_close(&h5);
    return status;
}

fcnn_status io_weights_h5_save(const fcnn_model *model, const char *path, const fcnn_save_options *options)
{
    unsigned char *bytes;
    size_t count;
    fcnn_status status = make_weights(&bytes, &count, model, path, options, 0);
    if (!status) status = io_replace(path, &(struct io_piece){bytes, count}, 1);
    free(bytes);
    return status;
}

static fcnn_status write_archive(const char *path, const char *config, const unsigned char *weights, size_t count)
{
    static const char metadata[] = "{\"keras_version\": \"" IO_KERAS_VERSION "\"}";
    const struct io_zip_member members[] = {{"metadata.json", metadata, sizeof metadata - 1},
                                            {"config.json", config, strlen(config)},
                                            {"model.weights.h5", weights, count}};
    unsigned char *bytes;
    size_t size;
    fcnn_status status = io_zip_write(&bytes, &size, members, 3, path);
    if (!status) status = io_replace(path, &(struct io_piece){bytes, size}, 1);
    free(bytes);
    return status;
}

fcnn_status io_keras_save(const fcnn_model *model, const char *path, const fcnn_save_options *options)
{
    unsigned char *weights;
    size_t count;
    IO_TRY(make_weights(&weights, &count, model, path, options, !options->without_state));
    json_t *config = io_keras3_config(model);
    char *text = config ? json_dumps(config, JSON_COMPACT) : NULL;
    const fcnn_status status = text ? write_archive(path, text, weights, count)
                                    : fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory", path);
    free(text);
    json_decref(config);
    free(weights);
    return status;
}
