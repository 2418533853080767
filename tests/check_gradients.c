/* SPDX-License-Identifier: BSD-2-Clause
 * A model with every kind of layer: its loss and the gradients of a training step against double, its moving averages,
 * and the same bits from any number of threads and on any instruction set. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/net/net.h"
#include "tests/plain.h"
#include "tests/suite.h"
#include "tests/toy.h"

#define SIDE   9
#define IMAGES 11
#define MOST   1024 /* parameters */

static float images[IMAGES * SIDE * SIDE * 2];

static const fcnn_layer every[] = {
    {.kind = FCNN_LAYER_RESCALING, .scale = 2, .offset = -0.5f},
    {.kind = FCNN_LAYER_BATCH_NORMALIZATION, .no_scale = 1, .no_center = 1},
    {.kind = FCNN_LAYER_ZERO_PADDING2D, .pad_top = 1, .pad_right = 2},
    {.kind = FCNN_LAYER_CONV2D, .units = 4, .r = 3, .s = 2, .no_bias = 1, .padding = FCNN_PAD_SAME},
    {.kind = FCNN_LAYER_BATCH_NORMALIZATION, .momentum = 0.75f},
    {.kind = FCNN_LAYER_ACTIVATION, .activation = FCNN_RELU_ACTIVATION},
    {.kind = FCNN_LAYER_DEPTHWISE_CONV2D, .units = 2, .r = 2, .s = 3, .dilation_w = 2,
     .activation = FCNN_TANH_ACTIVATION},
    {.kind = FCNN_LAYER_MAXPOOL2D, .r = 3, .s = 2, .stride_h = 2, .stride_w = 1, .padding = FCNN_PAD_SAME},
    {.kind = FCNN_LAYER_DROPOUT, .rate = 0.25f},
    {.kind = FCNN_LAYER_CONV2D, .units = 6, .r = 3, .s = 3, .stride_h = 1, .stride_w = 2, .groups = 2,
     .padding = FCNN_PAD_SAME, .activation = FCNN_RELU_ACTIVATION},
    {.kind = FCNN_LAYER_BATCH_NORMALIZATION, .no_center = 1, .epsilon = 0.01f},
    {.kind = FCNN_LAYER_CONV2D, .units = 5, .r = 1, .s = 1, .activation = FCNN_SIGMOID_ACTIVATION},
    {.kind = FCNN_LAYER_AVGPOOL2D, .r = 2, .s = 2, .stride_h = 1, .stride_w = 1, .padding = FCNN_PAD_SAME},
    {.kind = FCNN_LAYER_CONV2D, .units = 3, .r = 2, .s = 2, .padding = FCNN_PAD_SAME,
     .activation = FCNN_RELU_ACTIVATION},
    {.kind = FCNN_LAYER_MAXPOOL2D},
    {.kind = FCNN_LAYER_FLATTEN},
    {.kind = FCNN_LAYER_DENSE, .units = 4},
    {.kind = FCNN_LAYER_BATCH_NORMALIZATION, .no_scale = 1},
    {.kind = FCNN_LAYER_ACTIVATION, .activation = FCNN_TANH_ACTIVATION},
    {.kind = FCNN_LAYER_DROPOUT, .rate = 0.5f},
    {.kind = FCNN_LAYER_DENSE, .units = 3, .activation = FCNN_SOFTMAX_ACTIVATION},
};

/* The same without batch normalization, ending with global pooling. */
static const fcnn_layer pooled[] = {
    {.kind = FCNN_LAYER_CONV2D, .units = 4, .r = 3, .s = 3, .activation = FCNN_TANH_ACTIVATION},
    {.kind = FCNN_LAYER_DROPOUT, .rate = 0.5f},
    {.kind = FCNN_LAYER_RESCALING, .scale = -1.5f, .offset = 0.25f},
    {.kind = FCNN_LAYER_ZERO_PADDING2D, .pad_bottom = 2, .pad_left = 1},
    {.kind = FCNN_LAYER_CONV2D, .units = 3, .r = 3, .s = 3},
    {.kind = FCNN_LAYER_DENSE, .units = 5, .activation = FCNN_RELU_ACTIVATION},
    {.kind = FCNN_LAYER_MAXPOOL2D},
    {.kind = FCNN_LAYER_DENSE, .units = 3, .no_bias = 1, .activation = FCNN_SIGMOID_ACTIVATION},
    {.kind = FCNN_LAYER_GLOBAL_AVGPOOL2D},
    {.kind = FCNN_LAYER_ACTIVATION, .activation = FCNN_SOFTMAX_ACTIVATION},
};

