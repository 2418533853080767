/* SPDX-License-Identifier: BSD-2-Clause
 * How a model is compiled, in Keras' JSON: optimizer, schedule, loss. */
#include <stdio.h>
#include <string.h>

#include "lib/io/fail.h"
#include "lib/io/json.h"
#include "lib/io/keras.h"

/* ---- writing ---- */

/* What Keras 2 and 3 both read: where the class is (Keras 3), the class, its members. */
static json_t *object_json(const char *module, const char *class_name, json_t *config)
{
    return json_pack("{s:s, s:s, s:o, s:n}", "module", module, "class_name", class_name, "config", config,
                     "registered_name");
}

static json_t *rate_json(const fcnn_compile_options *o)
{
    static const char module[] = "keras.optimizers.schedules";
    if (o->schedule == FCNN_SCHEDULE_STEP)
        return object_json(module, "ExponentialDecay",
                           json_pack("{s:o, s:I, s:f, s:b}", "initial_learning_rate", io_json_float(o->learning_rate),
                                     "decay_steps", (json_int_t)o->schedule_steps, "decay_rate", o->schedule_factor,
                                     "staircase", 1));
    if (o->schedule == FCNN_SCHEDULE_COSINE)
        return object_json(module, "CosineDecay",
                           json_pack("{s:o, s:I, s:f}", "initial_learning_rate", io_json_float(o->learning_rate),
                                     "decay_steps", (json_int_t)o->schedule_steps, "alpha", o->schedule_factor));
    return io_json_float(o->learning_rate);
}

static const char *optimizer_class(fcnn_optimizer optimizer)
{
    switch (optimizer) {
    case FCNN_OPTIMIZER_SGD: return "SGD";
    case FCNN_OPTIMIZER_ADAMW: return "AdamW";
    case FCNN_OPTIMIZER_RMSPROP: return "RMSprop";
    default: return "Adam";
    }
}

static json_t *optimizer_json(const fcnn_compile_options *o, int modern)
{
    json_t *config = json_pack("{s:o}", "learning_rate", rate_json(o));
    int failed = 0;
    switch (o->optimizer) {
    case FCNN_OPTIMIZER_SGD:
        failed |= json_object_set_new(config, "momentum", io_json_float(o->momentum));
        failed |= json_object_set_new(config, "nesterov", json_boolean(o->nesterov));
        break;
    case FCNN_OPTIMIZER_RMSPROP:
        failed |= json_object_set_new(config, "rho", io_json_float(o->rho));
        if (o->momentum != 0) /* which Keras 2.3 does not know */
            failed |= json_object_set_new(config, "momentum", io_json_float(o->momentum));
        failed |= json_object_set_new(config, "epsilon", io_json_float(o->epsilon));
        break;
    default:
        failed |= json_object_set_new(config, "beta_1", io_json_float(o->beta_1));
        failed |= json_object_set_new(config, "beta_2", io_json_float(o->beta_2));
        failed |= json_object_set_new(config, "epsilon", io_json_float(o->epsilon));
        if (o->optimizer == FCNN_OPTIMIZER_ADAMW)
            failed |= json_object_set_new(config, "weight_decay", io_json_float(o->weight_decay));
    }
    if (failed) {
        json_decref(config);
        return NULL;
    }
    const char *class_name = optimizer_class(o->optimizer);
    if (modern) return object_json("keras.optimizers", class_name, config);
    return json_pack("{s:s, s:o}", "class_name", class_name, "config", config);
}

/* Whether the model gives what its last layer computes, of which the loss has to take the softmax. */
static int gives_logits(const fcnn_model *model)
{
    fcnn_layer last = {0};
    fcnn_model_layer_as_added(model, fcnn_model_layers(model) - 1, &last);
    return last.activation != FCNN_SOFTMAX_ACTIVATION;
}

static json_t *loss_json(const fcnn_model *model, const fcnn_compile_options *o)
{
    if (o->loss == FCNN_LOSS_MEAN_SQUARED_ERROR) return json_string("mean_squared_error");
    const int sparse = o->loss == FCNN_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY;
    if (!gives_logits(model))
        return json_string(sparse ? "sparse_categorical_crossentropy" : "categorical_crossentropy");
    return object_json("keras.losses", sparse ? "SparseCategoricalCrossentropy" : "CategoricalCrossentropy",
                       json_pack("{s:b}", "from_logits", 1));
}

static json_t *metrics_json(const fcnn_compile_options *o)
{
    return o->loss == FCNN_LOSS_MEAN_SQUARED_ERROR ? json_array() : json_pack("[s]", "accuracy");
}

json_t *io_keras_training_config(const fcnn_model *model)
{
    fcnn_compile_options o;
    if (fcnn_model_compile_options(model, &o)) return NULL;
    return json_pack("{s:o, s:o, s:o, s:n, s:n, s:n}", "optimizer_config", optimizer_json(&o, 0), "loss",
                     loss_json(model, &o), "metrics", metrics_json(&o), "weighted_metrics", "loss_weights",
                     "sample_weight_mode");
}

