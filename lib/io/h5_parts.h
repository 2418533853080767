/* SPDX-License-Identifier: BSD-2-Clause
 * Within the reader of HDF5: bytes and messages of object headers. */
#ifndef FCNN_IO_H5_PARTS_H
#define FCNN_IO_H5_PARTS_H

#include "lib/io/h5.h"

#define IO_H5_NOWHERE UINT64_MAX

static inline uint64_t io_little(const unsigned char *bytes, int size)
{
    uint64_t value = 0;
    for (int i = size - 1; i >= 0; i--) value = value << 8 | bytes[i];
    return value;
}

/* `size` bytes at an address; NULL: not all of them in the file. */
static inline const unsigned char *io_at(const struct io_h5 *h5, uint64_t address, uint64_t size)
{
    return address <= h5->count && size <= h5->count - address ? h5->bytes + address : NULL;
}

enum io_message {
    IO_SPACE = 1, IO_LINK_INFO = 2, IO_TYPE = 3, IO_LINK = 6, IO_EXTERNAL = 7, IO_LAYOUT = 8, IO_FILTERS = 11,
    IO_ATTRIBUTE = 12, IO_CONTINUATION = 16, IO_TABLE = 17
};

/* A message as it is found; shared ones lie elsewhere and have no data here. */
struct io_found {
    const unsigned char *data;
    uint64_t size;
    int shared;
};

/* Calls see() for each message of an object until it returns nonzero, which is returned then; 0: at the end; -1: the
 * header is damaged or of a later version. */
typedef int io_see_fn(void *context, enum io_message type, const struct io_found *message);
int io_h5_messages(struct io_h5 *h5, uint64_t object, io_see_fn *see, void *context);

#endif
