/* SPDX-License-Identifier: BSD-2-Clause
 * What oneDNN has since version 3: layouts are the library's, an operation is described in one call. */
#include "bench/onednn.h"

#include <stdint.h>

/* ---- layouts ---- */

void onednn_free_layout(onednn_layout *layout) { dnnl_memory_desc_destroy((dnnl_memory_desc_t)(uintptr_t)layout); }

static onednn_layout *keep(struct onednn *o, dnnl_status_t status, dnnl_memory_desc_t layout)
{
    if (!onednn_ok(o, status, "layout")) return dnnl_memory_desc_destroy(layout), NULL;
    return o->layouts[o->layout_count++] = layout;
}

onednn_layout *onednn_layout_by_tag(struct onednn *o, int rank, const dnnl_dims_t sizes, dnnl_format_tag_t tag)
{
    dnnl_memory_desc_t layout = NULL;
    const dnnl_status_t status = dnnl_memory_desc_create_with_tag(&layout, rank, sizes, dnnl_f32, tag);
    return keep(o, status, layout);
}

onednn_layout *onednn_layout_by_strides(struct onednn *o, int rank, const dnnl_dims_t sizes, const dnnl_dims_t strides)
{
    dnnl_memory_desc_t layout = NULL;
    const dnnl_status_t status = dnnl_memory_desc_create_with_strides(&layout, rank, sizes, dnnl_f32, strides);
    return keep(o, status, layout);
}

/* ---- descriptions ---- */

dnnl_status_t onednn_append_relu(dnnl_post_ops_t operations)
{
    return dnnl_post_ops_append_eltwise(operations, dnnl_eltwise_relu, 0, 0);
}

/* What one of the dnnl_*_primitive_desc_create() made. */
static dnnl_primitive_desc_t made(struct onednn *o, dnnl_status_t status, dnnl_primitive_desc_t description,
                                  const char *what)
{
    return onednn_ok(o, status, what) ? description : NULL;
}

dnnl_primitive_desc_t onednn_describe_forward(struct onednn *o, const struct onednn_convolution *c,
                                              dnnl_primitive_attr_t attributes)
{
    dnnl_primitive_desc_t description = NULL;
    const dnnl_status_t status = dnnl_convolution_forward_primitive_desc_create(
        &description, o->engine, dnnl_forward_training, c->algorithm, c->src, c->weights, c->bias, c->dst, c->strides,
        c->dilations, c->before, c->after, attributes);
    return made(o, status, description, "forward");
}

dnnl_primitive_desc_t onednn_describe_backward_data(struct onednn *o, const struct onednn_convolution *c,
                                                    dnnl_primitive_desc_t forward)
{
    dnnl_primitive_desc_t description = NULL;
    const dnnl_status_t status = dnnl_convolution_backward_data_primitive_desc_create(
        &description, o->engine, c->algorithm, c->src, c->weights, c->dst, c->strides, c->dilations, c->before,
        c->after, forward, NULL);
    return made(o, status, description, "backward");
}

dnnl_primitive_desc_t onednn_describe_backward_weights(struct onednn *o, const struct onednn_convolution *c,
                                                       dnnl_primitive_desc_t forward)
{
    dnnl_primitive_desc_t description = NULL;
    const dnnl_status_t status = dnnl_convolution_backward_weights_primitive_desc_create(
        &description, o->engine, c->algorithm, c->src, c->weights, c->bias, c->dst, c->strides, c->dilations,
        c->before, c->after, forward, NULL);
    return made(o, status, description, "backward");
}

static const dnnl_dims_t two = {2, 2}, none = {0, 0};

dnnl_primitive_desc_t onednn_describe_pooling(struct onednn *o, onednn_layout *src, onednn_layout *dst)
{
    dnnl_primitive_desc_t description = NULL;
    const dnnl_status_t status = dnnl_pooling_forward_primitive_desc_create(
        &description, o->engine, dnnl_forward_training, dnnl_pooling_max, src, dst, two, two, none, none, none, NULL);
    return made(o, status, description, "pooling");
}

dnnl_primitive_desc_t onednn_describe_unpooling(struct onednn *o, onednn_layout *src, onednn_layout *dst,
                                                dnnl_primitive_desc_t forward)
{
    dnnl_primitive_desc_t description = NULL;
    const dnnl_status_t status = dnnl_pooling_backward_primitive_desc_create(
        &description, o->engine, dnnl_pooling_max, src, dst, two, two, none, none, none, forward, NULL);
    return made(o, status, description, "unpooling");
}

static const dnnl_alg_kind_t relu = dnnl_eltwise_relu_use_dst_for_bwd;

dnnl_primitive_desc_t onednn_describe_relu(struct onednn *o, onednn_layout *layout)
{
    dnnl_primitive_desc_t description = NULL;
    const dnnl_status_t status = dnnl_eltwise_forward_primitive_desc_create(
        &description, o->engine, dnnl_forward_training, relu, layout, layout, 0, 0, NULL);
    return made(o, status, description, "relu");
}

dnnl_primitive_desc_t onednn_describe_relu_backward(struct onednn *o, onednn_layout *layout,
                                                    dnnl_primitive_desc_t forward)
{
    dnnl_primitive_desc_t description = NULL;
    const dnnl_status_t status = dnnl_eltwise_backward_primitive_desc_create(
        &description, o->engine, relu, layout, layout, layout, 0, 0, forward, NULL);
    return made(o, status, description, "relu");
}
