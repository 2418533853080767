/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Training runs: weights and state out and in, snapshots, early stopping, and the receipt of a run. Part of fastcnn.h,
 * which includes it. */
#ifndef FASTCNN_RUN_H
#define FASTCNN_RUN_H

#include "fastcnn.h"
#include "fastcnn_net.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- weights and the optimizer's state: all that a checkpoint needs ---- */

FCNN_API int64_t fcnn_model_parameters(const fcnn_model *model); /* moving averages too */

/* One float per parameter of a compiled model each. Adam's moments; SGD: moment_1 is its momentum, moment_2 stays 0;
 * RMSprop: moment_1 is its momentum (without: the last step), moment_2 the mean of squares.
 * The initial ones can be read alone: what training began with (fcnn_receipt.given says what that is). */
typedef enum fcnn_array {
    FCNN_ARRAY_WEIGHTS,
    FCNN_ARRAY_MOMENT_1,
    FCNN_ARRAY_MOMENT_2,
    FCNN_ARRAY_INITIAL_WEIGHTS,
    FCNN_ARRAY_INITIAL_MOMENT_1,
    FCNN_ARRAY_INITIAL_MOMENT_2,
} fcnn_array;
typedef enum fcnn_part {
    FCNN_PART_WEIGHTS,         /* RSCK, dense CK, depthwise RS(C multiplier): Keras' order; gamma */
    FCNN_PART_BIAS,            /* beta */
    FCNN_PART_MOVING_MEAN,     /* not trained: their moments are 0 */
    FCNN_PART_MOVING_VARIANCE,
} fcnn_part;

/* A whole array, layer by layer, each layer's parts in the order of fcnn_part: copies out / in `count` floats, which
 * must be fcnn_model_parameters(). Setting the weights leaves the optimizer's state as it is. */
FCNN_API fcnn_status fcnn_model_get_array(const fcnn_model *model, fcnn_array array, float *values, int64_t count);
FCNN_API fcnn_status fcnn_model_set_array(fcnn_model *model, fcnn_array array, const float *values, int64_t count);
FCNN_API fcnn_status fcnn_model_get_weights(const fcnn_model *model, float *weights, int64_t count);
FCNN_API fcnn_status fcnn_model_set_weights(fcnn_model *model, const float *weights, int64_t count);

/* One layer's part of an array, `count` as fcnn_layer_info has it. FCNN_BAD_ARGUMENT: it has no such part. */
FCNN_API fcnn_status fcnn_layer_get_array(const fcnn_model *model, int layer, fcnn_array array, fcnn_part part,
                                          float *values, int64_t count);
FCNN_API fcnn_status fcnn_layer_set_array(fcnn_model *model, int layer, fcnn_array array, fcnn_part part,
                                          const float *values, int64_t count);

/* Where training stands. A model with the same layers and compile options that is given the three arrays and this
 * trains on as the model they were taken from would, bit for bit. */
typedef struct fcnn_state {
    int64_t steps, epochs;            /* finished, over all calls of fcnn_fit(); the next epoch's number shuffles it */
    float beta_1_power, beta_2_power; /* beta^steps by repeated multiplication; 1 before the first step */
    int64_t epoch_steps;              /* finished in the epoch under way, as in a callback; 0 between epochs */
    double epoch_loss;                /* of their images: the sum of the losses, */
    int64_t epoch_correct;            /* and how many were correct */
} fcnn_state;
FCNN_API fcnn_status fcnn_model_get_state_sized(const fcnn_model *model, fcnn_state *state, size_t size);
/* Weights and state in either order, as long as the model was not trained in between. In a callback of fcnn_fit() of
 * this model the epoch under way goes on, whatever the last three members say.
 * FCNN_BAD_ARGUMENT: negative numbers, more than 2^32 - 1 epochs, powers outside 0 .. 1, or not 1 with no steps, more
 * steps in the epoch than in all. */
FCNN_API fcnn_status fcnn_model_set_state_sized(fcnn_model *model, const fcnn_state *state, size_t size);
FCNN_INLINE fcnn_status fcnn_model_get_state(const fcnn_model *model, fcnn_state *state)
{
    return fcnn_model_get_state_sized(model, state, sizeof *state);
}
FCNN_INLINE fcnn_status fcnn_model_set_state(fcnn_model *model, const fcnn_state *state)
{
    return fcnn_model_set_state_sized(model, state, sizeof *state);
}

