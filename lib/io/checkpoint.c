/* SPDX-License-Identifier: BSD-2-Clause
 * Checkpoints, written and read. See checkpoint.h. */
#include "lib/io/checkpoint.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "lib/io/fail.h"
#include "lib/io/json.h"
#include "lib/io/models.h"
#include "lib/io/number.h"
#include "lib/io/safetensors.h"
#include "lib/io/whole.h"
#include "lib/sized.h"

#define MOST_BYTES ((int64_t)1 << 40)
#define FORMAT     1
#define DIGITS     32 /* of the checksum */
#define ZEROS      "00000000000000000000000000000000"

static const char beginning[] = "{\"__metadata__\":{\"xxh3\":\""; /* of the header; the checksum follows */
#define BEGINNING (sizeof beginning - 1)

/* ---- the checksum ---- */

struct part {
    const void *bytes;
    size_t count;
};

static void sum(const struct part *parts, int count, char digits[DIGITS + 1])
{
    XXH3_state_t state;
    XXH128_canonical_t bytes;
    XXH3_128bits_reset(&state);
    for (int i = 0; i < count; i++)
        if (parts[i].count) XXH3_128bits_update(&state, parts[i].bytes, parts[i].count);
    XXH128_canonicalFromHash(&bytes, XXH3_128bits_digest(&state));
    io_number_hex(digits, bytes.digest, DIGITS / 2);
}

/* The header begins as above, with zeros in place of the digits. */
static void seal(char *header, size_t length, const float *data, size_t count)
{
    static const char blanks[8] = "        ";
    char digits[DIGITS + 1];
    const size_t padding = (8 - length % 8) % 8;
    const uint64_t announced = length + padding;
    const struct part parts[] = {
        {&announced, sizeof announced}, {header, length}, {blanks, padding}, {data, count * sizeof *data}};
    sum(parts, 4, digits);
    memcpy(header + BEGINNING, digits, DIGITS);
}

#define SEAL (sizeof(uint64_t) + BEGINNING) /* where the digits are in a file */

/* 0: the bytes do not begin like a checkpoint. */
static int sum_file(const unsigned char *bytes, size_t count, char digits[DIGITS + 1])
{
    const size_t behind = SEAL + DIGITS;
    if (count < behind || memcmp(bytes + sizeof(uint64_t), beginning, BEGINNING) != 0) return 0;
    sum((const struct part[]){{bytes, SEAL}, {ZEROS, DIGITS}, {bytes + behind, count - behind}}, 3, digits);
    return 1;
}

void io_checkpoint_seal(unsigned char *bytes, size_t count)
{
    char digits[DIGITS + 1];
    if (sum_file(bytes, count, digits)) memcpy(bytes + SEAL, digits, DIGITS);
}

static fcnn_status check_seal(const unsigned char *bytes, size_t count, const char *path)
{
    char digits[DIGITS + 1];
    if (!sum_file(bytes, count, digits))
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: it is no checkpoint: a checkpoint begins with its checksum", path);
    if (!memcmp(bytes + SEAL, digits, DIGITS)) return FCNN_OK;
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: it is damaged: its %zu bytes have the checksum %s, where it says %.32s",
                        path, count, digits, (const char *)bytes + SEAL);
}

/* ---- writing ---- */

/* What was kept of another run would go on as if it were of this one. */
static fcnn_status check_best(const fcnn_model *model, const fcnn_snapshot *best, const char *path)
{
    fcnn_receipt run, then;
    fcnn_status status = fcnn_model_receipt(model, &run);
    if (!status) status = fcnn_snapshot_receipt(best, model, &then);
    if (status) return fcnn_io_fail_as(status, path);
    if (run.given == then.given && run.first_step == then.first_step && !strcmp(run.data, then.data)) return FCNN_OK;
    return fcnn_io_fail(FCNN_BAD_ARGUMENT, "%s: the best epoch's snapshot is of another run", path);
}

static json_t *best_json(const fcnn_model *model, const fcnn_snapshot *best)
{
    fcnn_receipt run;
    fcnn_state state;
    if (fcnn_snapshot_receipt(best, model, &run) || fcnn_snapshot_get_state(best, &state)) return NULL;
    return json_pack("{s:o, s:o}", "run", io_checkpoint_run(&run), "state", io_checkpoint_state(&state));
}

static json_t *checkpoint_json(const struct io_writing *w, const fcnn_receipt *run, const fcnn_snapshot *best)
{
    json_t *json = json_pack("{s:i, s:o, s:o}", "format", FORMAT, "run", io_checkpoint_run(run), "state",
                             io_checkpoint_state(&w->state));
    if (!best || !json || !json_object_set_new(json, "best", best_json(w->model, best))) return json;
    json_decref(json);
    return NULL;
}

