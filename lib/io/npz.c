/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Data sets in NumPy's .npz, as Keras ships mnist.npz: arrays x_train, y_train, x_test and y_test. Members are read in
 * pieces, so that nothing is held beside the floats they become. */
#include "lib/io/npy.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io/dataset.h"
#include "lib/io/fail.h"
#include "lib/io/unzip.h"

#define CHUNK 65536 /* a multiple of every element's size */

/* An array of the file that is being read. */
struct array {
    struct fcnn_unzip *zip;
    char where[4096]; /* file and member, for messages */
    int member;
    size_t header;
    struct fcnn_npy npy;
};

/* ---- headers ---- */

/* Begins the member and reads its header; its data are next. */
static fcnn_status begin(struct array *array)
{
    unsigned char header[FCNN_NPY_MOST_HEADER];
    int64_t got, rest;
    IO_TRY(fcnn_unzip_begin(array->zip, array->member));
    IO_TRY(fcnn_unzip_read(array->zip, header, FCNN_NPY_START, &got));
    IO_TRY(fcnn_npy_length(header, (size_t)got, &array->header, array->where));
    IO_TRY(fcnn_unzip_read(array->zip, header + got, (int64_t)array->header - got, &rest));
    if (got + rest < (int64_t)array->header)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: it ends within its header", array->where);
    IO_TRY(fcnn_npy_parse(&array->npy, header, array->header, array->where));
    const int64_t data = fcnn_unzip_size(array->zip, array->member) - (int64_t)array->header;
    if (data == array->npy.bytes) return FCNN_OK;
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: its shape and type make %lld bytes, but %lld follow the header",
                        array->where, (long long)array->npy.bytes, (long long)data);
}

static void describe_shape(const struct fcnn_npy *npy, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "%c%d (", npy->kind, npy->size);
    for (int i = 0; i < npy->dimensions && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%lld", i ? ", " : "", (long long)npy->shape[i]);
    if (used < size) snprintf(text + used, size - used, ")");
}

static fcnn_status unfit(const struct array *array, const char *expected)
{
    char text[128];
    describe_shape(&array->npy, text, sizeof text);
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: expected %s, found %s", array->where, expected, text);
}

static fcnn_status check_images(const struct array *array)
{
    const struct fcnn_npy *npy = &array->npy;
    if (npy->dimensions < 2 || !npy->elements || npy->kind == 'b')
        return unfit(array, "images: numbers of shape (n, height, width), (n, height, width, channels) or (n, length)");
    return FCNN_OK;
}

static fcnn_status check_labels(const struct array *array)
{
    const struct fcnn_npy *npy = &array->npy;
    const int flat = npy->dimensions == 1 || (npy->dimensions == 2 && npy->shape[1] == 1);
    if (!flat || !npy->elements || npy->kind == 'f' || npy->kind == 'b')
        return unfit(array, "labels: whole numbers of shape (n,) or (n, 1)");
    return FCNN_OK;
}

/* ---- contents ---- */

/* Whole numbers are pixels, 0 to 255; floats are what the network is to see, 0 to 1. */
static fcnn_status put_pixel(const struct array *array, struct fcnn_dataset *set, int64_t index, double value)
{
    const int is_float = array->npy.kind == 'f';
    if (!(value >= 0 && value <= (is_float ? 1 : 255)))
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: element %lld is %g; expected %s", array->where, (long long)index, value,
                            is_float ? "floats from 0 to 1: divide pixels by 255" : "pixels from 0 to 255");
    if (index < set->n * set->h * set->w * set->c) set->x[index] = is_float ? (float)value : (float)value / 255.0f;
    return FCNN_OK;
}

static fcnn_status put_label(const struct array *array, struct fcnn_dataset *set, int64_t index, double value)
{
    if (!(value >= 0 && value < FCNN_MOST_CLASSES))
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: label %lld (counted from 0): expected 0 to %d, found %g", array->where,
                            (long long)index, FCNN_MOST_CLASSES - 1, value);
    if ((int)value >= set->classes) set->classes = (int)value + 1;
    if (index < set->n) set->y[index] = (int32_t)value;
    return FCNN_OK;
}

/* The usual case, in a tenth of the time. */
static void put_bytes(struct fcnn_dataset *set, int64_t index, const unsigned char *bytes, int64_t count)
{
    const int64_t kept = set->n * set->h * set->w * set->c - index;
    for (int64_t i = 0; i < count && i < kept; i++) set->x[index + i] = (float)bytes[i] / 255.0f;
}

