/* SPDX-License-Identifier: BSD-2-Clause
 * Layers in Keras' JSON, read: one function for each class, in a table. */
#include "lib/io/keras_layers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lib/io/fail.h"
#include "lib/io/keras.h"

#define MOST_SIZE INT32_MAX

/* ---- members that several classes have ---- */

static fcnn_status lacks(const struct io_members *m, const char *key)
{
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: this %s is not in this library", m->where, key);
}

static fcnn_status refuse_flag(const struct io_members *m, const char *key)
{
    int value = 0;
    IO_TRY(io_get_bool(m, key, &value));
    return value ? lacks(m, key) : FCNN_OK;
}

static fcnn_status read_negated(const struct io_members *m, const char *key, int *absent)
{
    int present = 1;
    IO_TRY(io_get_bool(m, key, &present));
    *absent = !present;
    return FCNN_OK;
}

static fcnn_status check_data_format(const struct io_members *m)
{
    const char *format = "channels_last";
    IO_TRY(io_get_text(m, "data_format", &format));
    if (!strcmp(format, "channels_last")) return FCNN_OK;
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: data_format is %.40s; channels_last is read", m->where, format);
}

const char *io_keras_dtype(const json_t *dtype)
{
    return json_string_value(json_is_object(dtype) ? io_get(io_get(dtype, "config"), "name") : dtype);
}

/* Mixed ones keep float32 weights. */
static fcnn_status check_dtype(const struct io_members *m)
{
    const json_t *dtype = io_get(m->object, "dtype");
    const char *name = io_keras_dtype(dtype);
    if (!dtype || (name && (!strcmp(name, "float32") || !strcmp(name, "mixed_float16") ||
                            !strcmp(name, "mixed_bfloat16"))))
        return FCNN_OK;
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: dtype is %.40s; float32 is read", m->where, name ? name : "no text");
}

static fcnn_status read_padding(const struct io_members *m, fcnn_padding *padding)
{
    const char *text = "valid";
    IO_TRY(io_get_text(m, "padding", &text));
    *padding = !strcasecmp(text, "same") ? FCNN_PAD_SAME : FCNN_PAD_VALID;
    if (*padding == FCNN_PAD_SAME || !strcasecmp(text, "valid")) return FCNN_OK;
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: padding is %.40s; valid and same are read", m->where, text);
}

/* ---- activations ---- */

static fcnn_status read_relu(const struct io_members *m, fcnn_layer *layer)
{
    double slope = 0, threshold = 0, most = INFINITY;
    layer->activation = FCNN_RELU_ACTIVATION;
    IO_TRY(io_get_double(m, "max_value", &most));
    IO_TRY(io_get_double(m, "negative_slope", &slope));
    IO_TRY(io_get_double(m, "threshold", &threshold));
    if (isfinite(most)) return lacks(m, "max_value");
    if (slope != 0) return lacks(m, "negative_slope");
    return threshold == 0 ? FCNN_OK : lacks(m, "threshold");
}

/* An axis that is a number or a list of one. 0: the last one of either kind of input. */
static int is_last_axis(const json_t *axis, int flat)
{
    if (!axis) return 1;
    if (json_is_array(axis)) axis = json_array_size(axis) == 1 ? json_array_get(axis, 0) : NULL;
    if (!json_is_integer(axis)) return 0;
    const json_int_t value = json_integer_value(axis);
    return value == -1 || value == (flat ? 1 : 3);
}

static fcnn_status check_axis(const struct io_members *m, int flat)
{
    return is_last_axis(io_get(m->object, "axis"), flat) ? FCNN_OK : lacks(m, "axis");
}

static fcnn_status read_softmax(const struct io_members *m, fcnn_layer *layer)
{
    (void)m;
    layer->activation = FCNN_SOFTMAX_ACTIVATION;
    return FCNN_OK;
}

static fcnn_status find_activation(const struct io_members *m, const char *name, fcnn_activation *activation)
{
    static const struct { const char *name; fcnn_activation activation; } known[] = {
        {"linear", FCNN_LINEAR}, {"relu", FCNN_RELU_ACTIVATION}, {"sigmoid", FCNN_SIGMOID_ACTIVATION},
        {"tanh", FCNN_TANH_ACTIVATION}, {"softmax", FCNN_SOFTMAX_ACTIVATION}, {"softmax_v2", FCNN_SOFTMAX_ACTIVATION},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(name, known[i].name)) {
            *activation = known[i].activation;
            return FCNN_OK;
        }
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: the activation %.40s is not in this library", m->where, name);
}