static const struct network {
    const fcnn_layer *layers;
    int count;
} networks[] = {
    {every, (int)(sizeof every / sizeof every[0])},
    {pooled, (int)(sizeof pooled / sizeof pooled[0])},
};

static fcnn_model *build(int network, const fcnn_compile_options *options)
{
    fcnn_model *model;
    OK(fcnn_model_create(&model, SIDE, SIDE, 2));
    for (int i = 0; i < networks[network].count; i++) OK(fcnn_add_layer(model, &networks[network].layers[i]));
    OK(fcnn_compile(model, options));
    ck_assert_int_le(fcnn_model_parameters(model), MOST);
    return model;
}

/* Weights that are not the initial ones: biases, gamma and moving averages too. */
static int64_t stir(fcnn_model *model, float *weights)
{
    const int64_t count = fcnn_model_parameters(model);
    OK(fcnn_model_get_weights(model, weights, count));
    for (int64_t i = 0; i < count; i++) weights[i] += 0.01f * (float)(i % 7 - 3);
    OK(fcnn_model_set_weights(model, weights, count));
    return count;
}

static void train(fcnn_model *model, int epochs, int64_t batch)
{
    const fcnn_fit_options options = {.epochs = epochs, .batch_size = batch};
    OK(fcnn_fit(model, images, toy_labels, IMAGES, &options, NULL));
}

/* ---- against double ---- */

/* Whether parameter i is a moving average. */
static int is_moving(const fcnn_model *model, int64_t i)
{
    for (int j = 0; j < fcnn_model_layers(model); j++) {
        fcnn_layer_info info;
        OK(fcnn_model_layer(model, j, &info));
        i -= info.weights + info.bias;
        if (i < 0) return 0;
        i -= 2 * info.moving;
        if (i < 0) return 1;
    }
    return 0;
}

START_TEST(evaluation_is_that_of_double)
{
    fcnn_model *model = build(_i, NULL);
    float weights[MOST];
    double exact[MOST];
    fcnn_metrics metrics;
    const int64_t count = stir(model, weights);
    const struct plain plain = {.model = model, .x = images, .labels = toy_labels, .n = IMAGES};
    for (int64_t i = 0; i < count; i++) exact[i] = (double)weights[i];
    OK(fcnn_evaluate(model, images, toy_labels, IMAGES, &metrics));
    ck_assert_double_eq_tol(metrics.loss, plain_loss(&plain, exact), 1e-6);
    fcnn_model_destroy(model);
}
END_TEST

static void check_gradient(int network, int shards)
{
    const float rate = 1024;
    fcnn_model *model = build(network, &(fcnn_compile_options){.optimizer = FCNN_OPTIMIZER_SGD,
                                                               .learning_rate = rate, .shards = shards, .seed = 5});
    float before[MOST], after[MOST];
    double exact[MOST], norm = 0;
    const int64_t count = stir(model, before);
    struct plain plain = {.model = model, .x = images, .labels = toy_labels, .n = IMAGES, .training = 1};
    OK(fcnn_fit(model, images, toy_labels, IMAGES, &(fcnn_fit_options){.batch_size = IMAGES, .no_shuffle = 1}, NULL));
    OK(fcnn_model_get_weights(model, after, count));
    for (int64_t i = 0; i < count; i++) exact[i] = (double)before[i];
    for (int64_t i = 0; i < count; i++) {
        const double center = exact[i], h = 1e-6;
        if (is_moving(model, i)) continue;
        exact[i] = center + h;
        const double above = plain_loss(&plain, exact);
        exact[i] = center - h;
        const double slope = (above - plain_loss(&plain, exact)) / (2 * h);
        const double gradient = (center - (double)after[i]) / (double)rate;
        exact[i] = center;
        ck_assert_msg(fabs(gradient - slope) <= 2e-6 + 2e-5 * fabs(slope), "parameter %d: gradient %g, slope %g",
                      (int)i, gradient, slope);
        norm += slope * slope;
    }
    ck_assert(sqrt(norm) > 0.1);
    fcnn_model_destroy(model);
}

