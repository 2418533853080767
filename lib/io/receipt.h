/* SPDX-License-Identifier: BSD-2-Clause
 * The receipt of a training run as JSON, with SHA-256 hashes over weights and data: what a stranger can check. Written
 * (receipt.c, receipt_run.c, receipt_text.c), read again (receipt_read.c) and compared (receipt_compare.c). */
#ifndef FCNN_IO_RECEIPT_H
#define FCNN_IO_RECEIPT_H

#include <jansson.h>

#include "lib/io/fastcnn_io.h"

#define FCNN_RECEIPT_FORMAT 2
/* Each takes at most 320 bytes of the 4 MiB that are read; the rest is left to the model. */
#define FCNN_RECEIPT_MOST_EPOCHS 10000

/* 64 hexadecimal digits of the SHA-256 of `count` little-endian floats, -0 as +0, and of `labels` little-endian int32
 * after them. */
void fcnn_sha256(char text[65], const float *x, int64_t count, const int32_t *y, int64_t labels);
void fcnn_sha256_text(char text[65], const char *bytes, size_t count); /* of bytes as they are */
/* Of an array of a model; `values` has room for fcnn_model_parameters() floats. Fails as fcnn_model_get_array(). */
fcnn_status fcnn_sha256_array(char text[65], const fcnn_model *model, fcnn_array array, float *values);
struct sha256_ctx; /* nettle's */
void fcnn_sha256_spell(char text[65], struct sha256_ctx *hash); /* of what it was given; then it begins anew */

/* What an epoch left. */
struct fcnn_receipt_epoch {
    int64_t steps;    /* of the optimizer, all so far */
    char weights[65]; /* SHA-256 of all parameters */
    double loss, accuracy, val_loss, val_accuracy;
    int validated;
};

/* What the model does not know of its run. */
struct fcnn_receipt_run {
    const char *kind;     /* of the data: "synthetic digits", fcnn_data_kind_name() */
    int synthetic;        /* then from this seed */
    uint64_t seed;
    int64_t images;       /* loaded: those that trained and those that validated */
    int scaled;           /* pixels of 0 to 1 became float(x * 255 * scale + offset) */
    double scale, offset;
    const char *math;     /* classes that were allowed: "exact,winograd_f2" */
    const char *kernel;   /* kernels that were asked for, where that decides about the class; else "" */
    const struct fcnn_receipt_epoch *epochs; /* of the run: as many as fcnn_receipt.epochs */
    const char *trail;    /* SHA-256 of the trail, NULL: there is none */
};

/* Everything that the model's run depended on and produced (docs/numerics.md has the members); *receipt is the
 * caller's to json_decref(). x (images, h, w, c), y: what the last fcnn_fit() was given, at least its training
 * images; both NULL before the first one.
 * FCNN_BAD_DATA: these are not the data that the model trained on; FCNN_BAD_ARGUMENT: NULL or not compiled;
 * FCNN_OUT_OF_MEMORY. *receipt is NULL then, and the sentence is in `message`. */
fcnn_status fcnn_receipt_json(json_t **receipt, const fcnn_model *model, const float *x, const int32_t *y,
                              char *message, size_t size);
/* With what only the run's own program knows, which is null otherwise; x and y are of all images, those that validated
 * too. */
fcnn_status fcnn_receipt_json_run(json_t **receipt, const fcnn_model *model, const float *x, const int32_t *y,
                                  const struct fcnn_receipt_run *run, char *message, size_t size);
/* The same of a run on targets (images, classes), as in fcnn_fit_options. */
fcnn_status fcnn_receipt_json_targets(json_t **receipt, const fcnn_model *model, const float *x, const float *targets,
                                      char *message, size_t size);

/* The one spelling of JSON: sorted keys, one member a line, numbers as short as they read back, a newline at the end. A
 * receipt also gets its "receipt_sha256": of the text with nothing between that member's quotes. free() it; NULL: no
 * memory. */
char *fcnn_receipt_text(const json_t *receipt);
/* The same for a file, `where`. FCNN_BAD_ARGUMENT: it would have more bytes than fcnn_receipt_read() reads;
 * FCNN_OUT_OF_MEMORY: *text is NULL, and fcnn_io_last_error() has a sentence. */
fcnn_status fcnn_receipt_file_text(char **text, const json_t *receipt, const char *where);

/* ---- reading ---- */

/* A receipt as its file has it, each member that a run is repeated from checked. Texts are the JSON's. */
struct fcnn_receipt_file {
    json_t *json;
    int numerics;
    char *model;             /* its text (lib/io/text.h), with compile line */
    char *math;              /* "exact,winograd_f2" */
    const char *kernel, *kind;
    int synthetic, scaled;
    uint64_t seed;           /* of synthetic digits */
    int64_t images;          /* training and validation */
    double scale, offset;
    const char *data, *validation; /* SHA-256; validation NULL: none */
    const char *initial[3];  /* SHA-256 of weights and moments */
    int given;
    fcnn_state first;
    fcnn_fit_options fit;    /* epochs: finished ones */
    int altered, stopped;
    int64_t steps;
    const char *weights;     /* SHA-256 of those that it ended with */
    const char *trail;       /* SHA-256, or NULL */
};

/* Reads a file of at most 4 MiB. FCNN_NO_FILE; FCNN_BAD_DATA: no receipt of this format, not as it was written
 * (receipt_sha256, spelling), or a member that is none: the sentence names it; FCNN_OUT_OF_MEMORY.
 * fcnn_receipt_close() in any case. */
fcnn_status fcnn_receipt_read(struct fcnn_receipt_file *file, const char *path);
/* The same of a text; `where` is for sentences. */
fcnn_status fcnn_receipt_parse(struct fcnn_receipt_file *file, const char *text, size_t count, const char *where);
void fcnn_receipt_close(struct fcnn_receipt_file *file);

/* The n-th epoch, from 0, as its receipt has it. */
json_t *fcnn_receipt_epoch_json(int64_t number, const struct fcnn_receipt_epoch *epoch);

/* ---- comparing ---- */

struct fcnn_receipt_difference {
    char member[160];          /* "optimizer.beta_1", "epochs[2].weights_sha256" */
    char expected[160], found[160]; /* as JSON; "nothing" where it is absent */
};

/* The first member of `found` that is another one in `expected`, or in one of them alone; 0: none. Who made the receipt
 * ("versions", "receipt_sha256") and in what files the data were ("source.kind") is not looked at. until_epoch: only of
 * what a prefix of so many epochs determines; 0: all. */
int fcnn_receipt_differs(const json_t *expected, const json_t *found, int64_t until_epoch,
                         struct fcnn_receipt_difference *difference);

#endif
