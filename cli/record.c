/* SPDX-License-Identifier: BSD-2-Clause
 * See record.h. */
#include "cli/record.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/checkpoint.h"
#include "cli/network.h"

/* Where a trail is. */
struct mark {
    struct sha256_ctx hash;
    int64_t bytes;
};

struct record_private {
    struct io_trail *trail; /* NULL: neither wanted nor watched */
    FILE *file;
    const char *made;        /* its name, where it was not there and the run has not begun; else NULL */
    struct mark now, *marks; /* after each epoch */
    int headless;            /* it goes on from a checkpoint, and the lines before are not there */
    int64_t first_step;      /* of the run */
    int64_t short_at;        /* its last step, where it ended before that of the checkpoint; -1: it did not */
    float *values;
};

struct record *record_create(int epochs)
{
    struct record *record = program_allocate(1, sizeof *record);
    record->own = program_allocate(1, sizeof *record->own);
    record->own->short_at = -1;
    record->own->marks = program_allocate((size_t)epochs, sizeof *record->own->marks);
    record->epochs = program_allocate((size_t)epochs, sizeof *record->epochs);
    return record;
}

void record_destroy(struct record *record)
{
    if (!record) return;
    if (record->own->made) unlink(record->own->made);
    if (record->own->file) fclose(record->own->file);
    io_trail_destroy(record->own->trail);
    free(record->own->values);
    free(record->own->marks);
    free(record->own);
    free(record->epochs);
    free(record);
}

/* ---- the trail ---- */

static int cannot_write(const struct training *t)
{
    program_complain("%s cannot be written: %s", t->trail_file, strerror(errno));
    return EX_IOERR;
}

/* A line is in the file before the next step, whatever becomes of the program. */
static int write_text(const struct training *t, const char *text, size_t length)
{
    struct record_private *own = t->record->own;
    sha256_update(&own->now.hash, length, (const uint8_t *)text);
    own->now.bytes += (int64_t)length;
    if (!own->file || (fwrite(text, 1, length, own->file) == length && !fflush(own->file))) return EXIT_SUCCESS;
    return cannot_write(t);
}

static int fail_io(fcnn_status status)
{
    program_complain("%s", fcnn_io_last_error());
    return program_exit_code(status);
}

/* One more line; *stop: who watches has seen enough. */
static int write_step(const struct training *t, const double *loss, int *stop)
{
    const struct record *record = t->record;
    const struct io_trail_step *step;
    size_t length;
    const fcnn_status status = io_trail_look(record->own->trail, loss, &step);
    if (status) return fail_io(status);
    *stop = record->on_step && record->on_step(record->context, record->own->trail, step);
    const char *line = io_trail_line(record->own->trail, &length);
    return write_text(t, line, length);
}

static int open_file(struct training *t)
{
    struct record_private *own = t->record->own;
    const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY;
    int fd = open(t->trail_file, flags | O_EXCL, 0666);
    const int is_new = fd >= 0;
    if (!is_new && errno == EEXIST) fd = open(t->trail_file, flags, 0666);
    if (fd < 0) return cannot_write(t);
    int code = cli_lock(&t->trail_lock, t->trail_file);
    if (!code && is_new) own->made = t->trail_file;
    if (!code && !(own->file = fdopen(fd, "w"))) code = cannot_write(t);
    if (code) close(fd);
    return code;
}

int record_claim(struct training *t)
{
    return t->trail_file && !t->checkpoint.goes_on ? open_file(t) : EXIT_SUCCESS;
}

/* It is emptied only once it is ours: another run may have begun to write it since this one began. */
static int empty_file(struct training *t)
{
    struct record_private *own = t->record->own;
    struct stat st;
    const int code = own->file ? EXIT_SUCCESS : open_file(t);
    if (code) return code;
    own->made = NULL;
    return fstat(fileno(own->file), &st) || (S_ISREG(st.st_mode) && ftruncate(fileno(own->file), 0)) ? cannot_write(t)
                                                                                                     : EXIT_SUCCESS;
}

static int begin_trail(struct training *t, int *stop)
{
    struct record_private *own = t->record->own;
    size_t length;
    sha256_init(&own->now.hash);
    own->now.bytes = 0;
    int code = t->trail_file ? empty_file(t) : EXIT_SUCCESS;
    if (code) return code;
    const char *head = io_trail_head(own->trail, &length);
    code = write_text(t, head, length);
    return code ? code : write_step(t, NULL, stop);
}

/* ---- a trail that goes on ---- */

static int refuse(const struct training *t, const char *what)
{
    program_complain("%s: %s; a run goes on together with the trail that it wrote", t->trail_file, what);
    return EX_DATAERR;
}

/* Finds the line of the step at which the model stands: *bytes is behind it, ends[] behind each epoch before. Of a run
 * that is finished, and of which a best epoch was kept, there may be less. */
