/* SPDX-License-Identifier: BSD-2-Clause
 * What a model file or a checkpoint needs: layers as they were added, arrays and state out and in, a training run
 * that is split over two models. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/net/net.h"
#include "tests/suite.h"
#include "tests/toy.h"

/* ---- layers ---- */

static const fcnn_layer_info mnist[] = {
    {"Conv2D", "conv2d", 28, 28, 1, 26, 26, 32, 3, 3, 1, 1,
     FCNN_PAD_VALID, FCNN_RELU_ACTIVATION, 288, 32, 0, FCNN_LAYER_CONV2D, 0},
    {"MaxPooling2D", "max_pooling2d", 26, 26, 32, 13, 13, 32, 2, 2, 2, 2,
     FCNN_PAD_VALID, FCNN_LINEAR, 0, 0, 0, FCNN_LAYER_MAXPOOL2D, 0},
    {"Conv2D", "conv2d_1", 13, 13, 32, 11, 11, 64, 3, 3, 1, 1,
     FCNN_PAD_VALID, FCNN_RELU_ACTIVATION, 18432, 64, 1, FCNN_LAYER_CONV2D, 0},
    {"MaxPooling2D", "max_pooling2d_1", 11, 11, 64, 5, 5, 64, 2, 2, 2, 2,
     FCNN_PAD_VALID, FCNN_LINEAR, 0, 0, 1, FCNN_LAYER_MAXPOOL2D, 0},
    {"Conv2D", "conv2d_2", 5, 5, 64, 3, 3, 64, 3, 3, 1, 1,
     FCNN_PAD_VALID, FCNN_RELU_ACTIVATION, 36864, 64, 2, FCNN_LAYER_CONV2D, 0},
    {"Flatten", "flatten", 3, 3, 64, 1, 1, 576, 0, 0, 0, 0,
     FCNN_PAD_VALID, FCNN_LINEAR, 0, 0, -1, FCNN_LAYER_FLATTEN, 0},
    {"Dense", "dense", 1, 1, 576, 1, 1, 64, 0, 0, 0, 0,
     FCNN_PAD_VALID, FCNN_RELU_ACTIVATION, 36864, 64, 3, FCNN_LAYER_DENSE, 0},
    {"Dense", "dense_1", 1, 1, 64, 1, 1, 10, 0, 0, 0, 0, FCNN_PAD_VALID, FCNN_LINEAR, 640, 10, 4, FCNN_LAYER_DENSE, 0},
};

static void same_layer(const fcnn_layer_info *a, const fcnn_layer_info *b)
{
    ck_assert_str_eq(a->class_name, b->class_name);
    ck_assert_str_eq(a->name, b->name);
    ck_assert(a->in_h == b->in_h && a->in_w == b->in_w && a->in_c == b->in_c);
    ck_assert(a->h == b->h && a->w == b->w && a->c == b->c && a->r == b->r && a->s == b->s);
    ck_assert(a->stride_h == b->stride_h && a->stride_w == b->stride_w);
    ck_assert(a->padding == b->padding && a->activation == b->activation);
    ck_assert(a->weights == b->weights && a->bias == b->bias && a->line == b->line && a->kind == b->kind);
}

START_TEST(layers_are_those_that_were_added)
{
    fcnn_model *model;
    fcnn_layer_info info;
    const int count = (int)(sizeof mnist / sizeof mnist[0]);
    OK(fcnn_model_mnist(&model));
    for (int compiled = 0; compiled < 2; compiled++) {
        ck_assert_int_eq(fcnn_model_layers(model), count);
        for (int i = 0; i < count; i++) {
            OK(fcnn_model_layer(model, i, &info));
            same_layer(&info, &mnist[i]);
        }
        FAILS(FCNN_BAD_ARGUMENT, fcnn_model_layer(model, count, &info));
        FAILS(FCNN_BAD_ARGUMENT, fcnn_model_layer(model, -1, &info));
        if (!compiled) OK(fcnn_compile(model, NULL));
    }
    FAILS(FCNN_BAD_ARGUMENT, fcnn_model_layer(model, 0, NULL));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_model_layer(NULL, 0, &info));
    ck_assert_int_eq(fcnn_model_layers(NULL), 0);
    fcnn_model_destroy(model);
}
END_TEST

