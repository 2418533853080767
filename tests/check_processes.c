/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Children of fork() use the library, whatever their parent's threads did when it forked; a library that was closed
 * stays for its threads. A child that hangs is ended after minutes. */
#include <check.h>
#include <dlfcn.h>
#include <omp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/threads.h"
#include "tests/suite.h"
#include "tests/toy.h"

enum { N = 8, IMAGE = 13 * 13 * 32, OUTPUT = 11 * 11 * 64, PATIENCE = 300 };
static float x[N * IMAGE], w[9 * 32 * 64], b[64], expected[N * OUTPUT], expected_weights[TOY_PARAMETERS];

static const fcnn_problem problem = {.op = FCNN_CONV2D, .n = N, .h = 13, .w = 13, .c = 32, .k = 64, .r = 3, .s = 3};

/* Returns 0 if a plan of so many threads computes what is expected. */
static int convolve(int threads, float *y)
{
    fcnn_plan *plan;
    memset(y, 0xff, sizeof expected);
    if (fcnn_plan_create(&plan, &problem, &(fcnn_options){.threads = threads})) return 1;
    int wrong = fcnn_execute(plan, &(fcnn_tensors){.src = x, .weights = w, .bias = b, .dst = y}) != FCNN_OK;
    fcnn_plan_destroy(plan);
    return wrong || memcmp(y, expected, sizeof expected);
}

static void train(int threads, float *weights)
{
    fcnn_model *model = toy_build(&(fcnn_compile_options){.kernels = &(fcnn_options){.threads = threads}});
    toy_step(model, 0, TOY_IMAGES);
    toy_get(model, weights);
    fcnn_model_destroy(model);
}

static void make_data(void)
{
    for (int i = 0; i < N * IMAGE; i++) x[i] = (float)(i % 251) * 0x1p-8f - 0.5f;
    for (int i = 0; i < 9 * 32 * 64; i++) w[i] = (float)(i % 239) * 0x1p-8f - 0.5f;
    convolve(1, expected);
    train(1, expected_weights);
}

static _Atomic int started;

static int start_counted(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument)
{
    started++;
    return pthread_create(thread, attributes, body, argument);
}

/* The helpers of the parent's teams are not here; outside of a region those of a plan are asked for anew. */
static void child(void)
{
    static float y[N * OUTPUT], weights[TOY_PARAMETERS];
    signal(SIGALRM, SIG_DFL); /* Check's handler would end the whole group of processes */
    alarm(PATIENCE);
    fcnn_threads_create = start_counted;
    if (convolve(2, y)) _exit(1);
    if (!omp_in_parallel() && !started) _exit(3);
    train(2, weights);
    _exit(memcmp(weights, expected_weights, sizeof weights) ? 2 : 0);
}

static void try_child(void)
{
    int status;
    fflush(NULL);
    const pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (!pid) child();
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with status 0x%x", (unsigned)status);
}

/* The parent has had threads of plans and of a region. */
START_TEST(a_child_begins_anew)
{
    static float y[N * OUTPUT], weights[TOY_PARAMETERS];
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(convolve(2, y), 0);
        train(2, weights);
        ck_assert(!memcmp(weights, expected_weights, sizeof weights));
        try_child();
    }
}
END_TEST

static _Atomic int stop, rounds;

static void *convolve_often(void *failures)
{
    static float y[N * OUTPUT];
    while (!stop) {
        *(int *)failures += convolve(2, y);
        rounds++;
    }
    return NULL;
}

/* The address sanitizer's allocator may be locked by another thread when its process forks, and then stays so. */
#if defined(__SANITIZE_ADDRESS__)
#define FORKS_ALLOCATOR 0
#elif defined(__has_feature)
#define FORKS_ALLOCATOR !__has_feature(address_sanitizer)
#else
#define FORKS_ALLOCATOR 1
#endif

/* While another thread executes plans, anywhere in them. */
START_TEST(a_child_of_a_busy_parent)
{
    pthread_t thread;
    int failures = 0;
    if (!FORKS_ALLOCATOR) {
        puts("SKIP: children of a busy parent: the address sanitizer's allocator does not survive them");
        return;
    }
    ck_assert_int_eq(pthread_create(&thread, NULL, convolve_often, &failures), 0);
    for (int i = 0; i < 20; i++) {
        const int before = rounds;
        while (rounds == before) usleep(100);
        try_child();
    }
    stop = 1;
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(failures, 0);
}
END_TEST

/* From the callback of a training, which holds its threads; the child does not go on with that training. */
static int fork_in_callback(void *context, const fcnn_progress *progress)
{
    (void)context;
    if (!progress->epoch_ended) try_child();
    return 0;
}

START_TEST(a_child_of_a_callback)
{
    fcnn_model *model = toy_build(&(fcnn_compile_options){.kernels = &(fcnn_options){.threads = 2}});
    const fcnn_fit_options options = {.batch_size = TOY_IMAGES, .no_shuffle = 1, .callback = fork_in_callback};
    OK(fcnn_fit(model, toy_images, toy_labels, TOY_IMAGES, &options, NULL));
    float weights[TOY_PARAMETERS];
    toy_get(model, weights);
    ck_assert(!memcmp(weights, expected_weights, sizeof weights));
    fcnn_model_destroy(model);
}
END_TEST

#define LIBRARY ".libs/libfastcnn.so"

START_TEST(a_closed_library_stays)
{
    static float y[N * OUTPUT];
    if (access(LIBRARY, R_OK)) {
        puts("SKIP: closing the library: there is no " LIBRARY " (--disable-shared)");
        return;
    }
    for (int i = 0; i < 2; i++) {
        void *library = dlopen("./" LIBRARY, RTLD_NOW | RTLD_LOCAL);
        ck_assert_msg(library != NULL, "%s", dlerror());
        __typeof__(fcnn_plan_create_sized) *create;
        __typeof__(fcnn_execute_sized) *execute;
        __typeof__(fcnn_plan_destroy) *destroy;
        *(void **)&create = dlsym(library, "fcnn_plan_create_sized");
        *(void **)&execute = dlsym(library, "fcnn_execute_sized");
        *(void **)&destroy = dlsym(library, "fcnn_plan_destroy");
        ck_assert(create && execute && destroy);
        fcnn_plan *plan;
        const fcnn_options options = {.threads = 2};
        const fcnn_tensors tensors = {.src = x, .weights = w, .bias = b, .dst = y};
        ck_assert_int_eq(create(&plan, &problem, sizeof problem, &options, sizeof options), FCNN_OK);
        ck_assert_int_eq(execute(plan, &tensors, sizeof tensors, sizeof *tensors.hyper), FCNN_OK);
        ck_assert(!memcmp(y, expected, sizeof y));
        destroy(plan);
        ck_assert_int_eq(dlclose(library), 0);
        library = dlopen("./" LIBRARY, RTLD_NOW | RTLD_NOLOAD);
        ck_assert_msg(library != NULL, "the library is gone, its threads are not");
        dlclose(library);
    }
}
END_TEST

int main(void)
{
    setenv("CK_FORK", "no", 1); /* the tests fork for themselves */
    if (suite_emulated()) return 77;
    toy_make_data();
    Suite *suite = suite_create("processes");
    TCase *tests = tcase_create("processes");
    tcase_add_checked_fixture(tests, make_data, NULL);
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, a_child_begins_anew);
    tcase_add_test(tests, a_child_of_a_busy_parent);
    tcase_add_test(tests, a_child_of_a_callback);
    tcase_add_test(tests, a_closed_library_stays);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
