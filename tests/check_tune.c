/* SPDX-License-Identifier: BSD-2-Clause
 * Tuning: when is measured and when not, what of a table is used, and that none of it changes a bit. No test looks at a
 * time: what the search makes of times is check_search's affair. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/choice.h"
#include "lib/tuning/tuning.h"
#include "tests/dispatch.h"
#include "tests/suite.h"
#include "tests/toy.h"

#define SMALL "conv2d+relu forward mb2ic3ih9oc17kh3ph1"

static fcnn_tuning *table;

static void set_up(void)
{
    clean_settings();
    unsetenv("FASTCNN_PLANNING");
    setenv("FASTCNN_TUNING", "off", 1);
    OK(fcnn_tuning_create(&table));
}

static void tear_down(void) { fcnn_tuning_destroy(table); }

static const struct fcnn_kernel *kernel_named(const char *name)
{
    for (int i = 0; i < fcnn_kernels_count; i++)
        if (!strcmp(fcnn_kernels[i].name, name)) return &fcnn_kernels[i];
    ck_abort_msg("no kernel %s", name);
    return NULL;
}

/* Puts a choice for a problem into the table. */
static fcnn_status try_put(const fcnn_problem *problem, fcnn_class numerics, int threads,
                           const struct fcnn_choice *choice, int team)
{
    struct fcnn_tuning_key key;
    const struct fcnn_tuning_entry entry = {*choice, team, 1.5};
    fcnn_tuning_key_of(problem, numerics, threads, &key);
    return fcnn_tuning_put(table, &key, &entry, "");
}

static void put(const fcnn_problem *problem, fcnn_class numerics, int threads, const struct fcnn_choice *choice,
                int team)
{
    OK(try_put(problem, numerics, threads, choice, team));
}

static void put_row(const char *problem, fcnn_class numerics, int threads, const char *name)
{
    const fcnn_problem p = parse_problem(problem);
    const struct fcnn_choice choice = fcnn_row_choice(kernel_named(name), &p, &fcnn_common_caches);
    put(&p, numerics, threads, &choice, threads);
}

static fcnn_plan_info describe(const char *problem, const fcnn_options *options)
{
    const fcnn_problem p = parse_problem(problem);
    static fcnn_plan *plan; /* the strings live as long as the plan: until the next call */
    fcnn_plan_info info;
    fcnn_plan_destroy(plan);
    OK(fcnn_plan_create(&plan, &p, options));
    OK(fcnn_plan_describe(plan, &info));
    return info;
}

static void expect_choice(const fcnn_options *options, const char *kernel, const char *origin)
{
    const fcnn_plan_info info = describe(SMALL, options);
    ck_assert_str_eq(info.kernel, kernel);
    ck_assert_str_eq(info.origin, origin);
    ck_assert_int_eq(strncmp(info.choice, kernel, strlen(kernel)), 0);
}

/* ---- when is measured ---- */

START_TEST(planning_modes)
{
    const fcnn_problem p = parse_problem(SMALL);
    fcnn_plan *plan;
    const fcnn_options estimate = {.threads = 1, .tuning = table};
    const fcnn_options only = {.threads = 1, .tuning = table, .planning = "tuned_only"};
    const fcnn_options two = {.threads = 2, .tuning = table, .planning = "tuned_only"};
    const fcnn_options measure = {.threads = 1, .tuning = table, .planning = "measure"};
    ck_assert_str_eq(describe(SMALL, &estimate).origin, "estimate");
    ck_assert_int_eq(fcnn_tuning_count(table), 0);
    FAILS(FCNN_NOT_TUNED, fcnn_plan_create(&plan, &p, &only));
    ck_assert_ptr_null(plan);
    ck_assert_str_eq(describe(SMALL, &measure).origin, "tuned");
    ck_assert_int_eq(fcnn_tuning_count(table), 1);
    ck_assert_str_eq(describe(SMALL, &only).origin, "tuned");
    ck_assert_str_eq(describe(SMALL, &estimate).origin, "tuned");
    FAILS(FCNN_NOT_TUNED, fcnn_plan_create(&plan, &p, &two));
    FAILS(FCNN_BAD_SETTING, fcnn_plan_create(&plan, &p, &(fcnn_options){.planning = "guess"}));
    setenv("FASTCNN_PLANNING", "tuned_only", 1);
    FAILS(FCNN_NOT_TUNED, fcnn_plan_create(&plan, &p, &(fcnn_options){.threads = 3, .tuning = table}));
    setenv("FASTCNN_PLANNING", "", 1);
    ck_assert_str_eq(describe(SMALL, &(fcnn_options){.threads = 3, .tuning = table}).origin, "estimate");
}
END_TEST