static fcnn_status put_sets(struct io_writing *w, int initial, const fcnn_snapshot *best)
{
    const int64_t count = fcnn_model_parameters(w->model);
    float *packed = malloc(count ? (size_t)count * sizeof *packed : 1);
    fcnn_status status = FCNN_OK;
    w->failed |= !packed;
    for (int i = 0; packed && !status && initial && i < 3; i++) {
        const int array = FCNN_ARRAY_INITIAL_WEIGHTS + i;
        status = fcnn_model_get_array(w->model, (fcnn_array)array, packed, count);
        if (!status) io_writing_set(w, array, packed);
    }
    for (int i = 0; packed && !status && best && i < 3; i++) {
        status = fcnn_snapshot_get_array(best, (fcnn_array)i, packed, count);
        if (!status) io_writing_set(w, IO_BEST + i, packed);
    }
    free(packed);
    return status;
}

static fcnn_status write_checkpoint(struct io_writing *w, const char *path, const fcnn_checkpoint_options *options)
{
    fcnn_receipt run;
    fcnn_status status = fcnn_model_receipt(w->model, &run);
    const int initial = !status && run.given && *run.data;
    if (status) return fcnn_io_fail_as(status, path);
    w->extra_sets = 3 * initial + 3 * (options->best != NULL);
    IO_TRY(io_writing_begin(w, path));
    io_writing_document(w, "checkpoint", checkpoint_json(w, &run, options->best));
    if (options->program) io_writing_text(w, "program", options->program);
    status = put_sets(w, initial, options->best);
    return status ? fcnn_io_fail_as(status, path) : io_writing_end(w, path);
}

static fcnn_status check_options(const fcnn_checkpoint_options *options, const char *path)
{
    if (!isfinite(options->input_scale) || !isfinite(options->input_offset))
        return fcnn_io_fail(FCNN_BAD_ARGUMENT, "%s: the input's scale is %g, its offset %g", path,
                            options->input_scale, options->input_offset);
    json_t *text = options->program ? json_string(options->program) : NULL;
    const int bad = options->program && !text;
    json_decref(text);
    return bad ? fcnn_io_fail(FCNN_BAD_ARGUMENT, "%s: the program's text is not UTF-8, or there is no memory", path)
               : FCNN_OK;
}

fcnn_status fcnn_checkpoint_save_sized(const fcnn_model *model, const char *path,
                                       const fcnn_checkpoint_options *options, size_t size)
{
    fcnn_checkpoint_options taken;
    if (!model || !path) return fcnn_io_fail(FCNN_BAD_ARGUMENT, "%s is NULL", model ? "path" : "model");
    if (!fcnn_sized_take(&taken, sizeof taken, options, size))
        return fcnn_io_fail(FCNN_BAD_ARGUMENT,
                            "fcnn_checkpoint_options has members set that this library does not know");
    IO_TRY(check_options(&taken, path));
    if (taken.best) IO_TRY(check_best(model, taken.best, path));
    const fcnn_save_options saving = {.input_scale = taken.input_scale, .input_offset = taken.input_offset};
    struct io_writing w = {.model = model, .options = &saving, .always_state = 1, .first = "xxh3",
                           .first_text = ZEROS, .seal = seal};
    const fcnn_status status = write_checkpoint(&w, path, &taken);
    io_writing_free(&w);
    return status;
}

/* ---- reading ---- */

/* A file in memory, and its model. */
struct reading {
    struct io_safetensors file;
    json_t *json;
    fcnn_model *model;
    float *initial; /* NULL: none */
};

static fcnn_status parse(struct reading *r)
{
    char where[300];
    const char *text = io_safetensors_metadata(&r->file, "checkpoint");
    if (!text) return fcnn_io_fail(FCNN_BAD_DATA, "%s: its __metadata__ have no 'checkpoint'", r->file.path);
    snprintf(where, sizeof where, "%.200s: checkpoint", r->file.path);
    IO_TRY(io_json_parse(&r->json, text, strlen(text), where));
    const json_t *format = json_object_get(r->json, "format");
    if (json_is_integer(format) && json_integer_value(format) == FORMAT) return FCNN_OK;
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: the checkpoint's format is not %d: another version of this library wrote "
                        "it", r->file.path, FORMAT);
}

/* Weights, moments and state from the tensors of `set` on, then the run that they are of. */
static fcnn_status set_run(struct reading *r, const json_t *json, const char *name, int set)
{
    char where[300];
    fcnn_receipt run;
    fcnn_state state;
    const json_t *run_json = json_object_get(json, "run");
    snprintf(where, sizeof where, "%.200s: %s", r->file.path, name);
    IO_TRY(io_checkpoint_read_state(json_object_get(json, "state"), where, &state));
    for (int array = FCNN_ARRAY_WEIGHTS; array <= FCNN_ARRAY_MOMENT_2; array++)
        IO_TRY(io_safetensors_fill(&r->file, r->model, set + array, (fcnn_array)array));
    fcnn_status status = fcnn_model_set_state(r->model, &state);
    if (!status) status = fcnn_model_receipt(r->model, &run);
    if (status) return fcnn_io_fail(FCNN_BAD_DATA, "%s: %s", where, fcnn_last_error());
    IO_TRY(io_checkpoint_read_run(run_json, where, &run));
    const int given = run.given && *run.data;
    status = fcnn_model_continue_run(r->model, &run, given ? r->initial : NULL,
                                     3 * fcnn_model_parameters(r->model));
    if (!status) return FCNN_OK;
    return fcnn_io_fail(status == FCNN_OUT_OF_MEMORY ? status : FCNN_BAD_DATA, "%s: %s", where, fcnn_last_error());
}

