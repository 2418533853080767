/* SPDX-License-Identifier: BSD-2-Clause
 * Helpers for callbacks of fcnn_fit(): snapshots of a model, early stopping. */
#include "lib/net/net.h"

#include <math.h>
#include <string.h>

#include "lib/sized.h"

/* ---- snapshots ---- */

enum { ARRAYS = FCNN_ARRAY_MOMENT_2 + 1 };

struct fcnn_snapshot {
    int64_t count;      /* floats of one array */
    fcnn_state state;
    struct net_run run; /* `initial` is the snapshot's own */
    float arrays[];     /* ARRAYS times `count`, then as many for `initial` */
};

static fcnn_status check_compiled(const void *other, const fcnn_model *model)
{
    if (!model || !other) return fcnn_fail(FCNN_BAD_ARGUMENT, "%s is NULL", model ? "snapshot" : "model");
    if (!model->compiled) return fcnn_fail(FCNN_BAD_ARGUMENT, "the model is not compiled");
    return FCNN_OK;
}

static fcnn_status check_count(const fcnn_snapshot *snapshot, const fcnn_model *model)
{
    if (snapshot->count == model->parameters) return FCNN_OK;
    return fcnn_fail(FCNN_BAD_ARGUMENT, "the snapshot is of %lld parameters, the model has %lld",
                     (long long)snapshot->count, (long long)model->parameters);
}

static fcnn_snapshot *allocate(const fcnn_model *model)
{
    const size_t floats = 2 * ARRAYS * (size_t)model->parameters;
    fcnn_snapshot *snapshot = net_alloc(1, sizeof *snapshot + floats * sizeof(float));
    if (!snapshot) fcnn_fail(FCNN_OUT_OF_MEMORY, "no memory for a snapshot of %lld parameters",
                             (long long)model->parameters);
    else snapshot->count = model->parameters;
    return snapshot;
}

fcnn_status fcnn_snapshot_take(fcnn_snapshot **snapshot, const fcnn_model *model)
{
    NET_TRY(check_compiled(snapshot, model));
    if (*snapshot) NET_TRY(check_count(*snapshot, model));
    else if (!(*snapshot = allocate(model))) return FCNN_OUT_OF_MEMORY;
    fcnn_snapshot *taken = *snapshot;
    const size_t all = ARRAYS * (size_t)taken->count;
    for (int array = 0; array < ARRAYS; array++)
        net_read_array(model, (fcnn_array)array, taken->arrays + array * taken->count);
    taken->run = model->run;
    taken->run.initial = model->run.initial ? taken->arrays + all : NULL;
    if (model->run.initial) memcpy(taken->run.initial, model->run.initial, all * sizeof(float));
    return fcnn_model_get_state(model, &taken->state);
}

fcnn_status fcnn_snapshot_restore(const fcnn_snapshot *snapshot, fcnn_model *model)
{
    NET_TRY(check_compiled(snapshot, model));
    NET_TRY(check_count(snapshot, model));
    if (model->fitting) return fcnn_fail(FCNN_BAD_ARGUMENT, "fcnn_fit() of this model is running");
    const size_t all = ARRAYS * (size_t)snapshot->count;
    float *initial = snapshot->run.initial ? net_alloc(all, sizeof(float)) : NULL;
    if (snapshot->run.initial && !initial)
        return fcnn_fail(FCNN_OUT_OF_MEMORY, "no memory for a copy of the initial weights");
    fcnn_status status = fcnn_model_set_state(model, &snapshot->state);
    for (int array = 0; array < ARRAYS && status == FCNN_OK; array++)
        status = fcnn_model_set_array(model, (fcnn_array)array, snapshot->arrays + array * snapshot->count,
                                      snapshot->count);
    if (status != FCNN_OK) {
        net_free(initial);
        return status;
    }
    if (initial) memcpy(initial, snapshot->run.initial, all * sizeof(float));
    net_free(model->run.initial);
    model->run = snapshot->run;
    model->run.initial = initial;
    return FCNN_OK;
}

fcnn_status fcnn_snapshot_get_array(const fcnn_snapshot *snapshot, fcnn_array array, float *values, int64_t count)
{
    if (!snapshot || !values) return fcnn_fail(FCNN_BAD_ARGUMENT, "%s is NULL", snapshot ? "values" : "snapshot");
    if ((unsigned)array >= ARRAYS)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "array %d is none of the weights and moments of a snapshot", (int)array);
    if (count != snapshot->count)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "count is %lld; there are %lld floats", (long long)count,
                         (long long)snapshot->count);
    memcpy(values, snapshot->arrays + array * count, (size_t)count * sizeof *values);
    return FCNN_OK;
}

