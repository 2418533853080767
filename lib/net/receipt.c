/* SPDX-License-Identifier: BSD-2-Clause
 * The receipt of a training run: what the weights depended on, and hashes for a quick comparison of two runs. */
#include "lib/net/net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "lib/sized.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "hashes are defined over little-endian floats");

/* ---- hashes ---- */

/* -0 and +0 are one value (docs/numerics.md, rule 7), so they must be one hash. */
static void update(XXH3_state_t *state, const float *x, int64_t count)
{
    float block[1024];
    for (int64_t done = 0; done < count;) {
        int64_t now = count - done < 1024 ? count - done : 1024;
        for (int64_t i = 0; i < now; i++) block[i] = x[done + i] == 0 ? 0.0f : x[done + i];
        XXH3_128bits_update(state, block, (size_t)now * sizeof(float));
        done += now;
    }
}

static void finish(const XXH3_state_t *state, char text[33])
{
    XXH128_canonical_t bytes;
    XXH128_canonicalFromHash(&bytes, XXH3_128bits_digest(state));
    for (int i = 0; i < 16; i++) snprintf(text + 2 * i, 3, "%02x", bytes.digest[i]);
}

/* Images, then their labels or targets. */
static void hash_data(const fcnn_model *model, const float *x, const int32_t *y, const float *targets, int64_t images,
                      char text[33])
{
    XXH3_state_t state;
    XXH3_128bits_reset(&state);
    update(&state, x, images * model->image);
    if (y) XXH3_128bits_update(&state, y, (size_t)images * sizeof(int32_t));
    else update(&state, targets, images * net_classes(model));
    finish(&state, text);
}

/* packed: of a snapshot; NULL: the model's. */
static void hash_weights(const fcnn_model *model, const float *packed, char text[33])
{
    XXH3_state_t state;
    XXH3_128bits_reset(&state);
    if (packed) update(&state, packed, model->parameters);
    for (int i = 0; !packed && i < model->layers; i++) {
        update(&state, model->weights + model->layer[i].at_weights, model->layer[i].weights);
        update(&state, model->weights + model->layer[i].at_bias, model->layer[i].bias);
        update(&state, model->weights + model->layer[i].at_moving[0], model->layer[i].moving);
        update(&state, model->weights + model->layer[i].at_moving[1], model->layer[i].moving);
    }
    finish(&state, text);
}

/* ---- the run ---- */

static int begun(const struct net_run *run) { return run->fit.data[0] != 0; }

static int equal(const struct net_fit_record *a, const struct net_fit_record *b)
{
    return !strcmp(a->data, b->data) && a->images == b->images && a->validation == b->validation &&
           a->batch == b->batch && a->split == b->split && a->shuffled == b->shuffled &&
           a->keep_going == b->keep_going;
}

/* Weights and moments as they are now, one after the other. */
static fcnn_status copy_initial(const fcnn_model *model, float **initial)
{
    const size_t count = (size_t)model->parameters;
    *initial = net_alloc(3 * count, sizeof(float));
    if (!*initial) return fcnn_fail(FCNN_OUT_OF_MEMORY, "no memory for a copy of the initial weights");
    for (int array = FCNN_ARRAY_WEIGHTS; array <= FCNN_ARRAY_MOMENT_2; array++)
        net_read_array(model, (fcnn_array)array, *initial + (size_t)array * count);
    return FCNN_OK;
}

/* Of a state that was set. */
static fcnn_status check_under_way(const fcnn_model *model, const struct net_fit_record *fit)
{
    const struct net_epoch epoch = {.images = fit->images, .batch = fit->batch};
    const int64_t steps = (fit->images + fit->batch - 1) / fit->batch, done = model->under_way.steps;
    if (done > steps)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "the model's state is that after step %lld of an epoch; an epoch of %lld "
                         "images in batches of %lld has %lld", (long long)done, (long long)fit->images,
                         (long long)fit->batch, (long long)steps);
    if (done && model->under_way.sum.correct > net_images_done(model, &epoch))
        return fcnn_fail(FCNN_BAD_ARGUMENT, "the model's state has %lld correct images of the %lld in this epoch",
                         (long long)model->under_way.sum.correct, (long long)net_images_done(model, &epoch));
    return FCNN_OK;
}

fcnn_status net_run_begin(fcnn_model *model, const struct net_fit_record *fit, const float *x, const int32_t *y,
                          const float *targets)
{
    struct net_run *run = &model->run, next = {.given = run->given || begun(run), .fit = *fit};
    hash_data(model, x, y, targets, fit->images, next.fit.data);
    if (begun(run) && equal(&run->fit, &next.fit)) return FCNN_OK;
    if (!begun(run)) NET_TRY(check_under_way(model, fit));
    if (next.given) NET_TRY(copy_initial(model, &next.initial));
    if (begun(run)) memset(&model->under_way, 0, sizeof model->under_way);
    next.first_step = model->steps;
    next.first_epoch = model->epochs;
    next.first_epoch_steps = model->under_way.steps;
    next.first_powers[0] = model->hyper.beta_1_power;
    next.first_powers[1] = model->hyper.beta_2_power;
    net_free(run->initial);
    *run = next;
    return FCNN_OK;
}

