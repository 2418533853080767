/* SPDX-License-Identifier: BSD-2-Clause
 * Compiling a model: settings, arenas, initial weights, the plans that every step needs. */
#include "lib/net/net.h"

#include <stdlib.h>
#include <string.h>

#include "lib/sized.h"

#define MOST_PARAMETERS 0x7fffff00 /* of a layer: kernels count channels with 31 bits */

/* ---- settings ---- */

static fcnn_status copy_text(const char **copy, const char *text)
{
    *copy = NULL;
    if (text && !(*copy = strdup(text))) return fcnn_fail(FCNN_OUT_OF_MEMORY, "no memory for an option");
    return FCNN_OK;
}

static fcnn_status read_options(fcnn_model *model, const fcnn_compile_options *options, const fcnn_options *kernels)
{
    NET_TRY(fcnn_options_check(kernels));
    if (options->shards < 0 || options->shards > FCNN_MAX_SHARDS)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "shards is %d; expected 1 to %d, or 0 for %d", options->shards,
                         FCNN_MAX_SHARDS, NET_SHARDS);
    if ((unsigned)options->loss > FCNN_LOSS_MEAN_SQUARED_ERROR)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "loss %d does not exist", (int)options->loss);
    model->seed = options->seed;
    model->shards = options->shards ? options->shards : NET_SHARDS;
    model->options = *options;
    model->options.kernels = NULL;
    model->options.shards = model->shards;
    NET_TRY(net_read_optimizer(model));
    model->workers = fcnn_options_threads(kernels);
    model->kernels.threads = kernels->threads;
    NET_TRY(copy_text(&model->kernels.isa, kernels->isa));
    NET_TRY(copy_text(&model->kernels.math, kernels->math));
    NET_TRY(copy_text(&model->kernels.kernel, kernels->kernel));
    NET_TRY(copy_text(&model->kernels.planning, kernels->planning));
    model->kernels.tuning = kernels->tuning;
    model->single = model->kernels;
    model->single.threads = 1;
    return FCNN_OK;
}

/* ---- arenas ---- */

static int64_t place(int64_t *at, int64_t count)
{
    int64_t here = *at;
    *at += (count + NET_ALIGN - 1) / NET_ALIGN * NET_ALIGN;
    return here;
}

/* What a rescaling multiplies by and adds: weights that are not trained. */
static fcnn_status make_constants(struct net_layer *layer)
{
    if (layer->scale == 0 && layer->offset == 0) return FCNN_OK;
    const int64_t channels = layer->problem.c;
    layer->constants = net_alloc(2 * (size_t)channels, sizeof(float));
    if (!layer->constants)
        return fcnn_fail(FCNN_OUT_OF_MEMORY, "no memory to rescale %lld channels", (long long)channels);
    for (int64_t i = 0; i < channels; i++) {
        layer->constants[i] = layer->scale;
        layer->constants[channels + i] = layer->offset;
    }
    return FCNN_OK;
}

/* Padding between tensors is 0 in every arena and stays so: no kernel writes there but the optimizer, for which a
 * gradient of 0 with moments of 0 changes nothing. */
static fcnn_status allocate(fcnn_model *model)
{
    model->arena = 0;
    for (int i = 0; i < model->layers; i++) {
        struct net_layer *layer = &model->layer[i];
        if (layer->weights > MOST_PARAMETERS)
            return fcnn_fail(FCNN_BAD_SHAPE, "a layer has %lld weights; expected %d at most", (long long)layer->weights,
                             MOST_PARAMETERS);
        layer->at_weights = place(&model->arena, layer->moving ? layer->moving : layer->weights);
        layer->at_bias = place(&model->arena, layer->moving ? layer->moving : layer->bias);
        layer->parameters = model->arena - layer->at_weights;
        layer->at_trained = layer->weights ? layer->at_weights : layer->at_bias;
        layer->trained = (layer->bias ? model->arena : layer->weights ? layer->at_bias : layer->at_trained) -
                         layer->at_trained;
        layer->at_moving[0] = place(&model->arena, layer->moving);
        layer->at_moving[1] = place(&model->arena, layer->moving);
        NET_TRY(make_constants(layer));
        NET_TRY(net_make_batch(model, layer));
    }
    const size_t floats = (size_t)model->arena;
    model->weights = net_alloc(floats, sizeof(float));
    model->moment_1 = net_alloc(floats, sizeof(float));
    model->moment_2 = net_alloc(floats, sizeof(float));
    if (!model->weights || !model->moment_1 || !model->moment_2)
        return fcnn_fail(FCNN_OUT_OF_MEMORY, "no memory for 3 arrays of %lld parameters", (long long)model->arena);
    return FCNN_OK;
}

/* A batch normalization has gamma and beta in the arena even where it is without: 1 and 0, which stay so. */
static void initialise(fcnn_model *model)
{
    for (int i = 0; i < model->layers; i++)
        for (int64_t j = 0; j < model->layer[i].moving; j++) model->weights[model->layer[i].at_weights + j] = 1;
    for (int i = 0; i < model->layers; i++)
        for (int part = FCNN_PART_WEIGHTS; part <= FCNN_PART_MOVING_VARIANCE; part++)
            net_initial(model, i, (fcnn_part)part, net_part(model, i, (fcnn_part)part, model->weights));
    model->version = 1;
}

