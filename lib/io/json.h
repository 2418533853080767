/* SPDX-License-Identifier: BSD-2-Clause
 * JSON in files of strangers: parsed within limits, members read with sentences about what is wrong. */
#ifndef FCNN_IO_JSON_H
#define FCNN_IO_JSON_H

#include <jansson.h>

#include "lib/io/fastcnn_io.h"

/* Bytes of a receipt and of a document in Keras' archives; of one in any other file, which may have long texts. */
#define IO_JSON_MOST    ((size_t)4 << 20)
#define IO_JSON_LONGEST ((size_t)16 << 20)

/* Parses one document. FCNN_BAD_DATA with line and column: also more bytes, or more memory (json_text.h), two members
 * of one name, and Python's NaN and Infinity. FCNN_OUT_OF_MEMORY. json_decref(*value). */
fcnn_status io_json_parse(json_t **value, const char *text, size_t length, const char *where);
/* Whether a document is within these bounds; else FCNN_BAD_DATA. */
fcnn_status io_json_measure(const char *text, size_t length, const char *where);

/* The number of fewest decimal digits that is this float. NULL: no memory, or not finite. */
json_t *io_json_float(float value);

/* An object of members that are read. `where` is for sentences: "FILE: layer NAME (CLASS)". */
struct io_members {
    const json_t *object;
    const char *where;
};

/* Each: a member that is absent or null leaves the value as it is. FCNN_BAD_DATA: it is not what is expected. */
fcnn_status io_get_int(const struct io_members *members, const char *key, int64_t least, int64_t most,
                       int64_t *value);
fcnn_status io_get_bool(const struct io_members *members, const char *key, int *value);
/* Or an object that has the number as "value", and a "type". */
fcnn_status io_get_double(const struct io_members *members, const char *key, double *value);
fcnn_status io_get_text(const struct io_members *members, const char *key, const char **value);
/* One number for both, or a list of two. */
fcnn_status io_get_pair(const struct io_members *members, const char *key, int64_t least, int64_t most, int64_t *a,
                        int64_t *b);

/* The member, NULL where it is absent or null. */
const json_t *io_get(const json_t *object, const char *key);

#endif
