/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/io/keras_values.h"

#include <stdlib.h>
#include <string.h>

#include "lib/io/fail.h"

static struct io_part part_of(fcnn_part part, const char *name, int64_t count)
{
    return (struct io_part){.part = part, .name = name, .trainable = part <= FCNN_PART_BIAS, .rank = 1,
                            .dims = {count}, .count = count};
}

/* Filters RSCK, with Keras' division of the channels; dense CK. */
static struct io_part kernel_of(const fcnn_layer *layer, const fcnn_layer_info *info)
{
    struct io_part part = part_of(FCNN_PART_WEIGHTS, "kernel", info->weights);
    part.rank = 4;
    part.dims[0] = layer->r;
    part.dims[1] = layer->s;
    part.dims[2] = layer->kind == FCNN_LAYER_CONV2D && layer->groups > 1 ? info->in_c / layer->groups : info->in_c;
    part.dims[3] = layer->units;
    if (layer->kind != FCNN_LAYER_DENSE) return part;
    part.rank = 2;
    part.dims[0] = info->in_c;
    part.dims[1] = layer->units;
    return part;
}

int io_parts(const fcnn_model *model, int layer, struct io_part parts[4])
{
    fcnn_layer as_added = {0};
    fcnn_layer_info info = {0};
    int count = 0;
    if (fcnn_model_layer_as_added(model, layer, &as_added) || fcnn_model_layer(model, layer, &info)) return 0;
    const int normalization = as_added.kind == FCNN_LAYER_BATCH_NORMALIZATION;
    if (info.weights)
        parts[count++] = normalization ? part_of(FCNN_PART_WEIGHTS, "gamma", info.weights)
                                       : kernel_of(&as_added, &info);
    if (info.bias) parts[count++] = part_of(FCNN_PART_BIAS, normalization ? "beta" : "bias", info.bias);
    if (info.moving) {
        parts[count++] = part_of(FCNN_PART_MOVING_MEAN, "moving_mean", info.moving);
        parts[count++] = part_of(FCNN_PART_MOVING_VARIANCE, "moving_variance", info.moving);
    }
    return count;
}

int io_slots(const fcnn_compile_options *options, struct io_slot slots[IO_SLOTS])
{
    switch (options->optimizer) {
    case FCNN_OPTIMIZER_SGD:
        slots[0] = (struct io_slot){FCNN_ARRAY_MOMENT_1, "momentum"};
        return options->momentum != 0;
    case FCNN_OPTIMIZER_RMSPROP:
        slots[0] = (struct io_slot){FCNN_ARRAY_MOMENT_2, "velocity"};
        slots[1] = (struct io_slot){FCNN_ARRAY_MOMENT_1, "momentum"};
        return 1 + (options->momentum != 0);
    default:
        slots[0] = (struct io_slot){FCNN_ARRAY_MOMENT_1, "momentum"};
        slots[1] = (struct io_slot){FCNN_ARRAY_MOMENT_2, "velocity"};
        return 2;
    }
}

/* ---- room ---- */

fcnn_status io_values_create(struct io_values *values, const fcnn_model *model, int64_t most, const char *where)
{
    struct io_part parts[4];
    *values = (struct io_values){0};
    for (int i = 0; i < fcnn_model_layers(model); i++) {
        const int count = io_parts(model, i, parts);
        for (int j = 0; j < count; j++)
            if (__builtin_add_overflow(values->total, parts[j].count, &values->total) || values->total > most)
                return fcnn_io_fail(FCNN_BAD_DATA, "%s: its layers have more weights than there are in it", where);
    }
    values->weights = malloc((size_t)(values->total + 1) * sizeof(float));
    if (values->weights) return FCNN_OK;
    return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory for %lld weights", where, (long long)values->total);
}

fcnn_status io_values_add_slots(struct io_values *values, const char *where)
{
    for (int i = 0; i < IO_SLOTS; i++) {
        values->slots[i] = calloc((size_t)(values->total + 1), sizeof(float));
        if (!values->slots[i])
            return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory for the optimizer's state", where);
    }
    return FCNN_OK;
}

void io_values_free(struct io_values *values)
{
    free(values->weights);
    for (int i = 0; i < IO_SLOTS; i++) free(values->slots[i]);
    *values = (struct io_values){0};
}

/* ---- Theano's filters ---- */

