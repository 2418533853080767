/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Networks in Keras' words: layers, compile, fit, evaluate, predict. Part of fastcnn.h, which includes it. */
#ifndef FASTCNN_NET_H
#define FASTCNN_NET_H

#include "fastcnn.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fcnn_model fcnn_model;

/* An empty sequential model for images of h x w x c. All fcnn_model_ functions: one thread at a time per model. */
FCNN_API fcnn_status fcnn_model_create(fcnn_model **model, int64_t h, int64_t w, int64_t c);
FCNN_API void fcnn_model_destroy(fcnn_model *model);

/* ---- layers ---- */

/* Layers in order. FCNN_BAD_SHAPE if a layer's output would be empty. A conv2d with ReLU that is followed by a maxpool
 * 2x2 (stride 2, no padding) becomes one fused conv2d_pool, always, as the fusion defines the order of the gradient
 * sums; but of groups only those of 16 filters or a multiple. */
FCNN_API fcnn_status fcnn_add_conv2d(fcnn_model *model, int64_t filters, int64_t r, int64_t s, int64_t stride,
                                     fcnn_padding padding, fcnn_activation activation);
FCNN_API fcnn_status fcnn_add_maxpool2d(fcnn_model *model, int64_t r, int64_t s);
FCNN_API fcnn_status fcnn_add_avgpool2d(fcnn_model *model, int64_t r, int64_t s);
FCNN_API fcnn_status fcnn_add_flatten(fcnn_model *model);
FCNN_API fcnn_status fcnn_add_dense(fcnn_model *model, int64_t units, fcnn_activation activation);

/* Every kind of layer, in Keras' words. Zeros in a fcnn_layer mean Keras' defaults. */
typedef enum fcnn_layer_kind {
    FCNN_LAYER_CONV2D = 1,             /* units (filters) r s stride dilation groups padding no_bias activation */
    FCNN_LAYER_DEPTHWISE_CONV2D = 2,   /* as before; units: the depth multiplier (0: 1); no groups */
    FCNN_LAYER_MAXPOOL2D = 3,          /* r s (0: 2) stride (0: the window) padding */
    FCNN_LAYER_AVGPOOL2D = 4,          /* the same */
    FCNN_LAYER_GLOBAL_AVGPOOL2D = 5,   /* gives 1 x 1 x c, flat */
    FCNN_LAYER_FLATTEN = 6,
    FCNN_LAYER_DENSE = 7,              /* units no_bias activation */
    FCNN_LAYER_ACTIVATION = 8,         /* activation */
    FCNN_LAYER_DROPOUT = 9,            /* rate */
    FCNN_LAYER_BATCH_NORMALIZATION = 10, /* epsilon momentum no_scale no_center */
    FCNN_LAYER_ZERO_PADDING2D = 11,    /* pad_top pad_bottom pad_left pad_right */
    FCNN_LAYER_RESCALING = 12,         /* scale offset: src * scale + offset */
} fcnn_layer_kind;

typedef struct fcnn_layer {
    fcnn_layer_kind kind;
    const char *name;       /* NULL: Keras' next, "conv2d_1"; else 1 to 127 bytes without '/', not in the model yet */
    int64_t units;
    int64_t r, s;           /* filter or window; both 0 in pooling: 2 x 2 */
    int64_t stride_h, stride_w, dilation_h, dilation_w, groups; /* 0: 1, pooling's strides: the window */
    fcnn_padding padding;   /* FCNN_PAD_VALID (0 is that too) or FCNN_PAD_SAME */
    int64_t pad_top, pad_bottom, pad_left, pad_right; /* zero_padding2d */
    int no_bias;
    fcnn_activation activation;
    float rate;             /* dropout: the share that is set to 0 in training, 0 to below 1 */
    float epsilon, momentum; /* batch normalization; 0: Keras' 1e-3, 0.99 */
    int no_scale, no_center; /* batch normalization without gamma, without beta */
    float scale, offset;    /* rescaling; both 0 is refused */
} fcnn_layer;

/* Adds any layer: all that the functions above can and the rest. FCNN_BAD_ARGUMENT and FCNN_BAD_SHAPE name the member;
 * the model is as it was then. *layer is read, not kept. Members that the kind does not read are ignored. A dense layer
 * takes each pixel's channels, as in Keras: for one that sees the whole image flatten first. Softmax, of a dense layer
 * or as an activation of its own, ends the model and takes flat input. */
FCNN_API fcnn_status fcnn_add_layer_sized(fcnn_model *model, const fcnn_layer *layer, size_t size);
FCNN_INLINE fcnn_status fcnn_add_layer(fcnn_model *model, const fcnn_layer *layer)
{
    return fcnn_add_layer_sized(model, layer, sizeof *layer);
}
/* Layer 0 .. fcnn_model_layers()-1 with all defaults filled in: adding it to another model makes the same layer. The
 * name is the model's. */
