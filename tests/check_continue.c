/* SPDX-License-Identifier: BSD-2-Clause
 * Training that is stopped after any step and goes on, in the same model or in another one with other threads and
 * instruction sets: the same bits, metrics and receipt as without the stop. With all that a step depends on: batch
 * normalization, dropout, a schedule, shuffling, a last batch that is smaller. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/suite.h"
#include "tests/toy.h"

#define EPOCHS 3
#define STEPS  4 /* of an epoch: 13 images in batches of 4 */
#define STOPS  (EPOCHS * (STEPS + 1)) /* callbacks of a whole run */

static fcnn_fit_options fit_options(void)
{
    return (fcnn_fit_options){.epochs = EPOCHS, .batch_size = 4, .validation_split = 0.1875};
}

static fcnn_model *build(int adam, const fcnn_options *kernels)
{
    static const fcnn_layer layers[] = {
        {.kind = FCNN_LAYER_CONV2D, .units = 4, .r = 3, .s = 3, .activation = FCNN_RELU_ACTIVATION},
        {.kind = FCNN_LAYER_BATCH_NORMALIZATION, .momentum = 0.5f},
        {.kind = FCNN_LAYER_MAXPOOL2D},
        {.kind = FCNN_LAYER_DROPOUT, .rate = 0.3f},
        {.kind = FCNN_LAYER_FLATTEN},
        {.kind = FCNN_LAYER_DENSE, .units = TOY_CLASSES},
    };
    const fcnn_compile_options compile = {.seed = 11, .shards = 3, .momentum = adam ? 0 : 0.5f, .kernels = kernels,
                                          .optimizer = adam ? FCNN_OPTIMIZER_ADAM : FCNN_OPTIMIZER_SGD,
                                          .learning_rate = 0.01f, .schedule = FCNN_SCHEDULE_COSINE,
                                          .schedule_steps = EPOCHS * STEPS};
    fcnn_model *model;
    OK(fcnn_model_create(&model, 14, 14, 2));
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++) OK(fcnn_add_layer(model, &layers[i]));
    OK(fcnn_compile(model, &compile));
    return model;
}

static fcnn_status fit(fcnn_model *model, const fcnn_fit_options *options, fcnn_progress *history)
{
    return fcnn_fit(model, toy_images, toy_labels, TOY_IMAGES, options, history);
}

static fcnn_receipt receipt_of(const fcnn_model *model)
{
    fcnn_receipt receipt;
    OK(fcnn_model_receipt(model, &receipt));
    return receipt;
}

/* All that moves a model, taken where a callback stops it. */
struct moment {
    fcnn_model *model;
    int left; /* calls until it stops */
    int ended; /* at the end of an epoch */
    fcnn_state state;
    fcnn_receipt receipt;
    float *arrays[FCNN_ARRAY_INITIAL_MOMENT_2 + 1], *initial;
};

static void take(struct moment *m)
{
    const int64_t count = fcnn_model_parameters(m->model);
    m->initial = malloc((size_t)(3 * count) * sizeof(float));
    for (int i = 0; i <= FCNN_ARRAY_INITIAL_MOMENT_2; i++) {
        m->arrays[i] = malloc((size_t)count * sizeof(float));
        OK(fcnn_model_get_array(m->model, (fcnn_array)i, m->arrays[i], count));
        if (i > FCNN_ARRAY_MOMENT_2) memcpy(m->initial + (i - 3) * count, m->arrays[i], (size_t)count * sizeof(float));
    }
    OK(fcnn_model_get_state(m->model, &m->state));
    m->receipt = receipt_of(m->model);
}

static int stop(void *context, const fcnn_progress *progress)
{
    struct moment *m = context;
    if (--m->left) return 0;
    m->ended = progress->epoch_ended;
    take(m);
    return 1;
}

static void release(struct moment *m)
{
    for (int i = 0; i <= FCNN_ARRAY_INITIAL_MOMENT_2; i++) free(m->arrays[i]);
    free(m->initial);
}

