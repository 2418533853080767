/* SPDX-License-Identifier: BSD-2-Clause
 * The model before training: layers, shapes, sizes, operation counts. */
#include "lib/net/net.h"

#include <stdlib.h>

fcnn_status fcnn_model_create(fcnn_model **result, int64_t h, int64_t w, int64_t c)
{
    if (!result) return fcnn_fail(FCNN_BAD_ARGUMENT, "the address for the model is NULL");
    *result = NULL;
    if (h < 1 || w < 1 || c < 1)
        return fcnn_fail(FCNN_BAD_SHAPE, "images of %lld x %lld x %lld; every size must be at least 1", (long long)h,
                         (long long)w, (long long)c);
    fcnn_problem any = {.op = FCNN_RELU, .h = h, .w = w, .c = c};
    NET_TRY(fcnn_problem_check(&any));
    fcnn_model *model = calloc(1, sizeof *model);
    if (!model) return fcnn_fail(FCNN_OUT_OF_MEMORY, "no memory for a model");
    model->h = h;
    model->w = w;
    model->c = c;
    model->image = h * w * c;
    *result = model;
    return FCNN_OK;
}

void fcnn_model_destroy(fcnn_model *model)
{
    if (!model) return;
    net_release(model);
    free(model->layer);
    free(model);
}

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

static void follow(fcnn_model *model, const struct net_layer *layer)
{
    model->h = layer->problem.p;
    model->w = layer->problem.q;
    model->c = layer->problem.k;
}

/* Appends a layer for the model's current shape. */
static fcnn_status append(fcnn_model *model, fcnn_problem problem)
{
    problem.h = model->h;
    problem.w = model->w;
    problem.c = model->c;
    NET_TRY(fcnn_problem_check(&problem));
    struct net_layer layer = describe(&problem);
    int64_t parameters;
    if (__builtin_add_overflow(model->parameters, layer.weights + layer.bias, &parameters))
        return fcnn_fail(FCNN_BAD_SHAPE, "more parameters than a 64-bit number counts");
    struct net_layer *grown = realloc(model->layer, ((size_t)model->layers + 1) * sizeof *grown);
    if (!grown) return fcnn_fail(FCNN_OUT_OF_MEMORY, "no memory for layer %d", model->layers + 1);
    model->layer = grown;
    model->layer[model->layers++] = layer;
    model->parameters = parameters;
    follow(model, &layer);
    return FCNN_OK;
}

fcnn_status fcnn_add_conv2d(fcnn_model *model, int64_t filters, int64_t r, int64_t s, int64_t stride,
                            fcnn_padding padding, fcnn_activation activation)
{
    NET_TRY(check_open(model));
    NET_TRY(check_size("the number of filters", filters));
    NET_TRY(check_size("the filter's height r", r));
    NET_TRY(check_size("the filter's width s", s));
    return append(model, (fcnn_problem){.op = FCNN_CONV2D,
                                        .k = filters,
                                        .r = r,
                                        .s = s,
                                        .stride_h = stride,
                                        .stride_w = stride,
                                        .padding = padding,
                                        .activation = activation});
}

/* Turns a convolution that ends the model, with ReLU, into convolution + pooling. */
static fcnn_status fuse_pool(fcnn_model *model, struct net_layer *layer)
{
    fcnn_problem problem = layer->problem;
    problem.op = FCNN_CONV2D_POOL;
    problem.p = problem.q = 0;
    NET_TRY(fcnn_problem_check(&problem));
    *layer = describe(&problem);
    follow(model, layer);
    return FCNN_OK;
}

fcnn_status fcnn_add_maxpool2d(fcnn_model *model, int64_t r, int64_t s)
{
    NET_TRY(check_open(model));
    NET_TRY(check_size("the window's height r", r));
    NET_TRY(check_size("the window's width s", s));
    struct net_layer *last = model->layers ? &model->layer[model->layers - 1] : NULL;
    if (last && r == 2 && s == 2 && last->problem.op == FCNN_CONV2D &&
        last->problem.activation == FCNN_RELU_ACTIVATION && last->problem.p == model->h && last->problem.q == model->w)
        return fuse_pool(model, last);
    return append(model, (fcnn_problem){.op = FCNN_MAXPOOL, .r = r, .s = s});
}

fcnn_status fcnn_add_avgpool2d(fcnn_model *model, int64_t r, int64_t s)
{
    NET_TRY(check_open(model));
    NET_TRY(check_size("the window's height r", r));
    NET_TRY(check_size("the window's width s", s));
    return append(model, (fcnn_problem){.op = FCNN_AVGPOOL, .r = r, .s = s});
}

/* NHWC in memory order is the flat order already: only the shape changes. */
fcnn_status fcnn_add_flatten(fcnn_model *model)
{
    NET_TRY(check_open(model));
    model->c *= model->h * model->w;
    model->h = model->w = 1;
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
    return append(model, (fcnn_problem){.op = FCNN_DENSE, .k = units, .activation = activation});
}

static fcnn_status add_mnist_layers(fcnn_model *model)
{
    NET_TRY(fcnn_add_conv2d(model, 32, 3, 3, 1, FCNN_PAD_VALID, FCNN_RELU_ACTIVATION));
    NET_TRY(fcnn_add_maxpool2d(model, 2, 2));
    NET_TRY(fcnn_add_conv2d(model, 64, 3, 3, 1, FCNN_PAD_VALID, FCNN_RELU_ACTIVATION));
    NET_TRY(fcnn_add_maxpool2d(model, 2, 2));
    NET_TRY(fcnn_add_conv2d(model, 64, 3, 3, 1, FCNN_PAD_VALID, FCNN_RELU_ACTIVATION));
    NET_TRY(fcnn_add_flatten(model));
    NET_TRY(fcnn_add_dense(model, 64, FCNN_RELU_ACTIVATION));
    return fcnn_add_dense(model, 10, FCNN_LINEAR);
}

fcnn_status fcnn_model_mnist(fcnn_model **model)
{
    NET_TRY(fcnn_model_create(model, 28, 28, 1));
    fcnn_status status = add_mnist_layers(*model);
    if (status != FCNN_OK) {
        fcnn_model_destroy(*model);
        *model = NULL;
    }
    return status;
}

int net_first_trainable(const fcnn_model *model)
{
    int i = 0;
    while (i < model->layers && !model->layer[i].weights) i++;
    return i;
}

int64_t net_classes(const fcnn_model *model) { return model->layer[model->layers - 1].dst; }

int64_t fcnn_model_parameters(const fcnn_model *model) { return model ? model->parameters : 0; }

/* A fused layer counts as the convolution it fuses with its full output, dead rows and columns included: the operations
 * of the layers as they were added, whatever the kernels manage to skip. */
static double flops(const struct net_layer *layer, fcnn_direction direction)
{
    fcnn_problem problem = layer->problem;
    problem.direction = direction;
    if (problem.op == FCNN_CONV2D_POOL) {
        problem.op = FCNN_CONV2D;
        problem.p = problem.q = 0;
        if (fcnn_problem_check(&problem) != FCNN_OK) return 0;
    }
    return fcnn_problem_flops(&problem);
}

double fcnn_model_flops(const fcnn_model *model, int training)
{
    double sum = 0;
    for (int i = 0; model && i < model->layers; i++) {
        const struct net_layer *layer = &model->layer[i];
        if (!layer->weights) continue;
        sum += flops(layer, FCNN_FORWARD);
        if (training) sum += flops(layer, FCNN_BACKWARD_WEIGHTS);
        if (training && i > net_first_trainable(model)) sum += flops(layer, FCNN_BACKWARD_DATA);
    }
    return sum;
}
