/* SPDX-License-Identifier: BSD-2-Clause
 * What oneDNN has in version 2 alone: layouts are structs, an operation is described by a struct first. */
#include "bench/onednn.h"

#include <stdint.h>
#include <stdlib.h>

/* ---- layouts ---- */

void onednn_free_layout(onednn_layout *layout) { free((void *)(uintptr_t)layout); }

static onednn_layout *keep(struct onednn *o, dnnl_status_t status, const dnnl_memory_desc_t *layout)
{
    dnnl_memory_desc_t *kept = status == dnnl_success ? malloc(sizeof *kept) : NULL;
    if (status == dnnl_success && !kept) status = dnnl_out_of_memory;
    if (!onednn_ok(o, status, "layout")) return free(kept), NULL;
    *kept = *layout;
    return o->layouts[o->layout_count++] = kept;
}

onednn_layout *onednn_layout_by_tag(struct onednn *o, int rank, const dnnl_dims_t sizes, dnnl_format_tag_t tag)
{
    dnnl_memory_desc_t layout = {0};
    return keep(o, dnnl_memory_desc_init_by_tag(&layout, rank, sizes, dnnl_f32, tag), &layout);
}

onednn_layout *onednn_layout_by_strides(struct onednn *o, int rank, const dnnl_dims_t sizes, const dnnl_dims_t strides)
{
    dnnl_memory_desc_t layout = {0};
    return keep(o, dnnl_memory_desc_init_by_strides(&layout, rank, sizes, dnnl_f32, strides), &layout);
}

/* ---- descriptions ---- */

/* operation: one of the dnnl_*_desc_t; status: how it was made. */
static dnnl_primitive_desc_t describe(struct onednn *o, dnnl_status_t status, const void *operation,
                                      dnnl_primitive_attr_t attributes, dnnl_primitive_desc_t hint, const char *what)
{
    dnnl_primitive_desc_t made = NULL;
    if (onednn_ok(o, status, what))
        onednn_ok(o, dnnl_primitive_desc_create(&made, operation, attributes, o->engine, hint), what);
    return made;
}

dnnl_status_t onednn_append_relu(dnnl_post_ops_t operations)
{
    return dnnl_post_ops_append_eltwise(operations, 1, dnnl_eltwise_relu, 0, 0);
}

dnnl_primitive_desc_t onednn_describe_forward(struct onednn *o, const struct onednn_convolution *c,
                                              dnnl_primitive_attr_t attributes)
{
    dnnl_convolution_desc_t operation;
    const dnnl_status_t status = dnnl_dilated_convolution_forward_desc_init(
        &operation, dnnl_forward_training, c->algorithm, c->src, c->weights, c->bias, c->dst, c->strides, c->dilations,
        c->before, c->after);
    return describe(o, status, &operation, attributes, NULL, "forward");
}

dnnl_primitive_desc_t onednn_describe_backward_data(struct onednn *o, const struct onednn_convolution *c,
                                                    dnnl_primitive_desc_t forward)
{
    dnnl_convolution_desc_t operation;
    const dnnl_status_t status = dnnl_dilated_convolution_backward_data_desc_init(
        &operation, c->algorithm, c->src, c->weights, c->dst, c->strides, c->dilations, c->before, c->after);
    return describe(o, status, &operation, NULL, forward, "backward");
}

dnnl_primitive_desc_t onednn_describe_backward_weights(struct onednn *o, const struct onednn_convolution *c,
                                                       dnnl_primitive_desc_t forward)
{
    dnnl_convolution_desc_t operation;
    const dnnl_status_t status = dnnl_dilated_convolution_backward_weights_desc_init(
        &operation, c->algorithm, c->src, c->weights, c->bias, c->dst, c->strides, c->dilations, c->before, c->after);
    return describe(o, status, &operation, NULL, forward, "backward");
}

static const dnnl_dims_t two = {2, 2}, none = {0, 0};

dnnl_primitive_desc_t onednn_describe_pooling(struct onednn *o, onednn_layout *src, onednn_layout *dst)
{
    dnnl_pooling_desc_t operation;
    const dnnl_status_t status = dnnl_pooling_forward_desc_init(&operation, dnnl_forward_training, dnnl_pooling_max,
                                                                src, dst, two, two, none, none);
    return describe(o, status, &operation, NULL, NULL, "pooling");
}

dnnl_primitive_desc_t onednn_describe_unpooling(struct onednn *o, onednn_layout *src, onednn_layout *dst,
                                                dnnl_primitive_desc_t forward)
{
    dnnl_pooling_desc_t operation;
    const dnnl_status_t status =
        dnnl_pooling_backward_desc_init(&operation, dnnl_pooling_max, src, dst, two, two, none, none);
    return describe(o, status, &operation, NULL, forward, "unpooling");
}

static const dnnl_alg_kind_t relu = dnnl_eltwise_relu_use_dst_for_bwd;

dnnl_primitive_desc_t onednn_describe_relu(struct onednn *o, onednn_layout *layout)
{
    dnnl_eltwise_desc_t operation;
    const dnnl_status_t status =
        dnnl_eltwise_forward_desc_init(&operation, dnnl_forward_training, relu, layout, 0, 0);
    return describe(o, status, &operation, NULL, NULL, "relu");
}

dnnl_primitive_desc_t onednn_describe_relu_backward(struct onednn *o, onednn_layout *layout,
                                                    dnnl_primitive_desc_t forward)
{
    dnnl_eltwise_desc_t operation;
    const dnnl_status_t status = dnnl_eltwise_backward_desc_init(&operation, relu, layout, layout, 0, 0);
    return describe(o, status, &operation, NULL, forward, "relu");
}