/* ---- snapshots, early stopping ---- */

/* All that training has changed in a compiled model: weights, moments, state, and what the receipt says of the run. */
typedef struct fcnn_snapshot fcnn_snapshot;
/* Takes one, also in a callback: *snapshot NULL: a new one, the caller's to destroy; else it is overwritten and must be
 * of this model. FCNN_OUT_OF_MEMORY: the old one is as it was. */
FCNN_API fcnn_status fcnn_snapshot_take(fcnn_snapshot **snapshot, const fcnn_model *model);
/* The model is again as it was, receipt and all: it trains on from there as it would have then. FCNN_BAD_ARGUMENT:
 * within fcnn_fit(); a model with another number of parameters. */
FCNN_API fcnn_status fcnn_snapshot_restore(const fcnn_snapshot *snapshot, fcnn_model *model);
FCNN_API void fcnn_snapshot_destroy(fcnn_snapshot *snapshot); /* NULL is fine */
/* What is in one, for files: weights or a moment, as fcnn_model_get_array() has them, and the state. */
FCNN_API fcnn_status fcnn_snapshot_get_array(const fcnn_snapshot *snapshot, fcnn_array array, float *values,
                                             int64_t count);
FCNN_API fcnn_status fcnn_snapshot_get_state_sized(const fcnn_snapshot *snapshot, fcnn_state *state, size_t size);
FCNN_INLINE fcnn_status fcnn_snapshot_get_state(const fcnn_snapshot *snapshot, fcnn_state *state)
{
    return fcnn_snapshot_get_state_sized(snapshot, state, sizeof *state);
}

typedef enum fcnn_monitor {
    FCNN_MONITOR_VAL_LOSS, /* the less the better; these two need a validation split */
    FCNN_MONITOR_VAL_ACCURACY,
    FCNN_MONITOR_LOSS,
    FCNN_MONITOR_ACCURACY,
} fcnn_monitor;

/* Keras' EarlyStopping, as a callback of fcnn_fit() or called by one:
 *     fcnn_early_stopping stopping = {.model = model, .patience = 3};
 *     fcnn_fit_options options = {.epochs = 100, .validation_split = 0.2,
 *                                 .callback = fcnn_early_stop, .context = &stopping};
 *     status = fcnn_fit(model, x, y, n, &options, NULL);
 *     if (stopping.stopped) status = fcnn_snapshot_restore(stopping.best_model, model);
 *     fcnn_snapshot_destroy(stopping.best_model); */
typedef struct fcnn_early_stopping {
    fcnn_monitor monitor;
    int64_t patience;   /* so many epochs in a row without an improvement end training, 0 as 1; negative: none do */
    double min_delta;   /* an improvement is one by more than this; at least 0 */
    fcnn_model *model;  /* whose best state is kept; NULL: none is */
    /* What the callback writes; zero before the first epoch. */
    int64_t epochs;     /* watched */
    int64_t best_epoch; /* of these, from 1; 0: there was no number yet. NaN is worse than every number */
    int64_t waited;     /* epochs since */
    double best;        /* of what is monitored */
    int improved;       /* the last epoch is the best one */
    int stopped;        /* it returned 1 because patience was over */
    fcnn_status status; /* not FCNN_OK: it returned 1 because of that, see fcnn_last_error() */
    fcnn_snapshot *best_model; /* NULL: none yet. The caller's to destroy */
} fcnn_early_stopping;

/* context: a fcnn_early_stopping. 1: stop. Looks at the ends of epochs alone. */
FCNN_API int fcnn_early_stop_sized(fcnn_early_stopping *stopping, size_t size, const fcnn_progress *progress);
FCNN_INLINE int fcnn_early_stop(void *context, const fcnn_progress *progress)
{
    return fcnn_early_stop_sized((fcnn_early_stopping *)context, sizeof(fcnn_early_stopping), progress);
}

/* ---- the receipt ---- */

