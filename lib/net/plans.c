/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Plans of all layers, kept per number of images in a shard: a training run meets at most a handful of sizes (the two
 * of a full batch, the two of the last one, those of validation). */
#include "lib/net/net.h"

#include <stdlib.h>
#include <string.h>

#define KEPT_SIZES 16
#define SKIP_CHANNELS 16 /* of its input, and pooled columns, that a layer has at least to skip zeros */
#define SKIP_WINDOWS 4

static unsigned class_of(const char *kernel)
{
    for (int i = 0; i < fcnn_kernel_count(); i++) {
        fcnn_kernel_info info = fcnn_kernel_describe(i);
        if (!strcmp(info.name, kernel)) return 1u << info.numerics;
    }
    return 0;
}

static void note_need(const fcnn_plan *plan, struct net_need *need)
{
    need->classes |= class_of(fcnn_plan_kernel(plan));
    if (fcnn_plan_workspace(plan) > need->workspace) need->workspace = fcnn_plan_workspace(plan);
}

fcnn_status net_plan_create(fcnn_model *model, fcnn_plan **plan, const fcnn_problem *problem,
                            struct net_need *need)
{
    NET_TRY(fcnn_plan_create(plan, problem, &model->single));
    if (model->tuning) {
        const fcnn_status status = net_tune(model, *plan, problem);
        fcnn_plan_destroy(*plan);
        *plan = NULL;
        if (status) return status;
        NET_TRY(fcnn_plan_create(plan, problem, &model->single));
    }
    note_need(*plan, need);
    return FCNN_OK;
}

static int keeps_zeros(const struct net_layer *layer)
{
    return layer->problem.op == FCNN_MAXPOOL || layer->problem.op == FCNN_DROPOUT;
}

/* Whether a layer's input is what a ReLU left, and so about half zeros. */
static int has_zeros(const fcnn_model *model, int layer)
{
    while (layer > 0 && keeps_zeros(&model->layer[layer - 1])) layer--;
    if (layer == 0) return 0;
    const fcnn_problem *before = &model->layer[layer - 1].problem;
    return before->op == FCNN_RELU || before->op == FCNN_CONV2D_POOL || before->activation == FCNN_RELU_ACTIVATION;
}

/* A problem says nothing of zeros in its input, and measurements are made without; but a model knows of them. So it
 * asks for a kernel that skips them where nothing is pinned. Narrow maps and few channels would not pay. */
static fcnn_status plan_skipping(fcnn_model *model, const fcnn_problem *problem, struct net_need *need,
                                 fcnn_plan **plan)
{
    fcnn_plan_info info;
    fcnn_options options = model->single;
    if (problem->op != FCNN_CONV2D_POOL || problem->c < SKIP_CHANNELS || problem->q < SKIP_WINDOWS) return FCNN_OK;
    NET_TRY(fcnn_plan_describe(*plan, &info));
    if (info.numerics != FCNN_EXACT || !strcmp(info.origin, "pinned")) return FCNN_OK;
    options.kernel = "*_fwd_skip_*";
    fcnn_plan_destroy(*plan);
    NET_TRY(fcnn_plan_create(plan, problem, &options));
    note_need(*plan, need);
    return FCNN_OK;
}

static fcnn_status plan_layer(fcnn_model *model, struct net_plans *plans, int layer, fcnn_direction direction,
                              fcnn_plan **plan)
{
    fcnn_problem problem = model->layer[layer].problem;
    problem.n = plans->n;
    problem.direction = direction;
    NET_TRY(net_plan_create(model, plan, &problem, &plans->need));
    if (direction != FCNN_FORWARD || !has_zeros(model, layer)) return FCNN_OK;
    return plan_skipping(model, &problem, &plans->need, plan);
}

static fcnn_status plan_packed(fcnn_model *model, struct net_plans *plans, int layer, fcnn_direction direction,
                               struct net_plan *plan)
{
    NET_TRY(plan_layer(model, plans, layer, direction, &plan->plan));
    size_t bytes = fcnn_plan_packed(plan->plan);
    if (bytes && !(plan->packed = net_alloc(bytes, 1)))
        return fcnn_fail(FCNN_OUT_OF_MEMORY, "no memory for %zu bytes of packed weights", bytes);
    return FCNN_OK;
}

static fcnn_status plan_head(fcnn_model *model, struct net_plans *plans, fcnn_op op, fcnn_direction direction,
                             fcnn_plan **plan)
{
    const fcnn_problem problem = {.op = op, .direction = direction, .n = plans->n, .c = net_classes(model)};
    return net_plan_create(model, plan, &problem, &plans->need);
}

static fcnn_status plan_forward(fcnn_model *model, struct net_plans *plans)
{
    for (int i = 0; i < model->layers; i++)
        NET_TRY(plan_packed(model, plans, i, FCNN_FORWARD, &plans->stages[i].forward));
    NET_TRY(plan_head(model, plans, FCNN_SOFTMAX, FCNN_FORWARD, &plans->softmax));
    return plan_head(model, plans, net_loss_op(model), FCNN_FORWARD, &plans->loss);
}

