/* SPDX-License-Identifier: BSD-2-Clause
 * What fuzz targets share. */
#ifndef FCNN_FUZZ_H
#define FCNN_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/fastcnn.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* A finding. */
#define EXPECT(condition) \
    do { if (!(condition)) { fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); abort(); } } while (0)

/* A compiled model that a few weights fit. */
static inline fcnn_model *fuzz_model(void)
{
    fcnn_model *model;
    EXPECT(!fcnn_model_create(&model, 1, 1, 2) && !fcnn_add_dense(model, 3, FCNN_LINEAR) && !fcnn_compile(model, NULL));
    return model;
}

#endif
