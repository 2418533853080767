/* SPDX-License-Identifier: BSD-2-Clause
 * Sums and their terms: see sums.h. Numbers of rules are those of docs/numerics.md. */
#include "bench/sums.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* M absorbs thousands of ones in float and in double; what hides an output from a maximum outweighs all M. */
static const float huge = 0x1p100f, hidden = -0x1p110f;

/* ---- collecting ---- */

/* One more term; those that find no room are counted. */
static void add(struct bench_sum *sum, const float *term)
{
    if (sum->count < BENCH_MOST_TERMS) sum->terms[sum->count] = (float *)term; /* inputs are the case's own memory */
    sum->count++;
}

/* Where tap (r, s) of output (p, q) falls, on real input; -1: on padding. */
static int64_t pixel(const struct ref_conv2d *g, int64_t n, int64_t p, int64_t q, int64_t r, int64_t s)
{
    const int64_t h = p * g->stride_h - g->pad_top + r * g->dilation_h;
    const int64_t w = q * g->stride_w - g->pad_left + s * g->dilation_w;
    return h < 0 || h >= g->h || w < 0 || w >= g->w ? -1 : (n * g->h + h) * g->w + w;
}

/* Rule 3: bias, then taps and channels of one output. Its window's terms, or with `value` the same elements, set. */
static void visit_window(struct bench_sum *sum, const struct ref_conv2d *g, int64_t n, int64_t p, int64_t q, int64_t k,
                         const float *value)
{
    const int64_t depth = g->c / g->groups, first = k / (g->k / g->groups) * depth;
    float *src = (float *)sum->of->tensors.arrays.src;
    for (int64_t r = 0; r < g->r; r++)
        for (int64_t s = 0; s < g->s; s++) {
            const int64_t at = pixel(g, n, p, q, r, s);
            for (int64_t c = 0; at >= 0 && c < depth; c++) {
                if (value) src[at * g->c + first + c] = *value;
                else add(sum, &src[at * g->c + first + c]);
            }
        }
}

static void forward(struct bench_sum *sum, const struct ref_conv2d *g)
{
    static const float one = 1;
    const fcnn_tensors *t = &sum->of->tensors.arrays;
    const fcnn_problem *problem = &sum->of->about.problem;
    const int pools = problem->op == FCNN_CONV2D_POOL;
    const int64_t n = g->n / 2, k = g->k / 2, p = problem->p / 2, q = problem->q / 2;
    sum->has_bias = t->bias != NULL;
    if (t->bias) add(sum, &t->bias[k]);
    /* Of a window of pooling the first output is what the maximum must be: what only the others see is very small. */
    for (int other = 1; pools && other < 4; other++)
        visit_window(sum, g, n, 2 * p + other / 2, 2 * q + other % 2, k, &hidden);
    if (pools) visit_window(sum, g, n, 2 * p, 2 * q, k, &one);
    visit_window(sum, g, n, pools ? 2 * p : p, pools ? 2 * q : q, k, NULL);
    sum->result = &t->dst[((n * problem->p + p) * problem->q + q) * g->k + k];
    sum->output = "dst";
}

/* Which position of its window wins in a pooled layer: each somewhere, and the same in all images, so that all have
 * equally many terms. */
static int winner(const fcnn_problem *problem, int64_t window, int64_t k)
{
    const int64_t at = window % (problem->p * problem->q);
    return (int)((at * 7 + k * 3 + at / 5) % 4);
}

/* The gradient that the output (n, p, q, k) of a convolution gets; NULL: none, another position won. */
static const float *gradient(const struct bench_sum *sum, const struct ref_conv2d *g, int64_t n, int64_t p, int64_t q,
                             int64_t k)
{
    const fcnn_problem *problem = &sum->of->about.problem;
    const float *d_dst = sum->of->tensors.arrays.d_dst;
    if (problem->op != FCNN_CONV2D_POOL) return &d_dst[((n * g->p + p) * g->q + q) * g->k + k];
    const int64_t window = (n * problem->p + p / 2) * problem->q + q / 2;
    const int is_real = p / 2 < problem->p && q / 2 < problem->q;
    return is_real && winner(problem, window, k) == p % 2 * 2 + q % 2 ? &d_dst[window * g->k + k] : NULL;
}

/* The output along one axis that `tap` connects with an input; -1: none. */
static int64_t output_of(int64_t input, int64_t pad, int64_t tap, int64_t dilation, int64_t stride, int64_t outputs)
{
    const int64_t at = input + pad - tap * dilation;
    return at < 0 || at % stride || at / stride >= outputs ? -1 : at / stride;
}