fcnn_status fcnn_snapshot_get_state_sized(const fcnn_snapshot *snapshot, fcnn_state *state, size_t size)
{
    if (!snapshot || !state) return fcnn_fail(FCNN_BAD_ARGUMENT, "%s is NULL", snapshot ? "state" : "snapshot");
    FCNN_GIVE(state, size, snapshot->state);
    return FCNN_OK;
}

fcnn_status fcnn_snapshot_receipt_sized(const fcnn_snapshot *snapshot, const fcnn_model *model, fcnn_receipt *receipt,
                                        size_t size)
{
    NET_TRY(check_compiled(snapshot, model));
    NET_TRY(check_count(snapshot, model));
    if (!receipt) return fcnn_fail(FCNN_BAD_ARGUMENT, "receipt is NULL");
    const fcnn_receipt value = net_receipt(model, &snapshot->run, &snapshot->state, snapshot->arrays);
    FCNN_GIVE(receipt, size, value);
    return FCNN_OK;
}

void fcnn_snapshot_destroy(fcnn_snapshot *snapshot) { net_free(snapshot); }

/* ---- early stopping ---- */

static double monitored(const fcnn_early_stopping *stopping, const fcnn_progress *progress)
{
    switch (stopping->monitor) {
    case FCNN_MONITOR_VAL_LOSS: return progress->val_loss;
    case FCNN_MONITOR_VAL_ACCURACY: return progress->val_accuracy;
    case FCNN_MONITOR_LOSS: return progress->loss;
    default: return progress->accuracy;
    }
}

static int is_better(const fcnn_early_stopping *stopping, double value)
{
    if (isnan(value) || !stopping->best_epoch) return !isnan(value);
    const int less = stopping->monitor == FCNN_MONITOR_VAL_LOSS || stopping->monitor == FCNN_MONITOR_LOSS;
    return less ? value < stopping->best - stopping->min_delta : value > stopping->best + stopping->min_delta;
}

static fcnn_status check(const fcnn_early_stopping *stopping, const fcnn_progress *progress)
{
    const fcnn_monitor monitor = stopping->monitor;
    if ((unsigned)monitor > FCNN_MONITOR_ACCURACY)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "monitor %d does not exist", (int)monitor);
    if (!(stopping->min_delta >= 0))
        return fcnn_fail(FCNN_BAD_ARGUMENT, "min_delta is %g; it must be at least 0", stopping->min_delta);
    if ((monitor == FCNN_MONITOR_VAL_LOSS || monitor == FCNN_MONITOR_VAL_ACCURACY) && !progress->has_validation)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "%s is monitored, but there are no validation images",
                         monitor == FCNN_MONITOR_VAL_LOSS ? "the validation loss" : "the validation accuracy");
    return FCNN_OK;
}

static void watch(fcnn_early_stopping *stopping, const fcnn_progress *progress)
{
    const double value = monitored(stopping, progress);
    stopping->epochs++;
    stopping->improved = is_better(stopping, value);
    stopping->waited = stopping->improved ? 0 : stopping->waited + 1;
    if (stopping->improved) {
        stopping->best = value;
        stopping->best_epoch = stopping->epochs;
        if (stopping->model) stopping->status = fcnn_snapshot_take(&stopping->best_model, stopping->model);
    }
    const int64_t patience = stopping->patience > 0 ? stopping->patience : 1;
    stopping->stopped = stopping->patience >= 0 && stopping->waited >= patience;
}

int fcnn_early_stop_sized(fcnn_early_stopping *stopping, size_t size, const fcnn_progress *progress)
{
    fcnn_early_stopping taken;
    if (!stopping || !progress) {
        fcnn_fail(FCNN_BAD_ARGUMENT, "%s is NULL", stopping ? "progress" : "the early stopping");
        return 1;
    }
    if (!fcnn_sized_take(&taken, sizeof taken, stopping, size))
        taken.status = fcnn_fail(FCNN_BAD_ARGUMENT,
                                 "fcnn_early_stopping has members set that this library does not know");
    else if (progress->epoch_ended && (taken.status = check(&taken, progress)) == FCNN_OK) watch(&taken, progress);
    fcnn_sized_give(stopping, size < sizeof taken ? size : sizeof taken, &taken, sizeof taken);
    return taken.stopped || taken.status != FCNN_OK;
}
