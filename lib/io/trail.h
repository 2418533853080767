/* SPDX-License-Identifier: BSD-2-Clause
 * The trail of a training run: a text with a hash of every tensor after every step, so that two runs can be compared
 * without their weights. The same run writes the same bytes on every machine.
 *
 *     fastcnn-trail 1
 *     numerics 1
 *     math exact
 *     tensor conv2d/weights 288
 *     tensor conv2d/bias 32
 *     ...
 *     tensor conv2d/weights:moment_1 288
 *     ...
 *     epoch step loss hashes
 *     0 0 - 73a1e0c5d2b94f68 ...
 *     1 1 2.3046274185180664 0d54c2b49be29af1 ...
 *
 * A tensor is LAYER/PART of the weights, then of the optimizer's moments; blanks, '%', ':' and control characters of a
 * name are %XX. A step's line has the number of its epoch and of the steps so far, over all runs; the loss of the
 * epoch so far as the shortest decimal that reads back; and for each tensor the 64-bit XXH3 of its little-endian
 * floats, -0 as +0 and every NaN as one, in 16 hexadecimal digits. The first line is what the run began with. A last
 * line without its newline is one that a program was writing when it was killed: it does not count. */
#ifndef FCNN_IO_TRAIL_H
#define FCNN_IO_TRAIL_H

#include <stdio.h>

#include "lib/io/fastcnn_io.h"

#define IO_TRAIL_MOST_TENSORS 65536
#define IO_TRAIL_NAME         512 /* bytes, with its NUL */

/* A line. */
struct io_trail_step {
    int64_t epoch, step;
    char loss[32];
    uint64_t *hashes; /* one per tensor */
};

/* The first of what is compared that differs, in this order. */
enum io_trail_part { IO_TRAIL_SAME, IO_TRAIL_PLACE, IO_TRAIL_TENSOR, IO_TRAIL_LOSS };
/* *tensor: the first one whose hash differs, and *tensors how many do. */
enum io_trail_part io_trail_compare(const struct io_trail_step *a, const struct io_trail_step *b, int count,
                                    int *tensor, int *tensors);

/* ---- writing: trail.c ---- */

struct io_trail;

/* math: the classes that are allowed. The model must outlive it. FCNN_OUT_OF_MEMORY, FCNN_BAD_ARGUMENT: not compiled,
 * or too many tensors. */
fcnn_status io_trail_create(struct io_trail **trail, const fcnn_model *model, const char *math);
void io_trail_destroy(struct io_trail *trail);
int io_trail_tensors(const struct io_trail *trail);
const char *io_trail_tensor(const struct io_trail *trail, int tensor);

/* All lines before the first step. The text is the trail's. */
const char *io_trail_head(struct io_trail *trail, size_t *length);
/* The model as it is now, within fcnn_fit() or before; loss NULL: no step yet. *step is the trail's, until the next
 * call. */
fcnn_status io_trail_look(struct io_trail *trail, const double *loss, const struct io_trail_step **step);
/* The line of what was looked at last. */
const char *io_trail_line(struct io_trail *trail, size_t *length);

/* ---- reading: trail_read.c ---- */

struct io_trail_reader;

/* FCNN_NO_FILE; FCNN_BAD_DATA "FILE:LINE: ...": not such a text; FCNN_OUT_OF_MEMORY: *reader is NULL. A line has at
 * most as many bytes as its tensors need, which are bounded. */
fcnn_status io_trail_open(struct io_trail_reader **reader, const char *path);
void io_trail_close(struct io_trail_reader *reader);
int io_trail_reader_tensors(const struct io_trail_reader *reader);
const char *io_trail_reader_tensor(const struct io_trail_reader *reader, int tensor);
int io_trail_reader_numerics(const struct io_trail_reader *reader);
const char *io_trail_reader_math(const struct io_trail_reader *reader);
/* Whether both are trails of the same tensors. */
int io_trail_reader_fits(const struct io_trail_reader *reader, struct io_trail *trail);

/* The SHA-256 of a whole file. */
fcnn_status io_trail_hash(char sha256[65], const char *path);

/* The next line, the reader's until the next call; *step NULL: there is none. FCNN_BAD_DATA as above: no such line, or
 * steps that do not count up by one. */
fcnn_status io_trail_next(struct io_trail_reader *reader, const struct io_trail_step **step);
int64_t io_trail_reader_offset(const struct io_trail_reader *reader); /* of the byte behind the line read last */
int io_trail_reader_torn(const struct io_trail_reader *reader); /* at its end: the last line has no newline */

#endif