/* Rule 4: taps, then output channels of the group. */
static void backward_data(struct bench_sum *sum, const struct ref_conv2d *g)
{
    const int64_t n = g->n / 2, h = g->h / 2, w = g->w / 2, c = g->c / 2;
    const int64_t depth = g->k / g->groups, first = c / (g->c / g->groups) * depth;
    for (int64_t r = 0; r < g->r; r++)
        for (int64_t s = 0; s < g->s; s++) {
            const int64_t p = output_of(h, g->pad_top, r, g->dilation_h, g->stride_h, g->p);
            const int64_t q = output_of(w, g->pad_left, s, g->dilation_w, g->stride_w, g->q);
            for (int64_t k = first; p >= 0 && q >= 0 && k < first + depth; k++) {
                const float *term = gradient(sum, g, n, p, q, k);
                if (term) add(sum, term);
            }
        }
    sum->result = &sum->of->tensors.arrays.d_src[((n * g->h + h) * g->w + w) * g->c + c];
    sum->output = "d_src";
}

/* Rule 5: images in blocks, their outputs, window by window where they were pooled. */
static void backward_weights(struct bench_sum *sum, const struct ref_conv2d *g, enum bench_output_of which)
{
    const fcnn_tensors *t = &sum->of->tensors.arrays;
    const int step = sum->of->about.problem.op == FCNN_CONV2D_POOL ? 2 : 1;
    const int64_t r = g->r / 2, s = g->s / 2, depth = g->c / g->groups, c = depth / 2, k = g->k / 2;
    for (int64_t n = 0; n < g->n; n++) {
        for (int64_t p = 0; p + step <= g->p; p += step)
            for (int64_t q = 0; q + step <= g->q; q += step)
                for (int i = 0; i < step * step; i++) {
                    const int64_t row = p + i / step, column = q + i % step;
                    const float *term = gradient(sum, g, n, row, column, k);
                    const int is_met = which == BENCH_BIAS_GRADIENT || pixel(g, n, row, column, r, s) >= 0;
                    if (term && is_met) add(sum, term);
                }
        if (n + 1 == (g->n < REF_BLOCK ? g->n : REF_BLOCK)) sum->block = sum->count;
    }
    sum->output = which == BENCH_BIAS_GRADIENT ? "d_bias" : "d_weights";
    sum->result = which == BENCH_BIAS_GRADIENT ? &t->d_bias[k] : &t->d_weights[((r * g->s + s) * depth + c) * g->k + k];
}

/* Rule 8: an average's window, or the windows that an element lies in. */
static void pooling(struct bench_sum *sum)
{
    const fcnn_problem *p = &sum->of->about.problem;
    const fcnn_tensors *t = &sum->of->tensors.arrays;
    struct ref_conv2d g = bench_geometry(p);
    g.dilation_h = g.dilation_w = 1;
    const int backward = p->direction == FCNN_BACKWARD_DATA;
    const int64_t n = p->n / 2, c = p->c / 2, y = (backward ? p->h : p->p) / 2, x = (backward ? p->w : p->q) / 2;
    for (int64_t r = 0; r < p->r; r++)
        for (int64_t s = 0; s < p->s; s++) {
            const int64_t row = output_of(y, p->pad_top, r, 1, p->stride_h, p->p);
            const int64_t column = output_of(x, p->pad_left, s, 1, p->stride_w, p->q);
            const int64_t at = backward ? row < 0 || column < 0 ? -1 : (n * p->p + row) * p->q + column
                                        : pixel(&g, n, y, x, r, s);
            if (at < 0) continue;
            add(sum, (backward ? t->d_dst : t->src) + at * p->c + c);
            if (p->op == FCNN_MAXPOOL) t->argmax[at * p->c + c] = (int32_t)(r * p->s + s);
        }
    sum->result = backward ? &t->d_src[((n * p->h + y) * p->w + x) * p->c + c]
                           : &t->dst[((n * p->p + y) * p->q + x) * p->c + c];
    sum->output = backward ? "d_src" : "dst";
    if (p->op == FCNN_AVGPOOL) sum->unit = 1.0 / (double)(backward ? p->r * p->s : sum->count);
}

/* Rule 6. */
static void reduction(struct bench_sum *sum)
{
    const fcnn_problem *p = &sum->of->about.problem;
    for (int64_t n = 0; n < p->n; n++) add(sum, &sum->of->tensors.arrays.src[n * p->c + p->c / 2]);
    sum->block = 1;
    sum->result = &sum->of->tensors.arrays.dst[p->c / 2];
    sum->output = "dst";
}

/* Rule 14: one channel of all pixels. */
static void channel_gradients(struct bench_sum *sum, enum bench_output_of which)
{
    const fcnn_problem *p = &sum->of->about.problem;
    const fcnn_tensors *t = &sum->of->tensors.arrays;
    const int64_t pixels = p->n * p->h * p->w, c = p->c / 2;
    for (int64_t i = 0; i < pixels; i++) add(sum, &t->d_dst[i * p->c + c]);
    sum->block = (int)(pixels < REF_PIXELS ? pixels : REF_PIXELS);
    sum->output = which == BENCH_BIAS_GRADIENT ? "d_bias" : "d_weights";
    sum->result = which == BENCH_BIAS_GRADIENT ? &t->d_bias[c] : &t->d_weights[c];
}

/* ---- tensors ---- */

/* So that batch normalization leaves the numbers as they are. */
static void fill_moments(const struct bench_case *c)
{
    for (int64_t i = 0; i < c->about.problem.c; i++) {
        ((float *)c->tensors.arrays.mean)[i] = 0; /* the case's own memory */
        ((float *)c->tensors.arrays.variance)[i] = 1 - c->tensors.hyper.epsilon;
    }
}