/* Of (r, s, c, k) the order of the r s taps. */
static void turn(float *values, const struct io_part *part)
{
    const int64_t taps = part->dims[0] * part->dims[1], floats = part->dims[2] * part->dims[3];
    for (int64_t i = 0; i < taps / 2; i++)
        for (int64_t j = 0; j < floats; j++) {
            float *a = &values[i * floats + j], *b = &values[(taps - 1 - i) * floats + j], kept = *a;
            *a = *b;
            *b = kept;
        }
}

/* As Keras does it when it reads such a file with another backend, to Conv2D alone. */
void io_values_turn_filters(struct io_values *values, const fcnn_model *model)
{
    struct io_part parts[4];
    fcnn_layer_info info = {0};
    int64_t at = 0;
    for (int i = 0; i < fcnn_model_layers(model); i++) {
        const int count = io_parts(model, i, parts);
        fcnn_model_layer(model, i, &info);
        for (int j = 0; j < count; at += parts[j++].count) {
            if (info.kind != FCNN_LAYER_CONV2D || parts[j].part != FCNN_PART_WEIGHTS) continue;
            turn(values->weights + at, &parts[j]);
            for (int k = 0; k < IO_SLOTS && values->slots[k]; k++) turn(values->slots[k] + at, &parts[j]);
        }
    }
}

/* ---- from and into a model ---- */

static fcnn_status take_array(float *to, const fcnn_model *model, fcnn_array array)
{
    struct io_part parts[4];
    for (int i = 0; i < fcnn_model_layers(model); i++) {
        const int count = io_parts(model, i, parts);
        for (int j = 0; j < count; to += parts[j++].count)
            IO_TRY(fcnn_layer_get_array(model, i, array, parts[j].part, to, parts[j].count));
    }
    return FCNN_OK;
}

static fcnn_status give_array(const float *from, fcnn_model *model, fcnn_array array)
{
    struct io_part parts[4];
    for (int i = 0; i < fcnn_model_layers(model); i++) {
        const int count = io_parts(model, i, parts);
        for (int j = 0; j < count; from += parts[j++].count)
            IO_TRY(fcnn_layer_set_array(model, i, array, parts[j].part, from, parts[j].count));
    }
    return FCNN_OK;
}

fcnn_status io_values_take(struct io_values *values, const fcnn_model *model, int with_state, const char *where)
{
    fcnn_compile_options options;
    fcnn_state state;
    struct io_slot slots[IO_SLOTS];
    *values = (struct io_values){0};
    fcnn_status status = fcnn_model_compile_options(model, &options);
    if (status) return fcnn_io_fail_as(status, where);
    IO_TRY(io_values_create(values, model, INT64_MAX / 8, where));
    if (with_state) IO_TRY(io_values_add_slots(values, where));
    status = take_array(values->weights, model, FCNN_ARRAY_WEIGHTS);
    const int count = with_state ? io_slots(&options, slots) : 0;
    for (int i = 0; i < count && !status; i++) status = take_array(values->slots[i], model, slots[i].array);
    if (!status) status = fcnn_model_get_state(model, &state);
    values->has_state = with_state;
    if (!status) {
        values->steps = state.steps;
        values->epochs = state.epochs;
    }
    return status ? fcnn_io_fail_as(status, where) : FCNN_OK;
}

/* beta^steps as training computes it, until it does not change any more. */
static float power(float beta, int64_t steps)
{
    float result = 1;
    for (int64_t i = 0; i < steps; i++) {
        const float next = result * beta;
        if (next == result) break;
        result = next;
    }
    return result;
}

static fcnn_status give_state(const struct io_values *values, fcnn_model *model, const fcnn_compile_options *options)
{
    fcnn_state state;
    IO_TRY(fcnn_model_get_state(model, &state));
    state.steps = values->steps;
    state.epochs = values->epochs;
    state.beta_1_power = power(options->beta_1, values->steps);
    state.beta_2_power = power(options->beta_2, values->steps);
    return fcnn_model_set_state(model, &state);
}

fcnn_status io_values_give(const struct io_values *values, fcnn_model *model, const char *where)
{
    fcnn_compile_options options;
    struct io_slot slots[IO_SLOTS];
    fcnn_status status = fcnn_model_compile_options(model, &options);
    if (!status) status = give_array(values->weights, model, FCNN_ARRAY_WEIGHTS);
    const int count = values->has_state ? io_slots(&options, slots) : 0;
    for (int i = 0; i < count && !status; i++) status = give_array(values->slots[i], model, slots[i].array);
    if (!status && values->has_state) status = give_state(values, model, &options);
    return status ? fcnn_io_fail_as(status, where) : FCNN_OK;
}
