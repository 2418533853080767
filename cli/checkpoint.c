/* SPDX-License-Identifier: BSD-2-Clause
 * See checkpoint.h. The program's part of a checkpoint is a JSON object: what was asked for, which data, the epochs so
 * far. Model, optimizer and run are the library's (fastcnn_io.h). */
#include "cli/checkpoint.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/io/json.h"
#include "lib/io/receipt.h"

#define PART_VERSION 2 /* of the program's part */

/* ---- numbers, also those that JSON has no word for ---- */

static json_t *number_json(double number)
{
    if (isfinite(number)) return json_real(number);
    return json_string(isnan(number) ? "nan" : number > 0 ? "inf" : "-inf");
}

static int read_number(const json_t *json, double *number)
{
    const char *text = json_string_value(json);
    if (json_is_number(json)) *number = json_number_value(json);
    else if (text && !strcmp(text, "nan")) *number = NAN;
    else if (text && !strcmp(text, "inf")) *number = INFINITY;
    else if (text && !strcmp(text, "-inf")) *number = -INFINITY;
    else return 0;
    return 1;
}

/* ---- the epochs ---- */

static const size_t metrics[] = {
    offsetof(fcnn_progress, loss), offsetof(fcnn_progress, accuracy), offsetof(fcnn_progress, val_loss),
    offsetof(fcnn_progress, val_accuracy), offsetof(fcnn_progress, seconds),
    offsetof(fcnn_progress, training_seconds),
};
#define NUMBERS ((int)(sizeof metrics / sizeof metrics[0]))

/* An array: names would be most of a long run's file. */
static json_t *epoch_json(const fcnn_progress *epoch, long faults)
{
    json_t *json = json_pack("[I, b, I]", (json_int_t)epoch->steps, epoch->has_validation, (json_int_t)faults);
    for (int i = 0; i < NUMBERS; i++) {
        double number;
        memcpy(&number, (const char *)epoch + metrics[i], sizeof number);
        json_array_append_new(json, number_json(number));
    }
    return json;
}

static int read_epoch(const json_t *json, fcnn_progress *epoch, long *faults)
{
    *epoch = (fcnn_progress){.epoch_ended = 1};
    for (int i = 0; i < NUMBERS; i++) {
        double number;
        if (!read_number(json_array_get(json, (size_t)i + 3), &number)) return 0;
        memcpy((char *)epoch + metrics[i], &number, sizeof number);
    }
    epoch->step = epoch->steps = json_integer_value(json_array_get(json, 0));
    epoch->has_validation = json_is_true(json_array_get(json, 1));
    *faults = (long)json_integer_value(json_array_get(json, 2));
    return 1;
}

/* ---- the program's part ---- */

static json_t *program_json(const struct training *t)
{
    const struct checkpoint *c = &t->checkpoint;
    json_t *epochs = json_array();
    for (int i = 0; i < t->epochs; i++) json_array_append_new(epochs, epoch_json(&t->history[i], t->faults[i]));
    return json_pack("{s:s, s:i, s:o, s:s, s:s, s:o, s:i, s:f, s:[f,f], s:f, s:f, s:f, s:O}", "program",
                     "fastcnn train", "version", PART_VERSION, "options", checkpoint_options_json(t), "train_sha256",
                     c->train_sha256, "test_sha256", c->test_sha256, "history", epochs, "end",
                     t->end == INTERRUPTED ? RAN_OUT : t->end, "wall_seconds",
                     t->running ? cli_now() - t->began : c->wall_seconds, "epoch_seconds", t->time.seconds,
                     t->time.training_seconds, "reached_accuracy", t->reached.accuracy, "reached_training_seconds",
                     t->reached.training_seconds, "reached_wall_seconds", t->reached.wall_seconds, "kept", t->kept);
}

static int failed(fcnn_status status)
{
    return status == FCNN_NO_FILE ? EX_IOERR
           : status == FCNN_BAD_ARGUMENT ? EX_USAGE : program_exit_code(status);
}

