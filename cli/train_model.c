/* SPDX-License-Identifier: BSD-2-Clause
 * The model of `fastcnn train`: where it comes from, what of its compilation the options change, and whether the data
 * fit it. */
#include <math.h>
#include <string.h>

#include "cli/checkpoint.h"
#include "cli/network.h"

const fcnn_compile_options training_nothing_given = {
    .optimizer = (fcnn_optimizer)-1, .loss = (fcnn_loss)-1, .schedule = (fcnn_schedule)-1, .nesterov = -1,
    .learning_rate = NAN, .momentum = NAN, .rho = NAN, .weight_decay = NAN, .schedule_factor = NAN};

/* 0 is the library's word for the default, and would train with that. */
static void check_zeros(const fcnn_compile_options *given, const fcnn_compile_options *c)
{
    if (given->weight_decay == 0) cli_usage(&cli_train, "--weight-decay 0: adamw without decay is --optimizer adam");
    if (given->rho == 0) cli_usage(&cli_train, "--rho 0: expected a number above 0 (default 0.9)");
    if (given->schedule_factor == 0 && c->schedule == FCNN_SCHEDULE_STEP)
        cli_usage(&cli_train, "--schedule-factor 0: nothing would be learned after the first --schedule-steps; "
                  "expected a number above 0 (default 0.1)");
}

static void check_optimizer(const fcnn_compile_options *given, const fcnn_compile_options *c)
{
    const int sgd = c->optimizer == FCNN_OPTIMIZER_SGD, rmsprop = c->optimizer == FCNN_OPTIMIZER_RMSPROP;
    check_zeros(given, c);
    if (given->momentum > 0 && !sgd && !rmsprop)
        cli_usage(&cli_train, "--momentum goes with --optimizer sgd or rmsprop");
    if (given->nesterov > 0 && !sgd) cli_usage(&cli_train, "--nesterov goes with --optimizer sgd");
    if (given->rho > 0 && !rmsprop) cli_usage(&cli_train, "--rho goes with --optimizer rmsprop");
    if (given->weight_decay > 0 && c->optimizer != FCNN_OPTIMIZER_ADAMW)
        cli_usage(&cli_train, "--weight-decay goes with --optimizer adamw");
    if (c->schedule == FCNN_SCHEDULE_CONSTANT && (given->schedule_steps || given->schedule_factor > 0))
        cli_usage(&cli_train, "--%s goes with --schedule step or cosine",
                  given->schedule_steps ? "schedule-steps" : "schedule-factor");
    if (c->schedule != FCNN_SCHEDULE_CONSTANT && !c->schedule_steps)
        cli_usage(&cli_train, "--schedule %s needs --schedule-steps", training_schedule((int)c->schedule));
}

/* Each option that is given, over what the model was compiled with; numbers of another optimizer are not this one's. */
static fcnn_compile_options overlay(fcnn_compile_options base, const fcnn_compile_options *given, uint64_t seed)
{
    if (given->optimizer != training_nothing_given.optimizer && given->optimizer != base.optimizer) {
        base.learning_rate = base.momentum = base.rho = base.weight_decay = 0;
        base.beta_1 = base.beta_2 = base.epsilon = 0;
        base.nesterov = 0;
        base.optimizer = given->optimizer;
    }
    if (given->schedule != training_nothing_given.schedule && given->schedule != base.schedule) {
        base.schedule_steps = 0;
        base.schedule_factor = 0;
        base.schedule = given->schedule;
    }
    if (given->loss != training_nothing_given.loss) base.loss = given->loss;
    if (given->nesterov >= 0) base.nesterov = given->nesterov;
    if (given->learning_rate >= 0) base.learning_rate = given->learning_rate;
    if (given->momentum >= 0) base.momentum = given->momentum;
    if (given->rho >= 0) base.rho = given->rho;
    if (given->weight_decay >= 0) base.weight_decay = given->weight_decay;
    if (given->schedule_steps) base.schedule_steps = given->schedule_steps;
    if (given->schedule_factor >= 0) base.schedule_factor = given->schedule_factor;
    if (given->shards) base.shards = given->shards;
    if (seed != TRAINING_SEED_NOT_GIVEN) base.seed = seed;
    base.kernels = NULL;
    return base;
}