FCNN_API fcnn_status fcnn_model_layer_as_added_sized(const fcnn_model *model, int index, fcnn_layer *layer,
                                                     size_t size);
FCNN_INLINE fcnn_status fcnn_model_layer_as_added(const fcnn_model *model, int index, fcnn_layer *layer)
{
    return fcnn_model_layer_as_added_sized(model, index, layer, sizeof *layer);
}
/* The shape that fcnn_model_create() was given. */
FCNN_API fcnn_status fcnn_model_input(const fcnn_model *model, int64_t *h, int64_t *w, int64_t *c);

/* A layer as it was added, whatever runs in its place. The texts are the library's: class_name for ever, name until the
 * next layer is added. */
typedef struct fcnn_layer_info {
    const char *class_name; /* Keras': "Conv2D" "MaxPooling2D" "Activation" and so on */
    const char *name;       /* as given, or Keras': "conv2d", then "conv2d_1", "conv2d_2"; "max_pooling2d" and so on */
    int64_t in_h, in_w, in_c;       /* one input image */
    int64_t h, w, c;                /* one output image; a flat one is 1 x 1 x c */
    int64_t r, s;                   /* filter (convolutions) or window (pooling, not the global one); else 0 */
    int64_t stride_h, stride_w;     /* with these */
    fcnn_padding padding;           /* as it was asked for */
    fcnn_activation activation;     /* as it was asked for */
    int64_t weights, bias;          /* their numbers of floats; 0: no parameters. c: filters, units */
    int line;                       /* of fcnn_model_kernels(): where it runs, first; -1: nothing runs (flatten) */
    fcnn_layer_kind kind;
    int64_t moving;                 /* batch normalization: c, the floats of FCNN_PART_MOVING_MEAN and _VARIANCE each;
                                     * else 0. Its weights are gamma, its bias beta */
} fcnn_layer_info;

FCNN_API int fcnn_model_layers(const fcnn_model *model); /* as added, flatten too; 0 for NULL */
/* Layer 0 .. fcnn_model_layers()-1, before and after fcnn_compile(). */
FCNN_API fcnn_status fcnn_model_layer_sized(const fcnn_model *model, int layer, fcnn_layer_info *info, size_t size);
FCNN_INLINE fcnn_status fcnn_model_layer(const fcnn_model *model, int layer, fcnn_layer_info *info)
{
    return fcnn_model_layer_sized(model, layer, info, sizeof *info);
}

/* The Keras tutorial network for 28x28x1 images and 10 classes: Conv2D 32 3x3 ReLU, MaxPool, Conv2D 64 3x3 ReLU,
 * MaxPool, Conv2D 64 3x3 ReLU, Flatten, Dense 64 ReLU, Dense 10. Not compiled yet. */
FCNN_API fcnn_status fcnn_model_mnist(fcnn_model **model);

/* ---- compile ---- */

typedef enum fcnn_optimizer {
    FCNN_OPTIMIZER_ADAM,
    FCNN_OPTIMIZER_SGD,     /* momentum, nesterov */
    FCNN_OPTIMIZER_ADAMW,   /* Adam with decoupled weight decay (Loshchilov, Hutter 2019) */
    FCNN_OPTIMIZER_RMSPROP, /* rho, momentum */
} fcnn_optimizer;

typedef enum fcnn_loss {
    FCNN_LOSS_SPARSE_CATEGORICAL_CROSSENTROPY, /* labels are class numbers */
    FCNN_LOSS_CATEGORICAL_CROSSENTROPY,        /* targets (n, classes), one-hot or any distribution */
    FCNN_LOSS_MEAN_SQUARED_ERROR,              /* targets (n, outputs) */
} fcnn_loss;

/* The learning rate of step t = 0, 1, ... is learning_rate times, in double, rounded once:
 *   constant   1
 *   step       factor^floor(t / every)
 *   cosine     alpha + (1 - alpha) (1 + cos(pi min(t, steps) / steps)) / 2    (Keras' CosineDecay)
 * With a schedule a rate below 2^-100 counts as 2^-100. cos and the power are the library's own: the same bits
 * everywhere. */
typedef enum fcnn_schedule { FCNN_SCHEDULE_CONSTANT, FCNN_SCHEDULE_STEP, FCNN_SCHEDULE_COSINE } fcnn_schedule;

#define FCNN_MAX_SHARDS 1024

