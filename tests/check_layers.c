/* SPDX-License-Identifier: BSD-2-Clause
 * Every kind of layer: shapes by Keras' arithmetic, names, what is fused, as added and added again, bad members. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/net/net.h"
#include "tests/suite.h"
#include "tests/toy.h"

/* The failure names a member. */
#define NAMES(expected, text, call)                                                                                    \
    do {                                                                                                               \
        FAILS(expected, call);                                                                                         \
        ck_assert_msg(strstr(fcnn_last_error(), text) != NULL, "%s is not in: %s", text, fcnn_last_error());           \
    } while (0)

static fcnn_model *create(int64_t h, int64_t w, int64_t c)
{
    fcnn_model *model;
    OK(fcnn_model_create(&model, h, w, c));
    return model;
}

static fcnn_layer_info added(fcnn_model *model, const fcnn_layer *layer)
{
    fcnn_layer_info info;
    OK(fcnn_add_layer(model, layer));
    OK(fcnn_model_layer(model, fcnn_model_layers(model) - 1, &info));
    return info;
}

/* ---- shapes ---- */

static const struct shape_case {
    fcnn_layer layer;
    int64_t h, w, c, weights, bias; /* of an input of 11 x 14 x 6 */
} shapes[] = {
    {{.kind = FCNN_LAYER_CONV2D, .units = 8, .r = 3, .s = 5}, 9, 10, 8, 3 * 5 * 6 * 8, 8},
    {{.kind = FCNN_LAYER_CONV2D, .units = 8, .r = 3, .s = 3, .padding = FCNN_PAD_SAME}, 11, 14, 8, 9 * 6 * 8, 8},
    {{.kind = FCNN_LAYER_CONV2D, .units = 8, .r = 3, .s = 3, .stride_h = 2, .stride_w = 3, .padding = FCNN_PAD_SAME},
     6, 5, 8, 9 * 6 * 8, 8},
    {{.kind = FCNN_LAYER_CONV2D, .units = 8, .r = 3, .s = 3, .stride_h = 2, .stride_w = 3, .no_bias = 1},
     5, 4, 8, 9 * 6 * 8, 0},
    {{.kind = FCNN_LAYER_CONV2D, .units = 8, .r = 3, .s = 3, .dilation_h = 2, .dilation_w = 3}, 7, 8, 8, 9 * 6 * 8, 8},
    {{.kind = FCNN_LAYER_CONV2D, .units = 9, .r = 2, .s = 2, .groups = 3}, 10, 13, 9, 4 * 2 * 9, 9},
    {{.kind = FCNN_LAYER_DEPTHWISE_CONV2D, .units = 2, .r = 3, .s = 3}, 9, 12, 12, 9 * 6 * 2, 12},
    {{.kind = FCNN_LAYER_DEPTHWISE_CONV2D, .r = 3, .s = 3, .stride_h = 2, .stride_w = 2, .padding = FCNN_PAD_SAME},
     6, 7, 6, 9 * 6, 6},
    {{.kind = FCNN_LAYER_MAXPOOL2D}, 5, 7, 6, 0, 0},
    {{.kind = FCNN_LAYER_MAXPOOL2D, .padding = FCNN_PAD_SAME}, 6, 7, 6, 0, 0},
    {{.kind = FCNN_LAYER_MAXPOOL2D, .r = 3, .s = 2, .stride_h = 1, .stride_w = 3}, 9, 5, 6, 0, 0},
    {{.kind = FCNN_LAYER_AVGPOOL2D, .r = 3, .s = 3, .padding = FCNN_PAD_SAME}, 4, 5, 6, 0, 0},
    {{.kind = FCNN_LAYER_AVGPOOL2D, .r = 3, .s = 3, .stride_h = 2, .stride_w = 2}, 5, 6, 6, 0, 0},
    {{.kind = FCNN_LAYER_GLOBAL_AVGPOOL2D}, 1, 1, 6, 0, 0},
    {{.kind = FCNN_LAYER_FLATTEN}, 1, 1, 11 * 14 * 6, 0, 0},
    {{.kind = FCNN_LAYER_ACTIVATION, .activation = FCNN_RELU_ACTIVATION}, 11, 14, 6, 0, 0},
    {{.kind = FCNN_LAYER_ACTIVATION}, 11, 14, 6, 0, 0},
    {{.kind = FCNN_LAYER_ZERO_PADDING2D, .pad_top = 1, .pad_bottom = 2, .pad_left = 3}, 14, 17, 6, 0, 0},
    {{.kind = FCNN_LAYER_ZERO_PADDING2D}, 11, 14, 6, 0, 0},
    {{.kind = FCNN_LAYER_RESCALING, .scale = 1 / 255.0f}, 11, 14, 6, 0, 0},
};