/* The state comes first every other time: the order is free. */
static void set(fcnn_model *model, const struct moment *m, int state_first)
{
    if (state_first) OK(fcnn_model_set_state(model, &m->state));
    for (int i = 0; i <= FCNN_ARRAY_MOMENT_2; i++)
        OK(fcnn_model_set_array(model, (fcnn_array)i, m->arrays[i], fcnn_model_parameters(model)));
    if (!state_first) OK(fcnn_model_set_state(model, &m->state));
}

static void same_arrays(const fcnn_model *a, const fcnn_model *b)
{
    const int64_t count = fcnn_model_parameters(a);
    float *x = malloc((size_t)count * sizeof *x), *y = malloc((size_t)count * sizeof *y);
    for (int i = 0; i <= FCNN_ARRAY_MOMENT_2; i++) {
        OK(fcnn_model_get_array(a, (fcnn_array)i, x, count));
        OK(fcnn_model_get_array(b, (fcnn_array)i, y, count));
        ck_assert(!memcmp(x, y, (size_t)count * sizeof *x));
    }
    free(x);
    free(y);
    fcnn_state s, t;
    OK(fcnn_model_get_state(a, &s));
    OK(fcnn_model_get_state(b, &t));
    ck_assert(!memcmp(&s, &t, sizeof s));
}

static void same_metrics(const fcnn_progress *a, const fcnn_progress *b)
{
    ck_assert(a->epoch_ended && b->epoch_ended && a->step == STEPS && b->step == STEPS && b->steps == STEPS);
    ck_assert(a->loss == b->loss && a->accuracy == b->accuracy);
    ck_assert(a->val_loss == b->val_loss && a->val_accuracy == b->val_accuracy);
}

static int equal(const fcnn_receipt *a, const fcnn_receipt *b)
{
    ck_assert_str_eq(a->weights, b->weights);
    ck_assert_str_eq(a->data, b->data);
    return !strcmp(a->classes, b->classes) && a->steps == b->steps && a->given == b->given &&
           a->altered == b->altered && a->stopped == b->stopped &&
           a->diverged_step == b->diverged_step && a->first_step == b->first_step && a->first_epoch == b->first_epoch &&
           a->first_beta_1_power == b->first_beta_1_power && a->first_beta_2_power == b->first_beta_2_power &&
           a->epochs == b->epochs && a->images == b->images && a->validation_images == b->validation_images &&
           a->batch_size == b->batch_size && a->validation_split == b->validation_split &&
           a->shuffled == b->shuffled && a->keep_going == b->keep_going &&
           a->first_epoch_steps == b->first_epoch_steps;
}

/* Epochs that a run of EPOCHS has left. */
static int epochs_left(const struct moment *m) { return EPOCHS - (int)m->state.epochs; }

START_TEST(a_stopped_fit_goes_on_where_it_stopped)
{
    fcnn_progress whole[EPOCHS], parts[EPOCHS];
    fcnn_fit_options options = fit_options();
    fcnn_model *a = build(_i, NULL);
    OK(fit(a, &options, whole));
    const fcnn_receipt wanted = receipt_of(a);
    for (int at = 1; at < STOPS; at++) {
        fcnn_model *b = build(_i, NULL);
        struct moment m = {.model = b, .left = at};
        options = fit_options();
        options.callback = stop;
        options.context = &m;
        FAILS(FCNN_INTERRUPTED, fit(b, &options, parts));
        ck_assert_int_eq(m.state.epoch_steps, m.ended ? 0 : at % (STEPS + 1));
        ck_assert(receipt_of(b).stopped == !m.ended);
        options = fit_options();
        options.epochs = epochs_left(&m);
        OK(fit(b, &options, parts + m.state.epochs));
        for (int i = 0; i < EPOCHS; i++) same_metrics(&whole[i], &parts[i]);
        const fcnn_receipt got = receipt_of(b);
        ck_assert(equal(&got, &wanted));
        same_arrays(a, b);
        release(&m);
        fcnn_model_destroy(b);
    }
    fcnn_model_destroy(a);
}
END_TEST