/* A question, an empty batch and what is asked for by name are never measured. */
START_TEST(never_measured)
{
    fcnn_problem empty = parse_problem(SMALL);
    const fcnn_options measure = {.threads = 1, .tuning = table, .planning = "measure"};
    fcnn_options pinned = measure;
    fcnn_verdict verdict;
    fcnn_plan *plan;
    OK(fcnn_explain(0, &empty, &measure, &verdict));
    empty.n = FCNN_EMPTY;
    OK(fcnn_plan_create(&plan, &empty, &measure));
    fcnn_plan_destroy(plan);
    pinned.kernel = "conv2d_fwd_naive";
    ck_assert_str_eq(describe(SMALL, &pinned).origin, "pinned");
    pinned.kernel = "*_naive";
    ck_assert_str_eq(describe(SMALL, &pinned).origin, "pinned");
    ck_assert_int_eq(fcnn_tuning_count(table), 0);
}
END_TEST

struct visits {
    int count, stop_at;
};

static int visit(void *context, const fcnn_tune_progress *p)
{
    struct visits *visits = context;
    ck_assert(p->problem && p->choice && p->part >= 0 && p->part <= 1 && p->team >= 1);
    ck_assert(p->seconds > 0 && p->best > 0 && p->against);
    return ++visits->count == visits->stop_at;
}

START_TEST(second_run_measures_nothing)
{
    const fcnn_problem p = parse_problem(SMALL);
    const fcnn_options options = {.threads = 1};
    struct visits visits = {.count = 0};
    fcnn_tune_options how = {.seconds = 0.02, .progress = visit, .context = &visits};
    int measured = 0;
    OK(fcnn_tune(table, &p, &options, &how, &measured));
    ck_assert(measured);
    const int first = visits.count; /* 0 on a machine that is too busy for any candidate */
    OK(fcnn_tune(table, &p, &options, &how, &measured));
    ck_assert(!measured && visits.count == first);
    how.again = 1;
    OK(fcnn_tune(table, &p, &options, &how, &measured));
    ck_assert(measured);
    ck_assert_int_eq(fcnn_tuning_count(table), 1);
}
END_TEST

/* Of every operation and direction: the tensors that a measurement makes are such that kernels run on them. */
START_TEST(all_operations)
{
    static const char *const sizes[] = {[FCNN_CONV2D] = "mb2ic3ih9oc17kh3ph1",
                                        [FCNN_CONV2D_POOL] = "mb2ic3ih9oc17kh3ph1",
                                        [FCNN_DENSE] = "mb3ic20oc7", [FCNN_MAXPOOL] = "mb2ic5ih8kh2sh2",
                                        [FCNN_AVGPOOL] = "mb2ic5ih8kh2sh2", [FCNN_RELU] = "mb2ic5ih8",
                                        [FCNN_SOFTMAX] = "mb4ic10", [FCNN_CROSS_ENTROPY] = "mb4ic10",
                                        [FCNN_REDUCE] = "mb8ic100", [FCNN_ADAM] = "ic100", [FCNN_SGD] = "ic100",
                                        [FCNN_SIGMOID] = "mb2ic5ih8", [FCNN_TANH] = "mb2ic5ih8",
                                        [FCNN_DROPOUT] = "mb2ic5ih8", [FCNN_MSE] = "mb4ic10",
                                        [FCNN_CATEGORICAL_CROSS_ENTROPY] = "mb4ic10",
                                        [FCNN_BATCH_SUMS] = "mb2ic5ih8", [FCNN_BATCH_NORM] = "mb2ic5ih8",
                                        [FCNN_RMSPROP] = "ic100"};
    enum { OPS = sizeof sizes / sizeof *sizes };
    const fcnn_tune_options how = {.seconds = 0.01};
    int count = 0;
    for (int op = 0; op < OPS; op++)
        for (int direction = 0; direction <= FCNN_UPDATE; direction++) {
            char text[128];
            fcnn_problem p;
            int measured;
            if (!sizes[op]) continue;
            snprintf(text, sizeof text, "%s %s %s", fcnn_op_name((fcnn_op)op),
                     fcnn_direction_name((fcnn_direction)direction), sizes[op]);
            if (fcnn_problem_parse(&p, text)) continue;
            OK(fcnn_tune(table, &p, &(fcnn_options){.threads = 1}, &how, &measured));
            count += measured;
        }
    ck_assert_int_ge(count, FCNN_CATEGORICAL_CROSS_ENTROPY + 1 + 5);
    ck_assert_int_eq(fcnn_tuning_count(table), count);
}
END_TEST

