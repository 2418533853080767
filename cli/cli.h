/* SPDX-License-Identifier: BSD-2-Clause
 * What the files of the program share. Each subcommand is one file with one struct cli_command (arguments.h), whose
 * function returns an exit code (program.h). */
#ifndef FASTCNN_CLI_H
#define FASTCNN_CLI_H

#include <stdio.h>

#include <jansson.h>

#include "cli/program.h"
#include "lib/fastcnn.h"
#include "lib/io/dataset.h"

#define FCNN_ISAS (FCNN_NEON + 1) /* those that this program knows */

struct cli_command;
extern const struct cli_command cli_evaluate, cli_predict, cli_filter; /* trained models, pictures */
extern const struct cli_command cli_train, cli_verify, cli_trail, cli_prove, cli_list, cli_info, cli_explain, cli_tune;
extern const struct cli_command cli_summary, cli_convert, cli_plot;
void cli_print_version(void);

/* --json was given; set by cli_parse(). */
extern int cli_json;

/* ---- ui.c ---- */

enum cli_color { CLI_PLAIN, CLI_BOLD, CLI_GREEN, CLI_RED, CLI_DIM, CLI_WHITE };
enum cli_color_mode { CLI_AUTO, CLI_ALWAYS, CLI_NEVER };
void cli_set_color(enum cli_color_mode mode);
/* The escape sequence for `stream`, "" where colour is not wanted; CLI_PLAIN ends any other. */
const char *cli_color(FILE *stream, enum cli_color color);
int cli_is_terminal(FILE *stream); /* one that understands \r and escape sequences */
int cli_columns(FILE *stream);
int cli_is_utf8(void);

const char *cli_count(int64_t number, char text[32]); /* "12,000" */
const char *cli_count_of(int64_t number, const char *one, char text[48]); /* "1 step", "12,000 steps" */
double cli_now(void);                /* seconds, monotonic */
double cli_cpu(void);                /* seconds that the calling thread has run */
void cli_catch_interrupt(void);      /* from here on the first Ctrl-C, SIGTERM, SIGHUP sets a flag; the second kills */
int cli_interrupted(void);

/* ---- json.c ---- */

/* From here on jansson never returns NULL for lack of memory: the program ends with a sentence instead. */
void cli_start_json(void);
int cli_print_json(json_t *document); /* prints and frees; returns an exit code */
json_t *cli_json_text(const char *text); /* bytes that are not UTF-8 become '?' */
json_t *cli_json_real(double number);    /* null where it is not finite: JSON has no word for that */

/* ---- progress.c: Keras' progress bar on stderr ---- */

struct cli_progress {
    int verbose; /* 0 nothing, 1 a bar, 2 one line per epoch */
    int utf8, columns;
    double drawn; /* when the bar was drawn last */
    fcnn_progress last;
};
void cli_progress_begin(struct cli_progress *progress, int verbose);
int cli_progress_step(void *progress, const fcnn_progress *state); /* the callback of fcnn_fit(); stops after Ctrl-C */

/* A bar for other things than epochs: only on a terminal (verbose 1), redrawn now and then. */
void cli_progress_show(struct cli_progress *progress, int64_t step, int64_t steps, const char *text);
void cli_progress_clear(struct cli_progress *progress); /* before other lines */

/* ---- data.c: where images come from ---- */

struct cli_data {
    const char *directory; /* or file: --data; NULL: synthetic digits */
    uint64_t seed;
    int any_shape;         /* else cli_data_load() refuses what the MNIST network does not take */
    struct fcnn_dataset train, test;
    enum fcnn_data_kind kind; /* of the directory; set by loading */
    int classes;           /* of both parts; set by loading */
};
#define CLI_CLASSES 10
/* directory and seed are set. At most `images` training images from files, that many synthetic ones (0: all, 12,000);
 * test images too if wanted. Complains and returns an exit code. */
int cli_data_load(struct cli_data *data, int64_t images, int with_test);
/* One part, into data->test; of any shape. */
int cli_data_load_part(struct cli_data *data, enum fcnn_data_part part);
/* Holds shape and labels of both parts against a model; one that takes a vector, 1 x 1 x c, takes any images of as many
 * numbers. Complains and returns an exit code. */
int cli_data_fits(const struct cli_data *data, int64_t h, int64_t w, int64_t c, int classes);
void cli_data_free(struct cli_data *data);
const char *cli_data_describe(const struct cli_data *data, char *text, size_t size);
json_t *cli_data_json(const struct cli_data *data);

/* ---- file.c ---- */

/* Writes a whole file or leaves the one that is there. text NULL: only tries whether that is possible. Complains and
 * returns an exit code. */
int cli_write_file(const char *path, const char *text);
/* Two names of one regular file, which need not be there yet. */
int cli_are_one_file(const char *a, const char *b);

/* ---- tune_file.c ---- */

const char *cli_tuning_path(void); /* where measured choices are kept; NULL: there is no place */

/* ---- measure.c ---- */

/* The instruction set that the options lead to for the model's convolutions. */
fcnn_status cli_isa_in_use(const fcnn_options *options, fcnn_isa *isa);
double cli_measure_peak(fcnn_isa isa, int threads); /* GFLOP/s of all threads at once */
/* Seconds in which all threads at once read each input and write each output of a problem; NAN: see
 * fcnn_measure_traffic(). */
double cli_measure_traffic(fcnn_isa isa, const fcnn_problem *problem, int threads);

#endif
