/* SPDX-License-Identifier: BSD-2-Clause
 *
 * libfastcnn-io: files of models and pictures for libfastcnn. Another library, so that the kernels need nothing but
 * libc, libm and OpenMP; this one needs HDF5, libpng, zlib, jansson and nettle, or refuses what it was built without.
 *
 * Functions that fail leave a sentence for people in fcnn_io_last_error(), which names the file and the field, layer or
 * offset. Thread-safe for different models and files. Files are read with bounded memory: sizes are checked against the
 * file's own length and the model's shapes before anything is allocated. Written files replace what was there only when
 * they are complete. */
#ifndef FASTCNN_IO_H
#define FASTCNN_IO_H

#include "fastcnn.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The sentence of this thread's last failure in this library; "" before the first. Valid until the next call. */
FCNN_API const char *fcnn_io_last_error(void);

/* ---- models ---- */

typedef enum fcnn_format {
    FCNN_FORMAT_AUTO,        /* reading: by the file's first bytes; writing: by the name's end */
    FCNN_FORMAT_H5,          /* .h5 .hdf5: Keras' legacy whole model */
    FCNN_FORMAT_KERAS,       /* .keras: Keras 3's zip */
    FCNN_FORMAT_WEIGHTS_H5,  /* .weights.h5: weights alone, read into a model */
    FCNN_FORMAT_SAFETENSORS, /* .safetensors, with the layers in its metadata */
    FCNN_FORMAT_ONNX,        /* .onnx: written only */
    FCNN_FORMAT_TEXT,        /* .txt .model: layers alone, docs/models.md has the grammar */
} fcnn_format;

/* Zero-initialise. */
typedef struct fcnn_load_options {
    fcnn_format format;
    const fcnn_options *kernels;        /* for fcnn_compile(); NULL: defaults */
    const fcnn_compile_options *compile; /* in place of what the file says of training; NULL: the file's, else Keras'
                                         * defaults. Its `kernels` is not read */
    int not_compiled;                   /* layers alone: the model is not compiled and has no weights */
} fcnn_load_options;

/* What was found in a file beside the model. */
typedef struct fcnn_file_info {
    fcnn_format format;
    char producer[64];      /* "Keras 2.4.0", "libfastcnn 0.1.0"; "" where nothing says */
    int has_weights, has_training, has_state; /* weights; how it was compiled; the optimizer's state */
    int has_scale;          /* input_scale and _offset were in the file */
    double input_scale, input_offset; /* pixels 0..255 times scale plus offset are the model's input; 1/255, 0 where
                             * nothing says: no Keras file has them */
    char remark[256];       /* what was not taken over, or is not as in Keras, for people; "" nothing */
} fcnn_file_info;

/* Reads a model: layers, weights, how it was compiled, the optimizer's state. *model is the caller's to destroy, NULL
 * after a failure. options and info may be NULL.
 * FCNN_NO_FILE: it cannot be read; FCNN_BAD_DATA: it is damaged, or uses what this library does not have, by name;
 * FCNN_OUT_OF_MEMORY; what fcnn_compile() returns of kernels and of the caller's `compile`. */
FCNN_API fcnn_status fcnn_model_load_sized(fcnn_model **model, const char *path, const fcnn_load_options *options,
                                           size_t options_size, size_t kernels_size, size_t compile_size,
                                           fcnn_file_info *info, size_t info_size);
FCNN_INLINE fcnn_status fcnn_model_load(fcnn_model **model, const char *path, const fcnn_load_options *options,
                                        fcnn_file_info *info)
{
    return fcnn_model_load_sized(model, path, options, sizeof *options, sizeof(fcnn_options),
                                 sizeof(fcnn_compile_options), info, sizeof *info);
}

/* Reads the weights (and nothing else) of any of the formats into a compiled model with the same layers. The model is
 * as it was after a failure. */
FCNN_API fcnn_status fcnn_model_load_weights(fcnn_model *model, const char *path);

typedef struct fcnn_save_options {
    fcnn_format format;
    int without_state;                /* leave out the optimizer's state */
    double input_scale, input_offset; /* both 0: nothing is said of the input; finite */
} fcnn_save_options;

/* Writes a model. FCNN_NO_FILE: the file cannot be made or written, with the system's words; FCNN_BAD_ARGUMENT: no
 * format has that name's end, or the format cannot hold this model, and why. What was there before stays then. */
