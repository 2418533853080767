/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The bookkeeping of fit, evaluate and predict: batches, validation, callbacks, continuing; one hash at any number of
 * threads. */
#include <check.h>
#include <fenv.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "lib/net/net.h"
#include "tests/suite.h"
#include "tests/toy.h"

START_TEST(the_last_batch_may_be_smaller)
{
    fcnn_model *a = toy_build(NULL), *b = toy_build(NULL);
    OK(fcnn_fit(a, toy_images, toy_labels, 8, &(fcnn_fit_options){.batch_size = 3, .no_shuffle = 1}, NULL));
    toy_step(b, 0, 3);
    toy_step(b, 3, 3);
    toy_step(b, 6, 2);
    toy_same(a, b);
    fcnn_model_destroy(a);
    fcnn_model_destroy(b);
}
END_TEST

START_TEST(every_epoch_has_its_own_order)
{
    fcnn_model *a = toy_build(&(fcnn_compile_options){.seed = 4}), *b = toy_build(&(fcnn_compile_options){.seed = 4});
    static float x[TOY_IMAGES * TOY_PIXELS];
    int32_t y[TOY_IMAGES];
    int64_t order[TOY_IMAGES];
    OK(fcnn_fit(a, toy_images, toy_labels, TOY_IMAGES, &(fcnn_fit_options){.batch_size = 6, .epochs = 3}, NULL));
    for (int epoch = 0; epoch < 3; epoch++) {
        net_shuffle(order, TOY_IMAGES, 4, epoch);
        for (int i = 0; i < TOY_IMAGES; i++) {
            memcpy(x + i * TOY_PIXELS, toy_images + order[i] * TOY_PIXELS, TOY_PIXELS * sizeof *x);
            y[i] = toy_labels[order[i]];
        }
        OK(fcnn_fit(b, x, y, TOY_IMAGES, &(fcnn_fit_options){.batch_size = 6, .no_shuffle = 1}, NULL));
    }
    toy_same(a, b);
    fcnn_model_destroy(a);
    fcnn_model_destroy(b);
}
END_TEST

/* The entries of a history are as far apart as the caller's struct is large. */
START_TEST(histories_of_newer_programs)
{
    struct {
        fcnn_progress progress;
        double more;
    } history[2];
    fcnn_model *model = toy_build(NULL);
    const fcnn_fit_options options = {.epochs = 2, .batch_size = 8};
    memset(history, 0xff, sizeof history);
    OK(fcnn_fit_sized(model, toy_images, toy_labels, TOY_IMAGES, &options, sizeof options, &history[0].progress,
                      sizeof history[0]));
    for (int i = 0; i < 2; i++) {
        ck_assert(history[i].progress.epoch == i + 1 && history[i].progress.steps == 2 && history[i].more == 0);
        ck_assert(history[i].progress.epoch_ended && isfinite(history[i].progress.loss));
    }
    fcnn_model_destroy(model);
}
END_TEST

START_TEST(validation_takes_the_last_part)
{
    fcnn_model *a = toy_build(NULL), *b = toy_build(NULL);
    fcnn_progress split, plain;
    fcnn_metrics metrics;
    fcnn_receipt ra, rb;
    OK(fcnn_fit(a, toy_images, toy_labels, 16, &(fcnn_fit_options){.batch_size = 4, .validation_split = 0.3}, &split));
    OK(fcnn_fit(b, toy_images, toy_labels, 11, &(fcnn_fit_options){.batch_size = 4}, &plain));
    toy_same(a, b);
    OK(fcnn_evaluate(b, toy_images + 11 * TOY_PIXELS, toy_labels + 11, 5, &metrics));
    ck_assert(split.has_validation && !plain.has_validation && split.epoch_ended);
    ck_assert(split.val_loss == metrics.loss && split.val_accuracy == metrics.accuracy);
    ck_assert(split.loss == plain.loss && split.steps == 3 && split.step == 3);
    OK(fcnn_model_receipt(a, &ra));
    OK(fcnn_model_receipt(b, &rb));
    ck_assert_str_eq(ra.data, rb.data); /* of what the weights depend on */
    ck_assert_uint_eq(strlen(ra.data), 32);
    fcnn_model_destroy(a);
    fcnn_model_destroy(b);
}
END_TEST

