/* SPDX-License-Identifier: BSD-2-Clause
 * HDF5 files in memory, written by libhdf5 as Keras has it do: old groups, whole data sets, texts of variable length,
 * lists of texts of one length as far as there is room.
 * Nothing in them tells when they were written, so that the same model makes the same file.
 *
 * Debian does not build libhdf5 thread-safe, and it keeps its errors for the whole process: one file is open at a time
 * in this library, from io_h5_create() to io_h5_close(). A program that calls HDF5 itself must not do so from other
 * threads meanwhile. */
#ifndef FCNN_IO_H5_MAKE_H
#define FCNN_IO_H5_MAKE_H

#include <hdf5.h>

#include "lib/io/fastcnn_io.h"

struct io_h5_new {
    const char *path; /* begins the sentences */
    hid_t file;
    H5E_auto2_t print;
    void *context;
};

/* All: FCNN_OUT_OF_MEMORY, as nothing else can fail in memory. A failed io_h5_create() leaves nothing to be closed. */
fcnn_status io_h5_create(struct io_h5_new *h5, const char *path);
/* What was written, as the bytes of a file: free(*bytes). */
fcnn_status io_h5_image(struct io_h5_new *h5, unsigned char **bytes, size_t *count);
void io_h5_close(struct io_h5_new *h5);

/* Groups on the way are made too; H5Gclose(*made). */
fcnn_status io_h5_make_group(struct io_h5_new *h5, hid_t group, const char *path, hid_t *made);
fcnn_status io_h5_put_text(struct io_h5_new *h5, hid_t object, const char *name, const char *text);
/* None: an empty list of doubles, as Keras writes it. FCNN_BAD_ARGUMENT: more than an attribute has room for. */
fcnn_status io_h5_put_texts(struct io_h5_new *h5, hid_t object, const char *name, const char *const *texts, int count);
fcnn_status io_h5_put_number(struct io_h5_new *h5, hid_t object, const char *name, double value);
fcnn_status io_h5_put_floats(struct io_h5_new *h5, hid_t group, const char *path, int rank, const int64_t *dims,
                             const float *values);
fcnn_status io_h5_put_integer(struct io_h5_new *h5, hid_t group, const char *path, int64_t value);

#endif