/* How a model is compiled. Zeros mean the defaults of Keras: Adam 1e-3, 0.9, 0.999, 1e-7; SGD 1e-2, momentum 0. */
typedef struct fcnn_compile_options {
    fcnn_optimizer optimizer;
    float learning_rate, beta_1, beta_2, epsilon, momentum; /* finite, at least 0; betas below 1, momentum up to 1 */
    uint64_t seed;        /* of the initial weights (Glorot uniform, biases 0) and of the shuffling */
    int shards;           /* per batch, 1 to FCNN_MAX_SHARDS; 0: 8. Part of the receipt: it defines the order of the
                           * gradient sums. */
    const fcnn_options *kernels; /* for every plan of the model, NULL: defaults; .threads: worker threads of the model,
                           * of which no more train than there are shards */
    int nesterov;         /* SGD */
    float rho;            /* RMSprop; 0: 0.9; below 1 */
    float weight_decay;   /* AdamW, of all parameters; 0: 0.004 */
    fcnn_loss loss;
    fcnn_schedule schedule;
    int64_t schedule_steps; /* step: `every`; cosine: `steps`; at least 1 */
    double schedule_factor; /* step: `factor`, 0: 0.1; cosine: `alpha`; 0 to 1 */
} fcnn_compile_options;

/* What a compiled model was compiled with, defaults filled in; `kernels` is NULL there. FCNN_BAD_ARGUMENT: not
 * compiled. */
FCNN_API fcnn_status fcnn_model_compile_options_sized(const fcnn_model *model, fcnn_compile_options *options,
                                                      size_t size);
FCNN_INLINE fcnn_status fcnn_model_compile_options(const fcnn_model *model, fcnn_compile_options *options)
{
    return fcnn_model_compile_options_sized(model, options, sizeof *options);
}

/* Fixes the layers, draws the weights. The last layer's output must be flat, one value per class. With cross-entropy it
 * is linear or softmax, which mean the same: softmax and its loss are one operation of the model's. With the mean
 * squared error it is any but softmax. options NULL: all defaults. */
FCNN_API fcnn_status fcnn_compile_sized(fcnn_model *model, const fcnn_compile_options *options, size_t size,
                                        size_t kernels_size);
FCNN_INLINE fcnn_status fcnn_compile(fcnn_model *model, const fcnn_compile_options *options)
{
    return fcnn_compile_sized(model, options, sizeof *options, sizeof(fcnn_options));
}

/* ---- fit, evaluate, predict ---- */

typedef struct fcnn_metrics { double loss, accuracy; } fcnn_metrics;

/* State handed to a callback after each batch and (val set) after each epoch. */
typedef struct fcnn_progress {
    int epoch, epochs;          /* 1 .. epochs */
    int64_t step, steps;        /* 1 .. steps; step == steps and epoch_ended != 0: the epoch is over */
    int epoch_ended, has_validation;
    double seconds;             /* since the epoch began */
    double training_seconds;    /* of these: spent in training steps */
    double loss, accuracy, val_loss, val_accuracy; /* of training, over the images so far; of the validation split */
} fcnn_progress;

typedef struct fcnn_fit_options {
    int epochs;               /* 0: 1 */
    int64_t batch_size;       /* 0: 32 */
    double validation_split;  /* the last part of the data, as in Keras; 0: none */
    int no_shuffle;
    int (*callback)(void *context, const fcnn_progress *progress); /* nonzero return: stop, FCNN_INTERRUPTED */
    void *context;
    int keep_going;           /* train on where the loss is not finite; else FCNN_DIVERGED */
    const float *targets;     /* (n, classes) in place of y, for the losses that take targets; NULL: none */
} fcnn_fit_options;

/* Trains on n images x (n,h,w,c) with labels y (n), or with y NULL on options->targets: finite numbers, with
 * categorical cross-entropy probabilities (a sum further than 0.001 from 1 is FCNN_BAD_DATA). Labels train with every
 * loss: as targets that are 0 but for a 1 at the label. Targets are refused with the sparse loss.
 * history: NULL, or one entry per epoch finished. Shuffling depends
 * on seed and epoch alone. The weights after FCNN_INTERRUPTED are those of the last finished step.
 *
 * An epoch that was stopped, by a callback or by a failure, is under way: the next call on the same data in the same
 * way goes on behind its last finished step, and so does the first call after fcnn_model_set_state() with such a state.
 * The rest of it counts as one of options->epochs; in callbacks and history its metrics are those of the whole epoch,
 * its seconds those of the rest. A call on other data or in another way begins that epoch anew, and so does one after
 * weights were set. FCNN_BAD_ARGUMENT: the state is behind the end of an epoch of these images and batches.
 *
 * FCNN_DIVERGED: the loss of a step is not finite (that step is not taken), or at the end of an epoch a weight or the
 * validation loss is not. The receipt tells the step; with keep_going too, where training goes on.
 *
 * A callback runs on the thread that called fcnn_fit(), between two steps. It may call fcnn_evaluate(), fcnn_predict()
 * and all that reads from or writes to the model's weights and state, and anything with other models. fcnn_fit() is
 * refused (FCNN_BAD_ARGUMENT), and the model must not be destroyed. */
