/* SPDX-License-Identifier: BSD-2-Clause
 * A trained model as `evaluate` and `predict` use it, and images on the terminal. Complaints and exit codes as
 * everywhere (program.h). */
#ifndef FASTCNN_NETWORK_H
#define FASTCNN_NETWORK_H

#include <stdio.h>

#include "cli/cli.h"
#include "cli/model.h"

struct cli_network {
    const char *what; /* as on the command line */
    fcnn_model *model;
    fcnn_file_info info;
    int64_t h, w, c; /* of an image */
    int64_t see_h, see_w, see_c; /* of the picture that it sees: of a vector the square, grey or coloured; 0: none */
    int classes;     /* outputs, but two where is_binary */
    int is_binary;   /* one output, which is the probability of class 1: a sigmoid; 2: its logit, of Keras' file */
    int is_value;    /* outputs are values: of the mean squared error without softmax, or one output */
};

/* Opens a model that has weights; one without is refused, for what it says means nothing. `kernels` is read here. */
int cli_network_open(struct cli_network *network, const char *what, const fcnn_options *kernels);
void cli_network_close(struct cli_network *network);

/* Whether a model takes something else than pixels / 255. */
int cli_network_scales(const fcnn_file_info *info);
/* Values of 0 to 1 (pixels / 255) to the model's input, in place. */
void cli_network_scale(const struct cli_network *network, float *x, int64_t count);

/* "model.h5 (Keras 2.4.0), 93,322 parameters" */
const char *cli_network_describe(const struct cli_network *network, char *text, size_t size);

/* The outputs (n, classes) for n images: probabilities, or with is_value what the last layer gives. */
fcnn_status cli_network_predict(const struct cli_network *network, const float *x, int64_t n, float *outputs);

/* The number of the largest; the first of several; -1 if one is not finite, for then nothing can be said. */
int cli_largest(const float *values, int count);

/* Says for how many of n images that was; returns an exit code, that of success for none. */
int cli_network_not_finite(const struct cli_network *network, int64_t count, int64_t n);

/* --part: "test" and so on, for a table of options; and the part for its number. */
const char *cli_part_word(int number);
enum fcnn_data_part cli_part(int number);

/* shades.c: an h x w x c image of values 0 to 1 on stdout in a frame: half blocks in grey where colour is wanted, else
 * shades, or ASCII where the locale has no UTF-8. Larger ones are shown smaller. */
void cli_show_image(const float *x, int64_t h, int64_t w, int64_t c);
/* A bar of up to `cells` characters, padded with blanks. */
void cli_show_bar(double part, int cells);

#endif
