/* SPDX-License-Identifier: BSD-2-Clause
 * Before a run is repeated: what the receipt says becomes model, options and data, and each of them must have the hash
 * that it says. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/verify.h"
#include "lib/io/fail.h"
#include "lib/io/text.h"

int verify_conclude(struct verification *v, enum verdict verdict, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(v->reason, sizeof v->reason, format, arguments);
    va_end(arguments);
    program_printable(v->reason);
    v->verdict = verdict;
    return EXIT_SUCCESS;
}

#define CANNOT(...) return verify_conclude(v, CANNOT_BE_VERIFIED, __VA_ARGS__)

int verify_judge(struct verification *v, fcnn_status status, const char *sentence)
{
    if (status == FCNN_NO_FILE || status == FCNN_OUT_OF_MEMORY) {
        program_complain("%s", sentence);
        return program_exit_code(status);
    }
    CANNOT("%s", sentence);
}

/* ---- the model ---- */

static int compile(struct verification *v, fcnn_model **model)
{
    struct training *t = &v->t;
    int compiles = 0;
    char where[4400];
    snprintf(where, sizeof where, "%s: model", v->path);
    const char *text = v->receipt.model;
    fcnn_status status = io_text_parse(model, &t->compile, &compiles, text, strlen(text), where);
    if (status) return verify_judge(v, status, fcnn_io_last_error());
    if (!compiles) CANNOT("%s: it has no compile line", where);
    t->compile.kernels = &t->kernels;
    status = fcnn_compile(*model, &t->compile);
    if (!status) status = fcnn_model_compile_options(*model, &t->compile);
    return status ? verify_judge(v, status, fcnn_last_error()) : EXIT_SUCCESS;
}

/* The file that the run began with: its weights and state, in the receipt's layers. */
static int load_initial(struct verification *v, fcnn_model **model)
{
    char *layers = NULL;
    fcnn_load_options options = {.kernels = &v->t.kernels, .compile = &v->t.compile};
    fcnn_model_destroy(*model);
    *model = NULL;
    const fcnn_status status = fcnn_model_load(model, v->initial, &options, NULL);
    if (status) return verify_judge(v, status, fcnn_io_last_error());
    if (io_text_format(&layers, *model, v->initial)) return verify_judge(v, FCNN_BAD_DATA, fcnn_io_last_error());
    const int same = !strcmp(layers, v->receipt.model);
    free(layers);
    if (!same) CANNOT("%s has other layers than the receipt", v->initial);
    return EXIT_SUCCESS;
}

/* Arrays and state before the first step. */
static int check_initial(struct verification *v, const fcnn_model *model)
{
    static const char *const names[] = {"weights", "first moments", "second moments"};
    const fcnn_state *first = &v->receipt.first;
    char sha256[65];
    fcnn_state state;
    fcnn_status status = fcnn_model_get_state(model, &state);
    float *values = program_allocate((size_t)fcnn_model_parameters(model), sizeof *values);
    int array = 0;
    for (; !status && array < 3; array++) {
        status = fcnn_sha256_array(sha256, model, (fcnn_array)array, values);
        if (!status && strcmp(sha256, v->receipt.initial[array])) break;
    }
    free(values);
    if (status) return program_failed(status);
    if (array < 3 && v->receipt.given)
        CANNOT("the %s in %s are not those that the run began with: their SHA-256 is %.16s..., the receipt says "
               "%.16s...", names[array], v->initial, sha256, v->receipt.initial[array]);
    if (array < 3)
        return verify_conclude(v, DIFFERS, "the %s drawn from the seed are not those that the receipt begins with: "
                               "their SHA-256 is %.16s..., the receipt says %.16s...", names[array], sha256,
                               v->receipt.initial[array]);
    if (state.steps != first->steps || state.epochs != first->epochs ||
        state.epoch_steps != first->epoch_steps || state.beta_1_power != first->beta_1_power ||
        state.beta_2_power != first->beta_2_power)
        CANNOT("the state in %s (%lld steps, %lld epochs) is not what the receipt says that the run began with (%lld, "
               "%lld)", v->initial ? v->initial : "a new model", (long long)state.steps, (long long)state.epochs,
               (long long)first->steps, (long long)first->epochs);
    return EXIT_SUCCESS;
}

static int make_model(struct verification *v, fcnn_model **model)
{
    if (v->checkpoint) return verify_load_checkpoint(v, model);
    if (v->receipt.given && !v->initial)
        CANNOT("the run began with given weights; --initial=FILE names the model that it was trained from");
    if (!v->receipt.given && v->initial)
        CANNOT("the run began with weights drawn from its seed; there is nothing that --initial could be");
    int code = compile(v, model);
    if (!code && !v->verdict && v->receipt.given) code = load_initial(v, model);
    if (!code && !v->verdict) code = check_initial(v, *model);
    return code;
}

/* ---- the data ---- */