FCNN_API fcnn_status fcnn_model_save_sized(const fcnn_model *model, const char *path, const fcnn_save_options *options,
                                           size_t size);
FCNN_INLINE fcnn_status fcnn_model_save(const fcnn_model *model, const char *path, const fcnn_save_options *options)
{
    return fcnn_model_save_sized(model, path, options, sizeof *options);
}

/* "h5", "keras", "weights.h5", "safetensors", "onnx", "text"; "unknown". */
FCNN_API const char *fcnn_format_name(fcnn_format format);

/* ---- checkpoints: a training run in a file, from which it goes on as if it had not stopped ---- */

/* Zero-initialise. */
typedef struct fcnn_checkpoint_options {
    double input_scale, input_offset; /* as in fcnn_save_options */
    const char *program;              /* UTF-8: what the caller wants to have back. NULL: nothing */
    const fcnn_snapshot *best;        /* the best epoch of this run, as fcnn_early_stopping keeps it; NULL: none */
} fcnn_checkpoint_options;

/* Writes all that the model's run is, also in a callback of fcnn_fit(): a safetensors file that fcnn_model_load() reads
 * as a model, whatever its name ends with. The file is the old one or the whole new one at any moment, and on the disk
 * when this returns. FCNN_NO_FILE: it cannot be made or written, with the system's words; FCNN_BAD_ARGUMENT: the model
 * is not compiled, `best` is of another run; FCNN_OUT_OF_MEMORY. What was there before stays then. */
FCNN_API fcnn_status fcnn_checkpoint_save_sized(const fcnn_model *model, const char *path,
                                                const fcnn_checkpoint_options *options, size_t size);
FCNN_INLINE fcnn_status fcnn_checkpoint_save(const fcnn_model *model, const char *path,
                                             const fcnn_checkpoint_options *options)
{
    return fcnn_checkpoint_save_sized(model, path, options, sizeof *options);
}

/* What was in a checkpoint beside the model. fcnn_checkpoint_free() frees it. */
typedef struct fcnn_checkpoint {
    char *program;       /* NULL: none */
    fcnn_snapshot *best; /* NULL: none */
} fcnn_checkpoint;

/* Reads one: *model is compiled as it was and stands where it stood, within an epoch too; an equal fcnn_fit() goes on
 * with the same bits, metrics and in the end the same receipt, whatever `kernels` says of threads and instruction sets.
 * fcnn_model_get_state() tells how many epochs there were. kernels, checkpoint and info may be NULL; *model is the
 * caller's to destroy, NULL after a failure.
 * FCNN_NO_FILE; FCNN_BAD_DATA: it is no checkpoint, a byte of it is not as it was written (there is a checksum over
 * all), or other numerics than this library's made it; FCNN_OUT_OF_MEMORY; what fcnn_compile() returns. */
FCNN_API fcnn_status fcnn_checkpoint_load_sized(fcnn_model **model, const char *path, const fcnn_options *kernels,
                                                size_t kernels_size, fcnn_checkpoint *checkpoint,
                                                size_t checkpoint_size, fcnn_file_info *info, size_t info_size);
FCNN_INLINE fcnn_status fcnn_checkpoint_load(fcnn_model **model, const char *path, const fcnn_options *kernels,
                                             fcnn_checkpoint *checkpoint, fcnn_file_info *info)
{
    return fcnn_checkpoint_load_sized(model, path, kernels, sizeof *kernels, checkpoint, sizeof *checkpoint, info,
                                      sizeof *info);
}
FCNN_API void fcnn_checkpoint_free(fcnn_checkpoint *checkpoint); /* what it points to; NULL is fine */

/* ---- pictures ---- */

/* 8 bits per channel, rows from the top, channels side by side: 1 grey, 2 grey + alpha, 3 RGB, 4 RGBA. */
typedef struct fcnn_picture {
    int64_t h, w, c;
    unsigned char *pixels; /* (h, w, c), the caller's: fcnn_picture_free() */
} fcnn_picture;

/* PNG of any kind; 16 bits become 8, palettes colours. FCNN_NO_FILE, FCNN_BAD_DATA (also: more than 2^26 pixels),
 * FCNN_OUT_OF_MEMORY. */
FCNN_API fcnn_status fcnn_picture_read(fcnn_picture *picture, const char *path);
FCNN_API fcnn_status fcnn_picture_write(const fcnn_picture *picture, const char *path);
FCNN_API void fcnn_picture_free(fcnn_picture *picture);

#ifdef __cplusplus
}
#endif
#endif
