/* SPDX-License-Identifier: BSD-2-Clause
 * Weights and the optimizer's state, copied out and in without the arena's padding. */
#include "lib/net/net.h"

#include <string.h>

#include "lib/sized.h"

/* ---- parts of arrays ---- */

static int64_t count_of(const struct net_layer *layer, fcnn_part part)
{
    return part == FCNN_PART_WEIGHTS ? layer->weights : part == FCNN_PART_BIAS ? layer->bias : layer->moving;
}

float *net_part(const fcnn_model *model, int i, fcnn_part part, float *arena)
{
    const struct net_layer *layer = &model->layer[i];
    switch (part) {
    case FCNN_PART_WEIGHTS: return arena + layer->at_weights;
    case FCNN_PART_BIAS: return arena + layer->at_bias;
    case FCNN_PART_MOVING_MEAN: return arena + layer->at_moving[0];
    default: return arena + layer->at_moving[1];
    }
}

/* Where a part is in the packed order. */
static int64_t packed_place(const fcnn_model *model, int runs, fcnn_part part)
{
    int64_t before = 0;
    for (int i = 0; i < runs; i++)
        before += model->layer[i].weights + model->layer[i].bias + 2 * model->layer[i].moving;
    for (int i = FCNN_PART_WEIGHTS; i < (int)part; i++) before += count_of(&model->layer[runs], (fcnn_part)i);
    return before;
}

static float *arena_of(const fcnn_model *model, fcnn_array array)
{
    switch (array) {
    case FCNN_ARRAY_MOMENT_1:
    case FCNN_ARRAY_INITIAL_MOMENT_1: return model->moment_1;
    case FCNN_ARRAY_MOMENT_2:
    case FCNN_ARRAY_INITIAL_MOMENT_2: return model->moment_2;
    default: return model->weights;
    }
}

static void draw(const fcnn_model *model, int i, float *weights)
{
    const struct net_layer *layer = &model->layer[i];
    int number = 0; /* among those that are drawn */
    for (int j = 0; j < i; j++) number += model->layer[j].fan_in > 0;
    net_glorot(weights, layer->weights, model->seed, number, layer->fan_in, layer->fan_out);
}

void net_initial(const fcnn_model *model, int i, fcnn_part part, float *values)
{
    const struct net_layer *layer = &model->layer[i];
    const int64_t count = count_of(layer, part);
    if (part == FCNN_PART_WEIGHTS && layer->fan_in) {
        draw(model, i, values);
        return;
    }
    const float value = part == FCNN_PART_WEIGHTS || part == FCNN_PART_MOVING_VARIANCE ? 1 : 0;
    for (int64_t j = 0; j < count; j++) values[j] = value;
}

static void read_part(const fcnn_model *model, int runs, fcnn_part part, fcnn_array array, float *values)
{
    const size_t bytes = (size_t)count_of(&model->layer[runs], part) * sizeof(float);
    const struct net_run *run = &model->run;
    const int initial = (int)array - FCNN_ARRAY_INITIAL_WEIGHTS;
    if (initial >= 0 && run->initial)
        memcpy(values, run->initial + initial * model->parameters + packed_place(model, runs, part), bytes);
    else if (initial < 0 || run->given)
        memcpy(values, net_part(model, runs, part, arena_of(model, array)), bytes);
    else if (initial == 0)
        net_initial(model, runs, part, values);
    else
        memset(values, 0, bytes);
}

static void write_part(fcnn_model *model, int runs, fcnn_part part, fcnn_array array, const float *values)
{
    memcpy(net_part(model, runs, part, arena_of(model, array)), values,
           (size_t)count_of(&model->layer[runs], part) * sizeof(float));
}

/* ---- the interface ---- */

