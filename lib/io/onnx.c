/* SPDX-License-Identifier: BSD-2-Clause
 * Writing models as ONNX, operator set 13: what predicts, nothing of training. The input is (N, channels, height,
 * width), which is what programs that run ONNX files expect of images, and so is everything up to flattening, where
 * pixels are brought into Keras' order, channels last, in front of the dense layers' rows. The output is that of
 * fcnn_predict(): softmax is there where training computes it with the loss. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/io/fail.h"
#include "lib/io/models.h"
#include "lib/io/number.h"
#include "lib/io/onnx_graph.h"
#include "lib/io/replace.h"

#define OPERATOR_SET 13
#define IR_VERSION 7 /* the first that knows operator set 13 */

struct exporting {
    const fcnn_model *model;
    const char *path;
    struct onnx_graph graph;
    int flat; /* the value is (N, C), else (N, C, H, W) */
    int layer;
    fcnn_layer_info info;
    fcnn_layer as_added;
};

/* ---- weights ---- */

static fcnn_status no_memory(const struct exporting *e)
{
    return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory for the weights", e->path);
}

static fcnn_status read_part(const struct exporting *e, fcnn_part part, int64_t count, float **values)
{
    *values = malloc((size_t)count * sizeof **values);
    if (!*values) return no_memory(e);
    const fcnn_status status =
        fcnn_layer_get_array(e->model, e->layer, FCNN_ARRAY_WEIGHTS, part, *values, count);
    if (!status) return FCNN_OK;
    free(*values);
    return fcnn_io_fail_as(status, e->path);
}

/* A part as a constant of one dimension; absent ones are `otherwise` throughout. */
static fcnn_status put_vector(struct exporting *e, fcnn_part part, int64_t count, const char *name, float otherwise)
{
    const int64_t shape[] = {e->info.c};
    float *values;
    if (count) IO_TRY(read_part(e, part, count, &values));
    else {
        values = malloc((size_t)shape[0] * sizeof *values);
        if (!values) return no_memory(e);
        for (int64_t i = 0; i < shape[0]; i++) values[i] = otherwise;
    }
    onnx_constant(&e->graph, e->info.name, name, values, shape, 1);
    free(values);
    return FCNN_OK;
}

static fcnn_status put_bias(struct exporting *e)
{
    return e->info.bias ? put_vector(e, FCNN_PART_BIAS, e->info.bias, "bias", 0) : FCNN_OK;
}

/* (R, S, C, K) becomes (K, C, R, S). Of a depthwise layer RS(C multiplier) is (R, S, 1, K). */
static fcnn_status put_filters(struct exporting *e, int64_t groups)
{
    const int64_t window = e->as_added.r * e->as_added.s, c = e->info.in_c / groups, k = e->info.c;
    const int64_t shape[] = {k, c, e->as_added.r, e->as_added.s};
    float *values, *turned = malloc((size_t)e->info.weights * sizeof *turned);
    if (!turned) return no_memory(e);
    const fcnn_status status = read_part(e, FCNN_PART_WEIGHTS, e->info.weights, &values);
    if (!status) {
        for (int64_t tap = 0; tap < window; tap++)
            for (int64_t i = 0; i < c; i++)
                for (int64_t o = 0; o < k; o++)
                    turned[(o * c + i) * window + tap] = values[(tap * c + i) * k + o];
        onnx_constant(&e->graph, e->info.name, "kernel", turned, shape, 4);
        free(values);
    }
    free(turned);
    return status;
}

/* ---- operators ---- */

static void node(struct exporting *e, const char *op) { onnx_node(&e->graph, op, e->info.name); }

/* Keras' order of pixels: height, width, channels. */
static void flatten(struct exporting *e)
{
    if (!e->flat && e->info.in_h * e->info.in_w > 1 && e->info.in_c > 1) {
        node(e, "Transpose");
        onnx_ints(&e->graph, "perm", (const int64_t[]){0, 2, 3, 1}, 4);
    }
    if (!e->flat) {
        node(e, "Flatten");
        onnx_int(&e->graph, "axis", 1);
    }
    e->flat = 1;
}

static void activate(struct exporting *e, fcnn_activation activation)
{
    switch (activation) {
    case FCNN_LINEAR: break;
    case FCNN_RELU_ACTIVATION: node(e, "Relu"); break;
    case FCNN_SIGMOID_ACTIVATION: node(e, "Sigmoid"); break;
    case FCNN_TANH_ACTIVATION: node(e, "Tanh"); break;
    case FCNN_SOFTMAX_ACTIVATION:
        node(e, "Softmax");
        onnx_int(&e->graph, "axis", 1); /* channels */
        break;
    }
}

