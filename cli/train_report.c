/* SPDX-License-Identifier: BSD-2-Clause
 * What `fastcnn train` says at its end: as text, as JSON, as a receipt. */
#include <stdlib.h>
#include <sys/resource.h>

#include "cli/history.h"
#include "cli/training.h"
#include "lib/io/models.h"
#include "lib/io/receipt.h"

#define WORD(words, number) ((size_t)(number) < sizeof(words) / sizeof(words)[0] ? (words)[number] : NULL)

const char *training_optimizer(int number)
{
    static const char *const words[] = {[FCNN_OPTIMIZER_ADAM] = "adam", [FCNN_OPTIMIZER_SGD] = "sgd",
                                        [FCNN_OPTIMIZER_ADAMW] = "adamw", [FCNN_OPTIMIZER_RMSPROP] = "rmsprop"};
    return WORD(words, number);
}

const char *training_loss(int number)
{
    static const char *const words[] = {
        [FCNN_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY] = "sparse_categorical_crossentropy",
        [FCNN_LOSS_CATEGORICAL_CROSSENTROPY] = "categorical_crossentropy",
        [FCNN_LOSS_MEAN_SQUARED_ERROR] = "mean_squared_error"};
    return WORD(words, number);
}

const char *training_schedule(int number)
{
    static const char *const words[] = {[FCNN_SCHEDULE_CONSTANT] = "constant", [FCNN_SCHEDULE_STEP] = "step",
                                        [FCNN_SCHEDULE_COSINE] = "cosine"};
    return WORD(words, number);
}

const char *training_monitor(int number)
{
    static const char *const words[] = {[FCNN_MONITOR_VAL_LOSS] = "val_loss",
                                        [FCNN_MONITOR_VAL_ACCURACY] = "val_accuracy",
                                        [FCNN_MONITOR_LOSS] = "loss", [FCNN_MONITOR_ACCURACY] = "accuracy"};
    return WORD(words, number);
}

/* Bytes of the process at most so far. */
static int64_t peak_memory(void)
{
    struct rusage usage = {0};
    getrusage(RUSAGE_SELF, &usage);
    return (int64_t)usage.ru_maxrss * 1024;
}

static const char *measured_on(const struct training *t)
{
    return t->fit.validation_split > 0 ? "validation images" : "test images";
}

/* Of a model that was trained; it has all. */
static int left_out(const char *path)
{
    return cli_model_holds(FCNN_FORMAT_AUTO) & ~cli_model_holds(io_format_of_name(path));
}

/* ---- text ---- */

static void print_speed(const struct training *t)
{
    if (t->timed) printf("epoch     %.3g s of training (median of %d)\n", t->epoch_seconds, t->timed);
    if (t->epoch_seconds > 0 && t->bound_seconds > 0)
        printf("bound     %.3g s for the dense multiply-adds at the FMA peak, measured with %d thread%s: %.4g GFLOP/s, "
               "%s\n"
               "          the epoch runs at %.0f %% of that\n",
               t->bound_seconds, t->threads, t->threads == 1 ? "" : "s", t->peak, fcnn_isa_name(t->isa),
               100 * t->bound_seconds / t->epoch_seconds);
    printf("memory    %.0f MB at most\n", (double)peak_memory() / 1e6);
}

