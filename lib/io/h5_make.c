/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/io/h5_make.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io/fail.h"

#define MOST_FIXED 64000 /* bytes of a list of texts of one length: an attribute has room for 64 KB */

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
static unsigned files; /* made so far: HDF5 takes two of one name for the same */

static fcnn_status failed(struct io_h5_new *h5)
{
    return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory", h5->path);
}

/* ---- files ---- */

static void lock(struct io_h5_new *h5, const char *path)
{
    pthread_mutex_lock(&one_at_a_time);
    *h5 = (struct io_h5_new){.path = path, .file = H5I_INVALID_HID};
    H5Eget_auto2(H5E_DEFAULT, &h5->print, &h5->context);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

static void unlock(struct io_h5_new *h5)
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

fcnn_status io_h5_create(struct io_h5_new *h5, const char *path)
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

fcnn_status io_h5_image(struct io_h5_new *h5, unsigned char **bytes, size_t *count)
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

void io_h5_close(struct io_h5_new *h5)
{
    H5Fclose(h5->file);
    unlock(h5);
}

/* ---- groups ---- */

static hid_t with_groups(void)
{
    const hid_t list = H5Pcreate(H5P_LINK_CREATE);
    if (list >= 0) H5Pset_create_intermediate_group(list, 1);
    return list;
}

fcnn_status io_h5_make_group(struct io_h5_new *h5, hid_t group, const char *path, hid_t *made)
{
    const hid_t links = with_groups();
    *made = H5Gcreate2(group, path, links, H5P_DEFAULT, H5P_DEFAULT);
    if (links >= 0) H5Pclose(links);
    return *made >= 0 ? FCNN_OK : failed(h5);
}

/* ---- attributes ---- */

static fcnn_status put(struct io_h5_new *h5, hid_t object, const char *name, hid_t type, hid_t space, const void *value)
{
    const hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    const int done = attribute >= 0 && (!value || H5Awrite(attribute, type, value) >= 0);
    if (attribute >= 0) H5Aclose(attribute);
    return done ? FCNN_OK : failed(h5);
}

/* ASCII, also where it is UTF-8: from that h5py 2 makes texts that the Keras of its time could not take. size: of each
 * text, with zeros behind it; or H5T_VARIABLE. */
static hid_t text_type(size_t size)
{
    const hid_t type = H5Tcopy(H5T_C_S1);
    if (type >= 0) H5Tset_size(type, size);
    if (type >= 0) H5Tset_strpad(type, size == H5T_VARIABLE ? H5T_STR_NULLTERM : H5T_STR_NULLPAD);
    return type;
}

fcnn_status io_h5_put_text(struct io_h5_new *h5, hid_t object, const char *name, const char *text)
{
    const hid_t type = text_type(H5T_VARIABLE), space = H5Screate(H5S_SCALAR);
    const fcnn_status status = put(h5, object, name, type, space, &text);
    if (type >= 0) H5Tclose(type);
    if (space >= 0) H5Sclose(space);
    return status;
}

static fcnn_status put_list(struct io_h5_new *h5, hid_t object, const char *name, hid_t type, const void *texts,
                            int count)
{
    const hsize_t length = (hsize_t)count;
    const hid_t space = H5Screate_simple(1, &length, NULL);
    const fcnn_status status = put(h5, object, name, type, space, texts);
    if (type >= 0) H5Tclose(type);
    if (space >= 0) H5Sclose(space);
    return status;
}

static fcnn_status put_fixed(struct io_h5_new *h5, hid_t object, const char *name, const char *const *texts, int count,
                             size_t size)
{
    char *padded = calloc((size_t)count, size);
    if (!padded) return failed(h5);
    for (int i = 0; i < count; i++) memcpy(padded + (size_t)i * size, texts[i], strlen(texts[i]));
    const fcnn_status status = put_list(h5, object, name, text_type(size), padded, count);
    free(padded);
    return status;
}

fcnn_status io_h5_put_texts(struct io_h5_new *h5, hid_t object, const char *name, const char *const *texts, int count)
{
    size_t longest = 1;
    if (count > 4000)
        return fcnn_io_fail(FCNN_BAD_ARGUMENT, "%s: the model has too many layers for this format", h5->path);
    if (!count) return put_list(h5, object, name, H5Tcopy(H5T_IEEE_F64LE), NULL, 0);
    for (int i = 0; i < count; i++)
        if (strlen(texts[i]) > longest) longest = strlen(texts[i]);
    if ((size_t)count * longest <= MOST_FIXED) return put_fixed(h5, object, name, texts, count, longest);
    return put_list(h5, object, name, text_type(H5T_VARIABLE), texts, count);
}

fcnn_status io_h5_put_number(struct io_h5_new *h5, hid_t object, const char *name, double value)
{
    const hid_t space = H5Screate(H5S_SCALAR);
    const fcnn_status status = put(h5, object, name, H5T_NATIVE_DOUBLE, space, &value);
    if (space >= 0) H5Sclose(space);
    return status;
}

/* ---- data sets ---- */

static fcnn_status put_data(struct io_h5_new *h5, hid_t group, const char *path, hid_t type, hid_t space,
                            const void *values)
{
    const hid_t links = with_groups(), list = H5Pcreate(H5P_DATASET_CREATE);
    if (list >= 0) H5Pset_obj_track_times(list, 0);
    const hid_t data = H5Dcreate2(group, path, type, space, links, list, H5P_DEFAULT);
    const int done = data >= 0 && H5Dwrite(data, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
    if (data >= 0) H5Dclose(data);
    if (links >= 0) H5Pclose(links);
    if (list >= 0) H5Pclose(list);
    return done ? FCNN_OK : failed(h5);
}

fcnn_status io_h5_put_floats(struct io_h5_new *h5, hid_t group, const char *path, int rank, const int64_t *dims,
                             const float *values)
{
    hsize_t sizes[H5S_MAX_RANK];
    for (int i = 0; i < rank; i++) sizes[i] = (hsize_t)dims[i];
    const hid_t space = rank ? H5Screate_simple(rank, sizes, NULL) : H5Screate(H5S_SCALAR);
    const fcnn_status status = put_data(h5, group, path, H5T_NATIVE_FLOAT, space, values);
    if (space >= 0) H5Sclose(space);
    return status;
}

fcnn_status io_h5_put_integer(struct io_h5_new *h5, hid_t group, const char *path, int64_t value)
{
    const hid_t space = H5Screate(H5S_SCALAR);
    const fcnn_status status = put_data(h5, group, path, H5T_NATIVE_INT64, space, &value);
    if (space >= 0) H5Sclose(space);
    return status;
}