static int one_output(const struct training *t, const char *name)
{
    const int classes = t->data.classes > 2 ? t->data.classes : 2;
    program_complain("%s: the model has one output; labels train models with one for each class, as 'dense %d softmax'",
                     name, classes);
    return EX_DATAERR;
}

/* A file's loss that is not here is nothing to be replaced in silence. The optimizer may be: it is told. */
static int check_file(const struct training *t, const fcnn_model *model, const char *name)
{
    fcnn_compile_options compiled = {0};
    fcnn_layer_info last = {0};
    if (*t->file.remark) program_complain("%s: %s", name, t->file.remark);
    if (!t->file.other_loss || t->compile.loss != training_nothing_given.loss) return EXIT_SUCCESS;
    fcnn_model_compile_options(model, &compiled);
    fcnn_model_layer(model, fcnn_model_layers(model) - 1, &last);
    if (last.c == 1) return one_output(t, name);
    program_complain("%s: it was not trained by any loss that it could go on with here; --loss %s trains it by that",
                     name, training_loss((int)compiled.loss));
    return EX_DATAERR;
}

/* What a file says of training holds but for the options that are given. A text that names no seed has 0. */
int training_open_model(struct training *t, fcnn_model **model)
{
    const char *name = t->model_name ? t->model_name : "mnist-cnn";
    fcnn_compile_options base = {.shards = 8, .seed = 1}, compiled = {0};
    fcnn_load_options options = {.kernels = &t->kernels};
    int code = t->model_name ? cli_model_open(model, name, &options, &t->file) : EXIT_SUCCESS;
    if (code) return code;
    if (cli_model_file(t->model_name)) checkpoint_keep_compiling(t, *model);
    code = check_file(t, *model, name);
    if (code) return code;
    const int state = t->file.has_state;
    if (t->file.has_training && !fcnn_model_compile_options(*model, &compiled)) base = compiled;
    if (t->file.format == FCNN_FORMAT_TEXT && !base.seed) base.seed = 1;
    const fcnn_compile_options wanted = overlay(base, &t->compile, t->data.seed);
    check_optimizer(&t->compile, &wanted);
    t->data.seed = wanted.seed;
    t->compile = wanted;
    if (t->file.has_training && !memcmp(&wanted, &compiled, sizeof wanted)) return EXIT_SUCCESS;
    if (state && wanted.optimizer != base.optimizer)
        program_complain("%s: the optimizer's state is that of %s and is left out", name,
                         training_optimizer((int)base.optimizer));
    fcnn_model_destroy(*model);
    *model = NULL;
    options.compile = &t->compile;
    return cli_model_open(model, name, &options, &t->file);
}

/* The data have the model's shapes; pixels become what its file says that it takes. */
int training_fit_data(struct training *t, const fcnn_model *model)
{
    fcnn_layer_info last;
    int64_t h, w, c;
    fcnn_status status = fcnn_model_input(model, &h, &w, &c);
    if (!status) status = fcnn_model_layer(model, fcnn_model_layers(model) - 1, &last);
    if (!status && last.c == 1 && t->data.classes > 1) return one_output(t, t->model_name);
    const int code = status ? program_failed(status) : cli_data_fits(&t->data, h, w, c, (int)last.c);
    if (code) return code;
    const struct cli_network network = {.info = t->file};
    struct fcnn_dataset *sets[] = {&t->data.train, &t->data.test};
    for (int i = 0; i < 2; i++)
        cli_network_scale(&network, sets[i]->x, sets[i]->n * sets[i]->h * sets[i]->w * sets[i]->c);
    return EXIT_SUCCESS;
}
