/* SPDX-License-Identifier: BSD-2-Clause
 * Layers: as the user added them, with Keras' names, and as they run, where pooling is fused and flattening is
 * nothing. */
#include "lib/net/net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/sized.h"

static fcnn_status check_open(const fcnn_model *model)
{
    if (!model) return fcnn_fail(FCNN_BAD_ARGUMENT, "the model is NULL");
    if (model->compiled) return fcnn_fail(FCNN_BAD_ARGUMENT, "the model is compiled: its layers are fixed");
    return FCNN_OK;
}

static fcnn_status check_size(const char *what, int64_t size)
{
    return size >= 1 ? FCNN_OK : fcnn_fail(FCNN_BAD_SHAPE, "%s is %lld; it must be at least 1", what, (long long)size);
}

/* ---- as they were added ---- */

/* Room for one more of each kind, so that appending cannot fail half-way. */
static fcnn_status make_room(fcnn_model *model)
{
    struct net_added *added = realloc(model->added, ((size_t)model->added_layers + 1) * sizeof *added);
    if (added) model->added = added;
    struct net_layer *layer = realloc(model->layer, ((size_t)model->layers + 1) * sizeof *layer);
    if (layer) model->layer = layer;
    if (added && layer) return FCNN_OK;
    return fcnn_fail(FCNN_OUT_OF_MEMORY, "no memory for layer %d", model->added_layers + 1);
}

/* Keras counts each class for itself: dense, dense_1, dense_2. */
static void note(fcnn_model *model, const char *class_name, const char *name, const fcnn_problem *problem, int runs)
{
    int before = 0;
    for (int i = 0; i < model->added_layers; i++) before += !strcmp(model->added[i].class_name, class_name);
    struct net_added *added = &model->added[model->added_layers++];
    *added = (struct net_added){.class_name = class_name, .padding = FCNN_PAD_VALID, .problem = *problem, .runs = runs};
    snprintf(added->name, sizeof added->name, before ? "%s_%d" : "%s", name, before);
    model->h = problem->p;
    model->w = problem->q;
    model->c = problem->k;
}

/* ---- as they run ---- */

/* The sizes that follow from a checked problem for one image. */
static struct net_layer describe(const fcnn_problem *p)
{
    const int64_t outputs = p->p * p->q;
    struct net_layer layer = {.problem = *p, .src = p->h * p->w * p->c, .dst = outputs * p->k};
    if (p->op == FCNN_CONV2D || p->op == FCNN_CONV2D_POOL || p->op == FCNN_DENSE) {
        layer.weights = p->r * p->s * p->c * p->k;
        layer.bias = p->k;
    }
    if (p->op == FCNN_CONV2D_POOL) layer.choices = outputs * ((p->k + 15) / 16) * 3;
    if (p->op == FCNN_MAXPOOL) layer.argmaxes = layer.dst;
    return layer;
}

/* Completes a problem for the model's current shape. */
static fcnn_status complete(const fcnn_model *model, fcnn_problem *problem)
{
    problem->h = model->h;
    problem->w = model->w;
    problem->c = model->c;
    return fcnn_problem_check(problem);
}

static fcnn_status append(fcnn_model *model, const char *class_name, const char *name, fcnn_problem problem)
{
    NET_TRY(complete(model, &problem));
    const struct net_layer layer = describe(&problem);
    int64_t parameters;
    if (__builtin_add_overflow(model->parameters, layer.weights + layer.bias, &parameters))
        return fcnn_fail(FCNN_BAD_SHAPE, "more parameters than a 64-bit number counts");
    NET_TRY(make_room(model));
    model->layer[model->layers] = layer;
    model->parameters = parameters;
    note(model, class_name, name, &problem, model->layers++);
    return FCNN_OK;
}

/* The layer that ends the model, if a pooling 2x2 can become a part of it. */
static struct net_layer *fusible(const fcnn_model *model)
{
    const struct net_added *last = model->added_layers ? &model->added[model->added_layers - 1] : NULL;
    const int fits = last && last->runs >= 0 && last->problem.op == FCNN_CONV2D &&
                     last->problem.activation == FCNN_RELU_ACTIVATION;
    return fits ? &model->layer[last->runs] : NULL;
}

/* Turns a convolution into convolution + pooling; `pool` is complete. */
static fcnn_status fuse(fcnn_model *model, struct net_layer *layer, const fcnn_problem *pool)
{
    fcnn_problem problem = layer->problem;
    problem.op = FCNN_CONV2D_POOL;
    problem.p = problem.q = 0;
    NET_TRY(fcnn_problem_check(&problem));
    const ptrdiff_t runs = layer - model->layer;
    NET_TRY(make_room(model));
    model->layer[runs] = describe(&problem);
    note(model, "MaxPooling2D", "max_pooling2d", pool, (int)runs);
    return FCNN_OK;
}

