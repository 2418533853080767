/* SPDX-License-Identifier: BSD-2-Clause
 * What the files of lib/net share. The network is the library's first customer: apart from lib/error.h,
 * lib/fpmode.h, lib/hyper.h, lib/memory.h, lib/sized.h and the threads (lib/team.h, pool.h, threads.h) it knows
 * fastcnn.h alone. Who calls whom, each only those before it: random, kinds, layers, loss, memory, plans, normalize,
 * shard, job, optimizer, train; on top of them compile, added, state, info, receipt; model and fit.
 *
 * A batch is split into shards (docs/numerics.md, rule 12). A worker runs forward and backward of a whole shard with
 * plans of one thread; plans and packed weights are shared by the workers, activations and workspace are each worker's
 * own. */
#ifndef FCNN_NET_H
#define FCNN_NET_H

#include "lib/error.h"
#include "lib/fpmode.h"
#include "lib/fastcnn.h"
#include "lib/team.h"

#define NET_CHUNK      8 /* images per shard outside training (evaluate, predict) */
#define NET_SHARDS     8 /* default of fcnn_compile_options.shards */
#define NET_NAME       128 /* bytes of a layer's name with its NUL */
#define NET_ALIGN      16 /* floats: every tensor in an arena starts at a multiple */
#define NET_LEAST_RATE 0x1p-100 /* of a schedule; an optimizer refuses 0 */

#define NET_TRY(call)                                                                                                  \
    do {                                                                                                               \
        fcnn_status status_ = (call);                                                                                  \
        if (status_ != FCNN_OK) return status_;                                                                        \
    } while (0)

/* A layer as the user added it. Names and configuration are Keras'. */
struct net_added {
    fcnn_layer layer;     /* complete; its name is the following */
    char name[NET_NAME];
    int named;            /* by the user */
    int64_t in_h, in_w, in_c, h, w, c; /* of one image: input, output */
    int64_t weights, bias, moving;     /* floats; moving: of each average */
    int runs;             /* index of the net_layer that it became or was fused into; -1: none */
};

/* A layer as it runs: its problem forward for one image, checked. Its arrays in an arena: weights, then bias, then the
 * moving averages of a batch normalization. */
struct net_layer {
    fcnn_problem problem;
    int64_t src, dst;            /* floats per image */
    int64_t choices, argmaxes;   /* elements per image that the backward pass of pooling needs; 0: none */
    int64_t weights, bias;       /* floats; 0: a layer without parameters */
    int64_t at_weights, at_bias; /* offsets in the arena */
    int64_t parameters;          /* both with their padding: floats from at_weights on, which are trained */
    int64_t fan_in, fan_out;     /* for the initial weights; 0: they are not drawn */
    int64_t moving;              /* floats of each moving average: mean, variance */
    int64_t at_moving[2];
    int64_t at_trained, trained; /* what the optimizer updates: a part of these or all; 0: nothing */
    float scale, offset;         /* rescaling: the values of all its */
    float *constants;            /* weights and bias; else NULL, as before fcnn_compile() */
    float rate;                  /* dropout */
    int dropout;                 /* its number among those of the model */
    float epsilon, momentum;     /* batch normalization */
    float *batch;                /* mean and variance of the batch, then the sums of each shard; NULL: none */
    fcnn_plan *reduce, *update;  /* sum of the shards' gradients, optimizer step; NULL without parameters */
};

/* What a layer that is to be added becomes, and the shape behind it. */
struct net_made {
    struct net_layer stage[2];
    int count;
    int replaces;                  /* 1: the first takes the place of the model's last stage */
    int softmax;                   /* the model ends with it */
    int64_t weights, bias, moving; /* the layer's own */
    int64_t h, w, c;
};

struct net_plan {
    fcnn_plan *plan;
    void *packed; /* NULL: the kernel packs nothing */
};

/* What plans have in common. */
struct net_need {
    unsigned classes; /* mask of fcnn_class: of their kernels */
    size_t workspace; /* bytes: the largest need */
};

