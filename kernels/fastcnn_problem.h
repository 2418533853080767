/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The vocabulary that kernels, library and callers share: what a problem is, which arrays an execution reads and
 * writes. Included by fastcnn.h, which has the functions; kernels include this header and nothing else of the library.
 *
 * Letters: N images of H x W pixels with C channels; K output channels; R x S filter or window; P x Q output.
 * Layouts: images NHWC, filters RSCK (Keras' HWIO), dense weights CK. All tensors are dense float32 arrays. */
#ifndef FASTCNN_PROBLEM_H
#define FASTCNN_PROBLEM_H

#include <stddef.h>
#include <stdint.h>

/* Structs grow at their ends and enums get new members with new values: fastcnn.h says how that is made to work. So no
 * member counts the others; what a caller does not know is best met with a default: in a switch, or by the names that
 * fcnn_op_name() and its like give for every value. */

/* ---- problems ---- */

typedef enum fcnn_op {
    FCNN_CONV2D = 0,        /* convolution (cross-correlation, as in every framework) + bias, optionally ReLU */
    FCNN_CONV2D_POOL = 1,   /* convolution + bias + ReLU + max pooling 2x2 stride 2 (valid) as one operation */
    FCNN_DENSE = 2,         /* dst[n,k] = sum_c src[n,c] weights[c,k] + bias[k], optionally ReLU */
    FCNN_MAXPOOL = 3,
    FCNN_AVGPOOL = 4,
    FCNN_RELU = 5,
    FCNN_SOFTMAX = 6,       /* over C, for each of N rows */
    FCNN_CROSS_ENTROPY = 7, /* softmax + sparse categorical cross-entropy */
    FCNN_REDUCE = 8,        /* dst[c] = sum over n of src[n,c], along the fixed binary tree of docs/numerics.md */
    FCNN_ADAM = 9,
    FCNN_SGD = 10,
    FCNN_SIGMOID = 11,      /* 1 / (1 + exp(-x)) */
    FCNN_TANH = 12,
    FCNN_DROPOUT = 13,      /* sets a share of the elements to 0 and scales the others: fcnn_hyper */
    FCNN_MSE = 14,          /* mean over C of the squared differences from targets */
    FCNN_CATEGORICAL_CROSS_ENTROPY = 15, /* softmax + cross-entropy with a distribution in place of a label */
    FCNN_BATCH_SUMS = 20,   /* per channel, over all pixels of all images: m, their mean; sums of x - m and (x - m)^2 */
    FCNN_BATCH_NORM = 21,   /* batch normalization with given mean and variance */
    FCNN_RMSPROP = 22,
} fcnn_op;

typedef enum fcnn_direction {
    FCNN_FORWARD = 0,
    FCNN_BACKWARD_DATA = 1,    /* gradient with respect to src */
    FCNN_BACKWARD_WEIGHTS = 2, /* gradients with respect to weights and bias */
    FCNN_UPDATE = 3,           /* optimizers */
} fcnn_direction;

typedef enum fcnn_activation {
    FCNN_LINEAR = 0,
    FCNN_RELU_ACTIVATION = 1,
    FCNN_SIGMOID_ACTIVATION = 2, /* these three: in layers of models only, no problem has them */
    FCNN_TANH_ACTIVATION = 3,
    FCNN_SOFTMAX_ACTIVATION = 4,
} fcnn_activation;

typedef enum fcnn_padding {
    FCNN_PAD_EXPLICIT = 0, /* the four pad_ fields (all 0: no padding) */
    FCNN_PAD_VALID = 1,    /* no padding, whatever the pad_ fields say */
    FCNN_PAD_SAME = 2,     /* TensorFlow's: P = ceil(H / stride); the odd row and column go to the bottom and right */
} fcnn_padding;

/* n of an empty batch, for 0 means "not set". Its plans run and return FCNN_OK: they read nothing and leave alone what
 * has one entry per image (those tensors may be NULL); sums over the images (d_weights, d_bias, reduce's dst) are 0. */
#define FCNN_EMPTY INT64_MIN

/* One problem. Zero-initialise it and set what applies; 0 in stride, dilation and groups means 1
 * (a stride of 0 in pooling means the window's size, as in Keras), 0 in n, h, w, r, s means 1.
 * fcnn_problem_check() makes equal what means the same: padding that no window reaches becomes 0, a dilation of a
 * single row or column 1, a stride that is never made no larger than padded input and window together. Sizes are below
 * 2^31; a tensor, and an image with its padding, have at most 2^40 elements.
 * Which fields an operation reads:
 *   conv2d, conv2d_pool   n h w c k r s stride dilation pad groups no_bias (activation: conv2d only)
 *   dense                 n c k no_bias activation
 *   maxpool avgpool       n h w c r s stride pad
 *   relu, sigmoid, tanh, dropout, adam, sgd, rmsprop   n h w c (their product counts)
 *   batch_sums batch_norm n h w c (n h w: the pixels)
 *   softmax, (categorical) cross-entropy, mse, reduce   n c
 * Others are ignored. p and q (size of the output, after pooling for conv2d_pool) are computed by fcnn_problem_check();
 * if they are set beforehand for an operation with a window they must agree. */
typedef struct fcnn_problem {
    fcnn_op op;
    fcnn_direction direction;
    int64_t n, h, w, c;
    int64_t k, r, s;
    int64_t stride_h, stride_w;
    int64_t dilation_h, dilation_w; /* 1: no dilation */
    fcnn_padding padding;
    int64_t pad_top, pad_left, pad_bottom, pad_right;
    int64_t groups;
    int no_bias; /* 1: no bias in the forward pass, no bias gradient in the backward pass */
    fcnn_activation activation;
    int64_t p, q;
} fcnn_problem;

/* ---- instruction sets and numerics classes ---- */

/* The order of the values means nothing. */
typedef enum fcnn_isa {
    FCNN_SCALAR = 0,
    FCNN_AVX2 = 1,
    FCNN_AVX512 = 2,
    FCNN_NEON = 3,
} fcnn_isa;

/* Numerics classes (docs/numerics.md). Dispatch stays inside the classes a plan allows; default: exact alone. */
typedef enum fcnn_class {
    FCNN_EXACT = 0,
    FCNN_WINOGRAD_F2 = 1,
    FCNN_WINOGRAD_F4 = 2,
    FCNN_BF16 = 3,
} fcnn_class;

/* ---- tensors ---- */

/* Scalars of optimizers, losses and dropout. */
typedef struct fcnn_hyper {
    float learning_rate;
    float beta_1, beta_2, epsilon;      /* Adam; epsilon: RMSprop, batch_norm too */
    float beta_1_power, beta_2_power;   /* Adam: beta^t of this step, t = 1, 2, ... (by repeated multiplication) */
    float momentum;                     /* SGD, RMSprop */
    float scale;                        /* losses backward: usually 1 / batch size; batch_norm backward_data: 1 /
                                         * pixels of the whole batch */
    /* Dropout: element e of the tensor is kept, and multiplied by 1 / (1 - rate), if word number dropout_counter + e
     * (modulo 2^64) of the stream that belongs to the seed is at least rate 2^32; else it becomes 0. The backward pass
     * with the same three scalars has the same mask. A tensor of n elements uses the numbers up to
     * dropout_counter + n - 1: give each tensor of a run numbers of its own. */
    uint64_t dropout_seed, dropout_counter;
    float dropout_rate;                 /* the share that is dropped: 0 to below 1 */
    int nesterov;                       /* SGD: 1: Nesterov's momentum */
    float weight_decay;                 /* Adam: AdamW's; 0: none */
    float rho;                          /* RMSprop */
} fcnn_hyper;

/* The arrays of one execution. Which ones an operation reads (in) and overwrites (out):
 *   conv2d forward           in src weights bias             out dst
 *   conv2d backward_data     in weights d_dst [dst if relu]  out d_src
 *   conv2d backward_weights  in src d_dst [dst if relu]      out d_weights d_bias
 *   conv2d_pool forward      in src weights bias             out dst choice
 *   conv2d_pool backward     as conv2d, but reads choice in place of dst; d_dst is (N,P,Q,K), pooled
 *   dense                    as conv2d
 *   maxpool forward          in src                          out dst argmax
 *   maxpool backward_data    in argmax d_dst                 out d_src
 *   avgpool                  forward: src -> dst;  backward_data: d_dst -> d_src
 *   relu                     forward: src -> dst (may be src);  backward_data: dst d_dst -> d_src (may be d_dst)
 *   sigmoid, tanh            as relu
 *   dropout                  forward: src -> dst (may be src);  backward_data: d_dst -> d_src (may be d_dst); hyper
 *   softmax forward          in src (N,C)                    out dst
 *   cross_entropy forward    in src (N,C) labels             out dst (probabilities) loss (N)
 *   cross_entropy backward   in dst labels hyper->scale      out d_src = (dst - onehot(labels)) * scale
 *   categorical_cross_entropy forward   in src (N,C) targets (N,C)  out dst (probabilities) loss (N)
 *   categorical_cross_entropy backward  in dst targets hyper->scale out d_src = (dst - targets) * scale; exact where
 *                            each row of targets has the sum 1
 *   mse forward              in src (N,C) targets (N,C)      out loss (N)
 *   mse backward             in src targets hyper->scale     out d_src = (src - targets) * (2 scale / C)
 *   reduce forward           in src (N,C)                    out dst (C)
 *   batch_sums forward       in src                          out dst (3,C): m, sums of x - m, sums of (x - m)^2
 *   batch_norm forward       in src mean variance weights (gamma) bias (beta) hyper->epsilon
 *                                                            out dst
 *   batch_norm backward_weights  in src mean variance d_dst hyper->epsilon
 *                                                            out d_weights d_bias: this problem's part of the sums
 *   batch_norm backward_data in src mean variance weights d_dst d_weights d_bias (of the whole batch)
 *                            hyper->epsilon hyper->scale     out d_src
 *   adam update              in d_weights hyper              in/out parameters moment_1 moment_2
 *   sgd update               in d_weights hyper              in/out parameters moment_1
 *   rmsprop update           in d_weights hyper              in/out parameters moment_1 (momentum) moment_2 (squares)
 * Shapes: src, d_src (N,H,W,C); dst, d_dst (N,P,Q,K) (pooling: K = C); weights (R,S,C/groups,K); bias (K);
 * of batch_norm: mean, variance, weights, bias and their gradients (C);
 * argmax (N,P,Q,C): the index r*S+s of the winner in its window, -1 if the window holds padding alone;
 * choice (N,P,Q,ceil(K/16),3): for 16 channels three words of one bit per channel: bit 0 and bit 1 of the winner's
 * index in the 2x2 window, and "alive" (output not 0).
 * Unused members stay NULL. Apart from the cases named for relu and its like nothing may overlap. */
typedef struct fcnn_tensors {
    const float *src, *weights, *bias;
    float *dst;
    const float *d_dst;
    float *d_src, *d_weights, *d_bias;
    uint16_t *choice;
    int32_t *argmax;
    const int32_t *labels;
    float *loss;
    float *parameters, *moment_1, *moment_2;
    const fcnn_hyper *hyper; /* losses backward, batch_norm, dropout, optimizers */
    const void *packed; /* from fcnn_pack(); NULL: packed within the call */
    void *workspace;    /* fcnn_plan_workspace() bytes, 64-byte aligned; NULL: the plan's own */
    const float *targets;
    const float *mean, *variance; /* batch_norm: of the batch, or moving averages */
} fcnn_tensors;

typedef enum fcnn_role {
    FCNN_IN = 0,    /* read */
    FCNN_OUT = 1,   /* overwritten, never read */
    FCNN_INOUT = 2, /* read and overwritten */
} fcnn_role;

/* One tensor of a problem, from fcnn_problem_tensors(). */
typedef struct fcnn_tensor_info {
    const char *name;    /* "src": the member of fcnn_tensors */
    size_t offset;       /* of that member, which is a pointer */
    size_t element_size; /* bytes: 4, or 2 for choice */
    int64_t elements;    /* 0: the batch is empty, the pointer may be NULL */
    fcnn_role role;
} fcnn_tensor_info;

#endif
