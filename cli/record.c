/* SPDX-License-Identifier: BSD-2-Clause
 * See record.h. */
#include "cli/record.h"

#include <errno.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/network.h"

/* Where a trail is. */
struct mark {
    struct sha256_ctx hash;
    int64_t bytes;
};

struct record_private {
    struct io_trail *trail; /* NULL: neither wanted nor watched */
    FILE *file;
    struct mark now, *marks; /* after each epoch */
    float *values;
};

struct record *record_create(int epochs)
{
    struct record *record = program_allocate(1, sizeof *record);
    record->own = program_allocate(1, sizeof *record->own);
    record->own->marks = program_allocate((size_t)epochs, sizeof *record->own->marks);
    record->epochs = program_allocate((size_t)epochs, sizeof *record->epochs);
    return record;
}

void record_destroy(struct record *record)
{
    if (!record) return;
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

static int begin_trail(const struct training *t, const fcnn_model *model, int *stop)
{
    struct record_private *own = t->record->own;
    char math[64];
    size_t length;
    record_math(&t->kernels, math);
    const fcnn_status status = io_trail_create(&own->trail, model, math);
    if (status) return fail_io(status);
    sha256_init(&own->now.hash);
    own->now.bytes = 0;
    if (t->trail_file && !(own->file = fopen(t->trail_file, "w"))) return cannot_write(t);
    const char *head = io_trail_head(own->trail, &length);
    const int code = write_text(t, head, length);
    return code ? code : write_step(t, NULL, stop);
}

/* A device keeps what it was told. */
static int end_trail(struct training *t)
{
    struct record_private *own = t->record->own;
    uint8_t digest[SHA256_DIGEST_SIZE];
    if (t->restored && t->stopping.best_epoch) {
        own->now = own->marks[t->stopping.best_epoch - 1];
        if (own->file && ftruncate(fileno(own->file), (off_t)own->now.bytes) && errno != EINVAL)
            return cannot_write(t);
    }
    struct sha256_ctx hash = own->now.hash;
    sha256_digest(&hash, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++) snprintf(t->record->trail + 2 * i, 3, "%02x", digest[i]);
    FILE *file = own->file;
    own->file = NULL;
    return file && fclose(file) ? cannot_write(t) : EXIT_SUCCESS;
}

/* ---- the run ---- */

int record_begin(struct training *t, const fcnn_model *model)
{
    struct record *record = t->record;
    int stop = 0;
    record->own->values = program_allocate((size_t)fcnn_model_parameters(model), sizeof(float));
    if (!t->trail_file && !record->on_step) return EXIT_SUCCESS;
    const int code = begin_trail(t, model, &stop);
    return code ? code : stop ? EXIT_CHECK_FAILED : EXIT_SUCCESS;
}

static int end_epoch(struct training *t, const fcnn_model *model, const fcnn_progress *progress)
{
    struct record *record = t->record;
    const int64_t number = progress->epoch - 1, count = fcnn_model_parameters(model);
    struct fcnn_receipt_epoch *epoch = &record->epochs[number];
    fcnn_state state;
    fcnn_status status = fcnn_model_get_state(model, &state);
    if (!status) status = fcnn_model_get_array(model, FCNN_ARRAY_WEIGHTS, record->own->values, count);
    if (status) {
        t->failed = program_failed(status);
        return 1;
    }
    *epoch = (struct fcnn_receipt_epoch){.steps = state.steps, .loss = progress->loss, .accuracy = progress->accuracy,
                                         .val_loss = progress->val_loss, .val_accuracy = progress->val_accuracy,
                                         .validated = progress->has_validation};
    fcnn_sha256(epoch->weights, record->own->values, count, NULL, 0);
    record->own->marks[number] = record->own->now;
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

/* ---- the receipt ---- */

/* "exact" where nothing else is said; a word twice is one. */
void record_math(const fcnn_options *kernels, char math[64])
{
    const char *said = kernels->math ? kernels->math : getenv("FASTCNN_MATH");
    size_t used = 0;
    *math = 0;
    if (!said || !*said) said = fcnn_class_name(FCNN_EXACT);
    for (int i = FCNN_EXACT; i <= FCNN_BF16; i++) {
        const char *name = fcnn_class_name((fcnn_class)i);
        int there = 0;
        for (const char *at = said; *at && !there; at += *at == ',') {
            const size_t length = strcspn(at, ",");
            there = length == strlen(name) && !strncmp(at, name, length);
            at += length;
        }
        if (there) used += (size_t)snprintf(math + used, 64 - used, "%s%s", used ? "," : "", name);
    }
}

/* Which of several classes a problem gets may depend on the kernels that are asked for. */
static const char *deciding_kernels(const struct training *t, const char *math)
{
    const char *asked = t->kernels.kernel ? t->kernels.kernel : getenv("FASTCNN_KERNEL");
    return asked && strchr(math, ',') ? asked : "";
}

int training_receipt(const struct training *t, const fcnn_model *model, json_t **receipt)
{
    char message[512], math[64];
    record_math(&t->kernels, math);
    const struct fcnn_receipt_run run = {
        .kind = t->data.directory ? fcnn_data_kind_name(t->data.kind) : "synthetic digits",
        .synthetic = !t->data.directory,
        .seed = t->data.seed,
        .images = t->data.train.n,
        .scaled = cli_network_scales(&t->file),
        .scale = t->file.input_scale,
        .offset = t->file.input_offset,
        .math = math,
        .kernel = deciding_kernels(t, math),
        .epochs = t->record->epochs,
        .trail = *t->record->trail ? t->record->trail : NULL,
    };
    const fcnn_status status =
        fcnn_receipt_json(receipt, model, t->data.train.x, t->data.train.y, &run, message, sizeof message);
    if (!status) return EXIT_SUCCESS;
    program_complain("%s", message);
    return program_exit_code(status);
}
