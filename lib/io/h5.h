/* SPDX-License-Identifier: BSD-2-Clause
 * HDF5 files in memory, read: as much of the format as Keras' files use. libhdf5 1.10.8 writes outside of its memory on
 * some damaged files, and model files come from strangers; so this reads them, with every address and size
 * held against the file, and libhdf5 writes them (h5_make.h).
 *
 * "HDF5 File Format Specification", version 3: superblocks 0 and 1 (III.A), object headers 1 (IV.A.1), groups as symbol
 * tables (III.B, III.C) or as links in their header (IV.A.2.g), global heaps (III.E). What later versions of HDF5 write
 * only when told to is refused. */
#ifndef FCNN_IO_H5_H
#define FCNN_IO_H5_H

#include "lib/io/fastcnn_io.h"

struct io_h5 {
    const char *path; /* begins the sentences */
    const unsigned char *bytes;
    uint64_t count;
    uint64_t root;    /* the group that a file is */
    uint64_t work;    /* steps that are left: a damaged file may send us round in circles */
};

/* `bytes` are the file, and stay the caller's; there is nothing to close. FCNN_BAD_DATA. */
fcnn_status io_h5_open(struct io_h5 *h5, const unsigned char *bytes, size_t count, const char *path);

/* Objects, which are groups or data sets, by the address of their header. */

/* Whether a group has a member, an object an attribute of this name. 0 too where it is damaged. */
int io_h5_has(struct io_h5 *h5, uint64_t group, const char *name);
int io_h5_has_attribute(struct io_h5 *h5, uint64_t object, const char *name);

/* The object that hard links lead to, through groups; FCNN_BAD_DATA: none, or soft and external links on the way. */
fcnn_status io_h5_find(struct io_h5 *h5, uint64_t group, const char *path, uint64_t *found);

/* A text; free(*text). NULL where there is no such attribute. */
fcnn_status io_h5_text(struct io_h5 *h5, uint64_t object, const char *name, char **text);

#define IO_H5_TEXTS 65536 /* in one list */
struct io_texts {
    int count;
    char **at;
};
/* A list of texts, of fixed or variable length, in one attribute or split over NAME0, NAME1 ...; what is empty, of
 * whatever type, and what is absent is an empty list. io_texts_free(). */
fcnn_status io_h5_texts(struct io_h5 *h5, uint64_t object, const char *name, struct io_texts *texts);
void io_texts_free(struct io_texts *texts);

/* *value stays where there is no such attribute; *found tells. */
fcnn_status io_h5_number(struct io_h5 *h5, uint64_t object, const char *name, double *value, int *found);

#define IO_H5_RANKS 8
struct io_array {
    int rank;
    int64_t dims[IO_H5_RANKS], count;
    /* private */
    int real, is_signed, big_endian, size; /* one number */
    const unsigned char *data;
    const char *path; /* as it was asked for */
};
/* A data set of numbers that lies in the file whole, uncompressed; at most IO_H5_RANKS dimensions. */
fcnn_status io_h5_array(struct io_h5 *h5, uint64_t group, const char *path, struct io_array *array);
void io_h5_floats(const struct io_array *array, float *values); /* array->count of them */
/* Its only number. FCNN_BAD_DATA: it has more, or it is no count. */
fcnn_status io_h5_integer(struct io_h5 *h5, const struct io_array *array, int64_t *value);

#endif
