/* SPDX-License-Identifier: BSD-2-Clause
 *
 * libfastcnn: kernels of convolutional networks for CPUs, forward and backward, with one promise:
 * every kernel of class `exact` computes the same bits on every instruction set and at any number of threads.
 *
 * The way of working is FFTW's: describe a problem, plan it once, execute the plan many times.
 *
 *     fcnn_problem p = {.op = FCNN_CONV2D, .direction = FCNN_FORWARD, .n = 64, .h = 13, .w = 13, .c = 32,
 *                       .k = 64, .r = 3, .s = 3, .activation = FCNN_RELU_ACTIVATION};
 *     fcnn_plan *plan;
 *     if (fcnn_plan_create(&plan, &p, NULL) != FCNN_OK) puts(fcnn_last_error());
 *     fcnn_execute(plan, &(fcnn_tensors){.src = x, .weights = w, .bias = b, .dst = y});
 *     fcnn_plan_destroy(plan);
 *
 * Letters: N images of H x W pixels with C channels; K output channels; R x S filter or window; P x Q output.
 * Layouts: images NHWC, filters RSCK (Keras' HWIO), dense weights CK. All tensors are dense float32 arrays.
 * Threads: every function may be called from any thread. A plan may be executed by several threads at a time
 * if each brings its own workspace (fcnn_tensors.workspace); creating and destroying plans is always safe.
 * Errors: functions return a status; fcnn_last_error() has the sentence for people. Nothing here prints
 * (except what FASTCNN_VERBOSE asks for, on stderr), exits or aborts. The numerics contract: docs/numerics.md. */
#ifndef FASTCNN_H
#define FASTCNN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define FCNN_API __attribute__((visibility("default")))
#else
#define FCNN_API
#endif

/* ---- status ---- */

typedef enum fcnn_status {
    FCNN_OK = 0,
    FCNN_BAD_ARGUMENT,  /* a NULL or out-of-range argument, a missing tensor */
    FCNN_BAD_SHAPE,     /* a size is zero or negative, the output would be empty, or sizes overflow */
    FCNN_BAD_SETTING,   /* FASTCNN_ISA, FASTCNN_KERNEL, FASTCNN_MATH or a thread count cannot be understood */
    FCNN_NO_KERNEL,     /* no kernel that is allowed and available serves the problem */
    FCNN_OUT_OF_MEMORY,
    FCNN_BAD_DATA,      /* a file or a tensor's content is not what it should be (label out of range, bad magic) */
    FCNN_NO_FILE,       /* a file is missing or cannot be read */
    FCNN_INTERRUPTED,   /* a callback asked to stop */
} fcnn_status;

/* A constant phrase for a status, e.g. "bad shape". Never NULL. */
FCNN_API const char *fcnn_status_text(fcnn_status status);

/* The sentence that explains the last failure in this thread: what was wrong, what was expected, what was found.
 * Owned by the library, valid until the next fcnn call of this thread. "" if nothing failed yet. */
FCNN_API const char *fcnn_last_error(void);

/* "0.1.0"; and what the numbers depend on: "fastcnn 0.1.0, numerics 1, SLEEF 3.5.1". */
FCNN_API const char *fcnn_version(void);
FCNN_API const char *fcnn_version_details(void);

/* ---- problems ---- */

typedef enum fcnn_op {
    FCNN_CONV2D,        /* convolution (cross-correlation, as in every framework) + bias, optionally ReLU */
    FCNN_CONV2D_POOL,   /* convolution + bias + ReLU + max pooling 2x2 stride 2 (valid) as one operation */
    FCNN_DENSE,         /* dst[n,k] = sum_c src[n,c] weights[c,k] + bias[k], optionally ReLU */
    FCNN_MAXPOOL,
    FCNN_AVGPOOL,
    FCNN_RELU,
    FCNN_SOFTMAX,       /* over C, for each of N rows */
    FCNN_CROSS_ENTROPY, /* softmax + sparse categorical cross-entropy */
    FCNN_REDUCE,        /* dst[c] = sum over n of src[n,c], along the fixed binary tree of docs/numerics.md */
    FCNN_ADAM,
    FCNN_SGD,
    FCNN_OPS
} fcnn_op;

typedef enum fcnn_direction {
    FCNN_FORWARD,
    FCNN_BACKWARD_DATA,    /* gradient with respect to src */
    FCNN_BACKWARD_WEIGHTS, /* gradients with respect to weights and bias */
    FCNN_UPDATE,           /* optimizers */
    FCNN_DIRECTIONS
} fcnn_direction;

typedef enum fcnn_activation { FCNN_LINEAR, FCNN_RELU_ACTIVATION } fcnn_activation;

