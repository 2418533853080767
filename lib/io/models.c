/* SPDX-License-Identifier: BSD-2-Clause
 * Loading and saving of models: which format a file has, and what all formats have in common. */
#include "lib/io/models.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/io/fail.h"
#include "lib/sized.h"

/* ---- formats ---- */

typedef fcnn_status load_fn(fcnn_model **model, const char *path, const fcnn_load_options *options,
                            fcnn_file_info *info);
typedef fcnn_status save_fn(const fcnn_model *model, const char *path, const fcnn_save_options *options);

struct format {
    fcnn_format format;
    const char *name;
    const char *ends[3]; /* of file names, for writing */
    load_fn *load;       /* NULL: cannot be read */
    save_fn *save;
    int needs_hdf5;
};

#ifdef HAVE_HDF5
#define HDF5_ONLY(function) function
#else
#define HDF5_ONLY(function) NULL
#endif

/* The first whose end fits is written: the longer one first. */
static const struct format formats[] = {
    {FCNN_FORMAT_WEIGHTS_H5, "weights.h5", {".weights.h5"}, NULL, HDF5_ONLY(io_weights_h5_save), 1},
    {FCNN_FORMAT_H5, "h5", {".h5", ".hdf5"}, HDF5_ONLY(io_h5_load), HDF5_ONLY(io_h5_save), 1},
    {FCNN_FORMAT_KERAS, "keras", {".keras"}, HDF5_ONLY(io_keras_load), HDF5_ONLY(io_keras_save), 1},
    {FCNN_FORMAT_SAFETENSORS, "safetensors", {".safetensors"}, io_safetensors_load, io_safetensors_save, 0},
    {FCNN_FORMAT_ONNX, "onnx", {".onnx"}, NULL, io_onnx_save, 0},
    {FCNN_FORMAT_TEXT, "text", {".txt", ".model"}, io_text_load, io_text_save, 0},
};
#define FORMATS ((int)(sizeof formats / sizeof formats[0]))

static const struct format *format_of(fcnn_format format)
{
    for (int i = 0; i < FORMATS; i++)
        if (formats[i].format == format) return &formats[i];
    return NULL;
}

static const struct format *format_by_name(const char *path)
{
    const size_t length = strlen(path);
    for (int i = 0; i < FORMATS; i++)
        for (int j = 0; j < 3 && formats[i].ends[j]; j++) {
            const size_t end = strlen(formats[i].ends[j]);
            if (length > end && !strcasecmp(path + length - end, formats[i].ends[j])) return &formats[i];
        }
    return NULL;
}

const char *fcnn_format_name(fcnn_format format)
{
    const struct format *found = format_of(format);
    return found ? found->name : "unknown";
}

/* ---- which one a file has ---- */

static int is_safetensors(const unsigned char *bytes, size_t count)
{
    return count > 9 && bytes[8] == '{' && !bytes[4] && !bytes[5] && !bytes[6] && !bytes[7];
}

static int is_text(const unsigned char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if ((bytes[i] < ' ' && !strchr("\t\n\r", bytes[i])) || bytes[i] == 0x7f) return 0;
    return count > 0;
}

static fcnn_format format_by_bytes(const unsigned char *bytes, size_t count)
{
    if (count >= 8 && !memcmp(bytes, "\x89HDF\r\n\x1a\n", 8)) return FCNN_FORMAT_H5;
    if (count >= 4 && !memcmp(bytes, "PK\3\4", 4)) return FCNN_FORMAT_KERAS;
    if (is_safetensors(bytes, count)) return FCNN_FORMAT_SAFETENSORS;
    if (is_text(bytes, count)) return FCNN_FORMAT_TEXT;
    return FCNN_FORMAT_AUTO;
}

/* Whether HDF5 begins behind a block of 512, 1024, 2048 ... bytes that are somebody else's. */
static int has_user_block(int fd)
{
    unsigned char bytes[8];
    for (off_t at = 512; pread(fd, bytes, sizeof bytes, at) == sizeof bytes; at *= 2)
        if (format_by_bytes(bytes, sizeof bytes) == FCNN_FORMAT_H5) return 1;
    return 0;
}

/* A FIFO gives what is read of it only once. */
static int is_stream(int fd)
{
    struct stat found;
    return !fstat(fd, &found) && !S_ISREG(found.st_mode) && !S_ISDIR(found.st_mode);
}

