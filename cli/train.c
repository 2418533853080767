/* SPDX-License-Identifier: BSD-2-Clause
 * fastcnn train: the Keras tutorial network on MNIST or on synthetic digits, with the receipt of the run. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "cli/arguments.h"
#include "cli/cli.h"
#include "lib/io/receipt.h"

struct training {
    struct cli_data data;
    fcnn_compile_options compile;
    fcnn_fit_options fit;
    int64_t limit;
    int verbose, tune;
    const char *receipt_file; /* NULL: none */
    double minimum; /* test accuracy below which the run has failed */
    /* results */
    fcnn_progress *history;
    long *faults; /* page faults of each epoch's training steps after the first */
    long step_faults; /* of the process at the end of the epoch's first step */
    fcnn_metrics test;
    fcnn_receipt receipt;
    fcnn_options kernels;
    int64_t parameters;
    fcnn_isa isa;
    int threads;
    double peak, epoch_seconds, bound_seconds; /* GFLOP/s; median; dense FLOP bound */
};

/* Images that an epoch trains on: the last part is for validation, as in Keras. */
static int64_t training_images(const struct training *t)
{
    return (int64_t)((double)t->data.train.n * (1.0 - t->fit.validation_split));
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_epoch(const fcnn_progress *history, int epochs)
{
    double *seconds = program_allocate((size_t)epochs, sizeof *seconds), median;
    for (int i = 0; i < epochs; i++) seconds[i] = history[i].training_seconds;
    qsort(seconds, (size_t)epochs, sizeof *seconds, by_value);
    median = (seconds[(epochs - 1) / 2] + seconds[epochs / 2]) / 2;
    free(seconds);
    return median;
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

/* ---- training ---- */

struct watch {
    struct training *training;
    struct cli_progress *progress;
};

/* After each step, the first of an epoch too: the steady state begins there. */
static int after_step(void *context, const fcnn_progress *state)
{
    const struct watch *watch = context;
    struct training *t = watch->training;
    if (state->step == 1) t->step_faults = page_faults();
    if (!state->epoch_ended) t->faults[state->epoch - 1] = page_faults() - t->step_faults;
    return cli_progress_step(watch->progress, state);
}

/* Trains and evaluates; the peak is measured just before and just after, because clocks move. */
static fcnn_status train(struct training *t, fcnn_model *model, struct cli_progress *progress)
{
    struct watch watch = {t, progress};
    t->compile.kernels = &t->kernels;
    fcnn_status status = cli_isa_in_use(&t->kernels, &t->isa);
    if (!status) status = fcnn_compile(model, &t->compile);
    cli_catch_interrupt();
    if (!status && t->tune) status = tune(t, model, progress);
    if (status) return status;
    t->parameters = fcnn_model_parameters(model);
    t->fit.callback = after_step;
    t->fit.context = &watch;
    const int threads = fcnn_options_threads(&t->kernels), shards = t->compile.shards; /* more have nothing to do */
    const double before = cli_measure_peak(t->isa, threads < shards ? threads : shards);
    status = fcnn_fit(model, t->data.train.x, t->data.train.y, t->data.train.n, &t->fit, t->history);
    if (status) return status;
    t->threads = fcnn_model_threads(model);
    const double after = cli_measure_peak(t->isa, t->threads);
    t->peak = t->threads == (threads < shards ? threads : shards) ? (before + after) / 2 : after;
    t->epoch_seconds = median_epoch(t->history, t->fit.epochs);
    if (t->peak > 0) t->bound_seconds = fcnn_model_flops(model, 1) * (double)training_images(t) / (t->peak * 1e9);

    status = fcnn_evaluate(model, t->data.test.x, t->data.test.y, t->data.test.n, &t->test);
    if (!status) status = fcnn_model_receipt(model, &t->receipt);
    return status;
}

static void print_text(const struct training *t)
{
    char text[4400], count[32];
    const char *bold = cli_color(stdout, CLI_BOLD), *plain = cli_color(stdout, CLI_PLAIN);
    const fcnn_receipt *r = &t->receipt;
    printf("data      %s\n", cli_data_describe(&t->data, text, sizeof text));
    printf("model     Keras tutorial network, %s parameters; %s, batches of %lld\n", cli_count(t->parameters, count),
           t->compile.optimizer == FCNN_OPTIMIZER_SGD ? "sgd" : "adam", (long long)t->fit.batch_size);
    printf("epoch     %.3g s of training (median of %d)\n", t->epoch_seconds, t->fit.epochs);
    if (t->epoch_seconds > 0 && t->bound_seconds > 0)
        printf("bound     %.3g s for the dense multiply-adds at the FMA peak, measured with %d thread%s: %.4g GFLOP/s, "
               "%s\n"
               "          the epoch runs at %.0f %% of that\n",
               t->bound_seconds, t->threads, t->threads == 1 ? "" : "s", t->peak, fcnn_isa_name(t->isa),
               100 * t->bound_seconds / t->epoch_seconds);
    printf("%stest      loss %.4f, accuracy %.4f%s%s\n", bold, t->test.loss, t->test.accuracy,
           t->data.directory ? "" : " on synthetic digits", plain);
    printf("receipt   weights  %s\n          data     %s\n", r->weights, r->data);
    printf("          seed %llu, shards %d, steps %lld, numerics %s\n          %s\n", (unsigned long long)r->seed,
           r->shards, (long long)r->steps, r->classes, r->versions);
    if (r->diverged_step) printf("          diverged in step %lld\n", (long long)r->diverged_step);
}

static json_t *history_json(const struct training *t)
{
    json_t *list = json_array();
    for (int i = 0; i < t->fit.epochs; i++) {
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

static json_t *training_json(const struct training *t)
{
    const fcnn_receipt *r = &t->receipt;
    json_t *receipt = json_pack("{s:s, s:s, s:I, s:i, s:I, s:I, s:s, s:s}", "weights", r->weights, "data", r->data,
                                "seed", (json_int_t)r->seed, "shards", r->shards, "steps", (json_int_t)r->steps,
                                "diverged_step", (json_int_t)r->diverged_step, "classes", r->classes, "versions",
                                r->versions);
    json_t *speed =
        json_pack("{s:s, s:i, s:f, s:f, s:f}", "isa", fcnn_isa_name(t->isa), "threads", t->threads, "peak_gflops",
                  t->peak, "epoch_seconds", t->epoch_seconds, "bound_seconds", t->bound_seconds);
    json_t *test = json_pack("{s:o, s:o}", "loss", cli_json_real(t->test.loss), "accuracy",
                             cli_json_real(t->test.accuracy));
    return json_pack("{s:s, s:o, s:i, s:I, s:f, s:s, s:o, s:o, s:o, s:o}", "command", "train", "data",
                     cli_data_json(&t->data), "epochs", t->fit.epochs, "batch_size", (json_int_t)t->fit.batch_size,
                     "validation_split", t->fit.validation_split, "optimizer",
                     t->compile.optimizer == FCNN_OPTIMIZER_SGD ? "sgd" : "adam", "history", history_json(t), "test",
                     test, "speed", speed, "receipt", receipt);
}

static int report(const struct training *t)
{
    int code = EXIT_SUCCESS;
    if (cli_json) code = cli_print_json(training_json(t));
    else print_text(t);
    if (t->receipt.diverged_step)
        program_complain("training diverged in step %lld: its loss or a weight is not finite",
                         (long long)t->receipt.diverged_step);
    if (!code && !(t->test.accuracy >= t->minimum)) {
        program_complain("the test accuracy is %.4f; --min-accuracy asks for %g", t->test.accuracy, t->minimum);
        code = EXIT_CHECK_FAILED;
    }
    return code;
}

static int write_receipt(const struct training *t, const fcnn_model *model)
{
    char message[512];
    json_t *receipt;
    fcnn_status status = fcnn_receipt_json(&receipt, model, t->data.train.x, t->data.train.y, message, sizeof message);
    if (status) {
        program_complain("%s", message);
        return program_exit_code(status);
    }
    char *text = fcnn_receipt_text(receipt);
    json_decref(receipt);
    if (!text) program_complain("out of memory");
    const int code = text ? cli_write_file(t->receipt_file, text) : EX_OSERR;
    free(text);
    return code;
}

/* A run that ended, well or not, has its sentence and its receipt here. */
static int conclude(const struct training *t, const fcnn_model *model, fcnn_status status)
{
    int code = status ? program_failed(status) : EXIT_SUCCESS;
    if (t->receipt_file && (!status || status == FCNN_DIVERGED)) {
        const int written = write_receipt(t, model);
        code = code ? code : written;
    }
    return code;
}

static int train_and_report(struct training *t)
{
    struct cli_progress progress;
    fcnn_model *model = NULL;
    char text[4400];
    cli_progress_begin(&progress, t->verbose);
    if (t->verbose) fprintf(stderr, "Training on %s\n", cli_data_describe(&t->data, text, sizeof text));
    fcnn_status status = fcnn_model_mnist(&model);
    if (!status) status = train(t, model, &progress);
    const int stopped = status == FCNN_INTERRUPTED || (!status && cli_interrupted());
    const int code = stopped ? EXIT_INTERRUPTED : conclude(t, model, status);
    fcnn_model_destroy(model);
    if (stopped)
        program_complain("interrupted in epoch %d of %d after step %lld of %lld; no result", progress.last.epoch,
                         progress.last.epochs, (long long)progress.last.step, (long long)progress.last.steps);
    return code ? code : report(t);
}

/* Options that only together make no sense. */
static void check_options(const struct training *t)
{
    if (t->compile.momentum > 0 && t->compile.optimizer != FCNN_OPTIMIZER_SGD)
        cli_usage(&cli_train, "--momentum goes with --optimizer sgd");
}

/* Whether the split leaves images for both halves. */
static int check_split(const struct training *t)
{
    int64_t n = t->data.train.n, rest = n - training_images(t);
    if (rest < n && (rest || !(t->fit.validation_split > 0))) return EXIT_SUCCESS;
    program_complain("--validation-split %g of %lld images leaves none to %s", t->fit.validation_split, (long long)n,
                     rest ? "train on" : "validate with");
    return EX_USAGE;
}

static int run(int argc, char **argv)
{
    struct training t = {.data.seed = 1, .compile.shards = 8, .verbose = 1,
                         .fit = {.epochs = 5, .batch_size = 64, .validation_split = 0.2}};
    cli_parse(&cli_train, argc, argv, &t);
    check_options(&t);
    t.compile.seed = t.data.seed;
    int code = t.receipt_file ? cli_write_file(t.receipt_file, NULL) : EXIT_SUCCESS; /* before hours of training */
    if (!code) code = cli_data_load(&t.data, t.limit, 1);
    if (code) return code;
    t.history = program_allocate((size_t)t.fit.epochs, sizeof *t.history);
    t.faults = program_allocate((size_t)t.fit.epochs, sizeof *t.faults);
    code = check_split(&t);
    if (!code) code = train_and_report(&t);
    free(t.history);
    free(t.faults);
    cli_data_free(&t.data);
    return code;
}

static const char *optimizer_word(int number)
{
    static const char *const words[] = {[FCNN_OPTIMIZER_ADAM] = "adam", [FCNN_OPTIMIZER_SGD] = "sgd"};
    return number <= FCNN_OPTIMIZER_SGD ? words[number] : NULL;
}

#define FIELD(name) offsetof(struct training, name)
static const struct cli_option options[] = {
    {"data", "DIR", "Folder with MNIST's four IDX files, plain or .gz (default: 12,000 + 2,000 synthetic digits)",
     CLI_TEXT, .field = FIELD(data.directory)},
    {"limit", "N", "Train with at most N images of DIR, or with N synthetic digits", CLI_INT64,
     .field = FIELD(limit), .low = 1, .high = 100000000},
    {"epochs", "N", "Passes over the training images (default 5)", CLI_INT,
     .field = FIELD(fit.epochs), .low = 1, .high = 1000000},
    {"batch-size", "N", "Images per optimizer step (default 64)", CLI_INT64,
     .field = FIELD(fit.batch_size), .low = 1, .high = 1000000},
    {"validation-split", "X", "Part of the training images, the last ones, kept for validation (default 0.2)",
     CLI_DOUBLE, .field = FIELD(fit.validation_split), .most = 0.999},
    {"optimizer", "NAME", "adam (default) or sgd", CLI_CHOICE,
     .field = FIELD(compile.optimizer), .word = optimizer_word},
    {"learning-rate", "X", "Default 0.001 for adam, 0.01 for sgd", CLI_FLOAT, .field = FIELD(compile.learning_rate),
     .least = 1e-12, .most = 1e6},
    {"momentum", "X", "Momentum of sgd (default 0)", CLI_FLOAT, .field = FIELD(compile.momentum), .most = 1},
    {"seed", "N", "Seed of weights, shuffling and synthetic digits (default 1)", CLI_INT64,
     .field = FIELD(data.seed), .low = 0, .high = INT64_MAX},
    {"shards", "N", "Parts of a batch; they fix the order of the gradient sums (default 8)", CLI_INT,
     .field = FIELD(compile.shards), .low = 1, .high = 1024},
    {"min-accuracy", "X", "Exit with 1 if the test accuracy is below X", CLI_DOUBLE,
     .field = FIELD(minimum), .most = 1},
    {"keep-going", NULL, "Train on where the loss is not finite any more", CLI_SET, .field = FIELD(fit.keep_going),
     .low = 1},
    {"receipt", "FILE", "Write the receipt of the run there, as JSON with SHA-256 hashes", CLI_TEXT,
     .field = FIELD(receipt_file)},
    {"tune", NULL, "First measure which kernels are fastest for this model here, unless the tuning file knows; "
     "same results", CLI_SET, .field = FIELD(tune), .low = 1},
    {"verbose", "N", "0: nothing, 1: progress bar (default), 2: one line per epoch", CLI_INT,
     .field = FIELD(verbose), .low = 0, .high = 2},
    {"quiet", NULL, "The same as --verbose 0", CLI_SET, .field = FIELD(verbose), .low = 0},
    {0}};

const struct cli_command cli_train = {
    .name = "train",
    .summary = "train the MNIST network and print its receipt",
    .doc = "Trains the network of the Keras tutorial (Conv2D 32, MaxPool, Conv2D 64, MaxPool, Conv2D 64, Dense 64, "
           "Dense 10) and prints test accuracy and receipt.",
    .options = options,
    .kernels = FIELD(kernels),
    .has_kernels = 1,
    .run = run,
};
