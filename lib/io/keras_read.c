/* SPDX-License-Identifier: BSD-2-Clause
 * A model from Keras' JSON: the input's shape, then layer by layer. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/io/fail.h"
#include "lib/io/keras.h"
#include "lib/io/keras_layers.h"

/* Floats of one image anywhere in a model of a file: what a stranger may make us ask memory for. */
#define MOST_FLOATS ((int64_t)1 << 26)

struct builder {
    const char *where;
    fcnn_model *model; /* made when the first layer comes: until then the shape may change */
    int64_t shape[3];  /* h, w, c */
    int rank;          /* Keras', with the batch: 4 images, 3 images without channels, 2 vectors; 0: not known yet */
};

/* ---- the input ---- */

/* A shape without the batch. FCNN_BAD_DATA: not one of whole numbers, -1 apart where `open` allows for one. */
static fcnn_status take_shape(struct builder *b, const json_t *shape, size_t first, int open)
{
    const size_t count = json_array_size(shape) > first ? json_array_size(shape) - first : 0;
    int64_t sizes[3] = {1, 1, 1}, product = 1;
    if (!count || count > 3)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: the input has %zu dimensions; 1 to 3 are read: height, width, channels",
                            b->where, count);
    for (size_t i = 0; i < count; i++) {
        const json_t *size = json_array_get(shape, first + i);
        sizes[count == 1 ? 2 : i] = json_integer_value(size);
        if (open && json_integer_value(size) == -1) continue;
        if (!json_is_integer(size) || json_integer_value(size) < 1 ||
            __builtin_mul_overflow(product, json_integer_value(size), &product) || product > MOST_FLOATS)
            return fcnn_io_fail(FCNN_BAD_DATA, "%s: dimension %zu of the input is no fixed size, or a too large one",
                                b->where, i + 1);
    }
    memcpy(b->shape, sizes, sizeof sizes);
    b->rank = (int)count + 1;
    return FCNN_OK;
}

/* Wherever any Keras says it: in the first layer, or of the model as a whole. */
static fcnn_status find_input(struct builder *b, const json_t *config, const json_t *first)
{
    static const char *const keys[] = {"batch_input_shape", "batch_shape"};
    const json_t *settings = json_object_get(first, "config"), *inner = json_object_get(config, "config"), *shape;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if ((shape = io_get(settings, keys[i]))) return take_shape(b, shape, 1, 0);
    if ((shape = io_get(settings, "input_shape")) || (shape = io_get(settings, "shape")))
        return take_shape(b, shape, 0, 0);
    if ((shape = io_get(inner, "build_input_shape"))) return take_shape(b, shape, 1, 0);
    if ((shape = io_get(json_object_get(config, "build_config"), "input_shape"))) return take_shape(b, shape, 1, 0);
    return fcnn_io_fail(FCNN_BAD_DATA,
                        "%s: the shape of the model's input is nowhere in its config (until 2.3 Keras loses that of an "
                        "InputLayer): its weights can be loaded into a model of the same layers", b->where);
}

/* Images in another order of the same numbers: nothing to do, as long as nothing has been done with them. */
static fcnn_status reshape(struct builder *b, const json_t *entry)
{
    const int64_t before = b->shape[0] * b->shape[1] * b->shape[2];
    if (b->model)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: layer %.80s (Reshape) is not the first layer", b->where,
                            io_keras_name(entry));
    IO_TRY(take_shape(b, io_get(json_object_get(entry, "config"), "target_shape"), 0, 1));
    int64_t known = 1, *open = NULL;
    for (int i = 0; i < 3; i++)
        if (b->shape[i] == -1) open = &b->shape[i];
        else known *= b->shape[i];
    if (open) *open = before / known;
    if (b->shape[0] > 0 && b->shape[1] > 0 && b->shape[2] > 0 && b->shape[0] * b->shape[1] * b->shape[2] == before)
        return FCNN_OK;
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: layer %.80s (Reshape): the target shape does not hold %lld numbers",
                        b->where, io_keras_name(entry), (long long)before);
}

/* A Reshape to one dimension has to hold all of what comes. */
static fcnn_status check_flat(const struct builder *b, const json_t *entry)
{
    const json_t *size = json_array_get(io_get(json_object_get(entry, "config"), "target_shape"), 0);
    fcnn_layer_info last = {.h = b->shape[0], .w = b->shape[1], .c = b->shape[2]};
    if (b->model) fcnn_model_layer(b->model, fcnn_model_layers(b->model) - 1, &last);
    const int64_t floats = last.h * last.w * last.c;
    if (json_is_integer(size) && (json_integer_value(size) == -1 || json_integer_value(size) == floats))
        return FCNN_OK;
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: layer %.80s (Reshape): the target shape does not hold %lld numbers",
                        b->where, io_keras_name(entry), (long long)floats);
}

/* ---- layers ---- */