/* Plans of all layers for shards of n images. */
struct net_plans {
    struct net_plans *next;
    int64_t n;
    int training;       /* the backward plans are there too */
    int in_use;         /* by the fcnn_fit() that is running */
    struct net_need need;
    uint64_t packed[2]; /* model version that forward, backward_data weights were packed from */
    fcnn_plan *softmax, *loss, *loss_backward;
    struct net_stage {
        struct net_plan forward, backward_data;
        fcnn_plan *backward_weights;
        fcnn_plan *batch_sums; /* batch normalization */
    } stages[];
};

/* What one worker brings: room for `capacity` images and `workspace_bytes`; none until it has a shard to do. Where
 * training pauses, number i has the activations of shard i. */
struct net_worker {
    int64_t capacity;
    size_t workspace_bytes;
    void *memory;
    float *input;
    int32_t *labels;
    float *targets; /* of losses that take some */
    struct net_activation {
        float *dst;
        uint16_t *choice;
        int32_t *argmax;
    } * layers;
    const float *output; /* of the last stage */
    float *probabilities, *loss;
    float *gradients[2]; /* of activations: d_dst and d_src take turns */
    void *workspace;
};

/* Sums over a shard, in image order. */
struct net_sum {
    double loss;
    int64_t correct;
};

/* What the weights came from: receipt.c. */
struct net_run {
    int given;    /* it begins with something else than compile's weights and state */
    int altered;  /* from a callback */
    int stopped;  /* within an epoch; so it is until the epoch's end */
    float *initial; /* given: weights and both moments that it began with, each in the packed order; NULL: drawn from
                     * the seed, or not begun */
    int64_t first_step, first_epoch, first_epoch_steps, epochs, diverged_step;
    float first_powers[2];
    unsigned classes;
    struct net_fit_record {
        char data[33];
        int64_t images, validation, batch;
        double split;
        int shuffled, keep_going;
    } fit; /* of each of its fits; data "": none yet */
};

/* While fcnn_model_tune() runs. */
struct net_tuning {
    fcnn_tune_options options;
    int measured; /* problems */
};

struct fcnn_model {
    int64_t in_h, in_w, in_c; /* one input image */
    int64_t h, w, c; /* shape behind the last layer added */
    int64_t image;   /* floats per input image */
    int layers, added_layers, compiled;
    int softmax;     /* the last layer added is one, which the head computes */
    struct net_layer *layer; /* as they run */
    struct net_added *added;
    int64_t parameters; /* in the packed order of get/set_weights, without padding */

    int64_t arena; /* floats in each of the following */
    float *weights, *moment_1, *moment_2, *gradient;
    float *shard_gradients; /* layer by layer (shards, parameters): net_gradients() */

    fcnn_compile_options options; /* as compiled, defaults filled in; without kernels */
    fcnn_optimizer optimizer;
    fcnn_hyper hyper; /* with the powers of the last finished step, and the rate that schedules begin with */
    uint64_t seed;
    int shards, workers;
    int team; /* threads that trained last; 0: none yet */
    fcnn_options kernels, single; /* the user's; the same for one thread. Strings are the model's own */

    struct net_plans *plans;
    struct net_need step;   /* of gradient sums and optimizer */
    struct net_tuning *tuning; /* NULL: plans are made of what is known */
    uint64_t version; /* of the weights: counts their changes, from 1 */

    struct net_worker *worker;
    int places; /* entries of worker: the workers, or the shards where a model pauses and there are more */
    struct net_sum *sums; /* one per shard of the largest job so far */
    int64_t sums_capacity;

    int64_t steps, epochs; /* finished so far, over all calls of fcnn_fit() */
    struct {
        int64_t steps;      /* finished; 0: between epochs */
        struct net_sum sum; /* over their images */
    } under_way;            /* the epoch that was begun and has not ended */
    int fitting;           /* within fcnn_fit() */
    struct fcnn_team *at_work; /* on its steps; NULL outside of them */
    struct net_run run;
};

