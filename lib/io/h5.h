/* SPDX-License-Identifier: BSD-2-Clause
 * HDF5 files in memory, read with bounds and written.
 *
 * HDF5 is not built thread-safe by Debian and keeps its errors for the whole process: one file is open at a time in
 * this library, from io_h5_open() or io_h5_create() to io_h5_close(). A program that calls HDF5 itself must not do so
 * from other threads meanwhile.
 *
 * What a stranger's file makes HDF5 do is bounded by checks of its own parts before HDF5 sees them, and of every object
 * before it is read: the file's head, hard links alone, plain data sets that are stored whole, sizes that are expected.
 * HDF5's own parsing of object headers and heaps is as good as the libhdf5 that is installed. */
#ifndef FCNN_IO_H5_H
#define FCNN_IO_H5_H

#include <hdf5.h>

#include "lib/io/fastcnn_io.h"

struct io_h5 {
    const char *path; /* begins the sentences */
    hid_t file;
    size_t count;     /* bytes of the file */
    size_t heap;      /* the largest global heap in it: no text is longer */
    H5E_auto2_t print;
    void *context;
};

/* `bytes` are the file; not needed any more then. FCNN_BAD_DATA, FCNN_OUT_OF_MEMORY: nothing is to be closed. */
fcnn_status io_h5_open(struct io_h5 *h5, const unsigned char *bytes, size_t count, const char *path);
fcnn_status io_h5_create(struct io_h5 *h5, const char *path);
/* What was written, as the bytes of a file: free(*bytes). */
fcnn_status io_h5_image(struct io_h5 *h5, unsigned char **bytes, size_t *count);
void io_h5_close(struct io_h5 *h5);

/* ---- reading ---- */

/* Whether `group` has a member (one component), or an object an attribute, of that name. */
int io_h5_has(hid_t group, const char *name);
int io_h5_has_attribute(hid_t object, const char *name);

/* A group that only hard links lead to; H5Gclose(*found). */
fcnn_status io_h5_group(struct io_h5 *h5, hid_t group, const char *path, hid_t *found);

/* A text; free(*text). NULL where there is no such attribute. */
fcnn_status io_h5_text(struct io_h5 *h5, hid_t object, const char *name, char **text);

#define IO_H5_TEXTS 65536 /* in one list */
struct io_texts {
    int count;
    char **at;
};
/* A list of texts, of fixed or variable length, in one attribute or split over NAME0, NAME1 ...; what is empty, of
 * whatever type, and what is absent is an empty list. io_texts_free(). */
fcnn_status io_h5_texts(struct io_h5 *h5, hid_t object, const char *name, struct io_texts *texts);
void io_texts_free(struct io_texts *texts);

/* *value stays where there is no such attribute; *found tells. */
fcnn_status io_h5_number(struct io_h5 *h5, hid_t object, const char *name, double *value, int *found);

#define IO_H5_RANKS 8
struct io_array {
    hid_t data;
    int rank;
    int64_t dims[IO_H5_RANKS], count;
    const char *path; /* as it was asked for */
};
/* A data set of numbers that lies in the file whole, uncompressed; at most IO_H5_RANKS dimensions. io_array_close(). */
fcnn_status io_h5_array(struct io_h5 *h5, hid_t group, const char *path, struct io_array *array);
fcnn_status io_h5_floats(struct io_h5 *h5, const struct io_array *array, float *values); /* array->count of them */
fcnn_status io_h5_integer(struct io_h5 *h5, const struct io_array *array, int64_t *value); /* its only number */
void io_array_close(struct io_array *array);

/* ---- writing; FCNN_OUT_OF_MEMORY, as nothing else can fail in memory ---- */

fcnn_status io_h5_make_group(struct io_h5 *h5, hid_t group, const char *path, hid_t *made); /* groups on the way too */
fcnn_status io_h5_put_text(struct io_h5 *h5, hid_t object, const char *name, const char *text);
/* None: an empty list of doubles, as Keras writes it. */
fcnn_status io_h5_put_texts(struct io_h5 *h5, hid_t object, const char *name, const char *const *texts, int count);
fcnn_status io_h5_put_number(struct io_h5 *h5, hid_t object, const char *name, double value);
fcnn_status io_h5_put_floats(struct io_h5 *h5, hid_t group, const char *path, int rank, const int64_t *dims,
                             const float *values);
fcnn_status io_h5_put_integer(struct io_h5 *h5, hid_t group, const char *path, int64_t value);

#endif
