/* SPDX-License-Identifier: BSD-2-Clause
 * NumPy's .npy header: "\x93NUMPY", version, length, a Python dict of type, order and shape. Strict: what NumPy itself
 * writes for plain arrays is understood, everything else is refused with what was found. */
#ifndef FCNN_NPY_H
#define FCNN_NPY_H

#include "lib/io/fastcnn_io.h"

#define FCNN_NPY_DIMENSIONS 4
#define FCNN_NPY_START 12         /* bytes that tell how long the header is */
#define FCNN_NPY_MOST_HEADER 4096 /* bytes; NumPy pads to a multiple of 64 and needs 128 for what is read here */

struct fcnn_npy {
    char kind;   /* 'u', 'i', 'f' or 'b' */
    int size;    /* bytes of an element: 1, 4 or 8 */
    int swapped; /* its bytes are in the other order than this machine's */
    int dimensions;
    int64_t shape[FCNN_NPY_DIMENSIONS]; /* C order; the first `dimensions` */
    int64_t elements, bytes; /* of all */
};

/* Length of the whole header from its first FCNN_NPY_START bytes (all a shorter file has: *length is 0 then, and the
 * status FCNN_BAD_DATA). `where` goes before the sentence. */
fcnn_status fcnn_npy_length(const unsigned char *start, size_t count, size_t *length, const char *where);

/* The header, all `length` bytes of it. FCNN_BAD_DATA. */
fcnn_status fcnn_npy_parse(struct fcnn_npy *npy, const unsigned char *header, size_t length, const char *where);

/* Element `index` of bytes in that array's type, as a number. Integers of 8 bytes beyond 2^53 are rounded. */
double fcnn_npy_value(const struct fcnn_npy *npy, const unsigned char *bytes, int64_t index);

#endif