START_TEST(interrupted)
{
    const fcnn_problem p = parse_problem(SMALL);
    struct visits visits = {.stop_at = 1};
    const fcnn_tune_options how = {.seconds = 1000, .progress = visit, .context = &visits};
    int measured = 1;
    FAILS(FCNN_INTERRUPTED, fcnn_tune(table, &p, &(fcnn_options){.threads = 1}, &how, &measured));
    ck_assert(!measured && visits.count == 1 && fcnn_tuning_count(table) == 0);
}
END_TEST

START_TEST(bad_questions)
{
    const fcnn_problem p = parse_problem(SMALL), bad = {.h = -1};
    double gain = 0;
    FAILS(FCNN_BAD_ARGUMENT, fcnn_tune_sized(table, NULL, 0, NULL, 0, NULL, 0, NULL));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_tune(table, &p, NULL, &(fcnn_tune_options){.seconds = -1}, NULL));
    FAILS(FCNN_BAD_SHAPE, fcnn_tune(table, &bad, NULL, NULL, NULL));
    FAILS(FCNN_BAD_SETTING, fcnn_tune(table, &p, &(fcnn_options){.isa = "mmx"}, NULL, NULL));
    FAILS(FCNN_NOT_TUNED, fcnn_tune_check(table, &p, NULL, NULL, &gain, NULL, 0));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_tune_check(table, &p, NULL, NULL, NULL, NULL, 0));
    ck_assert_double_eq(gain, 1);
}
END_TEST

/* A check begins with the table's choice, whatever that is, and leaves it there. */
START_TEST(check)
{
    const fcnn_problem p = parse_problem(SMALL);
    const fcnn_options options = {.threads = 1, .tuning = table};
    char choice[512] = "";
    double gain = 0;
    put_row(SMALL, FCNN_EXACT, 1, "conv2d_fwd_naive");
    OK(fcnn_tune_check(table, &p, &options, &(fcnn_tune_options){.seconds = 0.1}, &gain, choice, sizeof choice));
    ck_assert(gain >= 1 && *choice);
    expect_choice(&options, "conv2d_fwd_naive", "tuned");
}
END_TEST

/* ---- what of a table is used ---- */

START_TEST(names_win)
{
    const fcnn_options plain = {.threads = 1, .tuning = table};
    fcnn_options named = plain;
    put_row(SMALL, FCNN_EXACT, 1, "conv2d_fwd_im2col_scalar");
    expect_choice(&plain, "conv2d_fwd_im2col_scalar", "tuned");
    named.kernel = "conv2d_fwd_direct_scalar";
    expect_choice(&named, "conv2d_fwd_direct_scalar", "pinned");
    named.kernel = "dense_fwd_naive"; /* of another operation */
    expect_choice(&named, "conv2d_fwd_im2col_scalar", "tuned");
    setenv("FASTCNN_KERNEL", "*_naive", 1);
    expect_choice(&plain, "conv2d_fwd_naive", "pinned");
}
END_TEST

