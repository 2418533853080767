/* SPDX-License-Identifier: BSD-2-Clause
 * Layers as the user adds them, with Keras' names. */
#include "lib/net/net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/sized.h"

/* ---- names ---- */

static int is_taken(const fcnn_model *model, const char *name)
{
    for (int i = 0; i < model->added_layers; i++)
        if (!strcmp(model->added[i].name, name)) return 1;
    return 0;
}

/* Whether bytes are well-formed (The Unicode Standard, table 3-7): no file could hold other names. */
static int is_utf8(const char *name)
{
    for (const unsigned char *at = (const unsigned char *)name; *at; at++) {
        if (*at < 0x80) continue;
        const int more = *at >= 0xc2 && *at <= 0xdf ? 1 : (*at & 0xf0) == 0xe0 ? 2 : *at >= 0xf0 && *at <= 0xf4 ? 3 : 0;
        const unsigned char least = *at == 0xe0 ? 0xa0 : *at == 0xf0 ? 0x90 : 0x80;
        const unsigned char most = *at == 0xed ? 0x9f : *at == 0xf4 ? 0x8f : 0xbf;
        if (!more || at[1] < least || at[1] > most) return 0;
        for (int i = 2; i <= more; i++)
            if ((at[i] & 0xc0) != 0x80) return 0;
        at += more;
    }
    return 1;
}

static fcnn_status check_name(const fcnn_model *model, const char *name)
{
    const size_t length = strnlen(name, NET_NAME);
    if (length == 0 || length == NET_NAME)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "name has %s bytes; expected 1 to %d", length ? "too many" : "no",
                         NET_NAME - 1);
    if (strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
        return fcnn_fail(FCNN_BAD_ARGUMENT, "name is \"%s\"; a layer's name has no '/' and is not '.'", name);
    if (!is_utf8(name)) return fcnn_fail(FCNN_BAD_ARGUMENT, "name is \"%s\", which is not UTF-8", name);
    if (is_taken(model, name)) return fcnn_fail(FCNN_BAD_ARGUMENT, "name \"%s\" is another layer's already", name);
    return FCNN_OK;
}

/* Keras counts the layers of a class that nobody named: dense, dense_1, dense_2. */
static void next_name(const fcnn_model *model, fcnn_layer_kind kind, char name[NET_NAME])
{
    const char *base = net_base_name(kind);
    int number = 0;
    for (int i = 0; i < model->added_layers; i++)
        number += model->added[i].layer.kind == kind && !model->added[i].named;
    do {
        snprintf(name, NET_NAME, number ? "%s_%d" : "%s", base, number);
        number++;
    } while (is_taken(model, name));
}

/* ---- adding ---- */

static fcnn_status check_open(const fcnn_model *model)
{
    if (!model) return fcnn_fail(FCNN_BAD_ARGUMENT, "the model is NULL");
    if (model->compiled) return fcnn_fail(FCNN_BAD_ARGUMENT, "the model is compiled: its layers are fixed");
    if (model->softmax) return fcnn_fail(FCNN_BAD_ARGUMENT, "the model ends with softmax: no layer can follow it");
    return FCNN_OK;
}

/* Room for one more, so that appending cannot fail half-way. */
static fcnn_status make_room(fcnn_model *model, int stages)
{
    struct net_added *added = realloc(model->added, ((size_t)model->added_layers + 1) * sizeof *added);
    if (added) model->added = added;
    struct net_layer *layer = realloc(model->layer, ((size_t)model->layers + (size_t)stages + 1) * sizeof *layer);
    if (layer) model->layer = layer;
    if (added && layer) return FCNN_OK;
    return fcnn_fail(FCNN_OUT_OF_MEMORY, "no memory for layer %d", model->added_layers + 1);
}

static fcnn_status count_parameters(const fcnn_model *model, const struct net_made *made, int64_t *parameters)
{
    if (__builtin_add_overflow(model->parameters, made->weights + made->bias + 2 * made->moving, parameters))
        return fcnn_fail(FCNN_BAD_SHAPE, "more parameters than a 64-bit number counts");
    return FCNN_OK;
}

static void append(fcnn_model *model, const fcnn_layer *layer, const char *name, const struct net_made *made)
{
    struct net_added *added = &model->added[model->added_layers];
    *added = (struct net_added){
        .layer = *layer,
        .named = name != NULL,
        .in_h = model->h,
        .in_w = model->w,
        .in_c = model->c,
        .h = made->h,
        .w = made->w,
        .c = made->c,
        .weights = made->weights,
        .bias = made->bias,
        .moving = made->moving,
        .runs = made->count ? model->layers - made->replaces : -1,
    };
    if (name) snprintf(added->name, sizeof added->name, "%s", name);
    else next_name(model, layer->kind, added->name);
    model->added_layers++;
    model->layers -= made->replaces;
    for (int i = 0; i < made->count; i++) model->layer[model->layers++] = made->stage[i];
    model->softmax = made->softmax;
    model->h = made->h;
    model->w = made->w;
    model->c = made->c;
}