static fcnn_status detect(const char *path, fcnn_format *format)
{
    unsigned char bytes[256];
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return fcnn_io_fail(FCNN_NO_FILE, "%s: %s", path, strerror(errno));
    if (is_stream(fd)) {
        close(fd);
        return fcnn_io_fail(FCNN_NO_FILE, "%s: it is not a regular file", path);
    }
    const ssize_t count = read(fd, bytes, sizeof bytes);
    const int error = errno, behind = has_user_block(fd);
    close(fd);
    if (count < 0) return fcnn_io_fail(FCNN_NO_FILE, "%s: it cannot be read: %s", path, strerror(error));
    *format = format_by_bytes(bytes, (size_t)count);
    if (behind && (*format == FCNN_FORMAT_AUTO || *format == FCNN_FORMAT_TEXT)) *format = FCNN_FORMAT_H5;
    const struct format *named = format_by_name(path);
    if (*format == FCNN_FORMAT_AUTO && named && !named->load) *format = named->format; /* which is then refused */
    if (*format == FCNN_FORMAT_TEXT && *bytes == '{') /* a receipt, a history, what Keras' to_json() writes */
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: it is JSON, and no model: those are HDF5, zip, safetensors or text",
                            path);
    if (*format != FCNN_FORMAT_AUTO) return FCNN_OK;
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: %s", path,
                        count ? "it begins like no format of models that is read here: HDF5, zip, safetensors, text"
                              : "it is empty");
}

static fcnn_status cannot(const char *path, const struct format *format, const char *what)
{
    if (format->needs_hdf5 && !HDF5_ONLY(1))
        return fcnn_io_fail(FCNN_BAD_ARGUMENT, "%s: Keras' files are not %s: this library was built without HDF5", path,
                            what);
    if (format->format == FCNN_FORMAT_WEIGHTS_H5)
        return fcnn_io_fail(FCNN_BAD_ARGUMENT,
                            "%s: a file of weights has no layers: fcnn_model_load_weights() reads it into a model",
                            path);
    return fcnn_io_fail(FCNN_BAD_ARGUMENT, "%s: files of the format %s are not %s", path, format->name, what);
}

/* ---- loading ---- */

/* Whether a layer leaves pixels in their range: what scales behind it scales the input. */
static int keeps_range(const fcnn_layer *layer)
{
    return layer->kind == FCNN_LAYER_ZERO_PADDING2D || layer->kind == FCNN_LAYER_FLATTEN ||
           layer->kind == FCNN_LAYER_DROPOUT;
}

void io_note_scale(const fcnn_model *model, fcnn_file_info *info)
{
    fcnn_layer first = {0};
    int i = 0;
    if (info->has_scale) return;
    info->input_scale = 1.0 / 255;
    info->input_offset = 0;
    while (!fcnn_model_layer_as_added(model, i, &first) && keeps_range(&first)) i++;
    if (i == fcnn_model_layers(model) || first.kind != FCNN_LAYER_RESCALING) return;
    info->has_scale = 1;
    info->input_scale = 1;
}

static fcnn_status load(fcnn_model **model, const char *path, const fcnn_load_options *options, fcnn_file_info *info)
{
    fcnn_format wanted = options->format;
    if (wanted == FCNN_FORMAT_AUTO) IO_TRY(detect(path, &wanted));
    const struct format *format = format_of(wanted);
    if (!format) return fcnn_io_fail(FCNN_BAD_ARGUMENT, "%s: format %d does not exist", path, (int)wanted);
    if (!format->load) return cannot(path, format, "read");
    IO_TRY(format->load(model, path, options, info));
    info->format = wanted;
    io_note_scale(*model, info);
    return FCNN_OK;
}

/* What the options point at is as large as it was for the caller, too. */
fcnn_status fcnn_model_load_sized(fcnn_model **model, const char *path, const fcnn_load_options *options,
                                  size_t options_size, size_t kernels_size, size_t compile_size, fcnn_file_info *info,
                                  size_t info_size)
{
    fcnn_load_options taken;
    fcnn_options kernels;
    fcnn_compile_options compile;
    fcnn_file_info found = {0};
    if (model) *model = NULL;
    if (!model || !path) return fcnn_io_fail(FCNN_BAD_ARGUMENT, "%s is NULL", model ? "path" : "model");
    if (!fcnn_sized_take(&taken, sizeof taken, options, options_size))
        return fcnn_io_fail(FCNN_BAD_ARGUMENT, "fcnn_load_options has members set that this library does not know");
    if (!fcnn_sized_take(&kernels, sizeof kernels, taken.kernels, kernels_size))
        return fcnn_io_fail(FCNN_BAD_ARGUMENT, "fcnn_options has members set that this library does not know");
    if (!fcnn_sized_take(&compile, sizeof compile, taken.compile, compile_size))
        return fcnn_io_fail(FCNN_BAD_ARGUMENT, "fcnn_compile_options has members set that this library does not know");
    if (taken.kernels) taken.kernels = &kernels;
    if (taken.compile) taken.compile = &compile;
    IO_TRY(load(model, path, &taken, &found));
    if (info) FCNN_GIVE(info, info_size, found);
    return FCNN_OK;
}

/* ---- weights alone ---- */

static int64_t part_count(const fcnn_layer_info *info, int part)
{
    return part == FCNN_PART_WEIGHTS ? info->weights : part == FCNN_PART_BIAS ? info->bias : info->moving;
}

