/* SPDX-License-Identifier: BSD-2-Clause
 * Whatever an HDF5 file or a zip archive holds, reading it gives a model or a sentence, and its weights fit a model or
 * leave it alone. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io/keras_files.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static fcnn_model *weights;
    fcnn_model *model;
    fcnn_file_info info = {0};
    const fcnn_load_options options = {0};
    if (!weights) weights = fuzz_model();
    const int zip = length > 2 && !memcmp(bytes, "PK", 2);
    const fcnn_status status = zip ? io_keras_read(&model, bytes, length, "fuzz", &options, &info)
                                   : io_h5_read(&model, bytes, length, "fuzz", &options, &info);
    EXPECT(status ? status == FCNN_BAD_DATA && !model && fuzz_names(fcnn_io_last_error(), "fuzz")
                  : model && info.has_weights);
    fcnn_model_destroy(model);
    if (!zip) io_h5_read_weights(weights, bytes, length, "fuzz");
    return 0;
}