int net_first_trainable(const fcnn_model *model)
{
    int i = 0;
    while (i < model->layers && !model->layer[i].weights) i++;
    return i;
}

int64_t net_classes(const fcnn_model *model) { return model->layer[model->layers - 1].dst; }

/* ---- the interface ---- */

fcnn_status fcnn_add_conv2d(fcnn_model *model, int64_t filters, int64_t r, int64_t s, int64_t stride,
                            fcnn_padding padding, fcnn_activation activation)
{
    NET_TRY(check_open(model));
    NET_TRY(check_size("the number of filters", filters));
    NET_TRY(check_size("the filter's height r", r));
    NET_TRY(check_size("the filter's width s", s));
    const fcnn_problem problem = {.op = FCNN_CONV2D,
                                  .k = filters,
                                  .r = r,
                                  .s = s,
                                  .stride_h = stride,
                                  .stride_w = stride,
                                  .padding = padding,
                                  .activation = activation};
    NET_TRY(append(model, "Conv2D", "conv2d", problem));
    if (padding == FCNN_PAD_SAME) model->added[model->added_layers - 1].padding = padding;
    return FCNN_OK;
}

fcnn_status fcnn_add_maxpool2d(fcnn_model *model, int64_t r, int64_t s)
{
    NET_TRY(check_open(model));
    NET_TRY(check_size("the window's height r", r));
    NET_TRY(check_size("the window's width s", s));
    fcnn_problem problem = {.op = FCNN_MAXPOOL, .r = r, .s = s};
    struct net_layer *conv = r == 2 && s == 2 ? fusible(model) : NULL;
    if (!conv) return append(model, "MaxPooling2D", "max_pooling2d", problem);
    NET_TRY(complete(model, &problem));
    return fuse(model, conv, &problem);
}

fcnn_status fcnn_add_avgpool2d(fcnn_model *model, int64_t r, int64_t s)
{
    NET_TRY(check_open(model));
    NET_TRY(check_size("the window's height r", r));
    NET_TRY(check_size("the window's width s", s));
    return append(model, "AveragePooling2D", "average_pooling2d", (fcnn_problem){.op = FCNN_AVGPOOL, .r = r, .s = s});
}

/* NHWC in memory order is the flat order already: only the shape changes. */
fcnn_status fcnn_add_flatten(fcnn_model *model)
{
    NET_TRY(check_open(model));
    NET_TRY(make_room(model));
    const fcnn_problem shapes = {.op = FCNN_RELU, .h = model->h, .w = model->w, .c = model->c, .p = 1, .q = 1,
                                 .k = model->h * model->w * model->c};
    note(model, "Flatten", "flatten", &shapes, -1);
    return FCNN_OK;
}

fcnn_status fcnn_add_dense(fcnn_model *model, int64_t units, fcnn_activation activation)
{
    NET_TRY(check_open(model));
    NET_TRY(check_size("the number of units", units));
    if (model->h != 1 || model->w != 1)
        return fcnn_fail(FCNN_BAD_SHAPE,
                         "a dense layer takes a flat input, but its input is %lld x %lld x %lld: flatten first",
                         (long long)model->h, (long long)model->w, (long long)model->c);
    return append(model, "Dense", "dense", (fcnn_problem){.op = FCNN_DENSE, .k = units, .activation = activation});
}

int fcnn_model_layers(const fcnn_model *model) { return model ? model->added_layers : 0; }

fcnn_status fcnn_model_layer_sized(const fcnn_model *model, int layer, fcnn_layer_info *info, size_t size)
{
    if (!model || !info) return fcnn_fail(FCNN_BAD_ARGUMENT, "%s is NULL", model ? "info" : "model");
    if (layer < 0 || layer >= model->added_layers)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "layer %d; the model has %d", layer, model->added_layers);
    const struct net_added *added = &model->added[layer];
    const fcnn_problem *p = &added->problem;
    const struct net_layer sizes = describe(p);
    const int conv = p->op == FCNN_CONV2D, windows = conv || p->op == FCNN_MAXPOOL || p->op == FCNN_AVGPOOL;
    const fcnn_layer_info value = {
        .class_name = added->class_name,
        .name = added->name,
        .in_h = p->h,
        .in_w = p->w,
        .in_c = p->c,
        .h = p->p,
        .w = p->q,
        .c = p->k,
        .r = windows ? p->r : 0,
        .s = windows ? p->s : 0,
        .stride_h = windows ? p->stride_h : 0,
        .stride_w = windows ? p->stride_w : 0,
        .padding = added->padding,
        .activation = conv || p->op == FCNN_DENSE ? p->activation : FCNN_LINEAR,
        .weights = sizes.weights,
        .bias = sizes.bias,
        .line = added->runs,
    };
    FCNN_GIVE(info, size, value);
    return FCNN_OK;
}
