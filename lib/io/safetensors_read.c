/* SPDX-License-Identifier: BSD-2-Clause
 * Models from safetensors files, and weights alone from those of others. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io/fail.h"
#include "lib/io/json.h"
#include "lib/io/keras.h"
#include "lib/io/models.h"
#include "lib/io/number.h"
#include "lib/io/safetensors.h"
#include "lib/io/whole.h"

#define MOST_BYTES ((int64_t)1 << 40)

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensors are little-endian floats");

const char *io_safetensors_metadata(const struct io_safetensors *file, const char *key)
{
    return json_string_value(json_object_get(file->metadata, key));
}

/* ---- tensors ---- */

/* Whether the tensor of that name in the file has the shape; absent: 0 and no sentence. */
static int fits(const struct io_safetensors *file, const char *name, const struct io_tensor *tensor)
{
    const json_t *shape = json_object_get(json_object_get(file->header, name), "shape");
    int same = json_array_size(shape) == (size_t)tensor->rank;
    for (int i = 0; same && i < tensor->rank; i++)
        same = json_integer_value(json_array_get(shape, (size_t)i)) == tensor->shape[i];
    return same;
}

static void spell_shape(char text[96], const int64_t *shape, int rank)
{
    *text = 0;
    for (int i = 0; i < rank; i++) {
        const size_t used = strlen(text);
        snprintf(text + used, 96 - used, "%s%lld", i ? "x" : "", (long long)shape[i]);
    }
}

static fcnn_status does_not_fit(const struct io_safetensors *file, const char *name, const struct io_tensor *tensor)
{
    char wanted[96], found[96];
    int64_t sizes[8] = {0};
    const json_t *entry = json_object_get(file->header, name);
    const json_t *shape = json_object_get(entry, "shape");
    const int rank = (int)json_array_size(shape);
    if (!entry) return fcnn_io_fail(FCNN_BAD_DATA, "%s: it has no tensor '%s'", file->path, tensor->name);
    for (int i = 0; i < rank; i++) sizes[i] = json_integer_value(json_array_get(shape, (size_t)i));
    spell_shape(wanted, tensor->shape, tensor->rank);
    spell_shape(found, sizes, rank);
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: tensor '%.200s' is %s; the model's %s is %s", file->path, name, found,
                        tensor->name, wanted);
}

static fcnn_status set_tensor(const struct io_safetensors *file, const char *name, fcnn_model *model, fcnn_array array,
                              const struct io_tensor *tensor, float *room)
{
    const json_t *entry = json_object_get(file->header, name);
    const json_int_t begin = json_integer_value(json_array_get(json_object_get(entry, "data_offsets"), 0));
    memcpy(room, file->data + begin, (size_t)tensor->count * sizeof *room);
    const fcnn_status status =
        fcnn_layer_set_array(model, tensor->layer, array, tensor->part, room, tensor->count);
    return status ? fcnn_io_fail_as(status, file->path) : FCNN_OK;
}

/* ---- which tensor is whose ---- */

/* Goes through the model's tensors: a function of the next one, its number and the context, until one fails. */
typedef fcnn_status each_fn(void *context, const struct io_tensor *tensor, int number);

static fcnn_status for_each(const fcnn_model *model, int set, each_fn *each, void *context)
{
    struct io_tensor tensor;
    int number = 0;
    for (int i = 0; i < fcnn_model_layers(model); i++)
        for (int part = FCNN_PART_WEIGHTS; part <= FCNN_PART_MOVING_VARIANCE; part++)
            if (io_tensor_describe(&tensor, model, i, (fcnn_part)part, set))
                IO_TRY(each(context, &tensor, number++));
    return FCNN_OK;
}

struct filling {
    const struct io_safetensors *file;
    const char **names; /* NULL: the tensors' own */
    fcnn_model *model;
    int set;            /* of tensors in the file */
    fcnn_array array;   /* of the model */
    int optional;       /* absent ones are 0 */
    float *room;
    int64_t largest;    /* floats of a tensor */
    int count, present;
};

