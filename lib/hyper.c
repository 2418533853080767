/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/hyper.h"

#include <math.h>

#include "lib/error.h"
#include "lib/operation.h"

/* Each: false for NaN. */
static int in_unit(float x) { return x >= 0 && x < 1; }

static fcnn_status check(int fine, const char *what, float value, const char *range)
{
    return fine ? FCNN_OK : fcnn_fail(FCNN_BAD_ARGUMENT, "%s is %g; it must be %s", what, (double)value, range);
}

#define FINITE_ABOVE_0(hyper, name) \
    check((hyper)->name > 0 && isfinite((hyper)->name), #name, (hyper)->name, "above 0 and finite")
#define BELOW_1(hyper, name) check(in_unit((hyper)->name), #name, (hyper)->name, "at least 0 and below 1")

static fcnn_status check_adam(const fcnn_hyper *hyper)
{
    fcnn_status status = FINITE_ABOVE_0(hyper, learning_rate);
    if (!status) status = BELOW_1(hyper, beta_1);
    if (!status) status = BELOW_1(hyper, beta_2);
    if (!status) status = FINITE_ABOVE_0(hyper, epsilon);
    if (!status) status = BELOW_1(hyper, beta_1_power);
    if (!status) status = BELOW_1(hyper, beta_2_power);
    if (!status)
        status = check(hyper->weight_decay >= 0 && isfinite(hyper->weight_decay), "weight_decay", hyper->weight_decay,
                       "at least 0 and finite");
    return status;
}

static fcnn_status check_sgd(const fcnn_hyper *hyper)
{
    const fcnn_status status = FINITE_ABOVE_0(hyper, learning_rate);
    if (status) return status;
    return check(hyper->momentum >= 0 && hyper->momentum <= 1, "momentum", hyper->momentum, "at least 0 and at most 1");
}

static fcnn_status check_rmsprop(const fcnn_hyper *hyper)
{
    fcnn_status status = check_sgd(hyper);
    if (!status) status = BELOW_1(hyper, rho);
    if (!status) status = FINITE_ABOVE_0(hyper, epsilon);
    return status;
}

static fcnn_status check_scale(const fcnn_hyper *hyper)
{
    return check(isfinite(hyper->scale) && hyper->scale != 0, "scale", hyper->scale, "finite and not 0");
}

static fcnn_status check_batch_norm(const fcnn_hyper *hyper, fcnn_direction direction)
{
    const fcnn_status status = FINITE_ABOVE_0(hyper, epsilon);
    return status || direction != FCNN_BACKWARD_DATA ? status : check_scale(hyper);
}

fcnn_status fcnn_hyper_check(const fcnn_hyper *hyper, fcnn_op op, fcnn_direction direction)
{
    if (!(fcnn_operations[op].hyper >> direction & 1)) return FCNN_OK;
    if (!hyper)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "%s %s needs hyper, which is NULL", fcnn_op_name(op),
                         fcnn_direction_name(direction));
    if (op == FCNN_ADAM) return check_adam(hyper);
    if (op == FCNN_SGD) return check_sgd(hyper);
    if (op == FCNN_RMSPROP) return check_rmsprop(hyper);
    if (op == FCNN_DROPOUT) return BELOW_1(hyper, dropout_rate);
    if (op == FCNN_BATCH_NORM) return check_batch_norm(hyper, direction);
    return check_scale(hyper);
}
