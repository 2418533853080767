/* SPDX-License-Identifier: BSD-2-Clause
 * Tuning a model: its plans are made anew, and each problem is measured before its plan is made. */
#include "lib/net/net.h"

#include <string.h>

#include "lib/sized.h"

fcnn_status net_tune(fcnn_model *model, const fcnn_plan *plan, const fcnn_problem *problem)
{
    fcnn_plan_info info;
    int measured;
    NET_TRY(fcnn_plan_describe(plan, &info));
    if (!strcmp(info.origin, "pinned")) return FCNN_OK; /* the table has no say in it */
    NET_TRY(fcnn_tune(model->single.tuning, problem, &model->single, &model->tuning->options, &measured));
    model->tuning->measured += measured;
    return FCNN_OK;
}

/* Training steps of `batch` images; evaluation, whose shards have NET_CHUNK images, comes with net_plan_step(). */
static fcnn_status plan_anew(fcnn_model *model, int64_t batch)
{
    net_plans_destroy(model);
    net_step_destroy(model);
    NET_TRY(net_plan_step(model));
    return net_job_prepare(model, batch, 1);
}

fcnn_status fcnn_model_tune_sized(fcnn_model *model, int64_t batch, const fcnn_tune_options *tune, size_t tune_size,
                                  int *measured)
{
    struct net_tuning tuning = {.measured = 0};
    if (measured) *measured = 0;
    FCNN_TAKE(fcnn_tune_options, options, tune, tune_size);
    if (!model || !model->compiled || model->fitting)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "the model %s",
                         !model ? "is NULL" : !model->compiled ? "is not compiled" : "is training");
    if (batch < 1 || batch > PTRDIFF_MAX / (int64_t)sizeof(float) / model->image)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "the batch has %lld images; expected at least 1, and that all fit into "
                         "memory", (long long)batch);
    tuning.options = options;
    model->tuning = &tuning;
    fcnn_status status = plan_anew(model, batch);
    model->tuning = NULL;
    if (status) { /* the plans that a model must always have; what is missing of them fails as it would later */
        fcnn_status again = plan_anew(model, batch);
        status = again ? again : status;
    }
    if (measured) *measured = tuning.measured;
    return status;
}
