/* SPDX-License-Identifier: BSD-2-Clause
 * A whole model in Keras' legacy layout, as Keras 3 writes it and 2 reads it too. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io/fail.h"
#include "lib/io/keras_files.h"
#include "lib/io/models.h"
#include "lib/io/replace.h"

#define NAME 320

static fcnn_status no_memory(const struct io_h5_new *h5)
{
    return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory", h5->path);
}

/* Takes `value` over. */
static fcnn_status put_json(struct io_h5_new *h5, const char *name, json_t *value)
{
    char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
    json_decref(value);
    const fcnn_status status = text ? io_h5_put_text(h5, h5->file, name, text) : no_memory(h5);
    free(text);
    return status;
}

static fcnn_status put_versions(struct io_h5_new *h5, hid_t object)
{
    IO_TRY(io_h5_put_text(h5, object, "backend", "tensorflow"));
    return io_h5_put_text(h5, object, "keras_version", IO_KERAS_VERSION);
}

/* ---- weights ---- */

/* "sequential/conv2d/kernel" under the layer's group. */
static fcnn_status put_layer(struct io_h5_new *h5, hid_t group, const fcnn_model *model, int layer,
                             const float **values)
{
    struct io_part parts[4];
    char names[4][NAME];
    const char *list[4];
    fcnn_layer_info info = {0};
    const int count = io_parts(model, layer, parts);
    fcnn_model_layer(model, layer, &info);
    for (int i = 0; i < count; i++) {
        snprintf(names[i], sizeof names[i], "sequential/%s/%s", info.name, parts[i].name);
        list[i] = names[i];
        IO_TRY(io_h5_put_floats(h5, group, names[i], parts[i].rank, parts[i].dims, *values));
        *values += parts[i].count;
    }
    return io_h5_put_texts(h5, group, "weight_names", list, count);
}

static fcnn_status put_layers(struct io_h5_new *h5, hid_t group, const fcnn_model *model,
                              const struct io_values *values)
{
    const float *at = values->weights;
    for (int i = 0; i < fcnn_model_layers(model); i++) {
        fcnn_layer_info info = {0};
        hid_t layer;
        fcnn_model_layer(model, i, &info);
        IO_TRY(io_h5_make_group(h5, group, info.name, &layer));
        const fcnn_status status = put_layer(h5, layer, model, i, &at);
        H5Gclose(layer);
        IO_TRY(status);
    }
    return FCNN_OK;
}

static fcnn_status put_layer_names(struct io_h5_new *h5, hid_t group, const fcnn_model *model)
{
    const int count = fcnn_model_layers(model);
    const char **names = calloc((size_t)count + 1, sizeof *names);
    if (!names) return no_memory(h5);
    for (int i = 0; i < count; i++) {
        fcnn_layer_info info = {0};
        fcnn_model_layer(model, i, &info);
        names[i] = info.name;
    }
    const fcnn_status status = io_h5_put_texts(h5, group, "layer_names", names, count);
    free(names);
    return status;
}

static fcnn_status put_weights(struct io_h5_new *h5, const fcnn_model *model, const struct io_values *values)
{
    hid_t group;
    IO_TRY(io_h5_make_group(h5, h5->file, "model_weights", &group));
    fcnn_status status = put_layer_names(h5, group, model);
    if (!status) status = put_versions(h5, group);
    if (!status) status = put_layers(h5, group, model, values);
    H5Gclose(group);
    return status;
}

/* ---- the optimizer's state ---- */

/* The paths as they are written, to be listed then. */
struct state {
    struct io_h5_new *h5;
    hid_t group;
    const char *optimizer;
    int count, most;
    char (*names)[NAME];
};

static char *next_name(struct state *state) { return state->names[state->count++]; }

static fcnn_status put_slot(struct state *state, const char *layer, const struct io_part *part, const char *slot,
                            const float *values)
{
    char *name = next_name(state);
    snprintf(name, NAME, "%s/sequential_%s_%s_%s", state->optimizer, layer, part->name, slot);
    return io_h5_put_floats(state->h5, state->group, name, part->rank, part->dims, values);
}

/* All slots of one layer's trained variables, from slot `first` to before `last`. */
static fcnn_status put_slots(struct state *state, const fcnn_model *model, const struct io_values *values,
                             const struct io_slot *slots, int first, int last)
{
    struct io_part parts[4];
    int64_t at = 0;
    for (int i = 0; i < fcnn_model_layers(model); i++) {
        fcnn_layer_info info = {0};
        const int count = io_parts(model, i, parts);
        fcnn_model_layer(model, i, &info);
        for (int j = 0; j < count; at += parts[j++].count)
            for (int k = first; k < last && parts[j].trainable; k++)
                IO_TRY(put_slot(state, info.name, &parts[j], slots[k].name, values->slots[k] + at));
    }
    return FCNN_OK;
}

