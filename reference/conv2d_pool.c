/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Convolution + bias + ReLU + max pooling 2x2 (stride 2, valid) as one operation. dst, d_dst (n,p/2,q/2,k);
 * choice (n,p/2,q/2,ceil(k/16),3): three words of one bit per channel for 16 channels: bit 0 and bit 1 of the
 * winner's position in its window, and "alive" (output not 0). Dead channels and channels beyond k have all bits 0. */
#include "reference/ref.h"

#include <math.h>

enum { LANES = 16 };

/* Pools `lanes` channels of the four positions of a window into dst and three words of choice. */
static void pool_window(float window[4][LANES], int64_t lanes, float *dst, uint16_t choice[3])
{
    choice[0] = choice[1] = choice[2] = 0;
    for (int64_t i = 0; i < lanes; i++) {
        int winner = 0;
        for (int at = 1; at < 4; at++) {
            const float x = window[at][i], best = window[winner][i];
            if (x > best || (isnan(x) && !isnan(best))) winner = at;
        }
        dst[i] = window[winner][i];
        if (dst[i] == 0.0f) continue;
        choice[0] |= (uint16_t)((winner & 1) << i);
        choice[1] |= (uint16_t)((winner >> 1) << i);
        choice[2] |= (uint16_t)(1 << i);
    }
}

void ref_conv2d_pool_forward(const struct ref_conv2d *g, const float *src, const float *weights, const float *bias,
                             float *dst, uint16_t *choice)
{
    for (int64_t n = 0; n < g->n; n++)
        for (int64_t p = 0; p + 1 < g->p; p += 2)
            for (int64_t q = 0; q + 1 < g->q; q += 2)
                for (int64_t k = 0; k < g->k; k += LANES) {
                    const int64_t lanes = g->k - k < LANES ? g->k - k : LANES;
                    float window[4][LANES];
                    for (int at = 0; at < 4; at++) {
                        const int64_t pixel[3] = {n, p + (at >> 1), q + (at & 1)};
                        ref_conv2d_pixel(g, src, weights, bias, pixel, k, k + lanes, window[at]);
                        ref_relu_forward(lanes, window[at], window[at]);
                    }
                    pool_window(window, lanes, dst, choice);
                    dst += lanes;
                    choice += 3;
                }
}

/* One weight (r,s,c,k), c counted within the group, or one bias (k), and what its gradient is made of. */
struct sum {
    const struct ref_conv2d *g;
    const float *src, *d_dst;
    const uint16_t *choice;
    int64_t r, s, c, k;
};

/* The winner's position 0..3 in window `i` = (n, pooled row, pooled column) for channel k; -1: dead. */
static int winner_of(const struct ref_conv2d *g, const uint16_t *choice, int64_t i, int64_t k)
{
    const uint16_t *words = choice + (i * ((g->k + LANES - 1) / LANES) + k / LANES) * 3;
    const int64_t bit = k % LANES;
    return words[2] >> bit & 1 ? (words[0] >> bit & 1) + 2 * (words[1] >> bit & 1) : -1;
}

/* The gradient of output (n,p,q,k) of the convolution itself. */
static float gradient_at(const void *context, int64_t n, int64_t p, int64_t q, int64_t k)
{
    const struct sum *sum = context;
    const struct ref_conv2d *g = sum->g;
    if (p / 2 >= g->p / 2 || q / 2 >= g->q / 2) return 0.0f;
    const int64_t i = (n * (g->p / 2) + p / 2) * (g->q / 2) + q / 2;
    return winner_of(g, sum->choice, i, k) == p % 2 * 2 + q % 2 ? sum->d_dst[i * g->k + k] : 0.0f;
}

void ref_unpool(const struct ref_conv2d *g, const uint16_t *choice, const float *d_dst, float *full)
{
    const struct sum sum = {.g = g, .choice = choice, .d_dst = d_dst};
    for (int64_t n = 0; n < g->n; n++)
        for (int64_t p = 0; p < g->p; p++)
            for (int64_t q = 0; q < g->q; q++)
                for (int64_t k = 0; k < g->k; k++) *full++ = gradient_at(&sum, n, p, q, k);
}

void ref_conv2d_pool_backward_data(const struct ref_conv2d *g, const float *weights, const uint16_t *choice,
                                   const float *d_dst, float *d_src)
{
    struct ref_conv2d pooled = *g; /* without the last odd row and column, which no window holds */
    pooled.p -= g->p % 2;
    pooled.q -= g->q % 2;
    ref_conv2d_gather(&pooled, weights, gradient_at, &(struct sum){.g = g, .choice = choice, .d_dst = d_dst}, d_src);
}

/* The chain of one block of images. Of the four gradients of a window at most one is not 0: the only term. */
static float weight_block(const void *context, int64_t block)
{
    const struct sum *sum = context;
    const struct ref_conv2d *g = sum->g;
    const int64_t channel = sum->k / (g->k / g->groups) * (g->c / g->groups) + sum->c;
    const int64_t first = block * REF_BLOCK, last = first + REF_BLOCK < g->n ? first + REF_BLOCK : g->n;
    float acc = 0.0f;
    for (int64_t n = first; n < last; n++)
        for (int64_t p = 0; p < g->p / 2; p++)
            for (int64_t q = 0; q < g->q / 2; q++) {
                const int64_t i = (n * (g->p / 2) + p) * (g->q / 2) + q;
                const int at = winner_of(g, sum->choice, i, sum->k);
                if (at < 0) continue;
                const int64_t h = (2 * p + (at >> 1)) * g->stride_h + sum->r * g->dilation_h - g->pad_top;
                const int64_t w = (2 * q + (at & 1)) * g->stride_w + sum->s * g->dilation_w - g->pad_left;
                if (h < 0 || h >= g->h || w < 0 || w >= g->w) continue;
                const float x = sum->src[((n * g->h + h) * g->w + w) * g->c + channel];
                acc = fmaf(x, sum->d_dst[i * g->k + sum->k], acc);
            }
    return acc;
}

static float bias_block(const void *context, int64_t block)
{
    const struct sum *sum = context;
    const struct ref_conv2d *g = sum->g;
    const int64_t windows = (g->p / 2) * (g->q / 2);
    const int64_t first = block * REF_BLOCK, last = first + REF_BLOCK < g->n ? first + REF_BLOCK : g->n;
    float acc = 0.0f;
    for (int64_t i = first * windows; i < last * windows; i++)
        if (winner_of(g, sum->choice, i, sum->k) >= 0) acc += sum->d_dst[i * g->k + sum->k];
    return acc;
}

void ref_conv2d_pool_backward_weights(const struct ref_conv2d *g, const float *src, const uint16_t *choice,
                                      const float *d_dst, float *d_weights, float *d_bias)
{
    const int64_t blocks = (g->n + REF_BLOCK - 1) / REF_BLOCK;
    struct sum sum = {.g = g, .src = src, .choice = choice, .d_dst = d_dst};
    for (sum.r = 0; sum.r < g->r; sum.r++)
        for (sum.s = 0; sum.s < g->s; sum.s++)
            for (sum.c = 0; sum.c < g->c / g->groups; sum.c++)
                for (sum.k = 0; sum.k < g->k; sum.k++) *d_weights++ = ref_tree(0, blocks, weight_block, &sum);
    if (!d_bias) return;
    for (sum.k = 0; sum.k < g->k; sum.k++) d_bias[sum.k] = ref_tree(0, blocks, bias_block, &sum);
}
