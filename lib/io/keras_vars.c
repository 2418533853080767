/* SPDX-License-Identifier: BSD-2-Clause
 * Keras 3's layout of weights, alone or within a .keras: layers/CLASS_N/vars/0, 1, ..., where layers are counted by
 * class and not called by their names; optimizer/vars/0, 1, .... */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io/fail.h"
#include "lib/io/keras_files.h"

#define NAME 192

/* Keras' to_snake_case(): an underscore before a capital that small letters follow, and between small and capital. */
static void snake(const char *text, char *to, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; text[i] && used + 2 < size; i++) {
        const int starts_word = i && isupper((unsigned char)text[i]) && islower((unsigned char)text[i + 1]);
        const int ends_word = i && islower((unsigned char)text[i - 1]) && isupper((unsigned char)text[i]);
        if (starts_word || ends_word) to[used++] = '_';
        to[used++] = (char)tolower((unsigned char)text[i]);
    }
    to[used] = 0;
}

static void group_name(const fcnn_model *model, int layer, char name[NAME])
{
    fcnn_layer_info info = {0}, other = {0};
    char class_name[NAME / 2];
    int before = 0;
    fcnn_model_layer(model, layer, &info);
    for (int i = 0; i < layer; i++) {
        fcnn_model_layer(model, i, &other);
        before += !strcmp(other.class_name, info.class_name);
    }
    snake(info.class_name, class_name, sizeof class_name);
    if (before) snprintf(name, NAME, "%s_%d", class_name, before);
    else snprintf(name, NAME, "%s", class_name);
}

/* ---- reading ---- */

static int count_vars(struct io_h5 *h5, uint64_t vars)
{
    char name[16];
    int count = 0;
    for (; count < IO_H5_TEXTS; count++) {
        snprintf(name, sizeof name, "%d", count);
        if (!io_h5_has(h5, vars, name)) break;
    }
    return count;
}

static fcnn_status read_vars(float *values, struct io_h5 *h5, uint64_t vars, const fcnn_model *model, int layer)
{
    struct io_part parts[4];
    char path[16];
    fcnn_layer_info info = {0};
    const int count = io_parts(model, layer, parts), found = count_vars(h5, vars);
    fcnn_model_layer(model, layer, &info);
    if (found != count)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: the layer %s has %d variables in it, not %d", h5->path, info.name,
                            found, count);
    for (int i = 0; i < count; values += parts[i++].count) {
        snprintf(path, sizeof path, "%d", i);
        IO_TRY(io_part_read(h5, vars, path, &parts[i], info.name, values));
    }
    return FCNN_OK;
}

/* Under its class and number; or, in case a later Keras does so, under its name. */
static fcnn_status read_layer(float *values, struct io_h5 *h5, uint64_t layers, const fcnn_model *model, int layer)
{
    char name[NAME];
    uint64_t group, vars;
    fcnn_layer_info info = {0};
    fcnn_model_layer(model, layer, &info);
    group_name(model, layer, name);
    if (!io_h5_has(h5, layers, name) && io_h5_has(h5, layers, info.name)) snprintf(name, sizeof name, "%s", info.name);
    IO_TRY(io_h5_find(h5, layers, name, &group));
    IO_TRY(io_h5_find(h5, group, "vars", &vars));
    return read_vars(values, h5, vars, model, layer);
}

fcnn_status io_vars_read_weights(struct io_values *values, struct io_h5 *h5, const fcnn_model *model)
{
    struct io_part parts[4];
    uint64_t layers;
    float *to = values->weights;
    fcnn_status status = FCNN_OK;
    IO_TRY(io_h5_find(h5, h5->root, io_h5_has(h5, h5->root, "layers") ? "layers" : "_layer_checkpoint_dependencies",
                       &layers));
    for (int i = 0; i < fcnn_model_layers(model) && !status; i++) {
        const int count = io_parts(model, i, parts);
        if (count) status = read_layer(to, h5, layers, model, i);
        for (int j = 0; j < count; j++) to += parts[j].count;
    }
    return status;
}

static fcnn_status read_listed(struct io_values *values, struct io_h5 *h5, uint64_t vars, const fcnn_model *model,
                               int *fits)
{
    const int count = count_vars(h5, vars);
    struct io_texts paths = {.count = count, .at = calloc((size_t)count + 1, sizeof(char *))};
    fcnn_status status = FCNN_OK;
    for (int i = 0; i < count && paths.at && !status; i++)
        if (asprintf(&paths.at[i], "%d", i) < 0) {
            paths.at[i] = NULL;
            status = fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory", h5->path);
        }
    if (!paths.at) return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory", h5->path);
    if (!status) status = io_state_read(values, h5, &(struct io_state){vars, &paths, 0, NULL}, model, fits);
    io_texts_free(&paths);
    return status;
}