/* TensorFlow's "same": the odd row or column is at the end. */
static void same_pads(int64_t in, int64_t out, int64_t window, int64_t stride, int64_t dilation, int64_t *begin,
                      int64_t *end)
{
    const int64_t needed = (out - 1) * stride + (window - 1) * dilation + 1, total = needed > in ? needed - in : 0;
    *begin = total / 2;
    *end = total - total / 2;
}

static void put_window(struct exporting *e)
{
    const fcnn_layer *l = &e->as_added;
    const int64_t dilation_h = l->dilation_h ? l->dilation_h : 1, dilation_w = l->dilation_w ? l->dilation_w : 1;
    int64_t pads[4] = {0};
    if (l->padding == FCNN_PAD_SAME) {
        same_pads(e->info.in_h, e->info.h, l->r, l->stride_h, dilation_h, &pads[0], &pads[2]);
        same_pads(e->info.in_w, e->info.w, l->s, l->stride_w, dilation_w, &pads[1], &pads[3]);
    }
    onnx_ints(&e->graph, "kernel_shape", (const int64_t[]){l->r, l->s}, 2);
    onnx_ints(&e->graph, "strides", (const int64_t[]){l->stride_h, l->stride_w}, 2);
    onnx_ints(&e->graph, "pads", pads, 4);
}

static fcnn_status put_convolution(struct exporting *e)
{
    const fcnn_layer *l = &e->as_added;
    const int64_t groups = l->kind == FCNN_LAYER_DEPTHWISE_CONV2D ? e->info.in_c : l->groups;
    node(e, "Conv");
    IO_TRY(put_filters(e, groups));
    IO_TRY(put_bias(e));
    put_window(e);
    onnx_ints(&e->graph, "dilations", (const int64_t[]){l->dilation_h, l->dilation_w}, 2);
    onnx_int(&e->graph, "group", groups);
    activate(e, l->activation);
    return FCNN_OK;
}

/* On images a convolution of single pixels, which has the same weights. */
static fcnn_status put_dense_of_pixels(struct exporting *e)
{
    fcnn_layer *l = &e->as_added;
    l->r = l->s = l->stride_h = l->stride_w = l->dilation_h = l->dilation_w = l->groups = 1;
    return put_convolution(e);
}

static fcnn_status put_dense(struct exporting *e)
{
    float *values;
    if (e->info.in_h * e->info.in_w > 1) return put_dense_of_pixels(e);
    flatten(e);
    node(e, "Gemm");
    IO_TRY(read_part(e, FCNN_PART_WEIGHTS, e->info.weights, &values));
    onnx_constant(&e->graph, e->info.name, "kernel", values, (const int64_t[]){e->info.in_c, e->info.c}, 2);
    free(values);
    IO_TRY(put_bias(e));
    activate(e, e->as_added.activation);
    return FCNN_OK;
}

static fcnn_status put_normalization(struct exporting *e)
{
    node(e, "BatchNormalization");
    IO_TRY(put_vector(e, FCNN_PART_WEIGHTS, e->info.weights, "gamma", 1));
    IO_TRY(put_vector(e, FCNN_PART_BIAS, e->info.bias, "beta", 0));
    IO_TRY(put_vector(e, FCNN_PART_MOVING_MEAN, e->info.moving, "moving_mean", 0));
    IO_TRY(put_vector(e, FCNN_PART_MOVING_VARIANCE, e->info.moving, "moving_variance", 1));
    onnx_float(&e->graph, "epsilon", e->as_added.epsilon);
    return FCNN_OK;
}

static void put_padding(struct exporting *e)
{
    const fcnn_layer *l = &e->as_added;
    const int64_t pads[8] = {0, 0, l->pad_top, l->pad_left, 0, 0, l->pad_bottom, l->pad_right};
    node(e, "Pad");
    onnx_constant_ints(&e->graph, e->info.name, "pads", pads, 8);
}

static void put_scaling(struct exporting *e)
{
    const fcnn_layer *l = &e->as_added;
    node(e, "Mul");
    onnx_constant(&e->graph, e->info.name, "scale", &l->scale, NULL, 0);
    if (l->offset == 0) return;
    node(e, "Add");
    onnx_constant(&e->graph, e->info.name, "offset", &l->offset, NULL, 0);
}

