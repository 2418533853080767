/* SPDX-License-Identifier: BSD-2-Clause
 * Optimizers and learning-rate schedules: Keras' trajectories, the formulas within a model, corner points of schedules,
 * runs in two halves, what compiling refuses and what a model says of how it was compiled. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io/receipt.h"
#include "lib/net/net.h"
#include "tests/suite.h"
#include "tests/toy.h"

/* ---- operations ---- */

/* What the following prints (Keras 3's keras/src/optimizers/sgd.py, adam.py with base_optimizer.py's weight decay, and
 * rmsprop.py, in double):
 *
 *   def sgd(w, g, s, t, lr=0.1, momentum=0.9):
 *       m = s["m"] = momentum * s.get("m", 0) - lr * g
 *       return w + momentum * m - lr * g                                    # nesterov=True
 *   def adamw(w, g, s, t, lr=0.01, decay=0.1, b1=0.9, b2=0.999, eps=1e-7):
 *       w -= w * decay * lr
 *       m = s["m"] = s.get("m", 0) + (g - s.get("m", 0)) * (1 - b1)
 *       v = s["v"] = s.get("v", 0) + (g * g - s.get("v", 0)) * (1 - b2)
 *       return w - m * lr * (1 - b2**t)**0.5 / (1 - b1**t) / (v**0.5 + eps)
 *   def rmsprop(w, g, s, t, lr=0.01, rho=0.9, momentum=0.5, eps=1e-7):
 *       v = s["v"] = rho * s.get("v", 0) + (1 - rho) * g * g
 *       m = s["m"] = momentum * s.get("m", 0) + lr * g / (v + eps)**0.5
 *       return w - m
 *   for step in sgd, adamw, rmsprop:
 *       for w, scale in (1, 0.5), (-2, -1.25), (0.5, 0.03125):
 *           s = {}
 *           for t in range(1, 6):
 *               w = step(w, scale * (-1)**t + 0.25 * t, s, t)
 *           print(step.__name__, w)
 */
static const struct trajectory {
    fcnn_op op;
    fcnn_hyper hyper;
    double want[3];
} trajectories[] = {
    {FCNN_SGD, {.learning_rate = 0.1f, .momentum = 0.9f, .nesterov = 1}, {0.07265475, -3.490756, -0.57825884375}},
    {FCNN_ADAM,
     {.learning_rate = 0.01f, .weight_decay = 0.1f, .beta_1 = 0.9f, .beta_2 = 0.999f, .epsilon = 1e-7f,
      .beta_1_power = 1, .beta_2_power = 1},
     {0.9783679349631341, -2.019881656627968, 0.44943545426876425}},
    {FCNN_RMSPROP,
     {.learning_rate = 0.01f, .rho = 0.9f, .momentum = 0.5f, .epsilon = 1e-7f},
     {0.9369700465173421, -2.0960588792757764, 0.28085215079606174}},
};

START_TEST(keras_trajectories)
{
    static const float scales[3] = {0.5f, -1.25f, 0.03125f};
    const struct trajectory *trajectory = &trajectories[_i];
    float gradient[3], w[3] = {1, -2, 0.5f}, first[3] = {0}, second[3] = {0};
    fcnn_hyper hyper = trajectory->hyper;
    const fcnn_problem problem = {.op = trajectory->op, .direction = FCNN_UPDATE, .c = 3};
    const fcnn_tensors tensors = {.d_weights = gradient, .parameters = w, .moment_1 = first, .moment_2 = second,
                                  .hyper = &hyper};
    fcnn_plan *plan;
    OK(fcnn_plan_create(&plan, &problem, NULL));
    for (int t = 1; t <= 5; t++) {
        for (int i = 0; i < 3; i++) gradient[i] = (t % 2 ? -scales[i] : scales[i]) + 0.25f * (float)t;
        hyper.beta_1_power *= hyper.beta_1;
        hyper.beta_2_power *= hyper.beta_2;
        OK(fcnn_execute(plan, &tensors));
    }
    for (int i = 0; i < 3; i++)
        ck_assert_msg(fabs((double)w[i] - trajectory->want[i]) < 1e-6, "%s, parameter %d: %.9g, not %.9g",
                      fcnn_op_name(trajectory->op), i, (double)w[i], trajectory->want[i]);
    fcnn_plan_destroy(plan);
}
END_TEST

