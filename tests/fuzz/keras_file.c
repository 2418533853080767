/* SPDX-License-Identifier: BSD-2-Clause
 * Whatever an HDF5 file or a zip archive holds, reading it gives a model or a sentence, and its weights fit a model or
 * leave it alone. Checksums of members that are stored are set right, too. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io/keras_files.h"
#include "tests/fuzz/repair.h"

static void try_to_read(const uint8_t *bytes, size_t length, int zip)
{
    static fcnn_model *weights;
    fcnn_model *model;
    fcnn_file_info info = {0};
    const fcnn_load_options options = {0};
    if (!weights) weights = fuzz_model();
    const fcnn_status status = zip ? io_keras_read(&model, bytes, length, "fuzz", &options, &info)
                                   : io_h5_read(&model, bytes, length, "fuzz", &options, &info);
    EXPECT(status ? status == FCNN_BAD_DATA && !model && fuzz_names(fcnn_io_last_error(), "fuzz")
                  : model && info.has_weights);
    fcnn_model_destroy(model);
    if (!zip) io_h5_read_weights(weights, bytes, length, "fuzz");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    const int zip = length > 2 && !memcmp(bytes, "PK", 2);
    uint8_t *repaired = zip ? fuzz_repair_zip(bytes, length) : NULL;
    try_to_read(bytes, length, zip);
    if (zip) try_to_read(repaired, length, zip);
    free(repaired);
    return 0;
}