/* Another class has other bits; another number of threads is another problem; a cap is a cap. */
START_TEST(what_is_not_used)
{
    const fcnn_options one = {.threads = 1, .tuning = table}, two = {.threads = 2, .tuning = table};
    const fcnn_problem p = parse_problem(SMALL);
    const struct fcnn_choice f4 = fcnn_row_choice(kernel_named("conv2d_fwd_winograd_f4_scalar"), &p,
                                                  &fcnn_common_caches);
    ck_assert_int_ne(try_put(&p, FCNN_EXACT, 1, &f4, 1), FCNN_OK); /* as if a file said so */
    ck_assert_str_eq(describe(SMALL, &one).origin, "estimate");
    put_row(SMALL, FCNN_WINOGRAD_F4, 1, "conv2d_fwd_winograd_f4_scalar");
    ck_assert_str_eq(describe(SMALL, &one).origin, "estimate");
    put_row(SMALL, FCNN_EXACT, 1, "conv2d_fwd_im2col_scalar");
    ck_assert_str_eq(describe(SMALL, &two).origin, "estimate");
    if (fcnn_cpu_isas() >> FCNN_AVX2 & 1) {
        const fcnn_options capped = {.threads = 1, .tuning = table, .isa = "scalar"};
        put_row(SMALL, FCNN_EXACT, 1, "conv2d_fwd_im2col_avx2");
        ck_assert_str_eq(describe(SMALL, &one).origin, "tuned");
        ck_assert_str_eq(describe(SMALL, &capped).origin, "estimate");
        ck_assert_int_eq(describe(SMALL, &capped).isa, FCNN_SCALAR);
    }
    const struct fcnn_choice pool = fcnn_row_choice(kernel_named("dense_fwd_naive"), &p, &fcnn_common_caches);
    ck_assert_int_ne(try_put(&p, FCNN_EXACT, 3, &pool, 1), FCNN_OK); /* another operation */
    ck_assert_str_eq(describe(SMALL, &(fcnn_options){.threads = 3, .tuning = table}).origin, "estimate");
}
END_TEST

/* The team is the entry's, but never larger than what was asked for. */
START_TEST(teams)
{
    const fcnn_problem p = parse_problem("conv2d forward mb8ic3ih9oc17kh3ph1");
    const struct fcnn_choice choice = fcnn_row_choice(kernel_named("conv2d_fwd_naive"), &p, &fcnn_common_caches);
    static const int listed[] = {1, 2, 9, 0, -3}, want[] = {1, 2, 3, 3, 3};
    for (int i = 0; i < 5; i++) {
        put(&p, FCNN_EXACT, 3, &choice, listed[i]);
        const fcnn_plan_info info = describe("conv2d forward mb8ic3ih9oc17kh3ph1",
                                             &(fcnn_options){.threads = 3, .tuning = table});
        ck_assert_str_eq(info.origin, "tuned");
        ck_assert_int_eq(info.threads, want[i]);
        ck_assert_int_eq(info.most_threads, 3);
    }
}
END_TEST

/* What fcnn_explain() says is what a plan does. */
START_TEST(explained)
{
    const fcnn_problem p = parse_problem(SMALL);
    const fcnn_options options = {.threads = 1, .tuning = table};
    const fcnn_options only = {.threads = 2, .tuning = table, .planning = "tuned_only"};
    fcnn_verdict v;
    int chosen = 0;
    put_row(SMALL, FCNN_EXACT, 1, "conv2d_fwd_im2col_scalar");
    for (int i = 0; i < fcnn_kernel_count(); i++) {
        OK(fcnn_explain(i, &p, &options, &v));
        ck_assert_int_eq(v.chosen, !strcmp(v.kernel, "conv2d_fwd_im2col_scalar"));
        if (v.chosen) ck_assert_ptr_nonnull(strstr(v.why, "measured"));
        chosen += v.chosen;
        ck_assert_int_eq(fcnn_explain(i, &p, &only, &v), FCNN_NOT_TUNED);
        ck_assert(!v.chosen && *v.why);
    }
    ck_assert_int_eq(chosen, 1);
}
END_TEST

/* ---- no bit changes ---- */

/* The most unlikely choices: rows from the end of the table, knobs at one of their limits. */
static struct fcnn_choice absurd_choice(const struct fcnn_kernel *kernel, const fcnn_problem *p, int turn)
{
    struct fcnn_choice choice = fcnn_row_choice(kernel, p, &fcnn_common_caches);
    for (int i = 0; i < kernel->variant->knob_count; i++) {
        const struct fcnn_knob *knob = &kernel->variant->knobs[i];
        choice.knobs[i] = knob->values[(turn >> i & 1) * (knob->count - 1)];
    }
    return fcnn_affordable(&choice, p) ? choice : fcnn_row_choice(kernel, p, &fcnn_common_caches);
}