static int write_file(const struct training *t, const fcnn_model *model)
{
    json_t *json = program_json(t);
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (!text) {
        program_complain("out of memory");
        return EX_OSERR;
    }
    const fcnn_checkpoint_options options = {.input_scale = t->file.input_scale,
                                             .input_offset = t->file.input_offset,
                                             .program = text,
                                             .best = t->stopping.best_model};
    const fcnn_status status = fcnn_checkpoint_save(model, t->checkpoint.file, &options);
    free(text);
    if (!status) return EXIT_SUCCESS;
    program_complain("%s%s", fcnn_io_last_error(),
                     t->running ? "; training stops, the checkpoint before is whole" : "");
    return failed(status);
}

static int write_checkpoint(struct training *t, const fcnn_model *model)
{
    struct checkpoint *c = &t->checkpoint;
    int code = cli_lock_holds(&c->lock, c->file);
    if (!code) code = write_file(t, model);
    return code ? code : cli_lock(&c->lock, c->file);
}

/* ---- what there is at the beginning ---- */

int checkpoint_find(struct training *t)
{
    struct checkpoint *c = &t->checkpoint;
    struct stat st;
    if (!c->file && (c->every || c->resume))
        cli_usage(&cli_train, "--%s goes with --checkpoint", c->every ? "every" : "resume");
    if (!c->file) return EXIT_SUCCESS;
    const int code = cli_write_file(c->file, NULL);
    if (code) return code;
    const int there = !stat(c->file, &st);
    if (there && !S_ISREG(st.st_mode)) {
        program_complain("%s: a checkpoint is a regular file", c->file);
        return EX_USAGE;
    }
    c->goes_on = there && c->resume;
    if (there && !c->resume) {
        program_complain("%s is there already: --resume goes on with its run; else name another file", c->file);
        return EX_USAGE;
    }
    if (c->resume && !there && t->verbose)
        fprintf(stderr, "%s is not there yet: training begins anew\n", c->file);
    return c->goes_on ? cli_lock(&c->lock, c->file) : EXIT_SUCCESS;
}

/* ---- going on ---- */

static int read_results(struct training *t)
{
    struct checkpoint *c = &t->checkpoint;
    const char *train = NULL, *test = NULL;
    json_t *history = NULL, *kept = NULL;
    int end = RAN_OUT;
    if (json_unpack(c->program, "{s:s, s:s, s:o, s:i, s:F, s:[F,F], s:F, s:F, s:F, s:o}", "train_sha256", &train,
                    "test_sha256", &test, "history", &history, "end", &end, "wall_seconds", &c->wall_seconds,
                    "epoch_seconds", &c->begun.seconds, &c->begun.training_seconds, "reached_accuracy",
                    &t->reached.accuracy, "reached_training_seconds", &t->reached.training_seconds,
                    "reached_wall_seconds", &t->reached.wall_seconds, "kept", &kept) ||
        !json_is_array(history) || !json_is_object(kept) || end < RAN_OUT || end >= INTERRUPTED)
        return checkpoint_damaged(t, "something");
    snprintf(c->train_sha256, sizeof c->train_sha256, "%s", train);
    snprintf(c->test_sha256, sizeof c->test_sha256, "%s", test);
    json_decref(t->kept);
    t->kept = json_deep_copy(kept);
    t->end = (enum training_end)end;
    return EXIT_SUCCESS;
}