/* ---- kinds.c ---- */

/* What `given` says, with defaults for what it leaves out and zeros for what its kind does not read. Not the name. */
fcnn_status net_complete_layer(const fcnn_layer *given, fcnn_layer *complete);
const char *net_class_name(fcnn_layer_kind kind); /* Keras': "Conv2D" */
const char *net_base_name(fcnn_layer_kind kind);  /* of names: "conv2d" */
int net_has_window(fcnn_layer_kind kind);

/* ---- layers.c ---- */

/* What a complete layer becomes at the end of a model, which is left as it is. */
fcnn_status net_make(const fcnn_model *model, const fcnn_layer *layer, struct net_made *made);
int net_first_trainable(const fcnn_model *model); /* the backward pass ends at this layer */
int64_t net_classes(const fcnn_model *model);

/* Of stage i: its parameters or constants; NULL: none. */
const float *net_weights(const fcnn_model *model, int i);
const float *net_bias(const fcnn_model *model, int i);

/* ---- memory.c ---- */

/* Zeroed, 64-byte aligned; in huge pages where it is large; from the caller's allocator if there is one. NULL if there
 * is no memory. */
void *net_alloc(size_t count, size_t size);
void net_free(void *memory); /* what net_alloc() gave, or NULL */
/* Makes room for so many shards of at most `capacity` images and `workspace` bytes: sums, and the workers that can be
 * busy with them. */
fcnn_status net_reserve(fcnn_model *model, int64_t capacity, size_t workspace, int64_t shards, int training);
void net_release_workers(fcnn_model *model);

/* ---- random.c: Philox4x32-10, functions of their arguments alone ---- */

/* Glorot uniform in [-limit, limit), limit = sqrt(6 / (fan_in + fan_out)). `layer` counts layers that have weights. */
void net_glorot(float *weights, int64_t count, uint64_t seed, int layer, int64_t fan_in, int64_t fan_out);
/* order = a permutation of 0 .. n-1 (Fisher-Yates). */
void net_shuffle(int64_t *order, int64_t n, uint64_t seed, int64_t epoch);
/* The seed of a dropout layer's mask: layer counts dropouts, step finished steps. */
uint64_t net_dropout_seed(uint64_t seed, int layer, int64_t step);

/* ---- plans.c ---- */

/* A plan of one thread; *need gains its class and workspace. */
fcnn_status net_plan_create(fcnn_model *model, fcnn_plan **plan, const fcnn_problem *problem, struct net_need *need);
/* Makes sure that there are plans for shards of n images. */
fcnn_status net_plans_need(fcnn_model *model, int64_t n, int training);
struct net_plans *net_plans_find(const fcnn_model *model, int64_t n); /* NULL: none */
/* Packs one layer's weights for one direction, unless they are up to date or the kernel packs nothing. */
fcnn_status net_plans_pack(const fcnn_model *model, const struct net_plans *plans, int layer, fcnn_direction direction);
void net_plans_destroy(fcnn_model *model); /* all of them */
/* Forgets all plans that are not in use when the cache has grown beyond what one call needs; at the begin of a call. */
void net_plans_trim(fcnn_model *model);
/* All that are there now are in use, or are not. */
void net_plans_hold(fcnn_model *model, int in_use);

/* ---- shard.c: what one worker does ---- */

struct net_shard {
    const struct net_plans *plans;
    const float *x; /* (plans->n, image) */
    const int32_t *labels; /* or NULL */
    const float *targets;  /* or NULL; of losses that take some */
    int training;
    int64_t count;    /* images in the whole batch. This and the following: training alone */
    int64_t first;    /* the shard's first image in the batch */
    int64_t number;   /* of the shard: where its gradients go */
};

/* What stage i reads. */
const float *net_input(const fcnn_model *model, const struct net_worker *worker, const struct net_shard *shard, int i);

