/* SPDX-License-Identifier: BSD-2-Clause
 * Whatever a checkpoint holds, reading it gives a model in the middle of its run or a sentence that begins with the
 * file. Its checksum would hide the rest from a fuzzer: it is set right, too. */
#include "lib/io/checkpoint.h"
#include "tests/fuzz/fuzz.h"

static void try_to_read(const uint8_t *bytes, size_t length)
{
    fcnn_model *model;
    fcnn_checkpoint checkpoint;
    fcnn_file_info info = {0};
    const fcnn_status status = io_checkpoint_read(&model, bytes, length, "fuzz", NULL, &checkpoint, &info);
    EXPECT(status ? status == FCNN_BAD_DATA && !model && fuzz_names(fcnn_io_last_error(), "fuzz") &&
                        !checkpoint.best && !checkpoint.program
                  : model && info.has_weights);
    fcnn_checkpoint_free(&checkpoint);
    fcnn_model_destroy(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    try_to_read(bytes, length);
    uint8_t *copy = malloc(length + !length);
    memcpy(copy, bytes, length);
    io_checkpoint_seal(copy, length);
    try_to_read(copy, length);
    free(copy);
    return 0;
}