/* More epochs than before that there will not be are no silent matter. */
static void say_where(const struct training *t, int64_t steps)
{
    const struct checkpoint *c = &t->checkpoint;
    const int ended = t->end != RAN_OUT || c->diverged;
    char of_epoch[48];
    if (ended && t->fit.epochs > c->wanted)
        program_complain("--epochs %d trains no more: the run of %s ended with epoch %d, %s", t->fit.epochs, c->file,
                         c->before, t->end == REACHED ? "as --until asks" : t->end == NO_PATIENCE ? "as --patience asks"
                                                      : "in which it diverged");
    else if (t->verbose && checkpoint_is_finished(t))
        fprintf(stderr, "%s: its run of %d epoch%s is finished%s\n", c->file, c->before, c->before == 1 ? "" : "s",
                ended ? "" : "; --epochs trains on");
    else if (t->verbose)
        fprintf(stderr, "Going on from %s: epoch %d of %d, after %s of it\n", c->file, c->before + 1, t->fit.epochs,
                cli_count_of(steps, "step", of_epoch));
}

static int check_epochs(struct training *t, const fcnn_model *model)
{
    struct checkpoint *c = &t->checkpoint;
    fcnn_receipt run;
    fcnn_state state;
    fcnn_status status = fcnn_model_get_state(model, &state);
    if (!status) status = fcnn_model_receipt(model, &run);
    if (status) return program_failed(status);
    const size_t finished = json_array_size(json_object_get(c->program, "history"));
    if ((int64_t)finished != run.epochs) return checkpoint_damaged(t, "\"history\"");
    c->before = (int)finished;
    c->diverged = t->fit.keep_going ? 0 : run.diverged_step;
    if (t->best_file && !c->keeps_best && c->before) {
        program_complain("--best is new to the run of %s, which did not keep the best of its %d epoch%s; leave it out, "
                         "or begin another checkpoint", c->file, c->before, c->before == 1 ? "" : "s");
        return EX_USAGE;
    }
    const int begun = c->before + (state.epoch_steps > 0);
    if (t->fit.epochs < begun) {
        program_complain("--epochs %d: the run of %s is in its epoch %d", t->fit.epochs, c->file, begun);
        return EX_USAGE;
    }
    say_where(t, state.epoch_steps);
    return EXIT_SUCCESS;
}

static int load_file(struct training *t, fcnn_model **model, const fcnn_options *kernels, fcnn_checkpoint *found)
{
    const fcnn_status status = fcnn_checkpoint_load(model, t->checkpoint.file, kernels, found, &t->file);
    if (!status) return EXIT_SUCCESS;
    program_complain("%s", fcnn_io_last_error());
    return status == FCNN_NO_FILE || status == FCNN_OUT_OF_MEMORY ? program_exit_code(status) : EX_DATAERR;
}

static int read_program(struct training *t, const fcnn_checkpoint *found)
{
    struct checkpoint *c = &t->checkpoint;
    const char *text = found->program ? found->program : "{}";
    const fcnn_status status = io_json_parse(&c->program, text, strlen(text), c->file);
    if (status) {
        program_complain("%s", fcnn_io_last_error());
        return status == FCNN_OUT_OF_MEMORY ? EX_OSERR : EX_DATAERR;
    }
    const char *program = json_string_value(json_object_get(c->program, "program"));
    if (!program || strcmp(program, "fastcnn train") != 0) {
        program_complain("%s: it is a checkpoint, but another program than 'fastcnn train' wrote it", c->file);
        return EX_DATAERR;
    }
    if (json_integer_value(json_object_get(c->program, "version")) == PART_VERSION) return EXIT_SUCCESS;
    program_complain("%s: another version of 'fastcnn train' wrote it, and only that one can go on with it", c->file);
    return EX_DATAERR;
}

/* Which kernels the model is to be compiled with is in the file: once more, where they are not those of every model. */
static int load(struct training *t, fcnn_model **model)
{
    fcnn_options plain = t->kernels;
    fcnn_checkpoint found = {.program = NULL};
    plain.math = fcnn_class_name(FCNN_EXACT);
    plain.kernel = "";
    int are_plain = 1, code = load_file(t, model, &plain, &found);
    if (!code) code = read_program(t, &found);
    if (!code) code = checkpoint_read_kernels(t, &are_plain);
    if (!code && !are_plain) {
        fcnn_model_destroy(*model);
        fcnn_checkpoint_free(&found);
        code = load_file(t, model, &t->kernels, &found);
    }
    t->checkpoint.best = found.best;
    free(found.program);
    return code;
}