static const fcnn_options other_kernels[] = {{.threads = 1, .isa = "scalar"}, {.threads = 2}, {.threads = 5}};

/* Moved into another model at every callback of a whole run; once with the run, once as a run of its own. */
START_TEST(another_model_goes_on)
{
    fcnn_progress whole[EPOCHS], parts[EPOCHS];
    fcnn_fit_options options = fit_options();
    fcnn_model *a = build(_i, &(fcnn_options){.threads = 2});
    OK(fit(a, &options, whole));
    const fcnn_receipt wanted = receipt_of(a);
    for (int at = 1; at < STOPS; at++) {
        fcnn_model *first = build(_i, &other_kernels[at % 3]);
        struct moment m = {.model = first, .left = at};
        options.callback = stop;
        options.context = &m;
        FAILS(FCNN_INTERRUPTED, fit(first, &options, NULL));
        fcnn_model_destroy(first);
        options = fit_options();
        options.epochs = epochs_left(&m);
        for (int with_run = 0; with_run < 2; with_run++) {
            fcnn_model *b = build(_i, &other_kernels[(at + 1 + with_run) % 3]);
            set(b, &m, at % 2);
            if (with_run) OK(fcnn_model_continue_run(b, &m.receipt, NULL, 0));
            OK(fit(b, &options, parts));
            for (int i = 0; i < options.epochs; i++) same_metrics(&whole[m.state.epochs + i], &parts[i]);
            const fcnn_receipt got = receipt_of(b);
            ck_assert(equal(&got, &wanted) == with_run);
            if (!with_run)
                ck_assert(got.given && got.first_step == m.state.steps && got.first_epoch == m.state.epochs &&
                          got.first_epoch_steps == m.state.epoch_steps && got.epochs == options.epochs);
            same_arrays(a, b);
            fcnn_model_destroy(b);
        }
        options = fit_options();
        release(&m);
    }
    fcnn_model_destroy(a);
}
END_TEST

/* A run that began with weights that were set: they go along. */
START_TEST(the_initial_weights_of_a_run_go_along)
{
    fcnn_fit_options options = fit_options();
    fcnn_model *a = build(1, NULL), *b = build(1, NULL), *c = build(1, NULL);
    const int64_t count = fcnn_model_parameters(a);
    float *x = calloc((size_t)count, sizeof *x);
    for (int64_t i = 0; i < count; i++) x[i] = (float)(i % 13) / 50;
    struct moment m = {.model = b, .left = 7};
    OK(fcnn_model_set_weights(a, x, count));
    OK(fcnn_model_set_weights(b, x, count));
    OK(fit(a, &options, NULL));
    options.callback = stop;
    options.context = &m;
    FAILS(FCNN_INTERRUPTED, fit(b, &options, NULL));
    set(c, &m, 0);
    FAILS(FCNN_BAD_ARGUMENT, fcnn_model_continue_run(c, &m.receipt, NULL, 0));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_model_continue_run(c, &m.receipt, m.initial, count));
    OK(fcnn_model_continue_run(c, &m.receipt, m.initial, 3 * count));
    memset(m.initial, 0, (size_t)count * sizeof(float)); /* it was copied */
    options = fit_options();
    options.epochs = epochs_left(&m);
    OK(fit(c, &options, NULL));
    const fcnn_receipt wanted = receipt_of(a), got = receipt_of(c);
    ck_assert(wanted.given && equal(&got, &wanted));
    OK(fcnn_model_get_array(c, FCNN_ARRAY_INITIAL_WEIGHTS, m.initial, count));
    ck_assert(!memcmp(m.initial, x, (size_t)count * sizeof *x));
    free(x);
    release(&m);
    fcnn_model_destroy(a);
    fcnn_model_destroy(b);
    fcnn_model_destroy(c);
}
END_TEST

/* ---- what begins the epoch anew, what is refused ---- */