static fcnn_status tally(void *context, const struct io_tensor *tensor, int number)
{
    struct filling *f = context;
    (void)number;
    f->count++;
    f->present += json_object_get(f->file->header, tensor->name) != NULL;
    if (tensor->count > f->largest) f->largest = tensor->count;
    return FCNN_OK;
}

/* Before anything is set, and before the model has memory for it. */
static fcnn_status look(void *context, const struct io_tensor *tensor, int number)
{
    const struct filling *f = context;
    const char *name = f->names ? f->names[number] : tensor->name;
    if (f->optional && !json_object_get(f->file->header, name)) return FCNN_OK;
    return fits(f->file, name, tensor) ? FCNN_OK : does_not_fit(f->file, name, tensor);
}

static fcnn_status clear_tensor(const struct filling *f, const struct io_tensor *tensor)
{
    memset(f->room, 0, (size_t)tensor->count * sizeof *f->room);
    const fcnn_status status =
        fcnn_layer_set_array(f->model, tensor->layer, f->array, tensor->part, f->room, tensor->count);
    return status ? fcnn_io_fail_as(status, f->file->path) : FCNN_OK;
}

static fcnn_status fill(void *context, const struct io_tensor *tensor, int number)
{
    const struct filling *f = context;
    const char *name = f->names ? f->names[number] : tensor->name;
    if (!json_object_get(f->file->header, name)) return clear_tensor(f, tensor);
    return set_tensor(f->file, name, f->model, f->array, tensor, f->room);
}

/* What was tallied and fits. */
static fcnn_status fill_all(struct filling *f, fcnn_model *model)
{
    f->model = model;
    f->room = malloc(f->largest ? (size_t)f->largest * sizeof *f->room : 1);
    if (!f->room) return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory for a tensor", f->file->path);
    const fcnn_status status = for_each(model, f->set, fill, f);
    free(f->room);
    return status;
}

fcnn_status io_safetensors_fill(const struct io_safetensors *file, fcnn_model *model, int set, fcnn_array array)
{
    struct filling f = {.file = file, .set = set, .array = array, .optional = 1};
    IO_TRY(for_each(model, set, tally, &f));
    IO_TRY(for_each(model, set, look, &f));
    return fill_all(&f, model);
}

static fcnn_status copy(void *context, const struct io_tensor *tensor, int number)
{
    struct filling *f = context;
    const json_t *offsets = json_object_get(json_object_get(f->file->header, tensor->name), "data_offsets");
    (void)number;
    if (offsets)
        memcpy(f->room, f->file->data + json_integer_value(json_array_get(offsets, 0)),
               (size_t)tensor->count * sizeof *f->room);
    else memset(f->room, 0, (size_t)tensor->count * sizeof *f->room);
    f->room += tensor->count;
    return FCNN_OK;
}

fcnn_status io_safetensors_copy(const struct io_safetensors *file, const fcnn_model *model, int set, float *packed)
{
    struct filling f = {.file = file, .optional = 1, .room = packed};
    IO_TRY(for_each(model, set, look, &f));
    return for_each(model, set, copy, &f);
}

/* ---- the model ---- */

static fcnn_status parse(const struct io_safetensors *file, const char *key, json_t **value)
{
    char where[300];
    const char *text = io_safetensors_metadata(file, key);
    *value = NULL;
    snprintf(where, sizeof where, "%.200s: %s", file->path, key);
    return text ? io_json_parse(value, text, strlen(text), where) : FCNN_OK;
}

static fcnn_status read_layers(const struct io_safetensors *file, fcnn_model **model, fcnn_file_info *info)
{
    json_t *config;
    if (!io_safetensors_metadata(file, "model_config"))
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: it has tensors, but its __metadata__ says nothing of layers: its "
                            "weights can be read into a model (fastcnn convert MODEL --weights)", file->path);
    IO_TRY(parse(file, "model_config", &config));
    const fcnn_status status = io_keras_read_model(model, config, file->path);
    if (!status) io_keras_note_losses(config, info);
    json_decref(config);
    return status;
}

