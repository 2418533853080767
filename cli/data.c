/* SPDX-License-Identifier: BSD-2-Clause
 * Training and test images: MNIST's IDX files from a folder, or synthetic digits, which are called so everywhere. */
#include "cli/cli.h"

#define SYNTHETIC_TRAINING 12000
#define SYNTHETIC_TEST 2000
/* Where in the endless sequence of digits the test images begin: past every training image. */
#define SYNTHETIC_TEST_FIRST ((int64_t)1 << 40)
#define SIDE 28

static int load_files(struct cli_data *data, int64_t images, int with_test)
{
    char message[8192];
    fcnn_status status = fcnn_idx_load(&data->train, data->directory, 1, images, CLI_CLASSES, message, sizeof message);
    if (!status && with_test)
        status = fcnn_idx_load(&data->test, data->directory, 0, 0, CLI_CLASSES, message, sizeof message);
    if (status) {
        program_complain("%s", message);
        return program_exit_code(status);
    }
    for (int test = 0; test <= with_test; test++) {
        const struct fcnn_dataset *set = test ? &data->test : &data->train;
        if (set->h == SIDE && set->w == SIDE) continue;
        program_complain("%s: the %s images are %lld x %lld; the model takes %d x %d", data->directory,
                     test ? "test" : "training", (long long)set->h, (long long)set->w, SIDE, SIDE);
        return EX_DATAERR;
    }
    return EXIT_SUCCESS;
}

int cli_data_load(struct cli_data *data, int64_t images, int with_test)
{
    if (data->directory) {
        int code = load_files(data, images, with_test);
        if (code) cli_data_free(data);
        return code;
    }
    fcnn_status status = fcnn_digits_make(&data->train, data->seed, 0, images ? images : SYNTHETIC_TRAINING);
    if (!status && with_test) status = fcnn_digits_make(&data->test, data->seed, SYNTHETIC_TEST_FIRST, SYNTHETIC_TEST);
    if (!status) return EXIT_SUCCESS;
    program_complain("synthetic digits: %s", fcnn_status_text(status));
    cli_data_free(data);
    return program_exit_code(status);
}

void cli_data_free(struct cli_data *data)
{
    fcnn_dataset_free(&data->train);
    fcnn_dataset_free(&data->test);
}

const char *cli_data_describe(const struct cli_data *data, char *text, size_t size)
{
    char train[32], test[32];
    int used = data->directory ? snprintf(text, size, "IDX files in %s", data->directory)
                               : snprintf(text, size, "synthetic digits drawn by this program, seed %llu",
                                          (unsigned long long)data->seed);
    if (used < 0 || (size_t)used >= size) return text;
    if (data->test.n)
        snprintf(text + used, size - (size_t)used, "; %s training + %s test images", cli_count(data->train.n, train),
                 cli_count(data->test.n, test));
    else snprintf(text + used, size - (size_t)used, "; %s images", cli_count(data->train.n, train));
    return text;
}

json_t *cli_data_json(const struct cli_data *data)
{
    json_t *json = json_pack("{s:s, s:b, s:I, s:I}", "source", data->directory ? "IDX files" : "synthetic digits",
                             "synthetic", !data->directory, "training_images", (json_int_t)data->train.n, "test_images",
                             (json_int_t)data->test.n);
    if (data->directory) json_object_set_new(json, "directory", cli_json_text(data->directory));
    else json_object_set_new(json, "seed", json_integer((json_int_t)data->seed));
    return json;
}