/* A layer in the place of an activation, with the layer's settings. */
static fcnn_status read_activation_class(const struct io_members *m, const json_t *object, fcnn_activation *activation)
{
    const struct io_members config = {io_get(object, "config"), m->where};
    const char *name = io_keras_class(object);
    const int softmax = !strcmp(name, "Softmax");
    fcnn_layer layer = {0};
    if (!softmax && strcmp(name, "ReLU") != 0) return find_activation(m, name, activation);
    if (softmax) IO_TRY(check_axis(&config, 0));
    IO_TRY(softmax ? read_softmax(&config, &layer) : read_relu(&config, &layer));
    *activation = layer.activation;
    return FCNN_OK;
}

/* A name; or an object around a function's name, or around a class and its settings. */
static fcnn_status read_activation(const struct io_members *m, fcnn_activation *activation)
{
    const json_t *value = io_get(m->object, "activation");
    if (!value) return FCNN_OK;
    const char *name = json_string_value(value);
    if (!name) name = json_string_value(io_get(value, "config"));
    if (name) return find_activation(m, name, activation);
    if (*io_keras_class(value)) return read_activation_class(m, value, activation);
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: activation is no name", m->where);
}

/* ---- classes ---- */

static fcnn_status read_convolution(const struct io_members *m, fcnn_layer *layer)
{
    const int depthwise = layer->kind == FCNN_LAYER_DEPTHWISE_CONV2D;
    const char *size = depthwise ? "depth_multiplier" : "filters";
    layer->units = depthwise;
    IO_TRY(check_data_format(m));
    IO_TRY(io_get_int(m, size, 1, MOST_SIZE, &layer->units));
    IO_TRY(io_get_pair(m, "kernel_size", 1, MOST_SIZE, &layer->r, &layer->s));
    if (!layer->units || !layer->r)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: %s is missing", m->where, layer->units ? "kernel_size" : size);
    IO_TRY(io_get_pair(m, "strides", 1, MOST_SIZE, &layer->stride_h, &layer->stride_w));
    IO_TRY(io_get_pair(m, "dilation_rate", 1, MOST_SIZE, &layer->dilation_h, &layer->dilation_w));
    if (!depthwise) IO_TRY(io_get_int(m, "groups", 1, MOST_SIZE, &layer->groups));
    IO_TRY(read_padding(m, &layer->padding));
    IO_TRY(read_negated(m, "use_bias", &layer->no_bias));
    return read_activation(m, &layer->activation);
}

static fcnn_status read_pooling(const struct io_members *m, fcnn_layer *layer)
{
    layer->r = layer->s = 2;
    IO_TRY(check_data_format(m));
    IO_TRY(io_get_pair(m, "pool_size", 1, MOST_SIZE, &layer->r, &layer->s));
    IO_TRY(io_get_pair(m, "strides", 1, MOST_SIZE, &layer->stride_h, &layer->stride_w));
    return read_padding(m, &layer->padding);
}

static fcnn_status read_shape_only(const struct io_members *m, fcnn_layer *layer)
{
    (void)layer;
    return check_data_format(m);
}

static fcnn_status read_dense(const struct io_members *m, fcnn_layer *layer)
{
    IO_TRY(io_get_int(m, "units", 1, MOST_SIZE, &layer->units));
    if (!layer->units) return fcnn_io_fail(FCNN_BAD_DATA, "%s: units is missing", m->where);
    IO_TRY(read_negated(m, "use_bias", &layer->no_bias));
    return read_activation(m, &layer->activation);
}

static fcnn_status read_activation_layer(const struct io_members *m, fcnn_layer *layer)
{
    return read_activation(m, &layer->activation);
}

static fcnn_status read_dropout(const struct io_members *m, fcnn_layer *layer)
{
    double rate = 0;
    IO_TRY(io_get_double(m, "rate", &rate));
    IO_TRY(io_get_double(m, "p", &rate)); /* Keras 1 */
    if (io_get(m->object, "noise_shape")) return lacks(m, "noise_shape");
    if (!(rate >= 0 && rate < 1)) return fcnn_io_fail(FCNN_BAD_DATA, "%s: rate is %g", m->where, rate);
    layer->rate = (float)rate;
    return FCNN_OK;
}

static fcnn_status read_positive(const struct io_members *m, const char *key, float *value)
{
    double number = 1;
    if (!io_get(m->object, key)) return FCNN_OK;
    IO_TRY(io_get_double(m, key, &number));
    *value = (float)number;
    if (*value > 0 && isfinite(*value)) return FCNN_OK;
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: %s is %g; expected more than 0", m->where, key, number);
}

static fcnn_status read_normalization(const struct io_members *m, fcnn_layer *layer)
{
    IO_TRY(refuse_flag(m, "renorm"));
    if (io_get(m->object, "virtual_batch_size")) return lacks(m, "virtual_batch_size");
    IO_TRY(read_positive(m, "epsilon", &layer->epsilon));
    IO_TRY(read_positive(m, "momentum", &layer->momentum));
    IO_TRY(read_negated(m, "center", &layer->no_center));
    return read_negated(m, "scale", &layer->no_scale);
}

