/* SPDX-License-Identifier: BSD-2-Clause
 * Zip archives in memory, as much as .keras files need. */
#ifndef FCNN_IO_ZIP_H
#define FCNN_IO_ZIP_H

#include "lib/io/fastcnn_io.h"

/* The member `name` of an archive, stored or deflated, unpacked; free(*content), which ends with a 0 byte that does not
 * count. At most `most` bytes, and no more than deflate could make of what is there: that much is asked for only then.
 * FCNN_BAD_DATA: no such member, encrypted, a zip64 archive, damaged; FCNN_OUT_OF_MEMORY. */
fcnn_status io_zip_read(unsigned char **content, size_t *count, const unsigned char *bytes, size_t size,
                        const char *name, size_t most, const char *where);

struct io_zip_member {
    const char *name;
    const void *bytes;
    size_t count; /* below 2^32 */
};

/* An archive of stored members, without times; free(*bytes). FCNN_BAD_ARGUMENT: too large; FCNN_OUT_OF_MEMORY. */
fcnn_status io_zip_write(unsigned char **bytes, size_t *size, const struct io_zip_member *members, int count,
                         const char *where);

#endif
