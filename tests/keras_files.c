/* SPDX-License-Identifier: BSD-2-Clause
 * keras_files FOLDER: reads what make_keras_files.py made there, predicts, compares with what numpy says, writes each
 * model again as .h5 and .keras, reads those, and wants the same bits. Prints what fails; exit status 0, or 1. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io/fastcnn_io.h"
#include "tests/paths.h"

#define IMAGES 3
static const char *folder;
static int failures, models, refused;

static int fails(const char *name, const char *what)
{
    printf("FAIL: %s: %s: %s; %s\n", name, what, fcnn_io_last_error(), fcnn_last_error());
    failures++;
    return 1;
}

static const char *path_of(const char *name, const char *end) { return path_in(folder, name, end); }

/* Raw floats; free() them. */
static float *read_floats(const char *path, size_t *count)
{
    FILE *file = fopen(path, "rb");
    float *values = malloc(1 << 20);
    *count = file && values ? fread(values, sizeof *values, (1 << 20) / sizeof *values, file) : 0;
    if (file) fclose(file);
    return values;
}

/* ---- predictions ---- */

static void compare(const char *name, fcnn_model *model, const char *end)
{
    size_t pixels, outputs;
    float *x = read_floats(path_of(name, ".x"), &pixels), *y = read_floats(path_of(name, end), &outputs);
    float *got = calloc(outputs + 1, sizeof *got);
    if (!pixels || !outputs || fcnn_predict(model, x, IMAGES, got)) fails(name, "predict");
    for (size_t i = 0; i < outputs; i++)
        if (!(fabsf(got[i] - y[i]) <= 2e-5f)) {
            printf("FAIL: %s: output %zu is %g, numpy's %g\n", name, i, (double)got[i], (double)y[i]);
            failures++;
            break;
        }
    free(x);
    free(y);
    free(got);
}

/* ---- again ---- */

static int same_arrays(const fcnn_model *a, const fcnn_model *b)
{
    const int64_t count = fcnn_model_parameters(a);
    float *left = malloc((size_t)count * sizeof *left), *right = malloc((size_t)count * sizeof *right);
    int same = count == fcnn_model_parameters(b);
    for (int array = 0; array <= FCNN_ARRAY_MOMENT_2 && same; array++)
        same = !fcnn_model_get_array(a, (fcnn_array)array, left, count) &&
               !fcnn_model_get_array(b, (fcnn_array)array, right, count) &&
               !memcmp(left, right, (size_t)count * sizeof *left);
    free(left);
    free(right);
    return same;
}

static int same_models(const fcnn_model *a, const fcnn_model *b)
{
    fcnn_state one, other;
    int same = fcnn_model_layers(a) == fcnn_model_layers(b) && !fcnn_model_get_state(a, &one) &&
               !fcnn_model_get_state(b, &other) && one.steps == other.steps && one.epochs == other.epochs &&
               one.beta_1_power == other.beta_1_power && one.beta_2_power == other.beta_2_power;
    for (int i = 0; i < fcnn_model_layers(a) && same; i++) {
        fcnn_layer left, right;
        fcnn_model_layer_as_added(a, i, &left);
        fcnn_model_layer_as_added(b, i, &right);
        same = !strcmp(left.name, right.name);
        left.name = right.name = NULL;
        same &= !memcmp(&left, &right, sizeof left);
    }
    return same && same_arrays(a, b);
}

static void again(const char *name, const fcnn_model *model, const char *end)
{
    fcnn_model *read = NULL;
    fcnn_file_info info;
    const fcnn_save_options options = {.input_scale = 0.5, .input_offset = -1};
    const char *path = path_of(name, end);
    if (fcnn_model_save(model, path, &options)) fails(name, "save");
    else if (fcnn_model_load(&read, path, NULL, &info)) fails(name, "load again");
    else if (!same_models(model, read)) fails(name, "what was written is another model");
    else if (!info.has_scale || info.input_scale != 0.5 || info.input_offset != -1) fails(name, "scale");
    fcnn_model_destroy(read);
}

