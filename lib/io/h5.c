/* SPDX-License-Identifier: BSD-2-Clause
 * Files of HDF5 in memory, opened and closed; groups and links. */
#include "lib/io/h5.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io/fail.h"

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
static unsigned files; /* opened so far: HDF5 takes two of one name for the same */

/* ---- checks before HDF5 sees a file ---- */

static uint64_t little(const unsigned char *bytes, int size)
{
    uint64_t value = 0;
    for (int i = size - 1; i >= 0; i--) value = value << 8 | bytes[i];
    return value;
}

#define NOWHERE UINT64_MAX

/* Superblocks of version 0 (all that Keras writes), 1 and 2, 3, with 8-byte offsets, at the beginning, that tell the
 * file's true end and no driver and no extension. */
static const char *check_head(const unsigned char *bytes, size_t count)
{
    if (count < 96 || memcmp(bytes, "\x89HDF\r\n\x1a\n", 8) != 0) return "it is not an HDF5 file";
    const int version = bytes[8], old = version < 2;
    if (version > 3) return "it is of a later HDF5";
    const unsigned char *addresses = bytes + (version == 0 ? 24 : version == 1 ? 28 : 12);
    if (bytes[old ? 13 : 9] != 8 || bytes[old ? 14 : 10] != 8) return "its offsets are not of 8 bytes";
    if (little(addresses, 8) != 0) return "it does not begin at its beginning";
    if (little(addresses + 16, 8) > count) return "it is truncated: HDF5 says that it was longer";
    if (little(addresses + (old ? 24 : 8), 8) != NOWHERE) return "its head has parts that no model has";
    return NULL;
}

/* Texts of variable length lie in global heaps. */
static size_t largest_heap(const unsigned char *bytes, size_t count)
{
    size_t most = 0;
    const unsigned char *at = bytes, *end = bytes + count;
    while ((at = memmem(at, (size_t)(end - at), "GCOL", 4)) && end - at >= 16) {
        const uint64_t size = little(at + 8, 8), left = (uint64_t)(end - at);
        if (size <= left && size > most) most = size;
        at += 4;
    }
    return most;
}

/* ---- open and close ---- */

static void lock(struct io_h5 *h5, const char *path)
{
    pthread_mutex_lock(&one_at_a_time);
    *h5 = (struct io_h5){.path = path, .file = H5I_INVALID_HID};
    H5Eget_auto2(H5E_DEFAULT, &h5->print, &h5->context);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

static void unlock(struct io_h5 *h5)
{
    H5Eclear2(H5E_DEFAULT);
    H5Eset_auto2(H5E_DEFAULT, h5->print, h5->context);
    pthread_mutex_unlock(&one_at_a_time);
}

/* Everything of a file goes with it; what is written is what HDF5 1.8 wrote. */
static hid_t access_list(void)
{
    const hid_t list = H5Pcreate(H5P_FILE_ACCESS);
    if (list >= 0 && H5Pset_fapl_core(list, 65536, 0) >= 0 && H5Pset_fclose_degree(list, H5F_CLOSE_STRONG) >= 0 &&
        H5Pset_libver_bounds(list, H5F_LIBVER_EARLIEST, H5F_LIBVER_V18) >= 0)
        return list;
    if (list >= 0) H5Pclose(list);
    return H5I_INVALID_HID;
}

fcnn_status io_h5_open(struct io_h5 *h5, const unsigned char *bytes, size_t count, const char *path)
{
    char name[40];
    const char *problem = check_head(bytes, count);
    if (problem) return fcnn_io_fail(FCNN_BAD_DATA, "%s: %s", path, problem);
    lock(h5, path);
    h5->count = count;
    h5->heap = largest_heap(bytes, count);
    const hid_t list = access_list();
    snprintf(name, sizeof name, "fastcnn-%u.h5", files++);
    /* HDF5 copies the image and never writes to it. */
    const int given = list >= 0 && H5Pset_file_image(list, (void *)(uintptr_t)bytes, count) >= 0;
    if (given) h5->file = H5Fopen(name, H5F_ACC_RDONLY, list);
    if (list >= 0) H5Pclose(list);
    if (h5->file >= 0) return FCNN_OK;
    unlock(h5);
    if (!given) return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory", path);
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: HDF5 cannot open it: it is damaged", path);
}

fcnn_status io_h5_create(struct io_h5 *h5, const char *path)
{
    char name[40];
    lock(h5, path);
    const hid_t list = access_list();
    snprintf(name, sizeof name, "fastcnn-%u.h5", files++);
    if (list >= 0) {
        h5->file = H5Fcreate(name, H5F_ACC_TRUNC, H5P_DEFAULT, list);
        H5Pclose(list);
    }
    if (h5->file >= 0) return FCNN_OK;
    unlock(h5);
    return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory", path);
}

fcnn_status io_h5_image(struct io_h5 *h5, unsigned char **bytes, size_t *count)
{
    *bytes = NULL;
    const ssize_t size = H5Fflush(h5->file, H5F_SCOPE_GLOBAL) < 0 ? -1 : H5Fget_file_image(h5->file, NULL, 0);
    if (size > 0) *bytes = malloc((size_t)size);
    if (*bytes && H5Fget_file_image(h5->file, *bytes, (size_t)size) == size) {
        *count = (size_t)size;
        return FCNN_OK;
    }
    free(*bytes);
    *bytes = NULL;
    return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory for the file's bytes", h5->path);
}

void io_h5_close(struct io_h5 *h5)
{
    H5Fclose(h5->file);
    unlock(h5);
}

/* ---- groups and links ---- */

int io_h5_has(hid_t group, const char *name) { return H5Lexists(group, name, H5P_DEFAULT) > 0; }

int io_h5_has_attribute(hid_t object, const char *name) { return H5Aexists(object, name) > 0; }

/* Follows one component of a path, a hard link to a group. */
static fcnn_status step(struct io_h5 *h5, hid_t from, const char *name, hid_t *to)
{
    H5L_info_t link;
    if (H5Lget_info(from, name, &link, H5P_DEFAULT) < 0)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: there is no %.200s in it", h5->path, name);
    if (link.type != H5L_TYPE_HARD)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: %.200s is a soft or external link, which is not followed", h5->path,
                            name);
    *to = H5Gopen2(from, name, H5P_DEFAULT);
    return *to >= 0 ? FCNN_OK : fcnn_io_fail(FCNN_BAD_DATA, "%s: %.200s is no group", h5->path, name);
}