FCNN_API fcnn_status fcnn_fit_sized(fcnn_model *model, const float *x, const int32_t *y, int64_t n,
                                    const fcnn_fit_options *options, size_t size, fcnn_progress *history,
                                    size_t history_size);
FCNN_INLINE fcnn_status fcnn_fit(fcnn_model *model, const float *x, const int32_t *y, int64_t n,
                                   const fcnn_fit_options *options, fcnn_progress *history)
{
    return fcnn_fit_sized(model, x, y, n, options, sizeof *options, history, sizeof *history);
}

/* Means over n images. An image is correct if its largest prediction is that of its label, or of its largest target
 * (the first of equals); with targets of a single number none is. One whose predictions are NaN is not. Labels and
 * targets are as for fcnn_fit(). */
FCNN_API fcnn_status fcnn_evaluate_sized(fcnn_model *model, const float *x, const int32_t *y, int64_t n,
                                         fcnn_metrics *metrics, size_t size);
FCNN_INLINE fcnn_status fcnn_evaluate(fcnn_model *model, const float *x, const int32_t *y, int64_t n,
                                        fcnn_metrics *metrics)
{
    return fcnn_evaluate_sized(model, x, y, n, metrics, sizeof *metrics);
}
FCNN_API fcnn_status fcnn_evaluate_targets_sized(fcnn_model *model, const float *x, const float *targets, int64_t n,
                                                 fcnn_metrics *metrics, size_t size);
FCNN_INLINE fcnn_status fcnn_evaluate_targets(fcnn_model *model, const float *x, const float *targets, int64_t n,
                                              fcnn_metrics *metrics)
{
    return fcnn_evaluate_targets_sized(model, x, targets, n, metrics, sizeof *metrics);
}
/* probabilities (n, classes); with the mean squared error the last layer's outputs. */
FCNN_API fcnn_status fcnn_predict(fcnn_model *model, const float *x, int64_t n, float *probabilities);

/* Threads that trained in the last fcnn_fit(): at most options.threads and the number of shards, fewer where the system
 * gave no more, one inside an OpenMP parallel region. 0: none yet. */
FCNN_API int fcnn_model_threads(const fcnn_model *model);

/* Measures, once, the problems of training steps with batches of `batch` images, and of evaluating (fastcnn_tuning.h:
 * one call of fcnn_tune() for each that the table does not have, with one thread as they run; progress and seconds are
 * those of one problem). What was measured goes into the table of the model's options. Weights, state and every later
 * result are as without. *measured (may be NULL): problems that were not in the table. FCNN_BAD_ARGUMENT: within
 * fcnn_fit(). */
FCNN_API fcnn_status fcnn_model_tune_sized(fcnn_model *model, int64_t batch, const fcnn_tune_options *tune,
                                           size_t tune_size, int *measured);
FCNN_INLINE fcnn_status fcnn_model_tune(fcnn_model *model, int64_t batch, const fcnn_tune_options *tune, int *measured)
{
    return fcnn_model_tune_sized(model, batch, tune, sizeof *tune, measured);
}

/* What layer 0 .. fcnn_model_layers()-1 of a compiled model gives for n images x (n, h, w, c): outputs (n, h, w, c) of
 * the h, w, c of its fcnn_layer_info, its activation included. Of the last layer: before softmax. Computes all layers
 * up to that one by themselves, so it costs memory and is not fast. FCNN_BAD_ARGUMENT, FCNN_OUT_OF_MEMORY. */
FCNN_API fcnn_status fcnn_model_outputs(const fcnn_model *model, int layer, const float *x, int64_t n, float *outputs);

/* ---- what runs ---- */

/* Multiply-adds times two of one image: forward, and a whole training step (no gradient for the network's input). */
FCNN_API double fcnn_model_flops(const fcnn_model *model, int training);

/* One line per fused layer of `fastcnn info`: the problem (forward, for a shard of 8 images) and the kernels chosen, in
 * order; then loss, gradient sum and optimizer. Returns FCNN_BAD_ARGUMENT past the last line. `text` as in snprintf. */
FCNN_API fcnn_status fcnn_model_kernels(fcnn_model *model, int line, char *text, size_t size);

#ifdef __cplusplus
}
#endif
#endif
