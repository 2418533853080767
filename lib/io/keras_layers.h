/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FCNN_IO_KERAS_LAYERS_H
#define FCNN_IO_KERAS_LAYERS_H

#include "lib/io/json.h"

/* A layer of Keras' class `class_name` from its config, without its name. flat: its input is a vector, not an image.
 * FCNN_BAD_DATA: what this library does not have, by name. */
fcnn_status io_keras_read_layer(fcnn_layer *layer, const struct io_members *config, const char *class_name, int flat);

/* The name in a layer's dtype: "float32" itself, or the policy object of Keras 2.4 to 3. NULL: none. */
const char *io_keras_dtype(const json_t *dtype);

#endif