/* ---- schedules ---- */

static double rate(fcnn_schedule schedule, int64_t steps, double factor, int64_t step)
{
    const fcnn_compile_options options = {.schedule = schedule, .schedule_steps = steps, .schedule_factor = factor};
    return net_schedule(&options, step);
}

START_TEST(corner_points)
{
    ck_assert(rate(FCNN_SCHEDULE_CONSTANT, 0, 0, INT64_MAX) == 1);
    static const struct { int64_t step; double rate; } steps[] = {
        {0, 1}, {99, 1}, {100, 0.5}, {199, 0.5}, {200, 0.25}, {1099, 0x1p-10}, {INT64_MAX, 0}};
    for (int i = 0; i < 7; i++)
        ck_assert_msg(rate(FCNN_SCHEDULE_STEP, 100, 0.5, steps[i].step) == steps[i].rate, "step %lld",
                      (long long)steps[i].step);
    ck_assert(rate(FCNN_SCHEDULE_STEP, 1, 1, INT64_MAX) == 1);
    static const struct { int64_t step; double alpha, rate; } cosines[] = {
        {0, 0, 1}, {500, 0, 0.5}, {1000, 0, 0}, {1001, 0, 0}, {INT64_MAX, 0, 0},
        {0, 0.5, 1}, {500, 0.5, 0.75}, {1000, 0.5, 0.5}, {5000, 1, 1}};
    for (int i = 0; i < 9; i++)
        ck_assert_msg(rate(FCNN_SCHEDULE_COSINE, 1000, cosines[i].alpha, cosines[i].step) == cosines[i].rate,
                      "cosine, step %lld, alpha %g", (long long)cosines[i].step, cosines[i].alpha);
    ck_assert(rate(FCNN_SCHEDULE_COSINE, 1, 0, 0) == 1 && rate(FCNN_SCHEDULE_COSINE, 1, 0, 1) == 0);
}
END_TEST

/* Near libm's, whose last bit is its own; but these bits are ours. */
START_TEST(cosine_and_powers)
{
    double last = 1;
    for (int64_t i = 0; i <= 100003; i++) {
        const double got = rate(FCNN_SCHEDULE_COSINE, 100003, 0, i);
        const double want = (1 + cos(3.14159265358979323846 * (double)i / 100003)) / 2;
        ck_assert_msg(fabs(got - want) < 1e-15 && got <= last, "step %d: %a, not %a", (int)i, got, want);
        last = got;
    }
    ck_assert(rate(FCNN_SCHEDULE_COSINE, 10, 0, 1) == 0x1.f378709a22a8p-1);
    ck_assert(rate(FCNN_SCHEDULE_COSINE, 10, 0, 7) == 0x1.a61b9f7154b46p-3);
    for (int64_t i = 0; i < 300; i++) {
        const double got = rate(FCNN_SCHEDULE_STEP, 7, 0.9, i), want = pow(0.9, (double)(i / 7));
        ck_assert_msg(fabs(got - want) <= 4e-15 * want, "step %d: %a, not %a", (int)i, got, want);
    }
}
END_TEST

/* ---- in a model ---- */

