/* SPDX-License-Identifier: BSD-2-Clause
 * See network.h. */
#include "cli/network.h"

#include <math.h>
#include <stdlib.h>

/* 784 numbers are 28 x 28 pixels, 3072 are 32 x 32 x 3, row by row; no number is both. */
static void learn_sight(struct cli_network *n)
{
    const int64_t grey = llround(sqrt((double)n->c)), coloured = llround(sqrt((double)n->c / 3));
    n->see_h = n->see_w = n->see_c = 0;
    if (n->h > 1 || n->w > 1) {
        n->see_h = n->h;
        n->see_w = n->w;
        n->see_c = n->c;
    } else if (grey * grey == n->c) {
        n->see_h = n->see_w = grey;
        n->see_c = 1;
    } else if (3 * coloured * coloured == n->c) {
        n->see_h = n->see_w = coloured;
        n->see_c = 3;
    }
}

static int learn_shapes(struct cli_network *network)
{
    fcnn_layer_info last;
    fcnn_compile_options compile;
    fcnn_status status = fcnn_model_input(network->model, &network->h, &network->w, &network->c);
    if (!status) status = fcnn_model_layer(network->model, fcnn_model_layers(network->model) - 1, &last);
    if (!status) status = fcnn_model_compile_options(network->model, &compile);
    if (status) return program_failed(status);
    learn_sight(network);
    network->classes = (int)(last.h * last.w * last.c);
    if (network->classes == 1 && network->info.binary == 2 && last.activation == FCNN_LINEAR) network->is_binary = 2;
    else network->is_binary = network->classes == 1 && last.activation == FCNN_SIGMOID_ACTIVATION;
    if (network->is_binary) network->classes = 2;
    network->is_value = network->classes == 1 ||
                        (!network->is_binary && compile.loss == FCNN_LOSS_MEAN_SQUARED_ERROR &&
                         last.activation != FCNN_SOFTMAX_ACTIVATION);
    return EXIT_SUCCESS;
}

int cli_network_open(struct cli_network *network, const char *what, const fcnn_options *kernels)
{
    const fcnn_load_options options = {.kernels = kernels};
    *network = (struct cli_network){.what = what};
    int code = cli_model_open(&network->model, what, &options, &network->info);
    if (!code && !network->info.has_weights) {
        program_complain("%s has no weights: what an untrained model says means nothing; train and save it first "
                         "('fastcnn train --help')", what);
        code = EX_DATAERR;
    }
    if (!code) code = learn_shapes(network);
    if (code) cli_network_close(network);
    return code;
}

void cli_network_close(struct cli_network *network)
{
    fcnn_model_destroy(network->model);
    network->model = NULL;
}

int cli_network_scales(const fcnn_file_info *info)
{
    const double scale = 255 * info->input_scale, offset = info->input_offset;
    return !(scale > 1 - 1e-9 && scale < 1 + 1e-9 && offset > -1e-9 && offset < 1e-9);
}

void cli_network_scale(const struct cli_network *network, float *x, int64_t count)
{
    const double scale = 255 * network->info.input_scale, offset = network->info.input_offset;
    if (!cli_network_scales(&network->info)) return;
    for (int64_t i = 0; i < count; i++) x[i] = (float)(x[i] * scale + offset);
}

const char *cli_network_describe(const struct cli_network *network, char *text, size_t size)
{
    char count[32];
    const char *producer = network->info.producer;
    snprintf(text, size, "%s%s%s%s, %s parameters", network->what, *producer ? " (" : "", producer,
             *producer ? ")" : "", cli_count(fcnn_model_parameters(network->model), count));
    return program_printable(text);
}

int cli_largest(const float *values, int count)
{
    int largest = 0;
    for (int i = 0; i < count; i++) {
        if (!isfinite(values[i])) return -1;
        if (values[i] > values[largest]) largest = i;
    }
    return largest;
}

/* The probabilities of class 0 and 1 in the place of one output each. */
static void spread_binary(const struct cli_network *network, float *outputs, int64_t n)
{
    for (int64_t i = n - 1; i >= 0; i--) {
        const double v = (double)outputs[i], p = network->is_binary == 2 ? 1 / (1 + exp(-v)) : v;
        outputs[2 * i] = (float)(1 - p);
        outputs[2 * i + 1] = (float)p;
    }
}

/* Of a single output the softmax that goes with cross-entropy makes 1. */
fcnn_status cli_network_predict(const struct cli_network *network, const float *x, int64_t n, float *outputs)
{
    fcnn_model *model = network->model;
    if (network->classes > 1 && !network->is_binary) return fcnn_predict(model, x, n, outputs);
    const fcnn_status status = fcnn_model_outputs(model, fcnn_model_layers(model) - 1, x, n, outputs);
    if (!status && network->is_binary) spread_binary(network, outputs, n);
    return status;
}

int cli_network_not_finite(const struct cli_network *network, int64_t count, int64_t n)
{
    char some[32], all[32];
    if (!count) return EXIT_SUCCESS;
    program_complain("%s: the model's output for %s of %s image%s is not finite", network->what, cli_count(count, some),
                     cli_count(n, all), n == 1 ? "" : "s");
    return EX_DATAERR;
}

/* ---- parts of data sets ---- */

static const struct {
    const char *word;
    enum fcnn_data_part part;
} parts[] = {{"auto", FCNN_DATA_ANY}, {"test", FCNN_DATA_TEST}, {"train", FCNN_DATA_TRAIN}};

const char *cli_part_word(int number)
{
    return number < (int)(sizeof parts / sizeof *parts) ? parts[number].word : NULL;
}

enum fcnn_data_part cli_part(int number) { return parts[number].part; }