/* A model that stands after step 2 of its second epoch. */
static fcnn_model *stopped(struct moment *m)
{
    fcnn_fit_options options = fit_options();
    *m = (struct moment){.model = build(1, NULL), .left = STEPS + 1 + 2};
    options.callback = stop;
    options.context = m;
    FAILS(FCNN_INTERRUPTED, fit(m->model, &options, NULL));
    return m->model;
}

static int64_t steps_of(const fcnn_model *model) { return receipt_of(model).steps; }

START_TEST(another_fit_begins_the_epoch_anew)
{
    struct moment m;
    fcnn_model *model = stopped(&m);
    fcnn_fit_options options = fit_options();
    options.epochs = 1;
    options.keep_going = 1;
    OK(fit(model, &options, NULL));
    ck_assert_int_eq(steps_of(model), STEPS + 2 + STEPS);
    ck_assert(receipt_of(model).first_epoch_steps == 0 && receipt_of(model).first_epoch == 1);
    fcnn_model_destroy(model);
    release(&m);

    model = stopped(&m); /* weights that are set are not those of the run */
    options = fit_options();
    options.epochs = 1;
    OK(fcnn_model_set_weights(model, m.arrays[FCNN_ARRAY_WEIGHTS], fcnn_model_parameters(model)));
    OK(fit(model, &options, NULL));
    ck_assert_int_eq(steps_of(model), STEPS + 2 + STEPS);
    fcnn_model_destroy(model);
    release(&m);
}
END_TEST

START_TEST(snapshots_have_the_epoch_under_way)
{
    struct moment m;
    fcnn_model *model = stopped(&m), *other = build(1, NULL);
    fcnn_snapshot *snapshot = NULL;
    fcnn_fit_options options = fit_options();
    fcnn_state state;
    fcnn_receipt receipt;
    options.epochs = epochs_left(&m);
    OK(fcnn_snapshot_take(&snapshot, model));
    OK(fcnn_snapshot_get_state(snapshot, &state));
    ck_assert(!memcmp(&state, &m.state, sizeof state));
    OK(fcnn_snapshot_receipt(snapshot, model, &receipt));
    ck_assert(equal(&receipt, &m.receipt));
    OK(fit(model, &options, NULL));
    OK(fcnn_snapshot_receipt(snapshot, model, &receipt)); /* of then, not of now */
    ck_assert(equal(&receipt, &m.receipt));
    OK(fcnn_snapshot_restore(snapshot, other));
    OK(fit(other, &options, NULL));
    same_arrays(model, other);
    const fcnn_receipt one = receipt_of(model), two = receipt_of(other);
    ck_assert(equal(&one, &two));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_snapshot_get_array(snapshot, FCNN_ARRAY_INITIAL_WEIGHTS, m.initial,
                                                     fcnn_model_parameters(model)));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_snapshot_get_array(snapshot, FCNN_ARRAY_WEIGHTS, m.initial, 1));
    OK(fcnn_snapshot_get_array(snapshot, FCNN_ARRAY_MOMENT_2, m.initial, fcnn_model_parameters(model)));
    ck_assert(!memcmp(m.initial, m.arrays[FCNN_ARRAY_MOMENT_2], (size_t)fcnn_model_parameters(model) * sizeof(float)));
    fcnn_snapshot_destroy(snapshot);
    fcnn_model_destroy(model);
    fcnn_model_destroy(other);
    release(&m);
}
END_TEST

START_TEST(states_that_this_fit_cannot_have_are_refused)
{
    struct moment m;
    fcnn_model *model = stopped(&m), *other = build(1, NULL);
    fcnn_fit_options options = fit_options();
    m.state.epoch_steps = STEPS + 1;
    set(other, &m, 0);
    FAILS(FCNN_BAD_ARGUMENT, fit(other, &options, NULL));
    ck_assert_ptr_nonnull(strstr(fcnn_last_error(), "step 5 of an epoch"));
    m.state.epoch_steps = 2;
    m.state.epoch_correct = 9; /* of 8 images */
    set(other, &m, 0);
    FAILS(FCNN_BAD_ARGUMENT, fit(other, &options, NULL));
    m.state.epoch_correct = 8;
    set(other, &m, 0);
    OK(fit(other, &options, NULL));
    fcnn_model_destroy(model);
    fcnn_model_destroy(other);
    release(&m);
}
END_TEST