json_t *io_keras3_compile_config(const fcnn_model *model)
{
    fcnn_compile_options o;
    if (fcnn_model_compile_options(model, &o)) return NULL;
    return json_pack("{s:o, s:o, s:o, s:n, s:n}", "optimizer", optimizer_json(&o, 1), "loss", loss_json(model, &o),
                     "metrics", metrics_json(&o), "weighted_metrics", "loss_weights");
}

/* ---- reading ---- */

struct reader {
    const char *where;
    char text[512]; /* where, and the object that is read */
    fcnn_compile_options options;
};

static fcnn_status lacks(const struct reader *r, const char *what, const char *name)
{
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: the %s %.80s is not in this library", r->where, what, name);
}

static struct io_members members_of(struct reader *r, const json_t *object, const char *what)
{
    snprintf(r->text, sizeof r->text, "%s: %.80s", r->where, what);
    return (struct io_members){.object = object, .where = r->text};
}

/* A setting of which 0 means the default here cannot be 0. */
static fcnn_status read_float(const struct io_members *m, const char *key, int zero, float *value)
{
    double number = 0;
    if (!io_get(m->object, key)) return FCNN_OK;
    IO_TRY(io_get_double(m, key, &number));
    *value = (float)number;
    if (*value > 0 || (zero && *value == 0)) return FCNN_OK;
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: %s is %g, which this library does not have", m->where, key, number);
}

/* Keras' steps are an integer or, computed, a float. */
static fcnn_status read_cosine(struct reader *r, const struct io_members *m)
{
    double alpha = 0;
    if (io_get(m->object, "warmup_target"))
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: warm-up is not in this library", m->where);
    IO_TRY(io_get_int(m, "decay_steps", 1, INT64_MAX, &r->options.schedule_steps));
    IO_TRY(io_get_double(m, "alpha", &alpha));
    r->options.schedule = FCNN_SCHEDULE_COSINE;
    r->options.schedule_factor = alpha;
    return FCNN_OK;
}

static fcnn_status read_staircase(struct reader *r, const struct io_members *m)
{
    int staircase = 0;
    double factor = 0;
    IO_TRY(io_get_bool(m, "staircase", &staircase));
    if (!staircase) return fcnn_io_fail(FCNN_BAD_DATA, "%s: without staircase it is not in this library", m->where);
    IO_TRY(io_get_int(m, "decay_steps", 1, INT64_MAX, &r->options.schedule_steps));
    IO_TRY(io_get_double(m, "decay_rate", &factor));
    if (!(factor > 0)) return fcnn_io_fail(FCNN_BAD_DATA, "%s: decay_rate is not above 0", m->where);
    r->options.schedule = FCNN_SCHEDULE_STEP;
    r->options.schedule_factor = factor;
    return FCNN_OK;
}

static fcnn_status read_schedule(struct reader *r, const json_t *object)
{
    const char *class_name = io_keras_class(object);
    const struct io_members m = members_of(r, io_get(object, "config"), class_name);
    IO_TRY(read_float(&m, "initial_learning_rate", 0, &r->options.learning_rate));
    if (!strcmp(class_name, "CosineDecay")) return read_cosine(r, &m);
    if (!strcmp(class_name, "ExponentialDecay")) return read_staircase(r, &m);
    return lacks(r, "learning-rate schedule", class_name);
}

static fcnn_status read_rate(struct reader *r, const struct io_members *m)
{
    const json_t *rate = io_get(m->object, "learning_rate");
    if (json_is_object(rate)) return read_schedule(r, rate);
    return read_float(m, rate ? "learning_rate" : "lr", 0, &r->options.learning_rate);
}

/* What changes the steps and is not had here. */
static fcnn_status refuse_extras(const struct io_members *m)
{
    static const char *const flags[] = {"amsgrad", "centered", "use_ema"};
    static const char *const numbers[] = {"decay", "clipnorm", "clipvalue", "global_clipnorm",
                                         "gradient_accumulation_steps"};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        int value = 0;
        IO_TRY(io_get_bool(m, flags[i], &value));
        if (value) return fcnn_io_fail(FCNN_BAD_DATA, "%s: %s is not in this library", m->where, flags[i]);
    }
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        double value = 0;
        IO_TRY(io_get_double(m, numbers[i], &value));
        if (value != 0) return fcnn_io_fail(FCNN_BAD_DATA, "%s: %s is not in this library", m->where, numbers[i]);
    }
    return FCNN_OK;
}

static fcnn_status read_decay(struct reader *r, const struct io_members *m)
{
    if (r->options.optimizer == FCNN_OPTIMIZER_ADAMW)
        return read_float(m, "weight_decay", 0, &r->options.weight_decay);
    double decay = 0;
    if (json_is_number(io_get(m->object, "weight_decay"))) IO_TRY(io_get_double(m, "weight_decay", &decay));
    if (decay != 0) return fcnn_io_fail(FCNN_BAD_DATA, "%s: weight_decay is not in this library", m->where);
    return FCNN_OK;
}