/* All ones; in a pooled layer every channel lives and every position wins somewhere. */
static void fill(struct bench_case *c)
{
    const fcnn_problem *p = &c->about.problem;
    for (int i = 0; i < c->tensors.count; i++) {
        const fcnn_tensor_info *info = &c->tensors.info[i];
        float *x = c->tensors.memory[i];
        if (info->role == FCNN_OUT) continue;
        if (info->offset == offsetof(fcnn_tensors, argmax) || info->element_size != sizeof *x)
            memset(x, 0, (size_t)info->elements * info->element_size);
        else
            for (int64_t at = 0; at < info->elements; at++) x[at] = 1;
    }
    if (p->op == FCNN_BATCH_NORM) fill_moments(c);
    if (p->op != FCNN_CONV2D_POOL || p->direction == FCNN_FORWARD) return;
    const int64_t groups = (p->k + 15) / 16;
    for (int64_t window = 0; window < p->n * p->p * p->q; window++)
        for (int64_t k = 0; k < p->k; k++) {
            uint16_t *words = c->tensors.arrays.choice + (window * groups + k / 16) * 3;
            const int won = winner(p, window, k);
            words[0] |= (uint16_t)((won & 1) << k % 16);
            words[1] |= (uint16_t)((won >> 1) << k % 16);
            words[2] |= (uint16_t)(1 << k % 16);
        }
}

static const char *collect(struct bench_sum *sum, enum bench_output_of which)
{
    const fcnn_problem *p = &sum->of->about.problem;
    const struct ref_conv2d g = bench_geometry(p);
    const int is_bias = which == BENCH_BIAS_GRADIENT;
    if (is_bias && (p->direction != FCNN_BACKWARD_WEIGHTS || !sum->of->tensors.arrays.d_bias)) return "no bias";
    switch (p->op) {
    case FCNN_CONV2D:
    case FCNN_CONV2D_POOL:
    case FCNN_DENSE:
        if (p->direction == FCNN_FORWARD) return forward(sum, &g), NULL;
        if (p->direction == FCNN_BACKWARD_DATA) return backward_data(sum, &g), NULL;
        return backward_weights(sum, &g, which), NULL;
    case FCNN_AVGPOOL: return pooling(sum), NULL;
    case FCNN_MAXPOOL: return p->direction == FCNN_FORWARD ? "a maximum" : (pooling(sum), NULL);
    case FCNN_REDUCE: return reduction(sum), NULL;
    case FCNN_MSE: return "a sum of squares, which cannot be masked";
    case FCNN_BATCH_SUMS: return "a sum whose second pass takes back what a mask does to the first";
    case FCNN_BATCH_NORM:
        return p->direction == FCNN_BACKWARD_WEIGHTS ? (channel_gradients(sum, which), NULL) : "no sum";
    case FCNN_SOFTMAX:
    case FCNN_CATEGORICAL_CROSS_ENTROPY:
    case FCNN_CROSS_ENTROPY: return "a sum of exponentials, which cannot be masked";
    default: return "no sum";
    }
}

const char *bench_sum_make(struct bench_sum *sum, struct bench_case *c, enum bench_output_of which)
{
    *sum = (struct bench_sum){.of = c, .unit = 1};
    if (bench_case_prepare(c, FCNN_EXACT)) return c->failure;
    if (!(sum->terms = malloc(BENCH_MOST_TERMS * sizeof *sum->terms))) return "no memory";
    fill(c);
    const char *const why = collect(sum, which);
    if (why) return why;
    if (sum->count > BENCH_MOST_TERMS) return "a sum of more than 4096 terms";
    return sum->count < 2 ? "a sum of one term" : NULL;
}

void bench_sum_free(struct bench_sum *sum)
{
    free(sum->terms);
    sum->terms = NULL;
}

/* ---- order and masks ---- */

int bench_sum_documented(const struct bench_sum *sum, struct order_tree *tree)
{
    const int block = sum->block ? sum->block : sum->count, blocks = (sum->count + block - 1) / block;
    int *nodes = malloc((size_t)sum->count * sizeof *nodes);
    const int there = order_tree_make(tree, sum->count) && nodes;
    for (int i = 0; there && i < sum->count; i++) nodes[i] = i;
    for (int i = 0; there && i < blocks; i++)
        nodes[i] = order_chain(tree, nodes + i * block, i < blocks - 1 ? block : sum->count - i * block);
    if (there) order_halves(tree, nodes, blocks);
    free(nodes);
    return there;
}

void bench_sum_mask(const struct bench_sum *sum, int plus, int minus)
{
    for (int i = 0; i < sum->count; i++) *sum->terms[i] = i == plus ? huge : i == minus ? -huge : 1;
}

double bench_sum_value(const struct bench_sum *sum)
{
    const double value = (double)*sum->result / sum->unit, whole = rint(value);
    return sum->unit < 1 && fabs(value - whole) < 1e-3 ? whole : value; /* means are rounded */
}