/* Opens the group `path` leads to, or with `parent` the one before its last component, *last. */
static fcnn_status walk(struct io_h5 *h5, hid_t group, char *path, hid_t *found, const char **last)
{
    char *rest = path, *name;
    hid_t at = H5Gopen2(group, ".", H5P_DEFAULT);
    if (at < 0) return fcnn_io_fail(FCNN_BAD_DATA, "%s: a group cannot be opened", h5->path);
    while ((name = strsep(&rest, "/"))) {
        hid_t next = H5I_INVALID_HID;
        if (last && !rest) break;
        if (!*name || !strcmp(name, ".")) continue;
        const fcnn_status status = step(h5, at, name, &next);
        H5Gclose(at);
        if (status) return status;
        at = next;
    }
    if (last) *last = name;
    *found = at;
    return FCNN_OK;
}

fcnn_status io_h5_group(struct io_h5 *h5, hid_t group, const char *path, hid_t *found)
{
    char *copy = strdup(path);
    if (!copy) return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory", h5->path);
    const fcnn_status status = walk(h5, group, copy, found, NULL);
    free(copy);
    return status;
}

/* ---- data sets ---- */

static fcnn_status refuse(struct io_h5 *h5, const struct io_array *array, const char *why)
{
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: the data set %.200s %s", h5->path, array->path, why);
}

/* Contiguous or in its header, in this file, all of it. */
static const char *check_storage(hid_t data, int64_t count, size_t size)
{
    const hid_t list = H5Dget_create_plist(data);
    if (list < 0) return "is damaged";
    const H5D_layout_t layout = H5Pget_layout(list);
    const int external = H5Pget_external_count(list), filters = H5Pget_nfilters(list);
    H5Pclose(list);
    if (layout == H5D_VIRTUAL) return "is virtual, which is not read";
    if (external != 0) return "lies in another file, which is not read";
    if (layout == H5D_CHUNKED || filters != 0) return "is chunked or compressed, which no Keras writes";
    uint64_t bytes;
    if (__builtin_mul_overflow((uint64_t)count, (uint64_t)size, &bytes)) return "is too large";
    return H5Dget_storage_size(data) == bytes ? NULL : "is not stored as large as it is declared";
}

