/* SPDX-License-Identifier: BSD-2-Clause
 * Kinds of layers: Keras' names, the members of fcnn_layer that each reads, their defaults and limits. */
#include "lib/net/net.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

enum reads {
    UNITS = 1,
    WINDOW = 2, /* r s stride padding */
    DILATION = 4,
    GROUPS = 8,
    BIAS = 16,
    ACTIVATION = 32,
    PADS = 64,
    RATE = 128,
    NORMALIZATION = 256,
    SCALE = 512,
    POOLS = 1024, /* a window of 2 x 2 and strides as wide as it by default */
};

static const struct kind {
    const char *class_name, *name;
    unsigned reads;
} kinds[] = {
    [FCNN_LAYER_CONV2D] = {"Conv2D", "conv2d", UNITS | WINDOW | DILATION | GROUPS | BIAS | ACTIVATION},
    [FCNN_LAYER_DEPTHWISE_CONV2D] = {"DepthwiseConv2D", "depthwise_conv2d",
                                     UNITS | WINDOW | DILATION | BIAS | ACTIVATION},
    [FCNN_LAYER_MAXPOOL2D] = {"MaxPooling2D", "max_pooling2d", WINDOW | POOLS},
    [FCNN_LAYER_AVGPOOL2D] = {"AveragePooling2D", "average_pooling2d", WINDOW | POOLS},
    [FCNN_LAYER_GLOBAL_AVGPOOL2D] = {"GlobalAveragePooling2D", "global_average_pooling2d", 0},
    [FCNN_LAYER_FLATTEN] = {"Flatten", "flatten", 0},
    [FCNN_LAYER_DENSE] = {"Dense", "dense", UNITS | BIAS | ACTIVATION},
    [FCNN_LAYER_ACTIVATION] = {"Activation", "activation", ACTIVATION},
    [FCNN_LAYER_DROPOUT] = {"Dropout", "dropout", RATE},
    [FCNN_LAYER_BATCH_NORMALIZATION] = {"BatchNormalization", "batch_normalization", NORMALIZATION},
    [FCNN_LAYER_ZERO_PADDING2D] = {"ZeroPadding2D", "zero_padding2d", PADS},
    [FCNN_LAYER_RESCALING] = {"Rescaling", "rescaling", SCALE},
};

#define KINDS (sizeof kinds / sizeof kinds[0])

const char *net_class_name(fcnn_layer_kind kind) { return kinds[kind].class_name; }
const char *net_base_name(fcnn_layer_kind kind) { return kinds[kind].name; }
int net_has_window(fcnn_layer_kind kind) { return (kinds[kind].reads & WINDOW) != 0; }

#define SIZE(member) #member, offsetof(fcnn_layer, member)
static const struct size {
    const char *name;
    size_t offset;
    unsigned reads;
    int64_t least;
} sizes[] = {
    {SIZE(units), UNITS, 1},         {SIZE(r), WINDOW, 1},          {SIZE(s), WINDOW, 1},
    {SIZE(stride_h), WINDOW, 1},     {SIZE(stride_w), WINDOW, 1},   {SIZE(dilation_h), DILATION, 1},
    {SIZE(dilation_w), DILATION, 1}, {SIZE(groups), GROUPS, 1},     {SIZE(pad_top), PADS, 0},
    {SIZE(pad_bottom), PADS, 0},     {SIZE(pad_left), PADS, 0},     {SIZE(pad_right), PADS, 0},
};
#define SIZES (sizeof sizes / sizeof sizes[0])

static int64_t *size_of(fcnn_layer *layer, size_t i) { return (int64_t *)(void *)((char *)layer + sizes[i].offset); }

/* The members that the kind reads, all others 0. */
static fcnn_layer keep_read(const fcnn_layer *given, unsigned reads)
{
    fcnn_layer from = *given, kept = {.kind = given->kind};
    for (size_t i = 0; i < SIZES; i++)
        if (reads & sizes[i].reads) *size_of(&kept, i) = *size_of(&from, i);
    if (reads & WINDOW) kept.padding = from.padding;
    if (reads & BIAS) kept.no_bias = from.no_bias != 0;
    if (reads & ACTIVATION) kept.activation = from.activation;
    if (reads & RATE) kept.rate = from.rate;
    if (reads & NORMALIZATION) {
        kept.epsilon = from.epsilon;
        kept.momentum = from.momentum;
        kept.no_scale = from.no_scale != 0;
        kept.no_center = from.no_center != 0;
    }
    if (reads & SCALE) {
        kept.scale = from.scale;
        kept.offset = from.offset;
    }
    return kept;
}

