/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What every operation means, in plain C: no intrinsics, no threads, no allocation, nothing included from elsewhere.
 *
 * The float functions fix the bits: order of every sum, every multiply-add an fmaf(). They are the kernels called
 * `naive`. The double functions (refd_) measure errors: same operations, written independently (scatter instead of
 * gather), any order, with the magnitude S = sum |a b| of every output beside it. Layouts and tensors as in
 * lib/fastcnn.h. */
#ifndef FCNN_REF_H
#define FCNN_REF_H

#include <stdint.h>

/* Images in one chain of a backward-weights sum. */
#define REF_BLOCK 8

/* Pixels in one chain of a sum of batch normalization. */
#define REF_PIXELS 64

/* Gradients, moments and probabilities smaller than these count as 0 (docs/numerics.md, rule 10): products of what is
 * left stay normal numbers. */
#define REF_TINY_GRADIENT 0x1p-50f
#define REF_TINY_MOMENT_1 0x1p-80f
#define REF_TINY_MOMENT_2 0x1p-110f
#define REF_TINY_PROBABILITY 0x1p-100f

struct ref_conv2d {
    int64_t n, h, w, c, k, r, s;
    int64_t stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left, groups;
    int64_t p, q; /* output of the convolution itself (before pooling) */
    int relu;
};

/* dst = bias + sum over r, s, c of src * weights; then relu. bias may be NULL (+0). */
void ref_conv2d_forward(const struct ref_conv2d *g, const float *src, const float *weights, const float *bias,
                        float *dst);
/* Gather: d_src = sum over r, s, k. With g->relu the gradient counts as 0 where dst is 0 (dst else unused, may be
 * NULL). */
void ref_conv2d_backward_data(const struct ref_conv2d *g, const float *weights, const float *dst, const float *d_dst,
                              float *d_src);
/* Sum over n, p, q: one chain per REF_BLOCK images, blocks along the fixed tree. d_bias may be NULL. */
void ref_conv2d_backward_weights(const struct ref_conv2d *g, const float *src, const float *dst, const float *d_dst,
                                 float *d_weights, float *d_bias);

/* The two loops that convolution shares with its pooled form. Output (n,p,q), channels first .. last-1, before ReLU,
 * into out[0 .. last-first-1]; and backward data with the gradient of an output as a function. */
void ref_conv2d_pixel(const struct ref_conv2d *g, const float *src, const float *weights, const float *bias,
                      const int64_t at[3], int64_t first, int64_t last, float *out);
typedef float ref_gradient(const void *context, int64_t n, int64_t p, int64_t q, int64_t k);
void ref_conv2d_gather(const struct ref_conv2d *g, const float *weights, ref_gradient *gradient, const void *context,
                       float *d_src);

/* conv2d + bias + ReLU + max pooling 2x2 stride 2 valid: g->p, g->q are the convolution's, dst and d_dst are
 * (n, p/2, q/2, k), choice is (n, p/2, q/2, ceil(k/16), 3). g->relu is ignored. Window-major order in backward weights:
 * n, pooled row, pooled column, then the four positions of the window row by row; terms whose gradient is 0 because the
 * position lost or the channel is dead are left out. Outputs outside every window do not exist. */
void ref_conv2d_pool_forward(const struct ref_conv2d *g, const float *src, const float *weights, const float *bias,
                             float *dst, uint16_t *choice);
void ref_conv2d_pool_backward_data(const struct ref_conv2d *g, const float *weights, const uint16_t *choice,
                                   const float *d_dst, float *d_src);
void ref_conv2d_pool_backward_weights(const struct ref_conv2d *g, const float *src, const uint16_t *choice,
                                      const float *d_dst, float *d_weights, float *d_bias);

struct ref_pool {
    int64_t n, h, w, c, r, s, stride_h, stride_w, pad_top, pad_left, p, q;
};

/* The first maximum in row-major order wins; a NaN in the window wins over numbers (the first NaN). Padding never wins.
 * A window without any real element gives 0 and argmax -1. argmax = r * S + s.
 * Backward: a gather as in convolution: for one element of d_src a chain of + from +0 over r, s. */
void ref_maxpool_forward(const struct ref_pool *g, const float *src, float *dst, int32_t *argmax);
void ref_maxpool_backward_data(const struct ref_pool *g, const int32_t *argmax, const float *d_dst, float *d_src);
/* Sum in window order from +0, then one division by the number of real elements (0 if there is none).
 * Backward: the same gather; each term is d_dst / (number of real elements of its window). */
