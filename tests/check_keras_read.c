/* SPDX-License-Identifier: BSD-2-Clause
 * What Keras' JSON says of layers and training, read as Keras means it. */
#include <check.h>
#include <jansson.h>
#include <string.h>

#include "lib/io/json.h"
#include "lib/io/keras.h"
#include "tests/keras_tests.h"
#include "tests/toy.h"

/* The members that are not at their defaults. */
static const struct { const char *text; fcnn_layer layer; } good[] = {
    {LAYER("Conv2D", ",\"filters\":4,\"kernel_size\":3"), {.kind = FCNN_LAYER_CONV2D, .units = 4, .r = 3, .s = 3}},
    {LAYER("Conv2D", ",\"filters\":4.0,\"kernel_size\":[3,2],\"strides\":[2,1],\"padding\":\"SAME\",\"use_bias\":false,"
                     "\"activation\":{\"class_name\":\"function\",\"config\":\"relu\"},\"groups\":2"),
     {.kind = FCNN_LAYER_CONV2D, .units = 4, .r = 3, .s = 2, .stride_h = 2, .padding = FCNN_PAD_SAME, .no_bias = 1,
      .groups = 2, .activation = FCNN_RELU_ACTIVATION}},
    {LAYER("DepthwiseConv2D", ",\"kernel_size\":[3,3],\"dtype\":{\"class_name\":\"DTypePolicy\",\"config\":"
                              "{\"name\":\"mixed_float16\"}},\"dilation_rate\":2"),
     {.kind = FCNN_LAYER_DEPTHWISE_CONV2D, .units = 1, .r = 3, .s = 3, .dilation_h = 2, .dilation_w = 2}},
    {LAYER("MaxPooling2D", ",\"pool_size\":[3,2],\"strides\":null"),
     {.kind = FCNN_LAYER_MAXPOOL2D, .r = 3, .s = 2, .stride_h = 3, .stride_w = 2}},
    {LAYER("ZeroPadding2D", ",\"padding\":[[1,2],[3,4]]"),
     {.kind = FCNN_LAYER_ZERO_PADDING2D, .pad_top = 1, .pad_bottom = 2, .pad_left = 3, .pad_right = 4}},
    {LAYER("ZeroPadding2D", ",\"padding\":[2,3]"),
     {.kind = FCNN_LAYER_ZERO_PADDING2D, .pad_top = 2, .pad_bottom = 2, .pad_left = 3, .pad_right = 3}},
    {LAYER("Dropout", ",\"rate\":0.5,\"noise_shape\":null,\"seed\":7"), {.kind = FCNN_LAYER_DROPOUT, .rate = 0.5f}},
    {LAYER("Rescaling", ",\"scale\":0.5,\"offset\":0"), {.kind = FCNN_LAYER_RESCALING, .scale = 0.5f}},
    {LAYER("ReLU", ",\"max_value\":null"), {.kind = FCNN_LAYER_ACTIVATION, .activation = FCNN_RELU_ACTIVATION}},
    {LAYER("ReLU", ",\"negative_slope\":" NUMPY("0.0") ",\"threshold\":" NUMPY("0") ",\"max_value\":"
                   NUMPY("null")),
     {.kind = FCNN_LAYER_ACTIVATION, .activation = FCNN_RELU_ACTIVATION}},
    {LAYER("Activation", ",\"activation\":{\"class_name\":\"ReLU\",\"config\":{\"max_value\":null}}"),
     {.kind = FCNN_LAYER_ACTIVATION, .activation = FCNN_RELU_ACTIVATION}},
    {LAYER("Activation", ",\"activation\":{\"class_name\":\"tanh\",\"config\":{}}"),
     {.kind = FCNN_LAYER_ACTIVATION, .activation = FCNN_TANH_ACTIVATION}},
    {LAYER("BatchNormalization", ",\"axis\":[3],\"momentum\":0.9,\"center\":false"),
     {.kind = FCNN_LAYER_BATCH_NORMALIZATION, .momentum = 0.9f, .epsilon = 1e-3f, .no_center = 1}},
};

