/* SPDX-License-Identifier: BSD-2-Clause
 * Whatever a text holds, reading it gives a model or a sentence with a place; the text of a model that is read and
 * written again is the same text. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io/text.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    fcnn_model *model, *again;
    fcnn_compile_options compile;
    int compiles;
    char *first, *second;
    if (io_text_parse(&model, &compile, &compiles, (const char *)bytes, length, "fuzz")) {
        EXPECT(!model && !strncmp(fcnn_io_last_error(), "fuzz:", 5));
        return 0;
    }
    if (!io_text_format(&first, model, "fuzz")) {
        EXPECT(!io_text_parse(&again, &compile, &compiles, first, strlen(first), "again"));
        EXPECT(!io_text_format(&second, again, "again") && !strcmp(first, second));
        fcnn_model_destroy(again);
        free(first);
        free(second);
    }
    fcnn_model_destroy(model);
    return 0;
}