static const fcnn_compile_options settings[] = {
    {.optimizer = FCNN_OPTIMIZER_SGD, .momentum = 0.9f, .nesterov = 1, .seed = 4},
    {.optimizer = FCNN_OPTIMIZER_SGD, .seed = 4, .schedule = FCNN_SCHEDULE_STEP, .schedule_steps = 2,
     .schedule_factor = 0.25},
    {.optimizer = FCNN_OPTIMIZER_ADAMW, .weight_decay = 0.5f, .learning_rate = 0.01f, .seed = 4},
    {.optimizer = FCNN_OPTIMIZER_ADAMW, .seed = 4, .schedule = FCNN_SCHEDULE_COSINE, .schedule_steps = 5,
     .schedule_factor = 0.125},
    {.optimizer = FCNN_OPTIMIZER_RMSPROP, .seed = 4},
    {.optimizer = FCNN_OPTIMIZER_RMSPROP, .momentum = 0.5f, .rho = 0.75f, .epsilon = 0.01f, .seed = 4,
     .schedule = FCNN_SCHEDULE_COSINE, .schedule_steps = 4},
};
enum { SETTINGS = sizeof settings / sizeof *settings };

/* One step in double; t = 0, 1, ... */
static double plain_step(const fcnn_compile_options *o, double lr, int t, double w, double g, double *m, double *v)
{
    const double old = *m;
    switch (o->optimizer) {
    case FCNN_OPTIMIZER_SGD:
        *m = (double)o->momentum * old - lr * g;
        return o->nesterov ? (double)o->momentum * *m - lr * g : *m;
    case FCNN_OPTIMIZER_RMSPROP:
        *v = (double)o->rho * *v + (1 - (double)o->rho) * g * g;
        *m = (double)o->momentum * old + lr * g / sqrt(*v + (double)o->epsilon);
        return -*m;
    default:
        *m = 0.9 * old + 0.1 * g;
        *v = 0.999 * *v + 0.001 * g * g;
        return -(double)o->weight_decay * lr * w -
               lr * sqrt(1 - pow(0.999, t + 1)) / (1 - pow(0.9, t + 1)) * *m / (sqrt(*v) + 1e-7);
    }
}

/* The schedules of the settings, by hand. */
static double plain_rate(const fcnn_compile_options *o, int t)
{
    const double lr = (double)o->learning_rate, alpha = o->schedule_factor;
    if (o->schedule == FCNN_SCHEDULE_STEP) return lr * pow(alpha, t / 2);
    if (o->schedule == FCNN_SCHEDULE_CONSTANT) return lr;
    const double done = t < o->schedule_steps ? (double)t / (double)o->schedule_steps : 1;
    return lr * (alpha + (1 - alpha) * (1 + cos(3.14159265358979323846 * done)) / 2);
}

/* The gradient at given weights, from what plain descent at rate 1 makes of them. */
static void gradient_at(const float *weights, double *gradient)
{
    float after[TOY_PARAMETERS];
    fcnn_model *model = toy_build(&(fcnn_compile_options){.optimizer = FCNN_OPTIMIZER_SGD, .learning_rate = 1});
    OK(fcnn_model_set_weights(model, weights, TOY_PARAMETERS));
    toy_step(model, 0, TOY_IMAGES);
    OK(fcnn_model_get_array(model, FCNN_ARRAY_MOMENT_1, after, TOY_PARAMETERS)); /* -gradient, not rounded to weights */
    for (int i = 0; i < TOY_PARAMETERS; i++) gradient[i] = -(double)after[i];
    fcnn_model_destroy(model);
}

START_TEST(models_follow_the_formulas)
{
    fcnn_model *model = toy_build(&settings[_i]);
    fcnn_compile_options options;
    float before[TOY_PARAMETERS], after[TOY_PARAMETERS];
    double gradient[TOY_PARAMETERS], m[TOY_PARAMETERS] = {0}, v[TOY_PARAMETERS] = {0}, moved = 0;
    OK(fcnn_model_compile_options(model, &options));
    for (int t = 0; t < 6; t++) {
        const double lr = plain_rate(&options, t);
        toy_get(model, before);
        gradient_at(before, gradient);
        toy_step(model, 0, TOY_IMAGES);
        toy_get(model, after);
        for (int i = 0; i < TOY_PARAMETERS; i++) {
            const double step = plain_step(&options, lr, t, (double)before[i], gradient[i], &m[i], &v[i]);
            const double got = (double)after[i] - (double)before[i];
            ck_assert_msg(fabs(got - step) < 1e-6, "setting %d, step %d, parameter %d: %g, not %g", _i, t, i, got,
                          step);
            moved += fabs(step);
        }
    }
    ck_assert(moved > 0.01);
    fcnn_model_destroy(model);
}
END_TEST