START_TEST(layers_are_read_as_keras_means_them)
{
    fcnn_model *model;
    fcnn_layer found, expected;
    char text[1024];
    snprintf(text, sizeof text, MODEL("%s"), good[_i].text);
    IO_OK(keras_read_text(&model, text));
    OK(fcnn_model_layer_as_added(model, 0, &found));
    ck_assert_str_eq(found.name, "it");
    fcnn_model_destroy(model);
    OK(fcnn_model_create(&model, 8, 8, 2));
    OK(fcnn_add_layer(model, &good[_i].layer));
    OK(fcnn_model_layer_as_added(model, 0, &expected));
    found.name = expected.name = NULL;
    ck_assert(!memcmp(&found, &expected, sizeof found));
    fcnn_model_destroy(model);
}
END_TEST

START_TEST(vectors_and_images_without_channels)
{
    fcnn_model *model;
    int64_t h, w, c;
    IO_OK(keras_read_text(&model, "{\"class_name\":\"Sequential\",\"config\":[{\"class_name\":\"Flatten\",\"config\":"
                            "{\"batch_input_shape\":[null,28,28]}},{\"class_name\":\"Dense\",\"config\":"
                            "{\"name\":\"a/b\",\"units\":3,\"activation\":{\"class_name\":\"Softmax\",\"config\":"
                            "{\"axis\":-1}}}}]}"));
    OK(fcnn_model_input(model, &h, &w, &c));
    ck_assert(h == 28 && w == 28 && c == 1);
    fcnn_layer layer;
    OK(fcnn_model_layer_as_added(model, 1, &layer));
    ck_assert_str_eq(layer.name, "a_b");
    ck_assert_int_eq(layer.activation, FCNN_SOFTMAX_ACTIVATION);
    fcnn_model_destroy(model);
    IO_OK(keras_read_text(&model,
                          "{\"class_name\":\"Sequential\",\"config\":{\"build_input_shape\":[null,784],\"layers\":["
                            "{\"class_name\":\"Reshape\",\"config\":{\"target_shape\":[28,-1,1]}},"
                            "{\"class_name\":\"Conv2D\",\"config\":{\"filters\":2,\"kernel_size\":3}}]}}"));
    OK(fcnn_model_input(model, &h, &w, &c));
    ck_assert(h == 28 && w == 28 && c == 1 && fcnn_model_layers(model) == 1);
    fcnn_model_destroy(model);
    IO_FAILS(FCNN_BAD_DATA, "its input has 3 dimensions",
             keras_read_text(&model, "{\"class_name\":\"Sequential\",\"config\":[{\"class_name\":\"Dense\",\"config\":"
                               "{\"batch_input_shape\":[null,28,28],\"units\":3}}]}"));
}
END_TEST

