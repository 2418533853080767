/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The trainable network: shapes and errors, initial weights, shuffling, gradients of a whole model against a double
 * forward pass, optimizers against plain loops. check_fit.c goes on. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/net/net.h"
#include "tests/suite.h"
#include "tests/toy.h"

/* The gradient of the mean loss over the first n images: a step of SGD so long that rounding the weights is no loss. */
static void gradient_at(const float *weights, int n, double *gradient)
{
    const float rate = 1024;
    const fcnn_compile_options options = {.optimizer = FCNN_OPTIMIZER_SGD, .learning_rate = rate};
    fcnn_model *model = toy_build(&options);
    float after[TOY_PARAMETERS];
    toy_step(model, 0, TOY_IMAGES); /* leaves gradients in every shard */
    OK(fcnn_model_set_weights(model, weights, TOY_PARAMETERS));
    toy_step(model, 0, n);
    toy_get(model, after);
    for (int i = 0; i < TOY_PARAMETERS; i++) gradient[i] = ((double)weights[i] - (double)after[i]) / (double)rate;
    fcnn_model_destroy(model);
}

/* ---- layers, shapes, errors ---- */

START_TEST(mnist_has_the_sizes_of_the_tutorial)
{
    fcnn_model *model;
    char line[256];
    OK(fcnn_model_mnist(&model));
    ck_assert_int_eq(fcnn_model_parameters(model), 93322);
    ck_assert(fcnn_model_flops(model, 0) == 2.0 * 2794240);
    ck_assert(fcnn_model_flops(model, 1) == 2.0 * 8188032);
    FAILS(FCNN_BAD_ARGUMENT, fcnn_model_kernels(model, 0, line, sizeof line));
    OK(fcnn_compile(model, NULL));
    OK(fcnn_model_kernels(model, 0, line, sizeof line));
    ck_assert_msg(strstr(line, "conv2d+relu+maxpool forward mb8") == line && strstr(line, "conv2d_pool_bwd_weights"),
                  "%s", line);
    ck_assert_ptr_null(strstr(line, "bwd_data")); /* nobody needs the gradient of the toy_images */
    OK(fcnn_model_kernels(model, 4, line, sizeof line));
    ck_assert_msg(strstr(line, "dense forward mb8ic64oc10") == line && strstr(line, "dense_bwd_data"), "%s", line);
    OK(fcnn_model_kernels(model, 7, line, sizeof line));
    ck_assert_ptr_nonnull(strstr(line, "adam"));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_model_kernels(model, 8, line, sizeof line));
    fcnn_model_destroy(model);
}
END_TEST

START_TEST(impossible_layers_are_refused_and_change_nothing)
{
    fcnn_model *model;
    FAILS(FCNN_BAD_SHAPE, fcnn_model_create(&model, 0, 5, 1));
    ck_assert_ptr_null(model);
    FAILS(FCNN_BAD_SHAPE, fcnn_model_create(&model, INT64_MAX, 5, 1));
    OK(fcnn_model_create(&model, 5, 5, 1));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_compile(model, NULL));
    FAILS(FCNN_BAD_SHAPE, fcnn_add_conv2d(model, 4, 6, 6, 1, FCNN_PAD_VALID, FCNN_LINEAR));
    FAILS(FCNN_BAD_SHAPE, fcnn_add_conv2d(model, 0, 3, 3, 1, FCNN_PAD_VALID, FCNN_LINEAR));
    FAILS(FCNN_BAD_SHAPE, fcnn_add_conv2d(model, 4, 3, 0, 1, FCNN_PAD_VALID, FCNN_LINEAR));
    FAILS(FCNN_BAD_SHAPE, fcnn_add_conv2d(model, 4, 3, 3, -1, FCNN_PAD_VALID, FCNN_LINEAR));
    FAILS(FCNN_BAD_SHAPE, fcnn_add_maxpool2d(model, 6, 2));
    FAILS(FCNN_BAD_SHAPE, fcnn_add_dense(model, 3, FCNN_SOFTMAX_ACTIVATION)); /* not flat */
    OK(fcnn_add_conv2d(model, 4, 5, 5, 1, FCNN_PAD_VALID, FCNN_RELU_ACTIVATION));
    FAILS(FCNN_BAD_SHAPE, fcnn_add_maxpool2d(model, 2, 2)); /* of 1x1: nor fused */
    OK(fcnn_add_dense(model, 3, FCNN_RELU_ACTIVATION));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_compile(model, NULL)); /* not linear */
    OK(fcnn_add_dense(model, 2, FCNN_LINEAR));
    ck_assert_int_eq(fcnn_model_parameters(model), 25 * 4 + 4 + 4 * 3 + 3 + 3 * 2 + 2);
    FAILS(FCNN_BAD_SETTING, fcnn_compile(model, &(fcnn_compile_options){.kernels = &(fcnn_options){.isa = "sse9"}}));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_compile(model, &(fcnn_compile_options){.shards = -1}));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_compile(model, &(fcnn_compile_options){.learning_rate = NAN}));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_compile(model, &(fcnn_compile_options){.beta_1 = 1}));
    OK(fcnn_compile(model, NULL));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_compile(model, NULL));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_add_flatten(model));
    fcnn_model_destroy(model);
    fcnn_model_destroy(NULL);
}
END_TEST