fcnn_status fcnn_add_layer_sized(fcnn_model *model, const fcnn_layer *layer, size_t size)
{
    FCNN_TAKE(fcnn_layer, taken, layer, size);
    fcnn_layer complete;
    struct net_made made;
    int64_t parameters;
    if (!layer) return fcnn_fail(FCNN_BAD_ARGUMENT, "the layer is NULL");
    NET_TRY(check_open(model));
    NET_TRY(net_complete_layer(&taken, &complete));
    if (taken.name) NET_TRY(check_name(model, taken.name));
    NET_TRY(net_make(model, &complete, &made));
    NET_TRY(count_parameters(model, &made, &parameters));
    NET_TRY(make_room(model, made.count));
    append(model, &complete, taken.name, &made);
    model->parameters = parameters;
    return FCNN_OK;
}

fcnn_status fcnn_add_conv2d(fcnn_model *model, int64_t filters, int64_t r, int64_t s, int64_t stride,
                            fcnn_padding padding, fcnn_activation activation)
{
    return fcnn_add_layer(model, &(fcnn_layer){.kind = FCNN_LAYER_CONV2D,
                                               .units = filters,
                                               .r = r,
                                               .s = s,
                                               .stride_h = stride,
                                               .stride_w = stride,
                                               .padding = padding,
                                               .activation = activation});
}

/* Here no size is a default. */
static fcnn_status add_pool(fcnn_model *model, fcnn_layer_kind kind, int64_t r, int64_t s)
{
    if (r < 1 || s < 1)
        return fcnn_fail(FCNN_BAD_SHAPE, "a window of %lld x %lld; both must be at least 1", (long long)r,
                         (long long)s);
    return fcnn_add_layer(model, &(fcnn_layer){.kind = kind, .r = r, .s = s});
}

fcnn_status fcnn_add_maxpool2d(fcnn_model *model, int64_t r, int64_t s)
{
    return add_pool(model, FCNN_LAYER_MAXPOOL2D, r, s);
}

fcnn_status fcnn_add_avgpool2d(fcnn_model *model, int64_t r, int64_t s)
{
    return add_pool(model, FCNN_LAYER_AVGPOOL2D, r, s);
}

fcnn_status fcnn_add_flatten(fcnn_model *model)
{
    return fcnn_add_layer(model, &(fcnn_layer){.kind = FCNN_LAYER_FLATTEN});
}

fcnn_status fcnn_add_dense(fcnn_model *model, int64_t units, fcnn_activation activation)
{
    return fcnn_add_layer(model,
                          &(fcnn_layer){.kind = FCNN_LAYER_DENSE, .units = units, .activation = activation});
}

/* ---- asking ---- */

int fcnn_model_layers(const fcnn_model *model) { return model ? model->added_layers : 0; }

static fcnn_status find(const fcnn_model *model, int layer, const void *out, const struct net_added **added)
{
    if (!model || !out) return fcnn_fail(FCNN_BAD_ARGUMENT, "%s is NULL", model ? "the address" : "the model");
    if (layer < 0 || layer >= model->added_layers)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "layer %d; the model has %d", layer, model->added_layers);
    *added = &model->added[layer];
    return FCNN_OK;
}

fcnn_status fcnn_model_layer_as_added_sized(const fcnn_model *model, int index, fcnn_layer *layer, size_t size)
{
    const struct net_added *added = NULL;
    NET_TRY(find(model, index, layer, &added));
    fcnn_layer value = added->layer;
    value.name = added->name;
    FCNN_GIVE(layer, size, value);
    return FCNN_OK;
}

fcnn_status fcnn_model_layer_sized(const fcnn_model *model, int layer, fcnn_layer_info *info, size_t size)
{
    const struct net_added *added = NULL;
    NET_TRY(find(model, layer, info, &added));
    const fcnn_layer *as_added = &added->layer;
    const fcnn_layer_info value = {
        .class_name = net_class_name(as_added->kind),
        .name = added->name,
        .in_h = added->in_h,
        .in_w = added->in_w,
        .in_c = added->in_c,
        .h = added->h,
        .w = added->w,
        .c = added->c,
        .r = as_added->r,
        .s = as_added->s,
        .stride_h = as_added->stride_h,
        .stride_w = as_added->stride_w,
        .padding = net_has_window(as_added->kind) ? as_added->padding : FCNN_PAD_VALID,
        .activation = as_added->activation,
        .weights = added->weights,
        .bias = added->bias,
        .line = added->runs,
        .kind = as_added->kind,
        .moving = added->moving,
    };
    FCNN_GIVE(info, size, value);
    return FCNN_OK;
}

fcnn_status fcnn_model_input(const fcnn_model *model, int64_t *h, int64_t *w, int64_t *c)
{
    if (!model || !h || !w || !c) return fcnn_fail(FCNN_BAD_ARGUMENT, "%s is NULL", model ? "a size" : "the model");
    *h = model->in_h;
    *w = model->in_w;
    *c = model->in_c;
    return FCNN_OK;
}
