/* SPDX-License-Identifier: BSD-2-Clause
 * Numbers that must not mislead: training that diverges, rows of NaN, the order of the loss's sum. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "lib/net/net.h"
#include "tests/suite.h"
#include "tests/toy.h"

static const fcnn_compile_options wild = {.optimizer = FCNN_OPTIMIZER_SGD, .learning_rate = 1e30f};

/* ---- divergence ---- */

START_TEST(a_step_whose_loss_is_not_finite_is_not_taken)
{
    fcnn_model *a = toy_build(&wild), *b = toy_build(&wild);
    float weights[TOY_PARAMETERS];
    fcnn_receipt receipt;
    const fcnn_fit_options options = {.batch_size = 4, .no_shuffle = 1};
    FAILS(FCNN_DIVERGED, fcnn_fit(a, toy_images, toy_labels, TOY_IMAGES, &options, NULL));
    ck_assert_ptr_nonnull(strstr(fcnn_last_error(), "step 2"));
    OK(fcnn_fit(b, toy_images, toy_labels, 4, &options, NULL));
    toy_same(a, b);
    toy_get(a, weights);
    for (int i = 0; i < TOY_PARAMETERS; i++) ck_assert(isfinite(weights[i]));
    OK(fcnn_model_receipt(a, &receipt));
    ck_assert_int_eq(receipt.diverged_step, 2);
    ck_assert_int_eq(receipt.steps, 1);
    ck_assert(receipt.stopped && !receipt.keep_going);
    OK(fcnn_model_receipt(b, &receipt));
    ck_assert(receipt.diverged_step == 0 && !receipt.stopped);
    fcnn_model_destroy(a);
    fcnn_model_destroy(b);
}
END_TEST

START_TEST(keep_going_trains_on_and_the_receipt_tells)
{
    fcnn_model *model = toy_build(&wild);
    fcnn_progress history[3];
    fcnn_receipt receipt;
    const fcnn_fit_options options = {.epochs = 3, .batch_size = 4, .keep_going = 1, .no_shuffle = 1};
    OK(fcnn_fit(model, toy_images, toy_labels, TOY_IMAGES, &options, history));
    ck_assert(isnan(history[2].loss) && history[2].accuracy == 0);
    OK(fcnn_model_receipt(model, &receipt));
    ck_assert_int_eq(receipt.diverged_step, 2);
    ck_assert_int_eq(receipt.steps, 12);
    ck_assert(receipt.keep_going && !receipt.stopped);
    fcnn_model_destroy(model);
}
END_TEST

static void poison(fcnn_model *model, float value)
{
    float weights[TOY_PARAMETERS];
    toy_get(model, weights);
    weights[TOY_PARAMETERS - 1] = value; /* the bias of the last class */
    OK(fcnn_model_set_weights(model, weights, TOY_PARAMETERS));
}

static int poison_at_the_end(void *model, const fcnn_progress *progress)
{
    if (progress->step == progress->steps && !progress->epoch_ended) poison(model, NAN);
    return 0;
}

/* No later step is there to notice. */
START_TEST(the_last_step_is_looked_at_too)
{
    for (int i = 0; i < 2; i++) {
        fcnn_model *model = toy_build(NULL);
        const fcnn_fit_options options = {
            .batch_size = 4, .callback = poison_at_the_end, .context = model, .validation_split = i ? 0.25 : 0};
        fcnn_progress history;
        fcnn_receipt receipt;
        FAILS(FCNN_DIVERGED, fcnn_fit(model, toy_images, toy_labels, TOY_IMAGES, &options, &history));
        ck_assert(history.epoch_ended && (!i || isnan(history.val_loss)) && history.val_accuracy == 0);
        OK(fcnn_model_receipt(model, &receipt));
        ck_assert_int_eq(receipt.diverged_step, history.steps);
        fcnn_model_destroy(model);
    }
}
END_TEST

/* Logits of 3e38 and -3e38: an infinite loss, although no number is NaN, and the weights stay as they are. */
START_TEST(an_infinite_loss_is_no_loss)
{
    static const float weights[4] = {1, -1};
    static const float x[4] = {0, 0, 0, 3e38f};
    static const int32_t y[4] = {0, 1, 0, 1};
    for (int validated = 0; validated < 2; validated++) {
        fcnn_model *model;
        fcnn_metrics metrics;
        fcnn_receipt receipt;
        OK(fcnn_model_create(&model, 1, 1, 1));
        OK(fcnn_add_dense(model, 2, FCNN_LINEAR));
        OK(fcnn_compile(model, &(fcnn_compile_options){.shards = 1}));
        OK(fcnn_model_set_weights(model, weights, 4));
        OK(fcnn_evaluate(model, x + 3, y + 3, 1, &metrics));
        ck_assert(isinf(metrics.loss));
        const fcnn_fit_options options = {.no_shuffle = 1, .validation_split = validated ? 0.25 : 0};
        FAILS(FCNN_DIVERGED, fcnn_fit(model, x, y, 4, &options, NULL));
        ck_assert_ptr_nonnull(strstr(fcnn_last_error(), validated ? "the validation loss" : "the loss of step 1"));
        OK(fcnn_model_receipt(model, &receipt));
        ck_assert(receipt.steps == validated && receipt.diverged_step == 1);
        fcnn_model_destroy(model);
    }
}
END_TEST