/* ---- one file each ---- */

static void check_info(const char *name, const fcnn_file_info *info)
{
    const int unknown = !strncmp(name, "unknown", 7);
    const int has_state = !strncmp(name, "mnist", 5) || !strncmp(name, "zip", 3);
    const int other = strstr(name, "binary") || strstr(name, "absolute") || !strncmp(name, "none", 4);
    const int logits = !strncmp(name, "logits", 6), classes = strstr(name, "-4") && !strncmp(name, "n", 1);
    if (!info->has_weights || info->has_training == (unknown || other) || info->has_state != has_state)
        fails(name, info->remark);
    if (unknown != (strstr(info->remark, "the optimizer Adadelta is not in this library") != NULL))
        fails(name, info->remark);
    if (!strncmp(name, "unnamed", 7) != (strstr(info->remark, "the file names no optimizer") != NULL))
        fails(name, info->remark);
    if (strstr(info->remark, "does not fit")) fails(name, info->remark);
    if (logits != (strstr(info->remark, "their softmax, as its loss is cross-entropy") != NULL))
        fails(name, info->remark);
    if (classes != (strstr(info->remark, "their softmax, as no loss is known") != NULL)) fails(name, info->remark);
    const int binary = !strstr(name, "binary") ? 0 : strstr(name, "binary-linear") ? 2 : 1;
    const int other_loss = binary || strstr(name, "absolute") || strstr(name, "softmax-mse");
    if (info->binary != binary || info->other_loss != other_loss) fails(name, "the file's loss");
    if (strncmp(info->producer, "Keras ", 6) != 0) fails(name, info->producer);
}

static void check_model(const char *file)
{
    char name[256];
    fcnn_model *model;
    fcnn_file_info info;
    snprintf(name, sizeof name, "%.*s", (int)(strrchr(file, '.') - file), file);
    models++;
    if (fcnn_model_load(&model, path_of(file, ""), NULL, &info)) {
        fails(name, "load");
        return;
    }
    FILE *weights = fopen(path_of(name, ".weights.h5"), "rb");
    check_info(name, &info);
    if (weights) {
        fclose(weights);
        if (fcnn_model_load_weights(model, path_of(name, ".weights.h5"))) fails(name, "load weights");
        if (fcnn_model_save(model, path_of(name, ".h5"), NULL)) fails(name, "save"); /* what is compared with then */
    }
    compare(name, model, ".y");
    again(name, model, ".again.h5");
    again(name, model, ".again.keras");
    fcnn_model_destroy(model);
}

static void check_refused(void)
{
    char line[512];
    FILE *list = fopen(path_of("refused.txt", ""), "r");
    while (list && fgets(line, sizeof line, list)) {
        char *sentence = strchr(line, '\t');
        fcnn_model *model = NULL;
        line[strcspn(line, "\n")] = 0;
        *sentence++ = 0;
        if (!fcnn_model_load(&model, path_of(line, ""), NULL, NULL)) fails(line, "it was read");
        else if (!strstr(fcnn_io_last_error(), sentence)) fails(line, sentence);
        fcnn_model_destroy(model);
        refused++;
    }
    if (list) fclose(list);
}

static int is_model(const struct dirent *entry)
{
    const char *end = strrchr(entry->d_name, '.');
    return end && (!strcmp(end, ".h5") || !strcmp(end, ".keras")) && !strstr(entry->d_name, ".weights.h5") &&
           !strstr(entry->d_name, ".again.") && strncmp(entry->d_name, "refused-", 8) != 0;
}

int main(int argc, char **argv)
{
    struct dirent **entries;
    if (argc != 2) return 2;
    folder = argv[1];
    const int count = scandir(folder, &entries, is_model, alphasort);
    for (int i = 0; i < count; i++) {
        check_model(entries[i]->d_name);
        free(entries[i]);
    }
    if (count >= 0) free(entries);
    check_refused();
    printf("%d models read, %d files refused, %d failures\n", models, refused, failures);
    return failures || !models || !refused;
}