static int read_side(const json_t *side, int64_t *before, int64_t *after)
{
    const json_t *first = json_array_get(side, 0), *second = json_array_get(side, 1);
    *before = json_integer_value(first);
    *after = json_integer_value(second);
    return json_array_size(side) == 2 && json_is_integer(first) && json_is_integer(second) && *before >= 0 &&
           *after >= 0 && *before <= MOST_SIZE && *after <= MOST_SIZE;
}

/* 1, [1, 2] or [[1, 2], [3, 4]] */
static fcnn_status read_zero_padding(const struct io_members *m, fcnn_layer *layer)
{
    const json_t *padding = io_get(m->object, "padding"), *rows = json_array_get(padding, 0);
    IO_TRY(check_data_format(m));
    if (!json_is_array(rows)) {
        layer->pad_top = layer->pad_left = 1;
        IO_TRY(io_get_pair(m, "padding", 0, MOST_SIZE, &layer->pad_top, &layer->pad_left));
        layer->pad_bottom = layer->pad_top;
        layer->pad_right = layer->pad_left;
        return FCNN_OK;
    }
    if (json_array_size(padding) == 2 && read_side(rows, &layer->pad_top, &layer->pad_bottom) &&
        read_side(json_array_get(padding, 1), &layer->pad_left, &layer->pad_right))
        return FCNN_OK;
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: padding is not ((top, bottom), (left, right))", m->where);
}

/* A number; one for each channel is another layer. */
static fcnn_status read_rescaling(const struct io_members *m, fcnn_layer *layer)
{
    double scale = 1, offset = 0;
    IO_TRY(io_get_double(m, "scale", &scale));
    IO_TRY(io_get_double(m, "offset", &offset));
    layer->scale = (float)scale;
    layer->offset = (float)offset;
    if (isfinite(layer->scale) && isfinite(layer->offset)) return FCNN_OK;
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: scale %g, offset %g", m->where, scale, offset);
}

/* ---- the table ---- */

static const struct class {
    const char *name;
    fcnn_layer_kind kind;
    fcnn_status (*read)(const struct io_members *m, fcnn_layer *layer);
    int has_axis;
} classes[] = {
    {"Conv2D", FCNN_LAYER_CONV2D, read_convolution, 0},
    {"Convolution2D", FCNN_LAYER_CONV2D, read_convolution, 0},
    {"DepthwiseConv2D", FCNN_LAYER_DEPTHWISE_CONV2D, read_convolution, 0},
    {"MaxPooling2D", FCNN_LAYER_MAXPOOL2D, read_pooling, 0},
    {"MaxPool2D", FCNN_LAYER_MAXPOOL2D, read_pooling, 0},
    {"AveragePooling2D", FCNN_LAYER_AVGPOOL2D, read_pooling, 0},
    {"AvgPool2D", FCNN_LAYER_AVGPOOL2D, read_pooling, 0},
    {"GlobalAveragePooling2D", FCNN_LAYER_GLOBAL_AVGPOOL2D, read_shape_only, 0},
    {"Flatten", FCNN_LAYER_FLATTEN, read_shape_only, 0},
    {"Dense", FCNN_LAYER_DENSE, read_dense, 0},
    {"Activation", FCNN_LAYER_ACTIVATION, read_activation_layer, 0},
    {"ReLU", FCNN_LAYER_ACTIVATION, read_relu, 0},
    {"Softmax", FCNN_LAYER_ACTIVATION, read_softmax, 1},
    {"Dropout", FCNN_LAYER_DROPOUT, read_dropout, 0},
    {"BatchNormalization", FCNN_LAYER_BATCH_NORMALIZATION, read_normalization, 1},
    {"BatchNormalizationV1", FCNN_LAYER_BATCH_NORMALIZATION, read_normalization, 1},
    {"ZeroPadding2D", FCNN_LAYER_ZERO_PADDING2D, read_zero_padding, 0},
    {"Rescaling", FCNN_LAYER_RESCALING, read_rescaling, 0},
};

static fcnn_status unknown(const struct io_members *m, const char *name)
{
    if (!strcmp(name, "Lambda"))
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: a Lambda layer is a program of its own, which is never run", m->where);
    if (!strcmp(name, "Sequential") || !strcmp(name, "Functional") || !strcmp(name, "Model"))
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: models within models are not read", m->where);
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: layers of this class are not in this library", m->where);
}

fcnn_status io_keras_read_layer(fcnn_layer *layer, const struct io_members *m, const char *class_name, int flat)
{
    *layer = (fcnn_layer){0};
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (strcmp(class_name, classes[i].name) != 0) continue;
        layer->kind = classes[i].kind;
        IO_TRY(check_dtype(m));
        if (classes[i].has_axis) IO_TRY(check_axis(m, flat));
        return classes[i].read(m, layer);
    }
    return unknown(m, class_name);
}
