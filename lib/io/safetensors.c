/* SPDX-License-Identifier: BSD-2-Clause
 * The header of safetensors files, read as a stranger wrote it, and what tensors models have. */
#include "lib/io/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io/fail.h"
#include "lib/io/json.h"

#define MOST_DIMENSIONS 8

/* ---- what models have ---- */

static const char *part_name(fcnn_layer_kind kind, fcnn_part part)
{
    const int normalizes = kind == FCNN_LAYER_BATCH_NORMALIZATION;
    switch (part) {
    case FCNN_PART_WEIGHTS:
        return normalizes ? "gamma" : kind == FCNN_LAYER_DEPTHWISE_CONV2D ? "depthwise_kernel" : "kernel";
    case FCNN_PART_BIAS: return normalizes ? "beta" : "bias";
    case FCNN_PART_MOVING_MEAN: return "moving_mean";
    default: return "moving_variance";
    }
}

static void set_shape(struct io_tensor *tensor, const fcnn_layer_info *info, const fcnn_layer *layer)
{
    const int64_t conv[] = {layer->r, layer->s, info->in_c / (layer->groups ? layer->groups : 1), info->c};
    const int64_t depthwise[] = {layer->r, layer->s, info->in_c, layer->units};
    const int64_t dense[] = {info->in_c, info->c};
    const int64_t *shape = &info->c;
    tensor->rank = 1;
    if (tensor->part == FCNN_PART_WEIGHTS && info->kind != FCNN_LAYER_BATCH_NORMALIZATION) {
        tensor->rank = info->kind == FCNN_LAYER_DENSE ? 2 : 4;
        shape = info->kind == FCNN_LAYER_DENSE ? dense : info->kind == FCNN_LAYER_CONV2D ? conv : depthwise;
    }
    memcpy(tensor->shape, shape, (size_t)tensor->rank * sizeof *shape);
}

/* What the names of a set begin with. */
static const char *const beginnings[] = {
    [FCNN_ARRAY_WEIGHTS] = "",
    [FCNN_ARRAY_MOMENT_1] = "optimizer.moment_1.",
    [FCNN_ARRAY_MOMENT_2] = "optimizer.moment_2.",
    [FCNN_ARRAY_INITIAL_WEIGHTS] = "optimizer.initial.weights.",
    [FCNN_ARRAY_INITIAL_MOMENT_1] = "optimizer.initial.moment_1.",
    [FCNN_ARRAY_INITIAL_MOMENT_2] = "optimizer.initial.moment_2.",
    [IO_BEST + FCNN_ARRAY_WEIGHTS] = "optimizer.best.weights.",
    [IO_BEST + FCNN_ARRAY_MOMENT_1] = "optimizer.best.moment_1.",
    [IO_BEST + FCNN_ARRAY_MOMENT_2] = "optimizer.best.moment_2.",
};

int io_tensor_describe(struct io_tensor *tensor, const fcnn_model *model, int layer, fcnn_part part, int set)
{
    fcnn_layer_info info;
    fcnn_layer as_added;
    if (fcnn_model_layer(model, layer, &info) || fcnn_model_layer_as_added(model, layer, &as_added)) return 0;
    *tensor = (struct io_tensor){.layer = layer, .part = part};
    tensor->count = part == FCNN_PART_WEIGHTS ? info.weights : part == FCNN_PART_BIAS ? info.bias : info.moving;
    if (!tensor->count) return 0;
    set_shape(tensor, &info, &as_added);
    snprintf(tensor->name, sizeof tensor->name, "%s%s.%s", beginnings[set], info.name, part_name(info.kind, part));
    return 1;
}

/* ---- what files have ---- */

struct place {
    const char *name;
    int64_t begin, end;
};

/* Within `name` of the file: for sentences. */
static fcnn_status bad(const struct io_safetensors *file, const char *name, const char *what)
{
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: tensor '%.200s': %s", file->path, name, what);
}

static fcnn_status read_shape(const struct io_safetensors *file, const char *name, const json_t *shape, int64_t *count)
{
    const json_t *size;
    size_t i;
    if (!json_is_array(shape) || json_array_size(shape) > MOST_DIMENSIONS)
        return bad(file, name, "its shape is not a list of at most 8 sizes");
    *count = 1;
    json_array_foreach(shape, i, size)
        if (!json_is_integer(size) || json_integer_value(size) < 0 ||
            __builtin_mul_overflow(*count, json_integer_value(size), count))
            return bad(file, name, "its shape is not a list of sizes");
    return FCNN_OK;
}

