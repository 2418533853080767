/* SPDX-License-Identifier: BSD-2-Clause
 * Helpers have all cores of the process, also where OMP_PROC_BIND has pinned the thread that starts them to one. */
#include <check.h>
#include <omp.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "lib/threads.h"
#include "tests/suite.h"

static int own_cores(void)
{
    cpu_set_t cores;
    return sched_getaffinity(0, sizeof cores, &cores) ? 0 : CPU_COUNT(&cores);
}

/* It begins as the thread that starts it is, and is given its cores a moment later. */
static void *wait_for_cores(void *most)
{
    for (int i = 0; i < 5000 && *(int *)most < 2; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        *(int *)most = own_cores();
    }
    return NULL;
}

START_TEST(helpers_are_not_pinned)
{
    pthread_t thread;
    int most = 0;
    ck_assert_int_eq(own_cores(), 1); /* pinned, or this tests nothing */
    ck_assert_int_eq(fcnn_threads_start(&thread, wait_for_cores, &most), 0);
    pthread_join(thread, NULL);
    ck_assert_int_gt(most, 1);
}
END_TEST

/* "{0},{1}": each core of the process is a place. "cores" would want a /sys, which not every container has. */
static void name_places(char *text, size_t size)
{
    cpu_set_t cores;
    size_t length = 0;
    *text = 0;
    if (sched_getaffinity(0, sizeof cores, &cores)) return;
    for (int i = 0; i < CPU_SETSIZE && length < size - 16; i++)
        if (CPU_ISSET(i, &cores))
            length += (size_t)snprintf(text + length, size - length, "%s{%d}", length ? "," : "", i);
}

int main(int argc, char **argv)
{
    char places[4096];
    (void)argc;
    if (suite_emulated()) return 77;
    if (!getenv("OMP_PROC_BIND")) {
        if (own_cores() < 2) {
            puts("SKIP: needs two cores");
            return 77;
        }
        setenv("CK_FORK", "no", 1);
        setenv("OMP_PROC_BIND", "true", 1); /* read when the program starts */
        name_places(places, sizeof places);
        setenv("OMP_PLACES", places, 1);
        execv("/proc/self/exe", argv);
    }
    omp_get_num_places();
    Suite *suite = suite_create("affinity");
    TCase *tests = tcase_create("affinity");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, helpers_are_not_pinned);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
