/* SPDX-License-Identifier: BSD-2-Clause
 * Batch normalization (Ioffe & Szegedy 2015); docs/numerics.md, rule 14, has every operation in its order. Channels are
 * lanes; sums over pixels run in blocks of PIXELS, each block one chain, and the blocks along the tree of rule 6. Four
 * blocks are summed side by side, because a chain alone waits for its own additions. Divisions and roots happen once
 * per channel and task.
 * With x a pixel of the task's channels, f = 1 / sqrt(variance + epsilon):
 *   sums              dst = m, sum of x - m, sum of (x - m)^2;  m = (sum of x) / pixels
 *   forward           dst = (x - mean) (gamma f) + beta
 *   backward_weights  d_beta = sum of d_dst;  d_gamma = (sum of d_dst (x - mean)) f
 *   backward_data     d_src = (d_dst - d_beta s - (x - mean) (d_gamma s f)) (gamma f),  s = 1 / pixels of the batch */
#include "kernels/elementwise/lanes.h"
#include "kernels/elementwise/tree.h"

enum {
    PIXELS = 64,       /* of one chain. Must equal REF_PIXELS of reference/ref.h; tests compare by result */
    SIDE_BY_SIDE = 4,  /* chains */
    WAITING = 40,      /* sums of blocks: tensors have at most 2^40 elements */
    CHANNELS = 64,     /* of one task of a sum */
    TASK_PIXELS = 256, /* of one task of the others: pays for its roots */
};

enum pass { TOTAL, DEVIATIONS, GRADIENTS };

/* Some channels of all pixels: n of them, VL or fewer. */
struct column {
    const float *src, *d_dst;
    int64_t pixels, c, n;
    vec mean;
};

struct two_sums {
    vec plain, product;
};

/* One pixel more: src; d and d^2 of d = src - mean; d_dst and d_dst d. */
FCNN_INLINE void add_pixel(enum pass pass, const struct column *column, int64_t pixel, struct two_sums *sums)
{
    const int64_t at = pixel * column->c;
    const vec x = vec_load_first(column->src + at, column->n);
    if (pass == TOTAL) {
        sums->plain = vec_add(sums->plain, x);
        return;
    }
    const vec d = vec_sub(x, column->mean);
    const vec y = pass == DEVIATIONS ? d : vec_load_first(column->d_dst + at, column->n);
    sums->plain = vec_add(sums->plain, y);
    sums->product = vec_fma(y, d, sums->product);
}

/* `blocks` chains from pixel `first` on, of `length` pixels each, PIXELS apart. */
FCNN_INLINE void add_blocks(enum pass pass, const struct column *column, int64_t first, int blocks, int64_t length,
                            struct two_sums sums[SIDE_BY_SIDE])
{
    FCNN_UNROLL
    for (int i = 0; i < blocks; i++) sums[i].plain = sums[i].product = vec_zero();
    for (int64_t pixel = first; pixel < first + length; pixel++) {
        FCNN_UNROLL
        for (int i = 0; i < blocks; i++) add_pixel(pass, column, pixel + i * PIXELS, &sums[i]);
    }
}

FCNN_INLINE struct two_sums sum_column(enum pass pass, const struct column *column)
{
    vec plain[WAITING], product[WAITING];
    struct two_sums sums[SIDE_BY_SIDE];
    int depth = 0;
    const int64_t whole = column->pixels / PIXELS, blocks = fcnn_ceil_div(column->pixels, PIXELS);
    int64_t block = 0;
    for (; block + SIDE_BY_SIDE <= whole; block += SIDE_BY_SIDE) {
        add_blocks(pass, column, block * PIXELS, SIDE_BY_SIDE, PIXELS, sums);
        FCNN_UNROLL /* else the sums are in memory within add_blocks(), too */
        for (int i = 0; i < SIDE_BY_SIDE; i++) {
            tree_push(product, depth, sums[i].product, block + i);
            depth = tree_push(plain, depth, sums[i].plain, block + i);
        }
    }
    for (; block < blocks; block++) {
        add_blocks(pass, column, block * PIXELS, 1, fcnn_min(PIXELS, column->pixels - block * PIXELS), sums);
        tree_push(product, depth, sums[0].product, block);
        depth = tree_push(plain, depth, sums[0].plain, block);
    }
    return (struct two_sums){tree_sum(plain, depth), tree_sum(product, depth)};
}

FCNN_INLINE vec factor_of(const fcnn_tensors *t, int64_t c, int64_t n)
{
    const vec variance = vec_load_first(t->variance + c, n);
    return vec_div(vec_set1(1.0f), vec_sqrt(vec_add(variance, vec_set1(t->hyper->epsilon))));
}

/* ---- sums; a task is CHANNELS channels ---- */

static void channels_demand(const struct fcnn_query *query, struct fcnn_demand *demand)
{
    demand->tasks[FCNN_COMPUTE] = fcnn_ceil_div(query->problem->c, CHANNELS);
}

static int64_t pixels_of(const fcnn_problem *g) { return g->n * g->h * g->w; }

