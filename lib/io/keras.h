/* SPDX-License-Identifier: BSD-2-Clause
 * Keras' descriptions of models in JSON. Two spellings: that of .h5 files, which Keras 2 and 3 read, with as few keys
 * as they need, as each Keras refuses keys of later ones; and that of Keras 3's .keras files. */
#ifndef FCNN_IO_KERAS_H
#define FCNN_IO_KERAS_H

#include <jansson.h>

#include "lib/io/fastcnn_io.h"

/* {"class_name":"Sequential","config":{...}}, as in the attribute model_config of .h5 files. NULL: no memory. */
json_t *io_keras_model_config(const fcnn_model *model);
/* {"optimizer_config":...,"loss":...}, as in the attribute training_config, of a compiled model. NULL: no memory. */
json_t *io_keras_training_config(const fcnn_model *model);

/* config.json of a .keras file, of a compiled model. NULL: no memory. */
json_t *io_keras3_config(const fcnn_model *model);
/* The compile_config in it. */
json_t *io_keras3_compile_config(const fcnn_model *model);

/* The model that any of these describes: of Keras 2.0 to 3, sequential, or functional where it is one chain of layers.
 * Not compiled. `where`, the file, begins the sentences. FCNN_BAD_DATA: what this library does not have, by name;
 * FCNN_BAD_SHAPE: as fcnn_add_layer() says it. *model is NULL then. */
fcnn_status io_keras_read_model(fcnn_model **model, const json_t *config, const char *where);

/* A training_config, or a compile_config, as options; the members that Keras does not have are left as they are.
 * FCNN_BAD_DATA: what this library does not have, by name; *options is as it was then. */
fcnn_status io_keras_read_training(fcnn_compile_options *options, const json_t *config, const char *where);

/* Whether the loss of a training_config or compile_config is binary cross-entropy, which is not had here: 1 of
 * probabilities, 2 of logits, 0: it is another one. */
int io_keras_binary_loss(const json_t *config);

/* Appends a sentence to info->remark, as far as there is room. */
void io_keras_remark(fcnn_file_info *info, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Says there what of the layers has no effect on predictions and is not taken over. */
void io_keras_note_losses(const json_t *config, fcnn_file_info *info);

/* ---- for the readers ---- */

#define IO_KERAS_MOST_LAYERS 1000

/* The layers of a model's config in the order in which they run: a new array of {"class_name":...,"config":...}. */
fcnn_status io_keras_chain(json_t **chain, const json_t *config, const char *where);
/* Whether an entry of the chain is a layer of the model that io_keras_read_model() makes; what only says a shape is
 * none. */
int io_keras_is_layer(const json_t *entry);
/* Whether it is a Reshape to one dimension: Flatten in other words. */
int io_keras_flattens(const json_t *entry);
const char *io_keras_class(const json_t *entry); /* "" for none */
const char *io_keras_name(const json_t *entry);
/* What the model's layer is called in the chain; "" for none. */
const char *io_keras_layer_name(const json_t *chain, int layer);

#endif