/* Stages from .. to-1. */
fcnn_status net_forward(const fcnn_model *model, struct net_worker *worker, const struct net_shard *shard, int from,
                        int to);
/* After net_loss(): all gradients of the stages between `from` and `to`; of `from` itself that of its input, of `to`
 * those of its parameters. All stages: from the number of stages to -1. */
fcnn_status net_backward(const fcnn_model *model, struct net_worker *worker, const struct net_shard *shard, int from,
                         int to);

/* Where a layer's gradients of a shard are: its weights, then its bias. */
float *net_gradients(const fcnn_model *model, const struct net_layer *layer, int64_t shard);
void net_zero_gradients(const fcnn_model *model, int64_t shard);
/* Adds the shards' gradients of layer i along the tree. */
fcnn_status net_sum_gradients(const fcnn_model *model, int i);
/* That, unless it was done at a pause; then updates the parameters. */
fcnn_status net_update(fcnn_model *model, int i, const fcnn_hyper *hyper);

/* ---- normalize.c: batch normalization, where training steps pause ---- */

/* A training step without batch normalization is one segment: forward, loss, backward of a shard. Each batch
 * normalization makes it two more. Forward it begins a segment, which comes when all shards have left their sums;
 * backward it ends one, and its data gradient begins the next, when its gradients have been added over the shards. So
 * with P of them, segments 0 .. P go forward, P .. 2 P backward. */
int net_pauses(const fcnn_model *model);
int net_pause(const fcnn_model *model, int number); /* a stage; -1 and behind the last stage at the ends */
fcnn_status net_make_batch(const fcnn_model *model, struct net_layer *layer);
/* Of a shard, for stage i, before that runs. */
fcnn_status net_batch_sums(const fcnn_model *model, const struct net_worker *worker, const struct net_shard *shard,
                           int i);
/* Mean and variance of the batch; images[i]: those of shard i. */
void net_join_moments(const fcnn_model *model, int i, const int64_t *images);
/* What stage i normalizes with: the mean or the variance of the batch or its moving average; NULL: it is another. */
const float *net_moment(const fcnn_model *model, int i, int training, int variance);
void net_move_averages(fcnn_model *model, int i);

/* ---- loss.c: the head of a network, softmax and loss ---- */

fcnn_op net_loss_op(const fcnn_model *model);
int net_takes_targets(const fcnn_model *model); /* the loss; labels are targets with a single 1 for it */
/* After net_forward(): probabilities and losses into the worker, their sums into *sum. */
fcnn_status net_loss(const fcnn_model *model, struct net_worker *worker, const struct net_shard *shard,
                     struct net_sum *sum);
/* After net_loss(): the gradient of the last layer's outputs, (n, classes). */
fcnn_status net_loss_backward(const struct net_worker *worker, const struct net_shard *shard, float *d_src);
/* After net_forward(): what the model predicts, (n, classes): probabilities, or for the mean squared error outputs. */
fcnn_status net_answer(const fcnn_model *model, struct net_worker *worker, const struct net_plans *plans,
                       float *outputs);

/* ---- job.c: all shards over the workers ---- */

/* The first failure of any worker. Its sentence belongs to the worker's thread, so it is copied. */
struct net_failure {
    _Atomic int noted;
    fcnn_status status;
    char message[256];
};
void net_note(struct net_failure *failure, fcnn_status status);
fcnn_status net_failed(const struct net_failure *failure);

struct net_job {
    const float *x;
    const int32_t *y;     /* with `targets` NULL: predict */
    const float *targets; /* (data, classes), instead of y */
    const int64_t *order; /* image numbers, or NULL: as they come. Training only */
    int64_t count;        /* images */
    int training;
    float *probabilities; /* out, predict only */
};

