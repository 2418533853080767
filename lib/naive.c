/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The reference as kernels: every *_naive row of kernels.def. Adapters from problems and tensors to ref_ functions,
 * which pick the images (or elements) of their tasks by moving pointers. They need no memory and one stage. */
#include "kernels/kernel.h"
#include "reference/ref.h"

#define UNUSED __attribute__((unused))
#define RUN(name) \
    static void name##_of(const fcnn_problem *p, const fcnn_tensors *t, int64_t first, int64_t last);                  \
    static void name(const struct fcnn_query *query, const fcnn_tensors *t, const struct fcnn_memory *memory,         \
                     enum fcnn_stage stage, int64_t first, int64_t last)                                               \
    {                                                                                                                  \
        (void)memory, (void)stage;                                                                                     \
        name##_of(query->problem, t, first, last);                                                                     \
    }                                                                                                                  \
    static void name##_of(const fcnn_problem *p, const fcnn_tensors *t, int64_t first UNUSED, int64_t last UNUSED)

#define NAIVE(demands, runs) {.doubt = reference, .demand = demands, .run = runs}

enum { CHUNK = 4096 }; /* elements of one task of an element-wise operation */

static const char *reference(const struct fcnn_query *query UNUSED)
{
    return "the reference: one multiply-add at a time";
}

static void task_per_image(const struct fcnn_query *query, struct fcnn_demand *demand)
{
    demand->tasks[FCNN_COMPUTE] = query->problem->n;
}

static void task_per_chunk(const struct fcnn_query *query, struct fcnn_demand *demand)
{
    const fcnn_problem *p = query->problem;
    demand->tasks[FCNN_COMPUTE] = (p->n * p->h * p->w * p->c + CHUNK - 1) / CHUNK;
}

/* Sums over images are not split. */
static void one_task(const struct fcnn_query *query UNUSED, struct fcnn_demand *demand)
{
    demand->tasks[FCNN_COMPUTE] = 1;
}

/* Where the first image of a task begins; a tensor that the problem does without stays NULL. */
static const float *moved(const float *tensor, int64_t offset)
{
    return tensor ? tensor + offset : NULL;
}

/* ---- convolution ---- */

/* The convolution of `images` images; p and q of the problem are those after pooling. */
static struct ref_conv2d conv2d_of(const fcnn_problem *p, int64_t images)
{
    return (struct ref_conv2d){
        .n = images, .h = p->h, .w = p->w, .c = p->c, .k = p->k, .r = p->r, .s = p->s,
        .stride_h = p->stride_h, .stride_w = p->stride_w, .dilation_h = p->dilation_h, .dilation_w = p->dilation_w,
        .pad_top = p->pad_top, .pad_left = p->pad_left, .groups = p->groups,
        .p = (p->h + p->pad_top + p->pad_bottom - ((p->r - 1) * p->dilation_h + 1)) / p->stride_h + 1,
        .q = (p->w + p->pad_left + p->pad_right - ((p->s - 1) * p->dilation_w + 1)) / p->stride_w + 1,
        .relu = p->activation == FCNN_RELU_ACTIVATION,
    };
}

static int64_t src_image(const fcnn_problem *p)
{
    return p->h * p->w * p->c;
}

static int64_t dst_image(const fcnn_problem *p)
{
    return p->p * p->q * p->k;
}

static int64_t choice_image(const fcnn_problem *p)
{
    return p->p * p->q * ((p->k + 15) / 16) * 3;
}

RUN(conv2d_forward)
{
    const struct ref_conv2d g = conv2d_of(p, last - first);
    ref_conv2d_forward(&g, t->src + first * src_image(p), t->weights, p->no_bias ? NULL : t->bias,
                       t->dst + first * dst_image(p));
}

RUN(conv2d_backward_data)
{
    const struct ref_conv2d g = conv2d_of(p, last - first);
    ref_conv2d_backward_data(&g, t->weights, moved(t->dst, first * dst_image(p)), t->d_dst + first * dst_image(p),
                             t->d_src + first * src_image(p));
}

RUN(conv2d_backward_weights)
{
    const struct ref_conv2d g = conv2d_of(p, p->n);
    ref_conv2d_backward_weights(&g, t->src, t->dst, t->d_dst, t->d_weights, p->no_bias ? NULL : t->d_bias);
}