static fcnn_status read_initial(struct reading *r)
{
    const json_t *run = json_object_get(r->json, "run");
    const char *data = json_string_value(json_object_get(run, "data"));
    const int64_t count = fcnn_model_parameters(r->model);
    if (!json_is_true(json_object_get(run, "given")) || !data || !*data) return FCNN_OK;
    r->initial = calloc(count ? 3 * (size_t)count : 1, sizeof *r->initial);
    if (!r->initial) return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory for the initial weights", r->file.path);
    for (int i = 0; i < 3; i++)
        IO_TRY(io_safetensors_copy(&r->file, r->model, FCNN_ARRAY_INITIAL_WEIGHTS + i, r->initial + i * count));
    return FCNN_OK;
}

static fcnn_status read_best(struct reading *r, fcnn_snapshot **best)
{
    const json_t *json = json_object_get(r->json, "best");
    if (!json) return FCNN_OK;
    IO_TRY(set_run(r, json, "best", IO_BEST));
    const fcnn_status status = fcnn_snapshot_take(best, r->model);
    return status ? fcnn_io_fail_as(status, r->file.path) : FCNN_OK;
}

static fcnn_status read_program(const struct reading *r, char **program)
{
    const char *text = io_safetensors_metadata(&r->file, "program");
    *program = text ? strdup(text) : NULL;
    if (!text || *program) return FCNN_OK;
    return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory for its program's text", r->file.path);
}

static fcnn_status read_open(struct reading *r, const fcnn_options *kernels, fcnn_checkpoint *checkpoint,
                             fcnn_file_info *info)
{
    const fcnn_load_options options = {.kernels = kernels};
    IO_TRY(parse(r));
    IO_TRY(io_safetensors_model(&r->file, &r->model, &options, info));
    IO_TRY(read_initial(r));
    IO_TRY(read_best(r, &checkpoint->best));
    IO_TRY(set_run(r, r->json, "checkpoint", FCNN_ARRAY_WEIGHTS));
    return read_program(r, &checkpoint->program);
}

fcnn_status io_checkpoint_read(fcnn_model **model, const unsigned char *bytes, size_t count, const char *path,
                               const fcnn_options *kernels, fcnn_checkpoint *checkpoint, fcnn_file_info *info)
{
    struct reading r = {.json = NULL};
    *model = NULL;
    *checkpoint = (fcnn_checkpoint){.program = NULL};
    IO_TRY(check_seal(bytes, count, path));
    IO_TRY(io_safetensors_open(&r.file, bytes, count, path));
    const fcnn_status status = read_open(&r, kernels, checkpoint, info);
    io_safetensors_close(&r.file);
    json_decref(r.json);
    free(r.initial);
    if (!status) {
        *model = r.model;
        return FCNN_OK;
    }
    fcnn_model_destroy(r.model);
    fcnn_checkpoint_free(checkpoint);
    return status;
}

fcnn_status fcnn_checkpoint_load_sized(fcnn_model **model, const char *path, const fcnn_options *kernels,
                                       size_t kernels_size, fcnn_checkpoint *checkpoint, size_t checkpoint_size,
                                       fcnn_file_info *info, size_t info_size)
{
    unsigned char *bytes;
    size_t count;
    fcnn_options taken;
    fcnn_checkpoint found;
    fcnn_file_info about = {.format = FCNN_FORMAT_SAFETENSORS};
    if (model) *model = NULL;
    if (!model || !path) return fcnn_io_fail(FCNN_BAD_ARGUMENT, "%s is NULL", model ? "path" : "model");
    if (!fcnn_sized_take(&taken, sizeof taken, kernels, kernels_size))
        return fcnn_io_fail(FCNN_BAD_ARGUMENT, "fcnn_options has members set that this library does not know");
    IO_TRY(io_whole_read(&bytes, &count, path, MOST_BYTES));
    const fcnn_status status = io_checkpoint_read(model, bytes, count, path, kernels ? &taken : NULL, &found, &about);
    free(bytes);
    if (status) return status;
    io_note_scale(*model, &about);
    if (info) FCNN_GIVE(info, info_size, about);
    if (checkpoint) FCNN_GIVE(checkpoint, checkpoint_size, found);
    else fcnn_checkpoint_free(&found);
    return FCNN_OK;
}

void fcnn_checkpoint_free(fcnn_checkpoint *checkpoint)
{
    if (!checkpoint) return;
    free(checkpoint->program);
    fcnn_snapshot_destroy(checkpoint->best);
    checkpoint->program = NULL;
    checkpoint->best = NULL;
}
