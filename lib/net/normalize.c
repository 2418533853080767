/* SPDX-License-Identifier: BSD-2-Clause
 * Batch normalization in training: a step pauses at each, forward until the moments of the whole batch are known,
 * backward until its gradients are. The moments are those of the shards, joined along the tree of rule 6. */
#include "lib/net/moments.h"
#include "lib/net/net.h"

/* ---- pauses ---- */

int net_pauses(const fcnn_model *model)
{
    int count = 0;
    for (int i = 0; i < model->layers; i++) count += model->layer[i].moving > 0;
    return count;
}

int net_pause(const fcnn_model *model, int number)
{
    int i = -1;
    if (number < 0) return i;
    do i++;
    while (i < model->layers && (!model->layer[i].moving || number-- > 0));
    return i;
}

/* ---- moments ---- */

/* In layer->batch: mean and variance, then the sums of each shard. */
static float *sums_of(const struct net_layer *layer, int64_t shard)
{
    return layer->batch + (2 + 3 * shard) * layer->moving;
}

fcnn_status net_make_batch(const fcnn_model *model, struct net_layer *layer)
{
    if (!layer->moving) return FCNN_OK;
    layer->batch = net_alloc((2 + 3 * (size_t)model->shards) * (size_t)layer->moving, sizeof(float));
    if (layer->batch) return FCNN_OK;
    return fcnn_fail(FCNN_OUT_OF_MEMORY, "no memory for the moments of %d shards of %lld channels", model->shards,
                     (long long)layer->moving);
}

fcnn_status net_batch_sums(const fcnn_model *model, const struct net_worker *worker, const struct net_shard *shard,
                           int i)
{
    const fcnn_tensors tensors = {
        .src = net_input(model, worker, shard, i),
        .dst = sums_of(&model->layer[i], shard->number),
        .workspace = worker->workspace,
    };
    return fcnn_execute(shard->plans->stages[i].batch_sums, &tensors);
}

void net_join_moments(const fcnn_model *model, int i, const int64_t *images)
{
    const struct net_layer *layer = &model->layer[i];
    struct net_shard_sums sums[FCNN_MAX_SHARDS];
    for (int j = 0; j < model->shards; j++)
        sums[j] = (struct net_shard_sums){sums_of(layer, j), images[j] * layer->problem.h * layer->problem.w};
    net_moments(sums, model->shards, layer->moving, layer->batch, layer->batch + layer->moving);
}

const float *net_moment(const fcnn_model *model, int i, int training, int variance)
{
    const struct net_layer *layer = &model->layer[i];
    if (!layer->moving) return NULL;
    return training ? layer->batch + variance * layer->moving : model->weights + layer->at_moving[variance];
}

void net_move_averages(fcnn_model *model, int i)
{
    const struct net_layer *layer = &model->layer[i];
    for (int part = 0; part < 2 && layer->moving; part++)
        net_moving_average(model->weights + layer->at_moving[part], layer->batch + part * layer->moving, layer->moving,
                           layer->momentum);
}
