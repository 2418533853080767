/* SPDX-License-Identifier: BSD-2-Clause
 * fastcnn train: a model on MNIST or on synthetic digits, with the receipt of the run. The options, what they must have
 * in common, and which files are written when. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/checkpoint.h"
#include "cli/history.h"
#include "cli/record.h"
#include "lib/io/models.h"

#define EPOCHS       5
#define EPOCHS_UNTIL 50 /* with --until or --patience, which end earlier */

/* ---- files ---- */

static fcnn_save_options saving(const struct training *t)
{
    return (fcnn_save_options){.input_scale = t->file.input_scale, .input_offset = t->file.input_offset};
}

/* Complaints name the file that the user did, `called`, where the library names `path` in its folder. */
static int save_as(const fcnn_model *model, const char *path, const char *called, const fcnn_save_options *options)
{
    const fcnn_status status = fcnn_model_save(model, path, options);
    const char *sentence = fcnn_io_last_error(), *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *at = strstr(sentence, name);
    if (!status) return EXIT_SUCCESS;
    if (at) program_complain("%s%s", called, at + strlen(name));
    else program_complain("%s: %s", called, sentence);
    return status == FCNN_NO_FILE ? EX_IOERR : EX_USAGE;
}

/* Complains of a format that would keep nothing of the training. */
static int holds_weights(const char *path)
{
    if (cli_model_holds(io_format_of_name(path)) & CLI_WEIGHTS) return 1;
    program_complain("%s: a text holds layers alone, none of the weights that training gives; .safetensors, .h5 and "
                     ".keras hold them", path);
    return 0;
}

/* Before hours of training: a model can be written there. The file itself is left alone; the one beside it has its
 * name's end, and so its format. */
static int try_to_save(const struct training *t, const fcnn_model *model, const char *path)
{
    const fcnn_save_options options = saving(t);
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char *beside = program_allocate(strlen(path) + 9, 1);
    int code = holds_weights(path) ? cli_write_file(path, NULL) : EX_USAGE;
    snprintf(beside, strlen(path) + 9, "%.*s.XXXXXX-%s", (int)(name - path), path, name);
    const int fd = code ? -1 : mkstemps(beside, (int)strlen(name) + 1);
    if (!code && fd < 0) {
        program_complain("%s cannot be written: %s", path, strerror(errno));
        code = EX_IOERR;
    } else if (!code) {
        close(fd);
        code = save_as(model, beside, path, &options);
        unlink(beside);
    }
    free(beside);
    return code;
}

static int try_files(const struct training *t)
{
    int code = t->receipt_file ? cli_write_file(t->receipt_file, NULL) : EXIT_SUCCESS;
    if (!code && t->history_file) code = cli_write_file(t->history_file, NULL);
    if (!code && t->trail_file) code = cli_write_file(t->trail_file, NULL);
    return code;
}

static int try_models(const struct training *t, const fcnn_model *model)
{
    int code = t->save_file ? try_to_save(t, model, t->save_file) : EXIT_SUCCESS;
    if (!code && t->best_file) code = try_to_save(t, model, t->best_file);
    return code;
}

/* What a run leaves, well or not: its history; its receipt; the model, also after Ctrl-C, for who wants to go on. What
 * cannot be written keeps nothing else from being. */
static int write_files(struct training *t, const fcnn_model *model, fcnn_status status)
{
    const fcnn_save_options options = saving(t);
    const int ended = !status || status == FCNN_DIVERGED, whole = !status || status == FCNN_INTERRUPTED;
    const int begun = ended || whole || t->epochs; /* else there is nothing to take the place of an old file */
    int code = t->history_file && begun ? cli_history_write(t->history_file, t->history, t->epochs) : EXIT_SUCCESS;
    if (t->receipt_file && ended) {
        const int written = training_write_receipt(t, model);
        code = code ? code : written;
    }
    if (t->save_file && whole) {
        const int written = cli_model_save(model, t->save_file, &options);
        if (written) t->save_file = NULL; /* nobody is told that it was saved */
        code = code ? code : written;
    }
    return code;
}

/* ---- the run ---- */

