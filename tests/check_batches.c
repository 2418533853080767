/* SPDX-License-Identifier: BSD-2-Clause
 * What is predicted for an image does not depend on the images beside it: in batches of every size and place, with
 * every kind of layer. Where Winograd is allowed that holds for the 8 images of a chunk (rule 6), since a class is
 * chosen by how many images a problem has: for an image by itself other bits may come out than in a chunk. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/suite.h"
#include "tests/toy.h"
#include "tests/zoo.h"

#define IMAGES 19

static int64_t image_of(const fcnn_model *model)
{
    int64_t h, w, c;
    OK(fcnn_model_input(model, &h, &w, &c));
    return h * w * c;
}

static int64_t classes_of(const fcnn_model *model)
{
    fcnn_layer_info last;
    OK(fcnn_model_layer(model, fcnn_model_layers(model) - 1, &last));
    return last.c;
}

static void *allocate(int64_t count)
{
    void *memory = calloc((size_t)count, sizeof(float));
    ck_assert_ptr_nonnull(memory);
    return memory;
}

static void same(const float *a, const float *b, int64_t count, int first, int n, int i)
{
    for (int64_t j = 0; j < count; j++)
        ck_assert_msg(a[j] == b[j], "image %d, output %d: %a in the batch %d..%d, %a in the whole", i, (int)j,
                      (double)a[j], first, first + n - 1, (double)b[j]);
}

/* Every batch of n neighbours gives what the whole gives. */
static void check_batches(fcnn_model *model, const float *x, const float *whole, int n)
{
    const int64_t image = image_of(model), classes = classes_of(model);
    float *some = allocate(n * classes);
    for (int first = 0; first + n <= IMAGES; first++) {
        OK(fcnn_predict(model, x + first * image, n, some));
        for (int i = 0; i < n; i++)
            same(some + i * classes, whole + (first + i) * classes, classes, first, n, first + i);
    }
    free(some);
}

START_TEST(neighbours_change_nothing)
{
    fcnn_model *model = zoo_make(_i);
    float *x, *whole = allocate(IMAGES * classes_of(model));
    int32_t *y;
    zoo_data(model, IMAGES, &x, &y);
    OK(fcnn_predict(model, x, IMAGES, whole));
    const int sizes[] = {1, 2, 7, 8, 9, 16, 18};
    for (int i = 0; i < 7; i++) check_batches(model, x, whole, sizes[i]);
    fcnn_model_destroy(model);
    free(whole);
    free(x);
    free(y);
}
END_TEST

/* Two layers that every Winograd class serves in chunks of 8. */
static fcnn_model *winograd(const char *math)
{
    const fcnn_options kernels = {.math = math};
    fcnn_model *model;
    OK(fcnn_model_create(&model, 28, 28, 16));
    for (int i = 0; i < 2; i++) OK(fcnn_add_conv2d(model, 16, 3, 3, 1, FCNN_PAD_SAME, FCNN_RELU_ACTIVATION));
    OK(fcnn_add_flatten(model));
    OK(fcnn_add_dense(model, 3, FCNN_LINEAR));
    OK(fcnn_compile(model, &(fcnn_compile_options){.seed = 5, .kernels = &kernels}));
    return model;
}

static const char *const maths[] = {"exact", "exact,winograd_f2", "exact,winograd_f4"};

START_TEST(neighbours_in_a_chunk_change_nothing_with_winograd)
{
    fcnn_model *model = winograd(maths[_i]), *exact = winograd("exact");
    const int64_t image = image_of(model);
    float *x = allocate(24 * image), whole[24 * 3], other[24 * 3], reference[24 * 3];
    for (int64_t i = 0; i < 24 * image; i++) x[i] = (float)((i * 7919 + i / 131) % 251) / 251;
    OK(fcnn_predict(model, x, 24, whole));
    OK(fcnn_predict(exact, x, 24, reference));
    ck_assert_int_eq(memcmp(whole, reference, sizeof whole) != 0, _i > 0); /* it did run */
    for (int chunk = 0; chunk < 3; chunk++) { /* chunks alone, and the images of one in another order */
        OK(fcnn_predict(model, x + chunk * 8 * image, 8, other));
        for (int i = 0; i < 8; i++) same(other + i * 3, whole + (chunk * 8 + i) * 3, 3, chunk * 8, 8, chunk * 8 + i);
    }
    float *turned = allocate(8 * image);
    for (int i = 0; i < 8; i++) memcpy(turned + i * image, x + (23 - 3 * i) * image, (size_t)image * sizeof *x);
    OK(fcnn_predict(model, turned, 8, other));
    for (int i = 0; i < 8; i++) same(other + i * 3, whole + (23 - 3 * i) * 3, 3, 0, 8, 23 - 3 * i);
    free(turned);
    free(x);
    fcnn_model_destroy(model);
    fcnn_model_destroy(exact);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("batches");
    TCase *tests = tcase_create("batches");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, neighbours_change_nothing, 0, zoo_count);
    tcase_add_loop_test(tests, neighbours_in_a_chunk_change_nothing_with_winograd, 0, 3);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
