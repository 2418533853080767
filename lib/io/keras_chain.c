/* SPDX-License-Identifier: BSD-2-Clause
 * The layers of a Keras model in the order in which they run. A sequential model lists them; a functional one says of
 * each what it takes, and has to be one chain. */
#include <stdio.h>
#include <string.h>

#include "lib/io/fail.h"
#include "lib/io/json.h"
#include "lib/io/keras.h"

const char *io_keras_class(const json_t *entry)
{
    const char *name = json_string_value(json_object_get(entry, "class_name"));
    return name ? name : "";
}

const char *io_keras_name(const json_t *entry)
{
    const char *name = json_string_value(json_object_get(json_object_get(entry, "config"), "name"));
    if (!name) name = json_string_value(json_object_get(entry, "name"));
    return name ? name : "";
}

int io_keras_flattens(const json_t *entry)
{
    const json_t *target = json_object_get(json_object_get(entry, "config"), "target_shape");
    return !strcmp(io_keras_class(entry), "Reshape") && json_array_size(target) == 1;
}

int io_keras_is_layer(const json_t *entry)
{
    const char *class_name = io_keras_class(entry);
    return strcmp(class_name, "InputLayer") != 0 && (strcmp(class_name, "Reshape") != 0 || io_keras_flattens(entry));
}

const char *io_keras_layer_name(const json_t *chain, int layer)
{
    const json_t *entry;
    size_t i;
    json_array_foreach(chain, i, entry)
        if (io_keras_is_layer(entry) && layer-- == 0) return io_keras_name(entry);
    return "";
}

static fcnn_status check_entries(const json_t *layers, const char *where)
{
    const json_t *entry;
    size_t i;
    if (!json_is_array(layers))
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: the model's config has no list of layers", where);
    if (json_array_size(layers) > IO_KERAS_MOST_LAYERS)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: %zu layers; at most %d are read", where, json_array_size(layers),
                            IO_KERAS_MOST_LAYERS);
    json_array_foreach(layers, i, entry)
        if (!*io_keras_class(entry) || !json_is_object(json_object_get(entry, "config")))
            return fcnn_io_fail(FCNN_BAD_DATA, "%s: layer %zu of the model's config has no class_name and config",
                                where, i);
    return FCNN_OK;
}

/* ---- functional models ---- */

/* One place that a layer takes its input from: [name, node, tensor, ...]. */
static const char *source_of(const json_t *history)
{
    const json_t *node = json_array_get(history, 1), *tensor = json_array_get(history, 2);
    if (json_integer_value(node) || json_integer_value(tensor)) return NULL; /* another use of a shared layer */
    return json_string_value(json_array_get(history, 0));
}

/* The only input of a node of Keras 2, [[name, 0, 0, {}]], or of Keras 3,
 * {"args":[{"config":{"keras_history":[name, 0, 0]}}]}. NULL: not one. */
static const char *only_source(const json_t *node)
{
    if (json_is_array(node)) return json_array_size(node) == 1 ? source_of(json_array_get(node, 0)) : NULL;
    const json_t *arguments = json_object_get(node, "args");
    if (json_array_size(arguments) != 1) return NULL;
    const json_t *config = json_object_get(json_array_get(arguments, 0), "config");
    return source_of(json_object_get(config, "keras_history"));
}

/* *source: the layer before, NULL for an input. */
static fcnn_status read_source(const json_t *entry, const char **source, const char *where)
{
    const json_t *nodes = json_object_get(entry, "inbound_nodes");
    *source = NULL;
    if (json_array_size(nodes) == 0) return FCNN_OK;
    if (json_array_size(nodes) > 1)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: the layer %.80s is used %zu times; shared layers are not read", where,
                            io_keras_name(entry), json_array_size(nodes));
    *source = only_source(json_array_get(nodes, 0));
    if (*source) return FCNN_OK;
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: the layer %.80s does not take the output of one other layer", where,
                        io_keras_name(entry));
}

/* Finds the one layer behind `source`; *next is NULL at the chain's end. */
static fcnn_status find_next(json_t *layers, const char *source, json_t **next, const char *where)
{
    json_t *entry;
    size_t i;
    *next = NULL;
    json_array_foreach(layers, i, entry) {
        const char *from;
        IO_TRY(read_source(entry, &from, where));
        if (source ? !from || strcmp(from, source) != 0 : from != NULL) continue;
        if (*next)
            return fcnn_io_fail(FCNN_BAD_DATA, "%s: %.80s and %.80s both take %.80s; models with branches are not read",
                                where, io_keras_name(*next), io_keras_name(entry), source ? source : "no input");
        *next = entry;
    }
    return FCNN_OK;
}

/* The name in output_layers, [["dense", 0, 0]] or ["dense", 0, 0], must be the last layer's. */
static fcnn_status check_output(const json_t *config, const char *last, const char *where)
{
    const json_t *outputs = json_object_get(config, "output_layers");
    if (!outputs) return FCNN_OK;
    const json_t *first = json_array_get(outputs, 0);
    if (json_is_array(first) && json_array_size(outputs) != 1)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: the model has %zu outputs; models with one are read", where,
                            json_array_size(outputs));
    const char *name = json_string_value(json_is_array(first) ? json_array_get(first, 0) : first);
    if (name && !strcmp(name, last)) return FCNN_OK;
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: the model's output is not its last layer, %.80s", where, last);
}

static fcnn_status follow(json_t *chain, json_t *layers, const char *where)
{
    json_t *next;
    const char *source = NULL;
    for (;;) {
        IO_TRY(find_next(layers, source, &next, where));
        if (!next) break;
        if (json_array_size(chain) == json_array_size(layers))
            return fcnn_io_fail(FCNN_BAD_DATA, "%s: the model's layers form a ring", where);
        if (json_array_append(chain, next)) return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory", where);
        source = io_keras_name(next);
    }
    if (json_array_size(chain) == json_array_size(layers)) return FCNN_OK;
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: %zu of the model's %zu layers lie on the way from its input to its output",
                        where, json_array_size(chain), json_array_size(layers));
}

static fcnn_status chain_functional(json_t *chain, const json_t *config, const char *where)
{
    json_t *layers = json_object_get(config, "layers");
    IO_TRY(check_entries(layers, where));
    IO_TRY(follow(chain, layers, where));
    const size_t count = json_array_size(chain);
    return check_output(config, count ? io_keras_name(json_array_get(chain, count - 1)) : "", where);
}

/* ---- both ---- */

static fcnn_status chain_any(json_t *chain, const json_t *model, const char *where)
{
    const char *class_name = io_keras_class(model);
    json_t *config = json_object_get(model, "config");
    if (!strcmp(class_name, "Functional") || !strcmp(class_name, "Model"))
        return chain_functional(chain, config, where);
    if (strcmp(class_name, "Sequential") != 0)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: a model of the class %.80s is not read; Sequential and Functional are",
                            where, *class_name ? class_name : "(none)");
    json_t *layers = json_is_array(config) ? config : json_object_get(config, "layers");
    IO_TRY(check_entries(layers, where));
    return json_array_extend(chain, layers) ? fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory", where) : FCNN_OK;
}

fcnn_status io_keras_chain(json_t **chain, const json_t *config, const char *where)
{
    *chain = json_array();
    if (!*chain) return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory", where);
    const fcnn_status status = chain_any(*chain, config, where);
    if (!status) return FCNN_OK;
    json_decref(*chain);
    *chain = NULL;
    return status;
}