static void say_interrupted(const struct training *t, const fcnn_progress *last)
{
    program_complain("interrupted in epoch %d of %d after step %lld of %lld; no result%s%s%s%s", last->epoch,
                     last->epochs, (long long)last->step, (long long)last->steps,
                     t->save_file ? ", but the model as it is now is in " : "", t->save_file ? t->save_file : "",
                     t->checkpoint.file ? "; --resume goes on from " : "",
                     t->checkpoint.file ? t->checkpoint.file : "");
}

static int train_and_report(struct training *t, fcnn_model *model)
{
    struct cli_progress progress;
    char text[4400];
    cli_progress_begin(&progress, t->verbose);
    if (t->verbose) fprintf(stderr, "Training on %s\n", cli_data_describe(&t->data, text, sizeof text));
    const fcnn_status status = training_run(t, model, &progress);
    const int stopped = (status == FCNN_INTERRUPTED && !t->failed) || (!status && cli_interrupted());
    const int failed = t->failed ? t->failed : status && status != FCNN_INTERRUPTED ? program_failed(status) : 0;
    const int written = write_files(t, model, status);
    if (stopped) say_interrupted(t, &progress.last);
    if (stopped || failed) return stopped ? EXIT_INTERRUPTED : failed;
    const int reported = training_report(t);
    return written ? written : reported;
}

/* ---- options that only together make no sense ---- */

static void check_outputs(const struct training *t)
{
    const struct cli_output outputs[] = {{"history", t->history_file}, {"receipt", t->receipt_file},
                                         {"trail", t->trail_file}, {"checkpoint", t->checkpoint.file},
                                         {"save", t->save_file}, {"best", t->best_file}};
    cli_check_outputs(&cli_train, outputs, 6);
    cli_check_input(&cli_train, "data", t->data.directory, outputs, 6);
    /* a model that is trained on may be saved there */
    cli_check_input(&cli_train, "model", cli_model_file(t->model_name), outputs, 3);
}

/* What is not given, where no run goes on that has it. */
static void set_defaults(struct training *t)
{
    if (!t->fit.batch_size) t->fit.batch_size = 64;
    if (isnan(t->fit.validation_split)) t->fit.validation_split = 0.2;
    if (!t->fit.epochs) t->fit.epochs = t->until > 0 || t->patience ? EPOCHS_UNTIL : EPOCHS;
}

