/* SPDX-License-Identifier: BSD-2-Clause
 * Attributes of HDF5 files: texts, lists of texts, numbers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io/fail.h"
#include "lib/io/h5.h"

/* All texts of one attribute. */
#define MOST_BYTES ((size_t)1 << 30)

struct attribute {
    struct io_h5 *h5;
    const char *name;
    hid_t id, type, space;
    int64_t count;
};

static fcnn_status refuse(const struct attribute *a, const char *why)
{
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: the attribute %.80s %s", a->h5->path, a->name, why);
}

static void close_attribute(struct attribute *a)
{
    if (a->space >= 0) H5Sclose(a->space);
    if (a->type >= 0) H5Tclose(a->type);
    if (a->id >= 0) H5Aclose(a->id);
}

static fcnn_status open_attribute(struct attribute *a, struct io_h5 *h5, hid_t object, const char *name)
{
    *a = (struct attribute){.h5 = h5, .name = name, .type = H5I_INVALID_HID, .space = H5I_INVALID_HID};
    a->id = H5Aopen(object, name, H5P_DEFAULT);
    if (a->id >= 0) a->type = H5Aget_type(a->id);
    if (a->id >= 0) a->space = H5Aget_space(a->id);
    if (a->type >= 0 && a->space >= 0) a->count = H5Sget_simple_extent_npoints(a->space);
    if (a->type >= 0 && a->space >= 0 && a->count >= 0) return FCNN_OK;
    close_attribute(a);
    return refuse(a, "is damaged");
}

/* ---- texts ---- */

/* The type of texts in memory; *size: of one, 0 for texts of variable length. */
static hid_t memory_type(const struct attribute *a, size_t *size)
{
    const int variable = H5Tis_variable_str(a->type) > 0;
    const hid_t type = H5Tcopy(H5T_C_S1);
    *size = variable ? 0 : H5Tget_size(a->type);
    if (type >= 0 && H5Tset_size(type, variable ? H5T_VARIABLE : *size) >= 0 &&
        H5Tset_cset(type, H5Tget_cset(a->type)) >= 0 && H5Tset_strpad(type, H5Tget_strpad(a->type)) >= 0)
        return type;
    if (type >= 0) H5Tclose(type);
    return H5I_INVALID_HID;
}

/* What HDF5 will ask memory for; texts of variable length may all be the same one in the file. */
static fcnn_status check_size(const struct attribute *a, size_t size)
{
    const size_t one = size ? size : a->h5->heap;
    size_t all;
    if (a->count > IO_H5_TEXTS) return refuse(a, "is too long a list");
    if (__builtin_mul_overflow(one, (size_t)a->count, &all) || all > MOST_BYTES || (size && all > a->h5->count))
        return refuse(a, "is declared larger than it can be");
    return FCNN_OK;
}

static fcnn_status take_variable(const struct attribute *a, hid_t type, char **texts)
{
    char **read = calloc((size_t)a->count, sizeof *read);
    if (!read) return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory", a->h5->path);
    if (H5Aread(a->id, type, read) < 0) {
        free(read);
        return refuse(a, "cannot be read");
    }
    int missing = 0;
    for (int64_t i = 0; i < a->count; i++) missing |= !(texts[i] = strdup(read[i] ? read[i] : ""));
    H5Dvlen_reclaim(type, a->space, H5P_DEFAULT, read);
    free(read);
    return missing ? fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory", a->h5->path) : FCNN_OK;
}

/* Filled up with zeros, or with spaces, which no name ends in. */
static fcnn_status take_fixed(const struct attribute *a, hid_t type, size_t size, char **texts)
{
    char *read = calloc((size_t)a->count, size);
    if (!read) return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory", a->h5->path);
    if (H5Aread(a->id, type, read) < 0) {
        free(read);
        return refuse(a, "cannot be read");
    }
    int missing = 0;
    for (int64_t i = 0; i < a->count; i++) {
        size_t length = strnlen(read + i * (int64_t)size, size);
        while (length && read[i * (int64_t)size + (int64_t)length - 1] == ' ') length--;
        missing |= !(texts[i] = strndup(read + i * (int64_t)size, length));
    }
    free(read);
    return missing ? fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory", a->h5->path) : FCNN_OK;
}

