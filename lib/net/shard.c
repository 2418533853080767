/* SPDX-License-Identifier: BSD-2-Clause
 * What one worker does: forward and backward of a whole shard, so that its activations stay in the worker's cache. */
#include "lib/net/net.h"

#include <math.h>
#include <string.h>

fcnn_status net_forward(const fcnn_model *model, struct net_worker *worker, const struct net_plans *plans,
                        const float *x)
{
    const float *src = x;
    for (int i = 0; i < model->layers; i++) {
        const struct net_plan *forward = &plans->stages[i].forward;
        const struct net_activation *mine = &worker->layers[i];
        const fcnn_tensors tensors = {
            .src = src,
            .weights = net_weights(model, i),
            .bias = net_bias(model, i),
            .dst = mine->dst,
            .choice = mine->choice,
            .argmax = mine->argmax,
            .packed = forward->packed,
            .workspace = worker->workspace,
        };
        NET_TRY(fcnn_execute(forward->plan, &tensors));
        src = mine->dst;
    }
    return FCNN_OK;
}

/* The first maximum; -1 if there is a NaN, which is nobody's class. */
static int64_t argmax(const float *values, int64_t count)
{
    int64_t best = 0;
    for (int64_t i = 0; i < count; i++) {
        if (isnan(values[i])) return -1;
        if (values[i] > values[best]) best = i;
    }
    return best;
}

fcnn_status net_loss(const fcnn_model *model, struct net_worker *worker, const struct net_plans *plans,
                     const int32_t *labels, struct net_sum *sum)
{
    const int64_t classes = net_classes(model);
    const fcnn_tensors tensors = {
        .src = worker->layers[model->layers - 1].dst,
        .labels = labels,
        .dst = worker->probabilities,
        .loss = worker->loss,
        .workspace = worker->workspace,
    };
    NET_TRY(fcnn_execute(plans->loss, &tensors));
    *sum = (struct net_sum){0};
    for (int64_t i = 0; i < plans->n; i++) {
        sum->loss += (double)worker->loss[i];
        sum->correct += argmax(worker->probabilities + i * classes, classes) == labels[i];
    }
    return FCNN_OK;
}

/* Gradients of one layer; d_src NULL: of its parameters only. */
static fcnn_status backward_layer(const fcnn_model *model, struct net_worker *worker, const struct net_shard *shard,
                                  int i, const float *d_dst, float *d_src)
{
    const struct net_layer *layer = &model->layer[i];
    const struct net_stage *stage = &shard->plans->stages[i];
    fcnn_tensors tensors = {
        .src = i ? worker->layers[i - 1].dst : shard->x,
        .dst = worker->layers[i].dst,
        .choice = worker->layers[i].choice,
        .argmax = worker->layers[i].argmax,
        .d_dst = d_dst,
        .weights = net_weights(model, i),
        .workspace = worker->workspace,
    };
    if (layer->weights) {
        tensors.d_weights = net_gradients(model, layer, shard->number);
        tensors.d_bias = layer->bias ? tensors.d_weights + (layer->at_bias - layer->at_weights) : NULL;
        NET_TRY(fcnn_execute(stage->backward_weights, &tensors));
    }
    if (!d_src) return FCNN_OK;
    tensors.d_src = d_src;
    tensors.packed = stage->backward_data.packed;
    return fcnn_execute(stage->backward_data.plan, &tensors);
}

/* Layer by layer the gradients of all shards, so that a layer's are the rows of one sum. */
float *net_gradients(const fcnn_model *model, const struct net_layer *layer, int64_t shard)
{
    return model->shard_gradients + layer->at_weights * model->shards + shard * layer->parameters;
}

void net_zero_gradients(const fcnn_model *model, int64_t shard)
{
    for (int i = 0; i < model->layers; i++)
        memset(net_gradients(model, &model->layer[i], shard), 0, (size_t)model->layer[i].parameters * sizeof(float));
}

fcnn_status net_update(const fcnn_model *model, int i, const fcnn_hyper *hyper)
{
    const struct net_layer *layer = &model->layer[i];
    if (!layer->parameters) return FCNN_OK;
    const fcnn_tensors sum = {.src = net_gradients(model, layer, 0), .dst = model->gradient + layer->at_weights};
    const fcnn_tensors tensors = {
        .d_weights = model->gradient + layer->at_weights,
        .parameters = model->weights + layer->at_weights,
        .moment_1 = model->moment_1 + layer->at_weights,
        .moment_2 = model->moment_2 + layer->at_weights,
        .hyper = hyper,
    };
    NET_TRY(fcnn_execute(layer->reduce, &sum));
    return fcnn_execute(layer->update, &tensors);
}

fcnn_status net_backward(const fcnn_model *model, struct net_worker *worker, const struct net_shard *shard)
{
    const int first = net_first_trainable(model);
    int turn = 0;
    const fcnn_tensors loss = {
        .dst = worker->probabilities,
        .labels = shard->labels,
        .d_src = worker->gradients[turn],
        .hyper = &(const fcnn_hyper){.scale = shard->scale},
        .workspace = worker->workspace,
    };
    NET_TRY(fcnn_execute(shard->plans->loss_backward, &loss));
    for (int i = model->layers - 1; i >= first; i--, turn ^= 1)
        NET_TRY(backward_layer(model, worker, shard, i, worker->gradients[turn],
                               i > first ? worker->gradients[turn ^ 1] : NULL));
    return FCNN_OK;
}
