/* SPDX-License-Identifier: BSD-2-Clause
 * A run that goes on in another model: what the receipt says of it, held against that model before it is believed. */
#include "lib/net/net.h"

#include <string.h>

#include "lib/sized.h"

static fcnn_status differs(const char *member)
{
    return fcnn_fail(FCNN_BAD_ARGUMENT, "the run's %s is not that of the model", member);
}

/* What the model itself knows: how it was compiled, where it stands. */
static fcnn_status check_model(const fcnn_receipt *run, const fcnn_receipt *now)
{
    if (strcmp(run->weights, now->weights) != 0) return differs("hash of the weights");
    if (run->steps != now->steps) return differs("number of steps");
    if (run->seed != now->seed) return differs("seed");
    if (run->shards != now->shards) return differs("number of shards");
    if (run->loss != now->loss) return differs("loss");
    if (run->optimizer != now->optimizer || run->learning_rate != now->learning_rate || run->beta_1 != now->beta_1 ||
        run->beta_2 != now->beta_2 || run->epsilon != now->epsilon || run->momentum != now->momentum ||
        run->nesterov != now->nesterov || run->rho != now->rho || run->weight_decay != now->weight_decay)
        return differs("optimizer");
    if (run->schedule != now->schedule || run->schedule_steps != now->schedule_steps ||
        run->schedule_factor != now->schedule_factor)
        return differs("schedule");
    if (run->numerics == now->numerics) return FCNN_OK;
    return fcnn_fail(FCNN_BAD_ARGUMENT, "the run is of numerics version %d, this library has %d: it would go on with "
                     "other bits", run->numerics, now->numerics);
}

static fcnn_status wrong(const char *member, long long value)
{
    return fcnn_fail(FCNN_BAD_ARGUMENT, "the run's %s is %lld, which cannot be", member, value);
}

/* Of a run with fits. */
static fcnn_status check_fit(const fcnn_model *model, const fcnn_receipt *run)
{
    if (run->images < 1) return wrong("images", run->images);
    if (run->validation_images < 0) return wrong("validation_images", run->validation_images);
    if (run->batch_size < 1 || run->batch_size > run->images) return wrong("batch_size", run->batch_size);
    if (!(run->validation_split >= 0 && run->validation_split < 1))
        return fcnn_fail(FCNN_BAD_ARGUMENT, "the run's validation_split is %g, which cannot be", run->validation_split);
    const int64_t steps = (run->images - 1) / run->batch_size + 1;
    if (model->under_way.steps <= steps) return FCNN_OK;
    return fcnn_fail(FCNN_BAD_ARGUMENT, "the model is at step %lld of an epoch; the run's have %lld",
                     (long long)model->under_way.steps, (long long)steps);
}

static fcnn_status check_run(const fcnn_model *model, const fcnn_receipt *run, const fcnn_receipt *now)
{
    if (run->weights[32] || run->data[32] || run->classes[sizeof run->classes - 1])
        return fcnn_fail(FCNN_BAD_ARGUMENT, "a text of the run does not end");
    if (run->first_step < 0 || run->first_step > run->steps) return wrong("first_step", run->first_step);
    if (run->epochs < 0 || (!run->altered && run->epochs != model->epochs - run->first_epoch))
        return wrong("epochs", run->epochs);
    if (run->first_epoch_steps < 0 || run->first_epoch_steps > run->first_step)
        return wrong("first_epoch_steps", run->first_epoch_steps);
    if (run->diverged_step < 0) return wrong("diverged_step", run->diverged_step);
    NET_TRY(check_model(run, now));
    return *run->data ? check_fit(model, run) : FCNN_OK;
}

static int is_class(int number, const char *at, size_t length)
{
    const char *name = fcnn_class_name((fcnn_class)number);
    return strcmp(name, "unknown") != 0 && strlen(name) == length && !strncmp(name, at, length);
}

/* The names of classes, back to their mask. */
static fcnn_status read_classes(const char *names, unsigned *classes)
{
    *classes = 0;
    for (const char *at = names; *at;) {
        const size_t length = strcspn(at, ",");
        int i = 0;
        while (i < 32 && !is_class(i, at, length)) i++;
        if (i == 32) return fcnn_fail(FCNN_BAD_ARGUMENT, "the run's classes \"%s\" are not this library's", names);
        *classes |= 1u << i;
        at += length + (at[length] == ',');
    }
    return FCNN_OK;
}

static struct net_run run_of(const fcnn_receipt *receipt)
{
    struct net_run run = {
        .given = receipt->given != 0,
        .altered = receipt->altered != 0,
        .stopped = receipt->stopped != 0,
        .first_step = receipt->first_step,
        .first_epoch = receipt->first_epoch,
        .first_epoch_steps = receipt->first_epoch_steps,
        .epochs = receipt->epochs,
        .diverged_step = receipt->diverged_step,
        .first_powers = {receipt->first_beta_1_power, receipt->first_beta_2_power},
        .fit = {.images = receipt->images,
                .validation = receipt->validation_images,
                .batch = receipt->batch_size,
                .split = receipt->validation_split,
                .shuffled = receipt->shuffled != 0,
                .keep_going = receipt->keep_going != 0},
    };
    memcpy(run.fit.data, receipt->data, sizeof run.fit.data);
    return run;
}

/* *copy: NULL where the run began with what the seed gives, or has not begun. */
static fcnn_status copy_initial(const fcnn_model *model, const fcnn_receipt *run, const float *initial, int64_t count,
                                float **copy)
{
    const int wanted = run->given && *run->data;
    *copy = NULL;
    if (wanted != (initial != NULL))
        return fcnn_fail(FCNN_BAD_ARGUMENT, "the run began with what %s; initial must %sbe NULL",
                         wanted ? "it was given" : "the seed gives", wanted ? "not " : "");
    if (!initial) return FCNN_OK;
    if (count != 3 * model->parameters)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "count is %lld; there are %lld floats in three arrays", (long long)count,
                         (long long)(3 * model->parameters));
    *copy = net_alloc((size_t)count, sizeof **copy);
    if (!*copy) return fcnn_fail(FCNN_OUT_OF_MEMORY, "no memory for a copy of the initial weights");
    memcpy(*copy, initial, (size_t)count * sizeof **copy);
    return FCNN_OK;
}

fcnn_status fcnn_model_continue_run_sized(fcnn_model *model, const fcnn_receipt *run, size_t size,
                                          const float *initial, int64_t count)
{
    FCNN_TAKE(fcnn_receipt, taken, run, size);
    fcnn_receipt now;
    if (!model || !run) return fcnn_fail(FCNN_BAD_ARGUMENT, "%s is NULL", model ? "run" : "model");
    if (model->fitting) return fcnn_fail(FCNN_BAD_ARGUMENT, "fcnn_fit() of this model is running");
    NET_TRY(fcnn_model_receipt(model, &now));
    NET_TRY(check_run(model, &taken, &now));
    struct net_run next = run_of(&taken);
    NET_TRY(read_classes(taken.classes, &next.classes));
    NET_TRY(copy_initial(model, &taken, initial, count, &next.initial));
    net_free(model->run.initial);
    model->run = next;
    return FCNN_OK;
}