/* Stops at the call whose number is *context. */
static int stop(void *context, const fcnn_progress *progress)
{
    int *left = context;
    ck_assert(progress->step >= 1 && progress->step <= progress->steps &&
              progress->seconds >= progress->training_seconds);
    return --*left == 0;
}

START_TEST(a_callback_stops_after_a_finished_step)
{
    fcnn_model *a = toy_build(NULL), *b = toy_build(NULL);
    int calls = 2;
    fcnn_fit_options options = {.batch_size = 4, .no_shuffle = 1, .callback = stop, .context = &calls};
    FAILS(FCNN_INTERRUPTED, fcnn_fit(a, toy_images, toy_labels, 16, &options, NULL));
    toy_step(b, 0, 4);
    toy_step(b, 4, 4);
    toy_same(a, b);
    calls = 3; /* the epoch's end, after its two other steps */
    options.epochs = 2;
    fcnn_progress history[2] = {{0}, {0}};
    FAILS(FCNN_INTERRUPTED, fcnn_fit(a, toy_images, toy_labels, 16, &options, history));
    ck_assert(history[0].epoch == 1 && history[0].epochs == 2 && history[0].epoch_ended && !history[1].epoch);
    fcnn_model_destroy(a);
    fcnn_model_destroy(b);
}
END_TEST

START_TEST(fitting_twice_continues)
{
    fcnn_model *a = toy_build(NULL), *b = toy_build(NULL);
    fcnn_fit_options options = {.batch_size = 5, .epochs = 2};
    fcnn_progress history[2];
    OK(fcnn_fit(a, toy_images, toy_labels, TOY_IMAGES, &options, history));
    ck_assert(history[0].epoch == 1 && history[1].epoch == 2 && history[1].loss != history[0].loss);
    options.epochs = 1;
    OK(fcnn_fit(b, toy_images, toy_labels, TOY_IMAGES, &options, NULL));
    OK(fcnn_fit(b, toy_images, toy_labels, TOY_IMAGES, &options, NULL));
    toy_same(a, b);
    fcnn_receipt receipt;
    OK(fcnn_model_receipt(a, &receipt));
    ck_assert_int_eq(receipt.steps, 8);
    fcnn_model_destroy(a);
    fcnn_model_destroy(b);
}
END_TEST

START_TEST(weights_are_copied_out_and_in)
{
    const fcnn_compile_options one = {.seed = 1, .shards = 1}, two = {.seed = 2, .shards = 1};
    fcnn_model *a = toy_build(&one), *b = toy_build(&two), *c = toy_build(&one);
    float weights[TOY_PARAMETERS];
    fcnn_metrics of_a, of_b;
    toy_get(a, weights);
    OK(fcnn_evaluate(b, toy_images, toy_labels, TOY_IMAGES, &of_b)); /* packs the old weights */
    OK(fcnn_model_set_weights(b, weights, TOY_PARAMETERS));
    toy_same(a, b);
    OK(fcnn_evaluate(a, toy_images, toy_labels, TOY_IMAGES, &of_a));
    OK(fcnn_evaluate(b, toy_images, toy_labels, TOY_IMAGES, &of_b));
    ck_assert(of_a.loss == of_b.loss);
    toy_step(a, 0, 8);
    toy_step(b, 0, 8);
    toy_step(c, 0, 8); /* the only one that was never evaluated */
    toy_same(a, b);
    toy_same(b, c);
    FAILS(FCNN_BAD_ARGUMENT, fcnn_model_get_weights(a, weights, TOY_PARAMETERS - 1));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_model_set_weights(a, NULL, TOY_PARAMETERS));
    fcnn_model_destroy(a);
    fcnn_model_destroy(b);
    fcnn_model_destroy(c);
}
END_TEST