static fcnn_status plan_sums(fcnn_model *model, struct net_plans *plans, int layer)
{
    fcnn_problem problem = model->layer[layer].problem;
    if (!model->layer[layer].moving) return FCNN_OK;
    problem.op = FCNN_BATCH_SUMS;
    problem.n = plans->n;
    return net_plan_create(model, &plans->stages[layer].batch_sums, &problem, &plans->need);
}

static fcnn_status plan_backward(fcnn_model *model, struct net_plans *plans)
{
    const int first = net_first_trainable(model);
    for (int i = 0; i < model->layers; i++) NET_TRY(plan_sums(model, plans, i));
    for (int i = first; i < model->layers; i++) {
        struct net_stage *stage = &plans->stages[i];
        if (i > first) NET_TRY(plan_packed(model, plans, i, FCNN_BACKWARD_DATA, &stage->backward_data));
        if (model->layer[i].parameters)
            NET_TRY(plan_layer(model, plans, i, FCNN_BACKWARD_WEIGHTS, &stage->backward_weights));
    }
    return plan_head(model, plans, net_loss_op(model), FCNN_BACKWARD_DATA, &plans->loss_backward);
}

static void destroy_backward(const fcnn_model *model, struct net_plans *plans)
{
    for (int i = 0; i < model->layers; i++) {
        struct net_stage *stage = &plans->stages[i];
        fcnn_plan_destroy(stage->backward_data.plan);
        fcnn_plan_destroy(stage->backward_weights);
        fcnn_plan_destroy(stage->batch_sums);
        net_free(stage->backward_data.packed);
        stage->backward_data = (struct net_plan){0};
        stage->backward_weights = stage->batch_sums = NULL;
    }
    fcnn_plan_destroy(plans->loss_backward);
    plans->loss_backward = NULL;
}

static void destroy(const fcnn_model *model, struct net_plans *plans)
{
    destroy_backward(model, plans);
    for (int i = 0; i < model->layers; i++) {
        fcnn_plan_destroy(plans->stages[i].forward.plan);
        net_free(plans->stages[i].forward.packed);
    }
    fcnn_plan_destroy(plans->softmax);
    fcnn_plan_destroy(plans->loss);
    free(plans);
}

void net_plans_destroy(fcnn_model *model)
{
    while (model->plans) {
        struct net_plans *next = model->plans->next;
        destroy(model, model->plans);
        model->plans = next;
    }
}

void net_plans_trim(fcnn_model *model)
{
    int sizes = 0;
    for (const struct net_plans *plans = model->plans; plans; plans = plans->next) sizes++;
    for (struct net_plans **at = &model->plans; sizes > KEPT_SIZES && *at;) {
        struct net_plans *plans = *at;
        if (plans->in_use) {
            at = &plans->next;
            continue;
        }
        *at = plans->next;
        destroy(model, plans);
    }
}

void net_plans_hold(fcnn_model *model, int in_use)
{
    for (struct net_plans *plans = model->plans; plans; plans = plans->next) plans->in_use = in_use;
}

struct net_plans *net_plans_find(const fcnn_model *model, int64_t n)
{
    struct net_plans *plans = model->plans;
    while (plans && plans->n != n) plans = plans->next;
    return plans;
}

static fcnn_status make(fcnn_model *model, int64_t n)
{
    struct net_plans *plans = calloc(1, sizeof *plans + (size_t)model->layers * sizeof plans->stages[0]);
    if (!plans) return fcnn_fail(FCNN_OUT_OF_MEMORY, "no memory for the plans of %d layers", model->layers);
    plans->n = n;
    fcnn_status status = plan_forward(model, plans);
    if (status != FCNN_OK) {
        destroy(model, plans);
        return status;
    }
    plans->next = model->plans;
    model->plans = plans;
    return FCNN_OK;
}

fcnn_status net_plans_need(fcnn_model *model, int64_t n, int training)
{
    struct net_plans *plans = net_plans_find(model, n);
    if (!plans) NET_TRY(make(model, n));
    plans = net_plans_find(model, n);
    if (!training || plans->training) return FCNN_OK;
    fcnn_status status = plan_backward(model, plans);
    if (status != FCNN_OK)
        destroy_backward(model, plans);
    else
        plans->training = 1;
    return status;
}

fcnn_status net_plans_pack(const fcnn_model *model, const struct net_plans *plans, int layer, fcnn_direction direction)
{
    const struct net_stage *stage = &plans->stages[layer];
    const struct net_plan *plan = direction == FCNN_FORWARD ? &stage->forward : &stage->backward_data;
    if (!plan->packed || plans->packed[direction] == model->version) return FCNN_OK;
    return fcnn_pack(plan->plan, net_weights(model, layer), net_bias(model, layer), plan->packed);
}