RUN(conv2d_pool_forward)
{
    const struct ref_conv2d g = conv2d_of(p, last - first);
    ref_conv2d_pool_forward(&g, t->src + first * src_image(p), t->weights, p->no_bias ? NULL : t->bias,
                            t->dst + first * dst_image(p), t->choice + first * choice_image(p));
}

RUN(conv2d_pool_backward_data)
{
    const struct ref_conv2d g = conv2d_of(p, last - first);
    ref_conv2d_pool_backward_data(&g, t->weights, t->choice + first * choice_image(p), t->d_dst + first * dst_image(p),
                                  t->d_src + first * src_image(p));
}

RUN(conv2d_pool_backward_weights)
{
    const struct ref_conv2d g = conv2d_of(p, p->n);
    ref_conv2d_pool_backward_weights(&g, t->src, t->choice, t->d_dst, t->d_weights, p->no_bias ? NULL : t->d_bias);
}

const struct fcnn_variant conv2d_fwd_naive = NAIVE(task_per_image, conv2d_forward);
const struct fcnn_variant conv2d_bwd_data_naive = NAIVE(task_per_image, conv2d_backward_data);
const struct fcnn_variant conv2d_bwd_weights_naive = NAIVE(one_task, conv2d_backward_weights);
const struct fcnn_variant conv2d_pool_fwd_naive = NAIVE(task_per_image, conv2d_pool_forward);
const struct fcnn_variant conv2d_pool_bwd_data_naive = NAIVE(task_per_image, conv2d_pool_backward_data);
const struct fcnn_variant conv2d_pool_bwd_weights_naive = NAIVE(one_task, conv2d_pool_backward_weights);

/* ---- dense ---- */

static struct ref_dense dense_of(const fcnn_problem *p, int64_t images)
{
    return (struct ref_dense){images, p->c, p->k, p->activation == FCNN_RELU_ACTIVATION};
}

RUN(dense_forward)
{
    const struct ref_dense g = dense_of(p, last - first);
    ref_dense_forward(&g, t->src + first * p->c, t->weights, p->no_bias ? NULL : t->bias, t->dst + first * p->k);
}

RUN(dense_backward_data)
{
    const struct ref_dense g = dense_of(p, last - first);
    ref_dense_backward_data(&g, t->weights, moved(t->dst, first * p->k), t->d_dst + first * p->k,
                            t->d_src + first * p->c);
}

RUN(dense_backward_weights)
{
    const struct ref_dense g = dense_of(p, p->n);
    ref_dense_backward_weights(&g, t->src, t->dst, t->d_dst, t->d_weights, p->no_bias ? NULL : t->d_bias);
}

const struct fcnn_variant dense_fwd_naive = NAIVE(task_per_image, dense_forward);
const struct fcnn_variant dense_bwd_data_naive = NAIVE(task_per_image, dense_backward_data);
const struct fcnn_variant dense_bwd_weights_naive = NAIVE(one_task, dense_backward_weights);

/* ---- pooling ---- */

static struct ref_pool pool_of(const fcnn_problem *p, int64_t images)
{
    return (struct ref_pool){
        .n = images, .h = p->h, .w = p->w, .c = p->c, .r = p->r, .s = p->s, .stride_h = p->stride_h,
        .stride_w = p->stride_w, .pad_top = p->pad_top, .pad_left = p->pad_left, .p = p->p, .q = p->q,
    };
}

static int64_t pooled_image(const fcnn_problem *p)
{
    return p->p * p->q * p->c;
}

RUN(maxpool_forward)
{
    const struct ref_pool g = pool_of(p, last - first);
    const int64_t out = first * pooled_image(p);
    ref_maxpool_forward(&g, t->src + first * src_image(p), t->dst + out, t->argmax + out);
}

RUN(maxpool_backward_data)
{
    const struct ref_pool g = pool_of(p, last - first);
    const int64_t out = first * pooled_image(p);
    ref_maxpool_backward_data(&g, t->argmax + out, t->d_dst + out, t->d_src + first * src_image(p));
}

RUN(avgpool_forward)
{
    const struct ref_pool g = pool_of(p, last - first);
    ref_avgpool_forward(&g, t->src + first * src_image(p), t->dst + first * pooled_image(p));
}

RUN(avgpool_backward_data)
{
    const struct ref_pool g = pool_of(p, last - first);
    ref_avgpool_backward_data(&g, t->d_dst + first * pooled_image(p), t->d_src + first * src_image(p));
}

