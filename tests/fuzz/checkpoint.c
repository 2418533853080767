/* SPDX-License-Identifier: BSD-2-Clause
 * Whatever a checkpoint holds behind a checksum that is right, reading it gives a model or a sentence. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io/checkpoint.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    fcnn_model *model;
    fcnn_checkpoint found;
    fcnn_file_info info = {0};
    unsigned char *sealed = malloc(length ? length : 1);
    memcpy(sealed, bytes, length);
    io_checkpoint_seal(sealed, length);
    const fcnn_status status = io_checkpoint_read(&model, sealed, length, "fuzz", NULL, &found, &info);
    EXPECT(status ? !model && !found.best && !found.program && *fcnn_io_last_error() : model && info.has_weights);
    fcnn_model_destroy(model);
    fcnn_checkpoint_free(&found);
    free(sealed);
    return 0;
}