/* Texts of an open attribute into texts[0 .. count-1], which are NULL. */
static fcnn_status take_texts(const struct attribute *a, char **texts)
{
    size_t size;
    const hid_t type = memory_type(a, &size);
    if (type < 0) return refuse(a, "has texts of a strange type");
    fcnn_status status = check_size(a, size);
    if (!status) status = size ? take_fixed(a, type, size, texts) : take_variable(a, type, texts);
    H5Tclose(type);
    return status;
}

static fcnn_status append(const struct attribute *a, struct io_texts *texts)
{
    if (!a->count) return FCNN_OK;
    if (H5Tget_class(a->type) != H5T_STRING) return refuse(a, "is no list of texts");
    if (a->count > IO_H5_TEXTS - texts->count) return refuse(a, "is too long a list");
    const size_t count = (size_t)texts->count + (size_t)a->count;
    char **room = realloc(texts->at, count * sizeof *room);
    if (!room) return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory", a->h5->path);
    texts->at = room;
    memset(room + texts->count, 0, (size_t)a->count * sizeof *room);
    const int before = texts->count;
    texts->count = (int)count;
    return take_texts(a, room + before);
}

static fcnn_status append_named(struct io_h5 *h5, hid_t object, const char *name, struct io_texts *texts)
{
    struct attribute a;
    IO_TRY(open_attribute(&a, h5, object, name));
    const fcnn_status status = append(&a, texts);
    close_attribute(&a);
    return status;
}

fcnn_status io_h5_texts(struct io_h5 *h5, hid_t object, const char *name, struct io_texts *texts)
{
    char piece[80];
    fcnn_status status = FCNN_OK;
    *texts = (struct io_texts){0};
    if (io_h5_has_attribute(object, name)) status = append_named(h5, object, name, texts);
    else
        for (int i = 0; i < IO_H5_TEXTS && !status; i++) {
            snprintf(piece, sizeof piece, "%.60s%d", name, i);
            if (!io_h5_has_attribute(object, piece)) break;
            status = append_named(h5, object, piece, texts);
        }
    if (status) io_texts_free(texts);
    return status;
}

void io_texts_free(struct io_texts *texts)
{
    for (int i = 0; i < texts->count; i++) free(texts->at[i]);
    free(texts->at);
    *texts = (struct io_texts){0};
}

static fcnn_status take_one(const struct attribute *a, char **text)
{
    if (H5Tget_class(a->type) != H5T_STRING || a->count != 1) return refuse(a, "is not one text");
    const fcnn_status status = take_texts(a, text);
    if (!status) return FCNN_OK;
    free(*text);
    *text = NULL;
    return status;
}

fcnn_status io_h5_text(struct io_h5 *h5, hid_t object, const char *name, char **text)
{
    struct attribute a;
    *text = NULL;
    if (!io_h5_has_attribute(object, name)) return FCNN_OK;
    IO_TRY(open_attribute(&a, h5, object, name));
    const fcnn_status status = take_one(&a, text);
    close_attribute(&a);
    return status;
}

/* ---- numbers ---- */

static fcnn_status take_number(const struct attribute *a, double *value)
{
    const H5T_class_t class = H5Tget_class(a->type);
    if ((class != H5T_FLOAT && class != H5T_INTEGER) || a->count != 1 || H5Tget_size(a->type) > 8)
        return refuse(a, "is not one number");
    return H5Aread(a->id, H5T_NATIVE_DOUBLE, value) < 0 ? refuse(a, "cannot be read") : FCNN_OK;
}

fcnn_status io_h5_number(struct io_h5 *h5, hid_t object, const char *name, double *value, int *found)
{
    struct attribute a;
    *found = io_h5_has_attribute(object, name);
    if (!*found) return FCNN_OK;
    IO_TRY(open_attribute(&a, h5, object, name));
    const fcnn_status status = take_number(&a, value);
    close_attribute(&a);
    return status;
}