/* Images without channels, and vectors, go through some layers only; the rank after the layer. */
static fcnn_status check_rank(struct builder *b, const struct io_members *m, const fcnn_layer *layer)
{
    const fcnn_layer_kind kind = layer->kind;
    const int anywhere = kind == FCNN_LAYER_DROPOUT || kind == FCNN_LAYER_RESCALING || kind == FCNN_LAYER_FLATTEN ||
                         (kind == FCNN_LAYER_ACTIVATION && layer->activation != FCNN_SOFTMAX_ACTIVATION);
    const int vectors = anywhere || kind == FCNN_LAYER_DENSE || kind == FCNN_LAYER_ACTIVATION ||
                        kind == FCNN_LAYER_BATCH_NORMALIZATION;
    if ((b->rank == 3 && !anywhere) || (b->rank == 2 && !vectors))
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: its input has %d dimensions, batch included; images have 4", m->where,
                            b->rank);
    const int keeps = json_is_true(io_get(m->object, "keepdims"));
    if (kind == FCNN_LAYER_FLATTEN || (kind == FCNN_LAYER_GLOBAL_AVGPOOL2D && !keeps)) b->rank = 2;
    return FCNN_OK;
}

/* Keras 2 lets a name have slashes. NULL: this library makes one. */
static const char *plain_name(const char *name, char room[128])
{
    if (!*name || strlen(name) > 127) return NULL;
    strcpy(room, name);
    for (char *at = room; *at; at++)
        if (*at == '/') *at = '_';
    return room;
}

static fcnn_status check_output(const struct builder *b, const char *where)
{
    fcnn_layer_info info = {0};
    int64_t floats;
    fcnn_model_layer(b->model, fcnn_model_layers(b->model) - 1, &info);
    if (__builtin_mul_overflow(info.h * info.w, info.c, &floats) || floats > MOST_FLOATS)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: its output of %lld x %lld x %lld is too large", where,
                            (long long)info.h, (long long)info.w, (long long)info.c);
    return FCNN_OK;
}

static fcnn_status add_layer(struct builder *b, const json_t *entry)
{
    char where[640], name[128];
    const char *class_name = io_keras_flattens(entry) ? "Flatten" : io_keras_class(entry);
    fcnn_layer layer;
    const struct io_members m = {.object = json_object_get(entry, "config"), .where = where};
    snprintf(where, sizeof where, "%s: layer %.80s (%.80s)", b->where, io_keras_name(entry), io_keras_class(entry));
    IO_TRY(io_keras_read_layer(&layer, &m, class_name, b->rank == 2));
    IO_TRY(check_rank(b, &m, &layer));
    layer.name = plain_name(io_keras_name(entry), name);
    if (!b->model) {
        const fcnn_status made = fcnn_model_create(&b->model, b->shape[0], b->shape[1], b->shape[2]);
        if (made) return fcnn_io_fail_of_file(made, b->where);
    }
    const fcnn_status added = fcnn_add_layer(b->model, &layer);
    return added ? fcnn_io_fail_of_file(added, where) : check_output(b, where);
}

static fcnn_status build(struct builder *b, const json_t *config, const json_t *chain)
{
    const json_t *entry;
    size_t i;
    IO_TRY(find_input(b, config, json_array_get(chain, 0)));
    json_array_foreach(chain, i, entry) {
        if (!strcmp(io_keras_class(entry), "InputLayer")) continue;
        if (!io_keras_is_layer(entry)) {
            IO_TRY(reshape(b, entry));
            continue;
        }
        if (io_keras_flattens(entry)) IO_TRY(check_flat(b, entry));
        IO_TRY(add_layer(b, entry));
    }
    return b->model ? FCNN_OK : fcnn_io_fail(FCNN_BAD_DATA, "%s: the model has no layers", b->where);
}

fcnn_status io_keras_read_model(fcnn_model **model, const json_t *config, const char *where)
{
    struct builder b = {.where = where};
    json_t *chain;
    *model = NULL;
    IO_TRY(io_keras_chain(&chain, config, where));
    const fcnn_status status = build(&b, config, chain);
    json_decref(chain);
    if (status) fcnn_model_destroy(b.model);
    else *model = b.model;
    return status;
}

/* ---- remarks ---- */

void io_keras_remark(fcnn_file_info *info, const char *format, ...)
{
    const size_t used = strlen(info->remark);
    va_list arguments;
    va_start(arguments, format);
    if (used) snprintf(info->remark + used, sizeof info->remark - used, "; ");
    const size_t at = strlen(info->remark);
    vsnprintf(info->remark + at, sizeof info->remark - at, format, arguments);
    va_end(arguments);
}

void io_keras_note_losses(const json_t *config, fcnn_file_info *info)
{
    static const char *const keys[] = {"kernel_regularizer", "bias_regularizer", "activity_regularizer",
                                       "kernel_constraint", "bias_constraint"};
    json_t *chain;
    const json_t *entry;
    size_t i;
    int mixed = 0;
    if (io_keras_chain(&chain, config, "")) return;
    json_array_foreach(chain, i, entry) {
        const json_t *settings = json_object_get(entry, "config");
        const char *dtype = io_keras_dtype(io_get(settings, "dtype"));
        if (dtype && !strncmp(dtype, "mixed_", 6) && !mixed++)
            io_keras_remark(info, "Keras computes in %.40s, this library in float32", dtype);
        for (size_t j = 0; j < sizeof keys / sizeof *keys; j++)
            if (io_get(settings, keys[j]))
                io_keras_remark(info, "%s of the layer %.80s is left out", keys[j], io_keras_name(entry));
        if (json_is_false(json_object_get(settings, "trainable")))
            io_keras_remark(info, "the layer %.80s was frozen, and is not here", io_keras_name(entry));
    }
    json_decref(chain);
}
