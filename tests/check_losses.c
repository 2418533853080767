/* SPDX-License-Identifier: BSD-2-Clause
 * Losses with targets in a whole model: gradients against a double forward pass, labels as targets, what is predicted
 * and counts as correct, targets that are refused, receipts. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "lib/io/receipt.h"
#include "tests/suite.h"
#include "tests/toy.h"

enum { TARGETS = TOY_IMAGES * TOY_CLASSES };

static const fcnn_loss with_targets[] = {FCNN_LOSS_CATEGORICAL_CROSSENTROPY, FCNN_LOSS_MEAN_SQUARED_ERROR};
static float one_hot[TARGETS], soft[TARGETS];

static void make_targets(void)
{
    for (int i = 0; i < TOY_IMAGES; i++) one_hot[i * TOY_CLASSES + toy_labels[i]] = 1;
    for (int i = 0; i < TARGETS; i++) soft[i] = 0.75f * one_hot[i] + 0.25f / TOY_CLASSES;
}

static fcnn_model *build(fcnn_loss loss) { return toy_build(&(fcnn_compile_options){.loss = loss, .seed = 2}); }

/* The mean loss of the first n images and soft targets. */
static double exact_loss(fcnn_loss loss, const double *weights, int n)
{
    double all = 0, out[TOY_CLASSES];
    for (int i = 0; i < n; i++) {
        const float *target = soft + i * TOY_CLASSES;
        double sum = 0;
        toy_outputs(weights, i, out);
        for (int j = 0; j < TOY_CLASSES; j++) sum += exp(out[j]);
        for (int j = 0; j < TOY_CLASSES; j++) {
            const double difference = out[j] - (double)target[j];
            if (loss == FCNN_LOSS_MEAN_SQUARED_ERROR) all += difference * difference / TOY_CLASSES;
            else all += (double)target[j] * (log(sum) - out[j]);
        }
    }
    return all / n;
}

/* One step of SGD on the first n images, so long that rounding the weights is no loss. */
static void gradient_at(fcnn_loss loss, const float *weights, int n, double *gradient)
{
    const float rate = 1024;
    fcnn_model *model =
        toy_build(&(fcnn_compile_options){.loss = loss, .optimizer = FCNN_OPTIMIZER_SGD, .learning_rate = rate});
    const fcnn_fit_options options = {.batch_size = n, .no_shuffle = 1, .targets = soft};
    float after[TOY_PARAMETERS];
    OK(fcnn_model_set_weights(model, weights, TOY_PARAMETERS));
    OK(fcnn_fit(model, toy_images, NULL, n, &options, NULL));
    toy_get(model, after);
    for (int i = 0; i < TOY_PARAMETERS; i++) gradient[i] = ((double)weights[i] - (double)after[i]) / (double)rate;
    fcnn_model_destroy(model);
}

START_TEST(gradients_are_those_of_the_loss)
{
    const fcnn_loss loss = with_targets[_i];
    const int n = 5;
    fcnn_model *model = build(loss);
    float weights[TOY_PARAMETERS];
    double gradient[TOY_PARAMETERS], exact[TOY_PARAMETERS], norm = 0;
    fcnn_metrics metrics;
    toy_get(model, weights);
    for (int i = 0; i < TOY_PARAMETERS; i++) exact[i] = (double)(weights[i] += 0.01f * (float)(i % 7 - 3));
    OK(fcnn_model_set_weights(model, weights, TOY_PARAMETERS));
    OK(fcnn_evaluate_targets(model, toy_images, soft, n, &metrics));
    ck_assert_double_eq_tol(metrics.loss, exact_loss(loss, exact, n), 1e-6);
    gradient_at(loss, weights, n, gradient);
    for (int i = 0; i < TOY_PARAMETERS; i++) {
        const double center = exact[i], h = 1e-5;
        exact[i] = center + h;
        const double above = exact_loss(loss, exact, n);
        exact[i] = center - h;
        const double slope = (above - exact_loss(loss, exact, n)) / (2 * h);
        exact[i] = center;
        ck_assert_msg(fabs(gradient[i] - slope) <= 1e-6 + 1e-5 * fabs(slope), "parameter %d: gradient %g, slope %g", i,
                      gradient[i], slope);
        norm += slope * slope;
    }
    ck_assert(sqrt(norm) > 0.05);
    fcnn_model_destroy(model);
}
END_TEST