START_TEST(shapes_are_keras)
{
    const struct shape_case *wanted = &shapes[_i];
    fcnn_model *model = create(11, 14, 6);
    const fcnn_layer_info info = added(model, &wanted->layer);
    ck_assert(info.in_h == 11 && info.in_w == 14 && info.in_c == 6);
    ck_assert_msg(info.h == wanted->h && info.w == wanted->w && info.c == wanted->c, "case %d: %dx%dx%d", _i,
                  (int)info.h, (int)info.w, (int)info.c);
    ck_assert(info.weights == wanted->weights && info.bias == wanted->bias);
    ck_assert(info.kind == wanted->layer.kind);
    ck_assert_int_eq(fcnn_model_parameters(model), wanted->weights + wanted->bias + 2 * info.moving);
    fcnn_model_destroy(model);
}
END_TEST

/* ---- as added ---- */

static void same_layer(const fcnn_layer *a, const fcnn_layer *b)
{
    ck_assert_str_eq(a->name, b->name);
    ck_assert(a->kind == b->kind && a->units == b->units && a->r == b->r && a->s == b->s);
    ck_assert(a->stride_h == b->stride_h && a->stride_w == b->stride_w && a->dilation_h == b->dilation_h);
    ck_assert(a->dilation_w == b->dilation_w && a->groups == b->groups && a->padding == b->padding);
    ck_assert(a->pad_top == b->pad_top && a->pad_bottom == b->pad_bottom && a->pad_left == b->pad_left);
    ck_assert(a->pad_right == b->pad_right && a->no_bias == b->no_bias && a->activation == b->activation);
    ck_assert(a->rate == b->rate && a->epsilon == b->epsilon && a->momentum == b->momentum);
    ck_assert(a->no_scale == b->no_scale && a->no_center == b->no_center);
    ck_assert(a->scale == b->scale && a->offset == b->offset);
}

START_TEST(layers_as_added_make_the_same_layers)
{
    fcnn_model *model = create(11, 14, 6), *again = create(11, 14, 6);
    fcnn_layer first, second;
    fcnn_layer_info info[2];
    int64_t h, w, c;
    OK(fcnn_add_layer(model, &shapes[_i].layer));
    OK(fcnn_model_layer_as_added(model, 0, &first));
    OK(fcnn_add_layer(again, &first));
    OK(fcnn_model_layer_as_added(again, 0, &second));
    same_layer(&first, &second);
    OK(fcnn_model_layer(model, 0, &info[0]));
    OK(fcnn_model_layer(again, 0, &info[1]));
    ck_assert(info[0].h == info[1].h && info[0].w == info[1].w && info[0].c == info[1].c);
    ck_assert(info[0].weights == info[1].weights && info[0].bias == info[1].bias);
    OK(fcnn_model_input(model, &h, &w, &c));
    ck_assert(h == 11 && w == 14 && c == 6);
    FAILS(FCNN_BAD_ARGUMENT, fcnn_model_layer_as_added(model, 1, &first));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_model_input(model, &h, NULL, &c));
    fcnn_model_destroy(model);
    fcnn_model_destroy(again);
}
END_TEST

