/* SPDX-License-Identifier: BSD-2-Clause
 * fastcnn convert: a model from one file format into another, and what is lost on the way. */
#include <stdlib.h>

#include "cli/arguments.h"
#include "cli/cli.h"
#include "cli/model.h"
#include "lib/io/models.h"

struct conversion {
    const char *from, *to, *weights;
    int no_state;
    fcnn_model *model;
    fcnn_file_info found;
    fcnn_format format; /* of `to` */
};

/* ---- what is lost ---- */

static int lost(const struct conversion *c)
{
    int found = CLI_LAYERS;
    if (c->found.has_training) found |= CLI_TRAINING;
    if (c->found.has_weights || c->weights) found |= CLI_WEIGHTS;
    if (c->found.has_state && !c->no_state) found |= CLI_STATE;
    if (c->found.has_scale) found |= CLI_SCALE;
    return found & ~cli_model_holds(c->format);
}

/* Nobody gave any, and the format has them. */
static int draws_weights(const struct conversion *c)
{
    return !c->found.has_weights && !c->weights && (cli_model_holds(c->format) & CLI_WEIGHTS);
}

/* ---- the result ---- */

static int print_text(const struct conversion *c)
{
    char count[32];
    printf("%s (%s): %d layers, %s parameters\n", c->to, fcnn_format_name(c->format), fcnn_model_layers(c->model),
           cli_count(fcnn_model_parameters(c->model), count));
    cli_model_print_left_out("left out: ", lost(c));
    if (draws_weights(c)) printf("weights: initial ones, drawn from the seed\n");
    if (*c->found.remark) printf("remark: %s\n", c->found.remark);
    return EXIT_SUCCESS;
}

static int print_json(const struct conversion *c)
{
    return cli_print_json(json_pack("{s:s, s:o, s:o, s:s, s:i, s:I, s:o, s:b, s:o}", "command", "convert", "from",
                                    cli_json_text(c->from), "to", cli_json_text(c->to), "format",
                                    fcnn_format_name(c->format), "layers", fcnn_model_layers(c->model), "parameters",
                                    (json_int_t)fcnn_model_parameters(c->model), "left_out",
                                    cli_model_left_out_json(lost(c)), "initial_weights", draws_weights(c), "remark",
                                    cli_json_text(c->found.remark)));
}

static int convert(struct conversion *c)
{
    int code = cli_model_open(&c->model, c->from, NULL, &c->found);
    if (code) return code;
    if (!cli_json) program_printable(c->found.remark);
    if (c->weights) code = cli_model_load_weights(c->model, c->weights);
    if (code) return code;
    fcnn_save_options options = {.format = c->format, .without_state = c->no_state};
    if (c->found.has_scale) {
        options.input_scale = c->found.input_scale;
        options.input_offset = c->found.input_offset;
    }
    code = cli_model_save(c->model, c->to, &options);
    return code ? code : cli_json ? print_json(c) : print_text(c);
}

static int run(int argc, char **argv)
{
    struct conversion c = {0};
    const int first = cli_parse(&cli_convert, argc, argv, &c);
    if (argc - first != 2) cli_usage(&cli_convert, "expected two arguments, IN and OUT, found %d", argc - first);
    c.from = argv[first];
    c.to = argv[first + 1];
    c.format = io_format_of_name(c.to);
    if (c.format == FCNN_FORMAT_TEXT && cli_are_one_file(c.from, c.to))
        cli_usage(&cli_convert, "%s would be written over without its comments; name another file", c.to);
    const int code = convert(&c);
    fcnn_model_destroy(c.model);
    return code;
}

static const struct cli_option options[] = {
    {"weights", "FILE", "Take the weights from FILE: a model of the same layers, a .weights.h5 or .safetensors file",
     CLI_TEXT, .field = offsetof(struct conversion, weights)},
    {"no-state", NULL, "Leave out the optimizer's state, which training on needs", CLI_SET,
     .field = offsetof(struct conversion, no_state), .low = 1},
    {0}};

const struct cli_command cli_convert = {
    .name = "convert",
    .summary = "write a model in another file format",
    .arguments = "IN OUT",
    .doc = "Reads the model IN and writes it as OUT, whose format is that of its name's end: .h5, .keras, .weights.h5, "
           ".safetensors, .onnx, or .txt for the layers alone. Says what OUT cannot hold.",
    .more = "IN is mnist-cnn, a saved model or a text file of layers (docs/models.md).",
    .options = options,
    .run = run,
};