void ref_avgpool_forward(const struct ref_pool *g, const float *src, float *dst);
void ref_avgpool_backward_data(const struct ref_pool *g, const float *d_dst, float *d_src);

/* x < 0 ? 0 : x, and: 0 where dst is 0, else d_dst. */
void ref_relu_forward(int64_t count, const float *src, float *dst);
void ref_relu_backward_data(int64_t count, const float *dst, const float *d_dst, float *d_src);

/* e = exp(-|x|), 0 if below REF_TINY_PROBABILITY; (x < 0 ? e : 1) / (1 + e). Backward: d_dst * (dst * (1 - dst)). */
void ref_sigmoid_forward(int64_t count, const float *src, float *dst);
void ref_sigmoid_backward_data(int64_t count, const float *dst, const float *d_dst, float *d_src);
/* ref_tanhf. Backward: d_dst * fma(-dst, dst, 1). */
void ref_tanh_forward(int64_t count, const float *src, float *dst);
void ref_tanh_backward_data(int64_t count, const float *dst, const float *d_dst, float *d_src);

/* Both directions: to = from * (1 / (1 - rate)) where word number counter + i of the seed's dropout stream is at least
 * floor(rate 2^32), else +0. Word w of a stream: word w mod 4 of Philox4x32-10 with the key (seed low, seed high) and
 * the counter (b low, b high, 0, REF_DROPOUT_STREAM), b = floor(w / 4). */
#define REF_DROPOUT_STREAM 2
void ref_dropout(int64_t count, uint64_t seed, uint64_t counter, float rate, const float *from, float *to);
/* Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011: ten rounds, in place. */
void ref_philox(uint32_t counter[4], const uint32_t key[2]);

/* src (n,c), weights (c,k), bias (k) or NULL. The same sums as a 1x1 convolution of n images of one pixel. */
struct ref_dense { int64_t n, c, k; int relu; };
void ref_dense_forward(const struct ref_dense *g, const float *src, const float *weights, const float *bias,
                       float *dst);
void ref_dense_backward_data(const struct ref_dense *g, const float *weights, const float *dst, const float *d_dst,
                             float *d_src);
void ref_dense_backward_weights(const struct ref_dense *g, const float *src, const float *dst, const float *d_dst,
                                float *d_weights, float *d_bias);

/* exp(x): the algorithm and bits of SLEEF's Sleef_finz_expf*_u10 (Boost licence, Naoki Shibata), in fmaf(), so that
 * CPUs without FMA have it too; error below 1 ULP. log(x), x > 0 finite: basic double operations only, rounded once. */
float ref_expf(float x);
float ref_logf(float x);
/* e / (e + 2) with e = exp(2 |x|) - 1 in exp's algorithm: 2^q (exp(s) - 1) + (2^q - 1) by one fma; |x| above 10 counts
 * as 10. With the sign of x; 0 and NaN stay. Error below 2.5 ULP. */
float ref_tanhf(float x);

/* Softmax over c, row by row: max; e_i = exp(x_i - max), 0 if below REF_TINY_PROBABILITY; their sum in 16 striped lanes
 * (lane i mod 16, each a chain of + over ascending i), lanes added as 8+8, 4+4, 2+2, 1+1; then e_i / sum.
 * Max: chain of (x > m ? x : m) from -inf in the same 16 lanes, then the same tree; any NaN gives a row of NaN. */
void ref_softmax(int64_t n, int64_t c, const float *src, float *dst);
/* softmax as above into dst; loss = log(sum) - (src[label] - max). */
void ref_cross_entropy_forward(int64_t n, int64_t c, const float *src, const int32_t *labels, float *dst, float *loss);
/* d_src = (dst - (c == label)) * scale; below REF_TINY_GRADIENT in magnitude: +0. */
void ref_cross_entropy_backward(int64_t n, int64_t c, const float *dst, const int32_t *labels, float scale,
                                float *d_src);

/* softmax as above into dst; loss = sum over i, in softmax's lanes by fma, of targets[i] * (log(sum) - (src[i] - max)),
 * the term 0 where the target is. */
void ref_categorical_cross_entropy_forward(int64_t n, int64_t c, const float *src, const float *targets, float *dst,
                                           float *loss);
/* d_src = (dst - targets) * scale, flushed as above: right where each row of targets has the sum 1. */
void ref_categorical_cross_entropy_backward(int64_t n, int64_t c, const float *dst, const float *targets, float scale,
                                            float *d_src);
/* loss = (sum of fma(d, d, lane) in softmax's lanes) / c, d = src - targets. */
void ref_mse_forward(int64_t n, int64_t c, const float *src, const float *targets, float *loss);
/* d_src = (src - targets) * ((2 * scale) / c), flushed as above. */
void ref_mse_backward(int64_t n, int64_t c, const float *src, const float *targets, float scale, float *d_src);