START_TEST(gradients_are_those_of_double)
{
    const int shards[] = {8, 1, 3, 32};
    check_gradient(_i, shards[0]);
    if (_i == 0) /* batch normalization is where they matter */
        for (int i = 1; i < 4; i++) check_gradient(_i, shards[i]);
}
END_TEST

START_TEST(averages_move_by_the_moments_of_the_batch)
{
    fcnn_model *model = build(0, &(fcnn_compile_options){.optimizer = FCNN_OPTIMIZER_SGD, .learning_rate = 1e-30f});
    float before[MOST], after[MOST];
    double exact[MOST], moments[MOST];
    const int64_t count = stir(model, before);
    const struct plain plain = {.model = model, .x = images, .labels = toy_labels, .n = IMAGES, .training = 1,
                                .moments = moments};
    for (int64_t i = 0; i < count; i++) exact[i] = (double)before[i];
    plain_loss(&plain, exact);
    OK(fcnn_fit(model, images, toy_labels, IMAGES, &(fcnn_fit_options){.batch_size = IMAGES, .no_shuffle = 1}, NULL));
    for (int i = 0, at = 0; i < fcnn_model_layers(model); i++) {
        fcnn_layer layer;
        fcnn_layer_info info;
        OK(fcnn_model_layer_as_added(model, i, &layer));
        OK(fcnn_model_layer(model, i, &info));
        at += (int)(info.weights + info.bias);
        for (int part = FCNN_PART_MOVING_MEAN; info.moving && part <= FCNN_PART_MOVING_VARIANCE; part++) {
            OK(fcnn_layer_get_array(model, i, FCNN_ARRAY_WEIGHTS, (fcnn_part)part, after, info.moving));
            for (int j = 0; j < (int)info.moving; j++, at++) {
                const double m = (double)layer.momentum, wanted = exact[at] * m + moments[at] * (1 - m);
                ck_assert_msg(fabs((double)after[j] - wanted) < 1e-6, "layer %d, part %d: %g, not %g", i, part,
                              (double)after[j], wanted);
            }
            OK(fcnn_layer_get_array(model, i, FCNN_ARRAY_MOMENT_1, (fcnn_part)part, after, info.moving));
            for (int j = 0; j < (int)info.moving; j++) ck_assert(after[j] == 0);
        }
    }
    fcnn_model_destroy(model);
}
END_TEST

/* ---- the same bits ---- */

/* Between the steps, by their team. */
static int evaluate(void *context, const fcnn_progress *progress)
{
    fcnn_metrics metrics;
    (void)progress;
    OK(fcnn_evaluate(context, images, toy_labels, IMAGES, &metrics));
    return 0;
}

/* Batches of seven images and of one, which are fewer than there are shards; validation and evaluation change nothing
 * that training has. */
static void train_with(int network, const fcnn_options *kernels, int evaluates, float *weights)
{
    fcnn_model *model = build(network, &(fcnn_compile_options){.kernels = kernels, .seed = 9});
    const fcnn_fit_options options = {.epochs = 3, .batch_size = 7, .validation_split = 0.25,
                                      .callback = evaluates ? evaluate : NULL, .context = model};
    OK(fcnn_fit(model, images, toy_labels, IMAGES, &options, NULL));
    OK(fcnn_model_get_weights(model, weights, fcnn_model_parameters(model)));
    fcnn_model_destroy(model);
}

START_TEST(threads_and_instruction_sets_change_no_bit)
{
    float first[MOST] = {0}, other[MOST] = {0};
    const fcnn_options all[] = {{.threads = 1}, {.threads = 2}, {.threads = 3}, {.threads = 2, .isa = "scalar"},
                                {.threads = 1, .kernel = "*_naive"}};
    train_with(_i, &all[0], 0, first);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        train_with(_i, &all[i], 1, other);
        ck_assert_msg(!memcmp(first, other, sizeof other), "case %d", (int)i);
    }
}
END_TEST

