/* SPDX-License-Identifier: BSD-2-Clause
 * Weights in Keras' legacy layout: a group for each layer, of which layer_names tells the order; in it, under the paths
 * of weight_names, the layer's variables. */
#include <stdlib.h>
#include <string.h>

#include "lib/io/fail.h"
#include "lib/io/keras_files.h"

static fcnn_status check_shape(struct io_h5 *h5, const struct io_array *array, const struct io_part *part,
                               const char *layer)
{
    int same = array->rank == part->rank;
    for (int i = 0; i < part->rank && same; i++) same = array->dims[i] == part->dims[i];
    if (same) return FCNN_OK;
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: the data set %.200s has not the shape of the %s of %s", h5->path,
                        array->path, part->name, layer);
}

fcnn_status io_part_read(struct io_h5 *h5, uint64_t group, const char *path, const struct io_part *part,
                         const char *layer, float *values)
{
    struct io_array array;
    IO_TRY(io_h5_array(h5, group, path, &array));
    IO_TRY(check_shape(h5, &array, part, layer));
    io_h5_floats(&array, values);
    return FCNN_OK;
}

static fcnn_status read_parts(float *values, struct io_h5 *h5, uint64_t group, const struct io_texts *paths,
                              const fcnn_model *model, int layer)
{
    struct io_part parts[4];
    fcnn_layer_info info = {0};
    fcnn_model_layer(model, layer, &info);
    const int count = io_parts(model, layer, parts);
    if (paths->count != count)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: the layer %s has %d variables in it, not %d", h5->path, info.name,
                            paths->count, count);
    for (int i = 0; i < count; values += parts[i++].count)
        IO_TRY(io_part_read(h5, group, paths->at[i], &parts[i], info.name, values));
    return FCNN_OK;
}

/* One layer's group and the paths in it. */
struct found {
    uint64_t group;
    struct io_texts paths;
};

static fcnn_status open_layer(struct io_h5 *h5, uint64_t group, const char *name, struct found *found)
{
    IO_TRY(io_h5_find(h5, group, name, &found->group));
    return io_h5_texts(h5, found->group, "weight_names", &found->paths);
}

/* The next group from *at on with variables in it; *at is behind it then. */
static fcnn_status open_next(struct io_h5 *h5, uint64_t group, const struct io_texts *names, int *at, const char *layer,
                             struct found *found)
{
    while (*at < names->count) {
        IO_TRY(open_layer(h5, group, names->at[(*at)++], found));
        if (found->paths.count) return FCNN_OK;
        io_texts_free(&found->paths);
    }
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: it has no weights for the layer %s", h5->path, layer);
}

static int is_listed(const struct io_texts *names, const char *name)
{
    for (int i = 0; i < names->count; i++)
        if (!strcmp(names->at[i], name)) return 1;
    return 0;
}

/* Whether every layer with variables has a group of its name: then names decide, else the order. */
static int all_listed(const struct io_texts *names, const fcnn_model *model, const json_t *chain)
{
    struct io_part parts[4];
    if (!chain) return 0;
    for (int i = 0; i < fcnn_model_layers(model); i++)
        if (io_parts(model, i, parts) && !is_listed(names, io_keras_layer_name(chain, i))) return 0;
    return 1;
}

static fcnn_status read_layer(float *values, struct io_h5 *h5, uint64_t group, const struct io_texts *names, int *at,
                              const fcnn_model *model, int layer, const char *name)
{
    struct found found;
    fcnn_layer_info info = {0};
    fcnn_model_layer(model, layer, &info);
    if (name) IO_TRY(open_layer(h5, group, name, &found));
    else IO_TRY(open_next(h5, group, names, at, info.name, &found));
    const fcnn_status status = read_parts(values, h5, found.group, &found.paths, model, layer);
    io_texts_free(&found.paths);
    return status;
}

/* No group with variables may be left over. */
static fcnn_status expect_end(struct io_h5 *h5, uint64_t group, const struct io_texts *names, int at)
{
    struct found found;
    for (; at < names->count; at++) {
        IO_TRY(open_layer(h5, group, names->at[at], &found));
        const int left = found.paths.count;
        io_texts_free(&found.paths);
        if (left)
            return fcnn_io_fail(FCNN_BAD_DATA, "%s: it has weights of more layers than the model: %.80s", h5->path,
                                names->at[at]);
    }
    return FCNN_OK;
}

static fcnn_status read_all(struct io_values *values, struct io_h5 *h5, uint64_t group, const struct io_texts *names,
                            const fcnn_model *model, const json_t *chain)
{
    const int by_name = all_listed(names, model, chain);
    float *to = values->weights;
    int at = 0;
    for (int i = 0; i < fcnn_model_layers(model); i++) {
        struct io_part parts[4];
        const int count = io_parts(model, i, parts);
        if (!count) continue;
        IO_TRY(read_layer(to, h5, group, names, &at, model, i, by_name ? io_keras_layer_name(chain, i) : NULL));
        for (int j = 0; j < count; j++) to += parts[j].count;
    }
    return by_name ? FCNN_OK : expect_end(h5, group, names, at);
}

fcnn_status io_legacy_read_weights(struct io_values *values, struct io_h5 *h5, uint64_t group, const fcnn_model *model,
                                   const json_t *chain)
{
    struct io_texts names;
    IO_TRY(io_h5_texts(h5, group, "layer_names", &names));
    const fcnn_status status = read_all(values, h5, group, &names, model, chain);
    io_texts_free(&names);
    return status;
}