fcnn_status net_plan_step(fcnn_model *model)
{
    const fcnn_op optimizer = net_optimizer_op(model);
    for (int i = 0; i < model->layers; i++) {
        struct net_layer *layer = &model->layer[i];
        if (!layer->parameters) continue;
        const fcnn_problem reduce = {.op = FCNN_REDUCE, .n = model->shards, .c = layer->parameters};
        const fcnn_problem update = {.op = optimizer, .direction = FCNN_UPDATE, .c = layer->trained};
        NET_TRY(net_plan_create(model, &layer->reduce, &reduce, &model->step));
        if (layer->trained) NET_TRY(net_plan_create(model, &layer->update, &update, &model->step));
    }
    return net_plans_need(model, NET_CHUNK, 1); /* a layer without a kernel is reported now, not in fcnn_fit() */
}

void net_step_destroy(fcnn_model *model)
{
    for (int i = 0; i < model->layers; i++) {
        fcnn_plan_destroy(model->layer[i].reduce);
        fcnn_plan_destroy(model->layer[i].update);
        model->layer[i].reduce = model->layer[i].update = NULL;
    }
    model->step = (struct net_need){0};
}

void net_release(fcnn_model *model)
{
    net_plans_destroy(model);
    net_release_workers(model);
    net_step_destroy(model);
    for (int i = 0; i < model->layers; i++) {
        net_free(model->layer[i].constants);
        net_free(model->layer[i].batch);
        model->layer[i].constants = model->layer[i].batch = NULL;
    }
    float **arenas[] = {&model->weights, &model->moment_1, &model->moment_2, &model->gradient, &model->shard_gradients};
    for (size_t i = 0; i < sizeof arenas / sizeof arenas[0]; i++) {
        net_free(*arenas[i]);
        *arenas[i] = NULL;
    }
    net_free(model->run.initial);
    model->run = (struct net_run){0};
    net_free(model->sums);
    model->sums = NULL;
    model->sums_capacity = 0;
    free((char *)model->kernels.isa);
    free((char *)model->kernels.math);
    free((char *)model->kernels.kernel);
    free((char *)model->kernels.planning);
    model->kernels = model->single = (fcnn_options){0};
}

/* Whether the head and the last layer's activation fit together. */
static fcnn_status check_end(const fcnn_model *model, fcnn_loss loss)
{
    const struct net_added *end = &model->added[model->added_layers - 1]; /* there is one that trains before these: */
    while (end->layer.kind == FCNN_LAYER_FLATTEN || end->layer.kind == FCNN_LAYER_DROPOUT) end--;
    const fcnn_activation last = end->layer.activation;
    if (loss == FCNN_LOSS_MEAN_SQUARED_ERROR)
        return !model->softmax ? FCNN_OK
                               : fcnn_fail(FCNN_BAD_ARGUMENT, "softmax goes with cross-entropy, not with the mean "
                                           "squared error");
    return last == FCNN_LINEAR || model->softmax
               ? FCNN_OK
               : fcnn_fail(FCNN_BAD_ARGUMENT, "the last layer must be linear or softmax, one unit per class, as "
                           "softmax and cross-entropy are the model's own, but its activation is another one");
}

static fcnn_status check_layers(const fcnn_model *model, fcnn_loss loss)
{
    if (!model->layers) return fcnn_fail(FCNN_BAD_ARGUMENT, "the model has no layers that compute anything");
    if (net_first_trainable(model) == model->layers)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "the model has no layer that could be trained");
    if (model->h != 1 || model->w != 1)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "the last layer's output is %lld x %lld x %lld; it must be flat: "
                         "flatten or pool globally before the last dense layer",
                         (long long)model->h, (long long)model->w, (long long)model->c);
    return check_end(model, loss);
}

static fcnn_status compile(fcnn_model *model, const fcnn_compile_options *options, const fcnn_options *kernels)
{
    NET_TRY(read_options(model, options, kernels));
    NET_TRY(allocate(model));
    NET_TRY(net_plan_step(model));
    initialise(model);
    return FCNN_OK;
}

fcnn_status fcnn_compile_sized(fcnn_model *model, const fcnn_compile_options *options, size_t size,
                               size_t kernels_size)
{
    FCNN_TAKE(fcnn_compile_options, taken, options, size);
    FCNN_TAKE(fcnn_options, kernels, taken.kernels, kernels_size);
    if (!model) return fcnn_fail(FCNN_BAD_ARGUMENT, "the model is NULL");
    if (model->compiled) return fcnn_fail(FCNN_BAD_ARGUMENT, "the model is compiled already");
    NET_TRY(check_layers(model, taken.loss));
    const fcnn_fpmode saved = fcnn_fpmode_enter();
    const fcnn_status status = compile(model, &taken, &kernels);
    fcnn_fpmode_leave(saved);
    if (status != FCNN_OK) net_release(model);
    model->compiled = status == FCNN_OK;
    return status;
}

fcnn_status fcnn_model_compile_options_sized(const fcnn_model *model, fcnn_compile_options *options, size_t size)
{
    if (!model || !options) return fcnn_fail(FCNN_BAD_ARGUMENT, "%s is NULL", model ? "options" : "the model");
    if (!model->compiled) return fcnn_fail(FCNN_BAD_ARGUMENT, "the model is not compiled");
    FCNN_GIVE(options, size, model->options);
    return FCNN_OK;
}
