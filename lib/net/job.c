/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The shards of a batch (training) or of a whole data set (evaluate, predict) over a team of workers. Threads decide
 * only who computes a shard; what a shard is and the order in which sums over shards are added depend on the numbers of
 * images and shards. */
#include "lib/net/net.h"
#include "lib/pool.h"
#include "lib/threads.h"

#include <omp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

struct range {
    int64_t first, last;
};

static int64_t shards_of(const fcnn_model *model, int64_t count, int training)
{
    return training ? model->shards : (count + NET_CHUNK - 1) / NET_CHUNK;
}

static struct range shard_range(const fcnn_model *model, int64_t count, int training, int64_t shard)
{
    if (!training)
        return (struct range){shard * NET_CHUNK,
                              shard * NET_CHUNK + NET_CHUNK < count ? (shard + 1) * NET_CHUNK : count};
    return (struct range){shard * count / model->shards, (shard + 1) * count / model->shards};
}

/* The sizes that shards of a job have; 0: none. */
static void shard_sizes(const fcnn_model *model, int64_t count, int training, int64_t sizes[2])
{
    int64_t least = training ? count / model->shards : count < NET_CHUNK ? 0 : NET_CHUNK;
    int64_t rest = training ? count % model->shards : count % NET_CHUNK;
    sizes[0] = least;
    sizes[1] = !rest ? 0 : training ? least + 1 : rest;
}

fcnn_status net_job_prepare(fcnn_model *model, int64_t count, int training)
{
    int64_t sizes[2];
    shard_sizes(model, count, training, sizes);
    size_t workspace = 0;
    for (int i = 0; i < 2; i++) {
        if (!sizes[i]) continue;
        NET_TRY(net_plans_need(model, sizes[i], training));
        const struct net_need *need = &net_plans_find(model, sizes[i])->need;
        if (need->workspace > workspace) workspace = need->workspace;
    }
    return net_reserve(model, sizes[0] > sizes[1] ? sizes[0] : sizes[1], workspace, shards_of(model, count, training),
                       training);
}

unsigned net_job_classes(const fcnn_model *model, const struct net_job *job)
{
    unsigned classes = 0;
    int64_t sizes[2];
    shard_sizes(model, job->count, job->training, sizes);
    for (int i = 0; i < 2; i++)
        if (sizes[i]) classes |= net_plans_find(model, sizes[i])->need.classes;
    return classes;
}

/* The images of a shard that are scattered over the data, and their labels or targets, in one place. */
static void copy_shard(const fcnn_model *model, struct net_worker *worker, const struct net_job *job,
                       struct range range)
{
    const int64_t classes = net_classes(model);
    for (int64_t i = range.first; i < range.last; i++) {
        const int64_t image = job->order[i], at = i - range.first;
        memcpy(worker->input + at * model->image, job->x + image * model->image, (size_t)model->image * sizeof(float));
        if (job->y) worker->labels[at] = job->y[image];
        else memcpy(worker->targets + at * classes, job->targets + image * classes, (size_t)classes * sizeof(float));
    }
}

/* The images of a range as they lie in the data. */
static struct net_shard shard_of(const fcnn_model *model, const struct net_job *job, struct range range)
{
    return (struct net_shard){
        .plans = net_plans_find(model, range.last - range.first),
        .x = job->x + range.first * model->image,
        .labels = job->y ? job->y + range.first : NULL,
        .targets = job->targets ? job->targets + range.first * net_classes(model) : NULL,
        .training = job->training,
        .count = job->count,
        .first = range.first,
    };
}

static fcnn_status forward_segment(fcnn_model *model, struct net_worker *worker, const struct net_shard *shard,
                                   int segment)
{
    const int from = segment ? net_pause(model, segment - 1) : 0, to = net_pause(model, segment);
    NET_TRY(net_forward(model, worker, shard, from, to));
    if (to == model->layers) return net_loss(model, worker, shard, &model->sums[shard->number]);
    return net_batch_sums(model, worker, shard, to);
}

