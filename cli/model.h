/* SPDX-License-Identifier: BSD-2-Clause
 * Models on command lines: by name, in a file of any format, as text. Each function complains and returns an exit
 * code (program.h). */
#ifndef FASTCNN_CLI_MODEL_H
#define FASTCNN_CLI_MODEL_H

#include "lib/fastcnn.h"
#include "lib/io/fastcnn_io.h"

/* What MODEL means, for --help. */
#define CLI_MODEL_HELP                                                                                                 \
    "MODEL is mnist-cnn (the Keras tutorial network), a saved model (.h5, .keras, .safetensors) or a text file of "   \
    "layers (docs/models.md)."

const char *cli_model_file(const char *what); /* NULL for a name, and for NULL */

/* Opens a model, compiled unless options->not_compiled. `what`: a name, else a file.
 * options and info may be NULL. *model is the caller's to destroy, NULL unless the code is 0. 66: no such file or name,
 * 65: the file is damaged or has what this library does not, 71: no memory. */
int cli_model_open(fcnn_model **model, const char *what, const fcnn_load_options *options, fcnn_file_info *info);

/* Weights alone, of any format, into a compiled model. */
int cli_model_load_weights(fcnn_model *model, const char *path);

/* Writes a model; the format follows from the name's end unless options has one; options may be NULL. 64: no format has
 * that end, or it cannot hold this model; 74: the file cannot be written. */
int cli_model_save(const fcnn_model *model, const char *path, const fcnn_save_options *options);

/* What a model file may hold, and what each format does: a sum of these. */
enum { CLI_LAYERS = 1, CLI_TRAINING = 2, CLI_WEIGHTS = 4, CLI_STATE = 8, CLI_SCALE = 16 };
int cli_model_holds(fcnn_format format);

/* What is lost, in words: a line each with `before` in front of it; a list. */
void cli_model_print_left_out(const char *before, int lost);
struct json_t;
struct json_t *cli_model_left_out_json(int lost);

#endif