/* The deviations from a rounded mean have a sum, by which whoever joins shards corrects it. */
FCNN_INLINE void batch_sums_step(const fcnn_problem *g, const fcnn_tensors *t, int64_t c, int64_t n)
{
    struct column column = {.src = t->src + c, .pixels = pixels_of(g), .c = g->c, .n = n};
    column.mean = vec_div(sum_column(TOTAL, &column).plain, vec_set1((float)column.pixels));
    const struct two_sums sums = sum_column(DEVIATIONS, &column);
    vec_store_first(t->dst + c, column.mean, n);
    vec_store_first(t->dst + g->c + c, sums.plain, n);
    vec_store_first(t->dst + 2 * g->c + c, sums.product, n);
}

static void batch_sums_forward(const struct fcnn_query *query, const fcnn_tensors *t, const struct fcnn_memory *memory,
                               enum fcnn_stage stage, int64_t first, int64_t last)
{
    const fcnn_problem *g = query->problem;
    (void)memory, (void)stage;
    const int64_t end = fcnn_min(last * CHANNELS, g->c);
    int64_t c = first * CHANNELS;
    for (; c + VL <= end; c += VL) batch_sums_step(g, t, c, VL);
    if (c < end) batch_sums_step(g, t, c, end - c);
}

FCNN_INLINE void backward_weights_step(const fcnn_problem *g, const fcnn_tensors *t, int64_t c, int64_t n)
{
    const struct column column = {.src = t->src + c, .d_dst = t->d_dst + c, .pixels = pixels_of(g), .c = g->c, .n = n,
                                  .mean = vec_load_first(t->mean + c, n)};
    const struct two_sums sums = sum_column(GRADIENTS, &column);
    vec_store_first(t->d_bias + c, sums.plain, n);
    vec_store_first(t->d_weights + c, vec_mul(sums.product, factor_of(t, c, n)), n);
}

static void batch_norm_backward_weights(const struct fcnn_query *query, const fcnn_tensors *t,
                                        const struct fcnn_memory *memory, enum fcnn_stage stage, int64_t first,
                                        int64_t last)
{
    const fcnn_problem *g = query->problem;
    (void)memory, (void)stage;
    const int64_t end = fcnn_min(last * CHANNELS, g->c);
    int64_t c = first * CHANNELS;
    for (; c + VL <= end; c += VL) backward_weights_step(g, t, c, VL);
    if (c < end) backward_weights_step(g, t, c, end - c);
}

/* ---- pixel by pixel; a task is TASK_PIXELS pixels ---- */

static void pixels_demand(const struct fcnn_query *query, struct fcnn_demand *demand)
{
    demand->tasks[FCNN_COMPUTE] = fcnn_ceil_div(pixels_of(query->problem), TASK_PIXELS);
}

FCNN_INLINE void forward_column(const fcnn_tensors *t, int64_t channels, int64_t c, int64_t n, int64_t from, int64_t to)
{
    const vec mean = vec_load_first(t->mean + c, n), shift = vec_load_first(t->bias + c, n);
    const vec scale = vec_mul(vec_load_first(t->weights + c, n), factor_of(t, c, n));
    const float *src = t->src;
    float *dst = t->dst;
    for (int64_t at = from * channels + c; at < to * channels; at += channels)
        vec_store_first(dst + at, vec_fma(vec_sub(vec_load_first(src + at, n), mean), scale, shift), n);
}

static void batch_norm_forward(const struct fcnn_query *query, const fcnn_tensors *t, const struct fcnn_memory *memory,
                               enum fcnn_stage stage, int64_t first, int64_t last)
{
    const fcnn_problem *g = query->problem;
    (void)memory, (void)stage;
    const int64_t from = first * TASK_PIXELS, to = fcnn_min(last * TASK_PIXELS, pixels_of(g));
    int64_t c = 0;
    for (; c + VL <= g->c; c += VL) forward_column(t, g->c, c, VL, from, to);
    if (c < g->c) forward_column(t, g->c, c, g->c - c, from, to);
}

FCNN_INLINE void backward_column(const fcnn_tensors *t, int64_t channels, int64_t c, int64_t n, int64_t from,
                                 int64_t to)
{
    const vec mean = vec_load_first(t->mean + c, n), factor = factor_of(t, c, n), share = vec_set1(t->hyper->scale);
    const vec scale = vec_mul(vec_load_first(t->weights + c, n), factor);
    const vec plain = vec_mul(vec_load_first(t->d_bias + c, n), share);
    const vec slope = vec_mul(vec_mul(vec_load_first(t->d_weights + c, n), share), factor);
    const float *src = t->src, *d_dst = t->d_dst;
    float *d_src = t->d_src;
    for (int64_t at = from * channels + c; at < to * channels; at += channels) {
        const vec below = vec_sub(mean, vec_load_first(src + at, n)); /* -(x - mean) */
        const vec gradient = vec_fma(below, slope, vec_sub(vec_load_first(d_dst + at, n), plain));
        vec_store_first(d_src + at, vec_mul(gradient, scale), n);
    }
}

static void batch_norm_backward_data(const struct fcnn_query *query, const fcnn_tensors *t,
                                     const struct fcnn_memory *memory, enum fcnn_stage stage, int64_t first,
                                     int64_t last)
{
    const fcnn_problem *g = query->problem;
    (void)memory, (void)stage;
    const int64_t from = first * TASK_PIXELS, to = fcnn_min(last * TASK_PIXELS, pixels_of(g));
    int64_t c = 0;
    for (; c + VL <= g->c; c += VL) backward_column(t, g->c, c, VL, from, to);
    if (c < g->c) backward_column(t, g->c, c, g->c - c, from, to);
}