/* Each by the name of what is wrong. */
#define REFUSED(word, change)                                                                                          \
    do {                                                                                                               \
        fcnn_receipt r = m.receipt;                                                                                    \
        change;                                                                                                        \
        FAILS(FCNN_BAD_ARGUMENT, fcnn_model_continue_run(model, &r, NULL, 0));                                         \
        ck_assert_msg(strstr(fcnn_last_error(), word) != NULL, "not '%s': %s", word, fcnn_last_error());               \
    } while (0)

START_TEST(runs_that_are_not_the_models_are_refused)
{
    struct moment m;
    fcnn_model *model = stopped(&m);
    REFUSED("weights", r.weights[3] ^= 1);
    REFUSED("steps", r.steps++);
    REFUSED("seed", r.seed++);
    REFUSED("shards", r.shards++);
    REFUSED("loss", r.loss = FCNN_LOSS_MEAN_SQUARED_ERROR);
    REFUSED("optimizer", r.learning_rate *= 2);
    REFUSED("optimizer", r.optimizer = FCNN_OPTIMIZER_ADAMW);
    REFUSED("schedule", r.schedule_steps++);
    REFUSED("numerics", r.numerics++);
    REFUSED("first_step", r.first_step = r.steps + 1);
    REFUSED("first_step", r.first_step = -1);
    REFUSED("epochs", r.epochs++);
    REFUSED("first_epoch_steps", r.first_epoch_steps = 1);
    REFUSED("images", r.images = 0);
    REFUSED("batch_size", r.batch_size = r.images + 1);
    REFUSED("validation_split", r.validation_split = 1);
    REFUSED("validation_images", r.validation_images = -1);
    REFUSED("diverged_step", r.diverged_step = -1);
    REFUSED("of an epoch", r.batch_size = r.images);
    REFUSED("classes", strcpy(r.classes, "exact,unknown"));
    REFUSED("does not end", memset(r.data, 'a', sizeof r.data));
    REFUSED("initial", r.given = 1);
    FAILS(FCNN_BAD_ARGUMENT, fcnn_model_continue_run(model, &m.receipt, m.initial, 3 * fcnn_model_parameters(model)));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_model_continue_run(model, NULL, NULL, 0));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_model_continue_run(NULL, &m.receipt, NULL, 0));
    OK(fcnn_model_continue_run(model, &m.receipt, NULL, 0));
    const fcnn_receipt r = receipt_of(model);
    ck_assert(equal(&r, &m.receipt));
    fcnn_model_destroy(model);
    release(&m);
}
END_TEST

/* A loss that is not finite is a sum as any other. */
START_TEST(sums_that_are_not_finite_go_along)
{
    fcnn_model *model = build(0, NULL);
    fcnn_state state;
    OK(fcnn_model_set_state(model, &(fcnn_state){.steps = 2, .beta_1_power = 0.5f, .beta_2_power = 0.5f,
                                                 .epoch_steps = 2, .epoch_loss = NAN}));
    OK(fcnn_model_get_state(model, &state));
    ck_assert(state.epoch_steps == 2 && isnan(state.epoch_loss));
    fcnn_model_destroy(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("continue");
    TCase *tests = tcase_create("continue");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, a_stopped_fit_goes_on_where_it_stopped, 0, 2);
    tcase_add_loop_test(tests, another_model_goes_on, 0, 2);
    tcase_add_test(tests, the_initial_weights_of_a_run_go_along);
    tcase_add_test(tests, another_fit_begins_the_epoch_anew);
    tcase_add_test(tests, snapshots_have_the_epoch_under_way);
    tcase_add_test(tests, states_that_this_fit_cannot_have_are_refused);
    tcase_add_test(tests, runs_that_are_not_the_models_are_refused);
    tcase_add_test(tests, sums_that_are_not_finite_go_along);
    suite_add_tcase(suite, tests);
    toy_make_data();
    return run_suite(suite);
}