int checkpoint_open(struct training *t, fcnn_model **model)
{
    const struct training given = *t;
    int code = load(t, model);
    if (!code) code = checkpoint_read_options(t, *model);
    if (!code) code = read_results(t);
    const char *other = code ? NULL : checkpoint_other_option(&given, t);
    if (other) {
        program_complain("--%s is not what the run of %s has; leave it out, or begin another checkpoint", other,
                         t->checkpoint.file);
        return EX_USAGE;
    }
    if (!code && given.model_name) code = checkpoint_check_model(t, *model, given.model_name);
    return code ? code : check_epochs(t, *model);
}

/* ---- data, epochs ---- */

static void hash(const struct fcnn_dataset *set, char text[65])
{
    fcnn_sha256(text, set->x, set->n * set->h * set->w * set->c, set->y, set->n);
}

int checkpoint_check_data(struct training *t)
{
    struct checkpoint *c = &t->checkpoint;
    char train[65], test[65];
    if (!c->file) return EXIT_SUCCESS;
    hash(&t->data.train, train);
    hash(&t->data.test, test);
    if (c->goes_on && (strcmp(train, c->train_sha256) != 0 || strcmp(test, c->test_sha256) != 0)) {
        program_complain("these are not the data of the run of %s: its %s images are others", c->file,
                         strcmp(train, c->train_sha256) != 0 ? "training" : "test");
        return EX_DATAERR;
    }
    memcpy(c->train_sha256, train, sizeof train);
    memcpy(c->test_sha256, test, sizeof test);
    return EXIT_SUCCESS;
}

int checkpoint_restore(struct training *t)
{
    const json_t *history = json_object_get(t->checkpoint.program, "history");
    for (int i = 0; i < t->checkpoint.before; i++) {
        if (!read_epoch(json_array_get(history, (size_t)i), &t->history[i], &t->faults[i]))
            return checkpoint_damaged(t, "an epoch in \"history\"");
        t->history[i].epoch = i + 1;
        t->history[i].epochs = t->fit.epochs;
    }
    t->epochs = t->checkpoint.before;
    return EXIT_SUCCESS;
}

int checkpoint_begin(struct training *t, const fcnn_model *model)
{
    const char *file = t->checkpoint.file;
    if (!file || t->checkpoint.goes_on) return EXIT_SUCCESS;
    if (access(file, F_OK)) return write_checkpoint(t, model);
    program_complain("%s cannot be written: another run has begun there since this one was started", file);
    return EX_IOERR;
}

int checkpoint_is_finished(const struct training *t)
{
    const struct checkpoint *c = &t->checkpoint;
    return c->goes_on && (t->end != RAN_OUT || c->diverged || c->before >= t->fit.epochs);
}

/* ---- while it trains ---- */

/* At the end of an epoch once, not before and behind its validation. */
static int is_time(const struct training *t, const fcnn_model *model, const fcnn_progress *state)
{
    fcnn_state now;
    if (t->end != RAN_OUT) return 1;
    if (state->step == state->steps && !state->epoch_ended) return 0;
    if (state->epoch_ended && (!t->checkpoint.every || state->epoch == state->epochs)) return 1;
    return t->checkpoint.every && !fcnn_model_get_state(model, &now) && now.steps % t->checkpoint.every == 0;
}

int checkpoint_after_step(struct training *t, const fcnn_model *model, const fcnn_progress *state)
{
    if (!t->checkpoint.file || t->failed || !is_time(t, model, state)) return 0;
    t->failed = write_checkpoint(t, model);
    return t->failed;
}

void checkpoint_free(struct training *t)
{
    cli_unlock(&t->checkpoint.lock);
    fcnn_snapshot_destroy(t->checkpoint.best);
    json_decref(t->checkpoint.program);
    json_decref(t->kept);
    json_decref(t->file_compile);
}
