/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The steps of an epoch, by one team of workers inside one parallel region. A step has three parts: pack the weights, run the
 * shards, then add and apply the gradients layer by layer; who does which piece is left to counters, what a piece computes is
 * not. Worker 0 also begins and ends the steps while the others wait. */
#include <omp.h>
#include <stdatomic.h>

#include "lib/net/net.h"
#include "lib/net/team.h"

struct run {
    fcnn_model *model;
    const struct net_epoch *epoch;
    struct net_team team;
    struct net_failure failure;       /* of anything but: */
    struct net_failure update_failure; /* of updates: apart, since they begin while others still look at the former */
    struct net_job job;
    struct net_sum sum; /* over the epoch so far */
    fcnn_hyper hyper;   /* of this step */
    int64_t step, images; /* steps begun; images of the steps before */
    int over;
    atomic_llong next_piece, next_shard, next_layer;
};

/* The next batch, or the end. */
static void begin_step(struct run *run)
{
    const struct net_epoch *epoch = run->epoch;
    const int64_t left = epoch->images - run->images, image = run->model->image;
    run->over = left == 0 || run->failure.status != FCNN_OK;
    if (run->over) return;
    run->step++;
    run->job = (struct net_job){
        .x = epoch->order ? epoch->x : epoch->x + run->images * image,
        .y = epoch->order ? epoch->y : epoch->y + run->images,
        .order = epoch->order ? epoch->order + run->images : NULL,
        .count = left < epoch->batch ? left : epoch->batch,
        .training = 1,
    };
    run->hyper = run->model->hyper;
    run->hyper.beta_1_power *= run->hyper.beta_1;
    run->hyper.beta_2_power *= run->hyper.beta_2;
    atomic_store(&run->next_piece, 0);
    atomic_store(&run->next_shard, 0);
    atomic_store(&run->next_layer, 0);
}

static void end_step(struct run *run)
{
    fcnn_model *model = run->model;
    if (run->failure.status == FCNN_OK) run->failure = run->update_failure;
    if (run->failure.status != FCNN_OK) return;
    net_job_packed(model, &run->job);
    const struct net_sum sum = net_job_sum(model, &run->job);
    run->sum.loss += sum.loss;
    run->sum.correct += sum.correct;
    run->images += run->job.count;
    model->hyper = run->hyper;
    model->version++;
    model->steps++;
    net_note(&run->failure, run->epoch->after_step(run->epoch->context, &run->sum, run->step, run->images));
}

static void work(struct run *run, struct net_worker *worker)
{
    fcnn_model *model = run->model;
    const int64_t pieces = net_job_pieces(model), shards = net_job_shards(model, &run->job);
    for (int64_t i; (i = atomic_fetch_add(&run->next_piece, 1)) < pieces;)
        net_note(&run->failure, net_job_pack(model, &run->job, i));
    net_team_wait(&run->team);
    for (int64_t i; (i = atomic_fetch_add(&run->next_shard, 1)) < shards;)
        net_note(&run->failure, net_job_shard(model, worker, &run->job, i));
    net_team_wait(&run->team);
    if (run->failure.status == FCNN_OK)
        for (int64_t i; (i = atomic_fetch_add(&run->next_layer, 1)) < model->layers;)
            net_note(&run->update_failure, net_update(model, (int)i, &run->hyper));
    net_team_wait(&run->team);
}

fcnn_status net_train(fcnn_model *model, const struct net_epoch *epoch)
{
    struct run run = {.model = model, .epoch = epoch};
#pragma omp parallel num_threads(net_workers(model, model->shards))
    {
        const int self = omp_get_thread_num();
        const fcnn_fpmode saved = fcnn_fpmode_enter();
#pragma omp single
        run.team.workers = omp_get_num_threads();
        for (;;) {
            if (self == 0) begin_step(&run);
            net_team_wait(&run.team);
            if (run.over) break;
            work(&run, &model->worker[self]);
            if (self == 0) end_step(&run);
        }
        fcnn_fpmode_leave(saved);
    }
    return net_failed(&run.failure);
}
