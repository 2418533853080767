/* SPDX-License-Identifier: BSD-2-Clause
 * Training and test images: from files of any kind that dataset.h knows, or synthetic digits, which are called so
 * everywhere. */
#include <string.h>

#include "cli/cli.h"
#include "lib/io/fail.h"

#define SYNTHETIC_TRAINING 12000
#define SYNTHETIC_TEST 2000
/* Where in the endless sequence of digits the test images begin: past every training image. */
#define SYNTHETIC_TEST_FIRST ((int64_t)1 << 40)

/* ---- loading ---- */

static fcnn_status make_digits(struct fcnn_dataset *set, uint64_t seed, int64_t first, int64_t n)
{
    const fcnn_status status = fcnn_digits_make(set, seed, first, n);
    return status ? fcnn_io_fail(status, "synthetic digits: %s", fcnn_status_text(status)) : FCNN_OK;
}

static fcnn_status load_train(struct cli_data *data, int64_t images)
{
    if (data->directory) return fcnn_dataset_load(&data->train, data->directory, FCNN_DATA_TRAIN, images);
    return make_digits(&data->train, data->seed, 0, images ? images : SYNTHETIC_TRAINING);
}

static fcnn_status load_test(struct cli_data *data, enum fcnn_data_part part)
{
    if (data->directory) return fcnn_dataset_load(&data->test, data->directory, part, 0);
    return make_digits(&data->test, data->seed, SYNTHETIC_TEST_FIRST, SYNTHETIC_TEST);
}

/* A terminal shows the names of classes, which are names of folders; JSON has its own way with them. */
static void clean_names(struct fcnn_dataset *set)
{
    char *name = set->names;
    for (int i = 0; name && !cli_json && i < set->classes; i++) name += strlen(program_printable(name)) + 1;
}

/* Complains and frees after a failure. */
static int conclude(struct cli_data *data, fcnn_status status)
{
    const int train = data->train.classes, test = data->test.classes;
    data->classes = train > test ? train : test;
    data->kind = data->directory ? fcnn_data_look(data->directory) : FCNN_DATA_NONE;
    if (!status) {
        clean_names(&data->train);
        clean_names(&data->test);
        return EXIT_SUCCESS;
    }
    program_complain("%s", fcnn_io_last_error());
    cli_data_free(data);
    return program_exit_code(status);
}

int cli_data_load(struct cli_data *data, int64_t images, int with_test)
{
    fcnn_status status = load_train(data, images);
    if (!status && with_test) status = load_test(data, FCNN_DATA_TEST);
    int code = conclude(data, status);
    if (!code && !data->any_shape) code = cli_data_fits(data, 28, 28, 1, CLI_CLASSES);
    if (code) cli_data_free(data);
    return code;
}

int cli_data_load_part(struct cli_data *data, enum fcnn_data_part part)
{
    const int training = part == FCNN_DATA_TRAIN;
    const fcnn_status status = training ? load_train(data, 0) : load_test(data, part);
    if (!status && training) {
        data->test = data->train;
        data->train = (struct fcnn_dataset){0};
    }
    return conclude(data, status);
}

void cli_data_free(struct cli_data *data)
{
    fcnn_dataset_free(&data->train);
    fcnn_dataset_free(&data->test);
}

/* ---- against a model ---- */

static const char *source(const struct cli_data *data)
{
    return data->directory ? data->directory : "synthetic digits";
}

static int wrong_label(const struct cli_data *data, const struct fcnn_dataset *set, const char *part, int classes)
{
    int64_t i = 0;
    while (i < set->n && set->y[i] < classes) i++;
    if (i == set->n)
        program_complain("%s: the %s labels go up to %d; the model has %d outputs", source(data), part,
                         set->classes - 1, classes);
    else
        program_complain("%s: %s label %lld (counted from 0): expected 0 to %d, found %d", source(data), part,
                         (long long)i, classes - 1, (int)set->y[i]);
    return EX_DATAERR;
}

/* A vector of so many numbers is a picture row by row, as Keras' reshape() has it. */
static int has_shape(const struct fcnn_dataset *set, int64_t h, int64_t w, int64_t c)
{
    if (h == 1 && w == 1) return set->h * set->w * set->c == c;
    return set->h == h && set->w == w && set->c == c;
}

static int wrong_shape(const struct cli_data *data, const struct fcnn_dataset *set, const char *part, int64_t h,
                       int64_t w, int64_t c)
{
    if (h == 1 && w == 1)
        program_complain("%s: the %s images are %lld x %lld x %lld, which are %lld numbers; the model takes %lld",
                         source(data), part, (long long)set->h, (long long)set->w, (long long)set->c,
                         (long long)(set->h * set->w * set->c), (long long)c);
    else
        program_complain("%s: the %s images are %lld x %lld x %lld; the model takes %lld x %lld x %lld", source(data),
                         part, (long long)set->h, (long long)set->w, (long long)set->c, (long long)h, (long long)w,
                         (long long)c);
    return EX_DATAERR;
}

int cli_data_fits(const struct cli_data *data, int64_t h, int64_t w, int64_t c, int classes)
{
    for (int test = 0; test < 2; test++) {
        const struct fcnn_dataset *set = test ? &data->test : &data->train;
        const char *part = test ? "test" : "training";
        if (!set->n) continue;
        if (!has_shape(set, h, w, c)) return wrong_shape(data, set, part, h, w, c);
        if (set->classes > classes) return wrong_label(data, set, part, classes);
    }
    return EXIT_SUCCESS;
}

/* ---- in words ---- */

const char *cli_data_describe(const struct cli_data *data, char *text, size_t size)
{
    char train[32], test[32];
    int used = data->directory ? snprintf(text, size, "%s in %s", fcnn_data_kind_name(data->kind), data->directory)
                               : snprintf(text, size, "synthetic digits drawn by this program, seed %llu",
                                          (unsigned long long)data->seed);
    if (used >= 0) program_printable(text);
    if (used < 0 || (size_t)used >= size) return text;
    if (!data->train.n)
        snprintf(text + used, size - (size_t)used, "; %s images", cli_count(data->test.n, test));
    else if (data->test.n)
        snprintf(text + used, size - (size_t)used, "; %s training + %s test images", cli_count(data->train.n, train),
                 cli_count(data->test.n, test));
    else snprintf(text + used, size - (size_t)used, "; %s images", cli_count(data->train.n, train));
    return text;
}

json_t *cli_data_json(const struct cli_data *data)
{
    json_t *json = json_pack("{s:s, s:b, s:I, s:I}", "source", data->directory ? fcnn_data_kind_name(data->kind) :
        "synthetic digits",
                             "synthetic", !data->directory, "training_images", (json_int_t)data->train.n, "test_images",
                             (json_int_t)data->test.n);
    if (data->directory) json_object_set_new(json, "directory", cli_json_text(data->directory));
    else json_object_set_new(json, "seed", json_integer((json_int_t)data->seed));
    return json;
}
