/* SPDX-License-Identifier: BSD-2-Clause
 * Checkpoints: safetensors files of a model (safetensors.h) that begin with
 *     {"__metadata__":{"xxh3":"32 digits",
 * the XXH3-128 of the whole file with zeros in place of these digits. In the metadata there are beside a model's
 *     checkpoint   JSON: format (1), fcnn_state, the run as its receipt has it; both for the best epoch, too. Numbers
 *                  that are no whole ones are their double's bits, 16 hexadecimal digits
 *     program      the text of who wrote it
 * and tensors optimizer.initial.weights.LAYER.kernel and so on, where the run began with weights that it was given;
 * optimizer.best.weights. and so on, where there is a best epoch. */
#ifndef FCNN_IO_CHECKPOINT_H
#define FCNN_IO_CHECKPOINT_H

#include <jansson.h>

#include "lib/io/fastcnn_io.h"

/* checkpoint_run.c: what the metadata say. NULL: no memory. */
json_t *io_checkpoint_run(const fcnn_receipt *run);
json_t *io_checkpoint_state(const fcnn_state *state);

/* All of *state; of *run what a model cannot know of itself. FCNN_BAD_DATA names the member that is missing or is not
 * what it must be. */
fcnn_status io_checkpoint_read_run(const json_t *json, const char *where, fcnn_receipt *run);
fcnn_status io_checkpoint_read_state(const json_t *json, const char *where, fcnn_state *state);

/* What fcnn_checkpoint_load() does with the bytes of a file. */
fcnn_status io_checkpoint_read(fcnn_model **model, const unsigned char *bytes, size_t count, const char *path,
                               const fcnn_options *kernels, fcnn_checkpoint *checkpoint, fcnn_file_info *info);

/* Makes the checksum of a file's bytes right, if they begin like a checkpoint: for who tests what is behind it. */
void io_checkpoint_seal(unsigned char *bytes, size_t count);

#endif
