/* SPDX-License-Identifier: BSD-2-Clause
 * Early stopping on made-up numbers, NaN among them; and that a model with its best state restored is, to the bit and
 * to the receipt, the one that trained so many epochs. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "lib/fastcnn.h"
#include "tests/suite.h"
#include "tests/toy.h"

/* ---- made-up numbers ---- */

struct sequence {
    const char *name;
    fcnn_monitor monitor;
    int64_t patience;
    double min_delta, values[8];
    int count;                /* of values */
    int stops_at, best_epoch; /* from 1; 0: never, none */
};

static const struct sequence sequences[] = {
    {"falls", FCNN_MONITOR_VAL_LOSS, 1, 0, {4, 3, 2, 1}, 4, 0, 4},
    {"rises", FCNN_MONITOR_VAL_LOSS, 2, 0, {1, 2, 3, 4}, 4, 3, 1},
    {"patience begins anew", FCNN_MONITOR_LOSS, 2, 0, {3, 4, 2, 4, 4, 1}, 6, 5, 3},
    {"equal is no improvement", FCNN_MONITOR_VAL_LOSS, 3, 0, {1, 1, 1, 1, 1}, 5, 4, 1},
    {"too little is none", FCNN_MONITOR_VAL_LOSS, 1, 0.5, {4, 3, 2.75, 1}, 4, 3, 2},
    {"no patience", FCNN_MONITOR_VAL_LOSS, 0, 0, {1, 2, 3}, 3, 2, 1},
    {"endless patience", FCNN_MONITOR_VAL_LOSS, -1, 0, {1, 2, 3, 4, 5, 6}, 6, 0, 1},
    {"accuracy falls", FCNN_MONITOR_VAL_ACCURACY, 1, 0, {0.5, 0.75, 0.7}, 3, 3, 2},
    {"accuracy rises too little", FCNN_MONITOR_ACCURACY, 2, 0.1, {0.5, 0.55, 0.6, 0.9}, 4, 3, 1},
    {"NaN first", FCNN_MONITOR_VAL_LOSS, 2, 0, {NAN, 3, 2}, 3, 0, 3},
    {"NaN later", FCNN_MONITOR_VAL_LOSS, 2, 0, {3, NAN, NAN, 1}, 4, 3, 1},
    {"NaN alone", FCNN_MONITOR_VAL_ACCURACY, 3, 0, {NAN, NAN, NAN, NAN}, 4, 3, 0},
    {"infinite", FCNN_MONITOR_VAL_LOSS, 1, 0, {INFINITY, 5, INFINITY}, 3, 3, 2},
};
#define SEQUENCES ((int)(sizeof sequences / sizeof *sequences))

static fcnn_progress made_up(fcnn_monitor monitor, double value)
{
    fcnn_progress progress = {.epoch = 1, .epochs = 9, .epoch_ended = 1, .has_validation = 1, .loss = 7,
                              .accuracy = 7, .val_loss = 7, .val_accuracy = 7};
    *(monitor == FCNN_MONITOR_LOSS           ? &progress.loss
      : monitor == FCNN_MONITOR_ACCURACY     ? &progress.accuracy
      : monitor == FCNN_MONITOR_VAL_ACCURACY ? &progress.val_accuracy
                                             : &progress.val_loss) = value;
    return progress;
}

START_TEST(stops_where_it_should)
{
    const struct sequence *s = &sequences[_i];
    fcnn_early_stopping stopping = {.monitor = s->monitor, .patience = s->patience, .min_delta = s->min_delta};
    int stopped_at = 0;
    for (int i = 0; i < s->count && !stopped_at; i++) {
        const fcnn_progress progress = made_up(s->monitor, s->values[i]);
        if (fcnn_early_stop(&stopping, &progress)) stopped_at = i + 1;
        ck_assert_int_eq(stopping.improved, stopping.best_epoch == i + 1);
    }
    ck_assert_msg(stopped_at == s->stops_at, "%s: stopped at %d, not at %d", s->name, stopped_at, s->stops_at);
    ck_assert_msg(stopping.best_epoch == s->best_epoch, "%s: best epoch %d, not %d", s->name,
                  (int)stopping.best_epoch, s->best_epoch);
    ck_assert_int_eq(stopping.stopped, stopped_at > 0);
    if (s->best_epoch) ck_assert(stopping.best == s->values[s->best_epoch - 1]);
    ck_assert_int_eq(stopping.status, FCNN_OK);
}
END_TEST

