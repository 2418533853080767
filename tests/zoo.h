/* SPDX-License-Identifier: BSD-2-Clause
 * Models as text that between them have every kind of layer, every setting and every optimizer: for file formats. */
#ifndef FCNN_TESTS_ZOO_H
#define FCNN_TESTS_ZOO_H

#include "lib/fastcnn.h"

extern const char *const zoo[];
extern const int zoo_count;

/* Compiled as the text says, every number of it drawn anew: biases and moving statistics too. */
fcnn_model *zoo_make(int number);
/* Some images and labels for it; free() both. */
void zoo_data(const fcnn_model *model, int n, float **x, int32_t **y);
/* Both have the same layers and the same bits in each array. */
void zoo_same(const fcnn_model *a, const fcnn_model *b, int with_state);

#endif
