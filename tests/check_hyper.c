/* SPDX-License-Identifier: BSD-2-Clause
 * The ranges of the scalars of optimizers, losses and dropout: what fcnn_execute() and fcnn_compile() refuse, by
 * name. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "lib/fastcnn.h"
#include "tests/suite.h"
#include "tests/toy.h"

enum { COUNT = 5 };

static const fcnn_hyper good = {.learning_rate = 1e-3f,
                                .beta_1 = 0.9f,
                                .beta_2 = 0.999f,
                                .epsilon = 1e-7f,
                                .beta_1_power = 0.9f,
                                .beta_2_power = 0.999f,
                                .momentum = 0.5f,
                                .scale = 0.5f};

/* What an operation on COUNT numbers returns; it must leave them alone when it refuses. */
static fcnn_status execute(fcnn_op op, const fcnn_hyper *hyper)
{
    float gradient[COUNT] = {1, 2, 3, 4, 5}, parameters[COUNT] = {7, 7, 7, 7, 7};
    float first[COUNT] = {0}, second[COUNT] = {0};
    const float targets[COUNT] = {1};
    const int32_t labels[1] = {2};
    const int updates = op == FCNN_ADAM || op == FCNN_SGD || op == FCNN_RMSPROP;
    const fcnn_problem problem = {.op = op, .direction = updates ? FCNN_UPDATE : FCNN_BACKWARD_DATA, .c = COUNT};
    const fcnn_tensors tensors = {.d_weights = gradient, .parameters = parameters, .moment_1 = first,
                                  .moment_2 = second, .dst = gradient, .labels = labels, .d_src = parameters,
                                  .d_dst = gradient, .d_bias = gradient, .src = gradient, .targets = targets,
                                  .weights = gradient, .mean = gradient, .variance = gradient,
                                  .hyper = hyper};
    fcnn_plan *plan;
    OK(fcnn_plan_create(&plan, &problem, NULL));
    const fcnn_status status = fcnn_execute(plan, &tensors);
    fcnn_plan_destroy(plan);
    if (status != FCNN_OK) ck_assert(parameters[0] == 7 && second[0] == 0);
    return status;
}

static const struct range {
    fcnn_op op;
    const char *name;
    size_t offset;
    float inside[3], outside[4]; /* the last one is repeated where there are fewer */
} ranges[] = {
#define SCALAR(name) #name, offsetof(fcnn_hyper, name)
#define ABOVE_0      {1e-30f, 1, 1e30f}, {0, -1, INFINITY, NAN}
#define BELOW_1      {0, 0.5f, 0.99999994f}, {1, -1e-9f, INFINITY, NAN}
    {FCNN_ADAM, SCALAR(learning_rate), ABOVE_0}, {FCNN_ADAM, SCALAR(beta_1), BELOW_1},
    {FCNN_ADAM, SCALAR(beta_2), BELOW_1},        {FCNN_ADAM, SCALAR(epsilon), ABOVE_0},
    {FCNN_ADAM, SCALAR(beta_1_power), BELOW_1},  {FCNN_ADAM, SCALAR(beta_2_power), BELOW_1},
    {FCNN_SGD, SCALAR(learning_rate), ABOVE_0},
    {FCNN_SGD, SCALAR(momentum), {0, 0.5f, 1}, {-0.1f, 1.0000001f, INFINITY, NAN}},
    {FCNN_ADAM, SCALAR(weight_decay), {0, 1e-3f, 2}, {-1e-9f, INFINITY, NAN, -1}},
    {FCNN_RMSPROP, SCALAR(learning_rate), ABOVE_0}, {FCNN_RMSPROP, SCALAR(rho), BELOW_1},
    {FCNN_RMSPROP, SCALAR(epsilon), ABOVE_0},
    {FCNN_RMSPROP, SCALAR(momentum), {0, 0.5f, 1}, {-0.1f, 1.0000001f, INFINITY, NAN}},
    {FCNN_BATCH_NORM, SCALAR(epsilon), ABOVE_0},
    {FCNN_BATCH_NORM, SCALAR(scale), {-1, 1e-30f, 1}, {0, -INFINITY, INFINITY, NAN}},
    {FCNN_CROSS_ENTROPY, SCALAR(scale), {-1, 1e-30f, 1}, {0, -INFINITY, INFINITY, NAN}},
    {FCNN_CATEGORICAL_CROSS_ENTROPY, SCALAR(scale), {-1, 1e-30f, 1}, {0, -INFINITY, INFINITY, NAN}},
    {FCNN_MSE, SCALAR(scale), {-1, 1e-30f, 1}, {0, -INFINITY, INFINITY, NAN}},
    {FCNN_DROPOUT, SCALAR(dropout_rate), BELOW_1},
};

