/* SPDX-License-Identifier: BSD-2-Clause
 * Layers in Keras' JSON, written. */
#include "lib/io/json.h"
#include "lib/io/keras.h"

static const char *activation_name(fcnn_activation activation)
{
    switch (activation) {
    case FCNN_RELU_ACTIVATION: return "relu";
    case FCNN_SIGMOID_ACTIVATION: return "sigmoid";
    case FCNN_TANH_ACTIVATION: return "tanh";
    case FCNN_SOFTMAX_ACTIVATION: return "softmax";
    default: return "linear";
    }
}

static const char *class_of(fcnn_layer_kind kind)
{
    switch (kind) {
    case FCNN_LAYER_CONV2D: return "Conv2D";
    case FCNN_LAYER_DEPTHWISE_CONV2D: return "DepthwiseConv2D";
    case FCNN_LAYER_MAXPOOL2D: return "MaxPooling2D";
    case FCNN_LAYER_AVGPOOL2D: return "AveragePooling2D";
    case FCNN_LAYER_GLOBAL_AVGPOOL2D: return "GlobalAveragePooling2D";
    case FCNN_LAYER_FLATTEN: return "Flatten";
    case FCNN_LAYER_DENSE: return "Dense";
    case FCNN_LAYER_ACTIVATION: return "Activation";
    case FCNN_LAYER_DROPOUT: return "Dropout";
    case FCNN_LAYER_BATCH_NORMALIZATION: return "BatchNormalization";
    case FCNN_LAYER_ZERO_PADDING2D: return "ZeroPadding2D";
    case FCNN_LAYER_RESCALING: return "Rescaling";
    }
    return "";
}

/* ---- one layer; a member that cannot be made shows in *failed ---- */

static void put(json_t *config, const char *key, json_t *value, int *failed)
{
    *failed |= json_object_set_new(config, key, value);
}

static void put_pair(json_t *config, const char *key, int64_t a, int64_t b, int *failed)
{
    put(config, key, json_pack("[I,I]", (json_int_t)a, (json_int_t)b), failed);
}

static void put_activation(json_t *config, const fcnn_layer *layer, int *failed)
{
    put(config, "activation", json_string(activation_name(layer->activation)), failed);
}

static void put_padding(json_t *config, const fcnn_layer *layer, int *failed)
{
    put(config, "padding", json_string(layer->padding == FCNN_PAD_SAME ? "same" : "valid"), failed);
    put(config, "data_format", json_string("channels_last"), failed);
}

/* Groups and dilation came late to Keras: where they are 1 nothing is said of them. */
static void put_convolution(json_t *config, const fcnn_layer *layer, int *failed)
{
    const int depthwise = layer->kind == FCNN_LAYER_DEPTHWISE_CONV2D;
    put(config, depthwise ? "depth_multiplier" : "filters", json_integer(layer->units), failed);
    put_pair(config, "kernel_size", layer->r, layer->s, failed);
    put_pair(config, "strides", layer->stride_h, layer->stride_w, failed);
    if (layer->dilation_h > 1 || layer->dilation_w > 1)
        put_pair(config, "dilation_rate", layer->dilation_h, layer->dilation_w, failed);
    if (!depthwise && layer->groups > 1) put(config, "groups", json_integer(layer->groups), failed);
    put_padding(config, layer, failed);
    put(config, "use_bias", json_boolean(!layer->no_bias), failed);
    put_activation(config, layer, failed);
}

static void put_pooling(json_t *config, const fcnn_layer *layer, int *failed)
{
    put_pair(config, "pool_size", layer->r, layer->s, failed);
    put_pair(config, "strides", layer->stride_h, layer->stride_w, failed);
    put_padding(config, layer, failed);
}

static void put_normalization(json_t *config, const fcnn_layer *layer, int *failed)
{
    put(config, "axis", json_integer(-1), failed);
    put(config, "momentum", io_json_float(layer->momentum), failed);
    put(config, "epsilon", io_json_float(layer->epsilon), failed);
    put(config, "center", json_boolean(!layer->no_center), failed);
    put(config, "scale", json_boolean(!layer->no_scale), failed);
}

