/* SPDX-License-Identifier: BSD-2-Clause
 * What a callback of fcnn_fit() may do: evaluate and predict, on images of any number, with no effect on training; and
 * what it may not. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/net/net.h"
#include "tests/suite.h"
#include "tests/toy.h"

enum { IMAGES = 600, PIXELS = 4, CLASSES = 3, PARAMETERS = PIXELS * CLASSES + CLASSES };

static float x[IMAGES * PIXELS];
static int32_t y[IMAGES];

static void make_data(void)
{
    for (int i = 0; i < IMAGES * PIXELS; i++) x[i] = (float)(i * 37 % 101) / 101 - 0.3f;
    for (int i = 0; i < IMAGES; i++) y[i] = i * 7 % CLASSES;
}

static fcnn_model *build(int threads, int shards)
{
    fcnn_model *model;
    const fcnn_options kernels = {.threads = threads};
    OK(fcnn_model_create(&model, 1, 1, PIXELS));
    OK(fcnn_add_dense(model, CLASSES, FCNN_LINEAR));
    OK(fcnn_compile(model, &(fcnn_compile_options){.seed = 1, .shards = shards, .kernels = &kernels}));
    return model;
}

/* ---- evaluate and predict ---- */

struct visitor {
    fcnn_model *model, *twin; /* the twin is given the model's weights and evaluated outside of its own training */
    int calls;
};

static int visit(void *context, const fcnn_progress *progress)
{
    struct visitor *visitor = context;
    const int n = 1 + visitor->calls++ * 7 % 40;
    float weights[PARAMETERS], p[40 * CLASSES], q[40 * CLASSES];
    fcnn_metrics inside, outside;
    OK(fcnn_evaluate(visitor->model, x, y, n, &inside));
    OK(fcnn_predict(visitor->model, x, n, p));
    OK(fcnn_model_get_weights(visitor->model, weights, PARAMETERS));
    OK(fcnn_model_set_weights(visitor->twin, weights, PARAMETERS));
    OK(fcnn_evaluate(visitor->twin, x, y, n, &outside));
    OK(fcnn_predict(visitor->twin, x, n, q));
    ck_assert(inside.loss == outside.loss && inside.accuracy == outside.accuracy);
    ck_assert(!memcmp(p, q, (size_t)n * CLASSES * sizeof *p));
    (void)progress;
    return 0;
}

/* So many sizes of batches first that the plans of all of them are trimmed; of validation, too. */
static void fit_many_sizes(fcnn_model *model)
{
    for (int i = 0; i < 10; i++)
        OK(fcnn_fit(model, x, y, IMAGES, &(fcnn_fit_options){.batch_size = 80 + 16 * i}, NULL));
}

START_TEST(evaluating_in_a_callback_changes_nothing)
{
    static const int threads[] = {1, 2, 3}, shards[] = {1, 2, 8};
    struct visitor visitor = {.model = build(threads[_i % 3], shards[_i / 3]), .twin = build(1, 8)};
    fcnn_model *plain = build(1, shards[_i / 3]);
    fcnn_fit_options options = {.epochs = 2, .batch_size = 9, .validation_split = 0.1};
    fcnn_receipt with, without;
    fit_many_sizes(visitor.model);
    fit_many_sizes(plain);
    OK(fcnn_fit(plain, x, y, IMAGES, &options, NULL));
    options.callback = visit;
    options.context = &visitor;
    OK(fcnn_fit(visitor.model, x, y, IMAGES, &options, NULL));
    ck_assert_int_eq(visitor.calls, 2 * (IMAGES * 9 / 10 / 9 + 1));
    OK(fcnn_model_receipt(visitor.model, &with));
    OK(fcnn_model_receipt(plain, &without));
    ck_assert_str_eq(with.weights, without.weights);
    ck_assert(!with.altered);
    fcnn_model_destroy(visitor.model);
    fcnn_model_destroy(visitor.twin);
    fcnn_model_destroy(plain);
}
END_TEST

/* Labels are checked before the first step; what a callback makes of them is found all the same. */
static int spoil_labels(void *labels, const fcnn_progress *progress)
{
    if (progress->step == 1) ((int32_t *)labels)[IMAGES / 2] = CLASSES;
    return 0;
}

START_TEST(labels_that_a_callback_spoils_are_found)
{
    static int32_t labels[IMAGES];
    fcnn_model *model = build(1, 8);
    memcpy(labels, y, sizeof y);
    const fcnn_fit_options options = {.batch_size = 100, .no_shuffle = 1, .callback = spoil_labels, .context = labels};
    FAILS(FCNN_BAD_DATA, fcnn_fit(model, x, labels, IMAGES, &options, NULL));
    ck_assert_ptr_nonnull(strstr(fcnn_last_error(), "is 3; expected 0 to 2"));
    ck_assert_int_eq(model->steps, 3);
    fcnn_model_destroy(model);
}
END_TEST