START_TEST(steps_within_an_epoch_do_not_count)
{
    fcnn_early_stopping stopping = {.patience = 1};
    fcnn_progress progress = made_up(FCNN_MONITOR_VAL_LOSS, 1);
    ck_assert_int_eq(fcnn_early_stop(&stopping, &progress), 0);
    progress.epoch_ended = 0;
    for (int i = 0; i < 5; i++) ck_assert_int_eq(fcnn_early_stop(&stopping, &progress), 0);
    ck_assert_int_eq(stopping.epochs, 1);
}
END_TEST

START_TEST(nonsense_stops_with_a_sentence)
{
    fcnn_progress progress = made_up(FCNN_MONITOR_VAL_LOSS, 1);
    ck_assert_int_eq(fcnn_early_stop(NULL, &progress), 1);
    ck_assert_int_eq(fcnn_early_stop(&(fcnn_early_stopping){.patience = 1}, NULL), 1);
    fcnn_early_stopping unknown = {.monitor = (fcnn_monitor)9}, delta = {.min_delta = NAN}, no_images = {0};
    ck_assert_int_eq(fcnn_early_stop(&unknown, &progress), 1);
    FAILS(FCNN_BAD_ARGUMENT, unknown.status);
    ck_assert_int_eq(fcnn_early_stop(&delta, &progress), 1);
    FAILS(FCNN_BAD_ARGUMENT, delta.status);
    progress.has_validation = 0;
    ck_assert_int_eq(fcnn_early_stop(&no_images, &progress), 1);
    ck_assert_ptr_nonnull(strstr(fcnn_last_error(), "no validation images"));
    ck_assert(no_images.status == FCNN_BAD_ARGUMENT && !no_images.stopped && !no_images.epochs);
    no_images = (fcnn_early_stopping){.monitor = FCNN_MONITOR_LOSS};
    ck_assert_int_eq(fcnn_early_stop(&no_images, &progress), 0);
}
END_TEST

/* ---- models ---- */

enum { EPOCHS = 6, BEST = 2, PATIENCE = 3 };

static fcnn_model *build(fcnn_optimizer optimizer)
{
    return toy_build(&(fcnn_compile_options){.optimizer = optimizer, .learning_rate = 0.01f, .seed = 3,
                                             .momentum = optimizer == FCNN_OPTIMIZER_SGD ? 0.9f : 0});
}

static fcnn_status fit(fcnn_model *model, int epochs, int (*callback)(void *, const fcnn_progress *), void *context)
{
    const fcnn_fit_options options = {.epochs = epochs, .batch_size = 5, .validation_split = 0.25,
                                      .callback = callback, .context = context};
    return fcnn_fit(model, toy_images, toy_labels, TOY_IMAGES, &options, NULL);
}

/* Numbers that get worse after epoch BEST, whatever the model does. */
static int with_made_up_numbers(void *context, const fcnn_progress *progress)
{
    fcnn_progress told = *progress;
    told.val_loss = progress->epoch <= BEST ? 1.0 / progress->epoch : NAN;
    return fcnn_early_stop(context, &told);
}

/* As the receipt says it: all that decides what the weights are. */
static void same_receipt(const fcnn_model *a, const fcnn_model *b)
{
    fcnn_receipt ra, rb;
    OK(fcnn_model_receipt(a, &ra));
    OK(fcnn_model_receipt(b, &rb));
    ck_assert_msg(!memcmp(&ra, &rb, sizeof ra), "weights %s and %s, epochs %d and %d, given %d and %d", ra.weights,
                  rb.weights, (int)ra.epochs, (int)rb.epochs, ra.given, rb.given);
}

START_TEST(the_best_state_is_that_of_a_shorter_run)
{
    const fcnn_optimizer optimizer = _i ? FCNN_OPTIMIZER_SGD : FCNN_OPTIMIZER_ADAM;
    fcnn_model *stopped = build(optimizer), *shorter = build(optimizer);
    fcnn_early_stopping stopping = {.patience = PATIENCE, .model = stopped};
    FAILS(FCNN_INTERRUPTED, fit(stopped, EPOCHS, with_made_up_numbers, &stopping));
    ck_assert(stopping.stopped && stopping.best_epoch == BEST && stopping.epochs == BEST + PATIENCE);
    OK(fcnn_snapshot_restore(stopping.best_model, stopped));
    OK(fit(shorter, BEST, NULL, NULL));
    toy_same(stopped, shorter);
    same_receipt(stopped, shorter);
    OK(fit(stopped, 2, NULL, NULL)); /* and so it goes on, with moments and shuffling */
    OK(fit(shorter, 2, NULL, NULL));
    toy_same(stopped, shorter);
    same_receipt(stopped, shorter);
    fcnn_snapshot_destroy(stopping.best_model);
    fcnn_model_destroy(stopped);
    fcnn_model_destroy(shorter);
}
END_TEST

