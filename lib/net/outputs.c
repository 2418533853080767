/* SPDX-License-Identifier: BSD-2-Clause
 * What inner layers give, by a model of its own with the layers up to the one that is asked for: there no layer is
 * fused with one behind it. A dense layer of one unit makes it a model; its result is not computed. */
#include "lib/net/net.h"

#include <string.h>

/* Softmax is nothing here: only a model's end can have it, and more layers follow. */
static fcnn_status add_layers(fcnn_model *copy, const fcnn_model *model, int last)
{
    for (int i = 0; i <= last; i++) {
        fcnn_layer layer = model->added[i].layer;
        layer.name = model->added[i].name;
        if (layer.activation == FCNN_SOFTMAX_ACTIVATION) layer.activation = FCNN_LINEAR;
        NET_TRY(fcnn_add_layer(copy, &layer));
    }
    NET_TRY(fcnn_add_layer(copy, &(fcnn_layer){.kind = FCNN_LAYER_FLATTEN}));
    return fcnn_add_layer(copy, &(fcnn_layer){.kind = FCNN_LAYER_DENSE, .units = 1});
}

static fcnn_status copy_part(fcnn_model *copy, const fcnn_model *model, int layer, fcnn_part part, int64_t count)
{
    if (!count) return FCNN_OK;
    float *values = net_alloc((size_t)count, sizeof *values);
    if (!values) return fcnn_fail(FCNN_OUT_OF_MEMORY, "no memory for a copy of the weights");
    fcnn_status status = fcnn_layer_get_array(model, layer, FCNN_ARRAY_WEIGHTS, part, values, count);
    if (status == FCNN_OK) status = fcnn_layer_set_array(copy, layer, FCNN_ARRAY_WEIGHTS, part, values, count);
    net_free(values);
    return status;
}

static fcnn_status copy_weights(fcnn_model *copy, const fcnn_model *model, int last)
{
    for (int i = 0; i <= last; i++) {
        const struct net_added *added = &model->added[i];
        const int64_t counts[] = {added->weights, added->bias, added->moving, added->moving};
        for (int part = FCNN_PART_WEIGHTS; part <= FCNN_PART_MOVING_VARIANCE; part++)
            NET_TRY(copy_part(copy, model, i, (fcnn_part)part, counts[part]));
    }
    return FCNN_OK;
}

/* Image by image, all stages but the dense one. */
static fcnn_status run(fcnn_model *copy, const float *x, int64_t n, float *outputs, int64_t floats)
{
    const int end = copy->layers - 1;
    NET_TRY(net_job_prepare(copy, 1, 0));
    struct net_plans *plans = net_plans_find(copy, 1);
    for (int i = 0; i < end; i++) NET_TRY(net_plans_pack(copy, plans, i, FCNN_FORWARD));
    for (int64_t i = 0; i < n; i++) {
        const struct net_shard shard = {.plans = plans, .x = x + i * copy->image};
        NET_TRY(net_forward(copy, &copy->worker[0], &shard, 0, end));
        memcpy(outputs + i * floats, copy->worker[0].output, (size_t)floats * sizeof(float));
    }
    return FCNN_OK;
}

static fcnn_status compute(fcnn_model *copy, const fcnn_model *model, int layer, const float *x, int64_t n,
                           float *outputs)
{
    const struct net_added *added = &model->added[layer];
    fcnn_options kernels = model->kernels;
    kernels.threads = 1;
    NET_TRY(add_layers(copy, model, layer));
    NET_TRY(fcnn_compile(copy, &(fcnn_compile_options){.shards = 1, .kernels = &kernels}));
    NET_TRY(copy_weights(copy, model, layer));
    const fcnn_fpmode saved = fcnn_fpmode_enter();
    const fcnn_status status = run(copy, x, n, outputs, added->h * added->w * added->c);
    fcnn_fpmode_leave(saved);
    return status;
}

fcnn_status fcnn_model_outputs(const fcnn_model *model, int layer, const float *x, int64_t n, float *outputs)
{
    fcnn_model *copy;
    int64_t h, w, c;
    if (!model || !x || !outputs)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "%s is NULL", !model ? "model" : !x ? "x" : "outputs");
    if (!model->compiled) return fcnn_fail(FCNN_BAD_ARGUMENT, "the model is not compiled");
    if (layer < 0 || layer >= model->added_layers)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "layer %d; the model has %d", layer, model->added_layers);
    if (n < 1) return fcnn_fail(FCNN_BAD_ARGUMENT, "n is %lld; there must be at least one image", (long long)n);
    NET_TRY(fcnn_model_input(model, &h, &w, &c));
    NET_TRY(fcnn_model_create(&copy, h, w, c));
    const fcnn_status status = compute(copy, model, layer, x, n, outputs);
    fcnn_model_destroy(copy);
    return status;
}
