/* SPDX-License-Identifier: BSD-2-Clause
 * Whole files in memory. */
#ifndef FCNN_IO_WHOLE_H
#define FCNN_IO_WHOLE_H

#include "lib/io/fastcnn_io.h"

/* Reads a regular file of at most `most` bytes; anything else (a folder, a FIFO, a device) is refused without waiting
 * for it. free(*bytes), which ends with a 0 byte that does not count. FCNN_NO_FILE, FCNN_BAD_DATA: larger than that;
 * FCNN_OUT_OF_MEMORY: *bytes is NULL. */
fcnn_status io_whole_read(unsigned char **bytes, size_t *count, const char *path, int64_t most);

#endif