/* NaN counts as no class, although class 0 is the label of some. */
START_TEST(rows_of_nan_are_never_correct)
{
    fcnn_model *model = toy_build(NULL);
    int32_t labels[TOY_IMAGES];
    fcnn_metrics metrics;
    poison(model, NAN);
    for (int label = 0; label < TOY_CLASSES; label++) {
        for (int i = 0; i < TOY_IMAGES; i++) labels[i] = label;
        OK(fcnn_evaluate(model, toy_images, labels, TOY_IMAGES, &metrics));
        ck_assert(isnan(metrics.loss) && metrics.accuracy == 0);
    }
    fcnn_model_destroy(model);
}
END_TEST

/* ---- the order of the loss's sum, and of classes ---- */

enum { ROWS = 53, CHUNK = 8, SHARDS = 5 };

/* One dense layer with weights 1 and 0 on a single pixel x: losses log(1 + exp(-x)) between 1 and 1e11, so that their
 * sum in double depends on its order. */
static fcnn_model *one_pixel(void)
{
    static const float weights[] = {1, 0, 0, 0};
    fcnn_model *model;
    OK(fcnn_model_create(&model, 1, 1, 1));
    OK(fcnn_add_dense(model, 2, FCNN_LINEAR));
    OK(fcnn_compile(model, &(fcnn_compile_options){.shards = SHARDS}));
    OK(fcnn_model_set_weights(model, weights, 4));
    return model;
}

/* Sums of pieces in order, then of these in order. */
static double sum_in_order(const double *loss, const int *ends, int pieces)
{
    double sum = 0;
    for (int piece = 0, i = 0; piece < pieces; piece++) {
        double part = 0;
        for (; i < ends[piece]; i++) part += loss[i];
        sum += part;
    }
    return sum;
}

/* Another order gives another sum: one row after the other, forwards and backwards. */
static int depends_on_order(const double *loss, double sum)
{
    double forwards = 0, backwards = 0;
    for (int i = 0; i < ROWS; i++) forwards += loss[i];
    for (int i = ROWS - 1; i >= 0; i--) backwards += loss[i];
    return sum != forwards && sum != backwards;
}

START_TEST(losses_are_summed_in_the_order_of_the_images)
{
    fcnn_model *model = one_pixel();
    float x[ROWS];
    int32_t y[ROWS] = {0};
    double loss[ROWS];
    int chunks[(ROWS + CHUNK - 1) / CHUNK], shards[SHARDS], count = (ROWS + CHUNK - 1) / CHUNK;
    fcnn_metrics metrics;
    fcnn_progress progress;
    for (int i = 0; i < ROWS; i++) {
        x[i] = i % 5 ? -(float)(i * 7 % 13) / 1.5f : -1e11f / (float)(i * 3 % 17 + 1);
        OK(fcnn_evaluate(model, &x[i], &y[i], 1, &metrics));
        loss[i] = metrics.loss;
    }
    for (int i = 0; i < count; i++) chunks[i] = (i + 1) * CHUNK < ROWS ? (i + 1) * CHUNK : ROWS;
    for (int i = 0; i < SHARDS; i++) shards[i] = (i + 1) * ROWS / SHARDS;
    const double evaluated = sum_in_order(loss, chunks, count), trained = sum_in_order(loss, shards, SHARDS);
    ck_assert(evaluated != trained && depends_on_order(loss, evaluated) && depends_on_order(loss, trained));
    OK(fcnn_evaluate(model, x, y, ROWS, &metrics));
    ck_assert(metrics.loss == evaluated / ROWS);
    OK(fcnn_fit(model, x, y, ROWS, &(fcnn_fit_options){.batch_size = ROWS, .no_shuffle = 1}, &progress));
    ck_assert(progress.loss == trained / ROWS);
    fcnn_model_destroy(model);
}
END_TEST

/* Of classes that are equally likely the first one is the prediction, as in Keras. */
START_TEST(the_first_of_equal_classes_is_predicted)
{
    static const float zeros[4] = {0};
    fcnn_model *model = one_pixel();
    fcnn_metrics metrics;
    OK(fcnn_model_set_weights(model, zeros, 4));
    for (int32_t label = 0; label < 2; label++) {
        OK(fcnn_evaluate(model, zeros, &label, 1, &metrics));
        ck_assert(metrics.accuracy == (label == 0));
    }
    fcnn_model_destroy(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("metrics");
    TCase *tests = tcase_create("metrics");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_step_whose_loss_is_not_finite_is_not_taken);
    tcase_add_test(tests, keep_going_trains_on_and_the_receipt_tells);
    tcase_add_test(tests, the_last_step_is_looked_at_too);
    tcase_add_test(tests, an_infinite_loss_is_no_loss);
    tcase_add_test(tests, rows_of_nan_are_never_correct);
    tcase_add_test(tests, losses_are_summed_in_the_order_of_the_images);
    tcase_add_test(tests, the_first_of_equal_classes_is_predicted);
    suite_add_tcase(suite, tests);
    toy_make_data();
    return run_suite(suite);
}
