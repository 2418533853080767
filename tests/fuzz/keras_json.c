/* SPDX-License-Identifier: BSD-2-Clause
 * Whatever JSON holds, it takes no more memory than is said beforehand, and Keras' config in it gives a model or a
 * sentence; what is written of a model that was read is read as the same model. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io/json.h"
#include "lib/io/json_text.h"
#include "lib/io/keras.h"
#include "tests/fuzz/fuzz.h"
#include "tests/held.h"

static void check_again(fcnn_model *model)
{
    fcnn_model *again;
    json_t *first = io_keras_model_config(model);
    EXPECT(first && !io_keras_read_model(&again, first, "again"));
    json_t *second = io_keras_model_config(again);
    EXPECT(json_equal(first, second));
    json_decref(first);
    json_decref(second);
    fcnn_model_destroy(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    json_t *config;
    fcnn_model *model;
    fcnn_compile_options options = {0};
    fcnn_file_info info = {0};
    if (!held_most) held_count();
    held_most = 1;
    const fcnn_status parsed = io_json_parse(&config, (const char *)bytes, length, "fuzz");
    EXPECT(held_most <= io_json_memory((const char *)bytes, length));
    if (parsed) return 0;
    const fcnn_status status = io_keras_read_model(&model, config, "fuzz");
    EXPECT(status ? !model && !strncmp(fcnn_io_last_error(), "fuzz:", 5) : model != NULL);
    if (!status) check_again(model);
    io_keras_read_training(&options, config, "fuzz");
    io_keras_note_losses(config, &info);
    json_decref(config);
    fcnn_model_destroy(model);
    return 0;
}