START_TEST(defaults_are_filled_in)
{
    fcnn_model *model = create(8, 8, 2);
    fcnn_layer layer;
    OK(fcnn_add_layer(model, &(fcnn_layer){.kind = FCNN_LAYER_CONV2D, .units = 4, .r = 3, .s = 3, .rate = 0.5f}));
    OK(fcnn_model_layer_as_added(model, 0, &layer));
    ck_assert(layer.stride_h == 1 && layer.stride_w == 1 && layer.dilation_h == 1 && layer.dilation_w == 1);
    ck_assert(layer.groups == 1 && layer.padding == FCNN_PAD_VALID);
    ck_assert(layer.rate == 0); /* no convolution has one */
    OK(fcnn_add_layer(model, &(fcnn_layer){.kind = FCNN_LAYER_AVGPOOL2D, .r = 3, .s = 2}));
    OK(fcnn_model_layer_as_added(model, 1, &layer));
    ck_assert(layer.stride_h == 3 && layer.stride_w == 2);
    fcnn_model_destroy(model);
}
END_TEST

START_TEST(names_are_given_or_counted)
{
    fcnn_model *model = create(8, 8, 2);
    char name[140] = "dense"; /* the model keeps a copy */
    const fcnn_layer dense = {.kind = FCNN_LAYER_DENSE, .units = 3};
    fcnn_layer named = dense;
    named.name = name;
    OK(fcnn_add_flatten(model));
    ck_assert_str_eq(added(model, &named).name, "dense");
    memset(name, 'x', sizeof name);
    ck_assert_str_eq(added(model, &dense).name, "dense_1"); /* "dense" is taken */
    NAMES(FCNN_BAD_ARGUMENT, "name", fcnn_add_layer(model, &named)); /* 140 bytes, no end within the limit */
    name[127] = 0;
    ck_assert_str_eq(added(model, &named).name, name);
    NAMES(FCNN_BAD_ARGUMENT, "already", fcnn_add_layer(model, &named));
    strcpy(name, "a/b");
    NAMES(FCNN_BAD_ARGUMENT, "'/'", fcnn_add_layer(model, &named));
    name[0] = 0;
    NAMES(FCNN_BAD_ARGUMENT, "name", fcnn_add_layer(model, &named));
    ck_assert_str_eq(added(model, &dense).name, "dense_2");
    ck_assert_int_eq(fcnn_model_layers(model), 5);
    fcnn_model_destroy(model);
}
END_TEST

/* ---- bad members ---- */

