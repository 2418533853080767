/* SPDX-License-Identifier: BSD-2-Clause
 * Which kernels a compiled model uses. */
#include "lib/net/net.h"

#include <stdio.h>

static int append(char *text, size_t size, int length, const char *separator, const fcnn_plan *plan)
{
    const size_t at = (size_t)length < size ? (size_t)length : size;
    if (!plan) return length;
    return length + snprintf(size ? text + at : NULL, size - at, "%s%s", separator, fcnn_plan_kernel(plan));
}

static const struct net_layer *largest(const fcnn_model *model)
{
    const struct net_layer *found = &model->layer[0];
    for (int i = 1; i < model->layers; i++)
        if (model->layer[i].trained > found->trained) found = &model->layer[i];
    return found;
}

/* Lines: the layers, the loss, the sum over shards and the optimizer (of the layer with most parameters). */
fcnn_status fcnn_model_kernels(fcnn_model *model, int line, char *text, size_t size)
{
    if (!model || !text || !model->compiled)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "the kernels of a compiled model are asked for, and a text to write to");
    if (line < 0 || line >= model->layers + 3)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "line %d; there are 0 to %d", line, model->layers + 2);
    NET_TRY(net_plans_need(model, NET_CHUNK, 1));
    const struct net_plans *plans = net_plans_find(model, NET_CHUNK);
    fcnn_problem problem = {.direction = FCNN_FORWARD, .n = NET_CHUNK, .c = net_classes(model)};
    const fcnn_plan *chosen[4] = {NULL};
    if (line < model->layers) {
        problem = model->layer[line].problem;
        problem.n = NET_CHUNK;
        chosen[0] = plans->stages[line].forward.plan;
        chosen[1] = plans->stages[line].backward_data.plan;
        chosen[2] = plans->stages[line].backward_weights;
        chosen[3] = plans->stages[line].batch_sums;
    } else if (line == model->layers) {
        problem.op = net_loss_op(model);
        chosen[0] = plans->loss;
        chosen[1] = plans->loss_backward;
    } else {
        const int reduce = line == model->layers + 1;
        const struct net_layer *layer = largest(model);
        problem.op = reduce ? FCNN_REDUCE : net_optimizer_op(model);
        problem.direction = reduce ? FCNN_FORWARD : FCNN_UPDATE;
        problem.n = reduce ? model->shards : 1;
        problem.c = reduce ? layer->parameters : layer->trained;
        chosen[0] = reduce ? layer->reduce : layer->update;
    }
    NET_TRY(fcnn_problem_check(&problem));
    int length = fcnn_problem_format(&problem, text, size);
    for (int i = 0; i < 4; i++) length = append(text, size, length, i ? ", " : ": ", chosen[i]);
    return FCNN_OK;
}
