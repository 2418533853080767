/* SPDX-License-Identifier: BSD-2-Clause
 * Writing trails. */
#include "lib/io/trail.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "lib/io/fail.h"
#include "lib/io/number.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "hashes are defined over little-endian floats");

#define MOST_ARRAYS 3

/* A part of a layer, in the order of fcnn_model_get_array(). */
struct piece {
    int64_t at, count;
};

struct io_trail {
    const fcnn_model *model;
    float *values;
    int64_t parameters;
    int arrays; /* weights, and the moments that the optimizer has */
    int tensors;
    struct tensor {
        char name[IO_TRAIL_NAME];
        int array;
        struct piece piece;
    } * tensor;
    struct io_trail_step step;
    char *head, *line;
    size_t head_length, line_length;
};

/* ---- names ---- */

static void escape(char *text, size_t size, const char *name)
{
    size_t used = 0;
    for (const unsigned char *at = (const unsigned char *)name; *at && used + 4 < size; at++) {
        const int plain = *at > ' ' && *at != 0x7f && *at != '%' && *at != ':';
        used += (size_t)snprintf(text + used, size - used, plain ? "%c" : "%%%02X", *at);
    }
}

static const char *part_name(const fcnn_layer_info *info, fcnn_part part)
{
    switch (part) {
    case FCNN_PART_WEIGHTS: return info->moving ? "gamma" : "weights";
    case FCNN_PART_BIAS: return info->moving ? "beta" : "bias";
    case FCNN_PART_MOVING_MEAN: return "moving_mean";
    default: return "moving_variance";
    }
}

static int64_t part_count(const fcnn_layer_info *info, fcnn_part part)
{
    return part == FCNN_PART_WEIGHTS ? info->weights : part == FCNN_PART_BIAS ? info->bias : info->moving;
}

/* ---- tensors ---- */

/* Those of one array; moving averages have no moments. Returns how many; counts alone while there is no room. */
static int list_tensors(const struct io_trail *trail, int array, struct tensor *tensor)
{
    static const char *const suffix[MOST_ARRAYS] = {"", ":moment_1", ":moment_2"};
    char name[IO_TRAIL_NAME - 64];
    int64_t at = 0;
    int count = 0;
    for (int i = 0; i < fcnn_model_layers(trail->model); i++) {
        fcnn_layer_info info;
        fcnn_model_layer(trail->model, i, &info);
        for (int p = FCNN_PART_WEIGHTS; p <= FCNN_PART_MOVING_VARIANCE; p++) {
            const int64_t floats = part_count(&info, (fcnn_part)p);
            if (floats && (!array || p <= FCNN_PART_BIAS) && tensor) {
                tensor[count] = (struct tensor){.array = array, .piece = {at, floats}};
                escape(name, sizeof name, info.name);
                snprintf(tensor[count].name, sizeof tensor->name, "%s/%s%s", name,
                         part_name(&info, (fcnn_part)p), suffix[array]);
            }
            count += floats && (!array || p <= FCNN_PART_BIAS);
            at += floats;
        }
    }
    return count;
}

static char *make_head(const struct io_trail *trail, const char *math, size_t *length)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, length);
    if (!out) return NULL;
    fprintf(out, "fastcnn-trail 1\nnumerics %d\nmath %s\n", fcnn_numerics_version(), math);
    for (int i = 0; i < trail->tensors; i++)
        fprintf(out, "tensor %s %lld\n", trail->tensor[i].name, (long long)trail->tensor[i].piece.count);
    fputs("epoch step loss hashes\n", out);
    if (!fclose(out)) return text;
    free(text);
    return NULL;
}

static fcnn_status fill(struct io_trail *trail, const char *math)
{
    for (int array = 0; array < trail->arrays; array++) trail->tensors += list_tensors(trail, array, NULL);
    trail->tensor = calloc((size_t)trail->tensors + 1, sizeof *trail->tensor);
    trail->values = calloc((size_t)trail->parameters + 1, sizeof *trail->values);
    trail->step.hashes = calloc((size_t)trail->tensors + 1, sizeof *trail->step.hashes);
    trail->line = malloc(128 + 17 * (size_t)trail->tensors);
    if (!trail->tensor || !trail->values || !trail->step.hashes || !trail->line)
        return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "no memory for the trail of %d tensors", trail->tensors);
    for (int array = 0, at = 0; array < trail->arrays; array++)
        at += list_tensors(trail, array, trail->tensor + at);
    trail->head = make_head(trail, math, &trail->head_length);
    return trail->head ? FCNN_OK : fcnn_io_fail(FCNN_OUT_OF_MEMORY, "no memory for the head of a trail");
}