static int same_hash(const struct fcnn_dataset *set, int64_t first, int64_t count, const char *expected)
{
    char sha256[65];
    fcnn_sha256(sha256, set->x + first * set->h * set->w * set->c, count * set->h * set->w * set->c, set->y + first,
                count);
    return !strcmp(sha256, expected);
}

static int check_data(struct verification *v)
{
    const struct fcnn_receipt_file *r = &v->receipt;
    const struct fcnn_dataset *set = &v->t.data.train;
    char text[4400];
    cli_data_describe(&v->t.data, text, sizeof text);
    const int64_t training = training_images(&v->t);
    if (training < 1 || (r->validation != NULL) != (training < set->n))
        CANNOT("the receipt contradicts itself: validation_split and data.validation_sha256");
    if (!same_hash(set, 0, training, r->data))
        CANNOT("these are not the data that the run trained on: another SHA-256 (%s)", text);
    if (r->validation && !same_hash(set, training, set->n - training, r->validation))
        CANNOT("these are not the data that the run validated with: another SHA-256 (%s)", text);
    return EXIT_SUCCESS;
}

/* Synthetic digits are made in the number that a stranger wrote. */
static int check_room(struct verification *v)
{
    const double gigabyte = 1e9, digit = 28 * 28 * sizeof(float) + sizeof(int32_t);
    const double needed = (double)v->receipt.images * digit;
    const double machine = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    if (needed > machine)
        CANNOT("the run cannot be repeated here: its %lld synthetic digits need %.3g GB, this machine has %.3g GB",
               (long long)v->receipt.images, needed / gigabyte, machine / gigabyte);
    return EXIT_SUCCESS;
}

static int load_data(struct verification *v, const fcnn_model *model)
{
    const struct fcnn_receipt_file *r = &v->receipt;
    struct cli_data *data = &v->t.data;
    if (!r->synthetic && !data->directory)
        CANNOT("the run trained on %s; --data=PATH says where they are", r->kind);
    if (r->synthetic && data->directory)
        CANNOT("the run trained on synthetic digits, which are drawn again: leave --data out");
    data->seed = r->seed;
    data->any_shape = 1;
    int code = r->synthetic ? check_room(v) : EXIT_SUCCESS;
    if (code || v->verdict) return code;
    code = cli_data_load(data, r->images, 0);
    if (code == EX_DATAERR) return verify_conclude(v, CANNOT_BE_VERIFIED, "the data cannot be read");
    if (code) return code;
    if (data->train.n != r->images)
        CANNOT("the run had %lld images; here are %lld", (long long)r->images, (long long)data->train.n);
    v->t.file.input_scale = r->scaled ? r->scale : 1.0 / 255;
    v->t.file.input_offset = r->scaled ? r->offset : 0;
    code = training_fit_data(&v->t, model);
    if (code == EX_DATAERR) return verify_conclude(v, CANNOT_BE_VERIFIED, "the data do not fit the model");
    return code ? code : check_data(v);
}

/* ---- the whole ---- */

static int check_receipt(struct verification *v)
{
    const struct fcnn_receipt_file *r = &v->receipt;
    if (r->numerics != fcnn_numerics_version())
        CANNOT("the receipt is of numerics %d, this program computes numerics %d: other bits are to be expected",
               r->numerics, fcnn_numerics_version());
    if (r->altered) CANNOT("weights were set while the run went on, by a program that nothing here can repeat");
    if (v->epochs > r->fit.epochs)
        CANNOT("the run has %d epoch%s; --epochs=%d asks for more", r->fit.epochs, r->fit.epochs == 1 ? "" : "s",
               v->epochs);
    if (v->checkpoint && v->initial)
        cli_usage(&cli_verify, "--from-checkpoint and --initial both say what to begin with");
    if (v->trail && !r->trail) CANNOT("the receipt names no trail: --trail=%s cannot be held against it", v->trail);
    if (v->t.kernels.kernel && r->kernel)
        CANNOT("the receipt says which kernels were asked for (%s); leave --kernel out", r->kernel);
    return EXIT_SUCCESS;
}

static void take_options(struct verification *v)
{
    const struct fcnn_receipt_file *r = &v->receipt;
    struct training *t = &v->t;
    t->kernels.math = r->math;
    if (r->kernel || strchr(r->math, ',')) t->kernels.kernel = r->kernel ? r->kernel : "";
    t->fit = r->fit;
    /* What stopped within an epoch does so again. */
    t->fit.epochs = v->epochs ? v->epochs : r->fit.epochs + r->stopped;
}

int verify_begin(struct verification *v, fcnn_model **model)
{
    fcnn_status status = fcnn_receipt_read(&v->receipt, v->path);
    if (status) return verify_judge(v, status, fcnn_io_last_error());
    v->whole = 1;
    int code = check_receipt(v);
    if (!code && !v->verdict) take_options(v);
    if (!code && !v->verdict) code = make_model(v, model);
    if (!code && !v->verdict) code = load_data(v, *model);
    return code;
}
