/* SPDX-License-Identifier: BSD-2-Clause
 * Writing HDF5 as Keras does: old groups, whole data sets, texts of variable length. Nothing tells when it was written,
 * so that the same model makes the same file. */
#include <string.h>

#include "lib/io/fail.h"
#include "lib/io/h5.h"

static fcnn_status failed(struct io_h5 *h5) { return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory", h5->path); }

static hid_t with_groups(void)
{
    const hid_t list = H5Pcreate(H5P_LINK_CREATE);
    if (list >= 0) H5Pset_create_intermediate_group(list, 1);
    return list;
}

fcnn_status io_h5_make_group(struct io_h5 *h5, hid_t group, const char *path, hid_t *made)
{
    const hid_t links = with_groups();
    *made = H5Gcreate2(group, path, links, H5P_DEFAULT, H5P_DEFAULT);
    if (links >= 0) H5Pclose(links);
    return *made >= 0 ? FCNN_OK : failed(h5);
}

/* ---- attributes ---- */

static fcnn_status put(struct io_h5 *h5, hid_t object, const char *name, hid_t type, hid_t space, const void *value)
{
    const hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    const int done = attribute >= 0 && (!value || H5Awrite(attribute, type, value) >= 0);
    if (attribute >= 0) H5Aclose(attribute);
    return done ? FCNN_OK : failed(h5);
}

static hid_t text_type(void)
{
    const hid_t type = H5Tcopy(H5T_C_S1);
    if (type >= 0) H5Tset_size(type, H5T_VARIABLE);
    if (type >= 0) H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

fcnn_status io_h5_put_text(struct io_h5 *h5, hid_t object, const char *name, const char *text)
{
    const hid_t type = text_type(), space = H5Screate(H5S_SCALAR);
    const fcnn_status status = put(h5, object, name, type, space, &text);
    if (type >= 0) H5Tclose(type);
    if (space >= 0) H5Sclose(space);
    return status;
}

fcnn_status io_h5_put_texts(struct io_h5 *h5, hid_t object, const char *name, const char *const *texts, int count)
{
    const hsize_t length = (hsize_t)count;
    if (count > 4000) /* an attribute has room for 64 KB */
        return fcnn_io_fail(FCNN_BAD_ARGUMENT, "%s: the model has too many layers for this format", h5->path);
    const hid_t type = count ? text_type() : H5Tcopy(H5T_IEEE_F64LE), space = H5Screate_simple(1, &length, NULL);
    const fcnn_status status = put(h5, object, name, type, space, count ? texts : NULL);
    if (type >= 0) H5Tclose(type);
    if (space >= 0) H5Sclose(space);
    return status;
}

fcnn_status io_h5_put_number(struct io_h5 *h5, hid_t object, const char *name, double value)
{
    const hid_t space = H5Screate(H5S_SCALAR);
    const fcnn_status status = put(h5, object, name, H5T_NATIVE_DOUBLE, space, &value);
    if (space >= 0) H5Sclose(space);
    return status;
}

/* ---- data sets ---- */

static fcnn_status put_data(struct io_h5 *h5, hid_t group, const char *path, hid_t type, hid_t space,
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

fcnn_status io_h5_put_floats(struct io_h5 *h5, hid_t group, const char *path, int rank, const int64_t *dims,
                             const float *values)
{
    hsize_t sizes[IO_H5_RANKS];
    for (int i = 0; i < rank; i++) sizes[i] = (hsize_t)dims[i];
    const hid_t space = rank ? H5Screate_simple(rank, sizes, NULL) : H5Screate(H5S_SCALAR);
    const fcnn_status status = put_data(h5, group, path, H5T_NATIVE_FLOAT, space, values);
    if (space >= 0) H5Sclose(space);
    return status;
}

fcnn_status io_h5_put_integer(struct io_h5 *h5, hid_t group, const char *path, int64_t value)
{
    const hid_t space = H5Screate(H5S_SCALAR);
    const fcnn_status status = put_data(h5, group, path, H5T_NATIVE_INT64, space, &value);
    if (space >= 0) H5Sclose(space);
    return status;
}