static void put_members(json_t *config, const fcnn_layer *layer, int *failed)
{
    switch (layer->kind) {
    case FCNN_LAYER_CONV2D:
    case FCNN_LAYER_DEPTHWISE_CONV2D: put_convolution(config, layer, failed); break;
    case FCNN_LAYER_MAXPOOL2D:
    case FCNN_LAYER_AVGPOOL2D: put_pooling(config, layer, failed); break;
    case FCNN_LAYER_GLOBAL_AVGPOOL2D:
        put(config, "data_format", json_string("channels_last"), failed);
        break;
    case FCNN_LAYER_FLATTEN: break;
    case FCNN_LAYER_DENSE:
        put(config, "units", json_integer(layer->units), failed);
        put(config, "use_bias", json_boolean(!layer->no_bias), failed);
        put_activation(config, layer, failed);
        break;
    case FCNN_LAYER_ACTIVATION: put_activation(config, layer, failed); break;
    case FCNN_LAYER_DROPOUT: put(config, "rate", io_json_float(layer->rate), failed); break;
    case FCNN_LAYER_BATCH_NORMALIZATION: put_normalization(config, layer, failed); break;
    case FCNN_LAYER_ZERO_PADDING2D:
        put(config, "padding",
            json_pack("[[I,I],[I,I]]", (json_int_t)layer->pad_top, (json_int_t)layer->pad_bottom,
                      (json_int_t)layer->pad_left, (json_int_t)layer->pad_right),
            failed);
        put(config, "data_format", json_string("channels_last"), failed);
        break;
    case FCNN_LAYER_RESCALING:
        put(config, "scale", io_json_float(layer->scale), failed);
        put(config, "offset", io_json_float(layer->offset), failed);
        break;
    }
}

/* ---- lists of them ---- */

/* `config` becomes the entry's. Keras 3's files say of each object where its class is. */
static json_t *entry_json(const char *class_name, json_t *config, int modern)
{
    if (!modern) return json_pack("{s:s, s:o}", "class_name", class_name, "config", config);
    return json_pack("{s:s, s:s, s:o, s:n}", "module", "keras.layers", "class_name", class_name, "config", config,
                     "registered_name");
}

/* Whether a dense layer comes and no layer that takes images alone: the input is a vector in Keras' eyes. */
static int is_flat(const fcnn_model *model)
{
    fcnn_layer layer = {0};
    int dense = 0;
    for (int i = 0; !fcnn_model_layer_as_added(model, i, &layer); i++)
        switch (layer.kind) {
        case FCNN_LAYER_DENSE: dense = 1; break;
        case FCNN_LAYER_FLATTEN: return dense;
        case FCNN_LAYER_ACTIVATION:
        case FCNN_LAYER_DROPOUT:
        case FCNN_LAYER_BATCH_NORMALIZATION:
        case FCNN_LAYER_RESCALING: break;
        default: return 0;
        }
    return dense;
}

static json_t *input_json(const fcnn_model *model, int modern)
{
    int64_t h = 0, w = 0, c = 0;
    fcnn_model_input(model, &h, &w, &c);
    json_t *shape = h == 1 && w == 1 && is_flat(model)
                        ? json_pack("[n,I]", (json_int_t)c)
                        : json_pack("[n,I,I,I]", (json_int_t)h, (json_int_t)w, (json_int_t)c);
    json_t *config = json_pack("{s:o, s:s, s:s}", modern ? "batch_shape" : "batch_input_shape", shape, "dtype",
                               "float32", "name", "input");
    return entry_json("InputLayer", config, modern);
}

static json_t *layer_json(const fcnn_model *model, int index, int modern)
{
    fcnn_layer layer = {0};
    fcnn_layer_info info = {0};
    int failed = 0;
    if (fcnn_model_layer_as_added(model, index, &layer) || fcnn_model_layer(model, index, &info)) return NULL;
    json_t *config = json_pack("{s:s, s:s}", "name", info.name, "dtype", "float32");
    put_members(config, &layer, &failed);
    if (!failed) return entry_json(class_of(layer.kind), config, modern);
    json_decref(config);
    return NULL;
}

static json_t *layers_json(const fcnn_model *model, int modern)
{
    json_t *layers = json_array();
    int failed = json_array_append_new(layers, input_json(model, modern));
    for (int i = 0; i < fcnn_model_layers(model) && !failed; i++)
        failed = json_array_append_new(layers, layer_json(model, i, modern));
    if (!failed) return layers;
    json_decref(layers);
    return NULL;
}

json_t *io_keras_model_config(const fcnn_model *model)
{
    return json_pack("{s:s, s:{s:s, s:o}}", "class_name", "Sequential", "config", "name", "sequential", "layers",
                     layers_json(model, 0));
}

json_t *io_keras3_config(const fcnn_model *model)
{
    return json_pack("{s:s, s:s, s:{s:s, s:o}, s:n, s:o}", "module", "keras", "class_name", "Sequential", "config",
                     "name", "sequential", "layers", layers_json(model, 1), "registered_name", "compile_config",
                     io_keras3_compile_config(model));
}
