/* SPDX-License-Identifier: BSD-2-Clause
 * What is refused of Keras' files: what is no model, models this library has no layers for, damaged files. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/io/keras_files.h"
#include "tests/keras_tests.h"
#include "tests/mutilate.h"
#include "tests/toy.h"

START_TEST(files_that_are_no_models)
{
    fcnn_model *model;
    IO_FAILS(FCNN_NO_FILE, "No such file", fcnn_model_load(&model, keras_path("none.h5"), NULL, NULL));
    ck_assert(!model);
    IO_FAILS(FCNN_NO_FILE, "check_keras.", fcnn_model_load(&model, keras_path(""), NULL, NULL));
    spill(keras_path("empty"), "", 0);
    IO_FAILS(FCNN_BAD_DATA, "it is empty", fcnn_model_load(&model, keras_path("empty"), NULL, NULL));
    spill(keras_path("pk"), "PK\3\4", 4);
    IO_FAILS(FCNN_BAD_DATA, "no directory at its end", fcnn_model_load(&model, keras_path("pk"), NULL, NULL));
    ck_assert(!mkfifo(keras_path("fifo"), 0600));
    ck_assert_int_ne(fcnn_model_load(&model, keras_path("fifo"), &(fcnn_load_options){.format = FCNN_FORMAT_H5}, NULL),
                     FCNN_OK);
    fcnn_model *toy = toy_build(NULL);
    IO_OK(fcnn_model_save(toy, keras_path("c.weights.h5"), NULL));
    IO_FAILS(FCNN_BAD_DATA, "it holds weights alone", fcnn_model_load(&model, keras_path("c.weights.h5"), NULL, NULL));
    model = toy;
    IO_FAILS(FCNN_BAD_ARGUMENT, "path is NULL", fcnn_model_load(&model, NULL, NULL, NULL));
    ck_assert(!model);
    fcnn_model_destroy(toy);
}
END_TEST

START_TEST(a_user_block_is_called_so)
{
    static unsigned char bytes[1 << 20];
    size_t count;
    fcnn_model *model = toy_build(NULL);
    const char *path = keras_path("a.h5");
    IO_OK(fcnn_model_save(model, path, NULL));
    fcnn_model_destroy(model);
    unsigned char *own = slurp(path, &count);
    const size_t block = (size_t)512 << _i;
    ck_assert(count + block <= sizeof bytes);
    memset(bytes, _i ? '#' : 0, block);
    memcpy(bytes + block, own, count);
    spill(path, bytes, block + count);
    IO_FAILS(FCNN_BAD_DATA, "begins behind a user block", fcnn_model_load(&model, path, NULL, NULL));
    IO_FAILS(FCNN_BAD_DATA, "begins behind a user block",
             fcnn_model_load(&model, path, &(fcnn_load_options){.format = FCNN_FORMAT_H5}, NULL));
    free(own);
}
END_TEST

static const struct { const char *text, *sentence; } bad[] = {
    {MODEL(LAYER("Conv2D", "")), "t: layer it (Conv2D): filters is missing"},
    {MODEL(LAYER("Conv2D", ",\"filters\":4")), "kernel_size is missing"},
    {MODEL(LAYER("Conv2D", ",\"filters\":-4")), "filters is not a whole number from 1"},
    {MODEL(LAYER("Conv2D", ",\"filters\":1e300")), "filters is not a whole number"},
    {MODEL(LAYER("Conv2D", ",\"filters\":4,\"kernel_size\":[3,3,3]")), "kernel_size is not a whole number"},
    {MODEL(LAYER("Conv2D", ",\"filters\":4,\"kernel_size\":3,\"padding\":\"causal\"")), "padding is causal"},
    {MODEL(LAYER("Conv2D", ",\"filters\":4,\"kernel_size\":9")), "layer it (Conv2D)"},
    {MODEL(LAYER("Dense", ",\"units\":4,\"activation\":\"softmax\"")),
     "softmax takes a flat input, but its input is 8 x 8 x 4"},
    {MODEL(LAYER("ReLU", ",\"max_value\":6")), "layer it (ReLU): this max_value"},
    {MODEL(LAYER("ReLU", ",\"max_value\":" NUMPY("6.0"))), "layer it (ReLU): this max_value"},
    {MODEL(LAYER("ReLU", ",\"negative_slope\":" NUMPY("0.5"))), "this negative_slope"},
    {MODEL(LAYER("ReLU", ",\"threshold\":" NUMPY("[0]"))), "threshold is not a number"},
    {MODEL(LAYER("Activation", ",\"activation\":{\"class_name\":\"ReLU\",\"config\":{\"max_value\":6}}")),
     "this max_value"},
    {MODEL(LAYER("Activation", ",\"activation\":{\"class_name\":\"Softmax\",\"config\":{\"axis\":1}}")), "this axis"},
    {MODEL(LAYER("Activation", ",\"activation\":{\"class_name\":\"LeakyReLU\",\"config\":{}}")),
     "the activation LeakyReLU"},
    {MODEL(LAYER("Dropout", ",\"rate\":1")), "rate is 1"},
    {MODEL(LAYER("BatchNormalization", ",\"axis\":[1]")), "this axis"},
    {MODEL(LAYER("ZeroPadding2D", ",\"padding\":[[1,2],[3]]")), "padding is not ((top"},
    {MODEL(LAYER("Conv2D", ",\"filters\":4,\"kernel_size\":3,\"activation\":7")), "activation is no name"},
    {"{\"class_name\":\"Sequential\",\"config\":{\"layers\":[]}}", "the shape of the model's input is nowhere"},
    {"{\"class_name\":\"Sequential\",\"config\":{}}", "no list of layers"},
    {"{\"class_name\":\"MyModel\",\"config\":{}}", "a model of the class MyModel"},
    {"[]", "a model of the class (none)"},
    {"{\"class_name\":NaN}", "t: no JSON: line 1"},
};

START_TEST(models_that_are_refused)
{
    fcnn_model *model;
    const fcnn_status status = keras_read_text(&model, bad[_i].text);
    ck_assert(status && !model);
    ck_assert_msg(strstr(fcnn_io_last_error(), bad[_i].sentence) != NULL, "%s", fcnn_io_last_error());
}
END_TEST

/* ---- damaged files ---- */