typedef enum fcnn_padding {
    FCNN_PAD_EXPLICIT, /* the four pad_ fields (all 0: no padding) */
    FCNN_PAD_VALID,    /* no padding, whatever the pad_ fields say */
    FCNN_PAD_SAME,     /* TensorFlow's: P = ceil(H / stride); the odd row and column go to the bottom and right */
} fcnn_padding;

/* One problem. Zero-initialise it and set what applies; 0 in stride, dilation and groups means 1
 * (a stride of 0 in pooling means the window's size, as in Keras), 0 in n, h, w, r, s means 1.
 * Which fields an operation reads:
 *   conv2d, conv2d_pool   n h w c k r s stride dilation pad groups no_bias (activation: conv2d only)
 *   dense                 n c k no_bias activation
 *   maxpool avgpool       n h w c r s stride pad
 *   relu, adam, sgd       n h w c (their product counts)
 *   softmax, cross-entropy, reduce   n c
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

/* Completes a problem in place (defaults, padding, p, q) and checks it: FCNN_OK, FCNN_BAD_ARGUMENT or
 * FCNN_BAD_SHAPE. */
FCNN_API fcnn_status fcnn_problem_check(fcnn_problem *problem);

/* Reads "conv2d+relu forward mb64ic32ih13oc64oh11kh3ph0" (operation, direction, sizes in the syntax of oneDNN's
 * benchdnn: g mb ic ih iw oc oh ow kh kw sh sw ph pw dh dw; a missing width equals its height; dh0 means no dilation;
 * a bottom pad that differs from ph follows from oh). Operations: conv2d, conv2d+relu, conv2d+relu+maxpool, dense,
 * dense+relu, maxpool, avgpool, relu, softmax, cross_entropy, reduce, adam, sgd; directions: forward, backward_data,
 * backward_weights, update. A last word "nobias" drops the bias. The result has passed fcnn_problem_check(). */
FCNN_API fcnn_status fcnn_problem_parse(fcnn_problem *problem, const char *text);

/* Writes the same syntax (checked problems only); at most `size` bytes with the NUL. Returns the length needed, as
 * snprintf. */
FCNN_API int fcnn_problem_format(const fcnn_problem *problem, char *text, size_t size);

/* Multiply-adds of the direct algorithm times two; padding is not counted. 0 for operations without multiply-adds. */
FCNN_API double fcnn_problem_flops(const fcnn_problem *problem);

/* ---- tensors ---- */

/* Scalars of optimizers and losses. */
typedef struct fcnn_hyper {
    float learning_rate;
    float beta_1, beta_2, epsilon;      /* Adam */
    float beta_1_power, beta_2_power;   /* Adam: beta^t of this step, t = 1, 2, ... (by repeated multiplication) */
    float momentum;                     /* SGD */
    float scale;                        /* cross-entropy backward: usually 1 / batch size */
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
 *   softmax forward          in src (N,C)                    out dst
 *   cross_entropy forward    in src (N,C) labels             out dst (probabilities) loss (N)
 *   cross_entropy backward   in dst labels hyper.scale       out d_src = (dst - onehot(labels)) * scale
 *   reduce forward           in src (N,C)                    out dst (C)
 *   adam update              in d_weights hyper              in/out parameters moment_1 moment_2
 *   sgd update               in d_weights hyper              in/out parameters moment_1
 * Shapes: src, d_src (N,H,W,C); dst, d_dst (N,P,Q,K) (pooling: K = C); weights (R,S,C/groups,K); bias (K);
 * argmax (N,P,Q,C): the index r*S+s of the winner in its window, -1 if the window holds padding alone;
 * choice (N,P,Q,ceil(K/16),3): for 16 channels three words of one bit per channel: bit 0 and bit 1 of the winner's
 * index in the 2x2 window, and "alive" (output not 0).
 * Unused members stay NULL. Apart from the two cases named for relu nothing may overlap. */
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
    fcnn_hyper hyper;
    const void *packed; /* from fcnn_pack(); NULL: packed within the call */
    void *workspace;    /* fcnn_plan_workspace() bytes, 64-byte aligned; NULL: the plan's own */
} fcnn_tensors;

/* ---- kernels and plans ---- */

typedef enum fcnn_isa { FCNN_SCALAR, FCNN_AVX2, FCNN_AVX512, FCNN_NEON, FCNN_ISAS } fcnn_isa;

/* Numerics classes (docs/numerics.md). Dispatch stays inside the classes a plan allows; default: exact alone. */
typedef enum fcnn_class { FCNN_EXACT, FCNN_WINOGRAD_F2, FCNN_WINOGRAD_F4, FCNN_BF16, FCNN_CLASSES } fcnn_class;