/* What a training run depended on and produced. A run begins with fcnn_compile(), with a fcnn_fit() on other data or in
 * another way than the one before, and with whatever sets weights or state; equal fits in a row are one run. So it is
 * repeated by one fcnn_fit() of `epochs` epochs on the same data, from the initial weights, moments and state.
 * The hashes here are quick comparisons. What proves (SHA-256) is computed from the arrays of fcnn_model_get_array()
 * and from the data, by `fastcnn train --receipt`. */
typedef struct fcnn_receipt {
    char weights[33];  /* 128-bit XXH3 of all parameters, little-endian floats, -0 as +0; hexadecimal */
    char data[33];     /* the same over the training data (x, then y or targets) of the run; "" before the first
                        * fcnn_fit() */
    uint64_t seed;
    int shards;
    int64_t steps;     /* optimizer steps so far, first_step included */
    char classes[64];  /* numerics classes of all kernels that trained, e.g. "exact"; "" before the first step */
    char versions[96]; /* fcnn_version_details() */
    int numerics;      /* the version of the numerics: other bits are to be expected from another one */
    int given;         /* 0: the run began with weights drawn from the seed and a fresh optimizer; 1: with what it found
                        * in the initial arrays and the first_ members */
    int altered;       /* a callback set weights or state: fcnn_fit() alone does not repeat the run */
    int stopped;       /* the run is within an epoch: a callback or a divergence has stopped it there */
    int64_t diverged_step; /* the first step, from 1, whose loss or weights were not finite; 0: none */
    int64_t first_step, first_epoch; /* the state that the run began with, see fcnn_state */
    float first_beta_1_power, first_beta_2_power;
    int64_t epochs;    /* finished in the run */
    fcnn_optimizer optimizer;
    float learning_rate, beta_1, beta_2, epsilon, momentum; /* what the optimizer has no use for is 0 */
    int64_t images, validation_images; /* that trained: the first ones of the data; and validated */
    int64_t batch_size;
    double validation_split;
    int shuffled, keep_going;
    fcnn_loss loss;
    int nesterov;
    float rho, weight_decay;
    fcnn_schedule schedule;
    int64_t schedule_steps;
    double schedule_factor;
    int64_t first_epoch_steps; /* of the state that the run began with */
} fcnn_receipt;
FCNN_API fcnn_status fcnn_model_receipt_sized(const fcnn_model *model, fcnn_receipt *receipt, size_t size);
FCNN_INLINE fcnn_status fcnn_model_receipt(const fcnn_model *model, fcnn_receipt *receipt)
{
    return fcnn_model_receipt_sized(model, receipt, sizeof *receipt);
}

/* What the receipt would say had it been asked for when the snapshot of this model was taken. */
FCNN_API fcnn_status fcnn_snapshot_receipt_sized(const fcnn_snapshot *snapshot, const fcnn_model *model,
                                                 fcnn_receipt *receipt, size_t size);
FCNN_INLINE fcnn_status fcnn_snapshot_receipt(const fcnn_snapshot *snapshot, const fcnn_model *model,
                                                fcnn_receipt *receipt)
{
    return fcnn_snapshot_receipt_sized(snapshot, model, receipt, sizeof *receipt);
}

/* After weights, moments and state were set as they were in another model with the same layers and compile options:
 * says that its run goes on here. *run: what fcnn_model_receipt() said of that model then. `initial`: where the run is
 * `given` and has begun (`data` is not ""), its arrays FCNN_ARRAY_INITIAL_WEIGHTS, _MOMENT_1 and _MOMENT_2, one behind
 * the other, `count` = 3 times fcnn_model_parameters() floats, which are copied; else NULL. An equal fcnn_fit() is then
 * one of that run, and in the end the receipt is that of a run in one model.
 * FCNN_BAD_ARGUMENT: within fcnn_fit(); a member of *run is not what this model has, by name, or cannot be; or it is of
 * other numerics than this library's. FCNN_OUT_OF_MEMORY. The model is as it was then. */
FCNN_API fcnn_status fcnn_model_continue_run_sized(fcnn_model *model, const fcnn_receipt *run, size_t size,
                                                   const float *initial, int64_t count);
FCNN_INLINE fcnn_status fcnn_model_continue_run(fcnn_model *model, const fcnn_receipt *run, const float *initial,
                                                  int64_t count)
{
    return fcnn_model_continue_run_sized(model, run, sizeof *run, initial, count);
}

#ifdef __cplusplus
}
#endif
#endif
