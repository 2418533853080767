/* SPDX-License-Identifier: BSD-2-Clause
 * Whatever an archive holds, reading it as a data set gives images and labels that fit each other, or a sentence. The
 * checksums of zip would hide the arrays from a fuzzer: they are set right, too, and what begins with "\x93NUMPY" is
 * tried as a bare header. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/io/dataset.h"
#include "lib/io/fastcnn_io.h"
#include "lib/io/npy.h"
#include "lib/io/unzip.h"
#include "tests/fuzz/repair.h"

static void load(struct fcnn_unzip *zip, int training)
{
    struct fcnn_dataset set;
    const fcnn_status status = fcnn_npz_read(&set, zip, "fuzz", training, 0);
    EXPECT(status ? status == FCNN_BAD_DATA && !set.x && !set.y && fuzz_names(fcnn_io_last_error(), "fuzz")
                  : set.n > 0 && set.x && set.y);
    for (int64_t i = 0; i < set.n; i++) EXPECT(set.y[i] >= 0 && set.y[i] < set.classes);
    for (int64_t i = 0; i < set.n * set.h * set.w * set.c; i++) EXPECT(set.x[i] >= 0 && set.x[i] <= 1);
    fcnn_dataset_free(&set);
}

static void parse(const uint8_t *bytes, size_t length)
{
    struct fcnn_npy npy;
    size_t header;
    if (fcnn_npy_length(bytes, length, &header, "fuzz") || header > length) return;
    if (fcnn_npy_parse(&npy, bytes, header, "fuzz")) return;
    EXPECT(npy.dimensions >= 0 && npy.dimensions <= FCNN_NPY_DIMENSIONS && npy.bytes == npy.elements * npy.size);
    if (npy.bytes > 0 && npy.bytes <= (int64_t)(length - header))
        fcnn_npy_value(&npy, bytes + header, npy.elements - 1);
}

static void open_and_load(const uint8_t *bytes, size_t length)
{
    struct fcnn_unzip *zip;
    if (fcnn_unzip_open_memory(&zip, bytes, length, "fuzz")) return;
    load(zip, 0);
    load(zip, 1);
    fcnn_unzip_close(zip);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    uint8_t *repaired = fuzz_repair_zip(bytes, length);
    parse(bytes, length);
    open_and_load(bytes, length);
    open_and_load(repaired, length);
    free(repaired);
    return 0;
}
