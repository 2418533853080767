/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The steps of an epoch, by one team of workers inside one parallel region. A step has three phases: the two of its job
 * (pack the weights, run the shards), then add and apply the gradients layer by layer. Who does which piece is left to
 * chance, what a piece computes is not. What is between the phases is done by the leader. */
#include "lib/net/net.h"

#include <math.h>

struct run {
    fcnn_model *model;
    const struct net_epoch *epoch;
    fcnn_status status;
    struct net_failure failure; /* of an update */
    struct net_job job;
    fcnn_hyper hyper; /* of this step */
    int64_t images;   /* of the steps before */
};

/* The next batch. */
static void begin_step(struct run *run)
{
    const struct net_epoch *epoch = run->epoch;
    const int64_t left = epoch->images - run->images, image = run->model->image, classes = net_classes(run->model);
    const int64_t at = epoch->order ? 0 : run->images; /* where x, y and targets of the batch are */
    run->job = (struct net_job){
        .x = epoch->x + at * image,
        .y = epoch->y ? epoch->y + at : NULL,
        .targets = epoch->targets ? epoch->targets + at * classes : NULL,
        .order = epoch->order ? epoch->order + run->images : NULL,
        .count = left < epoch->batch ? left : epoch->batch,
        .training = 1,
    };
    run->hyper = run->model->hyper;
    run->hyper.learning_rate = net_learning_rate(run->model, run->model->steps);
    run->hyper.beta_1_power *= run->hyper.beta_1;
    run->hyper.beta_2_power *= run->hyper.beta_2;
}

static void update(void *context, int worker, int64_t layer)
{
    struct run *run = context;
    (void)worker;
    net_note(&run->failure, net_update(run->model, (int)layer, &run->hyper));
}

/* A loss that is not finite would make nothing but NaN of the weights. */
static fcnn_status check_loss(const struct run *run, double loss)
{
    if (isfinite(loss)) return FCNN_OK;
    net_run_diverged(run->model, run->model->steps + 1);
    if (run->epoch->keep_going) return FCNN_OK;
    return fcnn_fail(FCNN_DIVERGED, "the loss of step %lld is %s: training has diverged, and the step was not taken",
                     (long long)run->model->steps + 1, isnan(loss) ? "not a number" : "infinite");
}

static fcnn_status step(struct run *run, struct fcnn_team *team)
{
    fcnn_model *model = run->model;
    struct net_sum sum;
    begin_step(run);
    NET_TRY(net_job_share(model, team, &run->job, &sum));
    NET_TRY(check_loss(run, sum.loss));
    model->version++;
    fcnn_team_share(team, model->layers, FCNN_SHORT, update, run);
    NET_TRY(net_failed(&run->failure));
    model->hyper.beta_1_power = run->hyper.beta_1_power;
    model->hyper.beta_2_power = run->hyper.beta_2_power;
    model->steps++;
    model->run.classes |= model->step.classes | net_job_classes(model, &run->job);
    model->under_way.steps++;
    model->under_way.sum.loss += sum.loss;
    model->under_way.sum.correct += sum.correct;
    run->images += run->job.count;
    return run->epoch->after_step(run->epoch->context);
}

static void lead(void *context, struct fcnn_team *team)
{
    struct run *run = context;
    run->model->at_work = team;
    run->model->team = team->workers;
    while (run->status == FCNN_OK && run->images < run->epoch->images) run->status = step(run, team);
    run->model->at_work = NULL;
}

int64_t net_images_done(const fcnn_model *model, const struct net_epoch *epoch)
{
    const int64_t images = model->under_way.steps * epoch->batch;
    return images < epoch->images ? images : epoch->images;
}

fcnn_status net_train(fcnn_model *model, const struct net_epoch *epoch)
{
    struct run run = {.model = model, .epoch = epoch, .images = net_images_done(model, epoch)};
    net_lead(model, model->shards, lead, &run);
    return run.status;
}

int fcnn_model_threads(const fcnn_model *model) { return model ? model->team : 0; }
