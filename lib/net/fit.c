/* SPDX-License-Identifier: BSD-2-Clause
 * Training: epochs, shuffling, steps, metrics, callbacks; evaluate and predict. Words and defaults are Keras'. */
#include "lib/net/net.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "lib/sized.h"

/* ---- checks ---- */

static fcnn_status check_data(const fcnn_model *model, const float *x, const void *y, const char *y_name, int64_t n)
{
    if (!model || !x || !y) return fcnn_fail(FCNN_BAD_ARGUMENT, "%s is NULL", !model ? "model" : !x ? "x" : y_name);
    if (!model->compiled) return fcnn_fail(FCNN_BAD_ARGUMENT, "the model is not compiled");
    const int64_t largest = model->image > net_classes(model) ? model->image : net_classes(model);
    if (n < 1 || n > PTRDIFF_MAX / (int64_t)sizeof(float) / largest)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "n is %lld; there must be at least one image, and all must fit into memory",
                         (long long)n);
    return FCNN_OK;
}

static fcnn_status check_labels(const fcnn_model *model, const int32_t *y, int64_t n)
{
    const int64_t classes = net_classes(model);
    for (int64_t i = 0; i < n; i++)
        if (y[i] < 0 || y[i] >= classes)
            return fcnn_fail(FCNN_BAD_DATA, "label %lld is %d; expected 0 to %lld", (long long)i, (int)y[i],
                             (long long)(classes - 1));
    return FCNN_OK;
}

static fcnn_status bad_target(int64_t image, int64_t i, double value, const char *expected)
{
    return fcnn_fail(FCNN_BAD_DATA, "target %lld of image %lld is %g; it must be %s", (long long)i, (long long)image,
                     value, expected);
}

/* Of one image. A distribution's sum is 1 but for roundings; else the gradient would not be that of the loss. */
static fcnn_status check_row(const float *row, int64_t image, int64_t classes, int distribution)
{
    double sum = 0;
    for (int64_t i = 0; i < classes; i++) {
        if (!isfinite(row[i])) return bad_target(image, i, (double)row[i], "finite");
        if (distribution && row[i] < 0) return bad_target(image, i, (double)row[i], "at least 0");
        sum += (double)row[i];
    }
    if (!distribution || fabs(sum - 1) <= 1e-3) return FCNN_OK;
    return fcnn_fail(FCNN_BAD_DATA, "the targets of image %lld add up to %g; categorical cross-entropy takes "
                     "probabilities, whose sum is 1", (long long)image, sum);
}

static fcnn_status check_targets(const fcnn_model *model, const float *targets, int64_t n)
{
    const int distribution = model->options.loss == FCNN_LOSS_CATEGORICAL_CROSSENTROPY;
    const int64_t classes = net_classes(model);
    if (!net_takes_targets(model))
        return fcnn_fail(FCNN_BAD_ARGUMENT, "there are targets, but the model was compiled with sparse categorical "
                         "cross-entropy, which takes labels");
    for (int64_t i = 0; i < n; i++) NET_TRY(check_row(targets + i * classes, i, classes, distribution));
    return FCNN_OK;
}

/* Either labels or targets. */
static fcnn_status check_answers(const fcnn_model *model, const int32_t *y, const float *targets, int64_t n)
{
    if (y && targets)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "there are labels (y) and targets; one of them must be NULL");
    return y ? check_labels(model, y, n) : check_targets(model, targets, n);
}

static fcnn_metrics mean(const struct net_sum *sum, int64_t count)
{
    return (fcnn_metrics){.loss = sum->loss / (double)count, .accuracy = (double)sum->correct / (double)count};
}

/* ---- fit ---- */

struct fit {
    fcnn_model *model;
    const float *x;
    const int32_t *y;     /* or NULL */
    const float *targets; /* or NULL */
    int64_t training, validation; /* images: the first ones, the others */
    int64_t batch;
    int64_t *order; /* NULL: no shuffling */
    const fcnn_fit_options *options;
    fcnn_progress progress;
    double begin, step_begin; /* of the epoch; of the step, without what the callback takes */
};

/* Keras' arithmetic: the first floor(n (1 - split)) images train. */
static fcnn_status split(struct fit *fit, int64_t n)
{
    const double part = fit->options->validation_split;
    if (!(part >= 0 && part < 1))
        return fcnn_fail(FCNN_BAD_ARGUMENT, "validation_split is %g; it must be at least 0 and below 1", part);
    fit->training = part > 0 ? (int64_t)floor((double)n * (1.0 - part)) : n;
    fit->validation = n - fit->training;
    if (fit->training < 1 || (part > 0 && fit->validation < 1))
        return fcnn_fail(FCNN_BAD_ARGUMENT,
                         "%lld images are too few for a validation_split of %g: %lld would train, %lld validate",
                         (long long)n, part, (long long)fit->training, (long long)fit->validation);
    return FCNN_OK;
}