static const struct bad {
    fcnn_layer layer;
    fcnn_status status;
    const char *says;
} bad[] = {
    {{.kind = 0}, FCNN_BAD_ARGUMENT, "kind 0"},
    {{.kind = (fcnn_layer_kind)99}, FCNN_BAD_ARGUMENT, "kind 99"},
    {{.kind = FCNN_LAYER_CONV2D, .r = 3, .s = 3}, FCNN_BAD_SHAPE, "units"},
    {{.kind = FCNN_LAYER_CONV2D, .units = 4, .s = 3}, FCNN_BAD_SHAPE, "r of"},
    {{.kind = FCNN_LAYER_CONV2D, .units = 4, .r = 3, .s = -1}, FCNN_BAD_SHAPE, "s of"},
    {{.kind = FCNN_LAYER_CONV2D, .units = 4, .r = 3, .s = 3, .stride_w = -2}, FCNN_BAD_SHAPE, "stride_w"},
    {{.kind = FCNN_LAYER_CONV2D, .units = 4, .r = 3, .s = 3, .dilation_h = -2}, FCNN_BAD_SHAPE, "dilation_h"},
    {{.kind = FCNN_LAYER_CONV2D, .units = 4, .r = 3, .s = 3, .groups = 4}, FCNN_BAD_SHAPE, "groups"},
    {{.kind = FCNN_LAYER_CONV2D, .units = 4, .r = 3, .s = 3, .padding = (fcnn_padding)7}, FCNN_BAD_ARGUMENT, "padding"},
    {{.kind = FCNN_LAYER_CONV2D, .units = 4, .r = 3, .s = 3, .activation = (fcnn_activation)9}, FCNN_BAD_ARGUMENT,
     "activation"},
    {{.kind = FCNN_LAYER_CONV2D, .units = 4, .r = 3, .s = 3, .activation = FCNN_SOFTMAX_ACTIVATION}, FCNN_BAD_SHAPE,
     "softmax"},
    {{.kind = FCNN_LAYER_CONV2D, .units = 4, .r = 12, .s = 3}, FCNN_BAD_SHAPE, "window"},
    {{.kind = FCNN_LAYER_CONV2D, .units = INT64_MAX, .r = 3, .s = 3}, FCNN_BAD_SHAPE, "units"},
    {{.kind = FCNN_LAYER_DEPTHWISE_CONV2D, .units = -1, .r = 3, .s = 3}, FCNN_BAD_SHAPE, "units"},
    {{.kind = FCNN_LAYER_DEPTHWISE_CONV2D, .units = INT32_MAX, .r = 3, .s = 3}, FCNN_BAD_SHAPE, "k ("},
    {{.kind = FCNN_LAYER_MAXPOOL2D, .r = 2}, FCNN_BAD_SHAPE, "s of"},
    {{.kind = FCNN_LAYER_AVGPOOL2D, .r = 20, .s = 1}, FCNN_BAD_SHAPE, "window"},
    {{.kind = FCNN_LAYER_DENSE, .units = 3, .activation = FCNN_SOFTMAX_ACTIVATION}, FCNN_BAD_SHAPE,
     "softmax takes a flat"},
    {{.kind = FCNN_LAYER_DROPOUT, .rate = 1}, FCNN_BAD_ARGUMENT, "rate"},
    {{.kind = FCNN_LAYER_DROPOUT, .rate = NAN}, FCNN_BAD_ARGUMENT, "rate"},
    {{.kind = FCNN_LAYER_BATCH_NORMALIZATION, .epsilon = -1}, FCNN_BAD_ARGUMENT, "epsilon"},
    {{.kind = FCNN_LAYER_BATCH_NORMALIZATION, .momentum = 2}, FCNN_BAD_ARGUMENT, "momentum"},
    {{.kind = FCNN_LAYER_ZERO_PADDING2D, .pad_left = -1}, FCNN_BAD_SHAPE, "pad_left"},
    {{.kind = FCNN_LAYER_ZERO_PADDING2D, .pad_top = INT32_MAX}, FCNN_BAD_SHAPE, "rows"},
    {{.kind = FCNN_LAYER_RESCALING, .scale = 0}, FCNN_BAD_ARGUMENT, "scale"},
    {{.kind = FCNN_LAYER_RESCALING, .scale = 1, .offset = INFINITY}, FCNN_BAD_ARGUMENT, "offset"},
    {{.kind = FCNN_LAYER_FLATTEN, .name = "a/b"}, FCNN_BAD_ARGUMENT, "a/b"},
    {{.kind = FCNN_LAYER_FLATTEN, .name = ".."}, FCNN_BAD_ARGUMENT, "'.'"},
    {{.kind = FCNN_LAYER_FLATTEN, .name = "caf\xe9"}, FCNN_BAD_ARGUMENT, "UTF-8"},
    {{.kind = FCNN_LAYER_FLATTEN, .name = "\xed\xa0\x80"}, FCNN_BAD_ARGUMENT, "UTF-8"}, /* half a surrogate */
    {{.kind = FCNN_LAYER_FLATTEN, .name = "\xc0\x80"}, FCNN_BAD_ARGUMENT, "UTF-8"},
};

START_TEST(bad_members_are_named_and_change_nothing)
{
    fcnn_model *model = create(11, 14, 6);
    NAMES(bad[_i].status, bad[_i].says, fcnn_add_layer(model, &bad[_i].layer));
    ck_assert_int_eq(fcnn_model_layers(model), 0);
    ck_assert_int_eq(fcnn_model_parameters(model), 0);
    ck_assert_int_eq(added(model, &(fcnn_layer){.kind = FCNN_LAYER_GLOBAL_AVGPOOL2D}).in_w, 14);
    fcnn_model_destroy(model);
}
END_TEST

/* Dropping and flattening behind the last activation hide it from nobody. */
START_TEST(the_end_has_to_fit_the_loss)
{
    fcnn_model *model = create(1, 1, 6);
    OK(fcnn_add_dense(model, 3, FCNN_SIGMOID_ACTIVATION));
    OK(fcnn_add_layer(model, &(fcnn_layer){.kind = FCNN_LAYER_DROPOUT, .rate = 0.5f}));
    OK(fcnn_add_flatten(model));
    NAMES(FCNN_BAD_ARGUMENT, "linear or softmax", fcnn_compile(model, NULL));
    OK(fcnn_compile(model, &(fcnn_compile_options){.loss = FCNN_LOSS_MEAN_SQUARED_ERROR}));
    fcnn_model_destroy(model);
}
END_TEST

