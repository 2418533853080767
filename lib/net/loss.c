/* SPDX-License-Identifier: BSD-2-Clause
 * The head of a network: what it predicts, the loss and its gradient, what counts as correct. */
#include "lib/net/net.h"

#include <math.h>
#include <string.h>

fcnn_op net_loss_op(const fcnn_model *model)
{
    switch (model->options.loss) {
    case FCNN_LOSS_CATEGORICAL_CROSSENTROPY: return FCNN_CATEGORICAL_CROSS_ENTROPY;
    case FCNN_LOSS_MEAN_SQUARED_ERROR: return FCNN_MSE;
    default: return FCNN_CROSS_ENTROPY;
    }
}

int net_takes_targets(const fcnn_model *model)
{
    return model->options.loss != FCNN_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY;
}

/* What the losses call predictions. */
static const float *predictions_of(const fcnn_model *model, const struct net_worker *worker)
{
    return net_loss_op(model) == FCNN_MSE ? worker->output : worker->probabilities;
}

/* Labels as targets, in the worker's. Their range was checked, but they are the caller's. */
static fcnn_status spread_labels(const fcnn_model *model, const struct net_worker *worker,
                                 const struct net_shard *shard)
{
    const int64_t n = shard->plans->n, classes = net_classes(model);
    memset(worker->targets, 0, (size_t)(n * classes) * sizeof(float));
    for (int64_t i = 0; i < n; i++) {
        const int32_t label = shard->labels[i];
        if (label < 0 || label >= classes)
            return fcnn_fail(FCNN_BAD_DATA, "a label is %d; expected 0 to %lld", (int)label, (long long)classes - 1);
        worker->targets[i * classes + label] = 1;
    }
    return FCNN_OK;
}

static const float *targets_of(const struct net_worker *worker, const struct net_shard *shard)
{
    return shard->targets ? shard->targets : worker->targets;
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

/* Whether the largest prediction of image i is that of its label or largest target. A single number has no class. */
static int is_correct(const fcnn_model *model, const struct net_worker *worker, const struct net_shard *shard,
                      int64_t i)
{
    const int64_t classes = net_classes(model), found = argmax(predictions_of(model, worker) + i * classes, classes);
    if (shard->labels) return found == shard->labels[i];
    return classes > 1 && found >= 0 && found == argmax(shard->targets + i * classes, classes);
}

fcnn_status net_loss(const fcnn_model *model, struct net_worker *worker, const struct net_shard *shard,
                     struct net_sum *sum)
{
    if (net_takes_targets(model) && !shard->targets) NET_TRY(spread_labels(model, worker, shard));
    const fcnn_tensors tensors = {
        .src = worker->output,
        .labels = shard->labels,
        .targets = targets_of(worker, shard),
        .dst = worker->probabilities,
        .loss = worker->loss,
        .workspace = worker->workspace,
    };
    NET_TRY(fcnn_execute(shard->plans->loss, &tensors));
    *sum = (struct net_sum){0};
    for (int64_t i = 0; i < shard->plans->n; i++) {
        sum->loss += (double)worker->loss[i];
        sum->correct += is_correct(model, worker, shard, i);
    }
    return FCNN_OK;
}

fcnn_status net_loss_backward(const struct net_worker *worker, const struct net_shard *shard, float *d_src)
{
    const fcnn_tensors tensors = {
        .src = worker->output,
        .dst = worker->probabilities,
        .labels = shard->labels,
        .targets = targets_of(worker, shard),
        .d_src = d_src,
        .hyper = &(const fcnn_hyper){.scale = 1.0f / (float)shard->count},
        .workspace = worker->workspace,
    };
    return fcnn_execute(shard->plans->loss_backward, &tensors);
}

fcnn_status net_answer(const fcnn_model *model, struct net_worker *worker, const struct net_plans *plans,
                       float *outputs)
{
    const fcnn_tensors tensors = {
        .src = worker->output, .dst = outputs, .workspace = worker->workspace};
    if (net_loss_op(model) != FCNN_MSE) return fcnn_execute(plans->softmax, &tensors);
    memcpy(outputs, tensors.src, (size_t)(plans->n * net_classes(model)) * sizeof(float));
    return FCNN_OK;
}
