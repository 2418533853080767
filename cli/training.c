/* SPDX-License-Identifier: BSD-2-Clause
 * The run of `fastcnn train`, and what is looked at after each step and epoch. */
#include "cli/record.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "cli/checkpoint.h"

int64_t training_images(const struct training *t)
{
    return (int64_t)((double)t->data.train.n * (1.0 - t->fit.validation_split));
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_of(const fcnn_progress *history, int epochs)
{
    double *seconds = program_allocate((size_t)epochs, sizeof *seconds), median;
    for (int i = 0; i < epochs; i++) seconds[i] = history[i].training_seconds;
    qsort(seconds, (size_t)epochs, sizeof *seconds, by_value);
    median = epochs ? (seconds[(epochs - 1) / 2] + seconds[epochs / 2]) / 2 : 0;
    free(seconds);
    return median;
}

/* Of the epochs that this process began and ended: others had other threads, or another machine. */
static void time_epochs(struct training *t)
{
    const int first = t->checkpoint.before + (t->checkpoint.begun.seconds > 0);
    t->timed = t->epochs > first ? t->epochs - first : 0;
    t->epoch_seconds = median_of(t->history + (t->timed ? first : 0), t->timed);
}

static long page_faults(void)
{
    struct rusage usage = {0};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt + usage.ru_majflt;
}

/* ---- --tune ---- */

static int on_trial(void *context, const fcnn_tune_progress *p)
{
    char text[512];
    snprintf(text, sizeof text, "tuning %s", p->problem);
    cli_progress_show(context, (int64_t)(p->part * 100), 100, text);
    return cli_interrupted();
}

/* Measures what is not known yet of the batches of this run, the last one of an epoch too, and keeps it. */
static fcnn_status tune(const struct training *t, fcnn_model *model, struct cli_progress *progress)
{
    const fcnn_tune_options how = {.progress = on_trial, .context = progress};
    const int64_t images = training_images(t), batch = images < t->fit.batch_size ? images : t->fit.batch_size;
    const int64_t batches[] = {batch, images % batch};
    int measured = 0;
    fcnn_status status = FCNN_OK;
    for (int i = 0; i < 2 && !status; i++) {
        int here = 0;
        if (batches[i]) status = fcnn_model_tune(model, batches[i], &how, &here);
        measured += here;
    }
    cli_progress_clear(progress);
    if (status || !measured) return status;
    const char *path = cli_tuning_path();
    if (!path || fcnn_tuning_write(fcnn_tuning_default(), path))
        program_complain("%s; measured choices are kept for this run only",
                         path ? fcnn_last_error() : "there is no place for a tuning file");
    return FCNN_OK;
}

/* ---- after steps and epochs ---- */

struct watch {
    struct training *training;
    struct cli_progress *progress;
    fcnn_model *model;
};

/* The accuracy that --until asks for: of the validation images, of the test images where there are none. */
static int has_reached(struct training *t, fcnn_model *model, const fcnn_progress *epoch)
{
    fcnn_metrics test = {.accuracy = epoch->val_accuracy};
    fcnn_status status = FCNN_OK;
    if (!(t->until > 0)) return 0;
    if (!epoch->has_validation)
        status = fcnn_evaluate(model, t->data.test.x, t->data.test.y, t->data.test.n, &test);
    if (status) {
        t->failed = program_failed(status);
        return 1;
    }
    if (!(test.accuracy >= t->until)) return 0;
    t->reached.accuracy = test.accuracy;
    t->reached.wall_seconds = cli_now() - t->began;
    for (int i = 0; i < t->epochs; i++) t->reached.training_seconds += t->history[i].training_seconds;
    t->end = REACHED;
    return 1;
}

static int has_best(const struct training *t) { return t->patience || t->best_file || t->checkpoint.keeps_best; }

static int save_best(const struct training *t, const fcnn_model *model)
{
    const fcnn_save_options options = {.input_scale = t->file.input_scale, .input_offset = t->file.input_offset};
    return cli_model_save(model, t->best_file, &options);
}

/* Keeps the best epoch so far, in memory and in --best. */
static int watch_best(struct training *t, fcnn_model *model, const fcnn_progress *epoch)
{
    if (!has_best(t)) return 0;
    const int stop = fcnn_early_stop(&t->stopping, epoch);
    if (t->stopping.status) t->failed = program_failed(t->stopping.status);
    else if (t->best_file && t->stopping.improved) t->failed = save_best(t, model);
    if (t->stopping.stopped) t->end = NO_PATIENCE;
    return stop || t->failed;
}

static int after_epoch(const struct watch *watch, const fcnn_progress *epoch)
{
    struct training *t = watch->training;
    t->epochs = epoch->epoch;
    const int stop = watch_best(t, watch->model, epoch);
    return has_reached(t, watch->model, epoch) || stop;
}

/* As fcnn_fit() says it, but of the run and not of its rest alone. */
static fcnn_progress of_run(struct training *t, const fcnn_progress *of_fit)
{
    fcnn_progress state = *of_fit;
    if (state.epoch == 1) {
        state.seconds += t->checkpoint.begun.seconds;
        state.training_seconds += t->checkpoint.begun.training_seconds;
    }
    t->time = (struct training_time){state.seconds, state.training_seconds};
    if (state.epoch_ended) t->time = (struct training_time){0, 0};
    state.epoch += t->checkpoint.before;
    state.epochs = t->fit.epochs;
    return state;
}

/* After each step, the first of an epoch too: the steady state begins there. */
static int after_step(void *context, const fcnn_progress *of_fit)
{
    const struct watch *watch = context;
    struct training *t = watch->training;
    const fcnn_progress state = of_run(t, of_fit);
    if (!t->steps++) t->step_faults = page_faults();
    if (!state.epoch_ended) t->faults[state.epoch - 1] = page_faults() - t->step_faults;
    else t->steps = 0, t->history[state.epoch - 1] = state;
    const int recorded = t->record && record_step(t, watch->model, &state);
    const int interrupted = cli_progress_step(watch->progress, &state);
    if (interrupted) t->end = INTERRUPTED;
    int stop = state.epoch_ended && after_epoch(watch, &state);
    stop |= checkpoint_after_step(t, watch->model, &state);
    return interrupted || recorded || stop;
}

/* ---- the run ---- */

/* The state after the best epoch, where a later one was not as good: a run of so many epochs ends there. */
static fcnn_status restore_best(struct training *t, fcnn_model *model)
{
    if (!t->patience || !t->stopping.best_epoch || t->stopping.best_epoch == t->epochs) return FCNN_OK;
    t->restored = 1;
    return fcnn_snapshot_restore(t->stopping.best_model, model);
}

/* What the epochs that were finished in another process came to. */
static void restore_stopping(struct training *t)
{
    fcnn_model *model = t->stopping.model;
    t->stopping.model = NULL; /* it is that of a later epoch */
    if (has_best(t))
        for (int i = 0; i < t->epochs; i++) fcnn_early_stop(&t->stopping, &t->history[i]);
    t->stopping.model = model;
    t->stopping.best_model = t->checkpoint.best;
    t->checkpoint.best = NULL;
}

/* What --best had at the checkpoint: the file may be gone, or of a later epoch. */
static int save_best_again(struct training *t, fcnn_model *model)
{
    fcnn_snapshot *now = NULL;
    if (!t->best_file || !t->stopping.best_model) return EXIT_SUCCESS;
    fcnn_status status = fcnn_snapshot_take(&now, model);
    if (!status) status = fcnn_snapshot_restore(t->stopping.best_model, model);
    const int code = status ? program_failed(status) : save_best(t, model);
    if (!status) status = fcnn_snapshot_restore(now, model);
    fcnn_snapshot_destroy(now);
    return code || !status ? code : program_failed(status);
}

/* The epochs that are left. */
static fcnn_status fit_rest(struct training *t, fcnn_model *model, struct watch *watch)
{
    const int before = t->checkpoint.before;
    fcnn_fit_options options = t->fit;
    options.epochs -= before;
    options.callback = after_step;
    options.context = watch;
    return fcnn_fit(model, t->data.train.x, t->data.train.y, t->data.train.n, &options, t->history + before);
}

/* In the process before, at the end of an epoch. */
static fcnn_status has_diverged(struct training *t)
{
    program_complain("after step %lld a weight or the validation loss is not finite: training has diverged",
                     (long long)t->checkpoint.diverged);
    t->failed = program_exit_code(FCNN_DIVERGED);
    return FCNN_DIVERGED;
}

fcnn_status training_fit(struct training *t, fcnn_model *model, struct cli_progress *progress)
{
    struct watch watch = {t, progress, model};
    fcnn_status status = FCNN_OK;
    t->stopping = (fcnn_early_stopping){.monitor = (fcnn_monitor)t->monitor,
                                        .patience = t->patience ? t->patience : -1,
                                        .model = t->patience || t->checkpoint.keeps_best ? model : NULL};
    if (t->record && (t->failed = record_begin(t, model))) return FCNN_NO_FILE; /* nothing is to be saved */
    restore_stopping(t);
    if ((t->failed = save_best_again(t, model))) return FCNN_NO_FILE;
    t->began = cli_now() - t->checkpoint.wall_seconds; /* below 0 where the machine was started anew */
    t->running = 1;
    if (t->checkpoint.diverged) status = has_diverged(t);
    else if (!checkpoint_is_finished(t)) status = fit_rest(t, model, &watch);
    if (status == FCNN_INTERRUPTED && !t->failed && (t->end == REACHED || t->end == NO_PATIENCE)) status = FCNN_OK;
    if (!status) status = restore_best(t, model);
    if (t->record) {
        const int code = record_end(t, model);
        t->failed = t->failed ? t->failed : code;
        if (t->failed && !status) status = FCNN_INTERRUPTED;
    }
    fcnn_snapshot_destroy(t->stopping.best_model);
    t->stopping.best_model = NULL;
    return status;
}

/* The peak is measured just before and just after, because clocks move. */
fcnn_status training_run(struct training *t, fcnn_model *model, struct cli_progress *progress)
{
    fcnn_status status = cli_isa_in_use(&t->kernels, &t->isa);
    cli_catch_interrupt();
    if (!status && t->tune) status = tune(t, model, progress);
    if (status) return status;
    t->parameters = fcnn_model_parameters(model);
    const int threads = fcnn_options_threads(&t->kernels), shards = t->compile.shards; /* more have nothing to do */
    const double before = cli_measure_peak(t->isa, threads < shards ? threads : shards);
    status = training_fit(t, model, progress);
    if (status) return status;
    t->threads = fcnn_model_threads(model);
    const double after = t->threads ? cli_measure_peak(t->isa, t->threads) : 0; /* else nothing was left to train */
    t->peak = t->threads == (threads < shards ? threads : shards) ? (before + after) / 2 : after;
    time_epochs(t);
    if (t->peak > 0 && t->timed)
        t->bound_seconds = fcnn_model_flops(model, 1) * (double)training_images(t) / (t->peak * 1e9);
    status = fcnn_evaluate(model, t->data.test.x, t->data.test.y, t->data.test.n, &t->test);
    if (!status) status = fcnn_model_receipt(model, &t->receipt);
    return status;
}