fcnn_status io_vars_read_state(struct io_values *values, struct io_h5 *h5, const fcnn_model *model, int *fits)
{
    uint64_t vars;
    *fits = 1;
    if (!io_h5_has(h5, h5->root, "optimizer")) return FCNN_OK;
    IO_TRY(io_h5_find(h5, h5->root, "optimizer/vars", &vars));
    return count_vars(h5, vars) ? read_listed(values, h5, vars, model, fits) : FCNN_OK;
}

/* ---- writing ---- */

static fcnn_status put_layer(struct io_h5_new *h5, hid_t layers, const fcnn_model *model, int layer,
                             const float **values)
{
    struct io_part parts[4];
    fcnn_layer_info info = {0};
    char name[NAME], path[NAME + 8];
    hid_t vars;
    const int count = io_parts(model, layer, parts);
    fcnn_model_layer(model, layer, &info);
    group_name(model, layer, name);
    snprintf(path, sizeof path, "%s/vars", name);
    IO_TRY(io_h5_make_group(h5, layers, path, &vars));
    fcnn_status status = io_h5_put_text(h5, vars, "name", info.name);
    for (int i = 0; i < count && !status; *values += parts[i++].count) {
        snprintf(path, sizeof path, "%d", i);
        status = io_h5_put_floats(h5, vars, path, parts[i].rank, parts[i].dims, *values);
    }
    H5Gclose(vars);
    return status;
}

static fcnn_status put_layers(struct io_h5_new *h5, const fcnn_model *model, const struct io_values *values)
{
    const float *at = values->weights;
    hid_t layers;
    IO_TRY(io_h5_make_group(h5, h5->file, "layers", &layers));
    fcnn_status status = FCNN_OK;
    for (int i = 0; i < fcnn_model_layers(model) && !status; i++) status = put_layer(h5, layers, model, i, &at);
    H5Gclose(layers);
    return status;
}

/* The model's own variables, none: Keras 3.0 to 3.2 look for their group. */
static fcnn_status put_own(struct io_h5_new *h5)
{
    hid_t vars;
    IO_TRY(io_h5_make_group(h5, h5->file, "vars", &vars));
    const fcnn_status status = io_h5_put_text(h5, vars, "name", "sequential");
    H5Gclose(vars);
    return status;
}

/* The slots first .. last-1 of all variables, variable by variable; *number: of the next array. */
static fcnn_status put_slots(struct io_h5_new *h5, hid_t vars, const fcnn_model *model, const struct io_values *values,
                             int first, int last, int *number)
{
    struct io_part parts[4];
    char path[16];
    int64_t at = 0;
    for (int i = 0; i < fcnn_model_layers(model); i++) {
        const int count = io_parts(model, i, parts);
        for (int j = 0; j < count; at += parts[j++].count)
            for (int k = first; k < last && parts[j].trainable; k++) {
                snprintf(path, sizeof path, "%d", (*number)++);
                IO_TRY(io_h5_put_floats(h5, vars, path, parts[j].rank, parts[j].dims, values->slots[k] + at));
            }
    }
    return FCNN_OK;
}

static fcnn_status put_state(struct io_h5_new *h5, hid_t vars, const fcnn_model *model, const struct io_values *values)
{
    fcnn_compile_options options;
    struct io_slot slots[IO_SLOTS];
    int number = 1;
    if (fcnn_model_compile_options(model, &options)) return fcnn_io_fail_as(FCNN_BAD_ARGUMENT, h5->path);
    const int count = io_slots(&options, slots);
    IO_TRY(io_h5_put_integer(h5, vars, "0", values->steps));
    if (options.schedule == FCNN_SCHEDULE_CONSTANT) {
        number = 2;
        IO_TRY(io_h5_put_floats(h5, vars, "1", 0, NULL, &options.learning_rate));
    }
    if (options.optimizer != FCNN_OPTIMIZER_RMSPROP) return put_slots(h5, vars, model, values, 0, count, &number);
    for (int i = 0; i < count; i++) IO_TRY(put_slots(h5, vars, model, values, i, i + 1, &number));
    return FCNN_OK;
}

static fcnn_status put_optimizer(struct io_h5_new *h5, const fcnn_model *model, const struct io_values *values)
{
    hid_t vars;
    IO_TRY(io_h5_make_group(h5, h5->file, "optimizer/vars", &vars));
    const fcnn_status status = put_state(h5, vars, model, values);
    H5Gclose(vars);
    return status;
}

fcnn_status io_vars_write(struct io_h5_new *h5, const fcnn_model *model, const fcnn_save_options *options,
                          int with_state)
{
    struct io_values values;
    IO_TRY(io_notes_write(h5, model, options));
    fcnn_status status = io_values_take(&values, model, with_state, h5->path);
    if (!status) status = put_layers(h5, model, &values);
    if (!status) status = put_own(h5);
    if (!status && with_state) status = put_optimizer(h5, model, &values);
    io_values_free(&values);
    return status;
}
