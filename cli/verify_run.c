/* SPDX-License-Identifier: BSD-2-Clause
 * The run again, held against the receipt after each epoch and against the trail after each step. */
#include <stdlib.h>
#include <string.h>

#include "cli/verify.h"

/* ---- after each step ---- */

static int step_differs(struct verification *v, const struct io_trail *trail, const struct io_trail_step *found,
                        const struct io_trail_step *expected)
{
    int tensor, tensors;
    const int count = io_trail_tensors(trail);
    const enum io_trail_part part = io_trail_compare(expected, found, count, &tensor, &tensors);
    if (part == IO_TRAIL_SAME) return 0;
    v->epoch = found->epoch;
    v->step = found->step;
    if (part == IO_TRAIL_TENSOR) {
        snprintf(v->tensor, sizeof v->tensor, "%s", io_trail_tensor(trail, tensor));
        verify_conclude(v, DIFFERS, "step %lld (epoch %lld) leaves another %s; %d of %d tensors differ",
                        (long long)found->step, (long long)found->epoch, v->tensor, tensors, count);
    } else if (part == IO_TRAIL_LOSS) {
        verify_conclude(v, DIFFERS, "step %lld (epoch %lld) has the loss %s; the trail says %s",
                        (long long)found->step, (long long)found->epoch, found->loss, expected->loss);
    } else {
        verify_conclude(v, DIFFERS, "the trail has step %lld of epoch %lld where the run is at step %lld of epoch "
                        "%lld", (long long)expected->step, (long long)expected->epoch, (long long)found->step,
                        (long long)found->epoch);
    }
    return 1;
}

static int on_step(void *context, const struct io_trail *trail, const struct io_trail_step *found)
{
    struct verification *v = context;
    const struct io_trail_step *expected;
    v->compared_steps = found->step - v->receipt.first.steps - v->from;
    if (!v->steps) return 0;
    const fcnn_status status = io_trail_next(v->steps, &expected);
    if (status) {
        v->t.failed = verify_judge(v, status, fcnn_io_last_error());
        return 1;
    }
    if (expected) return step_differs(v, trail, found, expected);
    v->step = found->step;
    v->epoch = found->epoch;
    verify_conclude(v, DIFFERS, "the trail ends before step %lld (epoch %lld)", (long long)found->step,
                    (long long)found->epoch);
    return 1;
}

/* ---- after each epoch ---- */

static int on_epoch(void *context, int64_t number, const struct fcnn_receipt_epoch *epoch)
{
    struct verification *v = context;
    const json_t *expected = json_array_get(json_object_get(v->receipt.json, "epochs"), (size_t)number);
    v->compared_steps = epoch->steps - v->receipt.first.steps - v->from;
    if (!expected) return 0; /* one that stopped within: the whole receipt is compared then */
    json_t *found = fcnn_receipt_epoch_json(number, epoch);
    const int differs = fcnn_receipt_differs(expected, found, 0, &v->difference);
    json_decref(found);
    v->compared_epochs++;
    if (!differs) return 0;
    v->epoch = number + 1;
    char member[sizeof v->difference.member];
    snprintf(member, sizeof member, "epochs[%lld].%.100s", (long long)number, v->difference.member);
    strcpy(v->difference.member, member);
    return verify_conclude(v, DIFFERS, "after epoch %lld %s is %.80s here; the receipt says %.80s%s",
                           (long long)number + 1, strrchr(member, '.') + 1, v->difference.found,
                           v->difference.expected,
                           v->steps ? "" : ". With the run's --trail the first differing step and tensor can be named"),
           1;
}

/* ---- the whole receipt ---- */

static int compare_receipts(struct verification *v, const fcnn_model *model)
{
    json_t *again;
    const int code = training_receipt(&v->t, model, &again);
    if (code) return code;
    /* The trail's beginning was not repeated; of its rest each line was compared. */
    if (v->checkpoint) json_object_set(again, "trail", json_object_get(v->receipt.json, "trail"));
    const int differs = fcnn_receipt_differs(v->receipt.json, again, v->epochs, &v->difference);
    json_decref(again);
    if (!differs) return EXIT_SUCCESS;
    return verify_conclude(v, DIFFERS, "%s is %.80s here; the receipt says %.80s", v->difference.member,
                           v->difference.found, v->difference.expected);
}