START_TEST(padding_and_strides_are_as_asked_for)
{
    fcnn_model *model = toy_build(NULL);
    fcnn_layer_info info;
    OK(fcnn_model_layer(model, 2, &info));
    const fcnn_layer_info same = {"Conv2D", "conv2d_1", 7, 7, 5, 4, 4, 6, 3, 3, 2, 2, FCNN_PAD_SAME, FCNN_LINEAR,
                                  270, 6, 1, FCNN_LAYER_CONV2D, 0};
    same_layer(&info, &same);
    OK(fcnn_model_layer(model, 5, &info));
    const fcnn_layer_info average = {"AveragePooling2D", "average_pooling2d", 2, 2, 4, 1, 2, 4, 2, 1, 2, 1,
                                     FCNN_PAD_VALID, FCNN_LINEAR, 0, 0, 4, FCNN_LAYER_AVGPOOL2D, 0};
    same_layer(&info, &average);
    fcnn_model_destroy(model);
}
END_TEST

/* Where the pooling behind a convolution runs: in its line, or in the next one. */
static int pool_line(fcnn_activation activation, int64_t r, int64_t s, int flatten)
{
    fcnn_model *model;
    fcnn_layer_info info;
    OK(fcnn_model_create(&model, 6, 8, 1));
    OK(fcnn_add_conv2d(model, 4, 3, 3, 1, FCNN_PAD_SAME, activation));
    if (flatten) OK(fcnn_add_flatten(model));
    OK(fcnn_add_maxpool2d(model, r, s));
    OK(fcnn_model_layer(model, flatten ? 2 : 1, &info));
    ck_assert_str_eq(info.name, "max_pooling2d");
    ck_assert_int_eq(info.h, flatten ? 1 : 6 / r);
    ck_assert_int_eq(info.w, flatten ? 1 : 8 / s);
    fcnn_model_destroy(model);
    return info.line;
}

START_TEST(only_pooling_2x2_behind_relu_is_fused)
{
    ck_assert_int_eq(pool_line(FCNN_RELU_ACTIVATION, 2, 2, 0), 0);
    ck_assert_int_eq(pool_line(FCNN_LINEAR, 2, 2, 0), 1);
    ck_assert_int_eq(pool_line(FCNN_RELU_ACTIVATION, 2, 3, 0), 1);
    ck_assert_int_eq(pool_line(FCNN_RELU_ACTIVATION, 3, 2, 0), 1);
    ck_assert_int_eq(pool_line(FCNN_RELU_ACTIVATION, 1, 1, 1), 1);
}
END_TEST

/* A second pooling pools what the fused one gave; flattening in between does not make it fusible. */
START_TEST(nothing_is_fused_twice_or_across_a_flatten)
{
    fcnn_model *model;
    fcnn_layer_info info;
    OK(fcnn_model_create(&model, 8, 8, 1));
    OK(fcnn_add_conv2d(model, 4, 3, 3, 1, FCNN_PAD_SAME, FCNN_RELU_ACTIVATION));
    OK(fcnn_add_maxpool2d(model, 2, 2));
    OK(fcnn_add_maxpool2d(model, 2, 2));
    OK(fcnn_model_layer(model, 2, &info));
    ck_assert(info.line == 1 && info.h == 2 && info.w == 2);
    OK(fcnn_add_flatten(model));
    FAILS(FCNN_BAD_SHAPE, fcnn_add_maxpool2d(model, 2, 2));
    ck_assert_int_eq(fcnn_model_layers(model), 4);
    fcnn_model_destroy(model);
}
END_TEST

/* ---- arrays ---- */