/* What the file says of training, over the defaults; seed and shards too. */
static fcnn_status read_training(const struct io_safetensors *file, fcnn_compile_options *options, int *found)
{
    json_t *config;
    IO_TRY(parse(file, "training_config", &config));
    *found = config != NULL;
    const fcnn_status status = config ? io_keras_read_training(options, config, file->path) : FCNN_OK;
    json_decref(config);
    return status;
}

struct own { /* what only this library's files say */
    int64_t seed, shards, steps, epochs;
    double beta_1_power, beta_2_power;
};

static fcnn_status read_own(const struct io_safetensors *file, struct own *own, int *has_state)
{
    json_t *object;
    *own = (struct own){.beta_1_power = 1, .beta_2_power = 1};
    IO_TRY(parse(file, "fastcnn", &object));
    const struct io_members members = {object, file->path};
    fcnn_status status = io_get_int(&members, "seed", INT64_MIN, INT64_MAX, &own->seed);
    if (!status) status = io_get_int(&members, "shards", 0, FCNN_MAX_SHARDS, &own->shards);
    if (!status) status = io_get_int(&members, "steps", 0, INT64_MAX, &own->steps);
    if (!status) status = io_get_int(&members, "epochs", 0, UINT32_MAX, &own->epochs);
    if (!status) status = io_get_double(&members, "beta_1_power", &own->beta_1_power);
    if (!status) status = io_get_double(&members, "beta_2_power", &own->beta_2_power);
    *has_state = io_get(object, "steps") != NULL;
    json_decref(object);
    return status;
}

static fcnn_status set_state(const struct io_safetensors *file, fcnn_model *model, const struct own *own)
{
    for (int array = FCNN_ARRAY_MOMENT_1; array <= FCNN_ARRAY_MOMENT_2; array++)
        IO_TRY(io_safetensors_fill(file, model, array, (fcnn_array)array));
    const fcnn_state state = {.steps = own->steps,
                              .epochs = own->epochs,
                              .beta_1_power = (float)own->beta_1_power,
                              .beta_2_power = (float)own->beta_2_power};
    const fcnn_status status = fcnn_model_set_state(model, &state);
    return status ? fcnn_io_fail(FCNN_BAD_DATA, "%s: %s", file->path, fcnn_last_error()) : FCNN_OK;
}

/* The state is one of an optimizer: with another one it is left out. */
static fcnn_status read_compiled(const struct io_safetensors *file, fcnn_model *model,
                                 const fcnn_load_options *options, fcnn_file_info *info)
{
    struct filling weights = {.file = file, .array = FCNN_ARRAY_WEIGHTS};
    fcnn_compile_options compile = {.seed = 0};
    struct own own;
    int has_state;
    IO_TRY(for_each(model, FCNN_ARRAY_WEIGHTS, tally, &weights));
    IO_TRY(for_each(model, FCNN_ARRAY_WEIGHTS, look, &weights));
    IO_TRY(read_training(file, &compile, &info->has_training));
    IO_TRY(read_own(file, &own, &has_state));
    compile.seed = (uint64_t)own.seed;
    compile.shards = (int)own.shards;
    const fcnn_optimizer optimizer = compile.optimizer;
    if (options->compile) compile = *options->compile;
    compile.kernels = options->kernels;
    const fcnn_status status = fcnn_compile(model, &compile);
    if (status && options->compile) return fcnn_io_fail_as(status, file->path);
    if (status) return fcnn_io_fail_of_file(status, file->path);
    IO_TRY(fill_all(&weights, model));
    info->has_weights = 1;
    if (has_state && compile.optimizer != optimizer)
        io_keras_remark(info, "the optimizer's state is another optimizer's and is not taken over");
    else if (has_state) IO_TRY(set_state(file, model, &own));
    info->has_state = has_state && compile.optimizer == optimizer;
    return FCNN_OK;
}