/* Zero-initialise. What is 0 or NULL here comes from the environment, then from the machine. */
typedef struct fcnn_options {
    int threads;        /* else FASTCNN_NUM_THREADS, else OpenMP's number. Inside a parallel region always 1. */
    const char *isa;    /* "scalar" "avx2" "avx512" "neon": use nothing beyond; else FASTCNN_ISA; else all the CPU
                         * has */
    const char *math;   /* "exact", "winograd_f2", "winograd_f4", comma separated; else FASTCNN_MATH; else "exact" */
    const char *kernel; /* kernels to pin, comma separated, each for its own operation and direction; an entry with a
                         * '*' ("*_naive", "*_im2col_*") is a wish that is passed over where none of its kernels can
                         * serve; else FASTCNN_KERNEL */
} fcnn_options;

typedef struct fcnn_plan fcnn_plan;

/* Chooses a kernel for a problem (completed by fcnn_problem_check() on a copy) and prepares all that does not depend on
 * the tensors. *plan is NULL after a failure. Destroy with fcnn_plan_destroy(). */
FCNN_API fcnn_status fcnn_plan_create(fcnn_plan **plan, const fcnn_problem *problem, const fcnn_options *options);
FCNN_API void fcnn_plan_destroy(fcnn_plan *plan); /* NULL is fine */

FCNN_API const char *fcnn_plan_kernel(const fcnn_plan *plan); /* the kernel's name, e.g. "conv2d_fwd_direct_avx512" */
FCNN_API int fcnn_plan_threads(const fcnn_plan *plan);
FCNN_API size_t fcnn_plan_workspace(const fcnn_plan *plan); /* bytes */
FCNN_API size_t fcnn_plan_packed(const fcnn_plan *plan);    /* bytes fcnn_pack() writes; 0: this kernel packs nothing */

/* Runs the plan. FCNN_BAD_ARGUMENT names a missing tensor; FCNN_BAD_DATA a label outside 0..C-1 (nothing is written
 * then); FCNN_OUT_OF_MEMORY cannot happen: memory is the plan's since its creation. */
FCNN_API fcnn_status fcnn_execute(const fcnn_plan *plan, const fcnn_tensors *tensors);

/* Rewrites weights and bias into the kernel's own layout, for many executions between two changes of the weights.
 * `packed`: fcnn_plan_packed() bytes, 64-byte aligned, owned by the caller. */
FCNN_API fcnn_status fcnn_pack(const fcnn_plan *plan, const float *weights, const float *bias, void *packed);

/* The table of kernels, in its order. Index 0 .. fcnn_kernel_count()-1. */
typedef struct fcnn_kernel_info {
    const char *name;
    fcnn_op op;
    fcnn_direction direction;
    fcnn_isa isa;
    fcnn_class numerics;
    const char *missing; /* NULL: this CPU can run it; else why not, e.g. "this CPU has no AVX2 with FMA" */
} fcnn_kernel_info;

FCNN_API int fcnn_kernel_count(void);
FCNN_API fcnn_kernel_info fcnn_kernel_describe(int index);
FCNN_API const char *fcnn_op_name(fcnn_op op);
FCNN_API const char *fcnn_direction_name(fcnn_direction direction);
FCNN_API const char *fcnn_isa_name(fcnn_isa isa);
FCNN_API const char *fcnn_class_name(fcnn_class numerics);

/* Why kernel `index` would not be taken for a problem under the given options (NULL: defaults): "" if it can be used,
 * else the reason. Owned by the library; valid until the next call of this thread. */
FCNN_API const char *fcnn_kernel_reason(int index, const fcnn_problem *problem, const fcnn_options *options);

/* Why kernel `index`, though it can be used, is expected to be slower for a problem than another one of its instruction
 * set, and is taken only where it is alone or asked for by name; "" if nothing speaks against it. A constant. */
FCNN_API const char *fcnn_kernel_doubt(int index, const fcnn_problem *problem);

/* Checks isa, math, kernel names and threads, from the options and the environment, without planning anything. */
FCNN_API fcnn_status fcnn_options_check(const fcnn_options *options);

/* What dispatch knows of this machine. */
typedef struct fcnn_machine {
    char cpu[64];                  /* brand string */
    unsigned isas;                 /* bit i: fcnn_isa i can be used */
    int cores;                     /* usable by this process */
    long l1d, l2, l3;              /* bytes per core, per core, shared; 0: unknown */
    const char *features;          /* "sse4.2 avx2 fma avx512f avx512bw ...": this thread's, until its next call */
} fcnn_machine;
FCNN_API void fcnn_machine_describe(fcnn_machine *machine);

/* Repeats fused multiply-adds from registers with the given instruction set for about `seconds`; returns the measured
 * GFLOP/s of the calling thread: the denominator of every "% of peak". 0 if this CPU cannot run that instruction
 * set. */
FCNN_API double fcnn_measure_peak(fcnn_isa isa, double seconds);

/* ---- networks: Keras' words ---- */

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
    fcnn_options kernels; /* for every plan of the model; .threads: worker threads of the model */
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
    fcnn_metrics train, validation;
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
