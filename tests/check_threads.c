/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Threads that the system refuses: plans and models work with those that there are and compute the same. Where threads
 * are asked for, how many, and what is said of it. */
#include <check.h>
#include <errno.h>
#include <omp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/threads.h"
#include "tests/suite.h"
#include "tests/toy.h"

/* The system's answers: calls of pthread_create() so far, and which are refused. */
static _Atomic int calls, refused_from = 1 << 30, refused = -1;

static int create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument)
{
    const int call = atomic_fetch_add(&calls, 1);
    if (call >= refused_from || call == refused) return EAGAIN;
    return pthread_create(thread, attributes, body, argument);
}

static void system_refuses(int from, int one)
{
    calls = 0;
    refused_from = from;
    refused = one;
}

/* ---- plans ---- */

enum { IMAGE = 13 * 13 * 32, OUTPUT = 11 * 11 * 64, N = 8 };
static float x[N * IMAGE], w[9 * 32 * 64], b[64], y[N * OUTPUT], expected[N * OUTPUT];

static fcnn_plan *plan_make(int threads)
{
    const fcnn_problem problem = {.op = FCNN_CONV2D, .n = N, .h = 13, .w = 13, .c = 32, .k = 64, .r = 3, .s = 3};
    fcnn_plan *plan;
    OK(fcnn_plan_create(&plan, &problem, &(fcnn_options){.threads = threads}));
    return plan;
}

static int team_of(const fcnn_plan *plan)
{
    fcnn_plan_info info;
    OK(fcnn_plan_describe(plan, &info));
    return info.team;
}

static void make_data(void)
{
    uint32_t state = 1;
    float *arrays[] = {x, w, b};
    const size_t counts[] = {N * IMAGE, 9 * 32 * 64, 64};
    for (int i = 0; i < 3; i++)
        for (size_t j = 0; j < counts[i]; j++)
            arrays[i][j] = (float)((state = state * 1664525u + 1013904223u) >> 8) * 0x1p-24f - 0.5f;
    fcnn_plan *plan = plan_make(1);
    OK(fcnn_execute(plan, &(fcnn_tensors){.src = x, .weights = w, .bias = b, .dst = expected}));
    fcnn_plan_destroy(plan);
}

static void execute(const fcnn_plan *plan)
{
    memset(y, 0xff, sizeof y);
    OK(fcnn_execute(plan, &(fcnn_tensors){.src = x, .weights = w, .bias = b, .dst = y}));
    ck_assert(!memcmp(y, expected, sizeof y));
}

/* While this process has no helpers. A team that was refused asks again, if not at once. */
START_TEST(a_plan_works_with_the_threads_there_are)
{
    fcnn_plan *plan = plan_make(4);
    ck_assert_int_eq(fcnn_plan_threads(plan), 4);
    ck_assert_int_eq(team_of(plan), 0);
    for (int helpers = 0; helpers < 4; helpers++) {
        system_refuses(helpers ? 1 : 0, -1);
        for (int i = 0; i < 100 && team_of(plan) != helpers + 1; i++) execute(plan);
        ck_assert_int_eq(team_of(plan), helpers + 1);
        const int before = calls;
        for (int i = 0; i < 16; i++) execute(plan);
        ck_assert_int_le(calls, before + 1);
    }
    fcnn_plan_destroy(plan);
}
END_TEST

/* A signal to the process is for the program's threads: the only one blocks it, so it must wait. */
START_TEST(helpers_take_no_signals)
{
    sigset_t set, pending;
    int number;
    system_refuses(1 << 30, -1);
    fcnn_plan *plan = plan_make(4);
    execute(plan);
    ck_assert_int_eq(team_of(plan), 4);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
    ck_assert_int_eq(kill(getpid(), SIGUSR1), 0);
    ck_assert_int_eq(sigpending(&pending), 0);
    ck_assert_int_eq(sigismember(&pending, SIGUSR1), 1);
    ck_assert_int_eq(sigwait(&set, &number), 0);
    ck_assert_int_eq(pthread_sigmask(SIG_UNBLOCK, &set, NULL), 0);
    fcnn_plan_destroy(plan);
}
END_TEST