static int find_step(const struct training *t, struct io_trail_reader *reader, const fcnn_receipt *run, int64_t *ends)
{
    const struct io_trail_step *step = NULL, *now;
    int64_t number = 0, last = 0;
    do {
        const int64_t before = io_trail_reader_offset(reader);
        if (step) last = step->step;
        const fcnn_status status = io_trail_next(reader, &step);
        if (status) return fail_io(status);
        for (; step && number < step->epoch - run->first_epoch - 1 && number < t->checkpoint.before; number++)
            ends[number] = before;
    } while (step && step->step < run->steps);
    for (; number < t->checkpoint.before; number++) ends[number] = io_trail_reader_offset(reader);
    if (!step && !checkpoint_is_finished(t))
        return refuse(t, "it ends before the step of the checkpoint, as that of a run does whose best epoch was not "
                      "its last; without --trail the run can be trained on");
    if (!step) {
        t->record->own->first_step = run->first_step;
        t->record->own->short_at = last;
        return EXIT_SUCCESS;
    }
    if (io_trail_look(t->record->own->trail, NULL, &now)) return fail_io(FCNN_OUT_OF_MEMORY);
    for (int i = 0; i < io_trail_tensors(t->record->own->trail); i++)
        if (step->hashes[i] != now->hashes[i]) return refuse(t, "it is not that of the checkpoint's run");
    return EXIT_SUCCESS;
}

/* Hashes the bytes of the file up to `bytes`, with a mark at each end of an epoch. */
static int hash_until(const struct training *t, int64_t bytes, const int64_t *ends)
{
    struct record_private *own = t->record->own;
    uint8_t block[16384];
    int64_t number = 0;
    sha256_init(&own->now.hash);
    own->now.bytes = 0;
    while (own->now.bytes < bytes || number < t->checkpoint.before) {
        const int64_t to = number < t->checkpoint.before ? ends[number] : bytes;
        const int64_t left = to - own->now.bytes, most = sizeof block;
        const size_t n = fread(block, 1, (size_t)(left < most ? left : most), own->file);
        if (n == 0 && left > 0) return refuse(t, "it cannot be read again");
        sha256_update(&own->now.hash, n, block);
        own->now.bytes += (int64_t)n;
        if (own->now.bytes == to && number < t->checkpoint.before) own->marks[number++] = own->now;
    }
    return EXIT_SUCCESS;
}

static int reopen_trail(const struct training *t, int64_t bytes, const int64_t *ends)
{
    struct record_private *own = t->record->own;
    own->file = fopen(t->trail_file, "r+");
    if (!own->file) return cannot_write(t);
    const int code = hash_until(t, bytes, ends);
    if (code) return code;
    return fseek(own->file, 0, SEEK_CUR) || ftruncate(fileno(own->file), (off_t)bytes) ? cannot_write(t) : EXIT_SUCCESS;
}

static int continue_trail(const struct training *t, const fcnn_receipt *run)
{
    struct io_trail_reader *reader;
    char math[64];
    if (!t->trail_file) {
        t->record->own->headless = 1;
        return EXIT_SUCCESS;
    }
    const fcnn_status status = io_trail_open(&reader, t->trail_file);
    if (status == FCNN_NO_FILE && access(t->trail_file, F_OK)) {
        program_complain("%s is not there: a run goes on together with the trail that it wrote from its beginning, or "
                         "without --trail", t->trail_file);
        return EX_NOINPUT;
    }
    if (status) return fail_io(status);
    int64_t *ends = program_allocate((size_t)t->checkpoint.before, sizeof *ends);
    record_math(&t->kernels, math);
    int code = EXIT_SUCCESS;
    if (io_trail_reader_numerics(reader) != run->numerics || strcmp(io_trail_reader_math(reader), math) ||
        !io_trail_reader_fits(reader, t->record->own->trail))
        code = refuse(t, "it has other tensors, numerics or classes");
    if (!code) code = find_step(t, reader, run, ends);
    const int64_t bytes = io_trail_reader_offset(reader);
    io_trail_close(reader);
    if (!code) code = reopen_trail(t, bytes, ends);
    free(ends);
    return code;
}

/* Whether a trail that ended too early ended with the best epoch, as that of a finished run does. */
static int ends_with_best(const struct training *t)
{
    const struct record_private *own = t->record->own;
    return t->restored && own->short_at == own->first_step + t->stopping.best_epoch * t->history[0].steps;
}

/* Somebody has removed it: nobody can have what was written to it since. */
static int is_gone(int fd)
{
    struct stat st;
    return !fstat(fd, &st) && S_ISREG(st.st_mode) && !st.st_nlink;
}