static void read_scale(const struct io_safetensors *file, fcnn_file_info *info)
{
    const char *scale = io_safetensors_metadata(file, "input_scale");
    const char *offset = io_safetensors_metadata(file, "input_offset");
    const char *producer = io_safetensors_metadata(file, "producer");
    info->has_scale = scale && offset && io_number_read(scale, &info->input_scale) &&
                      io_number_read(offset, &info->input_offset);
    if (producer) snprintf(info->producer, sizeof info->producer, "%s", producer);
}

static fcnn_status read_all(const struct io_safetensors *file, fcnn_model **model, const fcnn_load_options *options,
                              fcnn_file_info *info)
{
    IO_TRY(read_layers(file, model, info));
    read_scale(file, info);
    return options->not_compiled ? FCNN_OK : read_compiled(file, *model, options, info);
}

fcnn_status io_safetensors_model(const struct io_safetensors *file, fcnn_model **model,
                                 const fcnn_load_options *options, fcnn_file_info *info)
{
    *model = NULL;
    const fcnn_status status = read_all(file, model, options, info);
    if (!status) return FCNN_OK;
    fcnn_model_destroy(*model);
    *model = NULL;
    return status;
}

fcnn_status io_safetensors_read(fcnn_model **model, const unsigned char *bytes, size_t count, const char *path,
                                const fcnn_load_options *options, fcnn_file_info *info)
{
    struct io_safetensors file;
    *model = NULL;
    IO_TRY(io_safetensors_open(&file, bytes, count, path));
    const fcnn_status status = io_safetensors_model(&file, model, options, info);
    io_safetensors_close(&file);
    return status;
}

fcnn_status io_safetensors_load(fcnn_model **model, const char *path, const fcnn_load_options *options,
                                fcnn_file_info *info)
{
    unsigned char *bytes;
    size_t count;
    IO_TRY(io_whole_read(&bytes, &count, path, MOST_BYTES));
    const fcnn_status status = io_safetensors_read(model, bytes, count, path, options, info);
    free(bytes);
    return status;
}

/* ---- weights alone ---- */

/* By the names that this library gives; else, where there are as many, one after the other as they lie in the file. */
static fcnn_status match(const struct io_safetensors *file, fcnn_model *model, struct filling *f)
{
    int weights = 0;
    for_each(model, FCNN_ARRAY_WEIGHTS, tally, f);
    if (f->present == f->count) return for_each(model, FCNN_ARRAY_WEIGHTS, look, f);
    for (int i = 0; i < file->count; i++)
        if (strncmp(file->in_order[i], "optimizer.", 10) != 0) file->in_order[weights++] = file->in_order[i];
    if (weights != f->count)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: of the model's %d tensors it has %d by name, and %d tensors in all",
                            file->path, f->count, f->present, weights);
    f->names = file->in_order;
    return for_each(model, FCNN_ARRAY_WEIGHTS, look, f);
}

fcnn_status io_safetensors_read_weights(fcnn_model *model, const unsigned char *bytes, size_t count, const char *path)
{
    struct io_safetensors file;
    IO_TRY(io_safetensors_open(&file, bytes, count, path));
    struct filling f = {.file = &file, .array = FCNN_ARRAY_WEIGHTS};
    fcnn_status status = match(&file, model, &f);
    if (!status) status = fill_all(&f, model);
    io_safetensors_close(&file);
    return status;
}

fcnn_status io_safetensors_load_weights(fcnn_model *model, const char *path)
{
    unsigned char *bytes;
    size_t count;
    IO_TRY(io_whole_read(&bytes, &count, path, MOST_BYTES));
    const fcnn_status status = io_safetensors_read_weights(model, bytes, count, path);
    free(bytes);
    return status;
}
