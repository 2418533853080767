/* SPDX-License-Identifier: BSD-2-Clause
 * What the tests of Keras' files share: a folder, texts of models, suites. */
#ifndef FCNN_TESTS_KERAS_TESTS_H
#define FCNN_TESTS_KERAS_TESTS_H

#include <check.h>
#include <string.h>

#include "lib/io/fastcnn_io.h"

#define IO_OK(call) ck_assert_msg((call) == FCNN_OK, "%s: %s", #call, fcnn_io_last_error())
#define IO_FAILS(expected, sentence, call)                                                                             \
    do {                                                                                                               \
        ck_assert_int_eq(call, expected);                                                                              \
        ck_assert_msg(strstr(fcnn_io_last_error(), sentence) != NULL, "%s: %s", #call, fcnn_io_last_error());          \
    } while (0)

/* A file in the folder that keras_run() makes; its name lives until four more were asked for. */
const char *keras_path(const char *name);
extern const char *const keras_whole[2]; /* a name for each format of whole models */

#define MODEL(layers)                                                                                                  \
    "{\"class_name\":\"Sequential\",\"config\":[{\"class_name\":\"InputLayer\",\"config\":"                            \
    "{\"batch_input_shape\":[null,8,8,2],\"name\":\"in\"}}," layers "]}"
#define LAYER(class, members) "{\"class_name\":\"" class "\",\"config\":{\"name\":\"it\"" members "}}"

/* A number as Keras 2.2.3 to 2.3 wrote some. */
#define NUMPY(value) "{\"type\":\"ndarray\",\"value\":" value "}"

/* The model of a text, which is "t" in sentences. */
fcnn_status keras_read_text(fcnn_model **model, const char *text);

/* Adds a loop of `count` tests. */
void keras_add(Suite *suite, const char *name, const TTest *test, int count);
#define COUNT(table) ((int)(sizeof table / sizeof *table))

/* Runs the suite with a folder of its own. Exit status 77: this library was built without HDF5. */
int keras_run(Suite *suite);

#endif