static void set_default(int64_t *size, int64_t value)
{
    if (*size == 0) *size = value;
}

static void fill_defaults(fcnn_layer *layer, unsigned reads)
{
    if (reads & POOLS && layer->r == 0 && layer->s == 0) layer->r = layer->s = 2;
    if (reads & WINDOW) {
        set_default(&layer->stride_h, reads & POOLS ? layer->r : 1);
        set_default(&layer->stride_w, reads & POOLS ? layer->s : 1);
        if (layer->padding == FCNN_PAD_EXPLICIT) layer->padding = FCNN_PAD_VALID;
    }
    if (reads & DILATION) {
        set_default(&layer->dilation_h, 1);
        set_default(&layer->dilation_w, 1);
    }
    if (reads & GROUPS) set_default(&layer->groups, 1);
    if (layer->kind == FCNN_LAYER_DEPTHWISE_CONV2D) set_default(&layer->units, 1);
    if (reads & NORMALIZATION) {
        if (layer->epsilon == 0) layer->epsilon = 1e-3f;
        if (layer->momentum == 0) layer->momentum = 0.99f;
    }
}

static fcnn_status check_sizes(fcnn_layer *layer, unsigned reads)
{
    for (size_t i = 0; i < SIZES; i++) {
        const int64_t value = *size_of(layer, i);
        if (reads & sizes[i].reads && (value < sizes[i].least || value > INT32_MAX))
            return fcnn_fail(FCNN_BAD_SHAPE, "%s of a %s layer is %lld; it must be at least %lld and below 2^31",
                             sizes[i].name, net_class_name(layer->kind), (long long)value, (long long)sizes[i].least);
    }
    return FCNN_OK;
}

static fcnn_status check_enums(const fcnn_layer *layer)
{
    if ((unsigned)layer->padding > FCNN_PAD_SAME)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "padding %d does not exist", (int)layer->padding);
    if ((unsigned)layer->activation > FCNN_SOFTMAX_ACTIVATION)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "activation %d does not exist", (int)layer->activation);
    return FCNN_OK;
}

static fcnn_status check_floats(const fcnn_layer *layer, unsigned reads)
{
    if (!(layer->rate >= 0 && layer->rate < 1))
        return fcnn_fail(FCNN_BAD_ARGUMENT, "rate is %g; it must be at least 0 and below 1", (double)layer->rate);
    if (!(layer->epsilon >= 0 && isfinite(layer->epsilon)))
        return fcnn_fail(FCNN_BAD_ARGUMENT, "epsilon is %g; it must be finite and at least 0", (double)layer->epsilon);
    if (!(layer->momentum >= 0 && layer->momentum <= 1))
        return fcnn_fail(FCNN_BAD_ARGUMENT, "momentum is %g; it must be between 0 and 1", (double)layer->momentum);
    if (reads & SCALE && (!isfinite(layer->scale) || !isfinite(layer->offset)))
        return fcnn_fail(FCNN_BAD_ARGUMENT, "scale is %g, offset %g; both must be finite", (double)layer->scale,
                         (double)layer->offset);
    if (reads & SCALE && layer->scale == 0 && layer->offset == 0)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "scale and offset are both 0: nothing would be left of the input");
    return FCNN_OK;
}

fcnn_status net_complete_layer(const fcnn_layer *given, fcnn_layer *complete)
{
    if (given->kind < FCNN_LAYER_CONV2D || (size_t)given->kind >= KINDS)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "kind %d of a layer does not exist", (int)given->kind);
    const unsigned reads = kinds[given->kind].reads;
    *complete = keep_read(given, reads);
    fill_defaults(complete, reads);
    NET_TRY(check_enums(complete));
    NET_TRY(check_floats(complete, reads));
    return check_sizes(complete, reads);
}