/* Shuffled, with a validation part and odd batches: labels are one-hot targets, and of cross-entropy the same bits as
 * with labels alone. Threads change nothing. */
START_TEST(labels_are_targets)
{
    fcnn_progress history[4];
    fcnn_model *models[4];
    const fcnn_loss loss = with_targets[_i];
    for (int i = 0; i < 4; i++) {
        const int sparse = i == 3 && loss == FCNN_LOSS_CATEGORICAL_CROSSENTROPY;
        const fcnn_compile_options compile = {.loss = sparse ? FCNN_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY : loss,
                                              .seed = 2, .kernels = &(fcnn_options){.threads = i == 1 ? 3 : 1}};
        const fcnn_fit_options options = {.epochs = 2, .batch_size = 5, .validation_split = 0.3,
                                          .targets = i < 2 ? one_hot : NULL};
        fcnn_progress two[2];
        models[i] = toy_build(&compile);
        OK(fcnn_fit(models[i], toy_images, i < 2 ? NULL : toy_labels, TOY_IMAGES, &options, two));
        history[i] = two[1];
    }
    for (int i = 1; i < 4; i++) {
        toy_same(models[0], models[i]);
        ck_assert(history[0].loss == history[i].loss && history[0].accuracy == history[i].accuracy);
        ck_assert(history[0].val_loss == history[i].val_loss && history[0].val_accuracy == history[i].val_accuracy);
    }
    for (int i = 0; i < 4; i++) fcnn_model_destroy(models[i]);
}
END_TEST

/* Each image has its own targets, wherever shuffling and shards put it: an order that is set beforehand. */
START_TEST(targets_follow_their_images)
{
    fcnn_model *a = build(with_targets[_i]), *b = build(with_targets[_i]);
    float swapped[TARGETS];
    fcnn_metrics all, part[2];
    for (int i = 0; i < TARGETS; i++) swapped[i] = soft[(i + TOY_CLASSES) % TARGETS];
    OK(fcnn_fit(a, toy_images, NULL, TOY_IMAGES, &(fcnn_fit_options){.batch_size = 7, .targets = soft}, NULL));
    OK(fcnn_fit(b, toy_images, NULL, TOY_IMAGES, &(fcnn_fit_options){.batch_size = 7, .targets = swapped}, NULL));
    fcnn_receipt ra, rb;
    OK(fcnn_model_receipt(a, &ra));
    OK(fcnn_model_receipt(b, &rb));
    ck_assert_str_ne(ra.weights, rb.weights);
    ck_assert_str_ne(ra.data, rb.data);
    OK(fcnn_evaluate_targets(a, toy_images, soft, TOY_IMAGES, &all));
    OK(fcnn_evaluate_targets(a, toy_images, soft, 10, &part[0]));
    OK(fcnn_evaluate_targets(a, toy_images + 10 * TOY_PIXELS, soft + 10 * TOY_CLASSES, TOY_IMAGES - 10, &part[1]));
    ck_assert_double_eq_tol(all.loss * TOY_IMAGES, part[0].loss * 10 + part[1].loss * (TOY_IMAGES - 10), 1e-6);
    fcnn_model_destroy(a);
    fcnn_model_destroy(b);
}
END_TEST

/* One input, one or two outputs of which the first is `weight` times it. */
static fcnn_model *line_model(int outputs, float weight, fcnn_activation activation)
{
    fcnn_model *model;
    const float weights[4] = {weight};
    OK(fcnn_model_create(&model, 1, 1, 1));
    OK(fcnn_add_dense(model, outputs, activation));
    OK(fcnn_compile(model, &(fcnn_compile_options){.loss = FCNN_LOSS_MEAN_SQUARED_ERROR}));
    OK(fcnn_model_set_weights(model, weights, 2 * outputs));
    return model;
}