/* A run that began with given weights has copies of them in its record: they come back too. */
START_TEST(a_given_beginning_comes_back)
{
    static float weights[TOY_PARAMETERS], before[TOY_PARAMETERS], after[TOY_PARAMETERS];
    fcnn_model *model = build(FCNN_OPTIMIZER_ADAM), *other = build(FCNN_OPTIMIZER_ADAM);
    fcnn_snapshot *snapshot = NULL;
    toy_get(other, weights);
    for (int i = 0; i < TOY_PARAMETERS; i++) weights[i] *= 0.5f;
    OK(fcnn_model_set_weights(model, weights, TOY_PARAMETERS));
    OK(fit(model, 1, NULL, NULL));
    OK(fcnn_model_get_array(model, FCNN_ARRAY_INITIAL_WEIGHTS, before, TOY_PARAMETERS));
    OK(fcnn_snapshot_take(&snapshot, model));
    OK(fcnn_snapshot_restore(snapshot, other));
    same_receipt(model, other);
    OK(fcnn_model_set_weights(model, weights, TOY_PARAMETERS)); /* another run */
    OK(fcnn_snapshot_restore(snapshot, model));
    OK(fcnn_model_get_array(model, FCNN_ARRAY_INITIAL_WEIGHTS, after, TOY_PARAMETERS));
    ck_assert(!memcmp(before, after, sizeof before) && !memcmp(before, weights, sizeof before));
    fcnn_snapshot *copy = snapshot;
    OK(fcnn_snapshot_take(&snapshot, other)); /* over the old one */
    ck_assert_ptr_eq(copy, snapshot);
    fcnn_snapshot_destroy(snapshot);
    fcnn_model_destroy(model);
    fcnn_model_destroy(other);
}
END_TEST

static int restore_within(void *context, const fcnn_progress *progress)
{
    fcnn_snapshot *snapshot = NULL;
    OK(fcnn_snapshot_take(&snapshot, context));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_snapshot_restore(snapshot, context));
    fcnn_snapshot_destroy(snapshot);
    return progress->epoch_ended;
}

START_TEST(wrong_use_is_refused)
{
    fcnn_model *model = build(FCNN_OPTIMIZER_ADAM), *small, *raw;
    fcnn_snapshot *snapshot = NULL;
    OK(fcnn_model_create(&small, 1, 1, 2));
    OK(fcnn_add_dense(small, 3, FCNN_LINEAR));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_snapshot_take(&snapshot, small)); /* not compiled */
    OK(fcnn_compile(small, NULL));
    OK(fcnn_snapshot_take(&snapshot, model));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_snapshot_restore(snapshot, small));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_snapshot_take(&snapshot, small));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_snapshot_take(NULL, model));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_snapshot_take(&snapshot, NULL));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_snapshot_restore(NULL, model));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_snapshot_restore(snapshot, NULL));
    FAILS(FCNN_INTERRUPTED, fit(model, 2, restore_within, model));
    OK(fcnn_model_create(&raw, 1, 1, 2));
    fcnn_early_stopping stopping = {.model = raw};
    const fcnn_progress progress = made_up(FCNN_MONITOR_VAL_LOSS, 1);
    ck_assert_int_eq(fcnn_early_stop(&stopping, &progress), 1);
    FAILS(FCNN_BAD_ARGUMENT, stopping.status);
    fcnn_snapshot_destroy(snapshot);
    fcnn_snapshot_destroy(NULL);
    fcnn_model_destroy(model);
    fcnn_model_destroy(small);
    fcnn_model_destroy(raw);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("early stopping");
    TCase *tests = tcase_create("early stopping");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, stops_where_it_should, 0, SEQUENCES);
    tcase_add_test(tests, steps_within_an_epoch_do_not_count);
    tcase_add_test(tests, nonsense_stops_with_a_sentence);
    tcase_add_loop_test(tests, the_best_state_is_that_of_a_shorter_run, 0, 2);
    tcase_add_test(tests, a_given_beginning_comes_back);
    tcase_add_test(tests, wrong_use_is_refused);
    suite_add_tcase(suite, tests);
    toy_make_data();
    return run_suite(suite);
}
