/* SPDX-License-Identifier: BSD-2-Clause
 * Writing a file so that there is the old one or the whole new one under its name at any time. */
#ifndef FCNN_IO_REPLACE_H
#define FCNN_IO_REPLACE_H

#include "lib/io/fastcnn_io.h"

/* A piece of a file's content. */
struct io_piece {
    const void *bytes;
    size_t count;
};

/* Writes the pieces one behind the other into a new file in the same folder, waits until it is on the disk, and renames
 * it. A file that was there keeps its mode, and a symbolic link goes on pointing to what is replaced, or made where it
 * points to nothing; a device is written to, and a FIFO that somebody reads. The new file is .NAME.fastcnn-N.tmp until
 * then; those that killed processes left are removed by the next writer of that name. FCNN_NO_FILE with the system's
 * words: what was there is as it was. FCNN_OUT_OF_MEMORY. */
fcnn_status io_replace(const char *path, const struct io_piece *pieces, int count);

/* Whether that could begin: it fails alike, and leaves all as it is. */
fcnn_status io_replace_check(const char *path);

#endif
