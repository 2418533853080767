/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/suite.h"

#include <stdio.h>
#include <stdlib.h>

int run_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner), run = srunner_ntests_run(runner);
    srunner_free(runner);
    return failed || !run;
}

int suite_emulated(void)
{
    const char *run = getenv("FCNN_RUN");
    if (!run || !*run) return 0;
    puts("SKIP: threads and processes are not tried behind FCNN_RUN");
    return 1;
}