/* The layers with numbers, in order, have as many of each kind. */
static fcnn_status compare(const fcnn_model *to, const fcnn_model *from, const char *path)
{
    fcnn_layer_info a, b;
    int i = 0, j = 0;
    for (;; i++, j++) {
        while (!fcnn_model_layer(to, i, &a) && !(a.weights + a.bias + a.moving)) i++;
        while (!fcnn_model_layer(from, j, &b) && !(b.weights + b.bias + b.moving)) j++;
        const int end = i >= fcnn_model_layers(to), other_end = j >= fcnn_model_layers(from);
        if (end && other_end) return FCNN_OK;
        if (end || other_end)
            return fcnn_io_fail(FCNN_BAD_DATA, "%s: it has %s layers with weights than the model", path,
                                end ? "more" : "fewer");
        if (a.weights != b.weights || a.bias != b.bias || a.moving != b.moving || a.c != b.c || a.r != b.r ||
            a.s != b.s)
            return fcnn_io_fail(FCNN_BAD_DATA, "%s: its layer %s does not fit the model's %s", path, b.name, a.name);
    }
}

static fcnn_status copy_part(fcnn_model *to, int i, const fcnn_model *from, int j, int part, int64_t count)
{
    if (!count) return FCNN_OK;
    float *values = malloc((size_t)count * sizeof *values);
    if (!values) return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "no memory for a copy of the weights");
    fcnn_status status = fcnn_layer_get_array(from, j, FCNN_ARRAY_WEIGHTS, (fcnn_part)part, values, count);
    if (!status) status = fcnn_layer_set_array(to, i, FCNN_ARRAY_WEIGHTS, (fcnn_part)part, values, count);
    free(values);
    return status ? fcnn_io_fail_as(status, "weights") : FCNN_OK;
}

/* Models that compare() found alike. */
static fcnn_status copy(fcnn_model *to, const fcnn_model *from)
{
    fcnn_status status = FCNN_OK;
    fcnn_layer_info a, b;
    for (int i = 0, j = 0; !status; i++, j++) {
        while (!fcnn_model_layer(to, i, &a) && !(a.weights + a.bias + a.moving)) i++;
        while (!fcnn_model_layer(from, j, &b) && !(b.weights + b.bias + b.moving)) j++;
        if (i >= fcnn_model_layers(to)) break;
        for (int part = FCNN_PART_WEIGHTS; part <= FCNN_PART_MOVING_VARIANCE && !status; part++)
            status = copy_part(to, i, from, j, part, part_count(&a, part));
    }
    return status;
}

fcnn_status fcnn_model_load_weights(fcnn_model *model, const char *path)
{
    fcnn_format format;
    fcnn_state state;
    if (!model || !path) return fcnn_io_fail(FCNN_BAD_ARGUMENT, "%s is NULL", model ? "path" : "model");
    if (fcnn_model_get_state(model, &state))
        return fcnn_io_fail(FCNN_BAD_ARGUMENT, "a model has no weights before fcnn_compile()");
    IO_TRY(detect(path, &format));
#ifdef HAVE_HDF5
    if (format == FCNN_FORMAT_H5) return io_h5_load_weights(model, path);
#endif
    if (format == FCNN_FORMAT_SAFETENSORS) return io_safetensors_load_weights(model, path);
    fcnn_model *from = NULL;
    fcnn_file_info info = {0};
    IO_TRY(load(&from, path, &(fcnn_load_options){.format = format}, &info));
    fcnn_status status = info.has_weights ? compare(model, from, path)
                                          : fcnn_io_fail(FCNN_BAD_DATA, "%s: it has no weights", path);
    if (!status) status = copy(model, from);
    fcnn_model_destroy(from);
    return status;
}

/* ---- saving ---- */

fcnn_format io_format_of_name(const char *path)
{
    const struct format *format = format_by_name(path);
    return format ? format->format : FCNN_FORMAT_AUTO;
}

fcnn_status fcnn_model_save_sized(const fcnn_model *model, const char *path, const fcnn_save_options *options,
                                  size_t size)
{
    fcnn_save_options taken;
    if (!model || !path) return fcnn_io_fail(FCNN_BAD_ARGUMENT, "%s is NULL", model ? "path" : "model");
    if (!fcnn_sized_take(&taken, sizeof taken, options, size))
        return fcnn_io_fail(FCNN_BAD_ARGUMENT, "fcnn_save_options has members set that this library does not know");
    if (!isfinite(taken.input_scale) || !isfinite(taken.input_offset))
        return fcnn_io_fail(FCNN_BAD_ARGUMENT, "%s: the input's scale is %g, its offset %g", path, taken.input_scale,
                            taken.input_offset);
    const struct format *format =
        taken.format == FCNN_FORMAT_AUTO ? format_by_name(path) : format_of(taken.format);
    if (!format && taken.format == FCNN_FORMAT_AUTO)
        return fcnn_io_fail(FCNN_BAD_ARGUMENT, "%s: no format of models has that end; there are .h5, .hdf5, .keras, "
                            ".weights.h5, .safetensors, .onnx, .txt and .model", path);
    if (!format) return fcnn_io_fail(FCNN_BAD_ARGUMENT, "%s: format %d does not exist", path, (int)taken.format);
    if (!format->save) return cannot(path, format, "written");
    return format->save(model, path, &taken);
}