START_TEST(the_hash_sees_every_weight_but_not_the_sign_of_zero)
{
    fcnn_model *model = toy_build(NULL);
    float weights[TOY_PARAMETERS];
    fcnn_receipt before, after;
    toy_get(model, weights);
    for (int i = 0; i < TOY_PARAMETERS; i++) {
        const float kept = weights[i];
        OK(fcnn_model_set_weights(model, weights, TOY_PARAMETERS));
        OK(fcnn_model_receipt(model, &before));
        weights[i] = kept == 0 ? -kept : nextafterf(kept, 1);
        OK(fcnn_model_set_weights(model, weights, TOY_PARAMETERS));
        OK(fcnn_model_receipt(model, &after));
        ck_assert_int_eq(strcmp(before.weights, after.weights) != 0, kept != 0);
        weights[i] = kept + 1;
        OK(fcnn_model_set_weights(model, weights, TOY_PARAMETERS));
        OK(fcnn_model_receipt(model, &after));
        ck_assert_str_ne(before.weights, after.weights);
    }
    fcnn_model_destroy(model);
}
END_TEST

START_TEST(evaluate_and_predict_agree)
{
    fcnn_model *model = toy_build(NULL);
    float all[TOY_IMAGES * TOY_CLASSES], some[TOY_IMAGES * TOY_CLASSES];
    fcnn_metrics metrics;
    double loss = 0, correct = 0;
    const int n = 13;
    OK(fcnn_predict(model, toy_images, n, all));
    OK(fcnn_predict(model, toy_images, 3, some));
    OK(fcnn_predict(model, toy_images + 3 * TOY_PIXELS, n - 3, some + 3 * TOY_CLASSES));
    ck_assert_int_eq(memcmp(all, some, (size_t)n * TOY_CLASSES * sizeof(float)), 0);
    OK(fcnn_evaluate(model, toy_images, toy_labels, n, &metrics));
    for (int i = 0; i < n; i++) {
        const float *p = all + i * TOY_CLASSES;
        loss -= log((double)p[toy_labels[i]]);
        correct += (p[0] >= p[1] && p[0] >= p[2] ? 0 : p[1] >= p[2] ? 1 : 2) == toy_labels[i];
        ck_assert_float_eq_tol(p[0] + p[1] + p[2], 1, 1e-6f);
    }
    ck_assert_double_eq_tol(metrics.loss, loss / n, 1e-6);
    ck_assert(metrics.accuracy == correct / n);
    fcnn_model_destroy(model);
}
END_TEST

START_TEST(threads_do_not_change_a_bit)
{
    static const int shards[] = {1, 3, 8}, threads[] = {1, 2, 3, 5};
    fcnn_options kernels = {0};
    const fcnn_compile_options options = {.seed = 9, .shards = shards[_i], .kernels = &kernels};
    const fcnn_fit_options fit = {.epochs = 2, .batch_size = 7, .validation_split = 0.2};
    fcnn_model *first = NULL;
    fcnn_progress expected, history[2];
    for (int i = 0; i < 4; i++) {
        kernels.threads = threads[i];
        fcnn_model *model = toy_build(&options);
        OK(fcnn_fit(model, toy_images, toy_labels, TOY_IMAGES, &fit, history));
        if (!first) {
            first = model;
            expected = history[1];
            continue;
        }
        toy_same(first, model);
        ck_assert(history[1].loss == expected.loss && history[1].val_loss == expected.val_loss);
        fcnn_model_destroy(model);
    }
    fcnn_model_destroy(first);
}
END_TEST

