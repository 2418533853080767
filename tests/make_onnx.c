/* SPDX-License-Identifier: BSD-2-Clause
 * make_onnx FOLDER: writes every model of the zoo as FOLDER/N.onnx, some images for it as N.input (floats, NHWC) and
 * what fcnn_predict() says as N.output. For check_onnx.sh. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/io/fastcnn_io.h"
#include "tests/suite.h"
#include "tests/zoo.h"

#define IMAGES 3

static int write_floats(const char *where, int number, const char *what, const float *values, size_t count)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%d.%s", where, number, what);
    FILE *file = fopen(path, "wb");
    if (!file) return 0;
    const size_t written = fwrite(values, sizeof *values, count, file);
    return !fclose(file) && written == count;
}

static int write_model(const char *where, int number)
{
    char path[1024];
    int64_t h, w, c;
    float *x;
    int32_t *y;
    fcnn_layer_info last;
    fcnn_model *model = zoo_make(number);
    zoo_data(model, IMAGES, &x, &y);
    fcnn_model_input(model, &h, &w, &c);
    fcnn_model_layer(model, fcnn_model_layers(model) - 1, &last);
    const size_t inputs = (size_t)(IMAGES * h * w * c), outputs = (size_t)(IMAGES * last.c);
    float *predicted = malloc(outputs * sizeof *predicted);
    snprintf(path, sizeof path, "%s/%d.onnx", where, number);
    const int good = !fcnn_predict(model, x, IMAGES, predicted) && !fcnn_model_save(model, path, NULL) &&
                     write_floats(where, number, "input", x, inputs) &&
                     write_floats(where, number, "output", predicted, outputs);
    if (!good) fprintf(stderr, "model %d: %s %s\n", number, fcnn_last_error(), fcnn_io_last_error());
    free(predicted);
    free(x);
    free(y);
    fcnn_model_destroy(model);
    return good;
}

static const char *folder;

START_TEST(models_are_written) { ck_assert(write_model(folder, _i)); }
END_TEST

/* A test program, since what makes the models has assertions. */
int main(int argc, char **argv)
{
    Suite *suite = suite_create("onnx");
    TCase *tests = tcase_create("onnx");
    if (argc != 2) return EXIT_FAILURE;
    folder = argv[1];
    tcase_add_loop_test(tests, models_are_written, 0, zoo_count);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