/* dst[i] = tree over n of src[n][i]: the sum of [lo, hi) is sum[lo, mid) + sum[mid, hi), mid - lo the largest power of
 * two below hi - lo. */
void ref_reduce(int64_t n, int64_t c, const float *src, float *dst);
int64_t ref_tree_half(int64_t count); /* mid - lo of count leaves, count >= 2 */
float ref_tree(int64_t lo, int64_t hi, float (*leaf)(const void *context, int64_t i), const void *context);

/* Batch normalization of `pixels` x c. Sums over pixels: one chain per REF_PIXELS of them, chains along the tree. With
 * f = 1 / sqrt(variance + epsilon), in float:
 *   dst (3, c) = m = (sum of x) / pixels;  sum of x - m;  sum of fma(x - m, x - m, .) */
void ref_batch_sums(int64_t pixels, int64_t c, const float *src, float *dst);
/* dst = fma(x - mean, gamma * f, beta) */
void ref_batch_norm_forward(int64_t pixels, int64_t c, float epsilon, const float *src, const float *mean,
                            const float *variance, const float *gamma, const float *beta, float *dst);
/* d_beta = sum of d_dst;  d_gamma = (sum of fma(d_dst, x - mean, .)) * f */
void ref_batch_norm_backward_weights(int64_t pixels, int64_t c, float epsilon, const float *src, const float *mean,
                                     const float *variance, const float *d_dst, float *d_gamma, float *d_beta);
/* d_src = fma(mean - x, d_gamma * scale * f, d_dst - d_beta * scale) * (gamma * f); d_gamma, d_beta: of the whole
 * batch, scale: 1 / its pixels */
void ref_batch_norm_backward_data(int64_t pixels, int64_t c, float epsilon, float scale, const float *src,
                                  const float *mean, const float *variance, const float *gamma, const float *d_gamma,
                                  const float *d_beta, const float *d_dst, float *d_src);

/* Kingma & Ba 2015 in Keras' form. Per element (g: gradient, flushed to +0 below REF_TINY_GRADIENT in magnitude):
 *   m = fma(g - m, 1 - beta_1, m), flushed at REF_TINY_MOMENT_1;  v = fma(g*g - v, 1 - beta_2, v), flushed at _2;
 *   if weight_decay is not 0 (AdamW): w = fma(-(lr * weight_decay), w, w);
 *   w = w - (m * alpha) / (sqrt(v) + epsilon),  alpha = lr * sqrt(1 - beta_2^t) / (1 - beta_1^t), all in float. */
void ref_adam(int64_t count, float learning_rate, float weight_decay, float beta_1, float beta_2, float epsilon,
              float beta_1_power, float beta_2_power, const float *gradient, float *parameters, float *moment_1,
              float *moment_2);
/* v = fma(momentum, v, -(lr * g)), flushed at REF_TINY_MOMENT_1; w = w + v, or with Nesterov's look ahead w = w +
 * fma(momentum, v, -(lr * g)). g flushed as above. */
void ref_sgd(int64_t count, float learning_rate, float momentum, int nesterov, const float *gradient,
             float *parameters, float *moment_1);
/* v = fma(g*g - v, 1 - rho, v), flushed at REF_TINY_MOMENT_2; m = fma(momentum, m, (lr * g) / sqrt(v + epsilon)),
 * flushed at _1; w = w - m. m is moment_1, v moment_2. */
void ref_rmsprop(int64_t count, float learning_rate, float rho, float momentum, float epsilon, const float *gradient,
                 float *parameters, float *moment_1, float *moment_2);

/* ---- double, for measuring errors; *_mag: sum of |a b| of the same element ---- */
void refd_conv2d_forward(const struct ref_conv2d *g, const float *src, const float *weights, const float *bias,
                         double *dst, double *dst_mag);
void refd_conv2d_backward_data(const struct ref_conv2d *g, const float *weights, const float *dst, const float *d_dst,
                               double *d_src, double *d_src_mag);
void refd_conv2d_backward_weights(const struct ref_conv2d *g, const float *src, const float *dst, const float *d_dst,
                                  double *d_weights, double *d_weights_mag, double *d_bias, double *d_bias_mag);
/* d_dst of a pooled convolution, spread to the (n,p,q,k) gradient of the convolution itself, zeros included. */
void ref_unpool(const struct ref_conv2d *g, const uint16_t *choice, const float *d_dst, float *full);

#endif