static fcnn_status read_place(const struct io_safetensors *file, const json_t *tensor, struct place *place,
                              int64_t length)
{
    const char *dtype = json_string_value(json_object_get(tensor, "dtype"));
    const json_t *offsets = json_object_get(tensor, "data_offsets");
    int64_t count = 0, bytes;
    if (!dtype) return bad(file, place->name, "it has no dtype");
    if (strcmp(dtype, "F32") != 0)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: tensor '%.200s' is of dtype %.32s; only F32 is read", file->path,
                            place->name, dtype);
    IO_TRY(read_shape(file, place->name, json_object_get(tensor, "shape"), &count));
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end))
        return bad(file, place->name, "its data_offsets are not two whole numbers");
    place->begin = json_integer_value(begin);
    place->end = json_integer_value(end);
    if (place->begin < 0 || place->end < place->begin || place->end > length)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: tensor '%.200s' is at bytes %lld to %lld of the data, which have %lld",
                            file->path, place->name, (long long)place->begin, (long long)place->end,
                            (long long)length);
    if (__builtin_mul_overflow(count, (int64_t)sizeof(float), &bytes) || bytes != place->end - place->begin)
        return bad(file, place->name, "its shape has another number of bytes than its data_offsets");
    return FCNN_OK;
}

static int by_place(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

/* One behind the other from the data's first byte to the last. */
static fcnn_status check_cover(const struct io_safetensors *file, const struct place *places, int64_t length)
{
    int64_t at = 0;
    for (int i = 0; i < file->count; i++) {
        if (places[i].begin != at)
            return bad(file, places[i].name,
                       places[i].begin < at ? "its data overlap another's" : "there is a gap before its data");
        at = places[i].end;
    }
    if (at == length) return FCNN_OK;
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: %lld bytes after the last tensor belong to none", file->path,
                        (long long)(length - at));
}

static fcnn_status read_places(struct io_safetensors *file, struct place *places, int64_t length)
{
    const char *name;
    json_t *tensor;
    json_object_foreach(file->header, name, tensor) {
        if (!strcmp(name, "__metadata__")) continue;
        places[file->count].name = name;
        IO_TRY(read_place(file, tensor, &places[file->count++], length));
    }
    qsort(places, (size_t)file->count, sizeof *places, by_place);
    return check_cover(file, places, length);
}

static fcnn_status read_metadata(struct io_safetensors *file)
{
    const char *key;
    json_t *value;
    json_t *metadata = json_object_get(file->header, "__metadata__");
    if (metadata && !json_is_object(metadata))
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: __metadata__ is not an object", file->path);
    json_object_foreach(metadata, key, value)
        if (!json_is_string(value))
            return fcnn_io_fail(FCNN_BAD_DATA, "%s: '%.200s' in __metadata__ is not a text", file->path, key);
    file->metadata = metadata;
    return FCNN_OK;
}

static fcnn_status read_header(struct io_safetensors *file, const unsigned char *bytes, size_t count, uint64_t *length)
{
    char where[4200];
    if (count < sizeof *length)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: the header's length, 8 bytes, is cut off", file->path);
    memcpy(length, bytes, sizeof *length);
    if (*length > count - sizeof *length)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: a header of %llu bytes is announced; the file has %zu after that",
                            file->path, (unsigned long long)*length, count - sizeof *length);
    snprintf(where, sizeof where, "%s: the header", file->path);
    IO_TRY(io_json_parse(&file->header, (const char *)bytes + sizeof *length, (size_t)*length, where));
    if (json_is_object(file->header)) return FCNN_OK;
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: the header is not an object", file->path);
}

static fcnn_status read_all(struct io_safetensors *file, const unsigned char *bytes, size_t count)
{
    uint64_t header;
    IO_TRY(read_header(file, bytes, count, &header));
    IO_TRY(read_metadata(file));
    const size_t entries = json_object_size(file->header) + 1;
    struct place *places = malloc(entries * sizeof *places);
    file->in_order = malloc(entries * sizeof *file->in_order);
    file->data = bytes + sizeof header + header;
    fcnn_status status =
        places && file->in_order ? read_places(file, places, (int64_t)(count - sizeof header - header))
                                 : fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory for its tensors", file->path);
    for (int i = 0; !status && i < file->count; i++) file->in_order[i] = places[i].name;
    free(places);
    return status;
}

fcnn_status io_safetensors_open(struct io_safetensors *file, const unsigned char *bytes, size_t count, const char *path)
{
    *file = (struct io_safetensors){.path = path};
    const fcnn_status status = read_all(file, bytes, count);
    if (status) io_safetensors_close(file);
    return status;
}

void io_safetensors_close(struct io_safetensors *file)
{
    json_decref(file->header);
    free(file->in_order);
    *file = (struct io_safetensors){.count = 0};
}
