/* SPDX-License-Identifier: BSD-2-Clause
 * See model.h. */
#include "cli/model.h"

#include <string.h>

#include "cli/cli.h"

static const struct {
    const char *name;
    fcnn_status (*make)(fcnn_model **model);
} models[] = {{"mnist-cnn", fcnn_model_mnist}};
#define MODELS ((int)(sizeof models / sizeof models[0]))

/* ---- by name ---- */

static int find(const char *what)
{
    for (int i = 0; i < MODELS; i++)
        if (!strcmp(models[i].name, what)) return i;
    return -1;
}

const char *cli_model_file(const char *what) { return what && find(what) < 0 ? what : NULL; }

static int make(fcnn_model **model, int number, const fcnn_load_options *options)
{
    fcnn_compile_options compile = {.seed = 0};
    if (options && options->compile) compile = *options->compile;
    compile.kernels = options ? options->kernels : NULL;
    fcnn_status status = models[number].make(model);
    if (!status && !(options && options->not_compiled)) status = fcnn_compile(*model, &compile);
    return status ? program_failed(status) : EXIT_SUCCESS;
}

/* ---- in a file ---- */

/* What a file holds is data, whichever way the library says that it cannot use it. */
static int failed(fcnn_status status)
{
    const char *sentence = fcnn_io_last_error(), *advice = strstr(sentence, "fcnn_model_load_weights()");
    if (advice) /* is what programs are told */
        program_complain("%.*s'fastcnn convert NET OUT --weights FILE' reads it into a model", (int)(advice - sentence),
                         sentence);
    else program_complain("%s", sentence);
    return status == FCNN_BAD_ARGUMENT || status == FCNN_BAD_SHAPE ? EX_DATAERR : program_exit_code(status);
}

static int load(fcnn_model **model, const char *path, const fcnn_load_options *options, fcnn_file_info *info)
{
    const fcnn_status status = fcnn_model_load(model, path, options, info);
    if (!status) return EXIT_SUCCESS;
    if (status != FCNN_NO_FILE || strpbrk(path, "./")) return failed(status);
    program_complain("%s; nor is it the name of a model: %s", fcnn_io_last_error(), models[0].name);
    return EX_NOINPUT;
}

int cli_model_open(fcnn_model **model, const char *what, const fcnn_load_options *options, fcnn_file_info *info)
{
    const int number = find(what);
    *model = NULL;
    if (info) *info = (fcnn_file_info){.input_scale = 1.0 / 255};
    const int code = number >= 0 ? make(model, number, options) : load(model, what, options, info);
    if (!code) return EXIT_SUCCESS;
    fcnn_model_destroy(*model);
    *model = NULL;
    return code;
}

int cli_model_load_weights(fcnn_model *model, const char *path)
{
    const fcnn_status status = fcnn_model_load_weights(model, path);
    return status ? failed(status) : EXIT_SUCCESS;
}

int cli_model_save(const fcnn_model *model, const char *path, const fcnn_save_options *options)
{
    const fcnn_status status = fcnn_model_save(model, path, options);
    if (!status) return EXIT_SUCCESS;
    program_complain("%s", fcnn_io_last_error());
    return status == FCNN_NO_FILE ? EX_IOERR : status == FCNN_BAD_ARGUMENT ? EX_USAGE : program_exit_code(status);
}

/* ---- what a format cannot hold ---- */

static const struct {
    int content;
    const char *words;
} contents[] = {
    {CLI_LAYERS, "the layers' settings"},
    {CLI_TRAINING, "how the model is compiled"},
    {CLI_WEIGHTS, "the weights"},
    {CLI_STATE, "the optimizer's state"},
    {CLI_SCALE, "the scale of the input"},
};
#define CONTENTS ((int)(sizeof contents / sizeof contents[0]))

int cli_model_holds(fcnn_format format)
{
    switch (format) {
    case FCNN_FORMAT_WEIGHTS_H5: return CLI_WEIGHTS;
    case FCNN_FORMAT_ONNX: return CLI_LAYERS | CLI_WEIGHTS | CLI_SCALE;
    case FCNN_FORMAT_TEXT: return CLI_LAYERS | CLI_TRAINING;
    default: return CLI_LAYERS | CLI_TRAINING | CLI_WEIGHTS | CLI_STATE | CLI_SCALE;
    }
}

void cli_model_print_left_out(const char *before, int lost)
{
    for (int i = 0; i < CONTENTS; i++)
        if (lost & contents[i].content) printf("%s%s\n", before, contents[i].words);
}

json_t *cli_model_left_out_json(int lost)
{
    json_t *list = json_array();
    for (int i = 0; i < CONTENTS; i++)
        if (lost & contents[i].content) json_array_append_new(list, json_string(contents[i].words));
    return list;
}