/* A region decides about an execution, not about the plan. */
START_TEST(a_plan_made_in_a_region_has_its_threads)
{
    fcnn_plan *plan = NULL;
    int inside = 0, team = omp_get_max_threads();
    fcnn_status status = FCNN_INTERRUPTED;
    system_refuses(1 << 30, -1);
#pragma omp parallel num_threads(2)
#pragma omp single
    {
        const fcnn_problem problem = {.op = FCNN_CONV2D, .n = N, .h = 13, .w = 13, .c = 32, .k = 64, .r = 3, .s = 3};
        fcnn_plan_info info = {0};
        if (!fcnn_plan_create(&plan, &problem, &(fcnn_options){.threads = 3}))
            status = fcnn_execute(plan, &(fcnn_tensors){.src = x, .weights = w, .bias = b, .dst = y});
        if (!status) status = fcnn_plan_describe(plan, &info);
        inside = info.team;
        team = omp_get_num_threads();
    }
    ck_assert_int_eq(status, FCNN_OK);
    if (team > 1) ck_assert_int_eq(inside, 1); /* a region of one thread is none */
    execute(plan);
    ck_assert_int_eq(fcnn_plan_threads(plan), 3);
    ck_assert_int_eq(team_of(plan), 3);
    fcnn_plan_destroy(plan);
}
END_TEST

START_TEST(packing_has_the_plans_threads)
{
    fcnn_plan *alone = plan_make(1), *many = plan_make(3);
    const size_t bytes = fcnn_plan_packed(many);
    void *packed[2];
    system_refuses(1 << 30, -1);
    ck_assert_uint_gt(bytes, 0);
    ck_assert_uint_eq(bytes, fcnn_plan_packed(alone));
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(posix_memalign(&packed[i], 64, bytes), 0);
        memset(packed[i], 0, bytes);
        OK(fcnn_pack(i ? many : alone, w, b, packed[i]));
    }
    ck_assert(!memcmp(packed[0], packed[1], bytes));
    ck_assert_int_eq(team_of(many), 3);
    for (int i = 0; i < 2; i++) free(packed[i]);
    fcnn_plan_destroy(alone);
    fcnn_plan_destroy(many);
}
END_TEST

/* ---- models ---- */

static void train_and_compare(int expected_team)
{
    fcnn_model *alone = toy_build(&(fcnn_compile_options){.kernels = &(fcnn_options){.threads = 1}});
    fcnn_model *model = toy_build(&(fcnn_compile_options){.kernels = &(fcnn_options){.threads = 4}});
    ck_assert_int_eq(fcnn_model_threads(model), 0);
    toy_step(alone, 0, TOY_IMAGES);
    toy_step(model, 0, TOY_IMAGES);
    ck_assert_int_eq(fcnn_model_threads(alone), 1);
    ck_assert_int_eq(fcnn_model_threads(model), expected_team);
    toy_same(alone, model);
    fcnn_model_destroy(model);
    fcnn_model_destroy(alone);
}

/* The very first: neither the trial nor the pool gets a thread. */
START_TEST(a_model_trains_alone)
{
    system_refuses(0, -1);
    train_and_compare(1);
    ck_assert_int_gt(calls, 1);
}
END_TEST

/* The trial is refused its first thread, its last one, none. */
START_TEST(a_model_trains_with_or_without_a_region)
{
    for (int refuse = 0; refuse < 6; refuse += 2) {
        system_refuses(1 << 30, refuse < 4 ? refuse : -1);
        train_and_compare(4);
        ck_assert_int_eq(calls, refuse < 4 ? refuse + 1 : 3);
    }
    system_refuses(1 << 30, -1);
    train_and_compare(4);
    ck_assert_int_eq(calls, 0); /* the runtime has kept them */
}
END_TEST