START_TEST(layers_parts_are_pieces_of_the_whole)
{
    fcnn_model *model = toy_build(&(fcnn_compile_options){.seed = 5});
    float whole[TOY_PARAMETERS], part[TOY_PARAMETERS], again[TOY_PARAMETERS];
    toy_step(model, 0, TOY_IMAGES);
    for (int array = FCNN_ARRAY_WEIGHTS; array <= FCNN_ARRAY_INITIAL_MOMENT_2; array++) {
        int64_t at = 0;
        OK(fcnn_model_get_array(model, (fcnn_array)array, whole, TOY_PARAMETERS));
        for (int i = 0; i < fcnn_model_layers(model); i++) {
            fcnn_layer_info info;
            OK(fcnn_model_layer(model, i, &info));
            const int64_t counts[2] = {info.weights, info.bias};
            for (int j = 0; j < 2; j++) {
                if (!counts[j]) {
                    FAILS(FCNN_BAD_ARGUMENT,
                          fcnn_layer_get_array(model, i, (fcnn_array)array, (fcnn_part)j, part, counts[j]));
                    continue;
                }
                OK(fcnn_layer_get_array(model, i, (fcnn_array)array, (fcnn_part)j, part, counts[j]));
                ck_assert(!memcmp(part, whole + at, (size_t)counts[j] * sizeof *part));
                at += counts[j];
            }
        }
        ck_assert_int_eq(at, TOY_PARAMETERS);
    }
    const float bias[7] = {1, 2, 3, 4, 5, 6, 7}; /* of the dense layer before the last */
    toy_get(model, whole);
    OK(fcnn_layer_set_array(model, 7, FCNN_ARRAY_WEIGHTS, FCNN_PART_BIAS, bias, 7));
    toy_get(model, again);
    memcpy(whole + TOY_PARAMETERS - 24 - 7, bias, sizeof bias);
    ck_assert(!memcmp(whole, again, sizeof whole));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_layer_set_array(model, 7, FCNN_ARRAY_WEIGHTS, FCNN_PART_BIAS, bias, 6));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_layer_set_array(model, 1, FCNN_ARRAY_WEIGHTS, FCNN_PART_BIAS, bias, 7));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_layer_set_array(model, 99, FCNN_ARRAY_WEIGHTS, FCNN_PART_BIAS, bias, 7));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_layer_set_array(model, 7, FCNN_ARRAY_WEIGHTS, (fcnn_part)2, bias, 7));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_layer_set_array(model, 7, FCNN_ARRAY_INITIAL_WEIGHTS, FCNN_PART_BIAS, bias, 7));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_model_set_array(model, (fcnn_array)6, whole, TOY_PARAMETERS));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_model_get_array(model, FCNN_ARRAY_MOMENT_1, whole, TOY_PARAMETERS + 1));
    fcnn_model_destroy(model);
}
END_TEST

/* Kernels that pack weights must see the new ones of a single layer. */
START_TEST(a_layers_new_weights_are_used)
{
    const fcnn_compile_options options = {.seed = 2};
    fcnn_model *a = toy_build(&options), *b = toy_build(&options);
    float weights[270], p[TOY_CLASSES], q[TOY_CLASSES] = {0};
    OK(fcnn_layer_get_array(a, 2, FCNN_ARRAY_WEIGHTS, FCNN_PART_WEIGHTS, weights, 270));
    for (int i = 0; i < 270; i++) weights[i] = -weights[i];
    OK(fcnn_predict(a, toy_images, 1, p)); /* packs */
    OK(fcnn_layer_set_array(a, 2, FCNN_ARRAY_WEIGHTS, FCNN_PART_WEIGHTS, weights, 270));
    OK(fcnn_layer_set_array(b, 2, FCNN_ARRAY_WEIGHTS, FCNN_PART_WEIGHTS, weights, 270));
    ck_assert(memcmp(p, q, sizeof p) != 0);
    OK(fcnn_predict(a, toy_images, 1, p));
    OK(fcnn_predict(b, toy_images, 1, q));
    ck_assert(!memcmp(p, q, sizeof p));
    fcnn_model_destroy(a);
    fcnn_model_destroy(b);
}
END_TEST

/* ---- a run in two halves ---- */

static void fit(fcnn_model *model, int epochs)
{
    const fcnn_fit_options options = {.epochs = epochs, .batch_size = 5, .validation_split = 0.2};
    OK(fcnn_fit(model, toy_images, toy_labels, TOY_IMAGES, &options, NULL));
}

static void same_arrays(const fcnn_model *a, const fcnn_model *b)
{
    float x[TOY_PARAMETERS], y[TOY_PARAMETERS];
    for (int array = FCNN_ARRAY_WEIGHTS; array <= FCNN_ARRAY_MOMENT_2; array++) {
        OK(fcnn_model_get_array(a, (fcnn_array)array, x, TOY_PARAMETERS));
        OK(fcnn_model_get_array(b, (fcnn_array)array, y, TOY_PARAMETERS));
        ck_assert(!memcmp(x, y, sizeof x));
    }
}

