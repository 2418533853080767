/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/suite.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* Tests know nothing of whoever runs them. */
__attribute__((constructor)) static void forget_tuning(void) { setenv("FASTCNN_TUNING", "off", 1); }

int run_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner), run = srunner_ntests_run(runner);
    srunner_free(runner);
    return failed || !run;
}

void suite_unset_settings(void)
{
    static const char *const names[] = {"FASTCNN_ISA", "FASTCNN_KERNEL", "FASTCNN_MATH", "FASTCNN_NUM_THREADS",
                                        "FASTCNN_VERBOSE"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) unsetenv(names[i]);
}

int suite_emulated(void)
{
    const char *run = getenv("FCNN_RUN");
    if (!run || !*run) return 0;
    puts("SKIP: threads and processes are not tried behind FCNN_RUN");
    return 1;
}

/* In memory that all processes share, those in which Check runs a test included. */
static struct {
    atomic_int failed;
    atomic_char taken[];
} *shared;

int take_turn(int item) { return !atomic_exchange(&shared->taken[item], 1); }

static int count_jobs(int items)
{
    const char *text = getenv("FCNN_TEST_JOBS");
    const long processors = sysconf(_SC_NPROCESSORS_ONLN), jobs = text && *text ? atol(text) : processors;
    return jobs < 1 ? 1 : jobs < items ? (int)jobs : items;
}

static void run_share(SRunner *runner)
{
    srunner_run_all(runner, CK_SILENT);
    const int failed = srunner_ntests_failed(runner);
    TestResult **results = srunner_failures(runner);
    for (int i = 0; i < failed; i++) fprintf(stderr, "FAIL %s: %s\n", tr_tcname(results[i]), tr_msg(results[i]));
    free(results);
    atomic_fetch_add(&shared->failed, failed);
}

struct tally run_dealt(Suite *suite, int items)
{
    const size_t bytes = sizeof *shared + (size_t)items;
    const int jobs = count_jobs(items);
    struct tally tally = {0, 0};
    SRunner *runner = srunner_create(suite);
    int status, crashed = 0;
    shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) exit(1);
    fflush(NULL);
    for (int i = 1; i < jobs; i++)
        if (fork() == 0) {
            run_share(runner);
            srunner_free(runner);
            exit(0);
        }
    run_share(runner);
    srunner_free(runner);
    while (wait(&status) > 0) crashed += status != 0;
    for (int i = 0; i < items; i++) tally.run += shared->taken[i];
    tally.failed = shared->failed + crashed;
    munmap(shared, bytes);
    return tally;
}