/* A segment of a training step, as net.h counts them. */
static fcnn_status train_shard(fcnn_model *model, struct net_worker *worker, const struct net_job *job, int64_t number,
                               int segment)
{
    const struct range range = shard_range(model, job->count, 1, number);
    const int pauses = net_pauses(model);
    struct net_shard shard = shard_of(model, job, range);
    shard.number = number;
    if (range.first == range.last) {
        net_zero_gradients(model, number);
        model->sums[number] = (struct net_sum){0};
        return FCNN_OK;
    }
    if (job->order) {
        if (!segment) copy_shard(model, worker, job, range);
        shard.x = worker->input;
        shard.labels = job->y ? worker->labels : NULL;
        shard.targets = job->targets ? worker->targets : NULL;
    }
    if (segment <= pauses) NET_TRY(forward_segment(model, worker, &shard, segment));
    if (segment < pauses) return FCNN_OK;
    return net_backward(model, worker, &shard, net_pause(model, 2 * pauses - segment),
                        net_pause(model, 2 * pauses - segment - 1));
}

static fcnn_status infer_shard(fcnn_model *model, struct net_worker *worker, const struct net_job *job, int64_t number)
{
    const struct range range = shard_range(model, job->count, 0, number);
    const struct net_shard shard = shard_of(model, job, range);
    NET_TRY(net_forward(model, worker, &shard, 0, model->layers));
    if (job->y || job->targets) return net_loss(model, worker, &shard, &model->sums[number]);
    return net_answer(model, worker, shard.plans, job->probabilities + range.first * net_classes(model));
}

void net_note(struct net_failure *failure, fcnn_status status)
{
    if (status == FCNN_OK || atomic_exchange(&failure->noted, 1)) return;
    failure->status = status;
    snprintf(failure->message, sizeof failure->message, "%s", fcnn_last_error());
}

fcnn_status net_failed(const struct net_failure *failure)
{
    return failure->status == FCNN_OK ? FCNN_OK : fcnn_fail(failure->status, "%s", failure->message);
}

/* ---- a job in two phases ---- */

struct phases {
    fcnn_model *model;
    const struct net_job *job;
    int segment; /* of training */
    struct net_failure failure;
};

/* Packing is handed out in pieces (size, layer, direction), numbered in one range. */
static void pack(void *context, int worker, int64_t piece)
{
    struct phases *phases = context;
    const fcnn_model *model = phases->model;
    const struct net_job *job = phases->job;
    int64_t sizes[2];
    (void)worker;
    shard_sizes(model, job->count, job->training, sizes);
    const int64_t size = sizes[piece / (2 * model->layers)];
    const fcnn_direction direction = piece % 2 ? FCNN_BACKWARD_DATA : FCNN_FORWARD;
    if (!size || (direction == FCNN_BACKWARD_DATA && !job->training)) return;
    const int layer = (int)(piece / 2 % model->layers);
    net_note(&phases->failure, net_plans_pack(model, net_plans_find(model, size), layer, direction));
}

static void remember_packed(fcnn_model *model, const struct net_job *job)
{
    int64_t sizes[2];
    shard_sizes(model, job->count, job->training, sizes);
    for (int i = 0; i < 2; i++) {
        struct net_plans *plans = sizes[i] ? net_plans_find(model, sizes[i]) : NULL;
        if (!plans) continue;
        plans->packed[FCNN_FORWARD] = model->version;
        if (job->training) plans->packed[FCNN_BACKWARD_DATA] = model->version;
    }
}

/* Where a model pauses, a shard's activations stay in a place of its own; workspace is the worker's. */
static struct net_worker place_of(const struct phases *phases, int worker, int64_t shard)
{
    const fcnn_model *model = phases->model;
    if (!phases->job->training || !net_pauses(model)) return model->worker[worker];
    struct net_worker place = model->worker[shard];
    place.workspace = model->worker[worker].workspace;
    return place;
}

static void run_shard(void *context, int worker, int64_t number)
{
    struct phases *phases = context;
    struct net_worker mine = place_of(phases, worker, number);
    net_note(&phases->failure, phases->job->training
                                   ? train_shard(phases->model, &mine, phases->job, number, phases->segment)
                                   : infer_shard(phases->model, &mine, phases->job, number));
}