typedef fcnn_status put_function(const struct array *array, struct fcnn_dataset *set, int64_t index, double value);

/* All elements, from behind the header to the member's end. */
static fcnn_status read_elements(const struct array *array, struct fcnn_dataset *set, put_function *put)
{
    unsigned char bytes[CHUNK];
    int64_t got;
    for (int64_t index = 0; index < array->npy.elements;) {
        const int64_t left = (array->npy.elements - index) * array->npy.size;
        IO_TRY(fcnn_unzip_read(array->zip, bytes, left < CHUNK ? left : CHUNK, &got));
        const int64_t count = got / array->npy.size;
        if (!count) return fcnn_io_fail(FCNN_BAD_DATA, "%s: it ends too early", array->where);
        if (put == put_pixel && array->npy.kind == 'u' && array->npy.size == 1) put_bytes(set, index, bytes, count);
        else
            for (int64_t i = 0; i < count; i++)
                IO_TRY(put(array, set, index + i, fcnn_npy_value(&array->npy, bytes, i)));
        index += count;
    }
    return FCNN_OK;
}

/* ---- the pair ---- */

/* What the file has instead, for people. */
static fcnn_status lacks(const struct fcnn_unzip *zip, const char *path, const char *name)
{
    char names[256] = "";
    for (int i = 0; i < fcnn_unzip_count(zip); i++) {
        const size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", fcnn_unzip_name(zip, i));
    }
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: no array %s; expected x_train, y_train, x_test and y_test, found %s", path,
                        name, *names ? names : "nothing");
}

static fcnn_status find(struct array *array, struct fcnn_unzip *zip, const char *path, const char *name)
{
    array->zip = zip;
    array->member = fcnn_unzip_find(zip, name);
    snprintf(array->where, sizeof array->where, "%s: %s", path, name);
    return array->member < 0 ? lacks(zip, path, name) : FCNN_OK;
}

static fcnn_status read_labels(struct array *labels, struct fcnn_dataset *set)
{
    IO_TRY(begin(labels));
    IO_TRY(check_labels(labels));
    if (labels->npy.shape[0] != set->n)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: expected as many labels as images, %lld; found %lld", labels->where,
                            (long long)set->n, (long long)labels->npy.shape[0]);
    set->y = malloc((size_t)set->n * sizeof *set->y);
    if (!set->y) return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: out of memory", labels->where);
    return read_elements(labels, set, put_label);
}

static fcnn_status load(struct fcnn_dataset *set, struct array *images, struct array *labels, int64_t limit)
{
    IO_TRY(begin(images));
    IO_TRY(check_images(images));
    const struct fcnn_npy npy = images->npy;
    *set = (struct fcnn_dataset){.n = npy.shape[0], .h = npy.shape[1], .w = npy.shape[2],
                                 .c = npy.dimensions == 4 ? npy.shape[3] : 1};
    if (npy.dimensions == 2) {
        set->h = set->w = 1;
        set->c = npy.shape[1];
    }
    IO_TRY(read_labels(labels, set)); /* they are short: what does not fit shows early */
    if (limit > 0 && limit < set->n) set->n = limit;
    set->x = malloc((size_t)(set->n * set->h * set->w * set->c) * sizeof *set->x);
    if (!set->x)
        return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: out of memory for %lld images", images->where, (long long)set->n);
    IO_TRY(begin(images));
    return read_elements(images, set, put_pixel);
}

fcnn_status fcnn_npz_read(struct fcnn_dataset *set, struct fcnn_unzip *zip, const char *path, int training,
                          int64_t limit)
{
    *set = (struct fcnn_dataset){0};
    struct array *arrays = calloc(2, sizeof *arrays);
    fcnn_status status = arrays ? find(arrays, zip, path, training ? "x_train.npy" : "x_test.npy")
                                : fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: out of memory", path);
    if (!status) status = find(arrays + 1, zip, path, training ? "y_train.npy" : "y_test.npy");
    if (!status) status = load(set, arrays, arrays + 1, limit);
    free(arrays);
    if (status) fcnn_dataset_free(set);
    return status;
}

fcnn_status fcnn_npz_load(struct fcnn_dataset *set, const char *path, int training, int64_t limit)
{
    struct fcnn_unzip *zip;
    *set = (struct fcnn_dataset){0};
    IO_TRY(fcnn_unzip_open(&zip, path));
    const fcnn_status status = fcnn_npz_read(set, zip, path, training, limit);
    fcnn_unzip_close(zip);
    return status;
}