static fcnn_model *tiny(void)
{
    fcnn_model *model;
    OK(fcnn_model_create(&model, 1, 2, 2));
    OK(fcnn_add_flatten(model));
    OK(fcnn_add_dense(model, 3, FCNN_LINEAR));
    OK(fcnn_compile(model, NULL));
    return model;
}


static int reads(const unsigned char *bytes, size_t count, void *weights)
{
    fcnn_model *model = NULL;
    fcnn_file_info info = {0};
    const fcnn_options kernels = {.isa = "scalar"};
    const fcnn_load_options options = {.kernels = &kernels}; /* compiling is what takes the time */
    const int zip = count > 2 && !memcmp(bytes, "PK", 2);
    const fcnn_status status = weights ? io_h5_read_weights(weights, bytes, count, "t")
                               : zip   ? io_keras_read(&model, bytes, count, "t", &options, &info)
                                       : io_h5_read(&model, bytes, count, "t", &options, &info);
    ck_assert(status || weights ? !model : model && info.has_weights);
    fcnn_model_destroy(model);
    return mutilated_was_read(status, fcnn_io_last_error(), "t");
}

/* Weights have no checksum in HDF5; all of a zip archive's members have one. HDF5 says itself where its file ends. */
START_TEST(truncated_and_altered_files)
{
    static const char *const names[] = {"a.h5", "a.keras", "a.weights.h5"};
    size_t count;
    fcnn_model *model = tiny(), *loaded;
    IO_OK(fcnn_model_save(model, keras_path(names[_i]), NULL));
    unsigned char *bytes = slurp(keras_path(names[_i]), &count);
    const struct mutilated seen = mutilate_some(bytes, count, 1, reads, _i == 2 ? model : NULL);
    ck_assert_uint_eq(seen.cuts_read, 0);
    ck_assert_msg(seen.flips_read < (_i == 1 ? seen.flips / 20 : seen.flips), "%zu", seen.flips_read);
    ck_assert_uint_eq(seen.longer_read, _i == 1 ? 0 : seen.longer);
    spill(keras_path("damaged"), bytes, count / 2);
    const fcnn_status status = _i == 2 ? fcnn_model_load_weights(model, keras_path("damaged"))
                                       : fcnn_model_load(&loaded, keras_path("damaged"), NULL, NULL);
    ck_assert(!mutilated_was_read(status, fcnn_io_last_error(), keras_path("damaged")));
    fcnn_model_destroy(model);
    free(bytes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("keras_refused");
    toy_make_data();
    keras_add(suite, "no models", files_that_are_no_models, 1);
    keras_add(suite, "user blocks", a_user_block_is_called_so, 4);
    keras_add(suite, "refused", models_that_are_refused, COUNT(bad));
    keras_add(suite, "damaged", truncated_and_altered_files, 3);
    return keras_run(suite);
}