/* ---- no memory ---- */

/* A need of memory that no machine has: as an evaluation that finds none would see it. The worker and the sums that
 * training goes on with must stay. */
static int ask_for_too_much(void *context, const fcnn_progress *progress)
{
    fcnn_model *model = context;
    const struct net_sum *sums = model->sums;
    const int64_t capacity = model->worker[0].capacity;
    const void *memory = model->worker[0].memory;
    FAILS(FCNN_OUT_OF_MEMORY, net_reserve(model, INT64_MAX / 8, 0, 1, 0));
    FAILS(FCNN_OUT_OF_MEMORY, net_reserve(model, 1, 0, INT64_MAX / 2, 0));
    ck_assert(model->sums == sums && model->worker[0].memory == memory && model->worker[0].capacity == capacity);
    (void)progress;
    return 0;
}

START_TEST(training_goes_on_after_an_evaluation_without_memory)
{
    fcnn_model *a = build(2, 8), *b = build(2, 8);
    fcnn_fit_options options = {.epochs = 2, .batch_size = 32};
    fcnn_receipt ra, rb;
    OK(fcnn_fit(a, x, y, IMAGES, &options, NULL));
    options.callback = ask_for_too_much;
    options.context = b;
    OK(fcnn_fit(b, x, y, IMAGES, &options, NULL));
    OK(fcnn_model_receipt(a, &ra));
    OK(fcnn_model_receipt(b, &rb));
    ck_assert_str_eq(ra.weights, rb.weights);
    fcnn_model_destroy(a);
    fcnn_model_destroy(b);
}
END_TEST

/* ---- what is refused ---- */

static int fit_again(void *model, const fcnn_progress *progress)
{
    FAILS(FCNN_BAD_ARGUMENT, fcnn_fit(model, x, y, IMAGES, NULL, NULL));
    ck_assert_ptr_nonnull(strstr(fcnn_last_error(), "running"));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_add_flatten(model));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_compile(model, NULL));
    return progress->epoch_ended; /* stops there */
}

START_TEST(fitting_in_a_callback_is_refused)
{
    fcnn_model *model = build(2, 8);
    const fcnn_fit_options options = {.epochs = 3, .batch_size = 100, .callback = fit_again, .context = model};
    fcnn_receipt receipt;
    FAILS(FCNN_INTERRUPTED, fcnn_fit(model, x, y, IMAGES, &options, NULL));
    OK(fcnn_model_receipt(model, &receipt));
    ck_assert(receipt.steps == 6 && receipt.epochs == 1 && !receipt.stopped);
    OK(fcnn_fit(model, x, y, IMAGES, NULL, NULL)); /* outside it is welcome again */
    fcnn_model_destroy(model);
}
END_TEST

/* ---- threads of the environment ---- */

START_TEST(the_environment_sets_the_workers)
{
    setenv("FASTCNN_NUM_THREADS", "3", 1);
    fcnn_model *by_environment = build(0, 8), *by_options = build(2, 8);
    unsetenv("FASTCNN_NUM_THREADS");
    ck_assert_int_eq(by_environment->workers, 3);
    ck_assert_int_eq(by_options->workers, 2);
    fcnn_model_destroy(by_environment);
    fcnn_model_destroy(by_options);
    setenv("FASTCNN_NUM_THREADS", "many", 1);
    fcnn_model *model;
    OK(fcnn_model_create(&model, 1, 1, PIXELS));
    OK(fcnn_add_dense(model, CLASSES, FCNN_LINEAR));
    FAILS(FCNN_BAD_SETTING, fcnn_compile(model, NULL));
    unsetenv("FASTCNN_NUM_THREADS");
    OK(fcnn_compile(model, NULL));
    fcnn_model_destroy(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("callback");
    TCase *tests = tcase_create("callback");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, evaluating_in_a_callback_changes_nothing, 0, 9);
    tcase_add_test(tests, labels_that_a_callback_spoils_are_found);
    tcase_add_test(tests, training_goes_on_after_an_evaluation_without_memory);
    tcase_add_test(tests, fitting_in_a_callback_is_refused);
    tcase_add_test(tests, the_environment_sets_the_workers);
    suite_add_tcase(suite, tests);
    make_data();
    return run_suite(suite);
}
