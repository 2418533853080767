/* SPDX-License-Identifier: BSD-2-Clause
 * Whatever a checkpoint holds, reading it gives a model in the middle of its run or a sentence that begins with the
 * file. Its checksum would hide the rest from a fuzzer: it is set right, too. */
#include "lib/io/checkpoint.h"
#include "tests/fuzz/fuzz.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

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

/* 32 digits after the header's beginning: XXH3-128 of the file with zeros in their place. */
static void seal(uint8_t *bytes, size_t length)
{
    static const char beginning[] = "{\"__metadata__\":{\"xxh3\":\"";
    uint8_t *digits = bytes + 8 + sizeof beginning - 1;
    XXH128_canonical_t sum;
    char text[33];
    if (length < 8 + sizeof beginning - 1 + 32 || memcmp(bytes + 8, beginning, sizeof beginning - 1)) return;
    memset(digits, '0', 32);
    XXH128_canonicalFromHash(&sum, XXH3_128bits(bytes, length));
    for (int i = 0; i < 16; i++) snprintf(text + 2 * i, 3, "%02x", sum.digest[i]);
    memcpy(digits, text, 32);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    try_to_read(bytes, length);
    uint8_t *copy = malloc(length + !length);
    memcpy(copy, bytes, length);
    seal(copy, length);
    try_to_read(copy, length);
    free(copy);
    return 0;
}
