/* SPDX-License-Identifier: BSD-2-Clause
 * Data sets by their path, whatever kind of files it holds. */
#ifndef FCNN_DATASET_H
#define FCNN_DATASET_H

#include "lib/io/io.h"

#define FCNN_MOST_CLASSES 65536

enum fcnn_data_part {
    FCNN_DATA_TRAIN,
    FCNN_DATA_TEST,
    FCNN_DATA_ANY, /* the test part, or all where the source is not split: what a trained model is judged by */
};

enum fcnn_data_kind {
    FCNN_DATA_NONE, /* neither of the others */
    FCNN_DATA_IDX,  /* a folder of MNIST-like IDX files */
    FCNN_DATA_NPZ,  /* a .npz with x_train, y_train, x_test, y_test */
    FCNN_DATA_PNG,  /* a folder of classes, each a folder of PNG files; or of `train` and `test`, each such a folder */
};

/* What a path holds, by looking at names and first bytes; FCNN_DATA_NONE for what cannot be read, too. */
enum fcnn_data_kind fcnn_data_look(const char *path);
const char *fcnn_data_kind_name(enum fcnn_data_kind kind); /* "IDX files", "npz file", "PNG files" */

/* Loads one part. limit: keep at most the first that many images, 0: all; IDX and npz files are read and checked to
 * their end in any case. set->classes counts those of the whole part. Only PNG folders may be not split.
 * FCNN_NO_FILE, FCNN_BAD_DATA, FCNN_OUT_OF_MEMORY: *set is zeroed, fcnn_io_last_error() names the file. */
fcnn_status fcnn_dataset_load(struct fcnn_dataset *set, const char *path, enum fcnn_data_part part, int64_t limit);

/* The name of a class: the source's or its number. `text` may hold it. */
const char *fcnn_dataset_class(const struct fcnn_dataset *set, int number, char text[16]);

/* npz.c: uint8 (or other whole numbers from 0 to 255) as pixels, floats from 0 to 1 as they are; labels of any whole
 * numbers; either byte order, C order; shapes (n,h,w), (n,h,w,c), (n,c) for vectors; labels (n,) or (n,1). */
fcnn_status fcnn_npz_load(struct fcnn_dataset *set, const char *path, int training, int64_t limit);
struct fcnn_unzip;
fcnn_status fcnn_npz_read(struct fcnn_dataset *set, struct fcnn_unzip *zip, const char *path, int training,
                          int64_t limit); /* of an opened archive; `path` is for sentences */

/* folder.c: PNG files of one size. Classes are the names of the sub-folders with PNG files in them, sorted by bytes.
 * Images are grey if every one is, though it be stored as RGB, else RGB; transparent pixels are refused. Order: by name
 * within a class, the classes spread evenly, so that any first or last part has about the shares of the whole. Of a
 * folder that is not split (into train or training, and test or testing) every seventh image is the test part. */
fcnn_status fcnn_folder_load(struct fcnn_dataset *set, const char *path, enum fcnn_data_part part, int64_t limit);
int fcnn_folder_is_split(const char *path);

#endif
