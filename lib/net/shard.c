/* SPDX-License-Identifier: BSD-2-Clause
 * What one worker does: forward and backward of a whole shard, so that its activations stay in the worker's cache. */
#include "lib/net/net.h"

#include <string.h>

/* Dropout is nothing outside of training. */
static int is_passed(const fcnn_model *model, const struct net_shard *shard, int i)
{
    return !shard->training && model->layer[i].problem.op == FCNN_DROPOUT;
}

const float *net_input(const fcnn_model *model, const struct net_worker *worker, const struct net_shard *shard, int i)
{
    while (i > 0 && is_passed(model, shard, i - 1)) i--;
    return i ? worker->layers[i - 1].dst : shard->x;
}

/* What stage i is told in numbers. A position in the batch has its word of the mask, whatever shard it is in. */
static fcnn_hyper hyper_of(const fcnn_model *model, const struct net_shard *shard, int i)
{
    const struct net_layer *layer = &model->layer[i];
    fcnn_hyper hyper = {.epsilon = layer->epsilon};
    if (layer->moving && shard->training)
        hyper.scale = 1.0f / (float)(shard->count * layer->problem.h * layer->problem.w);
    if (layer->problem.op != FCNN_DROPOUT) return hyper;
    hyper.dropout_rate = layer->rate;
    hyper.dropout_seed = net_dropout_seed(model->seed, layer->dropout, model->steps);
    hyper.dropout_counter = (uint64_t)(shard->first * layer->dst);
    return hyper;
}

/* All that the kernels of stage i read or write, forward. */
static fcnn_tensors tensors_of(const fcnn_model *model, const struct net_worker *worker, const struct net_shard *shard,
                               const fcnn_hyper *hyper, int i)
{
    return (fcnn_tensors){
        .src = net_input(model, worker, shard, i),
        .weights = net_weights(model, i),
        .bias = net_bias(model, i),
        .mean = net_moment(model, i, shard->training, 0),
        .variance = net_moment(model, i, shard->training, 1),
        .dst = worker->layers[i].dst,
        .choice = worker->layers[i].choice,
        .argmax = worker->layers[i].argmax,
        .hyper = hyper,
        .workspace = worker->workspace,
    };
}

fcnn_status net_forward(const fcnn_model *model, struct net_worker *worker, const struct net_shard *shard, int from,
                        int to)
{
    for (int i = from; i < to; i++) {
        if (is_passed(model, shard, i)) continue;
        const struct net_plan *forward = &shard->plans->stages[i].forward;
        const fcnn_hyper hyper = hyper_of(model, shard, i);
        fcnn_tensors tensors = tensors_of(model, worker, shard, &hyper, i);
        tensors.packed = forward->packed;
        NET_TRY(fcnn_execute(forward->plan, &tensors));
    }
    worker->output = net_input(model, worker, shard, to);
    return FCNN_OK;
}

/* Where the gradient of stage i's output is; that of its input takes the other place. */
static float *gradient_of(const fcnn_model *model, const struct net_worker *worker, int i)
{
    return worker->gradients[(model->layers - 1 - i) & 1];
}

static fcnn_status backward_weights(const fcnn_model *model, struct net_worker *worker, const struct net_shard *shard,
                                    int i)
{
    const struct net_layer *layer = &model->layer[i];
    const fcnn_hyper hyper = hyper_of(model, shard, i);
    fcnn_tensors tensors = tensors_of(model, worker, shard, &hyper, i);
    if (!layer->parameters) return FCNN_OK;
    tensors.d_dst = gradient_of(model, worker, i);
    tensors.d_weights = net_gradients(model, layer, shard->number);
    tensors.d_bias = layer->problem.no_bias ? NULL : tensors.d_weights + (layer->at_bias - layer->at_weights);
    return fcnn_execute(shard->plans->stages[i].backward_weights, &tensors);
}

/* Batch normalization needs the gradients of its parameters, of the whole batch. */
static fcnn_status backward_data(const fcnn_model *model, struct net_worker *worker, const struct net_shard *shard,
                                 int i)
{
    const struct net_layer *layer = &model->layer[i];
    const struct net_plan *plan = &shard->plans->stages[i].backward_data;
    const fcnn_hyper hyper = hyper_of(model, shard, i);
    fcnn_tensors tensors = tensors_of(model, worker, shard, &hyper, i);
    tensors.d_dst = gradient_of(model, worker, i);
    tensors.d_src = gradient_of(model, worker, i - 1);
    tensors.packed = plan->packed;
    if (layer->moving) {
        tensors.d_weights = model->gradient + layer->at_weights;
        tensors.d_bias = model->gradient + layer->at_bias;
    }
    return fcnn_execute(plan->plan, &tensors);
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

fcnn_status net_sum_gradients(const fcnn_model *model, int i)
{
    const struct net_layer *layer = &model->layer[i];
    const fcnn_tensors sum = {.src = net_gradients(model, layer, 0), .dst = model->gradient + layer->at_weights};
    return layer->parameters ? fcnn_execute(layer->reduce, &sum) : FCNN_OK;
}

fcnn_status net_update(fcnn_model *model, int i, const fcnn_hyper *hyper)
{
    const struct net_layer *layer = &model->layer[i];
    const fcnn_tensors tensors = {
        .d_weights = model->gradient + layer->at_trained,
        .parameters = model->weights + layer->at_trained,
        .moment_1 = model->moment_1 + layer->at_trained,
        .moment_2 = model->moment_2 + layer->at_trained,
        .hyper = hyper,
    };
    if (!layer->moving) NET_TRY(net_sum_gradients(model, i));
    net_move_averages(model, i);
    return layer->trained ? fcnn_execute(layer->update, &tensors) : FCNN_OK;
}

fcnn_status net_backward(const fcnn_model *model, struct net_worker *worker, const struct net_shard *shard, int from,
                         int to)
{
    const int first = net_first_trainable(model);
    if (from == model->layers) NET_TRY(net_loss_backward(worker, shard, gradient_of(model, worker, from - 1)));
    else if (from > first) NET_TRY(backward_data(model, worker, shard, from));
    for (int i = from - 1; i > to && i >= first; i--) {
        NET_TRY(backward_weights(model, worker, shard, i));
        if (i > first) NET_TRY(backward_data(model, worker, shard, i));
    }
    return to >= first ? backward_weights(model, worker, shard, to) : FCNN_OK;
}
