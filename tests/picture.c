/* SPDX-License-Identifier: BSD-2-Clause
 * What shell tests need of pictures and models:
 *     picture write FILE H W C      numbers from stdin, 0 to 255, to a PNG
 *     picture read FILE             "H W C", then the numbers of each row on a line
 *     picture digit FILE N [SIDE]   the Nth synthetic test digit in SIDE x SIDE pixels (default 28): bright on black
 *     picture data FOLDER N         N synthetic test digits as FOLDER/test/CLASS/NUMBER.png
 *     picture model FILE N          the MNIST network, trained for three epochs on N synthetic digits */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/io/fastcnn_io.h"
#include "lib/io/io.h"

#define SIDE 28
#define TEST_FIRST ((int64_t)1 << 40) /* as cli/data.c has it */

static int failed(void)
{
    fprintf(stderr, "picture: %s\n", *fcnn_io_last_error() ? fcnn_io_last_error() : fcnn_last_error());
    return 1;
}

static int write_numbers(const char *file, int64_t h, int64_t w, int64_t c)
{
    fcnn_picture picture = {.h = h, .w = w, .c = c, .pixels = calloc((size_t)(h * w * c), 1)};
    int number, bad = 0;
    for (int64_t i = 0; i < h * w * c && !bad; i++) {
        bad = scanf("%d", &number) != 1;
        picture.pixels[i] = (unsigned char)number;
    }
    if (bad) fputs("picture: too few numbers\n", stderr);
    bad = bad || (fcnn_picture_write(&picture, file) && failed());
    fcnn_picture_free(&picture);
    return bad;
}

static int read_numbers(const char *file)
{
    fcnn_picture p;
    if (fcnn_picture_read(&p, file)) return failed();
    printf("%lld %lld %lld\n", (long long)p.h, (long long)p.w, (long long)p.c);
    for (int64_t i = 0; i < p.h * p.w * p.c; i++) printf((i + 1) % (p.w * p.c) ? "%d " : "%d\n", p.pixels[i]);
    fcnn_picture_free(&p);
    return 0;
}

/* Each pixel as a block of side / 28. */
static int write_digit(const char *file, const float *x, int64_t side)
{
    fcnn_picture picture = {.h = side, .w = side, .c = 1, .pixels = calloc((size_t)(side * side), 1)};
    for (int64_t i = 0; i < side * side; i++)
        picture.pixels[i] = (unsigned char)(255 * x[i / side * SIDE / side * SIDE + i % side * SIDE / side] + 0.5f);
    const int bad = fcnn_picture_write(&picture, file) && failed();
    fcnn_picture_free(&picture);
    return bad;
}

static int write_data(const char *folder, int64_t n)
{
    struct fcnn_dataset digits;
    char path[512];
    int bad = fcnn_digits_make(&digits, 1, TEST_FIRST, n) != FCNN_OK;
    snprintf(path, sizeof path, "%s/test", folder);
    mkdir(folder, 0755);
    mkdir(path, 0755);
    for (int64_t i = 0; i < n && !bad; i++) {
        snprintf(path, sizeof path, "%s/test/%d", folder, digits.y[i]);
        mkdir(path, 0755);
        snprintf(path, sizeof path, "%s/test/%d/%05lld.png", folder, digits.y[i], (long long)i);
        bad = write_digit(path, digits.x + i * SIDE * SIDE, SIDE);
    }
    fcnn_dataset_free(&digits);
    return bad;
}

static int one_digit(const char *file, int64_t number, int64_t side)
{
    struct fcnn_dataset digits;
    if (fcnn_digits_make(&digits, 1, TEST_FIRST + number, 1)) return failed();
    const int bad = write_digit(file, digits.x, side);
    printf("%d\n", digits.y[0]);
    fcnn_dataset_free(&digits);
    return bad;
}

static int train(const char *file, int64_t n)
{
    struct fcnn_dataset digits = {0};
    fcnn_model *model = NULL;
    fcnn_progress history[3];
    const fcnn_compile_options compile = {.seed = 1};
    const fcnn_fit_options fit = {.epochs = 3, .batch_size = 32};
    fcnn_status status = fcnn_digits_make(&digits, 1, 0, n);
    if (!status) status = fcnn_model_mnist(&model);
    if (!status) status = fcnn_compile(model, &compile);
    if (!status) status = fcnn_fit(model, digits.x, digits.y, n, &fit, history);
    if (!status) status = fcnn_model_save(model, file, NULL);
    if (!status) printf("loss %.4f accuracy %.4f\n", history[2].loss, history[2].accuracy);
    fcnn_model_destroy(model);
    fcnn_dataset_free(&digits);
    return status ? failed() : 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 2 ? argv[1] : "";
    const int64_t a = argc > 3 ? atoll(argv[3]) : 0, b = argc > 4 ? atoll(argv[4]) : SIDE;
    if (!strcmp(what, "write") && argc == 6) return write_numbers(argv[2], a, b, atoll(argv[5]));
    if (!strcmp(what, "read")) return read_numbers(argv[2]);
    if (!strcmp(what, "digit")) return one_digit(argv[2], a, b);
    if (!strcmp(what, "data")) return write_data(argv[2], a);
    if (!strcmp(what, "model")) return train(argv[2], a);
    fputs("picture: see the head of tests/picture.c\n", stderr);
    return 2;
}