static fcnn_status read_options(struct fit *fit, int64_t n)
{
    const fcnn_fit_options *options = fit->options;
    if (options->epochs < 0 || options->batch_size < 0)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "%s is %lld; it must be at least 1, or 0 for the default",
                         options->epochs < 0 ? "epochs" : "batch_size",
                         options->epochs < 0 ? (long long)options->epochs : (long long)options->batch_size);
    NET_TRY(split(fit, n));
    fit->batch = options->batch_size ? options->batch_size : 32;
    if (fit->batch > fit->training) fit->batch = fit->training;
    fit->progress.epochs = options->epochs ? options->epochs : 1;
    fit->progress.steps = (fit->training + fit->batch - 1) / fit->batch;
    fit->progress.has_validation = fit->validation > 0;
    return FCNN_OK;
}

/* Everything that needs memory, so that the epochs need none. */
static fcnn_status prepare(struct fit *fit)
{
    const int64_t last = fit->training % fit->batch;
    const struct net_fit_record record = {
        .images = fit->training,
        .validation = fit->validation,
        .batch = fit->batch,
        .split = fit->options->validation_split,
        .shuffled = !fit->options->no_shuffle,
        .keep_going = fit->options->keep_going != 0,
    };
    net_plans_trim(fit->model);
    NET_TRY(net_job_prepare(fit->model, fit->batch, 1));
    if (last) NET_TRY(net_job_prepare(fit->model, last, 1));
    if (fit->validation) NET_TRY(net_job_prepare(fit->model, fit->validation, 0));
    if (record.shuffled && !(fit->order = net_alloc((size_t)fit->training, sizeof *fit->order)))
        return fcnn_fail(FCNN_OUT_OF_MEMORY, "no memory to shuffle %lld images", (long long)fit->training);
    return net_run_begin(fit->model, &record, fit->x, fit->y, fit->targets);
}

static fcnn_status report(const struct fit *fit)
{
    const fcnn_progress *progress = &fit->progress;
    if (fit->options->callback && fit->options->callback(fit->options->context, progress))
        return fcnn_fail(FCNN_INTERRUPTED, "stopped by the callback after step %lld of %lld in epoch %d of %d",
                         (long long)progress->step, (long long)progress->steps, progress->epoch, progress->epochs);
    return FCNN_OK;
}

/* How far the epoch under way is, and what its images gave so far. */
static void note_epoch(struct fit *fit)
{
    const fcnn_model *model = fit->model;
    fcnn_progress *progress = &fit->progress;
    const struct net_epoch epoch = {.images = fit->training, .batch = fit->batch};
    const int64_t images = net_images_done(model, &epoch);
    const fcnn_metrics metrics = images ? mean(&model->under_way.sum, images) : (fcnn_metrics){0};
    progress->step = model->under_way.steps;
    progress->loss = metrics.loss;
    progress->accuracy = metrics.accuracy;
}

static fcnn_status after_step(void *context)
{
    struct fit *fit = context;
    fcnn_progress *progress = &fit->progress;
    const double now = omp_get_wtime();
    progress->seconds = now - fit->begin;
    progress->training_seconds += now - fit->step_begin;
    note_epoch(fit);
    const fcnn_status status = report(fit);
    fit->step_begin = omp_get_wtime();
    return status;
}

static fcnn_status train(struct fit *fit)
{
    const struct net_epoch epoch = {
        .x = fit->x,
        .y = fit->y,
        .targets = fit->targets,
        .order = fit->order,
        .images = fit->training,
        .batch = fit->batch,
        .keep_going = fit->options->keep_going,
        .after_step = after_step,
        .context = fit,
    };
    note_epoch(fit);
    fit->progress.training_seconds = 0;
    fit->step_begin = omp_get_wtime();
    return net_train(fit->model, &epoch);
}

static fcnn_status validate(struct fit *fit)
{
    const int64_t at = fit->training;
    const struct net_job job = {
        .x = fit->x + at * fit->model->image,
        .y = fit->y ? fit->y + at : NULL,
        .targets = fit->targets ? fit->targets + at * net_classes(fit->model) : NULL,
        .count = fit->validation,
    };
    struct net_sum sum;
    NET_TRY(net_job_run(fit->model, &job, &sum));
    const fcnn_metrics metrics = mean(&sum, fit->validation);
    fit->progress.val_loss = metrics.loss;
    fit->progress.val_accuracy = metrics.accuracy;
    return FCNN_OK;
}

/* What the losses of the steps could not show: numbers that the last step or the validation images brought. */
static fcnn_status check_outcome(const struct fit *fit)
{
    fcnn_model *model = fit->model;
    int64_t i = 0;
    while (i < model->arena && isfinite(model->weights[i])) i++;
    if (i == model->arena && isfinite(fit->progress.val_loss)) return FCNN_OK;
    net_run_diverged(model, model->steps);
    if (fit->options->keep_going) return FCNN_OK;
    return fcnn_fail(FCNN_DIVERGED, "after step %lld %s is not finite: training has diverged",
                     (long long)model->steps, i < model->arena ? "a weight" : "the validation loss");
}