/* The trail belongs to the receipt: then it was compared to its end. */
static int compare_trails(struct verification *v)
{
    const struct io_trail_step *more = NULL;
    if (!v->steps || v->epochs || v->verdict) return EXIT_SUCCESS;
    const fcnn_status status = io_trail_next(v->steps, &more);
    if (status) return verify_judge(v, status, fcnn_io_last_error());
    if (more) return verify_conclude(v, DIFFERS, "the trail goes on after the last step");
    return EXIT_SUCCESS;
}

/* ---- the run ---- */

/* Else a difference would say something of another run. */
static int is_the_receipts(const struct verification *v)
{
    char sha256[65];
    return !io_trail_hash(sha256, v->trail) && !strcmp(sha256, v->receipt.trail);
}

static int open_trail(struct verification *v, const fcnn_model *model)
{
    struct io_trail *trail = NULL;
    if (!v->trail) return EXIT_SUCCESS;
    fcnn_status status = io_trail_open(&v->steps, v->trail);
    if (!status && !is_the_receipts(v))
        return verify_conclude(v, CANNOT_BE_VERIFIED, "%s is not the trail that the receipt names: another SHA-256",
                               v->trail);
    if (!status) status = io_trail_create(&trail, model, v->receipt.math);
    if (status) return verify_judge(v, status, fcnn_io_last_error());
    if ((io_trail_reader_numerics(v->steps) != v->receipt.numerics ||
                  strcmp(io_trail_reader_math(v->steps), v->receipt.math) || !io_trail_reader_fits(v->steps, trail)))
        verify_conclude(v, CANNOT_BE_VERIFIED, "%s is the trail of another run: other tensors or numerics", v->trail);
    io_trail_destroy(trail);
    return EXIT_SUCCESS;
}

static int repeat(struct verification *v, fcnn_model *model)
{
    struct training *t = &v->t;
    struct cli_progress progress;
    cli_progress_begin(&progress, t->verbose);
    cli_catch_interrupt();
    const double began = cli_now();
    const fcnn_status status = training_fit(t, model, &progress);
    v->seconds = cli_now() - began;
    if (t->failed && !v->verdict) return t->failed;
    if (v->verdict) return EXIT_SUCCESS;
    if (status == FCNN_INTERRUPTED || cli_interrupted()) {
        program_complain("interrupted in epoch %d of %d; nothing differed so far", progress.last.epoch,
                         progress.last.epochs);
        return EXIT_INTERRUPTED;
    }
    if (status && status != FCNN_DIVERGED) return program_failed(status);
    const int code = compare_receipts(v, model);
    return code ? code : compare_trails(v);
}

int verify_run(struct verification *v)
{
    struct training *t = &v->t;
    fcnn_model *model = NULL;
    int code = verify_begin(v, &model);
    if (!code && !v->verdict) code = open_trail(v, model);
    if (!code && !v->verdict && v->checkpoint) code = verify_find_checkpoint(v, model);
    if (!code && !v->verdict) {
        const size_t epochs = (size_t)t->fit.epochs;
        t->history = program_allocate(epochs, sizeof *t->history);
        t->faults = program_allocate(epochs, sizeof *t->faults);
        t->record = record_create(t->fit.epochs);
        t->record->on_epoch = on_epoch;
        t->record->on_step = v->receipt.trail && (v->trail || !v->epochs) ? on_step : NULL;
        t->record->context = v;
        code = repeat(v, model);
    }
    io_trail_close(v->steps);
    record_destroy(t->record);
    free(t->history);
    free(t->faults);
    fcnn_model_destroy(model);
    cli_data_free(&t->data);
    json_decref(t->kept);
    return code;
}