/* Replaces every line by an absurd one. */
static void make_absurd(int turn)
{
    struct fcnn_settings settings;
    const fcnn_options options = {.threads = 1};
    OK(fcnn_settings_read(&settings, &options));
    for (int line = 0; line < fcnn_tuning_count(table); line++) {
        fcnn_tuned tuned;
        const struct fcnn_kernel *usable[64];
        int count = 0;
        OK(fcnn_tuning_describe(table, line, &tuned));
        const fcnn_problem p = parse_problem(tuned.problem);
        for (int i = 0; i < fcnn_kernels_count; i++)
            if (fcnn_kernels[i].numerics == tuned.numerics && !fcnn_dispatch_reason(&fcnn_kernels[i], &p, &settings))
                usable[count++] = &fcnn_kernels[i];
        ck_assert_int_gt(count, 0);
        const struct fcnn_choice choice = absurd_choice(usable[(line + turn) % count], &p, turn);
        put(&p, tuned.numerics, tuned.threads, &choice, tuned.threads);
    }
}

static void train(fcnn_tuning *with, int threads, float *weights, int tune)
{
    const fcnn_options kernels = {.threads = threads, .tuning = with};
    fcnn_model *model = toy_build(&(fcnn_compile_options){.seed = 3, .shards = 3, .kernels = &kernels});
    int measured = -1;
    if (tune) OK(fcnn_model_tune(model, 7, &(fcnn_tune_options){.seconds = 0.003}, &measured));
    if (tune) ck_assert_int_eq(measured > 0, tune == 1);
    for (int i = 0; i < 2; i++) toy_step(model, i, 7);
    toy_get(model, weights);
    fcnn_model_destroy(model);
}

/* Weights after training: without a table, with one that was just measured (once), with absurd ones. */
START_TEST(training)
{
    float without[TOY_PARAMETERS], with[TOY_PARAMETERS];
    toy_make_data();
    train(NULL, 1, without, 0);
    train(table, 1, with, 1);
    ck_assert_int_gt(fcnn_tuning_count(table), 10);
    ck_assert_int_eq(memcmp(with, without, sizeof with), 0);
    train(table, 2, with, 2); /* the second time nothing is measured: workers have plans of one thread */
    ck_assert_int_eq(memcmp(with, without, sizeof with), 0);
    for (int turn = 0; turn < 12; turn++) {
        make_absurd(turn * 5);
        train(table, 1 + turn % 2, with, 0);
        ck_assert_msg(!memcmp(with, without, sizeof with), "turn %d: other weights", turn);
    }
}
END_TEST

/* What fcnn_model_tune() refuses, and that a model goes on after it was interrupted. */
START_TEST(model_refusals)
{
    struct visits visits = {.stop_at = 2};
    const fcnn_tune_options stopping = {.seconds = 1000, .progress = visit, .context = &visits};
    const fcnn_options kernels = {.threads = 1, .tuning = table};
    float without[TOY_PARAMETERS], with[TOY_PARAMETERS];
    toy_make_data();
    train(NULL, 1, without, 0);
    fcnn_model *model = toy_build(&(fcnn_compile_options){.seed = 3, .shards = 3, .kernels = &kernels});
    FAILS(FCNN_BAD_ARGUMENT, fcnn_model_tune(NULL, 7, NULL, NULL));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_model_tune(model, 0, NULL, NULL));
    ck_assert_int_eq(fcnn_model_tune(model, 7, &stopping, NULL), FCNN_INTERRUPTED);
    for (int i = 0; i < 2; i++) toy_step(model, i, 7);
    toy_get(model, with);
    ck_assert_int_eq(memcmp(with, without, sizeof with), 0);
    fcnn_model_destroy(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tune");
    TCase *cases = tcase_create("tune");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, planning_modes);
    tcase_add_test(cases, never_measured);
    tcase_add_test(cases, second_run_measures_nothing);
    tcase_add_test(cases, all_operations);
    tcase_add_test(cases, interrupted);
    tcase_add_test(cases, bad_questions);
    tcase_add_test(cases, check);
    tcase_add_test(cases, names_win);
    tcase_add_test(cases, what_is_not_used);
    tcase_add_test(cases, teams);
    tcase_add_test(cases, explained);
    tcase_add_test(cases, training);
    tcase_add_test(cases, model_refusals);
    tcase_set_timeout(cases, 120);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