static void check_options(const struct training *t)
{
    const int validates = t->fit.validation_split > 0;
    if (t->fit.epochs > FCNN_RECEIPT_MOST_EPOCHS && (t->checkpoint.file || t->receipt_file))
        cli_usage(&cli_train, "--epochs %d: with --%s, which keeps each epoch, there are at most %d", t->fit.epochs,
                  t->checkpoint.file ? "checkpoint" : "receipt", FCNN_RECEIPT_MOST_EPOCHS);
    if (t->monitor >= 0 && !t->patience && !t->best_file && !t->checkpoint.goes_on)
        cli_usage(&cli_train, "--monitor goes with --patience or --best");
    if ((t->patience || t->best_file) && !validates && t->monitor <= FCNN_MONITOR_VAL_ACCURACY)
        cli_usage(&cli_train, "--%s looks at the %s of validation images, and --validation-split is 0",
                  t->patience ? "patience" : "best", t->monitor == FCNN_MONITOR_VAL_ACCURACY ? "accuracy" : "loss");
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

static int train_model(struct training *t, fcnn_model *model)
{
    int code = training_fit_data(t, model);
    if (!code) code = try_models(t, model);
    const fcnn_status status = code ? FCNN_OK : fcnn_model_compile_options(model, &t->compile);
    if (status) code = program_failed(status);
    if (!code) code = checkpoint_check_data(t);
    t->history = program_allocate((size_t)t->fit.epochs, sizeof *t->history);
    t->faults = program_allocate((size_t)t->fit.epochs, sizeof *t->faults);
    if (!code && (t->receipt_file || t->trail_file || t->checkpoint.file)) t->record = record_create(t->fit.epochs);
    if (!code) code = checkpoint_restore(t);
    t->checkpoint.keeps_best |= t->checkpoint.file && (t->patience || t->best_file);
    if (!code) code = record_claim(t);
    if (!code) code = checkpoint_begin(t, model);
    if (!code) code = train_and_report(t, model);
    record_destroy(t->record);
    free(t->history);
    free(t->faults);
    return code;
}

static int run(int argc, char **argv)
{
    fcnn_model *model = NULL;
    struct training t = {.data = {.seed = TRAINING_SEED_NOT_GIVEN, .any_shape = 1}, .compile = training_nothing_given,
                         .verbose = 1, .monitor = -1, .fit = {.validation_split = NAN}, .kept = json_object()};
    cli_parse(&cli_train, argc, argv, &t);
    check_outputs(&t);
    int code = try_files(&t);
    if (!code) code = checkpoint_find(&t);
    if (!code && t.trail_file) code = cli_lock(&t.trail_lock, t.trail_file);
    if (!code && t.checkpoint.goes_on) code = checkpoint_open(&t, &model);
    if (!t.checkpoint.goes_on) set_defaults(&t);
    if (!code) check_options(&t);
    if (t.monitor < 0) t.monitor = FCNN_MONITOR_VAL_LOSS;
    if (!code && !t.checkpoint.goes_on) code = training_open_model(&t, &model);
    if (!code) code = cli_data_load(&t.data, t.limit, 1);
    if (!code) code = check_split(&t);
    if (!code) code = train_model(&t, model);
    fcnn_model_destroy(model);
    cli_data_free(&t.data);
    cli_unlock(&t.trail_lock);
    checkpoint_free(&t);
    return code;
}

/* ---- the command ---- */

#define FIELD(name) offsetof(struct training, name)
static const struct cli_option options[] = {
    {"model", "MODEL", "mnist-cnn (default), a saved model, which is trained on, or a text file of layers", CLI_TEXT,
     .field = FIELD(model_name)},
    {"data", "PATH", "Folder of MNIST's IDX files, .npz file, or folder of classes with PNG files (default: 12,000 + "
     "2,000 synthetic digits)", CLI_TEXT, .field = FIELD(data.directory)},
    {"limit", "N", "Train with at most N images of PATH, or with N synthetic digits", CLI_INT64,
     .field = FIELD(limit), .low = 1, .high = 100000000},
    {"epochs", "N", "Passes over the training images (default 5; at most 50 with --until or --patience)", CLI_INT,
     .field = FIELD(fit.epochs), .low = 1, .high = 1000000},
    {"batch-size", "N", "Images per optimizer step (default 64)", CLI_INT64,
     .field = FIELD(fit.batch_size), .low = 1, .high = 1000000},
    {"validation-split", "X", "Part of the training images, the last ones, kept for validation (default 0.2)",
     CLI_DOUBLE, .field = FIELD(fit.validation_split), .most = 0.999},
    {"optimizer", "NAME", "adam (default), sgd, adamw or rmsprop", CLI_CHOICE,
     .field = FIELD(compile.optimizer), .word = training_optimizer},
    {"learning-rate", "X", "Default 0.001, 0.01 for sgd", CLI_FLOAT, .field = FIELD(compile.learning_rate),
     .least = 1e-12, .most = 1e6},
    {"momentum", "X", "Of sgd and rmsprop (default 0)", CLI_FLOAT, .field = FIELD(compile.momentum), .most = 1},
    {"nesterov", NULL, "Nesterov's momentum, of sgd", CLI_SET, .field = FIELD(compile.nesterov), .low = 1},
    {"rho", "X", "Of rmsprop (default 0.9)", CLI_FLOAT, .field = FIELD(compile.rho), .most = 0.999999},
    {"weight-decay", "X", "Of adamw (default 0.004)", CLI_FLOAT, .field = FIELD(compile.weight_decay), .most = 1},
    {"schedule", "NAME", "Learning rate: constant (default), step (times a factor, every so many steps) or cosine "
     "(down to a part, in so many steps)", CLI_CHOICE, .field = FIELD(compile.schedule), .word = training_schedule},
    {"schedule-steps", "N", "Optimizer steps of the schedule", CLI_INT64, .field = FIELD(compile.schedule_steps),
     .low = 1, .high = INT64_C(1000000000000)},
    {"schedule-factor", "X", "The factor (default 0.1), or the part that is left (default 0)", CLI_DOUBLE,
     .field = FIELD(compile.schedule_factor), .most = 1},
    {"loss", "NAME", "sparse_categorical_crossentropy (default), categorical_crossentropy or mean_squared_error",
     CLI_CHOICE, .field = FIELD(compile.loss), .word = training_loss},
    {"seed", "N", "Seed of weights, shuffling and synthetic digits (default 1)", CLI_INT64,
     .field = FIELD(data.seed), .low = 0, .high = INT64_MAX},
    {"shards", "N", "Parts of a batch; they fix the order of the gradient sums (default 8)", CLI_INT,
     .field = FIELD(compile.shards), .low = 1, .high = 1024},
    {"until", "X", "End when an epoch reached this accuracy on the validation images (without any: on the test "
     "images), say how long that took; exit with 1 if none did", CLI_DOUBLE, .field = FIELD(until), .most = 1},
    {"patience", "N", "End after N epochs in a row without an improvement; the best epoch counts then", CLI_INT64,
     .field = FIELD(patience), .low = 1, .high = 1000000},
    {"monitor", "NAME", "What an improvement is of: val_loss (default), val_accuracy, loss or accuracy", CLI_CHOICE,
     .field = FIELD(monitor), .word = training_monitor},
    {"save", "FILE", "Save the trained model; its format follows from the name's end: .h5, .keras, .safetensors, "
     ".onnx, .weights.h5", CLI_TEXT, .field = FIELD(save_file)},
    {"best", "FILE", "After each epoch that is the best so far, save the model there", CLI_TEXT,
     .field = FIELD(best_file)},
    {"checkpoint", "FILE", "Keep the run there, after each epoch and at Ctrl-C, so that it can go on", CLI_TEXT,
     .field = FIELD(checkpoint.file)},
    {"every", "N", "Write the checkpoint after every N steps of the run instead", CLI_INT64,
     .field = FIELD(checkpoint.every), .low = 1, .high = INT64_C(1000000000000)},
    {"resume", NULL, "Go on with the run of the checkpoint, with the same result as if it had not stopped; without a "
     "file begin one", CLI_SET, .field = FIELD(checkpoint.resume), .low = 1},
    {"history", "FILE", "Write the metrics of all epochs there: JSON as Keras' History has them, CSV if the name ends "
     "with .csv", CLI_TEXT, .field = FIELD(history_file)},
    {"min-accuracy", "X", "Exit with 1 if the test accuracy is below X", CLI_DOUBLE,
     .field = FIELD(minimum), .most = 1},
    {"keep-going", NULL, "Train on where the loss is not finite any more", CLI_SET, .field = FIELD(fit.keep_going),
     .low = 1},
    {"receipt", "FILE", "Write the receipt of the run there, as JSON with SHA-256 hashes, for 'fastcnn verify'",
     CLI_TEXT, .field = FIELD(receipt_file)},
    {"trail", "FILE", "Write a hash of every tensor after every step there, as the run goes on", CLI_TEXT,
     .field = FIELD(trail_file)},
    {"tune", NULL, "First measure which kernels are fastest for this model here, unless the tuning file knows; "
     "same results", CLI_SET, .field = FIELD(tune), .low = 1},
    {"verbose", "N", "0: nothing, 1: progress bar (default), 2: one line per epoch", CLI_INT,
     .field = FIELD(verbose), .low = 0, .high = 2},
    {"quiet", NULL, "The same as --verbose 0", CLI_SET, .field = FIELD(verbose), .low = 0},
    {0}};

const struct cli_command cli_train = {
    .name = "train",
    .summary = "train a model and print the receipt of the run",
    .doc = "Trains a model, by default the network of the Keras tutorial (Conv2D 32, MaxPool, Conv2D 64, MaxPool, "
           "Conv2D 64, Dense 64, Dense 10), and prints test accuracy and receipt.",
    .more = CLI_MODEL_HELP,
    .options = options,
    .kernels = FIELD(kernels),
    .has_kernels = 1,
    .run = run,
};
