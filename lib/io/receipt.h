/* SPDX-License-Identifier: BSD-2-Clause
 * The receipt of a training run as JSON, with SHA-256 hashes over weights and data: what a stranger can check. */
#ifndef FCNN_IO_RECEIPT_H
#define FCNN_IO_RECEIPT_H

#include <jansson.h>

#include "lib/fastcnn.h"

/* 64 hexadecimal digits of the SHA-256 of `count` little-endian floats, -0 as +0, and of `labels` little-endian int32
 * after them. */
void fcnn_sha256(char text[65], const float *x, int64_t count, const int32_t *y, int64_t labels);

/* Everything that the model's run depended on and produced (docs/numerics.md has the members); *receipt is the caller's
 * to json_decref(). x (images, h, w, c), y: what the last fcnn_fit() was given, at least its training images; both NULL
 * before the first one.
 * FCNN_BAD_DATA: these are not the data that the model trained on; FCNN_BAD_ARGUMENT: NULL or not compiled;
 * FCNN_OUT_OF_MEMORY. *receipt is NULL then, and the sentence is in `message`. */
fcnn_status fcnn_receipt_json(json_t **receipt, const fcnn_model *model, const float *x, const int32_t *y,
                              char *message, size_t size);
/* The same of a run on targets (images, classes), as in fcnn_fit_options. */
fcnn_status fcnn_receipt_json_targets(json_t **receipt, const fcnn_model *model, const float *x, const float *targets,
                                      char *message, size_t size);

/* The one spelling of a receipt: sorted keys, one member a line, a newline at the end. free() it; NULL: no memory. */
char *fcnn_receipt_text(const json_t *receipt);

#endif