/* What --until and --patience came to. An accuracy is looked at when an epoch ends, not within. */
static void print_end(const struct training *t)
{
    if (t->reached.accuracy > 0)
        printf("reached   accuracy %.4f on the %s after %d epoch%s: %.3g s of training steps; %.3g s from the first\n"
               "          step on, with evaluation and all else, without loading data\n",
               t->reached.accuracy, measured_on(t), t->epochs, t->epochs == 1 ? "" : "s",
               t->reached.training_seconds, t->reached.wall_seconds);
    else if (t->until > 0)
        printf("reached   accuracy %g on the %s: never in %d epoch%s\n", t->until, measured_on(t), t->epochs,
               t->epochs == 1 ? "" : "s");
    if (t->end == NO_PATIENCE)
        printf("stopped   after epoch %d: no better %s for %lld epoch%s\n", t->epochs, training_monitor(t->monitor),
               (long long)t->stopping.waited, t->stopping.waited == 1 ? "" : "s");
    if (t->restored)
        printf("best      epoch %lld, %s %.4f: the model, test and receipt are those of a run of %lld epoch%s\n",
               (long long)t->stopping.best_epoch, training_monitor(t->monitor), t->stopping.best,
               (long long)t->stopping.best_epoch, t->stopping.best_epoch == 1 ? "" : "s");
}

static void print_text(const struct training *t)
{
    char text[4400], count[32];
    const char *bold = cli_color(stdout, CLI_BOLD), *plain = cli_color(stdout, CLI_PLAIN);
    const fcnn_receipt *r = &t->receipt;
    printf("data      %s\n", cli_data_describe(&t->data, text, sizeof text));
    printf("model     %s, %s parameters; %s, batches of %lld\n",
           t->model_name ? t->model_name : "Keras tutorial network", cli_count(t->parameters, count),
           training_optimizer((int)t->compile.optimizer), (long long)t->fit.batch_size);
    print_speed(t);
    print_end(t);
    printf("%stest      loss %.4f, accuracy %.4f%s%s\n", bold, t->test.loss, t->test.accuracy,
           t->data.directory ? "" : " on synthetic digits", plain);
    printf("receipt   weights  %s\n          data     %s\n", r->weights, r->data);
    printf("          seed %llu, shards %d, steps %lld, numerics %s\n          %s\n", (unsigned long long)r->seed,
           r->shards, (long long)r->steps, r->classes, r->versions);
    if (r->diverged_step) printf("          diverged in step %lld\n", (long long)r->diverged_step);
    if (t->save_file) printf("saved     %s\n", t->save_file);
    if (t->save_file) cli_model_print_left_out("left out  ", left_out(t->save_file));
    if (t->best_file && !t->save_file) cli_model_print_left_out("left out  ", left_out(t->best_file));
}

/* ---- JSON ---- */

static json_t *history_json(const struct training *t)
{
    json_t *list = json_array();
    for (int i = 0; i < t->epochs; i++) {
        const fcnn_progress *e = &t->history[i];
        json_t *epoch = json_pack("{s:o, s:o, s:f, s:f, s:I}", "loss", cli_json_real(e->loss), "accuracy",
                                  cli_json_real(e->accuracy), "seconds", e->seconds, "training_seconds",
                                  e->training_seconds, "page_faults", (json_int_t)t->faults[i]);
        if (e->has_validation)
            json_object_update_new(epoch, json_pack("{s:o, s:o}", "val_loss", cli_json_real(e->val_loss),
                                                    "val_accuracy", cli_json_real(e->val_accuracy)));
        json_array_append_new(list, epoch);
    }
    return list;
}

static json_t *until_json(const struct training *t)
{
    const int reached = t->reached.accuracy > 0;
    if (!(t->until > 0)) return json_null();
    json_t *json = json_pack("{s:f, s:s, s:b, s:i}", "accuracy", t->until, "measured_on", measured_on(t), "reached",
                             reached, "epochs", t->epochs);
    if (reached)
        json_object_update_new(json, json_pack("{s:f, s:f, s:f}", "reached_accuracy", t->reached.accuracy,
                                               "training_seconds", t->reached.training_seconds, "wall_seconds",
                                               t->reached.wall_seconds));
    return json;
}

static json_t *best_json(const struct training *t)
{
    if (!t->stopping.best_epoch) return json_null();
    return json_pack("{s:s, s:I, s:o, s:b, s:b}", "monitor", training_monitor(t->monitor), "epoch",
                     (json_int_t)t->stopping.best_epoch, "value", cli_json_real(t->stopping.best), "stopped",
                     t->end == NO_PATIENCE, "restored", t->restored);
}

