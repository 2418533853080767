/* SPDX-License-Identifier: BSD-2-Clause
 * What the files of the program share. Each subcommand is one file with one function, and returns an exit code
 * (sysexits.h: EX_USAGE 64, EX_DATAERR 65, EX_NOINPUT 66, EX_SOFTWARE 70, EX_IOERR 74; and those below). */
#ifndef FASTCNN_CLI_H
#define FASTCNN_CLI_H

#include <argp.h>
#include <stdio.h>
#include <sysexits.h>

#include <jansson.h>

#include "lib/fastcnn.h"
#include "lib/io/io.h"

#define FCNN_ISAS (FCNN_NEON + 1) /* those that this program knows */

#define EXIT_CHECK_FAILED 1 /* the program ran, but what it checked does not hold */
#define EXIT_INTERRUPTED 130

int cli_train(int argc, char **argv);
int cli_prove(int argc, char **argv);
int cli_list(int argc, char **argv);
int cli_info(int argc, char **argv);
int cli_explain(int argc, char **argv);

/* ---- arguments.c ---- */

/* Options of every subcommand (--json, --color), set once by cli_parse(). */
extern int cli_json;
extern const struct argp cli_common_argp;
/* --isa, --kernel, --math, --threads; the input is a fcnn_options. */
extern const struct argp cli_kernels_argp;

/* Parses the arguments, then checks the environment, then `kernels` (may be NULL). Ends the program on any error. */
void cli_parse(const struct argp *argp, int argc, char **argv, void *input, const fcnn_options *kernels);

/* The value of an option within low .. high, else a usage error that says so. */
int64_t cli_integer(struct argp_state *state, const char *option, const char *text, int64_t low, int64_t high);
double cli_real(struct argp_state *state, const char *option, const char *text, double low, double high);

/* ---- ui.c ---- */

enum cli_color { CLI_PLAIN, CLI_BOLD, CLI_GREEN, CLI_RED, CLI_DIM };
int cli_set_color(const char *when); /* "auto" "always" "never"; 0: not one of these */
/* The escape sequence for `stream`, "" where colour is not wanted; CLI_PLAIN ends any other. */
const char *cli_color(FILE *stream, enum cli_color color);
int cli_is_terminal(FILE *stream); /* one that understands \r and escape sequences */
int cli_columns(FILE *stream);
int cli_is_utf8(void);

void cli_complain(const char *format, ...) __attribute__((format(printf, 1, 2))); /* "fastcnn: ..." on stderr */
int cli_failed(fcnn_status status);  /* complains with fcnn_last_error() and returns the exit code that goes with it */
int cli_exit_code(fcnn_status status);
int cli_print_json(json_t *document); /* prints and frees; returns an exit code */
const char *cli_count(int64_t number, char text[32]); /* "12,000" */
double cli_now(void);                /* seconds, monotonic */
void cli_catch_interrupt(void);      /* from here on the first Ctrl-C only sets a flag; the second one kills */
int cli_interrupted(void);

/* ---- progress.c: Keras' progress bar on stderr ---- */

struct cli_progress {
    int verbose; /* 0 nothing, 1 a bar, 2 one line per epoch */
    int utf8, columns;
    double drawn; /* when the bar was drawn last */
    fcnn_progress last;
};
void cli_progress_begin(struct cli_progress *progress, int verbose);
int cli_progress_step(void *progress, const fcnn_progress *state); /* the callback of fcnn_fit(); stops after Ctrl-C */

/* ---- data.c: where images come from ---- */

struct cli_data {
    const char *directory; /* NULL: synthetic digits */
    uint64_t seed;
    struct fcnn_dataset train, test;
};
#define CLI_CLASSES 10
/* directory and seed are set. At most `images` training images from files, that many synthetic ones (0: all, 12,000);
 * test images too if wanted. Complains and returns an exit code. */
int cli_data_load(struct cli_data *data, int64_t images, int with_test);
void cli_data_free(struct cli_data *data);
const char *cli_data_describe(const struct cli_data *data, char *text, size_t size);
json_t *cli_data_json(const struct cli_data *data);

/* ---- measure.c ---- */

/* The instruction set and the number of threads that the options lead to for the model's convolutions. */
fcnn_status cli_in_use(const fcnn_options *options, fcnn_isa *isa, int *threads);
double cli_measure_peak(fcnn_isa isa, int threads); /* GFLOP/s of all threads at once */

#endif
