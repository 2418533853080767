/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Several threads and one plan: each with a workspace of its own they compute the same; two in the plan's own are told
 * so. Pointers that are not aligned, and no plan at all. */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/threads.h"
#include "tests/suite.h"
#include "tests/toy.h"

enum { N = 8, IMAGE = 13 * 13 * 32, OUTPUT = 11 * 11 * 64, CALLERS = 4 };
static float x[N * IMAGE], w[9 * 32 * 64], b[64], y[N * OUTPUT], expected[N * OUTPUT];

static fcnn_plan *plan_make(int threads)
{
    const fcnn_problem problem = {.op = FCNN_CONV2D, .n = N, .h = 13, .w = 13, .c = 32, .k = 64, .r = 3, .s = 3};
    fcnn_plan *plan;
    OK(fcnn_plan_create(&plan, &problem, &(fcnn_options){.threads = threads}));
    ck_assert_uint_gt(fcnn_plan_workspace(plan), 0);
    return plan;
}

static void *grab(size_t bytes)
{
    void *memory;
    ck_assert_int_eq(posix_memalign(&memory, 64, bytes + 64), 0);
    return memory;
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

/* ---- with workspaces ---- */

struct caller {
    const fcnn_plan *plan;
    void *workspace;
    int wrong;
    float y[N * OUTPUT];
};

static void *execute_often(void *argument)
{
    struct caller *caller = argument;
    const fcnn_tensors tensors = {
        .src = x, .weights = w, .bias = b, .dst = caller->y, .workspace = caller->workspace};
    for (int i = 0; i < 30; i++) {
        memset(caller->y, 0xff, sizeof caller->y);
        caller->wrong += fcnn_execute(caller->plan, &tensors) != FCNN_OK;
        caller->wrong += memcmp(caller->y, expected, sizeof expected) != 0;
    }
    return NULL;
}

START_TEST(callers_with_workspaces_share_a_plan)
{
    static struct caller callers[CALLERS];
    pthread_t threads[CALLERS];
    fcnn_plan *plan = plan_make(2);
    for (int i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){.plan = plan, .workspace = grab(fcnn_plan_workspace(plan))};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, execute_often, &callers[i]), 0);
    }
    for (int i = 0; i < CALLERS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_int_eq(callers[i].wrong, 0);
        free(callers[i].workspace);
    }
    fcnn_plan_destroy(plan);
}
END_TEST

/* ---- in the plan's own ---- */

/* An execution that starts a thread is under way: what others find then. */
static struct other {
    const fcnn_plan *plan;
    void *workspace, *packed;
    int tried;
    fcnn_status own, brought, packed_only;
} other;

static void *execute_as_another(void *argument)
{
    (void)argument;
    fcnn_tensors tensors = {.src = x, .weights = w, .bias = b, .dst = y};
    other.own = fcnn_execute(other.plan, &tensors);
    tensors.workspace = other.workspace;
    other.brought = fcnn_execute(other.plan, &tensors);
    return NULL;
}

static int create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument)
{
    pthread_t another;
    if (!other.tried++ && !pthread_create(&another, NULL, execute_as_another, NULL)) pthread_join(another, NULL);
    return pthread_create(thread, attributes, body, argument);
}

START_TEST(two_in_the_plans_own_workspace_are_told)
{
    static float mine[N * OUTPUT];
    fcnn_plan *plan = plan_make(7); /* more than this program had before, so that a thread is started */
    ck_assert_int_eq(fcnn_plan_threads(plan), 7);
    other = (struct other){.plan = plan, .workspace = grab(fcnn_plan_workspace(plan)), .own = FCNN_OK};
    fcnn_threads_create = create;
    const fcnn_tensors tensors = {.src = x, .weights = w, .bias = b, .dst = mine};
    OK(fcnn_execute(plan, &tensors));
    fcnn_threads_create = pthread_create;
    ck_assert_int_gt(other.tried, 0);
    ck_assert_int_eq(other.own, FCNN_BAD_ARGUMENT);
    ck_assert_int_eq(other.brought, FCNN_OK);
    ck_assert(!memcmp(mine, expected, sizeof mine));
    ck_assert(!memcmp(y, expected, sizeof y));
    OK(fcnn_execute(plan, &tensors)); /* and it is free again */
    free(other.workspace);
    fcnn_plan_destroy(plan);
}
END_TEST

/* ---- bad pointers ---- */

START_TEST(pointers_must_be_aligned)
{
    fcnn_plan *plan = plan_make(2);
    char *workspace = grab(fcnn_plan_workspace(plan)), *packed = grab(fcnn_plan_packed(plan));
    fcnn_tensors tensors = {.src = x, .weights = w, .bias = b, .dst = y, .workspace = workspace + 32};
    FAILS(FCNN_BAD_ARGUMENT, fcnn_execute(plan, &tensors));
    tensors.workspace = workspace;
    OK(fcnn_execute(plan, &tensors));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_pack(plan, w, b, packed + 4));
    OK(fcnn_pack(plan, w, b, packed));
    tensors.packed = packed + 16;
    FAILS(FCNN_BAD_ARGUMENT, fcnn_execute(plan, &tensors));
    tensors.packed = packed;
    memset(y, 0xff, sizeof y);
    OK(fcnn_execute(plan, &tensors));
    ck_assert(!memcmp(y, expected, sizeof y));
    free(workspace);
    free(packed);
    fcnn_plan_destroy(plan);
}
END_TEST

START_TEST(a_plan_describes_itself)
{
    fcnn_plan *plan = plan_make(2);
    fcnn_plan_info info;
    OK(fcnn_plan_describe(plan, &info));
    ck_assert_str_eq(info.kernel, fcnn_plan_kernel(plan));
    ck_assert_int_eq(info.threads, fcnn_plan_threads(plan));
    ck_assert_uint_eq(info.workspace, fcnn_plan_workspace(plan));
    ck_assert_uint_eq(info.packed, fcnn_plan_packed(plan));
    ck_assert_int_eq(info.most_threads, 2);
    ck_assert_int_eq(info.numerics, FCNN_EXACT);
    ck_assert_int_ne(info.classes & 1u << FCNN_EXACT, 0);
    ck_assert_int_eq(info.team, 0);
    FAILS(FCNN_BAD_ARGUMENT, fcnn_plan_describe(plan, NULL));
    fcnn_plan_destroy(plan);
}
END_TEST

START_TEST(no_plan)
{
    fcnn_plan_info info;
    ck_assert_str_eq(fcnn_plan_kernel(NULL), "");
    ck_assert_int_eq(fcnn_plan_threads(NULL), 0);
    ck_assert_uint_eq(fcnn_plan_workspace(NULL), 0);
    ck_assert_uint_eq(fcnn_plan_packed(NULL), 0);
    FAILS(FCNN_BAD_ARGUMENT, fcnn_plan_describe(NULL, &info));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_pack(NULL, w, b, y));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_execute(NULL, &(fcnn_tensors){.src = x}));
    fcnn_plan_destroy(NULL);
}
END_TEST

int main(void)
{
    if (suite_emulated()) return 77;
    unsetenv("OMP_NUM_THREADS");
    Suite *suite = suite_create("sharing");
    TCase *tests = tcase_create("sharing");
    tcase_add_checked_fixture(tests, make_data, NULL);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, callers_with_workspaces_share_a_plan);
    tcase_add_test(tests, two_in_the_plans_own_workspace_are_told);
    tcase_add_test(tests, pointers_must_be_aligned);
    tcase_add_test(tests, a_plan_describes_itself);
    tcase_add_test(tests, no_plan);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
