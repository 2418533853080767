/* SPDX-License-Identifier: BSD-2-Clause
 * Keras' files as this library writes and reads them: the same bits again, training that goes on, what options change,
 * files that are replaced. check_keras_files.sh has the files of others. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/keras_tests.h"
#include "tests/mutilate.h"
#include "tests/toy.h"
#include "tests/zoo.h"

/* ---- round trips ---- */

static fcnn_model *trained(int number, float **x, int32_t **y)
{
    fcnn_model *model = zoo_make(number);
    zoo_data(model, 24, x, y);
    OK(fcnn_fit(model, *x, *y, 24, &(fcnn_fit_options){.epochs = 2, .batch_size = 7}, NULL));
    return model;
}

START_TEST(a_model_comes_back_bit_by_bit_and_trains_on_as_it_would)
{
    float *x;
    int32_t *y;
    size_t first_count, second_count;
    fcnn_file_info info;
    fcnn_model *model = trained(_i / 2, &x, &y), *read;
    const char *path = keras_path(keras_whole[_i % 2]);
    IO_OK(fcnn_model_save(model, path, &(fcnn_save_options){.input_scale = 2, .input_offset = -1}));
    unsigned char *first = slurp(path, &first_count);
    IO_OK(fcnn_model_load(&read, path, NULL, &info));
    ck_assert(info.has_weights && info.has_training && info.has_state && info.has_scale && !*info.remark);
    ck_assert(info.input_scale == 2 && info.input_offset == -1);
    ck_assert_int_eq(info.format, _i % 2 ? FCNN_FORMAT_KERAS : FCNN_FORMAT_H5);
    ck_assert(!strncmp(info.producer, "libfastcnn ", 11));
    zoo_same(model, read, 1);
    IO_OK(fcnn_model_save(read, path, &(fcnn_save_options){.input_scale = 2, .input_offset = -1}));
    unsigned char *second = slurp(path, &second_count);
    ck_assert(first_count == second_count && !memcmp(first, second, first_count));
    const fcnn_fit_options more = {.epochs = 1, .batch_size = 5};
    OK(fcnn_fit(model, x, y, 24, &more, NULL));
    OK(fcnn_fit(read, x, y, 24, &more, NULL));
    zoo_same(model, read, 1);
    fcnn_model_destroy(model);
    fcnn_model_destroy(read);
    free(first);
    free(second);
    free(x);
    free(y);
}
END_TEST

START_TEST(weights_alone_go_into_a_model_with_the_same_layers)
{
    static const char *const names[] = {"a.weights.h5", "a.h5", "a.keras"};
    fcnn_model *model = toy_build(&(fcnn_compile_options){.seed = 1}), *other, *small;
    float before[TOY_PARAMETERS], after[TOY_PARAMETERS], own[TOY_PARAMETERS];
    const char *path = keras_path(names[_i]);
    other = toy_build(&(fcnn_compile_options){.seed = 2});
    toy_get(model, before);
    toy_get(other, own);
    IO_OK(fcnn_model_save(model, path, NULL));
    IO_OK(fcnn_model_load_weights(other, path));
    toy_get(other, after);
    ck_assert(!memcmp(before, after, sizeof before) && memcmp(before, own, sizeof own) != 0);
    OK(fcnn_model_create(&small, 3, 3, 1));
    IO_FAILS(FCNN_BAD_ARGUMENT, "no weights before", fcnn_model_load_weights(small, path));
    OK(fcnn_add_flatten(small));
    OK(fcnn_add_dense(small, 3, FCNN_LINEAR));
    OK(fcnn_compile(small, NULL));
    float kept[30], found[30];
    OK(fcnn_model_get_weights(small, kept, 30));
    ck_assert_int_eq(fcnn_model_load_weights(small, path), FCNN_BAD_DATA);
    OK(fcnn_model_get_weights(small, found, 30));
    ck_assert(!memcmp(kept, found, sizeof kept));
    fcnn_model_destroy(model);
    fcnn_model_destroy(other);
    fcnn_model_destroy(small);
}
END_TEST