START_TEST(bad_data_and_options_are_refused)
{
    fcnn_model *model = toy_build(NULL);
    fcnn_metrics metrics;
    int32_t wrong[TOY_IMAGES];
    memcpy(wrong, toy_labels, sizeof wrong);
    wrong[5] = TOY_CLASSES;
    FAILS(FCNN_BAD_DATA, fcnn_fit(model, toy_images, wrong, TOY_IMAGES, NULL, NULL));
    ck_assert_ptr_nonnull(strstr(fcnn_last_error(), "label 5 is 3"));
    wrong[5] = -1;
    FAILS(FCNN_BAD_DATA, fcnn_evaluate(model, toy_images, wrong, TOY_IMAGES, &metrics));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_evaluate(model, NULL, toy_labels, TOY_IMAGES, &metrics));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_evaluate(model, toy_images, toy_labels, 0, &metrics));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_predict(model, toy_images, TOY_IMAGES, NULL));
    const fcnn_fit_options bad[] = {{.batch_size = -1},
                                    {.epochs = -1},
                                    {.validation_split = 1},
                                    {.validation_split = -0.1},
                                    {.validation_split = (double)NAN},
                                    {.validation_split = 0.99}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        FAILS(FCNN_BAD_ARGUMENT, fcnn_fit(model, toy_images, toy_labels, TOY_IMAGES, &bad[i], NULL));
    FAILS(FCNN_BAD_ARGUMENT,
          fcnn_fit(model, toy_images, toy_labels, 1, &(fcnn_fit_options){.validation_split = 0.5}, NULL));
    fcnn_receipt receipt;
    OK(fcnn_model_receipt(model, &receipt));
    ck_assert_int_eq(receipt.steps, 0);
    ck_assert_str_eq(receipt.data, "");
    ck_assert_str_eq(receipt.classes, ""); /* nothing has trained */
    fcnn_model_destroy(model);
}
END_TEST

/* ---- random numbers ---- */

START_TEST(initial_weights_are_glorot_uniform)
{
    fcnn_model *a = toy_build(&(fcnn_compile_options){.seed = 7}), *b = toy_build(&(fcnn_compile_options){.seed = 8});
    float first[TOY_PARAMETERS], second[TOY_PARAMETERS];
    toy_get(a, first);
    toy_get(b, second);
    const int fans[][4] = {{90, 5, 18, 45}, {270, 6, 45, 54}, {24, 4, 6, 4}, {56, 7, 8, 7}, {21, 3, 7, 3}};
    for (int i = 0, at = 0, same = 0; i < 5; at += fans[i][0] + fans[i][1], i++) {
        const float limit = (float)sqrt(6.0 / (fans[i][2] + fans[i][3]));
        float largest = 0;
        for (int j = at; j < at + fans[i][0]; j++) {
            ck_assert(first[j] >= -limit && first[j] < limit);
            largest = fmaxf(largest, fabsf(first[j]));
            same += first[j] == second[j];
        }
        ck_assert(largest > 0.8f * limit);
        ck_assert_int_eq(same, 0);
        for (int j = 0; j < fans[i][1]; j++) ck_assert(first[at + fans[i][0] + j] == 0);
    }
    fcnn_model_destroy(b);
    b = toy_build(&(fcnn_compile_options){.seed = 7, .shards = 3, .kernels = &(fcnn_options){.threads = 2}});
    toy_same(a, b);
    fcnn_model_destroy(a);
    fcnn_model_destroy(b);
}
END_TEST

