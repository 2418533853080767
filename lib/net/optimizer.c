/* SPDX-License-Identifier: BSD-2-Clause
 * How a model trains: which optimizer with which scalars, and the learning rate of each step. */
#include "lib/net/net.h"

#include <math.h>

#include "lib/hyper.h"

/* ---- settings ---- */

static float or_default(float value, float otherwise) { return value == 0 ? otherwise : value; }

static fcnn_status read_schedule(fcnn_compile_options *options)
{
    const int step = options->schedule == FCNN_SCHEDULE_STEP;
    if ((unsigned)options->schedule > FCNN_SCHEDULE_COSINE)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "schedule %d does not exist", (int)options->schedule);
    if (options->schedule == FCNN_SCHEDULE_CONSTANT) return FCNN_OK;
    if (options->schedule_steps < 1)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "schedule_steps is %lld; a %s schedule needs at least 1",
                         (long long)options->schedule_steps, step ? "step" : "cosine");
    if (step && options->schedule_factor == 0) options->schedule_factor = 0.1;
    if (!(options->schedule_factor >= 0 && options->schedule_factor <= 1))
        return fcnn_fail(FCNN_BAD_ARGUMENT, "schedule_factor is %g; it must be at least 0 and at most 1",
                         options->schedule_factor);
    return FCNN_OK;
}

/* The powers are those of step 0, whose product with beta is checked. */
fcnn_status net_read_optimizer(fcnn_model *model)
{
    fcnn_compile_options *options = &model->options;
    const int sgd = options->optimizer == FCNN_OPTIMIZER_SGD;
    if ((unsigned)options->optimizer > FCNN_OPTIMIZER_RMSPROP)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "optimizer %d does not exist", (int)options->optimizer);
    fcnn_hyper hyper = {
        .learning_rate = or_default(options->learning_rate, sgd ? 1e-2f : 1e-3f),
        .beta_1 = or_default(options->beta_1, 0.9f),
        .beta_2 = or_default(options->beta_2, 0.999f),
        .epsilon = or_default(options->epsilon, 1e-7f),
        .momentum = options->momentum,
        .nesterov = options->nesterov != 0,
        .rho = or_default(options->rho, 0.9f),
        .weight_decay = or_default(options->weight_decay, 0.004f),
    };
    static const fcnn_op ops[] = {FCNN_ADAM, FCNN_SGD, FCNN_RMSPROP}; /* also what the optimizer has no use for */
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) NET_TRY(fcnn_hyper_check(&hyper, ops[i], FCNN_UPDATE));
    NET_TRY(read_schedule(options));
    options->learning_rate = hyper.learning_rate;
    options->beta_1 = hyper.beta_1;
    options->beta_2 = hyper.beta_2;
    options->epsilon = hyper.epsilon;
    options->nesterov = hyper.nesterov;
    options->rho = hyper.rho;
    options->weight_decay = hyper.weight_decay;
    if (options->optimizer != FCNN_OPTIMIZER_ADAMW) hyper.weight_decay = 0; /* both are the operation adam */
    hyper.beta_1_power = hyper.beta_2_power = 1;
    model->optimizer = options->optimizer;
    model->hyper = hyper;
    return FCNN_OK;
}

fcnn_op net_optimizer_op(const fcnn_model *model)
{
    switch (model->optimizer) {
    case FCNN_OPTIMIZER_SGD: return FCNN_SGD;
    case FCNN_OPTIMIZER_RMSPROP: return FCNN_RMSPROP;
    default: return FCNN_ADAM;
    }
}

/* ---- schedules: basic operations in double alone, as the last bits of a libm's cos() and pow() are its own ---- */

/* 1 - z^2 / (2 3) (1 - z^2 / (4 5) (...)) for odd k, with (1 2), (3 4) for even k: Taylor's series through z^k. */
static double series(double square, int k)
{
    double sum = 1;
    for (; k > 1; k -= 2) sum = 1 - square / (k * (k - 1)) * sum;
    return sum;
}

/* cos(pi x), 0 <= x <= 1; within an ULP of 1, and 1, 0 and -1 where it is. */
static double cosine(double x)
{
    const double pi = 0x1.921fb54442d18p+1;
    if (x > 0.5) return -cosine(1 - x);
    const double z = pi * (x > 0.25 ? 0.5 - x : x);
    return x > 0.25 ? z * series(z * z, 19) : series(z * z, 18);
}

static double power(double base, int64_t exponent)
{
    double product = 1;
    for (; exponent; exponent >>= 1, base *= base)
        if (exponent & 1) product *= base;
    return product;
}

double net_schedule(const fcnn_compile_options *options, int64_t step)
{
    const int64_t steps = options->schedule_steps;
    const double factor = options->schedule_factor;
    if (options->schedule == FCNN_SCHEDULE_STEP) return power(factor, step / steps);
    if (options->schedule == FCNN_SCHEDULE_CONSTANT) return 1;
    const double x = step < steps ? (double)step / (double)steps : 1;
    return factor + (1 - factor) * ((1 + cosine(x)) / 2);
}

float net_learning_rate(const fcnn_model *model, int64_t step)
{
    const fcnn_compile_options *options = &model->options;
    if (options->schedule == FCNN_SCHEDULE_CONSTANT) return options->learning_rate;
    const double rate = (double)options->learning_rate * net_schedule(options, step);
    return rate < NET_LEAST_RATE ? (float)NET_LEAST_RATE : (float)rate;
}