static const struct { const char *text; fcnn_compile_options options; const char *sentence; } trainings[] = {
    {"{\"optimizer_config\":{\"class_name\":\"Custom>Adam\",\"config\":{\"learning_rate\":0.25,\"weight_decay\":null,"
     "\"use_ema\":false}},\"loss\":{\"out\":\"mse\"}}",
     {.learning_rate = 0.25f, .loss = FCNN_LOSS_MEAN_SQUARED_ERROR}, NULL},
    {"{\"optimizer\":{\"class_name\":\"SGD\",\"config\":{\"momentum\":0.5,\"nesterov\":true,\"learning_rate\":"
     "{\"class_name\":\"CosineDecay\",\"config\":{\"initial_learning_rate\":0.5,\"decay_steps\":9,\"alpha\":0.25}}}},"
     "\"loss\":[{\"class_name\":\"function\",\"config\":\"categorical_crossentropy\"}]}",
     {.optimizer = FCNN_OPTIMIZER_SGD, .momentum = 0.5f, .nesterov = 1, .learning_rate = 0.5f,
      .schedule = FCNN_SCHEDULE_COSINE, .schedule_steps = 9, .schedule_factor = 0.25,
      .loss = FCNN_LOSS_CATEGORICAL_CROSSENTROPY}, NULL},
    {"{\"optimizer\":\"rmsprop\",\"loss\":\"sparse_categorical_crossentropy\"}",
     {.optimizer = FCNN_OPTIMIZER_RMSPROP}, NULL},
    {"{\"optimizer\":\"Nadam\"}", {0}, "the optimizer Nadam"},
    {"{\"optimizer\":{\"class_name\":\"Adam\",\"config\":{\"amsgrad\":true}}}", {0}, "Adam: amsgrad"},
    {"{\"optimizer\":{\"class_name\":\"Adam\",\"config\":{\"decay\":0.1}}}", {0}, "Adam: decay"},
    {"{\"optimizer\":{\"class_name\":\"Adam\",\"config\":{\"epsilon\":0}}}", {0}, "epsilon is 0"},
    {"{\"optimizer\":{\"class_name\":\"Adam\",\"config\":{\"learning_rate\":{\"class_name\":\"Polynomial\"}}}}", {0},
     "schedule Polynomial"},
    {"{\"loss\":\"hinge\"}", {0}, "the loss hinge"},
};

START_TEST(training_is_read_as_keras_means_it)
{
    json_t *config;
    fcnn_compile_options options = {.seed = 77}, expected = trainings[_i].options;
    const char *text = trainings[_i].text;
    IO_OK(io_json_parse(&config, text, strlen(text), "t"));
    const fcnn_status status = io_keras_read_training(&options, config, "t");
    json_decref(config);
    expected.seed = 77;
    ck_assert_int_eq(status, trainings[_i].sentence ? FCNN_BAD_DATA : FCNN_OK);
    if (status) ck_assert_msg(strstr(fcnn_io_last_error(), trainings[_i].sentence) != NULL, "%s", fcnn_io_last_error());
    ck_assert(!memcmp(&options, &expected, sizeof options));
}
END_TEST

/* 1: of probabilities, 2: of logits. */
static const struct { const char *text; int binary; } losses[] = {
    {"{\"loss\":\"binary_crossentropy\"}", 1},
    {"{\"loss\":[\"bce\"]}", 1},
    {"{\"loss\":{\"class_name\":\"BinaryCrossentropy\",\"config\":{\"from_logits\":false}}}", 1},
    {"{\"loss\":{\"class_name\":\"BinaryCrossentropy\",\"config\":{\"from_logits\":true}}}", 2},
    {"{\"loss\":[{\"class_name\":\"BinaryCrossentropy\",\"config\":{\"from_logits\":true}}]}", 2},
    {"{\"loss\":{\"out\":{\"class_name\":\"BinaryCrossentropy\",\"config\":{\"from_logits\":true}}}}", 2},
    {"{\"loss\":\"mse\"}", 0},
    {"{\"loss\":[\"bce\",\"bce\"]}", 0},
    {"{}", 0},
};

START_TEST(binary_losses_are_known_wherever_they_stand)
{
    json_t *config;
    IO_OK(io_json_parse(&config, losses[_i].text, strlen(losses[_i].text), "t"));
    ck_assert_int_eq(io_keras_binary_loss(config), losses[_i].binary);
    json_decref(config);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("keras_read");
    keras_add(suite, "layers", layers_are_read_as_keras_means_them, COUNT(good));
    keras_add(suite, "ranks", vectors_and_images_without_channels, 1);
    keras_add(suite, "training", training_is_read_as_keras_means_it, COUNT(trainings));
    keras_add(suite, "losses", binary_losses_are_known_wherever_they_stand, COUNT(losses));
    return keras_run(suite);
}