START_TEST(a_run_is_continued_in_another_model)
{
    const fcnn_compile_options options = {.seed = 3,
                                          .optimizer = _i ? FCNN_OPTIMIZER_ADAM : FCNN_OPTIMIZER_SGD,
                                          .momentum = 0.5f};
    fcnn_compile_options other = options;
    other.kernels = &(fcnn_options){.threads = 2};
    fcnn_model *whole = toy_build(&options), *half = toy_build(&options), *rest = toy_build(&other);
    fit(rest, 1); /* which must leave no trace */
    fit(whole, 5);
    fit(half, 2);
    toy_move(half, rest);
    fit(rest, 3);
    toy_same(whole, rest);
    same_arrays(whole, rest);
    fcnn_state a, b;
    OK(fcnn_model_get_state(whole, &a));
    OK(fcnn_model_get_state(rest, &b));
    ck_assert(a.steps == 15 && a.epochs == 5 && a.steps == b.steps && a.epochs == b.epochs);
    ck_assert(a.beta_1_power == b.beta_1_power && a.beta_2_power == b.beta_2_power);
    fcnn_model_destroy(whole);
    fcnn_model_destroy(half);
    fcnn_model_destroy(rest);
}
END_TEST

#define STATE(n, m, p, ...) {.steps = n, .epochs = m, .beta_1_power = p, .beta_2_power = __VA_ARGS__}

START_TEST(states_that_cannot_be_are_refused)
{
    fcnn_model *model = toy_build(NULL);
    fcnn_state state;
    OK(fcnn_model_get_state(model, &state));
    ck_assert(state.steps == 0 && state.epochs == 0 && state.beta_1_power == 1 && state.beta_2_power == 1);
    const fcnn_state bad[] = {STATE(-1, 0, 1, 1), STATE(1, -1, 0.9f, 0.999f), STATE(1, INT64_C(1) << 32, 0.9f, 0.999f),
                              STATE(0, 0, 0.9f, 1), STATE(0, 0, 1, 0.999f), STATE(3, 0, 1, 0.999f),
                              STATE(3, 0, 0.9f, 1.5f), STATE(3, 0, -0.1f, 0.999f), STATE(3, 0, NAN, 0.999f),
                              STATE(3, 0, 0.9f, 0.999f, .epoch_steps = 4),
                              STATE(3, 0, 0.9f, 0.999f, .epoch_steps = -1),
                              STATE(3, 0, 0.9f, 0.999f, .epoch_loss = 1),
                              STATE(3, 0, 0.9f, 0.999f, .epoch_loss = NAN),
                              STATE(3, 0, 0.9f, 0.999f, .epoch_correct = 1),
                              STATE(3, 0, 0.9f, 0.999f, .epoch_steps = 1, .epoch_correct = -1)};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        FAILS(FCNN_BAD_ARGUMENT, fcnn_model_set_state(model, &bad[i]));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_model_set_state(model, NULL));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_model_get_state(NULL, &state));
    OK(fcnn_model_get_state(model, &state));
    ck_assert(state.steps == 0);
    /* the first power has underflowed */
    OK(fcnn_model_set_state(model, &(fcnn_state){.steps = 2000, .epochs = 7, .beta_2_power = 0.1f}));
    fcnn_model_destroy(model);
}
END_TEST

/* Words of the seed beyond the first. */
START_TEST(all_bits_of_the_seed_count)
{
    static const uint64_t seeds[] = {1, 1 + (UINT64_C(1) << 32), 1 + (UINT64_C(1) << 63)};
    float weights[3][TOY_PARAMETERS];
    for (int i = 0; i < 3; i++) {
        fcnn_model *model = toy_build(&(fcnn_compile_options){.seed = seeds[i]});
        toy_get(model, weights[i]);
        for (int j = 0; j < i; j++) ck_assert(memcmp(weights[i], weights[j], sizeof weights[i]) != 0);
        fcnn_model_destroy(model);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("state");
    TCase *tests = tcase_create("state");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, layers_are_those_that_were_added);
    tcase_add_test(tests, padding_and_strides_are_as_asked_for);
    tcase_add_test(tests, only_pooling_2x2_behind_relu_is_fused);
    tcase_add_test(tests, nothing_is_fused_twice_or_across_a_flatten);
    tcase_add_test(tests, layers_parts_are_pieces_of_the_whole);
    tcase_add_test(tests, a_layers_new_weights_are_used);
    tcase_add_loop_test(tests, a_run_is_continued_in_another_model, 0, 2);
    tcase_add_test(tests, states_that_cannot_be_are_refused);
    tcase_add_test(tests, all_bits_of_the_seed_count);
    suite_add_tcase(suite, tests);
    toy_make_data();
    return run_suite(suite);
}
