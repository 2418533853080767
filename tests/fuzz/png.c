/* SPDX-License-Identifier: BSD-2-Clause
 * Whatever a PNG file holds, reading it gives a picture or a sentence, and a picture is read again as it was written or
 * seen by a network without harm. The same with the checksums of its chunks set right. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/io/png.h"
#include "lib/io/sight.h"
#include "tests/fuzz/repair.h"

static void look(const fcnn_picture *picture, int64_t channels)
{
    struct fcnn_sight sight;
    const fcnn_status status = fcnn_sight_make(&sight, picture, 28, 28, channels, NULL, "fuzz");
    EXPECT(status ? !sight.x && *fcnn_io_last_error() : sight.x != NULL);
    for (int64_t i = 0; i < 28 * 28 * channels && !status; i++) EXPECT(sight.x[i] >= 0 && sight.x[i] <= 1);
    fcnn_sight_free(&sight);
}

static void decode(const uint8_t *bytes, size_t length)
{
    fcnn_picture picture;
    FILE *file = length ? fmemopen((void *)(uintptr_t)bytes, length, "rb") : NULL;
    if (!file) return;
    const fcnn_status status = fcnn_png_decode(&picture, file, (int64_t)length, "fuzz");
    fclose(file);
    EXPECT(status ? status == FCNN_BAD_DATA && !picture.pixels && fuzz_names(fcnn_io_last_error(), "fuzz")
                  : picture.h > 0 && picture.w > 0 && picture.c > 0);
    if (!status && picture.h * picture.w <= 1 << 16) {
        look(&picture, 1);
        look(&picture, 3);
    }
    fcnn_picture_free(&picture);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    uint8_t *repaired = fuzz_repair_png(bytes, length);
    decode(bytes, length);
    decode(repaired, length);
    free(repaired);
    return 0;
}
