/* SPDX-License-Identifier: BSD-2-Clause
 * Compiling a model: settings, arenas, initial weights, the plans that every step needs. */
#include "lib/net/net.h"

#include <stdlib.h>
#include <string.h>

#include "lib/hyper.h"
#include "lib/sized.h"

/* ---- settings ---- */

static float or_default(float value, float otherwise) { return value == 0 ? otherwise : value; }

/* What is 0 becomes Keras' default; the powers are those of step 0, whose product with beta is checked. */
static fcnn_status read_hyper(fcnn_model *model, const fcnn_compile_options *options)
{
    const int sgd = options->optimizer == FCNN_OPTIMIZER_SGD;
    if ((unsigned)options->optimizer > FCNN_OPTIMIZER_SGD)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "optimizer %d does not exist", (int)options->optimizer);
    fcnn_hyper hyper = {
        .learning_rate = or_default(options->learning_rate, sgd ? 1e-2f : 1e-3f),
        .beta_1 = or_default(options->beta_1, 0.9f),
        .beta_2 = or_default(options->beta_2, 0.999f),
        .epsilon = or_default(options->epsilon, 1e-7f),
        .momentum = options->momentum,
    };
    NET_TRY(fcnn_hyper_check(&hyper, FCNN_ADAM, FCNN_UPDATE)); /* also what the optimizer has no use for */
    NET_TRY(fcnn_hyper_check(&hyper, FCNN_SGD, FCNN_UPDATE));
    hyper.beta_1_power = hyper.beta_2_power = 1;
    model->optimizer = options->optimizer;
    model->hyper = hyper;
    return FCNN_OK;
}

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
    NET_TRY(read_hyper(model, options));
    model->seed = options->seed;
    model->shards = options->shards ? options->shards : NET_SHARDS;
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

/* Padding between tensors is 0 in every arena and stays so: no kernel writes there but the optimizer, for which a
 * gradient of 0 with moments of 0 changes nothing. */
static fcnn_status allocate(fcnn_model *model)
{
    model->arena = 0;
    for (int i = 0; i < model->layers; i++) {
        struct net_layer *layer = &model->layer[i];
        layer->at_weights = place(&model->arena, layer->weights);
        layer->at_bias = place(&model->arena, layer->bias);
        layer->parameters = model->arena - layer->at_weights;
    }
    const size_t floats = (size_t)model->arena;
    size_t all;
    if (__builtin_mul_overflow(floats, (size_t)model->shards, &all)) all = SIZE_MAX;
    model->weights = net_alloc(floats, sizeof(float));
    model->moment_1 = net_alloc(floats, sizeof(float));
    model->moment_2 = net_alloc(floats, sizeof(float));
    model->gradient = net_alloc(floats, sizeof(float));
    model->shard_gradients = net_alloc(all, sizeof(float));
    if (!model->weights || !model->moment_1 || !model->moment_2 || !model->gradient || !model->shard_gradients)
        return fcnn_fail(FCNN_OUT_OF_MEMORY, "no memory for %d + 4 arrays of %lld parameters", model->shards,
                         (long long)model->arena);
    return FCNN_OK;
}

static void initialise(fcnn_model *model)
{
    for (int i = 0; i < model->layers; i++)
        if (model->layer[i].weights) net_draw(model, i, model->weights + model->layer[i].at_weights);
    model->version = 1;
}

fcnn_status net_plan_step(fcnn_model *model)
{
    const fcnn_op optimizer = model->optimizer == FCNN_OPTIMIZER_SGD ? FCNN_SGD : FCNN_ADAM;
    for (int i = 0; i < model->layers; i++) {
        struct net_layer *layer = &model->layer[i];
        if (!layer->parameters) continue;
        const fcnn_problem reduce = {.op = FCNN_REDUCE, .n = model->shards, .c = layer->parameters};
        const fcnn_problem update = {.op = optimizer, .direction = FCNN_UPDATE, .c = layer->parameters};
        NET_TRY(net_plan_create(model, &layer->reduce, &reduce, &model->step));
        NET_TRY(net_plan_create(model, &layer->update, &update, &model->step));
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

static fcnn_status check_layers(const fcnn_model *model)
{
    const struct net_layer *last = model->layers ? &model->layer[model->layers - 1] : NULL;
    if (!last || last->problem.op != FCNN_DENSE || last->problem.activation != FCNN_LINEAR)
        return fcnn_fail(FCNN_BAD_ARGUMENT,
                         "the last layer must be dense and linear, one unit per class (softmax and "
                         "cross-entropy are added by the model), but %s",
                         last ? "it is not" : "the model has no layers");
    return FCNN_OK;
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
    NET_TRY(check_layers(model));
    const fcnn_fpmode saved = fcnn_fpmode_enter();
    const fcnn_status status = compile(model, &taken, &kernels);
    fcnn_fpmode_leave(saved);
    if (status != FCNN_OK) net_release(model);
    model->compiled = status == FCNN_OK;
    return status;
}
