/* SPDX-License-Identifier: BSD-2-Clause
 * What each format of model files has behind fcnn_model_load() and fcnn_model_save(). Options and info are never NULL;
 * info is zeroed, and a reader fills in all but the format. Where a reader fails *model is NULL. */
#ifndef FCNN_IO_MODELS_H
#define FCNN_IO_MODELS_H

#include "lib/io/fastcnn_io.h"

fcnn_status io_h5_load(fcnn_model **model, const char *path, const fcnn_load_options *options, fcnn_file_info *info);
fcnn_status io_h5_save(const fcnn_model *model, const char *path, const fcnn_save_options *options);

fcnn_status io_keras_load(fcnn_model **model, const char *path, const fcnn_load_options *options,
                          fcnn_file_info *info);
fcnn_status io_keras_save(const fcnn_model *model, const char *path, const fcnn_save_options *options);

fcnn_status io_weights_h5_save(const fcnn_model *model, const char *path, const fcnn_save_options *options);
/* Weights alone, of whatever layout an HDF5 file has, into a compiled model that is as it was after a failure. */
fcnn_status io_h5_load_weights(fcnn_model *model, const char *path);

fcnn_status io_safetensors_load(fcnn_model **model, const char *path, const fcnn_load_options *options,
                                fcnn_file_info *info);
fcnn_status io_safetensors_load_weights(fcnn_model *model, const char *path); /* as io_h5_load_weights() */
fcnn_status io_safetensors_save(const fcnn_model *model, const char *path, const fcnn_save_options *options);

fcnn_status io_onnx_save(const fcnn_model *model, const char *path, const fcnn_save_options *options);

fcnn_status io_text_load(fcnn_model **model, const char *path, const fcnn_load_options *options,
                         fcnn_file_info *info);
fcnn_status io_text_save(const fcnn_model *model, const char *path, const fcnn_save_options *options);

/* What pixels become where the file does not say: a model that scales before it computes takes them as they are. */
void io_note_scale(const fcnn_model *model, fcnn_file_info *info);

/* The format that a file's name ends like; FCNN_FORMAT_AUTO: none. */
fcnn_format io_format_of_name(const char *path);

#endif