START_TEST(options_of_loading_and_saving)
{
    float *x;
    int32_t *y;
    fcnn_file_info info;
    fcnn_compile_options compiled;
    fcnn_state state;
    fcnn_model *model = trained(0, &x, &y), *read;
    const char *path = keras_path(keras_whole[_i]);
    IO_OK(fcnn_model_save(model, path, &(fcnn_save_options){.without_state = 1}));
    IO_OK(fcnn_model_load(&read, path, NULL, &info));
    ck_assert(info.has_weights && info.has_training && !info.has_state && !info.has_scale);
    ck_assert(info.input_scale == 1.0 / 255 && info.input_offset == 0);
    OK(fcnn_model_get_state(read, &state));
    ck_assert(state.steps == 0 && state.epochs == 0);
    fcnn_model_destroy(read);
    IO_OK(fcnn_model_save(model, path, NULL));
    IO_OK(fcnn_model_load(&read, path, &(fcnn_load_options){.not_compiled = 1}, &info));
    ck_assert(!info.has_weights && fcnn_model_layers(read) == fcnn_model_layers(model));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_model_compile_options(read, &compiled));
    fcnn_model_destroy(read);
    const fcnn_compile_options sgd = {.optimizer = FCNN_OPTIMIZER_SGD, .learning_rate = 0.25f, .seed = 9};
    IO_OK(fcnn_model_load(&read, path, &(fcnn_load_options){.compile = &sgd}, &info));
    OK(fcnn_model_compile_options(read, &compiled));
    ck_assert(compiled.optimizer == FCNN_OPTIMIZER_SGD && compiled.seed == 9 && !info.has_state);
    fcnn_model_destroy(read);
    fcnn_model_destroy(model);
    free(x);
    free(y);
}
END_TEST

START_TEST(a_file_is_replaced_as_a_whole_or_not_at_all)
{
    size_t count, now;
    struct stat found;
    fcnn_model *model = toy_build(NULL);
    const char *path = keras_path("b.h5"), *link = keras_path("link.h5");
    IO_OK(fcnn_model_save(model, path, NULL));
    ck_assert(!chmod(path, 0640) && !symlink("b.h5", link));
    IO_OK(fcnn_model_save(model, link, NULL));
    ck_assert(!lstat(link, &found) && S_ISLNK(found.st_mode));
    ck_assert(!stat(path, &found) && (found.st_mode & 07777) == 0640);
    unsigned char *before = slurp(path, &count);
    IO_FAILS(FCNN_BAD_ARGUMENT, "no format of models has that end", fcnn_model_save(model, keras_path("b.txt2"), NULL));
    IO_FAILS(FCNN_NO_FILE, "no/a.h5", fcnn_model_save(model, keras_path("no/a.h5"), NULL));
    IO_FAILS(FCNN_NO_FILE, "No space left", fcnn_model_save(model, "/dev/full",
                                                            &(fcnn_save_options){.format = FCNN_FORMAT_H5}));
    unsigned char *after = slurp(path, &now);
    ck_assert(count == now && !memcmp(before, after, count));
    fcnn_model *bare;
    OK(fcnn_model_create(&bare, 3, 3, 1));
    IO_FAILS(FCNN_BAD_ARGUMENT, "b.h5", fcnn_model_save(bare, path, NULL));
    fcnn_model_destroy(bare);
    fcnn_model_destroy(model);
    free(before);
    free(after);
}
END_TEST

START_TEST(the_scale_of_the_input)
{
    static const fcnn_layer between[] = {{.kind = FCNN_LAYER_ZERO_PADDING2D, .pad_top = 1},
                                         {.kind = FCNN_LAYER_FLATTEN},
                                         {.kind = FCNN_LAYER_DROPOUT, .rate = 0.5f},
                                         {.kind = FCNN_LAYER_ACTIVATION, .activation = FCNN_TANH_ACTIVATION}};
    fcnn_model *model, *read;
    fcnn_file_info info;
    const int scales = between[_i].kind != FCNN_LAYER_ACTIVATION;
    OK(fcnn_model_create(&model, 3, 3, 1));
    OK(fcnn_add_layer(model, &between[_i]));
    OK(fcnn_add_layer(model, &(fcnn_layer){.kind = FCNN_LAYER_RESCALING, .scale = 0.5f}));
    OK(fcnn_add_flatten(model));
    OK(fcnn_add_dense(model, 3, FCNN_LINEAR));
    OK(fcnn_compile(model, NULL));
    const char *path = keras_path("scale.h5");
    IO_OK(fcnn_model_save(model, path, NULL));
    IO_OK(fcnn_model_load(&read, path, NULL, &info));
    ck_assert(info.has_scale == scales && info.input_scale == (scales ? 1 : 1.0 / 255));
    IO_FAILS(FCNN_BAD_ARGUMENT, "the input's scale is nan",
             fcnn_model_save(model, path, &(fcnn_save_options){.input_scale = (double)NAN}));
    IO_FAILS(FCNN_BAD_ARGUMENT, "its offset -inf",
             fcnn_model_save(model, path, &(fcnn_save_options){.input_scale = 1, .input_offset = (double)-INFINITY}));
    fcnn_model_destroy(read);
    fcnn_model_destroy(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("keras");
    toy_make_data();
    keras_add(suite, "round trips", a_model_comes_back_bit_by_bit_and_trains_on_as_it_would, 2 * zoo_count);
    keras_add(suite, "weights alone", weights_alone_go_into_a_model_with_the_same_layers, 3);
    keras_add(suite, "options", options_of_loading_and_saving, 2);
    keras_add(suite, "replacing", a_file_is_replaced_as_a_whole_or_not_at_all, 1);
    keras_add(suite, "scale", the_scale_of_the_input, 4);
    return keras_run(suite);
}