/* Large images can be rescaled: what is multiplied by is one number a channel. And a layer of more weights than kernels
 * can count is refused before there is memory for any. */
START_TEST(large_models_have_their_limits)
{
    fcnn_model *model = create(1200, 1200, 3);
    OK(fcnn_add_layer(model, &(fcnn_layer){.kind = FCNN_LAYER_RESCALING, .scale = 1 / 255.0f, .offset = -0.5f}));
    OK(fcnn_add_layer(model, &(fcnn_layer){.kind = FCNN_LAYER_GLOBAL_AVGPOOL2D}));
    OK(fcnn_add_dense(model, 65536, FCNN_LINEAR));
    OK(fcnn_add_dense(model, 65536, FCNN_LINEAR));
    NAMES(FCNN_BAD_SHAPE, "4294967296 weights", fcnn_compile(model, NULL));
    fcnn_model_destroy(model);
}
END_TEST

/* ---- what is fused ---- */

#define CONV(...) (fcnn_layer){.kind = FCNN_LAYER_CONV2D, .r = 3, .s = 3, .padding = FCNN_PAD_SAME, __VA_ARGS__}
#define RELU (fcnn_layer){.kind = FCNN_LAYER_ACTIVATION, .activation = FCNN_RELU_ACTIVATION}

/* How many lines run layers, of a model of up to three. */
static int lines(const fcnn_layer *layers, int count)
{
    fcnn_model *model = create(8, 8, 2);
    int last = -1;
    for (int i = 0; i < count; i++) {
        const int line = added(model, &layers[i]).line;
        last = line > last ? line : last;
    }
    fcnn_model_destroy(model);
    return last + 1;
}

START_TEST(relu_and_pooling_join_a_convolution)
{
    const fcnn_layer pool = {.kind = FCNN_LAYER_MAXPOOL2D}, same = {.kind = FCNN_LAYER_MAXPOOL2D,
                                                                     .padding = FCNN_PAD_SAME};
    const fcnn_layer strided = {.kind = FCNN_LAYER_MAXPOOL2D, .r = 2, .s = 2, .stride_h = 1, .stride_w = 2};
    const fcnn_layer linear = CONV(.units = 4), grouped = CONV(.units = 32, .groups = 2, .activation = 1),
                     narrow = CONV(.units = 16, .groups = 2, .activation = 1);
    ck_assert_int_eq(lines((fcnn_layer[]){linear, RELU, pool}, 3), 1);
    ck_assert_int_eq(lines((fcnn_layer[]){linear, RELU, same}, 3), 1); /* 8 x 8: no padding is needed */
    ck_assert_int_eq(lines((fcnn_layer[]){linear, RELU, strided}, 3), 2);
    ck_assert_int_eq(lines((fcnn_layer[]){linear, pool, RELU}, 3), 3);
    ck_assert_int_eq(lines((fcnn_layer[]){RELU, linear, RELU}, 3), 2);
    ck_assert_int_eq(lines((fcnn_layer[]){linear, RELU, RELU}, 3), 1); /* twice is once */
    ck_assert_int_eq(lines((fcnn_layer[]){grouped, pool}, 2), 1);
    ck_assert_int_eq(lines((fcnn_layer[]){narrow, pool}, 2), 2);
    ck_assert_int_eq(lines((fcnn_layer[]){{.kind = FCNN_LAYER_FLATTEN}, {.kind = FCNN_LAYER_DENSE, .units = 3}, RELU},
                           3), 1);
}
END_TEST