void net_run_changed(fcnn_model *model)
{
    if (model->fitting) {
        model->run.altered = 1;
        return;
    }
    if (begun(&model->run)) memset(&model->under_way, 0, sizeof model->under_way);
    net_free(model->run.initial);
    model->run = (struct net_run){.given = 1};
}

void net_run_diverged(fcnn_model *model, int64_t step)
{
    if (!model->run.diverged_step) model->run.diverged_step = step;
}

/* ---- the receipt ---- */

static void name_classes(unsigned classes, char *text, size_t size)
{
    size_t length = 0;
    text[0] = 0;
    for (int i = 0; i < 32 && classes >> i && length < size; i++)
        if (classes >> i & 1)
            length += (size_t)snprintf(text + length, size - length, "%s%s", length ? "," : "",
                                       fcnn_class_name((fcnn_class)i));
}

static void describe_versions(fcnn_receipt *receipt)
{
    snprintf(receipt->versions, sizeof receipt->versions, "%s", fcnn_version_details());
    receipt->numerics = fcnn_numerics_version();
}

static void describe_optimizer(const fcnn_model *model, fcnn_receipt *receipt)
{
    receipt->optimizer = model->optimizer;
    receipt->learning_rate = model->hyper.learning_rate;
    switch (model->optimizer) {
    case FCNN_OPTIMIZER_SGD:
        receipt->momentum = model->hyper.momentum;
        receipt->nesterov = model->hyper.nesterov;
        break;
    case FCNN_OPTIMIZER_RMSPROP:
        receipt->momentum = model->hyper.momentum;
        receipt->rho = model->hyper.rho;
        receipt->epsilon = model->hyper.epsilon;
        break;
    default:
        receipt->beta_1 = model->hyper.beta_1;
        receipt->beta_2 = model->hyper.beta_2;
        receipt->epsilon = model->hyper.epsilon;
        receipt->weight_decay = model->hyper.weight_decay; /* 0 without AdamW */
    }
    receipt->schedule = model->options.schedule;
    if (receipt->schedule == FCNN_SCHEDULE_CONSTANT) return;
    receipt->schedule_steps = model->options.schedule_steps;
    receipt->schedule_factor = model->options.schedule_factor;
}

static void describe_run(const struct net_run *run, const fcnn_state *state, fcnn_receipt *receipt)
{
    const struct net_fit_record *fit = &run->fit;
    receipt->given = run->given;
    receipt->altered = run->altered;
    receipt->stopped = run->stopped;
    receipt->diverged_step = run->diverged_step;
    receipt->first_step = begun(run) ? run->first_step : state->steps;
    receipt->first_epoch = begun(run) ? run->first_epoch : state->epochs;
    receipt->first_beta_1_power = begun(run) ? run->first_powers[0] : state->beta_1_power;
    receipt->first_beta_2_power = begun(run) ? run->first_powers[1] : state->beta_2_power;
    receipt->first_epoch_steps = begun(run) ? run->first_epoch_steps : state->epoch_steps;
    receipt->epochs = run->epochs;
    memcpy(receipt->data, fit->data, sizeof receipt->data);
    receipt->images = fit->images;
    receipt->validation_images = fit->validation;
    receipt->batch_size = fit->batch;
    receipt->validation_split = fit->split;
    receipt->shuffled = fit->shuffled;
    receipt->keep_going = fit->keep_going;
    name_classes(run->classes, receipt->classes, sizeof receipt->classes);
}

fcnn_receipt net_receipt(const fcnn_model *model, const struct net_run *run, const fcnn_state *state,
                         const float *packed)
{
    fcnn_receipt receipt = {.seed = model->seed, .shards = model->shards, .steps = state->steps};
    const fcnn_fpmode saved = fcnn_fpmode_enter(); /* a denormal is not 0 */
    hash_weights(model, packed, receipt.weights);
    fcnn_fpmode_leave(saved);
    describe_versions(&receipt);
    receipt.loss = model->options.loss;
    describe_optimizer(model, &receipt);
    describe_run(run, state, &receipt);
    return receipt;
}

fcnn_status fcnn_model_receipt_sized(const fcnn_model *model, fcnn_receipt *receipt, size_t size)
{
    if (!model || !receipt) return fcnn_fail(FCNN_BAD_ARGUMENT, "%s is NULL", model ? "receipt" : "model");
    if (!model->compiled) return fcnn_fail(FCNN_BAD_ARGUMENT, "a model has no receipt before fcnn_compile()");
    fcnn_state state;
    NET_TRY(fcnn_model_get_state(model, &state));
    const fcnn_receipt value = net_receipt(model, &model->run, &state, NULL);
    FCNN_GIVE(receipt, size, value);
    return FCNN_OK;
}