START_TEST(shuffling_is_a_permutation_of_seed_and_epoch)
{
    int64_t order[1000], again[1000];
    int at_home = 0, seen[1000] = {0};
    net_shuffle(order, 1000, 5, 2);
    net_shuffle(again, 1000, 5, 2);
    ck_assert_int_eq(memcmp(order, again, sizeof order), 0);
    for (int i = 0; i < 1000; i++) {
        ck_assert(order[i] >= 0 && order[i] < 1000);
        ck_assert_int_eq(seen[order[i]]++, 0);
        at_home += order[i] == i;
    }
    ck_assert_int_lt(at_home, 10);
    net_shuffle(again, 1000, 5, 3);
    ck_assert_int_ne(memcmp(order, again, sizeof order), 0);
    net_shuffle(again, 1000, 6, 2);
    ck_assert_int_ne(memcmp(order, again, sizeof order), 0);
}
END_TEST

/* ---- gradients and optimizers ---- */

START_TEST(gradients_are_those_of_the_loss)
{
    const int n = 5; /* fewer images than shards */
    fcnn_model *model = toy_build(&(fcnn_compile_options){.seed = 3});
    float weights[TOY_PARAMETERS];
    double gradient[TOY_PARAMETERS], exact[TOY_PARAMETERS];
    fcnn_metrics metrics;
    toy_get(model, weights);
    for (int i = 0; i < TOY_PARAMETERS; i++) weights[i] += 0.01f * (float)(i % 7 - 3); /* biases too */
    for (int i = 0; i < TOY_PARAMETERS; i++) exact[i] = (double)weights[i];
    OK(fcnn_model_set_weights(model, weights, TOY_PARAMETERS));
    OK(fcnn_evaluate(model, toy_images, toy_labels, n, &metrics));
    ck_assert_double_eq_tol(metrics.loss, toy_loss(exact, n), 1e-6);
    gradient_at(weights, n, gradient);
    double norm = 0;
    for (int i = 0; i < TOY_PARAMETERS; i++) {
        const double center = exact[i], h = 1e-5;
        exact[i] = center + h;
        const double above = toy_loss(exact, n);
        exact[i] = center - h;
        const double slope = (above - toy_loss(exact, n)) / (2 * h);
        exact[i] = center;
        ck_assert_msg(fabs(gradient[i] - slope) <= 1e-6 + 1e-5 * fabs(slope), "parameter %d: gradient %g, slope %g", i,
                      gradient[i], slope);
        norm += slope * slope;
    }
    ck_assert(sqrt(norm) > 0.1);
    fcnn_model_destroy(model);
}
END_TEST

/* One step of either optimizer in double, t = 1, 2, ... */
static double plain_step(int adam, int t, double g, double *m, double *v)
{
    if (!adam) return *m = 0.5 * *m - 1e-2 * g;
    *m = 0.9 * *m + 0.1 * g;
    *v = 0.999 * *v + 0.001 * g * g;
    return -1e-3 * sqrt(1 - pow(0.999, t)) / (1 - pow(0.9, t)) * *m / (sqrt(*v) + 1e-7);
}

START_TEST(optimizers_follow_their_formulas)
{
    const int adam = _i;
    fcnn_compile_options options = {.optimizer = adam ? FCNN_OPTIMIZER_ADAM : FCNN_OPTIMIZER_SGD, .momentum = 0.5f};
    fcnn_model *model = toy_build(&options);
    float before[TOY_PARAMETERS], after[TOY_PARAMETERS];
    double gradient[TOY_PARAMETERS], m[TOY_PARAMETERS] = {0}, v[TOY_PARAMETERS] = {0}, moved = 0;
    for (int t = 1; t <= 5; t++) {
        toy_get(model, before);
        gradient_at(before, TOY_IMAGES, gradient);
        toy_step(model, 0, TOY_IMAGES);
        toy_get(model, after);
        for (int i = 0; i < TOY_PARAMETERS; i++) {
            const double step = plain_step(adam, t, gradient[i], &m[i], &v[i]);
            ck_assert_msg(fabs((double)after[i] - (double)before[i] - step) < 1e-6, "step %d, parameter %d: %g, not %g",
                          t, i, (double)after[i] - (double)before[i], step);
            moved += fabs(step);
        }
    }
    ck_assert(moved > 0.01);
    fcnn_model_destroy(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("net");
    TCase *tests = tcase_create("net");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, mnist_has_the_sizes_of_the_tutorial);
    tcase_add_test(tests, impossible_layers_are_refused_and_change_nothing);
    tcase_add_test(tests, bad_data_and_options_are_refused);
    tcase_add_test(tests, initial_weights_are_glorot_uniform);
    tcase_add_test(tests, shuffling_is_a_permutation_of_seed_and_epoch);
    tcase_add_test(tests, gradients_are_those_of_the_loss);
    tcase_add_loop_test(tests, optimizers_follow_their_formulas, 0, 2);
    suite_add_tcase(suite, tests);
    toy_make_data();
    return run_suite(suite);
}