static fcnn_status put_layer(struct exporting *e)
{
    switch (e->as_added.kind) {
    case FCNN_LAYER_CONV2D:
    case FCNN_LAYER_DEPTHWISE_CONV2D: return put_convolution(e);
    case FCNN_LAYER_MAXPOOL2D:
        node(e, "MaxPool");
        put_window(e);
        return FCNN_OK;
    case FCNN_LAYER_AVGPOOL2D:
        node(e, "AveragePool");
        put_window(e);
        onnx_int(&e->graph, "count_include_pad", 0);
        return FCNN_OK;
    case FCNN_LAYER_GLOBAL_AVGPOOL2D:
        node(e, "GlobalAveragePool");
        e->info.in_h = e->info.in_w = 1;
        flatten(e);
        return FCNN_OK;
    case FCNN_LAYER_FLATTEN: flatten(e); return FCNN_OK;
    case FCNN_LAYER_DENSE: return put_dense(e);
    case FCNN_LAYER_ACTIVATION: activate(e, e->as_added.activation); return FCNN_OK;
    case FCNN_LAYER_DROPOUT: return FCNN_OK; /* of training alone */
    case FCNN_LAYER_BATCH_NORMALIZATION: return put_normalization(e);
    case FCNN_LAYER_ZERO_PADDING2D: put_padding(e); return FCNN_OK;
    case FCNN_LAYER_RESCALING: put_scaling(e); return FCNN_OK;
    }
    return fcnn_io_fail(FCNN_BAD_ARGUMENT, "%s: layer %s (%s) has no counterpart here", e->path, e->info.name,
                        e->info.class_name);
}

/* ONNX has images and vectors, which are an image of one pixel here. */
static int needs_image(fcnn_layer_kind kind)
{
    switch (kind) {
    case FCNN_LAYER_CONV2D:
    case FCNN_LAYER_DEPTHWISE_CONV2D:
    case FCNN_LAYER_MAXPOOL2D:
    case FCNN_LAYER_AVGPOOL2D:
    case FCNN_LAYER_GLOBAL_AVGPOOL2D:
    case FCNN_LAYER_ZERO_PADDING2D: return 1;
    default: return 0;
    }
}

static fcnn_status put_layers(struct exporting *e)
{
    fcnn_compile_options compile;
    if (fcnn_model_compile_options(e->model, &compile))
        return fcnn_io_fail(FCNN_BAD_ARGUMENT, "%s: the model is not compiled: it has no weights to write", e->path);
    for (e->layer = 0; e->layer < fcnn_model_layers(e->model); e->layer++) {
        fcnn_model_layer(e->model, e->layer, &e->info);
        fcnn_model_layer_as_added(e->model, e->layer, &e->as_added);
        if (e->flat && needs_image(e->as_added.kind))
            return fcnn_io_fail(FCNN_BAD_ARGUMENT, "%s: layer %s takes an image, but what is before it is flat",
                                e->path, e->info.name);
        IO_TRY(put_layer(e));
    }
    const int with_loss = compile.loss != FCNN_LOSS_MEAN_SQUARED_ERROR;
    if (with_loss && e->as_added.activation != FCNN_SOFTMAX_ACTIVATION) activate(e, FCNN_SOFTMAX_ACTIVATION);
    return FCNN_OK;
}

/* ---- the file ---- */

static void put_metadata(struct io_protobuf *file, const char *key, double number)
{
    struct io_protobuf entry = {.count = 0};
    char text[32];
    io_number_write(text, number);
    io_protobuf_text(&entry, 1, key);
    io_protobuf_text(&entry, 2, text);
    io_protobuf_message(file, 14, &entry);
}

/* ModelProto. */
static void put_model(struct exporting *e, const fcnn_save_options *options, struct io_protobuf *file)
{
    struct io_protobuf operators = {.count = 0};
    int64_t input[4] = {0}, output[4] = {0, e->info.c, e->info.h, e->info.w};
    fcnn_model_input(e->model, &input[2], &input[3], &input[1]);
    onnx_end(&e->graph, "model", input, output, e->flat ? 2 : 4);
    io_protobuf_int(file, 1, IR_VERSION);
    io_protobuf_text(file, 2, "libfastcnn");
    io_protobuf_text(file, 3, fcnn_version());
    io_protobuf_message(file, 7, &e->graph.graph);
    io_protobuf_text(&operators, 1, "");
    io_protobuf_int(&operators, 2, OPERATOR_SET);
    io_protobuf_message(file, 8, &operators);
    if (options->input_scale == 0 && options->input_offset == 0) return;
    put_metadata(file, "input_scale", options->input_scale);
    put_metadata(file, "input_offset", options->input_offset);
}

fcnn_status io_onnx_save(const fcnn_model *model, const char *path, const fcnn_save_options *options)
{
    struct exporting e = {.model = model, .path = path};
    struct io_protobuf file = {.count = 0};
    fcnn_status status = put_layers(&e);
    if (!status) put_model(&e, options, &file);
    if (!status && file.failed) status = no_memory(&e);
    if (!status && file.count > INT_MAX)
        status = fcnn_io_fail(FCNN_BAD_ARGUMENT, "%s: the model has more than the 2 GiB of a protocol buffer", path);
    if (!status) status = io_replace(path, &(struct io_piece){file.bytes, file.count}, 1);
    free(e.graph.node.bytes);
    free(e.graph.graph.bytes);
    free(file.bytes);
    return status;
}