static fcnn_status find_optimizer(struct reader *r, const char *class_name)
{
    static const struct { const char *name; fcnn_optimizer optimizer; } known[] = {
        {"Adam", FCNN_OPTIMIZER_ADAM}, {"SGD", FCNN_OPTIMIZER_SGD}, {"AdamW", FCNN_OPTIMIZER_ADAMW},
        {"RMSprop", FCNN_OPTIMIZER_RMSPROP},
    };
    const char *colon = strchr(class_name, '>'); /* "Custom>Adam", of Keras 2.11 */
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcasecmp(colon ? colon + 1 : class_name, known[i].name)) {
            r->options.optimizer = known[i].optimizer;
            return FCNN_OK;
        }
    return lacks(r, "optimizer", class_name);
}

static fcnn_status read_optimizer(struct reader *r, const json_t *object)
{
    const char *class_name = json_is_string(object) ? json_string_value(object) : io_keras_class(object);
    IO_TRY(find_optimizer(r, class_name));
    if (json_is_string(object)) return FCNN_OK;
    const struct io_members m = members_of(r, io_get(object, "config"), class_name);
    fcnn_compile_options *o = &r->options;
    IO_TRY(refuse_extras(&m));
    IO_TRY(read_decay(r, &m));
    IO_TRY(read_float(&m, "momentum", 1, &o->momentum));
    IO_TRY(io_get_bool(&m, "nesterov", &o->nesterov));
    IO_TRY(read_float(&m, "rho", 0, &o->rho));
    IO_TRY(read_float(&m, "beta_1", 0, &o->beta_1));
    IO_TRY(read_float(&m, "beta_2", 0, &o->beta_2));
    IO_TRY(read_float(&m, "epsilon", 0, &o->epsilon));
    return read_rate(r, &m);
}

/* The loss itself of what may be a list with one member, or an object with one, which is the output's name. */
static json_t *only_loss(json_t *loss)
{
    if (json_is_array(loss) && json_array_size(loss) == 1) loss = json_array_get(loss, 0);
    if (json_is_object(loss) && !*io_keras_class(loss) && json_object_size(loss) == 1)
        loss = json_object_iter_value(json_object_iter(loss));
    return loss;
}

/* Of only_loss(): its name, or an object's. */
static const char *loss_name(const json_t *loss)
{
    if (json_is_string(loss)) return json_string_value(loss);
    if (!json_is_object(loss)) return "";
    const char *config = json_string_value(json_object_get(loss, "config")); /* a function of Keras 3 */
    return config ? config : io_keras_class(loss);
}

static fcnn_status read_loss(struct reader *r, json_t *loss)
{
    static const struct { const char *name; fcnn_loss loss; } known[] = {
        {"sparse_categorical_crossentropy", FCNN_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY},
        {"SparseCategoricalCrossentropy", FCNN_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY},
        {"categorical_crossentropy", FCNN_LOSS_CATEGORICAL_CROSSENTROPY},
        {"CategoricalCrossentropy", FCNN_LOSS_CATEGORICAL_CROSSENTROPY},
        {"mean_squared_error", FCNN_LOSS_MEAN_SQUARED_ERROR},
        {"mse", FCNN_LOSS_MEAN_SQUARED_ERROR},
        {"MSE", FCNN_LOSS_MEAN_SQUARED_ERROR},
        {"MeanSquaredError", FCNN_LOSS_MEAN_SQUARED_ERROR},
    };
    const char *name = loss_name(loss);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(name, known[i].name)) {
            r->options.loss = known[i].loss;
            return FCNN_OK;
        }
    if (*name) return lacks(r, "loss", name);
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: the loss is not one that this library has", r->where);
}

int io_keras_binary_loss(const json_t *config)
{
    static const char *const names[] = {"binary_crossentropy", "BinaryCrossentropy", "bce", "BCE"};
    const json_t *loss = only_loss(json_object_get(config, "loss"));
    const char *name = loss_name(loss);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(name, names[i])) return 1 + json_is_true(io_get(io_get(loss, "config"), "from_logits"));
    return 0;
}

static fcnn_status refuse_smoothing(struct reader *r, const json_t *loss)
{
    const struct io_members m = members_of(r, io_get(loss, "config"), "the loss");
    double smoothing = 0;
    if (!json_is_object(m.object)) return FCNN_OK;
    IO_TRY(io_get_double(&m, "label_smoothing", &smoothing));
    return smoothing == 0 ? FCNN_OK
                          : fcnn_io_fail(FCNN_BAD_DATA, "%s: label_smoothing is not in this library", m.where);
}

fcnn_status io_keras_read_training(fcnn_compile_options *options, const json_t *config, const char *where)
{
    struct reader r = {.where = where, .options = *options};
    const json_t *optimizer = io_get(config, "optimizer_config");
    if (!optimizer) optimizer = io_get(config, "optimizer");
    if (optimizer) IO_TRY(read_optimizer(&r, optimizer));
    json_t *loss = only_loss(json_object_get(config, "loss"));
    if (loss && !json_is_null(loss)) {
        IO_TRY(read_loss(&r, loss));
        IO_TRY(refuse_smoothing(&r, loss));
    }
    *options = r.options;
    return FCNN_OK;
}
