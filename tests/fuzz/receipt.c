/* SPDX-License-Identifier: BSD-2-Clause
 * Whatever a receipt holds, reading it gives a run that can be tried again or a sentence that begins with the file. The
 * hash in it would hide all that is behind it from a fuzzer: JSON gets the hash of its text, too. */
#include "lib/io/receipt.h"
#include "tests/fuzz/fuzz.h"

static void parse(const char *text, size_t length)
{
    struct fcnn_receipt_file file;
    const fcnn_status status = fcnn_receipt_parse(&file, text, length, "fuzz");
    EXPECT(!status || (status == FCNN_BAD_DATA && fuzz_names(fcnn_io_last_error(), "fuzz")));
    if (!status) {
        EXPECT(file.json && *file.model && *file.math && file.kind && strlen(file.data) == 64);
        EXPECT(file.images >= 1 && file.fit.batch_size >= 1 && file.fit.epochs >= 0 && file.steps >= 0);
        EXPECT(file.fit.validation_split >= 0 && file.fit.validation_split < 1);
        EXPECT(json_array_size(json_object_get(file.json, "epochs")) == (size_t)file.fit.epochs);
        EXPECT(!fcnn_receipt_differs(file.json, file.json, 0, &(struct fcnn_receipt_difference){{0}}));
    }
    fcnn_receipt_close(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    parse((const char *)bytes, length);
    json_t *json = json_loadb((const char *)bytes, length, 0, NULL);
    char *text = json_is_object(json) ? fcnn_receipt_text(json) : NULL;
    if (text) parse(text, strlen(text));
    free(text);
    json_decref(json);
    return 0;
}