static fcnn_status check_array(const fcnn_model *model, fcnn_array array, const float *values, int write)
{
    if (!model || !values) return fcnn_fail(FCNN_BAD_ARGUMENT, "%s is NULL", model ? "values" : "model");
    if (!model->compiled) return fcnn_fail(FCNN_BAD_ARGUMENT, "a model has no weights before fcnn_compile()");
    if ((unsigned)array > FCNN_ARRAY_INITIAL_MOMENT_2)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "array %d does not exist", (int)array);
    if (write && array >= FCNN_ARRAY_INITIAL_WEIGHTS)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "initial weights and moments can be read alone");
    return FCNN_OK;
}

static fcnn_status check_count(int64_t count, int64_t expected)
{
    if (count == expected) return FCNN_OK;
    return fcnn_fail(FCNN_BAD_ARGUMENT, "count is %lld; there are %lld floats", (long long)count, (long long)expected);
}

void net_read_array(const fcnn_model *model, fcnn_array array, float *values)
{
    for (int i = 0; i < model->layers; i++)
        for (int part = FCNN_PART_WEIGHTS; part <= FCNN_PART_MOVING_VARIANCE; part++) {
            read_part(model, i, (fcnn_part)part, array, values);
            values += count_of(&model->layer[i], (fcnn_part)part);
        }
}

fcnn_status fcnn_model_get_array(const fcnn_model *model, fcnn_array array, float *values, int64_t count)
{
    NET_TRY(check_array(model, array, values, 0));
    NET_TRY(check_count(count, model->parameters));
    const fcnn_fpmode saved = fcnn_fpmode_enter();
    net_read_array(model, array, values);
    fcnn_fpmode_leave(saved);
    return FCNN_OK;
}

fcnn_status fcnn_model_set_array(fcnn_model *model, fcnn_array array, const float *values, int64_t count)
{
    NET_TRY(check_array(model, array, values, 1));
    NET_TRY(check_count(count, model->parameters));
    net_run_changed(model);
    for (int i = 0; i < model->layers; i++)
        for (int part = FCNN_PART_WEIGHTS; part <= FCNN_PART_MOVING_VARIANCE; part++) {
            write_part(model, i, (fcnn_part)part, array, values);
            values += count_of(&model->layer[i], (fcnn_part)part);
        }
    model->version++;
    return FCNN_OK;
}

fcnn_status fcnn_model_get_weights(const fcnn_model *model, float *weights, int64_t count)
{
    return fcnn_model_get_array(model, FCNN_ARRAY_WEIGHTS, weights, count);
}

fcnn_status fcnn_model_set_weights(fcnn_model *model, const float *weights, int64_t count)
{
    return fcnn_model_set_array(model, FCNN_ARRAY_WEIGHTS, weights, count);
}

/* *runs: where a layer with parameters runs. */
static fcnn_status find_part(const fcnn_model *model, int layer, fcnn_part part, int64_t count, int *runs)
{
    if (layer < 0 || layer >= model->added_layers)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "layer %d; the model has %d", layer, model->added_layers);
    if ((unsigned)part > FCNN_PART_MOVING_VARIANCE)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "part %d does not exist", (int)part);
    const struct net_added *added = &model->added[layer];
    const int64_t counts[] = {added->weights, added->bias, added->moving, added->moving};
    const char *const names[] = {"weights", "bias", "moving mean", "moving variance"};
    if (!counts[part])
        return fcnn_fail(FCNN_BAD_ARGUMENT, "the layer %s has no %s", added->name,
                         added->weights + added->bias + added->moving ? names[part] : "parameters");
    *runs = added->runs;
    return check_count(count, counts[part]);
}

fcnn_status fcnn_layer_get_array(const fcnn_model *model, int layer, fcnn_array array, fcnn_part part, float *values,
                                 int64_t count)
{
    int runs;
    NET_TRY(check_array(model, array, values, 0));
    NET_TRY(find_part(model, layer, part, count, &runs));
    const fcnn_fpmode saved = fcnn_fpmode_enter();
    read_part(model, runs, part, array, values);
    fcnn_fpmode_leave(saved);
    return FCNN_OK;
}

