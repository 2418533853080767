/* SPDX-License-Identifier: BSD-2-Clause
 * Reading a data file from its beginning to its end, plain or gzip: found out by the first bytes, not by the name. */
#ifndef FCNN_INPUT_H
#define FCNN_INPUT_H

#include <zlib.h>

#include "lib/fastcnn.h"

struct fcnn_input {
    int fd;
    int64_t size;      /* of the file as it lies on the disk */
    int gzip;          /* of two or more gzip streams in a row the contents follow each other, as gunzip has it */
    int error;         /* errno of a failed system call, else 0 */
    char problem[256]; /* after a failure: what is wrong, without the file's name */
    /* private */
    int at_end, finished;        /* no more bytes in the file; the gzip stream is over */
    z_stream raw;                /* its input is what was read and not used yet, also of plain files */
    unsigned char buffer[65536]; /* where that lies */
};

/* Opens a regular file; anything else (a FIFO, a device, a folder) is refused without waiting for it. FCNN_NO_FILE,
 * FCNN_OUT_OF_MEMORY: nothing to close. */
fcnn_status fcnn_input_open(struct fcnn_input *input, const char *path);

/* Reads `count` bytes; *got is smaller only at the end. FCNN_BAD_DATA: gzip data that are corrupt or truncated or that
 * other bytes follow; FCNN_NO_FILE: the system cannot read; FCNN_OUT_OF_MEMORY. */
fcnn_status fcnn_input_read(struct fcnn_input *input, void *bytes, int64_t count, int64_t *got);

void fcnn_input_close(struct fcnn_input *input);

#endif