/* Plans, worker memory and sums for a job of `count` images: afterwards running it allocates nothing. */
fcnn_status net_job_prepare(fcnn_model *model, int64_t count, int training);
/* Mask of fcnn_class: of the plans of a job that is prepared. */
unsigned net_job_classes(const fcnn_model *model, const struct net_job *job);
/* The leader of a team: packs what the job needs, then runs all shards. *sum: the metrics in shard order. */
fcnn_status net_job_share(fcnn_model *model, struct fcnn_team *team, const struct net_job *job, struct net_sum *sum);
/* Calls lead() with a team in which no worker is without a shard: a leader alone inside somebody's parallel region. The
 * team is an OpenMP region where there can be one (lib/threads.h), else one of the library's own. */
typedef void net_leader(void *context, struct fcnn_team *team);
void net_lead(const fcnn_model *model, int64_t shards, net_leader *lead, void *context);
/* All of it for a job without training; in a callback of fcnn_fit() by the team of its steps. */
fcnn_status net_job_run(fcnn_model *model, const struct net_job *job, struct net_sum *sum);

/* ---- optimizer.c ---- */

/* Checks model->options, fills in the defaults; model->optimizer and model->hyper. */
fcnn_status net_read_optimizer(fcnn_model *model);
fcnn_op net_optimizer_op(const fcnn_model *model);
/* What the learning rate is multiplied by in step 0, 1, ...; of a fcnn_compile_options that was checked. */
double net_schedule(const fcnn_compile_options *options, int64_t step);
float net_learning_rate(const fcnn_model *model, int64_t step);

/* ---- train.c: the steps of an epoch, behind those that model->under_way has ---- */

struct net_epoch {
    const float *x;
    const int32_t *y;     /* or NULL */
    const float *targets; /* or NULL */
    const int64_t *order; /* NULL: as they come */
    int64_t images, batch;
    int keep_going;       /* where the loss is not finite; else FCNN_DIVERGED */
    fcnn_status (*after_step)(void *context); /* called after each step; anything but FCNN_OK ends the epoch */
    void *context;
};
int64_t net_images_done(const fcnn_model *model, const struct net_epoch *epoch); /* in the epoch under way */
fcnn_status net_train(fcnn_model *model, const struct net_epoch *epoch);

/* ---- state.c ---- */

/* Where a part of stage i is in an arena. */
float *net_part(const fcnn_model *model, int i, fcnn_part part, float *arena);
/* What a part of stage i is before training. */
void net_initial(const fcnn_model *model, int i, fcnn_part part, float *values);

/* A whole array in the packed order. */
void net_read_array(const fcnn_model *model, fcnn_array array, float *values);

/* ---- receipt.c ---- */

/* A fcnn_fit() is about to begin: in the same run or in another one, within an epoch or at the begin of one. x and one
 * of y and targets: what `fit`, whose `data` is still open, trains on. FCNN_BAD_ARGUMENT: the state is within an epoch
 * that this fit does not have; FCNN_OUT_OF_MEMORY: nothing has changed. */
fcnn_status net_run_begin(fcnn_model *model, const struct net_fit_record *fit, const float *x, const int32_t *y,
                          const float *targets);
void net_run_changed(fcnn_model *model); /* somebody is about to set weights or state; so a run's epoch is over */
void net_run_diverged(fcnn_model *model, int64_t step);
/* packed: weights of a snapshot; NULL: the model's. */
fcnn_receipt net_receipt(const fcnn_model *model, const struct net_run *run, const fcnn_state *state,
                         const float *packed);

/* ---- tune.c ---- */

/* Measures the problem of a plan, unless its kernel is asked for by name. */
fcnn_status net_tune(fcnn_model *model, const fcnn_plan *plan, const fcnn_problem *problem);

/* ---- compile.c ---- */

fcnn_status net_plan_step(fcnn_model *model); /* gradient sums, optimizer, shards of NET_CHUNK images */
void net_step_destroy(fcnn_model *model);     /* plans of gradient sums and optimizer */
void net_release(fcnn_model *model); /* everything that compile and later calls made */

#endif