static void fit(fcnn_model *model, int epochs)
{
    const fcnn_fit_options options = {.epochs = epochs, .batch_size = 5};
    OK(fcnn_fit(model, toy_images, toy_labels, TOY_IMAGES, &options, NULL));
}

/* The step number decides the rate: no bit tells a run in two models from one. */
START_TEST(a_run_is_continued_in_another_model)
{
    fcnn_compile_options other = settings[_i];
    other.kernels = &(fcnn_options){.threads = 2};
    fcnn_model *whole = toy_build(&settings[_i]), *half = toy_build(&settings[_i]), *rest = toy_build(&other);
    float x[TOY_PARAMETERS], y[TOY_PARAMETERS];
    fit(rest, 1);
    fit(whole, 3);
    fit(half, 1);
    toy_move(half, rest);
    fit(rest, 2);
    toy_same(whole, rest);
    for (int array = FCNN_ARRAY_WEIGHTS; array <= FCNN_ARRAY_MOMENT_2; array++) {
        OK(fcnn_model_get_array(whole, (fcnn_array)array, x, TOY_PARAMETERS));
        OK(fcnn_model_get_array(rest, (fcnn_array)array, y, TOY_PARAMETERS));
        ck_assert(!memcmp(x, y, sizeof x));
    }
    fcnn_model_destroy(whole);
    fcnn_model_destroy(half);
    fcnn_model_destroy(rest);
}
END_TEST

/* ---- what is said ---- */

START_TEST(wrong_settings_are_named)
{
    static const struct { fcnn_compile_options options; const char *word; } bad[] = {
        {{.optimizer = (fcnn_optimizer)4}, "optimizer"},
        {{.rho = 1}, "rho"},
        {{.rho = -0.1f}, "rho"},
        {{.rho = NAN}, "rho"},
        {{.weight_decay = -1}, "weight_decay"},
        {{.weight_decay = INFINITY}, "weight_decay"},
        {{.schedule = (fcnn_schedule)3}, "schedule"},
        {{.schedule = FCNN_SCHEDULE_STEP}, "schedule_steps"},
        {{.schedule = FCNN_SCHEDULE_COSINE, .schedule_steps = -1}, "schedule_steps"},
        {{.schedule = FCNN_SCHEDULE_STEP, .schedule_steps = 1, .schedule_factor = -0.5}, "schedule_factor"},
        {{.schedule = FCNN_SCHEDULE_COSINE, .schedule_steps = 1, .schedule_factor = 1.5}, "schedule_factor"},
        {{.schedule = FCNN_SCHEDULE_COSINE, .schedule_steps = 1, .schedule_factor = (double)NAN}, "schedule_factor"},
    };
    fcnn_model *model;
    OK(fcnn_model_create(&model, 1, 1, 3));
    OK(fcnn_add_dense(model, 2, FCNN_LINEAR));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        FAILS(FCNN_BAD_ARGUMENT, fcnn_compile(model, &bad[i].options));
        ck_assert_msg(strstr(fcnn_last_error(), bad[i].word) != NULL, "%s", fcnn_last_error());
    }
    fcnn_model_destroy(model);
}
END_TEST