/* The caller's floating-point mode is neither used nor changed: compile, train and hash under another one. */
START_TEST(the_callers_rounding_mode_changes_nothing)
{
    const fcnn_compile_options compile = {.seed = 11, .kernels = &(fcnn_options){.threads = 2}};
    fcnn_receipt expected, receipt;
    for (int other = 0; other < 2; other++) {
        fesetround(other ? FE_UPWARD : FE_TONEAREST);
        fcnn_model *model = toy_build(&compile);
        const fcnn_fit_options fit = {.epochs = 2, .batch_size = 5};
        const fcnn_status status = fcnn_fit(model, toy_images, toy_labels, TOY_IMAGES, &fit, NULL);
        const fcnn_status hashed = fcnn_model_receipt(model, other ? &receipt : &expected);
        const int mode = fegetround();
        fesetround(FE_TONEAREST);
        ck_assert_int_eq(status, FCNN_OK);
        ck_assert_int_eq(hashed, FCNN_OK);
        ck_assert_int_eq(mode, other ? FE_UPWARD : FE_TONEAREST);
        fcnn_model_destroy(model);
    }
    ck_assert_str_eq(receipt.weights, expected.weights);
}
END_TEST

static void count_workers(void *context, struct fcnn_team *team) { *(int *)context = team->workers; }

/* As many workers as asked for, none without a shard, and one inside a parallel region even where the runtime would
 * start more. */
START_TEST(no_region_is_oversubscribed)
{
    fcnn_model *model = toy_build(&(fcnn_compile_options){.kernels = &(fcnn_options){.threads = 3}});
    int few = 0, many = 0, nested = 0;
    net_lead(model, 2, count_workers, &few);
    net_lead(model, 8, count_workers, &many);
    omp_set_max_active_levels(2);
#pragma omp parallel num_threads(2)
#pragma omp single
    net_lead(model, 8, count_workers, &nested);
    ck_assert_int_eq(few, 2);
    ck_assert_int_eq(many, 3);
    ck_assert_int_eq(nested, 1);
    fcnn_model_destroy(model);
}
END_TEST

START_TEST(many_sizes_and_nested_regions_are_served)
{
    fcnn_model *model = toy_build(&(fcnn_compile_options){.shards = 1, .kernels = &(fcnn_options){.threads = 3}});
    fcnn_model *other = toy_build(&(fcnn_compile_options){.shards = 1, .kernels = &(fcnn_options){.threads = 3}});
    fcnn_metrics alone, nested;
    float p[2 * TOY_CLASSES], nested_p[2 * TOY_CLASSES];
    for (int n = 1; n <= TOY_IMAGES; n++) toy_step(model, 0, n);
    for (int n = 1; n <= TOY_IMAGES; n++) OK(fcnn_evaluate(model, toy_images, toy_labels, n, &alone));
#pragma omp parallel num_threads(2)
#pragma omp single
    {
        for (int n = 1; n <= TOY_IMAGES; n++) toy_step(other, 0, n);
        OK(fcnn_evaluate(other, toy_images, toy_labels, TOY_IMAGES, &nested));
        OK(fcnn_predict(other, toy_images, 2, nested_p));
    }
    toy_same(model, other);
    OK(fcnn_predict(model, toy_images, 2, p));
    ck_assert(alone.loss == nested.loss && !memcmp(p, nested_p, sizeof p));
    fcnn_model_destroy(model);
    fcnn_model_destroy(other);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fit");
    TCase *tests = tcase_create("fit");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, the_last_batch_may_be_smaller);
    tcase_add_test(tests, every_epoch_has_its_own_order);
    tcase_add_test(tests, histories_of_newer_programs);
    tcase_add_test(tests, validation_takes_the_last_part);
    tcase_add_test(tests, a_callback_stops_after_a_finished_step);
    tcase_add_test(tests, fitting_twice_continues);
    tcase_add_test(tests, weights_are_copied_out_and_in);
    tcase_add_test(tests, the_hash_sees_every_weight_but_not_the_sign_of_zero);
    tcase_add_test(tests, evaluate_and_predict_agree);
    tcase_add_loop_test(tests, threads_do_not_change_a_bit, 0, 3);
    tcase_add_test(tests, the_callers_rounding_mode_changes_nothing);
    tcase_add_test(tests, no_region_is_oversubscribed);
    tcase_add_test(tests, many_sizes_and_nested_regions_are_served);
    suite_add_tcase(suite, tests);
    toy_make_data();
    return run_suite(suite);
}