static fcnn_status run_epoch(struct fit *fit, fcnn_progress *history, size_t history_size)
{
    fcnn_model *model = fit->model;
    fit->begin = omp_get_wtime();
    fit->progress.epoch_ended = 0;
    if (fit->order) net_shuffle(fit->order, fit->training, model->seed, model->epochs);
    model->run.stopped = 1; /* until the epoch has ended */
    NET_TRY(train(fit));
    if (fit->validation) NET_TRY(validate(fit));
    fit->progress.seconds = omp_get_wtime() - fit->begin;
    fit->progress.epoch_ended = 1;
    model->epochs++;
    memset(&model->under_way, 0, sizeof model->under_way);
    model->run.epochs++;
    model->run.stopped = 0;
    if (history) FCNN_GIVE(history, history_size, fit->progress);
    check_outcome(fit); /* the callback, which may keep the run in a file, is to find it */
    NET_TRY(report(fit));
    return check_outcome(fit); /* its sentence is the last one, whatever the callback called */
}

static fcnn_status run_epochs(struct fit *fit, fcnn_progress *history, size_t history_size)
{
    char *entry = (char *)history; /* its size is the caller's */
    NET_TRY(prepare(fit));
    net_plans_hold(fit->model, 1);
    fit->model->fitting = 1;
    fcnn_status status = FCNN_OK;
    for (int epoch = 1; status == FCNN_OK && epoch <= fit->progress.epochs; epoch++) {
        fit->progress.epoch = epoch;
        status = run_epoch(fit, (fcnn_progress *)(void *)entry, history_size);
        if (entry) entry += history_size;
    }
    fit->model->fitting = 0;
    net_plans_hold(fit->model, 0);
    return status;
}

fcnn_status fcnn_fit_sized(fcnn_model *model, const float *x, const int32_t *y, int64_t n,
                           const fcnn_fit_options *options, size_t size, fcnn_progress *history, size_t history_size)
{
    FCNN_TAKE(fcnn_fit_options, taken, options, size);
    struct fit fit = {.model = model, .x = x, .y = y, .targets = taken.targets, .options = &taken};
    NET_TRY(check_data(model, x, y ? (const void *)y : taken.targets, "y", n));
    if (model->fitting) return fcnn_fail(FCNN_BAD_ARGUMENT, "fcnn_fit() of this model is running already");
    NET_TRY(check_answers(model, y, taken.targets, n));
    NET_TRY(read_options(&fit, n));
    const fcnn_fpmode saved = fcnn_fpmode_enter();
    const fcnn_status status = run_epochs(&fit, history, history_size);
    fcnn_fpmode_leave(saved);
    net_free(fit.order);
    return status;
}

/* ---- evaluate, predict ---- */

static fcnn_status evaluate(fcnn_model *model, const struct net_job *job, fcnn_metrics *metrics, size_t size)
{
    if (!metrics) return fcnn_fail(FCNN_BAD_ARGUMENT, "metrics is NULL");
    NET_TRY(check_answers(model, job->y, job->targets, job->count));
    net_plans_trim(model);
    NET_TRY(net_job_prepare(model, job->count, 0));
    struct net_sum sum;
    const fcnn_fpmode saved = fcnn_fpmode_enter();
    const fcnn_status status = net_job_run(model, job, &sum);
    const fcnn_metrics means = status == FCNN_OK ? mean(&sum, job->count) : (fcnn_metrics){0};
    fcnn_fpmode_leave(saved);
    if (status == FCNN_OK) FCNN_GIVE(metrics, size, means);
    return status;
}

fcnn_status fcnn_evaluate_sized(fcnn_model *model, const float *x, const int32_t *y, int64_t n, fcnn_metrics *metrics,
                                size_t size)
{
    NET_TRY(check_data(model, x, y, "y", n));
    return evaluate(model, &(const struct net_job){.x = x, .y = y, .count = n}, metrics, size);
}

fcnn_status fcnn_evaluate_targets_sized(fcnn_model *model, const float *x, const float *targets, int64_t n,
                                        fcnn_metrics *metrics, size_t size)
{
    NET_TRY(check_data(model, x, targets, "targets", n));
    return evaluate(model, &(const struct net_job){.x = x, .targets = targets, .count = n}, metrics, size);
}

fcnn_status fcnn_predict(fcnn_model *model, const float *x, int64_t n, float *probabilities)
{
    NET_TRY(check_data(model, x, probabilities, "probabilities", n));
    net_plans_trim(model);
    NET_TRY(net_job_prepare(model, n, 0));
    const struct net_job job = {.x = x, .count = n, .probabilities = probabilities};
    struct net_sum none;
    return net_job_run(model, &job, &none);
}