const struct fcnn_variant maxpool_fwd_naive = NAIVE(task_per_image, maxpool_forward);
const struct fcnn_variant maxpool_bwd_data_naive = NAIVE(task_per_image, maxpool_backward_data);
const struct fcnn_variant avgpool_fwd_naive = NAIVE(task_per_image, avgpool_forward);
const struct fcnn_variant avgpool_bwd_data_naive = NAIVE(task_per_image, avgpool_backward_data);

/* ---- element by element: activations, dropout, the optimizers ---- */

/* Elements of chunks first .. last-1. */
static int64_t chunk_elements(const fcnn_problem *p, int64_t first, int64_t last)
{
    const int64_t all = p->n * p->h * p->w * p->c, end = last * CHUNK;
    return (end < all ? end : all) - first * CHUNK;
}

#define ACTIVATION(name)                                                                                               \
    RUN(name##_forward)                                                                                                \
    {                                                                                                                  \
        const int64_t at = first * CHUNK;                                                                              \
        ref_##name##_forward(chunk_elements(p, first, last), t->src + at, t->dst + at);                                \
    }                                                                                                                  \
    RUN(name##_backward_data)                                                                                          \
    {                                                                                                                  \
        const int64_t at = first * CHUNK;                                                                              \
        ref_##name##_backward_data(chunk_elements(p, first, last), t->dst + at, t->d_dst + at, t->d_src + at);         \
    }
ACTIVATION(relu)
ACTIVATION(sigmoid)
ACTIVATION(tanh)

/* Numbers of the random words go on where the chunks before end. */
static void drop(const fcnn_problem *p, const fcnn_hyper *hyper, int64_t first, int64_t last, const float *from,
                 float *to)
{
    const int64_t at = first * CHUNK;
    ref_dropout(chunk_elements(p, first, last), hyper->dropout_seed, hyper->dropout_counter + (uint64_t)at,
                hyper->dropout_rate, from + at, to + at);
}

RUN(dropout_forward)
{
    drop(p, t->hyper, first, last, t->src, t->dst);
}

RUN(dropout_backward_data)
{
    drop(p, t->hyper, first, last, t->d_dst, t->d_src);
}

RUN(adam_update)
{
    const int64_t at = first * CHUNK;
    const fcnn_hyper *hyper = t->hyper;
    ref_adam(chunk_elements(p, first, last), hyper->learning_rate, hyper->weight_decay, hyper->beta_1, hyper->beta_2,
             hyper->epsilon, hyper->beta_1_power, hyper->beta_2_power, t->d_weights + at, t->parameters + at,
             t->moment_1 + at, t->moment_2 + at);
}

RUN(sgd_update)
{
    const int64_t at = first * CHUNK;
    ref_sgd(chunk_elements(p, first, last), t->hyper->learning_rate, t->hyper->momentum, t->hyper->nesterov,
            t->d_weights + at, t->parameters + at, t->moment_1 + at);
}

RUN(rmsprop_update)
{
    const int64_t at = first * CHUNK;
    const fcnn_hyper *hyper = t->hyper;
    ref_rmsprop(chunk_elements(p, first, last), hyper->learning_rate, hyper->rho, hyper->momentum, hyper->epsilon,
                t->d_weights + at, t->parameters + at, t->moment_1 + at, t->moment_2 + at);
}

const struct fcnn_variant relu_fwd_naive = NAIVE(task_per_chunk, relu_forward);
const struct fcnn_variant relu_bwd_data_naive = NAIVE(task_per_chunk, relu_backward_data);
const struct fcnn_variant sigmoid_fwd_naive = NAIVE(task_per_chunk, sigmoid_forward);
const struct fcnn_variant sigmoid_bwd_data_naive = NAIVE(task_per_chunk, sigmoid_backward_data);
const struct fcnn_variant tanh_fwd_naive = NAIVE(task_per_chunk, tanh_forward);
const struct fcnn_variant tanh_bwd_data_naive = NAIVE(task_per_chunk, tanh_backward_data);
const struct fcnn_variant dropout_fwd_naive = NAIVE(task_per_chunk, dropout_forward);
const struct fcnn_variant dropout_bwd_data_naive = NAIVE(task_per_chunk, dropout_backward_data);
const struct fcnn_variant adam_update_naive = NAIVE(task_per_chunk, adam_update);
const struct fcnn_variant sgd_update_naive = NAIVE(task_per_chunk, sgd_update);
const struct fcnn_variant rmsprop_update_naive = NAIVE(task_per_chunk, rmsprop_update);

/* ---- rows of (n,c): softmax, losses, reduce ---- */

RUN(softmax_forward)
{
    ref_softmax(last - first, p->c, t->src + first * p->c, t->dst + first * p->c);
}

RUN(cross_entropy_forward)
{
    ref_cross_entropy_forward(last - first, p->c, t->src + first * p->c, t->labels + first, t->dst + first * p->c,
                              t->loss + first);
}

RUN(cross_entropy_backward_data)
{
    ref_cross_entropy_backward(last - first, p->c, t->dst + first * p->c, t->labels + first, t->hyper->scale,
                               t->d_src + first * p->c);
}

RUN(categorical_cross_entropy_forward)
{
    const int64_t at = first * p->c;
    ref_categorical_cross_entropy_forward(last - first, p->c, t->src + at, t->targets + at, t->dst + at,
                                          t->loss + first);
}

RUN(categorical_cross_entropy_backward_data)
{
    const int64_t at = first * p->c;
    ref_categorical_cross_entropy_backward(last - first, p->c, t->dst + at, t->targets + at, t->hyper->scale,
                                           t->d_src + at);
}

RUN(mse_forward)
{
    ref_mse_forward(last - first, p->c, t->src + first * p->c, t->targets + first * p->c, t->loss + first);
}

RUN(mse_backward_data)
{
    const int64_t at = first * p->c;
    ref_mse_backward(last - first, p->c, t->src + at, t->targets + at, t->hyper->scale, t->d_src + at);
}

RUN(reduce_forward)
{
    ref_reduce(p->n, p->c, t->src, t->dst);
}

const struct fcnn_variant softmax_fwd_naive = NAIVE(task_per_image, softmax_forward);
const struct fcnn_variant cross_entropy_fwd_naive = NAIVE(task_per_image, cross_entropy_forward);
const struct fcnn_variant cross_entropy_bwd_data_naive = NAIVE(task_per_image, cross_entropy_backward_data);
const struct fcnn_variant categorical_cross_entropy_fwd_naive =
    NAIVE(task_per_image, categorical_cross_entropy_forward);
const struct fcnn_variant categorical_cross_entropy_bwd_data_naive =
    NAIVE(task_per_image, categorical_cross_entropy_backward_data);
const struct fcnn_variant mse_fwd_naive = NAIVE(task_per_image, mse_forward);
const struct fcnn_variant mse_bwd_data_naive = NAIVE(task_per_image, mse_backward_data);
const struct fcnn_variant reduce_fwd_naive = NAIVE(one_task, reduce_forward);

/* ---- batch normalization ---- */

static int64_t pixels_of(const fcnn_problem *p, int64_t images)
{
    return images * p->h * p->w;
}

RUN(batch_sums_forward)
{
    ref_batch_sums(pixels_of(p, p->n), p->c, t->src, t->dst);
}

RUN(batch_norm_forward)
{
    const int64_t at = first * src_image(p);
    ref_batch_norm_forward(pixels_of(p, last - first), p->c, t->hyper->epsilon, t->src + at, t->mean, t->variance,
                           t->weights, t->bias, t->dst + at);
}

RUN(batch_norm_backward_data)
{
    const int64_t at = first * src_image(p);
    ref_batch_norm_backward_data(pixels_of(p, last - first), p->c, t->hyper->epsilon, t->hyper->scale, t->src + at,
                                 t->mean, t->variance, t->weights, t->d_weights, t->d_bias, t->d_dst + at,
                                 t->d_src + at);
}

RUN(batch_norm_backward_weights)
{
    ref_batch_norm_backward_weights(pixels_of(p, p->n), p->c, t->hyper->epsilon, t->src, t->mean, t->variance, t->d_dst,
                                    t->d_weights, t->d_bias);
}

const struct fcnn_variant batch_sums_fwd_naive = NAIVE(one_task, batch_sums_forward);
const struct fcnn_variant batch_norm_fwd_naive = NAIVE(task_per_image, batch_norm_forward);
const struct fcnn_variant batch_norm_bwd_data_naive = NAIVE(task_per_image, batch_norm_backward_data);
const struct fcnn_variant batch_norm_bwd_weights_naive = NAIVE(one_task, batch_norm_backward_weights);
