/* SPDX-License-Identifier: BSD-2-Clause
 * See keras_tests.h. */
#include "tests/keras_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/io/json.h"
#include "lib/io/keras.h"
#include "tests/paths.h"
#include "tests/suite.h"

static char folder[] = "check_keras.XXXXXX";
const char *const keras_whole[2] = {"a.h5", "a.keras"};

const char *keras_path(const char *name) { return path_in(folder, name, ""); }

fcnn_status keras_read_text(fcnn_model **model, const char *text)
{
    json_t *config;
    *model = NULL;
    const fcnn_status parsed = io_json_parse(&config, text, strlen(text), "t");
    if (parsed) return parsed;
    const fcnn_status status = io_keras_read_model(model, config, "t");
    json_decref(config);
    return status;
}

void keras_add(Suite *suite, const char *name, const TTest *test, int count)
{
    TCase *tcase = tcase_create(name);
    tcase_add_loop_test(tcase, test, 0, count);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
}

int keras_run(Suite *suite)
{
    char command[128];
#ifndef HAVE_HDF5
    srunner_free(srunner_create(suite));
    puts("SKIP: built without HDF5");
    return 77;
#endif
    if (!mkdtemp(folder)) return EXIT_FAILURE;
    const int failed = run_suite(suite);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) || failed;
}
