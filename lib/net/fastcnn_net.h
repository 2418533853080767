/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Networks in Keras' words: layers, compile, fit, evaluate, predict, and the receipt of a training run.
 * Part of fastcnn.h, which includes it. */
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

/* Layers in order. FCNN_BAD_SHAPE if a layer's output would be empty. A conv2d with ReLU that is followed by a maxpool
 * 2x2 (stride 2, valid) becomes one fused conv2d_pool, always, because the fusion defines the order of the gradient
 * sums. */
FCNN_API fcnn_status fcnn_add_conv2d(fcnn_model *model, int64_t filters, int64_t r, int64_t s, int64_t stride,
                                     fcnn_padding padding, fcnn_activation activation);
FCNN_API fcnn_status fcnn_add_maxpool2d(fcnn_model *model, int64_t r, int64_t s);
FCNN_API fcnn_status fcnn_add_avgpool2d(fcnn_model *model, int64_t r, int64_t s);
FCNN_API fcnn_status fcnn_add_flatten(fcnn_model *model);
FCNN_API fcnn_status fcnn_add_dense(fcnn_model *model, int64_t units, fcnn_activation activation);

typedef enum fcnn_optimizer { FCNN_OPTIMIZER_ADAM, FCNN_OPTIMIZER_SGD } fcnn_optimizer;

/* How a model is compiled. Zeros mean the defaults of Keras: Adam 1e-3, 0.9, 0.999, 1e-7; SGD 1e-2, momentum 0. */
typedef struct fcnn_compile_options {
    fcnn_optimizer optimizer;
    float learning_rate, beta_1, beta_2, epsilon, momentum;
    uint64_t seed;        /* of the initial weights (Glorot uniform, biases 0) and of the shuffling */
    int shards;           /* per batch, at most 1024; 0: 8. Part of the receipt: it defines the order of the gradient
                           * sums. */
    const fcnn_options *kernels; /* for every plan of the model, NULL: defaults; .threads: worker threads of the model,
                           * of which no more train than there are shards */
} fcnn_compile_options;

/* Fixes the layers, draws the weights. The last layer must be dense and linear: softmax and sparse categorical
 * cross-entropy are added by the model. */
FCNN_API fcnn_status fcnn_compile(fcnn_model *model, const fcnn_compile_options *options);

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
} fcnn_fit_options;

/* Trains on n images x (n,h,w,c) with labels y (n). history: NULL, or one entry per epoch finished. Shuffling depends
 * on seed and epoch alone. The weights after FCNN_INTERRUPTED are those of the last finished step. */
FCNN_API fcnn_status fcnn_fit(fcnn_model *model, const float *x, const int32_t *y, int64_t n,
                              const fcnn_fit_options *options, fcnn_progress *history);
FCNN_API fcnn_status fcnn_evaluate(fcnn_model *model, const float *x, const int32_t *y, int64_t n,
                                   fcnn_metrics *metrics);
/* probabilities (n, classes) */
FCNN_API fcnn_status fcnn_predict(fcnn_model *model, const float *x, int64_t n, float *probabilities);

/* Threads that trained in the last fcnn_fit(): at most options.threads and the number of shards, fewer where the system
 * gave no more, one inside an OpenMP parallel region. 0: none yet. */
FCNN_API int fcnn_model_threads(const fcnn_model *model);

FCNN_API int64_t fcnn_model_parameters(const fcnn_model *model);
/* All weights as one array, layer by layer, each layer's weights, then its bias: copies out / in `count` floats. */
FCNN_API fcnn_status fcnn_model_get_weights(const fcnn_model *model, float *weights, int64_t count);
FCNN_API fcnn_status fcnn_model_set_weights(fcnn_model *model, const float *weights, int64_t count);

/* Multiply-adds times two of one image: forward, and a whole training step (no gradient for the network's input). */
FCNN_API double fcnn_model_flops(const fcnn_model *model, int training);

/* One line per layer of `fastcnn info`: the problem (forward, for a shard of 8 images) and the kernels chosen, in layer
 * order; then loss, gradient sum and optimizer. Returns FCNN_BAD_ARGUMENT past the last line. `text` as in snprintf. */
FCNN_API fcnn_status fcnn_model_kernels(fcnn_model *model, int line, char *text, size_t size);

/* What a training run depended on and produced. */
typedef struct fcnn_receipt {
    char weights[33];  /* 128-bit XXH3 of all parameters, little-endian floats, -0 as +0; hexadecimal */
    char data[33];     /* the same over the training data (x, then y) of the last fcnn_fit() */
    uint64_t seed;
    int shards;
    int64_t steps;     /* optimizer steps so far */
    char classes[64];  /* numerics classes of all kernels used, e.g. "exact" */
    char versions[96]; /* fcnn_version_details() */
} fcnn_receipt;
FCNN_API fcnn_status fcnn_model_receipt(const fcnn_model *model, fcnn_receipt *receipt);

/* The Keras tutorial network for 28x28x1 images and 10 classes: Conv2D 32 3x3 ReLU, MaxPool, Conv2D 64 3x3 ReLU,
 * MaxPool, Conv2D 64 3x3 ReLU, Flatten, Dense 64 ReLU, Dense 10. Not compiled yet. */
FCNN_API fcnn_status fcnn_model_mnist(fcnn_model **model);

#ifdef __cplusplus
}
#endif
#endif
