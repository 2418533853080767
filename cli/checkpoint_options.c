/* SPDX-License-Identifier: BSD-2-Clause
 * What a checkpoint says of what its run was asked for, and what the command line may say again. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/checkpoint.h"
#include "cli/record.h"

/* ---- written ---- */

json_t *checkpoint_options_json(const struct training *t)
{
    char math[64];
    record_math(&t->kernels, math);
    return json_pack("{s:o, s:O?, s:o, s:I, s:i, s:I, s:f, s:b, s:f, s:I, s:i, s:b, s:s, s:o}", "model",
                     t->model_name ? cli_json_text(t->model_name) : json_null(), "model_compile", t->file_compile,
                     "data", t->data.directory ? cli_json_text(t->data.directory) : json_null(), "limit",
                     (json_int_t)t->limit, "epochs", t->fit.epochs, "batch_size", (json_int_t)t->fit.batch_size,
                     "validation_split", t->fit.validation_split, "keep_going", t->fit.keep_going, "until", t->until,
                     "patience", (json_int_t)t->patience, "monitor", t->monitor, "keeps_best", t->checkpoint.keeps_best,
                     "math", math,
                     "kernel", cli_json_text(record_kernel(&t->kernels, math)));
}

/* ---- read ---- */

/* Of the file, with where it is wrong. */
int checkpoint_damaged(const struct training *t, const char *where)
{
    program_complain("%s: %s of the program's part is not what 'fastcnn train' writes", t->checkpoint.file, where);
    return EX_DATAERR;
}

static int refuse_setting(const struct training *t, const char *option, const char *variable)
{
    program_complain("%s is not what the run of %s has; leave it out, or begin another checkpoint",
                     option ? option : variable, t->checkpoint.file);
    return EX_USAGE;
}

static int is_said(const char *option, const char *variable)
{
    const char *value = getenv(variable);
    return option || (value && *value);
}

int checkpoint_read_kernels(struct training *t, int *are_plain)
{
    const json_t *options = json_object_get(t->checkpoint.program, "options");
    const char *math = json_string_value(json_object_get(options, "math"));
    const char *kernel = json_string_value(json_object_get(options, "kernel"));
    fcnn_options *kernels = &t->kernels;
    char here[64];
    if (!math || !kernel) return checkpoint_damaged(t, "\"options\"");
    record_math(kernels, here);
    const int said = is_said(kernels->kernel, "FASTCNN_KERNEL");
    if (strcmp(math, here) != 0) {
        if (is_said(kernels->math, "FASTCNN_MATH"))
            return refuse_setting(t, kernels->math ? "--math" : NULL, "FASTCNN_MATH");
        kernels->math = math;
    }
    if (strcmp(kernel, record_kernel(kernels, math)) != 0) {
        if (said) return refuse_setting(t, kernels->kernel ? "--kernel" : NULL, "FASTCNN_KERNEL");
        kernels->kernel = kernel;
    }
    *are_plain = !strcmp(math, fcnn_class_name(FCNN_EXACT)) && !said;
    return EXIT_SUCCESS;
}

/* The name of an option that is given, as `given` has it, and is not the run's. NULL: none. */
static const char *other_optimizer(const fcnn_compile_options *given, const fcnn_compile_options *run)
{
    const fcnn_compile_options *nothing = &training_nothing_given;
    if (given->optimizer != nothing->optimizer && given->optimizer != run->optimizer) return "optimizer";
    if (given->loss != nothing->loss && given->loss != run->loss) return "loss";
    if (given->nesterov >= 0 && given->nesterov != run->nesterov) return "nesterov";
    if (given->learning_rate >= 0 && given->learning_rate != run->learning_rate) return "learning-rate";
    if (given->momentum >= 0 && given->momentum != run->momentum) return "momentum";
    if (given->rho >= 0 && given->rho != run->rho) return "rho";
    if (given->weight_decay >= 0 && given->weight_decay != run->weight_decay) return "weight-decay";
    if (given->schedule != nothing->schedule && given->schedule != run->schedule) return "schedule";
    if (given->schedule_steps && given->schedule_steps != run->schedule_steps) return "schedule-steps";
    if (given->schedule_factor >= 0 && given->schedule_factor != run->schedule_factor) return "schedule-factor";
    return given->shards && given->shards != run->shards ? "shards" : NULL;
}

const char *checkpoint_other_option(const struct training *given, const struct training *run)
{
    if (given->model_name && strcmp(given->model_name, run->model_name ? run->model_name : "mnist-cnn") != 0)
        return "model";
    if (given->limit && given->limit != run->limit) return "limit";
    if (given->fit.batch_size && given->fit.batch_size != run->fit.batch_size) return "batch-size";
    if (given->fit.validation_split >= 0 && given->fit.validation_split != run->fit.validation_split)
        return "validation-split";
    if (given->data.seed != TRAINING_SEED_NOT_GIVEN && given->data.seed != run->data.seed) return "seed";
    if (given->until > 0 && given->until != run->until) return "until";
    if (given->patience && given->patience != run->patience) return "patience";
    if (given->monitor >= 0 && given->monitor != run->monitor) return "monitor";
    if (given->fit.keep_going && !run->fit.keep_going) return "keep-going";
    return other_optimizer(&given->compile, &run->compile);
}

/* Over *t. The texts are the JSON's, which is kept. */
int checkpoint_read_options(struct training *t, const fcnn_model *model)
{
    const json_t *options = json_object_get(t->checkpoint.program, "options");
    json_t *model_name = NULL, *data = NULL;
    json_int_t limit, batch, patience;
    int keep_going, given_epochs = t->fit.epochs;
    if (json_unpack((json_t *)options, "{s:o, s:o, s:I, s:i, s:I, s:F, s:b, s:F, s:I, s:i, s:b}", "model", &model_name,
                    "data", &data, "limit", &limit, "epochs", &t->fit.epochs, "batch_size", &batch,
                    "validation_split", &t->fit.validation_split, "keep_going", &keep_going, "until", &t->until,
                    "patience", &patience, "monitor", &t->monitor, "keeps_best", &t->checkpoint.keeps_best) ||
        t->fit.epochs < 1 || t->fit.epochs > FCNN_RECEIPT_MOST_EPOCHS || batch < 1 || patience < 0 || limit < 0 ||
        !training_monitor(t->monitor) || !(t->fit.validation_split >= 0 && t->fit.validation_split < 1))
        return checkpoint_damaged(t, "\"options\"");
    t->checkpoint.wanted = t->fit.epochs;
    if (given_epochs) t->fit.epochs = given_epochs;
    t->model_name = json_string_value(model_name); /* null: the default */
    t->file_compile = json_incref(json_object_get(options, "model_compile")); /* of old checkpoints NULL */
    if (!t->data.directory) t->data.directory = json_string_value(data);
    t->limit = limit;
    t->fit.batch_size = batch;
    t->fit.keep_going = keep_going;
    t->patience = patience;
    const fcnn_status status = fcnn_model_compile_options(model, &t->compile);
    t->data.seed = t->compile.seed;
    return status ? program_failed(status) : EXIT_SUCCESS;
}
