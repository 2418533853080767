/* SPDX-License-Identifier: BSD-2-Clause
 * Attributes that Keras does not look at: the seed, the shards and the epochs, without which training does not go on as
 * it would have, and what pixels become. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io/fail.h"
#include "lib/io/keras_files.h"

static fcnn_status read_seed(struct io_notes *notes, struct io_h5 *h5)
{
    char *text, *end;
    IO_TRY(io_h5_text(h5, h5->root, "fastcnn_seed", &text));
    if (!text) return FCNN_OK;
    errno = 0;
    notes->seed = strtoull(text, &end, 10);
    notes->has_training = *text >= '0' && *text <= '9' && !*end && !errno;
    free(text);
    return notes->has_training ? FCNN_OK
                               : fcnn_io_fail(FCNN_BAD_DATA, "%s: fastcnn_seed is no number", h5->path);
}

static fcnn_status read_count(struct io_h5 *h5, const char *name, double most, double *value)
{
    int found;
    IO_TRY(io_h5_number(h5, h5->root, name, value, &found));
    if (!found || (*value >= 0 && *value <= most && *value == floor(*value))) return FCNN_OK;
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: %s is %g", h5->path, name, *value);
}

static fcnn_status read_scale(struct io_notes *notes, struct io_h5 *h5)
{
    int has_offset;
    IO_TRY(io_h5_number(h5, h5->root, "fastcnn_input_scale", &notes->scale, &notes->has_scale));
    IO_TRY(io_h5_number(h5, h5->root, "fastcnn_input_offset", &notes->offset, &has_offset));
    if (!notes->has_scale || (isfinite(notes->scale) && isfinite(notes->offset))) return FCNN_OK;
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: fastcnn_input_scale is %g, its offset %g", h5->path, notes->scale,
                        notes->offset);
}

fcnn_status io_notes_read(struct io_notes *notes, struct io_h5 *h5)
{
    double shards = 0, epochs = 0;
    char *version;
    *notes = (struct io_notes){0};
    IO_TRY(io_h5_text(h5, h5->root, "fastcnn_version", &version));
    if (version) snprintf(notes->version, sizeof notes->version, "%s", version);
    free(version);
    IO_TRY(read_seed(notes, h5));
    IO_TRY(read_count(h5, "fastcnn_shards", FCNN_MAX_SHARDS, &shards));
    IO_TRY(read_count(h5, "fastcnn_epochs", UINT32_MAX, &epochs));
    notes->shards = (int)shards;
    notes->epochs = (int64_t)epochs;
    return read_scale(notes, h5);
}

fcnn_status io_notes_write(struct io_h5_new *h5, const fcnn_model *model, const fcnn_save_options *options)
{
    fcnn_compile_options compiled;
    fcnn_state state;
    char seed[24];
    if (fcnn_model_compile_options(model, &compiled) || fcnn_model_get_state(model, &state))
        return fcnn_io_fail_as(FCNN_BAD_ARGUMENT, h5->path);
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)compiled.seed);
    IO_TRY(io_h5_put_text(h5, h5->file, "fastcnn_version", fcnn_version()));
    IO_TRY(io_h5_put_text(h5, h5->file, "fastcnn_seed", seed));
    IO_TRY(io_h5_put_number(h5, h5->file, "fastcnn_shards", compiled.shards));
    if (!options->without_state)
        IO_TRY(io_h5_put_number(h5, h5->file, "fastcnn_epochs", (double)state.epochs));
    if (options->input_scale == 0 && options->input_offset == 0) return FCNN_OK;
    IO_TRY(io_h5_put_number(h5, h5->file, "fastcnn_input_scale", options->input_scale));
    return io_h5_put_number(h5, h5->file, "fastcnn_input_offset", options->input_offset);
}
