/* SPDX-License-Identifier: BSD-2-Clause
 * Beginning in the middle of a run: at a checkpoint whose weights are those that the receipt, or the trail, has
 * there. */
#include <stdlib.h>
#include <string.h>

#include "cli/verify.h"
#include "lib/io/text.h"

#define CANNOT(...) return verify_conclude(v, CANNOT_BE_VERIFIED, __VA_ARGS__)

static int check_layers(struct verification *v, const fcnn_model *model)
{
    char *text;
    if (io_text_format(&text, model, v->checkpoint))
        return verify_judge(v, FCNN_BAD_DATA, fcnn_io_last_error());
    const int same = !strcmp(text, v->receipt.model);
    free(text);
    if (same) return EXIT_SUCCESS;
    CANNOT("%s is the checkpoint of another run: its layers or optimizer are not the receipt's", v->checkpoint);
}

/* The epochs before, as the receipt has them: nothing here repeats them. */
static int check_place(struct verification *v, const fcnn_model *model)
{
    const json_t *epochs = json_object_get(v->receipt.json, "epochs");
    fcnn_receipt run;
    const fcnn_status status = fcnn_model_receipt(model, &run);
    if (status) return program_failed(status);
    v->from = run.steps - run.first_step;
    if (run.first_step != v->receipt.first.steps || !*run.data || v->from < 1)
        CANNOT("%s is at the beginning of its run, or of another one", v->checkpoint);
    if (run.epochs >= v->t.fit.epochs || run.steps >= v->receipt.steps)
        CANNOT("%s has the run after step %lld: nothing is left of what is to be repeated", v->checkpoint,
               (long long)v->from);
    v->t.checkpoint.before = (int)run.epochs;
    v->t.epochs = (int)run.epochs;
    v->t.kept = json_pack("{s:o}", "epochs", json_copy((json_t *)(uintptr_t)epochs)); /* more will be added */
    return EXIT_SUCCESS;
}

int verify_load_checkpoint(struct verification *v, fcnn_model **model)
{
    fcnn_checkpoint found;
    fcnn_status status = fcnn_checkpoint_load(model, v->checkpoint, &v->t.kernels, &found, NULL);
    if (status) return verify_judge(v, status, fcnn_io_last_error());
    fcnn_checkpoint_free(&found);
    status = fcnn_model_compile_options(*model, &v->t.compile);
    if (status) return program_failed(status);
    const int code = check_layers(v, *model);
    return code || v->verdict ? code : check_place(v, *model);
}

/* ---- its weights ---- */

static int is_at_epoch(const struct verification *v, const fcnn_model *model, const json_t *epoch)
{
    const char *expected = json_string_value(json_object_get(epoch, "weights_sha256"));
    char sha256[65] = "";
    float *values = program_allocate((size_t)fcnn_model_parameters(model), sizeof *values);
    fcnn_sha256_array(sha256, model, FCNN_ARRAY_WEIGHTS, values);
    free(values);
    return json_integer_value(json_object_get(epoch, "steps")) - v->receipt.first.steps == v->from && expected &&
           !strcmp(sha256, expected);
}

static int find_in_trail(struct verification *v, const fcnn_model *model)
{
    const struct io_trail_step *step, *now;
    struct io_trail *trail;
    const int64_t at = v->from + v->receipt.first.steps;
    fcnn_status status = io_trail_create(&trail, model, v->receipt.math);
    if (status) return verify_judge(v, status, fcnn_io_last_error());
    do status = io_trail_next(v->steps, &step);
    while (!status && step && step->step < at);
    if (!status) status = io_trail_look(trail, NULL, &now);
    int same = !status && step && step->step == at;
    for (int i = 0; same && i < io_trail_tensors(trail); i++) same = step->hashes[i] == now->hashes[i];
    io_trail_destroy(trail);
    if (status) return verify_judge(v, status, fcnn_io_last_error());
    if (!same) CANNOT("%s is not what the trail has after step %lld", v->checkpoint, (long long)at);
    return EXIT_SUCCESS;
}

int verify_find_checkpoint(struct verification *v, const fcnn_model *model)
{
    const json_t *epochs = json_object_get(v->receipt.json, "epochs");
    fcnn_state state;
    const fcnn_status status = fcnn_model_get_state(model, &state);
    if (status) return program_failed(status);
    if (state.epoch_steps && !v->steps)
        CANNOT("%s is within an epoch, where the receipt has no hash; --trail=FILE has one", v->checkpoint);
    const size_t last = (size_t)v->t.checkpoint.before - 1;
    if (!state.epoch_steps && !is_at_epoch(v, model, json_array_get(epochs, last)))
        CANNOT("%s is not what the receipt has after epoch %d: other weights", v->checkpoint,
               v->t.checkpoint.before);
    return v->steps ? find_in_trail(v, model) : EXIT_SUCCESS;
}