START_TEST(padding_joins_a_valid_convolution)
{
    const fcnn_layer pad = {.kind = FCNN_LAYER_ZERO_PADDING2D, .pad_top = 1, .pad_left = 2};
    const fcnn_layer same = CONV(.units = 4), valid = {.kind = FCNN_LAYER_CONV2D, .units = 4, .r = 3, .s = 3};
    ck_assert_int_eq(lines((fcnn_layer[]){pad, valid, RELU}, 3), 1);
    ck_assert_int_eq(lines((fcnn_layer[]){pad, same}, 2), 2);
    ck_assert_int_eq(lines((fcnn_layer[]){pad, RELU, valid}, 3), 3);
    fcnn_model *model = create(8, 8, 2);
    ck_assert_int_eq(added(model, &pad).h, 9);
    const fcnn_layer_info info = added(model, &valid);
    ck_assert(info.in_h == 9 && info.in_w == 10 && info.h == 7 && info.w == 8 && info.line == 0);
    fcnn_model_destroy(model);
}
END_TEST

/* Layers of their own or fused: one step of training has the same bits. */
static void train_spelling(int separate, float *weights, int64_t count)
{
    fcnn_model *model = create(14, 14, 2);
    const fcnn_activation fused = separate ? FCNN_LINEAR : FCNN_RELU_ACTIVATION;
    OK(fcnn_add_conv2d(model, 2, 1, 1, 1, FCNN_PAD_SAME, FCNN_LINEAR));
    OK(fcnn_add_layer(model, &(fcnn_layer){.kind = FCNN_LAYER_ZERO_PADDING2D, .pad_top = 1, .pad_right = 1}));
    if (separate) OK(fcnn_add_layer(model, &(fcnn_layer){.kind = FCNN_LAYER_ACTIVATION}));
    OK(fcnn_add_conv2d(model, 2, 2, 2, 1, FCNN_PAD_VALID, FCNN_LINEAR));
    OK(fcnn_add_conv2d(model, 5, 3, 3, 1, FCNN_PAD_SAME, fused));
    if (separate) OK(fcnn_add_layer(model, &RELU));
    OK(fcnn_add_maxpool2d(model, 2, 2));
    OK(fcnn_add_flatten(model));
    OK(fcnn_add_dense(model, 6, fused));
    if (separate) OK(fcnn_add_layer(model, &RELU));
    OK(fcnn_add_dense(model, TOY_CLASSES, separate ? FCNN_LINEAR : FCNN_SOFTMAX_ACTIVATION));
    if (separate)
        OK(fcnn_add_layer(model, &(fcnn_layer){.kind = FCNN_LAYER_ACTIVATION, .activation = FCNN_SOFTMAX_ACTIVATION}));
    NAMES(FCNN_BAD_ARGUMENT, "softmax", fcnn_add_flatten(model));
    OK(fcnn_compile(model, NULL));
    toy_step(model, 0, TOY_IMAGES);
    OK(fcnn_model_get_weights(model, weights, count));
    fcnn_model_destroy(model);
}

START_TEST(one_network_has_one_result_however_it_is_spelt)
{
    enum { COUNT = 4 + 2 + 16 + 2 + 90 + 5 + 49 * 5 * 6 + 6 + 18 + 3 };
    float together[COUNT], apart[COUNT];
    train_spelling(0, together, COUNT);
    train_spelling(1, apart, COUNT);
    ck_assert_int_eq(memcmp(together, apart, sizeof apart), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("layers");
    TCase *tests = tcase_create("layers");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, shapes_are_keras, 0, (int)(sizeof shapes / sizeof shapes[0]));
    tcase_add_loop_test(tests, layers_as_added_make_the_same_layers, 0, (int)(sizeof shapes / sizeof shapes[0]));
    tcase_add_test(tests, defaults_are_filled_in);
    tcase_add_test(tests, names_are_given_or_counted);
    tcase_add_loop_test(tests, bad_members_are_named_and_change_nothing, 0, (int)(sizeof bad / sizeof bad[0]));
    tcase_add_test(tests, the_end_has_to_fit_the_loss);
    tcase_add_test(tests, large_models_have_their_limits);
    tcase_add_test(tests, relu_and_pooling_join_a_convolution);
    tcase_add_test(tests, padding_joins_a_valid_convolution);
    tcase_add_test(tests, one_network_has_one_result_however_it_is_spelt);
    suite_add_tcase(suite, tests);
    toy_make_data();
    return run_suite(suite);
}