/* Outputs are predicted as they are; the loss is their mean squared difference; a single number has no class. */
START_TEST(squares_of_a_line)
{
    const float x[3] = {1, -2, 3}, one[3] = {2, -4, 7}, two[6] = {3, 1, 0, 2, NAN, 1};
    float y[6];
    fcnn_metrics metrics;
    fcnn_model *line = line_model(1, 2, FCNN_LINEAR), *pair = line_model(2, 2, FCNN_LINEAR);
    fcnn_model *relu = line_model(1, 2, FCNN_RELU_ACTIVATION);
    OK(fcnn_predict(line, x, 3, y));
    ck_assert(y[0] == 2 && y[1] == -4 && y[2] == 6);
    OK(fcnn_evaluate_targets(line, x, one, 3, &metrics));
    ck_assert(metrics.loss == 1.0 / 3 && metrics.accuracy == 0);
    OK(fcnn_predict(relu, x, 3, y));
    ck_assert(y[0] == 2 && y[1] == 0 && y[2] == 6);
    OK(fcnn_predict(pair, x, 2, y));
    ck_assert(y[0] == 2 && y[1] == 0 && y[2] == -4 && y[3] == 0);
    OK(fcnn_evaluate_targets(pair, x, two, 2, &metrics)); /* (1 + 1) / 2, (16 + 4) / 2; both have the right largest */
    ck_assert(metrics.loss == 5.5 && metrics.accuracy == 1);
    FAILS(FCNN_BAD_DATA, fcnn_evaluate_targets(pair, x, two, 3, &metrics));
    OK(fcnn_evaluate(pair, x, (const int32_t[]){1, 1}, 2, &metrics)); /* as (0, 1): 4, 1 and 16, 1 */
    ck_assert(metrics.loss == (2.5 + 8.5) / 2 && metrics.accuracy == 0.5);
    fcnn_model_destroy(line);
    fcnn_model_destroy(pair);
    fcnn_model_destroy(relu);
}
END_TEST

START_TEST(what_is_refused)
{
    fcnn_model *sparse = build(FCNN_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY);
    fcnn_model *model = build(with_targets[_i]), *odd;
    const int distribution = with_targets[_i] == FCNN_LOSS_CATEGORICAL_CROSSENTROPY;
    float targets[TARGETS];
    fcnn_metrics metrics;
    const fcnn_fit_options options = {.targets = targets};
    memcpy(targets, soft, sizeof targets);
    FAILS(FCNN_BAD_ARGUMENT, fcnn_fit(sparse, toy_images, NULL, TOY_IMAGES, &options, NULL));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_evaluate_targets(sparse, toy_images, soft, TOY_IMAGES, &metrics));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_fit(model, toy_images, toy_labels, TOY_IMAGES, &options, NULL));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_fit(model, toy_images, NULL, TOY_IMAGES, NULL, NULL));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_evaluate_targets(model, toy_images, NULL, TOY_IMAGES, &metrics));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_evaluate_targets(model, toy_images, soft, TOY_IMAGES, NULL));
    FAILS(FCNN_BAD_DATA, fcnn_fit(model, toy_images, (int32_t[TOY_IMAGES]){TOY_CLASSES}, TOY_IMAGES, NULL, NULL));
    targets[TARGETS - 1] = INFINITY;
    FAILS(FCNN_BAD_DATA, fcnn_fit(model, toy_images, NULL, TOY_IMAGES, &options, NULL));
    ck_assert_ptr_nonnull(strstr(fcnn_last_error(), "target 2 of image 15"));
    targets[TARGETS - 1] = soft[TARGETS - 1] + 0.01f;
    ck_assert_int_eq(fcnn_evaluate_targets(model, toy_images, targets, TOY_IMAGES, &metrics),
                     distribution ? FCNN_BAD_DATA : FCNN_OK);
    targets[TARGETS - 1] = -1, targets[TARGETS - 2] += 1 + soft[TARGETS - 1];
    ck_assert_int_eq(fcnn_fit(model, toy_images, NULL, TOY_IMAGES, &options, NULL),
                     distribution ? FCNN_BAD_DATA : FCNN_OK);
    OK(fcnn_model_create(&odd, 1, 1, 2));
    OK(fcnn_add_dense(odd, 2, FCNN_RELU_ACTIVATION));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_compile(odd, &(fcnn_compile_options){.loss = (fcnn_loss)3}));
    ck_assert_int_eq(fcnn_compile(odd, &(fcnn_compile_options){.loss = with_targets[_i]}),
                     distribution ? FCNN_BAD_ARGUMENT : FCNN_OK);
    fcnn_model_destroy(odd);
    fcnn_model_destroy(sparse);
    fcnn_model_destroy(model);
}
END_TEST