static int is_number(hid_t type)
{
    const H5T_class_t class = H5Tget_class(type);
    if (class == H5T_INTEGER) return H5Tget_size(type) <= 8;
    return class == H5T_FLOAT && (H5Tequal(type, H5T_IEEE_F32LE) > 0 || H5Tequal(type, H5T_IEEE_F64LE) > 0 ||
                                  H5Tequal(type, H5T_IEEE_F32BE) > 0 || H5Tequal(type, H5T_IEEE_F64BE) > 0);
}

static const char *read_dims(struct io_array *array, hid_t space)
{
    hsize_t dims[IO_H5_RANKS];
    array->rank = H5Sget_simple_extent_ndims(space);
    if (array->rank < 0) return "is damaged";
    if (array->rank > IO_H5_RANKS) return "has more than 8 dimensions";
    if (H5Sget_simple_extent_type(space) == H5S_NULL) return "is empty";
    if (H5Sget_simple_extent_dims(space, dims, NULL) < 0) return "is damaged";
    array->count = 1;
    for (int i = 0; i < array->rank; i++) {
        array->dims[i] = (int64_t)dims[i];
        if (dims[i] > INT64_MAX || __builtin_mul_overflow(array->count, array->dims[i], &array->count))
            return "is too large";
    }
    return NULL;
}

static const char *look_at(struct io_h5 *h5, struct io_array *array)
{
    const hid_t type = H5Dget_type(array->data), space = H5Dget_space(array->data);
    const char *problem = type >= 0 && space >= 0 ? read_dims(array, space) : "is damaged";
    if (!problem && !is_number(type)) problem = "does not hold numbers of 32 or 64 bits";
    if (!problem && (uint64_t)array->count > h5->count) problem = "is declared larger than the file";
    if (!problem) problem = check_storage(array->data, array->count, H5Tget_size(type));
    if (type >= 0) H5Tclose(type);
    if (space >= 0) H5Sclose(space);
    return problem;
}

static fcnn_status open_array(struct io_h5 *h5, hid_t group, const char *name, struct io_array *array)
{
    H5L_info_t link;
    if (H5Lget_info(group, name, &link, H5P_DEFAULT) < 0)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: there is no data set %.200s in it", h5->path, array->path);
    if (link.type != H5L_TYPE_HARD) return refuse(h5, array, "is a soft or external link, which is not followed");
    array->data = H5Dopen2(group, name, H5P_DEFAULT);
    if (array->data < 0) return refuse(h5, array, "cannot be opened");
    const char *problem = look_at(h5, array);
    if (!problem) return FCNN_OK;
    io_array_close(array);
    return refuse(h5, array, problem);
}

fcnn_status io_h5_array(struct io_h5 *h5, hid_t group, const char *path, struct io_array *array)
{
    char *copy = strdup(path);
    const char *name;
    hid_t parent;
    if (!copy) return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory", h5->path);
    *array = (struct io_array){.path = path, .data = H5I_INVALID_HID};
    fcnn_status status = walk(h5, group, copy, &parent, &name);
    if (!status) {
        status = open_array(h5, parent, name, array);
        H5Gclose(parent);
    }
    free(copy);
    return status;
}

fcnn_status io_h5_floats(struct io_h5 *h5, const struct io_array *array, float *values)
{
    if (!array->count || H5Dread(array->data, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0)
        return FCNN_OK;
    return refuse(h5, array, "cannot be read");
}

/* Keras 2.0 kept its count of steps as a float. */
fcnn_status io_h5_integer(struct io_h5 *h5, const struct io_array *array, int64_t *value)
{
    const hid_t type = H5Dget_type(array->data);
    const int real = type >= 0 && H5Tget_class(type) == H5T_FLOAT;
    double number = 0;
    if (type >= 0) H5Tclose(type);
    if (type < 0 || array->count != 1) return refuse(h5, array, "is not one number");
    if (H5Dread(array->data, real ? H5T_NATIVE_DOUBLE : H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT,
                real ? (void *)&number : (void *)value) < 0)
        return refuse(h5, array, "cannot be read");
    if (!real) return FCNN_OK;
    if (!(number >= 0 && number < 0x1p62)) return refuse(h5, array, "is no count");
    *value = (int64_t)number;
    return FCNN_OK;
}

void io_array_close(struct io_array *array)
{
    if (array->data >= 0) H5Dclose(array->data);
    array->data = H5I_INVALID_HID;
}
