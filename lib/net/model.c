/* SPDX-License-Identifier: BSD-2-Clause
 * A model from its creation to its end; the tutorial's; operation counts. */
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
    model->h = model->in_h = h;
    model->w = model->in_w = w;
    model->c = model->in_c = c;
    model->image = h * w * c;
    *result = model;
    return FCNN_OK;
}

void fcnn_model_destroy(fcnn_model *model)
{
    if (!model) return;
    net_release(model);
    free(model->layer);
    free(model->added);
    free(model);
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