/* A callback that spoils what was checked: no index outside the targets. */
static int spoil(void *labels, const fcnn_progress *progress)
{
    if (progress->step == 1) ((int32_t *)labels)[TOY_IMAGES - 1] = TOY_CLASSES;
    return 0;
}

START_TEST(labels_that_a_callback_spoils_are_found)
{
    fcnn_model *model = build(with_targets[_i]);
    int32_t labels[TOY_IMAGES];
    const fcnn_fit_options options = {.batch_size = 8, .no_shuffle = 1, .callback = spoil, .context = labels};
    memcpy(labels, toy_labels, sizeof labels);
    FAILS(FCNN_BAD_DATA, fcnn_fit(model, toy_images, labels, TOY_IMAGES, &options, NULL));
    fcnn_model_destroy(model);
}
END_TEST

START_TEST(receipts_have_loss_and_targets)
{
    static const char *const names[] = {"categorical_crossentropy", "mean_squared_error"};
    fcnn_model *model = build(with_targets[_i]);
    float targets[TARGETS];
    char message[256] = "", data[33];
    json_t *json;
    fcnn_receipt receipt;
    memcpy(targets, soft, sizeof targets);
    OK(fcnn_fit(model, toy_images, NULL, TOY_IMAGES, &(fcnn_fit_options){.targets = targets}, NULL));
    OK(fcnn_model_receipt(model, &receipt));
    ck_assert_int_eq(receipt.loss, with_targets[_i]);
    memcpy(data, receipt.data, sizeof data);
    ck_assert_msg(!fcnn_receipt_json_targets(&json, model, toy_images, targets, message, sizeof message), "%s",
                  message);
    ck_assert_str_eq(json_string_value(json_object_get(json, "loss")), names[_i]);
    json_decref(json);
    targets[TARGETS - 1] += 0x1p-20f, targets[TARGETS - 2] -= 0x1p-20f;
    ck_assert_int_eq(fcnn_receipt_json_targets(&json, model, toy_images, targets, message, sizeof message),
                     FCNN_BAD_DATA);
    ck_assert_int_eq(fcnn_receipt_json(&json, model, toy_images, toy_labels, message, sizeof message), FCNN_BAD_DATA);
    OK(fcnn_fit(model, toy_images, NULL, TOY_IMAGES, &(fcnn_fit_options){.targets = targets}, NULL));
    OK(fcnn_model_receipt(model, &receipt));
    ck_assert_str_ne(data, receipt.data);
    fcnn_model_destroy(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("losses");
    TCase *tests = tcase_create("losses");
    toy_make_data();
    make_targets();
    tcase_add_loop_test(tests, gradients_are_those_of_the_loss, 0, 2);
    tcase_add_loop_test(tests, labels_are_targets, 0, 2);
    tcase_add_loop_test(tests, targets_follow_their_images, 0, 2);
    tcase_add_test(tests, squares_of_a_line);
    tcase_add_loop_test(tests, what_is_refused, 0, 2);
    tcase_add_loop_test(tests, labels_that_a_callback_spoils_are_found, 0, 2);
    tcase_add_loop_test(tests, receipts_have_loss_and_targets, 0, 2);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
