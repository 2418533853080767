/* SPDX-License-Identifier: BSD-2-Clause
 * Whatever a safetensors file holds, reading it gives a model or a sentence, and its weights fit a model or leave it
 * alone. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/io/safetensors.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static fcnn_model *weights;
    fcnn_model *model;
    fcnn_file_info info = {0};
    if (!weights) weights = fuzz_model();
    const fcnn_status status =
        io_safetensors_read(&model, bytes, length, "fuzz", &(fcnn_load_options){0}, &info);
    EXPECT(status ? status == FCNN_BAD_DATA && !model && fuzz_names(fcnn_io_last_error(), "fuzz")
                  : model && info.has_weights);
    fcnn_model_destroy(model);
    io_safetensors_read_weights(weights, bytes, length, "fuzz");
    return 0;
}