/* What all shards have left at the end of a segment becomes one. */
static fcnn_status join(fcnn_model *model, const struct net_job *job, int segment)
{
    const int pauses = job->training ? net_pauses(model) : 0;
    if (segment == 2 * pauses) return FCNN_OK;
    if (segment >= pauses) return net_sum_gradients(model, net_pause(model, 2 * pauses - segment - 1));
    const int stage = net_pause(model, segment);
    int64_t images[FCNN_MAX_SHARDS];
    for (int i = 0; i < model->shards; i++) {
        const struct range range = shard_range(model, job->count, 1, i);
        images[i] = range.last - range.first;
    }
    net_join_moments(model, stage, images);
    return FCNN_OK;
}

fcnn_status net_job_share(fcnn_model *model, struct fcnn_team *team, const struct net_job *job, struct net_sum *sum)
{
    struct phases phases = {.model = model, .job = job};
    const int64_t shards = shards_of(model, job->count, job->training);
    const int last = job->training ? 2 * net_pauses(model) : 0;
    fcnn_team_share(team, 4 * (int64_t)model->layers, FCNN_SHORT, pack, &phases);
    NET_TRY(net_failed(&phases.failure));
    remember_packed(model, job);
    for (; phases.segment <= last; phases.segment++) {
        fcnn_team_share(team, shards, FCNN_LONG, run_shard, &phases);
        NET_TRY(net_failed(&phases.failure));
        NET_TRY(join(model, job, phases.segment));
    }
    *sum = (struct net_sum){0};
    for (int64_t i = 0; i < shards; i++) {
        sum->loss += model->sums[i].loss;
        sum->correct += model->sums[i].correct;
    }
    return FCNN_OK;
}

/* ---- the team ---- */

/* One OpenMP region, which its first thread leads. */
static void lead_region(int workers, net_leader *lead, void *context)
{
    struct fcnn_team team = {0};
#pragma omp parallel num_threads(workers)
    {
        const int worker = omp_get_thread_num();
        const fcnn_fpmode saved = fcnn_fpmode_enter();
        if (worker) {
            fcnn_team_help(&team, worker);
        } else {
            team.workers = omp_get_num_threads();
            lead(context, &team);
            fcnn_team_dismiss(&team);
        }
        fcnn_fpmode_leave(saved);
    }
}

/* The library's own threads, as many as there are, at worst none. */
static void lead_pool(int workers, net_leader *lead, void *context)
{
    struct fcnn_team alone = {.workers = 1};
    struct fcnn_team *team = workers > 1 ? fcnn_pool_take(workers) : NULL;
    const fcnn_fpmode saved = fcnn_fpmode_enter();
    lead(context, team ? team : &alone);
    fcnn_fpmode_leave(saved);
    fcnn_pool_give(team);
}

void net_lead(const fcnn_model *model, int64_t shards, net_leader *lead, void *context)
{
    const int useful = model->workers < shards ? model->workers : (int)shards;
    const int workers = omp_in_parallel() ? 1 : useful;
    if (workers > 1 && fcnn_threads_suffice(workers)) lead_region(workers, lead, context);
    else lead_pool(workers, lead, context);
}

struct lone_job {
    fcnn_model *model;
    const struct net_job *job;
    struct net_sum *sum;
    fcnn_status status;
};

static void lead_job(void *context, struct fcnn_team *team)
{
    struct lone_job *lone = context;
    lone->status = net_job_share(lone->model, team, lone->job, lone->sum);
}

fcnn_status net_job_run(fcnn_model *model, const struct net_job *job, struct net_sum *sum)
{
    if (model->at_work) return net_job_share(model, model->at_work, job, sum); /* from a callback, between two steps */
    struct lone_job lone = {.model = model, .job = job, .sum = sum};
    net_lead(model, shards_of(model, job->count, job->training), lead_job, &lone);
    return lone.status;
}
