/* SPDX-License-Identifier: BSD-2-Clause
 * File formats and data sets, apart from the kernel library: needs zlib. dataset.h has what reads any of them. */
#ifndef FCNN_IO_H
#define FCNN_IO_H

#include "lib/fastcnn.h"

/* Images as floats in 0..1 (pixels / 255), NHWC, with labels. Owned by the caller; fcnn_dataset_free(). */
struct fcnn_dataset {
    int64_t n, h, w, c;
    float *x;
    int32_t *y;  /* 0 to classes - 1 */
    int classes; /* one more than the highest label of the whole source, not only of the images kept */
    char *names; /* those of the classes, each with its NUL, one behind the other; NULL: they are numbers */
    char **files; /* (n) the path of each image; NULL: they are not files of their own */
};
void fcnn_dataset_free(struct fcnn_dataset *set); /* frees what it points to, zeroes the struct */

/* idx.c: MNIST-like data in IDX files: images (unsigned bytes, N x H x W) and labels (unsigned bytes, N), each plain
 * or gzip, in the spellings train-images-idx3-ubyte and train-images.idx3-ubyte, with or without .gz. `training`
 * chooses the train- or the t10k- pair. limit: keep at most the first that many images, 0: all; the files are read
 * and checked to their end in any case. Labels must be below `classes`, if that is not 0.
 * FCNN_NO_FILE, FCNN_BAD_DATA, FCNN_OUT_OF_MEMORY: *set is zeroed and the sentence in `message` names the file, what
 * was expected and what was found. */
fcnn_status fcnn_idx_load(struct fcnn_dataset *set, const char *directory, int training, int64_t limit, int classes,
                          char *message, size_t size);

/* digits.c: n synthetic 28x28 digits, the images first .. first+n-1 of the endless sequence of this seed: stroke
 * outlines with random bend, slant, rotation, scale, shift, thickness, specks and noise. Image i is a function of
 * (seed, i) alone (Philox4x32-10), the same on every machine; of the images 10j .. 10j+9 each shows another digit.
 * FCNN_BAD_ARGUMENT (n < 1, first < 0), FCNN_OUT_OF_MEMORY. */
fcnn_status fcnn_digits_make(struct fcnn_dataset *set, uint64_t seed, int64_t first, int64_t n);

#endif