START_TEST(no_more_threads_than_shards)
{
    fcnn_model *model = toy_build(&(fcnn_compile_options){.shards = 2, .kernels = &(fcnn_options){.threads = 4}});
    system_refuses(1 << 30, -1);
    toy_step(model, 0, TOY_IMAGES);
    ck_assert_int_eq(fcnn_model_threads(model), 2);
    ck_assert_int_eq(fcnn_model_threads(NULL), 0);
    fcnn_model_destroy(model);
}
END_TEST

/* ---- numbers ---- */

START_TEST(numbers_of_threads_are_checked)
{
    static const struct {
        const char *variable, *value;
        int threads; /* 0: refused; -1: some */
    } cases[] = {
        {"FASTCNN_NUM_THREADS", "3", 3},     {"FASTCNN_NUM_THREADS", "", -1},      {"FASTCNN_NUM_THREADS", "0", 0},
        {"FASTCNN_NUM_THREADS", "-2", 0},    {"FASTCNN_NUM_THREADS", "abc", 0},    {"FASTCNN_NUM_THREADS", "1025", 0},
        {"FASTCNN_NUM_THREADS", "3,2", 0},   {"FASTCNN_NUM_THREADS", "1024", 1024}, {"FASTCNN_NUM_THREADS", " ", 0},
        {"OMP_NUM_THREADS", "abc", 0},       {"OMP_NUM_THREADS", "3000", 0},       {"OMP_NUM_THREADS", "0", 0},
        {"OMP_NUM_THREADS", "2,1", -1},      {"OMP_NUM_THREADS", " 2 ", -1},       {"OMP_NUM_THREADS", "", -1},
        {"OMP_NUM_THREADS", "-1", 0},        {"OMP_NUM_THREADS", ",", 0},          {"OMP_NUM_THREADS", "2x", 0},
        {"OMP_NUM_THREADS", "99999999999999999999", 0},
    };
    unsetenv("FASTCNN_NUM_THREADS");
    unsetenv("OMP_NUM_THREADS");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        setenv(cases[i].variable, cases[i].value, 1);
        const int threads = fcnn_options_threads(NULL);
        if (!cases[i].threads) FAILS(FCNN_BAD_SETTING, fcnn_options_check(NULL));
        if (cases[i].threads >= 0) ck_assert_int_eq(threads, cases[i].threads);
        else ck_assert_int_ge(threads, 1);
        ck_assert_int_eq(fcnn_options_threads(&(fcnn_options){.threads = 5}), 5); /* the option is asked first */
        unsetenv(cases[i].variable);
    }
    FAILS(FCNN_BAD_SETTING, fcnn_options_check(&(fcnn_options){.threads = FCNN_MAX_THREADS + 1}));
    FAILS(FCNN_BAD_SETTING, fcnn_options_check(&(fcnn_options){.threads = -1}));
    omp_set_num_threads(2000); /* a program's, not the user's: as many as there can be */
    ck_assert_int_eq(fcnn_options_threads(NULL), FCNN_MAX_THREADS);
}
END_TEST

int main(void)
{
    setenv("CK_FORK", "no", 1); /* a child of fork() enters no region */
    if (suite_emulated()) return 77;
    if (omp_get_thread_limit() < FCNN_MAX_THREADS || omp_get_dynamic()) {
        puts("SKIP: OMP_THREAD_LIMIT or OMP_DYNAMIC is set");
        return 77;
    }
    fcnn_threads_create = create;
    toy_make_data();
    Suite *suite = suite_create("threads");
    TCase *tests = tcase_create("threads");
    tcase_add_checked_fixture(tests, make_data, NULL);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_model_trains_alone);
    tcase_add_test(tests, a_plan_works_with_the_threads_there_are);
    tcase_add_test(tests, helpers_take_no_signals);
    tcase_add_test(tests, packing_has_the_plans_threads);
    tcase_add_test(tests, a_model_trains_with_or_without_a_region);
    tcase_add_test(tests, no_more_threads_than_shards);
    tcase_add_test(tests, a_plan_made_in_a_region_has_its_threads);
    tcase_add_test(tests, numbers_of_threads_are_checked);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