/* 0: it was not measured, as nothing was left to train. */
static json_t *known(double number) { return number > 0 ? json_real(number) : json_null(); }

static json_t *training_json(const struct training *t)
{
    const fcnn_receipt *r = &t->receipt;
    json_t *receipt = json_pack("{s:s, s:s, s:I, s:i, s:I, s:I, s:s, s:s}", "weights", r->weights, "data", r->data,
                                "seed", (json_int_t)r->seed, "shards", r->shards, "steps", (json_int_t)r->steps,
                                "diverged_step", (json_int_t)r->diverged_step, "classes", r->classes, "versions",
                                r->versions);
    json_t *speed =
        json_pack("{s:s, s:i, s:o, s:o, s:o}", "isa", fcnn_isa_name(t->isa), "threads", t->threads, "peak_gflops",
                  known(t->peak), "epoch_seconds", t->timed ? json_real(t->epoch_seconds) : json_null(),
                  "bound_seconds", known(t->bound_seconds));
    json_t *test = json_pack("{s:o, s:o}", "loss", cli_json_real(t->test.loss), "accuracy",
                             cli_json_real(t->test.accuracy));
    json_t *model = json_pack("{s:o, s:I}", "name", cli_json_text(t->model_name ? t->model_name : "mnist-cnn"),
                              "parameters", (json_int_t)t->parameters);
    json_t *json = json_pack("{s:s, s:o, s:o, s:i, s:I, s:f, s:s, s:s}", "command", "train", "data",
                             cli_data_json(&t->data), "model", model, "epochs", t->epochs, "batch_size",
                             (json_int_t)t->fit.batch_size, "validation_split", t->fit.validation_split, "optimizer",
                             training_optimizer((int)t->compile.optimizer), "loss",
                             training_loss((int)t->compile.loss));
    json_object_update_new(json, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:I}", "history", history_json(t), "until",
                                           until_json(t), "best", best_json(t), "test", test, "speed", speed, "receipt",
                                           receipt, "peak_memory_bytes", (json_int_t)peak_memory()));
    if (t->save_file)
        json_object_update_new(json, json_pack("{s:o, s:o}", "saved", cli_json_text(t->save_file), "left_out",
                                               cli_model_left_out_json(left_out(t->save_file))));
    return json;
}

int training_report(const struct training *t)
{
    int code = EXIT_SUCCESS;
    if (cli_json) code = cli_print_json(training_json(t));
    else print_text(t);
    if (t->receipt.diverged_step)
        program_complain("training diverged in step %lld: its loss or a weight is not finite",
                         (long long)t->receipt.diverged_step);
    if (!code && t->until > 0 && !(t->reached.accuracy > 0)) {
        program_complain("no epoch had an accuracy of %g on the %s, as --until asks for", t->until, measured_on(t));
        code = EXIT_CHECK_FAILED;
    }
    if (!code && !(t->test.accuracy >= t->minimum)) {
        program_complain("the test accuracy is %.4f; --min-accuracy asks for %g", t->test.accuracy, t->minimum);
        code = EXIT_CHECK_FAILED;
    }
    return code;
}

/* ---- the receipt ---- */

int training_write_receipt(const struct training *t, const fcnn_model *model)
{
    json_t *receipt;
    char *text;
    const int failed = training_receipt(t, model, &receipt);
    if (failed) return failed;
    const fcnn_status status = fcnn_receipt_file_text(&text, receipt, t->receipt_file);
    json_decref(receipt);
    if (status) program_complain("%s", fcnn_io_last_error());
    const int code = text ? cli_write_file(t->receipt_file, text) : status == FCNN_OUT_OF_MEMORY ? EX_OSERR : EX_IOERR;
    free(text);
    return code;
}
