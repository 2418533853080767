/* SPDX-License-Identifier: BSD-2-Clause
 * Whatever a pair of IDX files holds, plain or gzip, reading it gives images and labels or a sentence that names one of
 * the two. The input: the length of the labels' file (1 byte), that file, the images' file. */
#include "lib/io/io.h"
#include "tests/fuzz/fuzz.h"

static void check(const struct fcnn_dataset *set, int classes)
{
    EXPECT(set->n > 0 && set->h > 0 && set->w > 0 && set->c == 1 && set->x && set->y);
    for (int64_t i = 0; i < set->n; i++) EXPECT(set->y[i] >= 0 && set->y[i] < (classes ? classes : set->classes));
    for (int64_t i = 0; i < set->n * set->h * set->w; i++) EXPECT(set->x[i] >= 0 && set->x[i] <= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static char images_path[4096], labels_path[4096], message[8192];
    static int images = -1, labels;
    if (images < 0) {
        images = fuzz_file("train-images-idx3-ubyte", images_path);
        labels = fuzz_file("train-labels-idx1-ubyte", labels_path);
    }
    if (!length) return 0;
    const size_t first = bytes[0] < length ? bytes[0] : length - 1;
    fuzz_fill(labels, bytes + 1, first);
    fuzz_fill(images, bytes + 1 + first, length - 1 - first);
    for (int classes = 0; classes <= 10; classes += 10) {
        struct fcnn_dataset set;
        if (fcnn_idx_load(&set, "fuzz-folder", 1, classes, classes, message, sizeof message)) {
            EXPECT(fuzz_names(message, images_path) || fuzz_names(message, labels_path));
            EXPECT(!set.x && !set.y);
        } else check(&set, classes);
        fcnn_dataset_free(&set);
    }
    return 0;
}