/* A device keeps what it was told. */
static int end_trail(struct training *t)
{
    struct record_private *own = t->record->own;
    if (own->headless) return EXIT_SUCCESS;
    if (own->short_at >= 0 && !ends_with_best(t)) return refuse(t, "it ends before the step of the checkpoint");
    if (t->restored && t->stopping.best_epoch) {
        own->now = own->marks[t->stopping.best_epoch - 1];
        if (own->file && ftruncate(fileno(own->file), (off_t)own->now.bytes) && errno != EINVAL)
            return cannot_write(t);
    }
    struct sha256_ctx hash = own->now.hash;
    fcnn_sha256_spell(t->record->trail, &hash);
    FILE *file = own->file;
    own->file = NULL;
    const int gone = file && is_gone(fileno(file)), bad = file && fclose(file);
    if (bad) return cannot_write(t);
    const int code = file ? cli_lock_holds(&t->trail_lock, t->trail_file) : EXIT_SUCCESS;
    if (code || !gone) return code;
    errno = ENOENT;
    return cannot_write(t);
}

/* ---- the run ---- */

/* Numbers that are not finite are null again in the receipt. */
static double number_of(const json_t *epoch, const char *name)
{
    const json_t *number = json_object_get(epoch, name);
    return json_is_number(number) ? json_number_value(number) : (double)NAN;
}

static int restore_epochs(const struct training *t)
{
    const json_t *list = json_object_get(t->kept, "epochs");
    for (int i = 0; i < t->checkpoint.before; i++) {
        const json_t *epoch = json_array_get(list, (size_t)i);
        const char *weights = json_string_value(json_object_get(epoch, "weights_sha256"));
        if (!weights || strlen(weights) != 64) {
            program_complain("%s: what it keeps of epoch %d is not what 'fastcnn train' writes", t->checkpoint.file,
                             i + 1);
            return EX_DATAERR;
        }
        t->record->epochs[i] = (struct fcnn_receipt_epoch){
            .steps = json_integer_value(json_object_get(epoch, "steps")), .loss = number_of(epoch, "loss"),
            .accuracy = number_of(epoch, "accuracy"), .val_loss = number_of(epoch, "val_loss"),
            .val_accuracy = number_of(epoch, "val_accuracy"), .validated = 1};
        strcpy(t->record->epochs[i].weights, weights);
    }
    return EXIT_SUCCESS;
}

int record_begin(struct training *t, const fcnn_model *model)
{
    struct record *record = t->record;
    fcnn_receipt run;
    char math[64];
    int stop = 0, code = restore_epochs(t);
    record->own->values = program_allocate((size_t)fcnn_model_parameters(model), sizeof(float));
    if (code || (!t->trail_file && !record->on_step)) return code;
    record_math(&t->kernels, math);
    fcnn_status status = io_trail_create(&record->own->trail, model, math);
    if (status) return fail_io(status);
    status = fcnn_model_receipt(model, &run);
    if (status) return program_failed(status);
    code = run.steps > run.first_step ? continue_trail(t, &run) : begin_trail(t, &stop);
    return code ? code : stop ? EXIT_CHECK_FAILED : EXIT_SUCCESS;
}

/* For a checkpoint. */
static void keep_epoch(const struct training *t, int64_t number)
{
    json_t *list = json_object_get(t->kept, "epochs");
    if (!t->kept) return;
    if (!list) json_object_set_new(t->kept, "epochs", list = json_array());
    json_array_append_new(list, fcnn_receipt_epoch_json(number, &t->record->epochs[number]));
}

static int end_epoch(struct training *t, const fcnn_model *model, const fcnn_progress *progress)
{
    struct record *record = t->record;
    const int64_t number = progress->epoch - 1;
    struct fcnn_receipt_epoch *epoch = &record->epochs[number];
    fcnn_state state;
    char weights[65];
    fcnn_status status = fcnn_model_get_state(model, &state);
    if (!status) status = fcnn_sha256_array(weights, model, FCNN_ARRAY_WEIGHTS, record->own->values);
    if (status) {
        t->failed = program_failed(status);
        return 1;
    }
    *epoch = (struct fcnn_receipt_epoch){.steps = state.steps, .loss = progress->loss, .accuracy = progress->accuracy,
                                         .val_loss = progress->val_loss, .val_accuracy = progress->val_accuracy,
                                         .validated = progress->has_validation};
    memcpy(epoch->weights, weights, sizeof weights);
    record->own->marks[number] = record->own->now;
    keep_epoch(t, number);
    return record->on_epoch && record->on_epoch(record->context, number, epoch);
}

int record_step(struct training *t, const fcnn_model *model, const fcnn_progress *progress)
{
    int stop = 0;
    if (progress->epoch_ended) return end_epoch(t, model, progress);
    if (!t->record->own->trail) return 0;
    t->failed = write_step(t, &progress->loss, &stop);
    return stop || t->failed;
}

int record_end(struct training *t, const fcnn_model *model)
{
    (void)model;
    return t->record->own->trail ? end_trail(t) : EXIT_SUCCESS;
}