fcnn_status io_trail_create(struct io_trail **trail, const fcnn_model *model, const char *math)
{
    fcnn_compile_options options;
    fcnn_status status = fcnn_model_compile_options(model, &options);
    if (status) return fcnn_io_fail(status, "no trail: %s", fcnn_last_error());
    *trail = calloc(1, sizeof **trail);
    if (!*trail) return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "no memory for a trail");
    (*trail)->model = model;
    (*trail)->parameters = fcnn_model_parameters(model);
    (*trail)->arrays = options.optimizer == FCNN_OPTIMIZER_SGD ? 2 : 3; /* SGD's second moments stay 0 */
    status = fill(*trail, math);
    if (!status && (*trail)->tensors <= IO_TRAIL_MOST_TENSORS) return FCNN_OK;
    if (!status) status = fcnn_io_fail(FCNN_BAD_ARGUMENT, "a trail has at most %d tensors", IO_TRAIL_MOST_TENSORS);
    io_trail_destroy(*trail);
    *trail = NULL;
    return status;
}

void io_trail_destroy(struct io_trail *trail)
{
    if (!trail) return;
    free(trail->tensor);
    free(trail->values);
    free(trail->step.hashes);
    free(trail->line);
    free(trail->head);
    free(trail);
}

int io_trail_tensors(const struct io_trail *trail) { return trail->tensors; }
const char *io_trail_tensor(const struct io_trail *trail, int tensor) { return trail->tensor[tensor].name; }

const char *io_trail_head(struct io_trail *trail, size_t *length)
{
    *length = trail->head_length;
    return trail->head;
}

/* ---- lines ---- */

/* Which zero and which NaN it is no two machines need agree about. Denormal numbers are no zeros: in a callback of fit,
 * and in the mode that programs begin with. */
static void make_one_of_each(float *values, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        const float x = values[i] == 0 ? 0.0f : values[i];
        values[i] = x != x ? (float)NAN : x;
    }
}

static void write_loss(char text[32], const double *loss)
{
    if (!loss) strcpy(text, "-");
    else if (isnan(*loss)) strcpy(text, "nan");
    else if (isinf(*loss)) strcpy(text, *loss > 0 ? "inf" : "-inf");
    else io_number_write(text, *loss);
}

fcnn_status io_trail_look(struct io_trail *trail, const double *loss, const struct io_trail_step **step)
{
    fcnn_state state;
    int next = 0;
    fcnn_status status = fcnn_model_get_state(trail->model, &state);
    for (int array = 0; array < trail->arrays && !status; array++) {
        status = fcnn_model_get_array(trail->model, (fcnn_array)array, trail->values, trail->parameters);
        if (!status) make_one_of_each(trail->values, trail->parameters);
        for (; !status && next < trail->tensors && trail->tensor[next].array == array; next++) {
            const struct piece *piece = &trail->tensor[next].piece;
            trail->step.hashes[next] = XXH3_64bits(trail->values + piece->at, (size_t)piece->count * sizeof(float));
        }
    }
    if (status) return fcnn_io_fail(status, "no trail: %s", fcnn_last_error());
    trail->step.epoch = state.epochs + (loss != NULL);
    trail->step.step = state.steps;
    write_loss(trail->step.loss, loss);
    *step = &trail->step;
    return FCNN_OK;
}

static char *write_hash(char *at, uint64_t hash)
{
    static const char digits[] = "0123456789abcdef";
    *at++ = ' ';
    for (int shift = 60; shift >= 0; shift -= 4) *at++ = digits[hash >> shift & 15];
    return at;
}

const char *io_trail_line(struct io_trail *trail, size_t *length)
{
    const struct io_trail_step *step = &trail->step;
    char *at = trail->line;
    at += snprintf(at, 128, "%lld %lld %s", (long long)step->epoch, (long long)step->step, step->loss);
    for (int i = 0; i < trail->tensors; i++) at = write_hash(at, step->hashes[i]);
    *at++ = '\n';
    *length = (size_t)(at - trail->line);
    return trail->line;
}

enum io_trail_part io_trail_compare(const struct io_trail_step *a, const struct io_trail_step *b, int count,
                                    int *tensor, int *tensors)
{
    *tensor = *tensors = 0;
    if (a->epoch != b->epoch || a->step != b->step) return IO_TRAIL_PLACE;
    for (int i = count - 1; i >= 0; i--) {
        if (a->hashes[i] == b->hashes[i]) continue;
        *tensor = i;
        ++*tensors;
    }
    return *tensors ? IO_TRAIL_TENSOR : strcmp(a->loss, b->loss) ? IO_TRAIL_LOSS : IO_TRAIL_SAME;
}