fcnn_status fcnn_layer_set_array(fcnn_model *model, int layer, fcnn_array array, fcnn_part part, const float *values,
                                 int64_t count)
{
    int runs;
    NET_TRY(check_array(model, array, values, 1));
    NET_TRY(find_part(model, layer, part, count, &runs));
    net_run_changed(model);
    write_part(model, runs, part, array, values);
    model->version++;
    return FCNN_OK;
}

/* ---- the state ---- */

static fcnn_status check_compiled(const fcnn_model *model, const void *state)
{
    if (!model || !state) return fcnn_fail(FCNN_BAD_ARGUMENT, "%s is NULL", model ? "state" : "model");
    if (!model->compiled) return fcnn_fail(FCNN_BAD_ARGUMENT, "a model has no state before fcnn_compile()");
    return FCNN_OK;
}

fcnn_status fcnn_model_get_state_sized(const fcnn_model *model, fcnn_state *state, size_t size)
{
    NET_TRY(check_compiled(model, state));
    const fcnn_state value = {
        .steps = model->steps,
        .epochs = model->epochs,
        .beta_1_power = model->hyper.beta_1_power,
        .beta_2_power = model->hyper.beta_2_power,
        .epoch_steps = model->under_way.steps,
        .epoch_loss = model->under_way.sum.loss,
        .epoch_correct = model->under_way.sum.correct,
    };
    FCNN_GIVE(state, size, value);
    return FCNN_OK;
}

/* A power is 1 before the first step and below it ever after, down to 0 when it underflows. */
static fcnn_status check_power(const char *name, float power, int64_t steps)
{
    if (steps ? power >= 0 && power < 1 : power == 1) return FCNN_OK;
    return fcnn_fail(FCNN_BAD_ARGUMENT, "%s is %g after %lld steps; it must be %s", name, (double)power,
                     (long long)steps, steps ? "at least 0 and below 1" : "1");
}

/* The sums of no steps are 0. What an epoch has, fcnn_fit() knows. */
static fcnn_status check_epoch(const fcnn_state *state)
{
    if (state->epoch_steps < 0 || state->epoch_steps > state->steps)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "%lld steps in the epoch under way, of %lld in all",
                         (long long)state->epoch_steps, (long long)state->steps);
    if (state->epoch_correct < 0 || (!state->epoch_steps && (!(state->epoch_loss == 0) || state->epoch_correct)))
        return fcnn_fail(FCNN_BAD_ARGUMENT, "epoch_loss is %g, epoch_correct %lld; with epoch_steps %lld they must be "
                         "%s", state->epoch_loss, (long long)state->epoch_correct, (long long)state->epoch_steps,
                         state->epoch_steps ? "sums over images" : "0");
    return FCNN_OK;
}

/* Within fcnn_fit() its epoch goes on where it is. */
static void set_epoch(fcnn_model *model, const fcnn_state *state)
{
    if (model->fitting) return;
    model->under_way.steps = state->epoch_steps;
    model->under_way.sum.loss = state->epoch_loss;
    model->under_way.sum.correct = state->epoch_correct;
}

fcnn_status fcnn_model_set_state_sized(fcnn_model *model, const fcnn_state *state, size_t size)
{
    FCNN_TAKE(fcnn_state, taken, state, size);
    NET_TRY(check_compiled(model, state));
    if (taken.steps < 0 || taken.epochs < 0 || taken.epochs > UINT32_MAX)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "%lld steps, %lld epochs; expected at least 0, at most 2^32 - 1 epochs",
                         (long long)taken.steps, (long long)taken.epochs);
    NET_TRY(check_power("beta_1_power", taken.beta_1_power, taken.steps));
    NET_TRY(check_power("beta_2_power", taken.beta_2_power, taken.steps));
    NET_TRY(check_epoch(&taken));
    net_run_changed(model);
    model->steps = taken.steps;
    model->epochs = taken.epochs;
    model->hyper.beta_1_power = taken.beta_1_power;
    model->hyper.beta_2_power = taken.beta_2_power;
    set_epoch(model, &taken);
    return FCNN_OK;
}