START_TEST(execute_knows_the_ranges)
{
    const struct range *range = &ranges[_i];
    for (int i = 0; i < 7; i++) {
        const int inside = i < 3;
        const float value = inside ? range->inside[i] : range->outside[i - 3];
        fcnn_hyper hyper = good;
        memcpy((char *)&hyper + range->offset, &value, sizeof value);
        const fcnn_status status = execute(range->op, &hyper);
        ck_assert_msg(status == (inside ? FCNN_OK : FCNN_BAD_ARGUMENT), "%s %s %g: %s", fcnn_op_name(range->op),
                      range->name, (double)value, fcnn_status_text(status));
        if (!inside) ck_assert_msg(strstr(fcnn_last_error(), range->name) != NULL, "%s", fcnn_last_error());
    }
}
END_TEST

/* Each operation reads its own scalars alone; none may be forgotten altogether. */
START_TEST(a_forgotten_hyper_is_refused)
{
    const fcnn_hyper sgd = {.learning_rate = 1}, loss = {.scale = 1}, none = {0};
    OK(execute(FCNN_SGD, &sgd));
    OK(execute(FCNN_CROSS_ENTROPY, &loss));
    static const fcnn_op ops[] = {FCNN_ADAM, FCNN_SGD, FCNN_CROSS_ENTROPY, FCNN_CATEGORICAL_CROSS_ENTROPY, FCNN_MSE,
                                 FCNN_RMSPROP};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        FAILS(FCNN_BAD_ARGUMENT, execute(ops[i], &none));
        FAILS(FCNN_BAD_ARGUMENT, execute(ops[i], NULL));
        ck_assert_ptr_nonnull(strstr(fcnn_last_error(), "hyper"));
    }
    OK(execute(FCNN_DROPOUT, &none)); /* a rate of 0 keeps all */
    FAILS(FCNN_BAD_ARGUMENT, execute(FCNN_DROPOUT, NULL));
}
END_TEST

START_TEST(compile_knows_the_ranges)
{
    const fcnn_compile_options bad[] = {
        {.learning_rate = -1}, {.learning_rate = INFINITY}, {.learning_rate = NAN}, {.beta_1 = 1},
        {.beta_2 = 1},         {.beta_2 = -0.5f},           {.epsilon = -1e-9f},    {.epsilon = INFINITY},
        {.momentum = 1.5f},    {.momentum = -0.1f},         {.momentum = NAN},      {.optimizer = (fcnn_optimizer)4},
        {.shards = -1},        {.shards = FCNN_MAX_SHARDS + 1},
    };
    fcnn_model *model;
    OK(fcnn_model_create(&model, 1, 1, 3));
    OK(fcnn_add_dense(model, 2, FCNN_LINEAR));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        FAILS(FCNN_BAD_ARGUMENT, fcnn_compile(model, &bad[i]));
    OK(fcnn_compile(model, &(fcnn_compile_options){.shards = FCNN_MAX_SHARDS, .momentum = 1}));
    fcnn_model_destroy(model);
}
END_TEST

/* A part that is too small to take a single image, or leaves none. */
START_TEST(fit_knows_the_ranges)
{
    static const double splits[] = {1e-17, 1e-3, 0.9999999, 1, -1e-300, (double)NAN, (double)INFINITY};
    fcnn_model *model = toy_build(NULL);
    for (size_t i = 0; i < sizeof splits / sizeof splits[0]; i++) {
        const fcnn_fit_options options = {.validation_split = splits[i]};
        const int validates = splits[i] == 1e-3; /* Keras' arithmetic: 15 of 16 train */
        ck_assert_int_eq(fcnn_fit(model, toy_images, toy_labels, TOY_IMAGES, &options, NULL),
                         validates ? FCNN_OK : FCNN_BAD_ARGUMENT);
        if (!validates) ck_assert_ptr_nonnull(strstr(fcnn_last_error(), "validation_split"));
    }
    fcnn_model_destroy(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hyper");
    TCase *tests = tcase_create("hyper");
    tcase_add_loop_test(tests, execute_knows_the_ranges, 0, (int)(sizeof ranges / sizeof ranges[0]));
    tcase_add_test(tests, a_forgotten_hyper_is_refused);
    tcase_add_test(tests, compile_knows_the_ranges);
    tcase_add_test(tests, fit_knows_the_ranges);
    suite_add_tcase(suite, tests);
    toy_make_data();
    return run_suite(suite);
}