/* Adam: the two slots of a variable side by side; RMSprop: one behind the other. */
static fcnn_status put_all_slots(struct state *state, const fcnn_model *model, const struct io_values *values,
                                 const fcnn_compile_options *options)
{
    struct io_slot slots[IO_SLOTS];
    const int count = io_slots(options, slots);
    if (options->optimizer != FCNN_OPTIMIZER_RMSPROP) return put_slots(state, model, values, slots, 0, count);
    for (int i = 0; i < count; i++) IO_TRY(put_slots(state, model, values, slots, i, i + 1));
    return FCNN_OK;
}

static fcnn_status put_counts(struct state *state, const struct io_values *values,
                              const fcnn_compile_options *options)
{
    char *name = next_name(state);
    snprintf(name, NAME, "%s/iteration", state->optimizer);
    IO_TRY(io_h5_put_integer(state->h5, state->group, name, values->steps));
    if (options->schedule != FCNN_SCHEDULE_CONSTANT) return FCNN_OK;
    name = next_name(state);
    snprintf(name, NAME, "%s/learning_rate", state->optimizer);
    return io_h5_put_floats(state->h5, state->group, name, 0, NULL, &options->learning_rate);
}

static fcnn_status put_names(struct state *state)
{
    const char **list = calloc((size_t)state->count + 1, sizeof *list);
    if (!list) return no_memory(state->h5);
    for (int i = 0; i < state->count; i++) list[i] = state->names[i];
    const fcnn_status status = io_h5_put_texts(state->h5, state->group, "weight_names", list, state->count);
    free(list);
    return status;
}

static const char *optimizer_name(fcnn_optimizer optimizer)
{
    switch (optimizer) {
    case FCNN_OPTIMIZER_SGD: return "sgd";
    case FCNN_OPTIMIZER_ADAMW: return "adamw";
    case FCNN_OPTIMIZER_RMSPROP: return "rmsprop";
    default: return "adam";
    }
}

static fcnn_status put_state(struct io_h5_new *h5, const fcnn_model *model, const struct io_values *values)
{
    fcnn_compile_options options;
    struct state state = {.h5 = h5};
    if (fcnn_model_compile_options(model, &options)) return fcnn_io_fail_as(FCNN_BAD_ARGUMENT, h5->path);
    state.optimizer = optimizer_name(options.optimizer);
    state.names = calloc((size_t)fcnn_model_layers(model) * 2 * IO_SLOTS + 2, sizeof *state.names);
    if (!state.names) return no_memory(h5);
    fcnn_status status = io_h5_make_group(h5, h5->file, "optimizer_weights", &state.group);
    if (!status) {
        status = put_counts(&state, values, &options);
        if (!status) status = put_all_slots(&state, model, values, &options);
        if (!status) status = put_names(&state);
        H5Gclose(state.group);
    }
    free(state.names);
    return status;
}

/* ---- the file ---- */

static fcnn_status put_model(struct io_h5_new *h5, const fcnn_model *model, const fcnn_save_options *options)
{
    struct io_values values;
    IO_TRY(put_versions(h5, h5->file));
    IO_TRY(put_json(h5, "model_config", io_keras_model_config(model)));
    IO_TRY(put_json(h5, "training_config", io_keras_training_config(model)));
    IO_TRY(io_notes_write(h5, model, options));
    fcnn_status status = io_values_take(&values, model, !options->without_state, h5->path);
    if (!status) status = put_weights(h5, model, &values);
    if (!status && values.has_state) status = put_state(h5, model, &values);
    io_values_free(&values);
    return status;
}

fcnn_status io_h5_save(const fcnn_model *model, const char *path, const fcnn_save_options *options)
{
    struct io_h5_new h5;
    unsigned char *bytes = NULL;
    size_t count = 0;
    fcnn_state state;
    if (fcnn_model_get_state(model, &state)) return fcnn_io_fail_as(FCNN_BAD_ARGUMENT, path);
    IO_TRY(io_h5_create(&h5, path));
    fcnn_status status = put_model(&h5, model, options);
    if (!status) status = io_h5_image(&h5, &bytes, &count);
    io_h5_close(&h5);
    if (!status) status = io_replace(path, &(struct io_piece){bytes, count}, 1);
    free(bytes);
    return status;
}