START_TEST(training_goes_on_in_another_model)
{
    float arrays[3][MOST], whole[MOST], parts[MOST];
    fcnn_model *model = build(_i, NULL), *other = build(_i, NULL);
    const int64_t count = fcnn_model_parameters(model);
    fcnn_state state;
    train(model, 1, 4);
    for (int i = 0; i < 3; i++) OK(fcnn_model_get_array(model, (fcnn_array)i, arrays[i], count));
    OK(fcnn_model_get_state(model, &state));
    train(model, 1, 4);
    for (int i = 0; i < 3; i++) OK(fcnn_model_set_array(other, (fcnn_array)i, arrays[i], count));
    OK(fcnn_model_set_state(other, &state));
    train(other, 1, 4);
    OK(fcnn_model_get_weights(model, whole, count));
    OK(fcnn_model_get_weights(other, parts, count));
    ck_assert_int_eq(memcmp(whole, parts, (size_t)count * sizeof *parts), 0);
    fcnn_model_destroy(model);
    fcnn_model_destroy(other);
}
END_TEST

START_TEST(initial_arrays_are_those_before_training)
{
    float before[MOST], after[MOST];
    fcnn_model *model = build(_i, &(fcnn_compile_options){.seed = 3});
    const int64_t count = fcnn_model_parameters(model);
    OK(fcnn_model_get_weights(model, before, count));
    train(model, 1, 4);
    OK(fcnn_model_get_array(model, FCNN_ARRAY_INITIAL_WEIGHTS, after, count));
    ck_assert_int_eq(memcmp(before, after, (size_t)count * sizeof *after), 0);
    OK(fcnn_model_get_weights(model, after, count));
    ck_assert_int_ne(memcmp(before, after, (size_t)count * sizeof *after), 0);
    fcnn_model_destroy(model);
}
END_TEST

/* A diverging step is not taken: no average moves. */
START_TEST(averages_stay_when_a_step_is_not_taken)
{
    float before[MOST], after[MOST], bad[IMAGES * SIDE * SIDE * 2];
    fcnn_model *model = build(0, NULL);
    const int64_t count = fcnn_model_parameters(model);
    memcpy(bad, images, sizeof bad);
    bad[100] = NAN;
    OK(fcnn_model_get_weights(model, before, count));
    FAILS(FCNN_DIVERGED, fcnn_fit(model, bad, toy_labels, IMAGES, NULL, NULL));
    OK(fcnn_model_get_weights(model, after, count));
    ck_assert_int_eq(memcmp(before, after, (size_t)count * sizeof *after), 0);
    fcnn_model_destroy(model);
}
END_TEST

static void make_images(void)
{
    uint32_t state = 777;
    for (int i = 0; i < (int)(sizeof images / sizeof images[0]); i++) {
        state = state * 1664525u + 1013904223u;
        images[i] = (float)(state >> 8) * 0x1p-24f - 0.25f;
    }
}

int main(void)
{
    Suite *suite = suite_create("gradients");
    TCase *tests = tcase_create("gradients");
    const int count = (int)(sizeof networks / sizeof networks[0]);
    tcase_set_timeout(tests, 240);
    tcase_add_loop_test(tests, evaluation_is_that_of_double, 0, count);
    tcase_add_loop_test(tests, gradients_are_those_of_double, 0, count);
    tcase_add_test(tests, averages_move_by_the_moments_of_the_batch);
    tcase_add_loop_test(tests, threads_and_instruction_sets_change_no_bit, 0, count);
    tcase_add_loop_test(tests, training_goes_on_in_another_model, 0, count);
    tcase_add_loop_test(tests, initial_arrays_are_those_before_training, 0, count);
    tcase_add_test(tests, averages_stay_when_a_step_is_not_taken);
    suite_add_tcase(suite, tests);
    toy_make_data();
    make_images();
    return run_suite(suite);
}