START_TEST(defaults_are_keras)
{
    static const fcnn_optimizer optimizers[] = {FCNN_OPTIMIZER_ADAM, FCNN_OPTIMIZER_SGD, FCNN_OPTIMIZER_ADAMW,
                                                FCNN_OPTIMIZER_RMSPROP};
    fcnn_compile_options o = {.optimizer = optimizers[_i], .schedule = FCNN_SCHEDULE_STEP, .schedule_steps = 1};
    fcnn_model *model = toy_build(&o);
    fcnn_receipt r;
    OK(fcnn_model_compile_options(model, &o));
    ck_assert(o.optimizer == optimizers[_i] && o.learning_rate == (o.optimizer == FCNN_OPTIMIZER_SGD ? 1e-2f : 1e-3f));
    ck_assert(o.epsilon == 1e-7f && o.momentum == 0 && !o.nesterov && o.rho == 0.9f && o.weight_decay == 0.004f);
    ck_assert(o.schedule == FCNN_SCHEDULE_STEP && o.schedule_steps == 1 && o.schedule_factor == 0.1);
    for (int i = 0; i < 2; i++) toy_step(model, 0, TOY_IMAGES); /* the second one at a tenth of the rate */
    OK(fcnn_model_receipt(model, &r)); /* what the optimizer has no use for is 0 */
    ck_assert(r.learning_rate == o.learning_rate);
    ck_assert(r.weight_decay == (o.optimizer == FCNN_OPTIMIZER_ADAMW ? 0.004f : 0));
    ck_assert(r.rho == (o.optimizer == FCNN_OPTIMIZER_RMSPROP ? 0.9f : 0));
    ck_assert(r.beta_1 == (o.optimizer == FCNN_OPTIMIZER_ADAM || o.optimizer == FCNN_OPTIMIZER_ADAMW ? 0.9f : 0));
    ck_assert(r.schedule == FCNN_SCHEDULE_STEP && r.schedule_steps == 1 && r.schedule_factor == 0.1);
    fcnn_model_destroy(model);
}
END_TEST

/* The optimizer's part of the receipt. */
START_TEST(receipts_name_the_settings)
{
    static const char *const words[SETTINGS][4] = {
        {"\"name\": \"sgd\"", "\"nesterov\": true", "\"momentum\": 0.8999", "\"name\": \"constant\""},
        {"\"name\": \"sgd\"", "\"nesterov\": false", "\"name\": \"step\"", "\"steps\": 2"},
        {"\"name\": \"adamw\"", "\"weight_decay\": 0.5", "\"beta_2\": 0.999", "\"learning_rate\": 0.0099"},
        {"\"name\": \"adamw\"", "\"name\": \"cosine\"", "\"factor\": 0.125", "\"steps\": 5"},
        {"\"name\": \"rmsprop\"", "\"rho\": 0.89", "\"momentum\": 0.0", "\"epsilon\": "},
        {"\"name\": \"rmsprop\"", "\"rho\": 0.75", "\"momentum\": 0.5", "\"name\": \"cosine\""},
    };
    fcnn_model *model = toy_build(&settings[_i]);
    json_t *json;
    char message[256];
    ck_assert_msg(!fcnn_receipt_json(&json, model, NULL, NULL, message, sizeof message), "%s", message);
    char *text = fcnn_receipt_text(json_object_get(json, "optimizer"));
    for (int i = 0; i < 4; i++) ck_assert_msg(strstr(text, words[_i][i]) != NULL, "no %s in %s", words[_i][i], text);
    free(text);
    json_decref(json);
    fcnn_model_destroy(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("optimizers");
    TCase *tests = tcase_create("optimizers");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, keras_trajectories, 0, 3);
    tcase_add_test(tests, corner_points);
    tcase_add_test(tests, cosine_and_powers);
    tcase_add_loop_test(tests, models_follow_the_formulas, 0, SETTINGS);
    tcase_add_loop_test(tests, a_run_is_continued_in_another_model, 0, SETTINGS);
    tcase_add_test(tests, wrong_settings_are_named);
    tcase_add_loop_test(tests, defaults_are_keras, 0, 4);
    tcase_add_loop_test(tests, receipts_name_the_settings, 0, SETTINGS);
    suite_add_tcase(suite, tests);
    toy_make_data();
    return run_suite(suite);
}
