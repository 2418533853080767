/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Sums of blocks along the fixed binary tree, as a binary counter: block sums are pushed on a stack of slots;
 * equal-sized neighbours are added at once, the rest from the top at the end. This is
 * sum[lo,hi) = sum[lo,mid) + sum[mid,hi) with mid - lo the largest power of two below hi - lo, in
 * ceil(log2(blocks)) + 1 slots. Slot 0 is the result itself, or the last addition to it writes the result. */
#ifndef FCNN_WEIGHTS_SUM_H
#define FCNN_WEIGHTS_SUM_H

#include "kernels/kernel.h"

/* What a kernel does to sums: sum() writes the chain of a block of images to a slot, add() adds
 * slot into + 1 to slot into. */
typedef void fcnn_sum_block_fn(void *context, int64_t image, int64_t images, int64_t slot);
typedef void fcnn_add_slot_fn(void *context, int64_t into);

/* Blocks of n images, first to last, and their tree. */
static inline void fcnn_sum_blocks(int64_t n, fcnn_sum_block_fn *sum, fcnn_add_slot_fn *add, void *context)
{
    int64_t depth = 0; /* slots in use */
    for (int64_t image = 0, blocks = 1; image < n; image += FCNN_BLOCK, blocks++) {
        const int last = image + FCNN_BLOCK >= n;
        sum(context, image, last ? n - image : FCNN_BLOCK, depth++);
        for (int64_t due = blocks; depth > 1 && (last || due % 2 == 0); due /= 2) add(context, --depth - 1);
    }
}

/* Adds rows of `width` floats: that of an instruction set (simd/sums.h). */
typedef void fcnn_add_sums_fn(int64_t rows, int64_t width, const float *a, int64_t a_step, const float *b,
                              int64_t b_step, float *to, int64_t to_step);

/* Slots of whole weight gradients with their bias gradients: slot 0 is the output, others lie in `more`, the area
 * `sums` that all threads of an execution have in common: a task sums its own filter elements. */
struct fcnn_weights_sum {
    float *weights, *bias, *more;
    int64_t count, k;
    fcnn_add_sums_fn *add;
};

static inline int64_t fcnn_weights_count(const fcnn_problem *p) { return p->r * p->s * (p->c / p->groups) * p->k; }

/* Beside the output. */
static inline int64_t fcnn_weights_sum_slots(const fcnn_problem *p)
{
    int64_t blocks = (p->n + FCNN_BLOCK - 1) / FCNN_BLOCK, slots = 0;
    while ((int64_t)1 << slots < blocks) slots++;
    return slots;
}

static inline size_t fcnn_weights_sum_bytes(const fcnn_problem *p)
{
    return (size_t)(fcnn_weights_sum_slots(p) * (fcnn_weights_count(p) + p->k)) * sizeof(float);
}

static inline struct fcnn_weights_sum fcnn_weights_sum_of(const fcnn_problem *p, const fcnn_tensors *t, void *more,
                                                          fcnn_add_sums_fn *add)
{
    return (struct fcnn_weights_sum){t->d_weights, t->d_bias, more, fcnn_weights_count(p), p->k, add};
}

static inline float *fcnn_weights_sum_weights(const struct fcnn_weights_sum *sum, int64_t slot)
{
    return slot ? sum->more + (slot - 1) * (sum->count + sum->k) : sum->weights;
}

static inline float *fcnn_weights_sum_bias(const struct fcnn_weights_sum *sum, int64_t slot)
{
    return slot ? sum->more + (slot - 1) * (sum->count + sum->k) + sum->count : sum->bias;
}

/* Adds slot into + 1 to slot `into`: `width` channels from `channel` on, of `rows` filter elements from `first` on. */
static inline void fcnn_weights_sum_add(const struct fcnn_weights_sum *sum, int64_t into, int64_t first, int64_t rows,
                                        int64_t channel, int64_t width)
{
    const int64_t at = first * sum->k + channel;
    float *a = fcnn_weights_sum_weights(sum, into) + at;
    sum->add(rows, width, a, sum->k, fcnn_weights_sum_weights(sum, into + 1) + at, sum->k, a, sum->k);
}

static inline void fcnn_weights_sum_add_bias(const struct fcnn_weights_sum *sum, int64_t into, int64_t channel,
                                             int64_t width)
{
    float *a = fcnn_weights_sum_bias(sum, into) + channel;
    sum->add(1, width, a, 0, fcnn_weights_sum_bias(sum, into + 1) + channel, 0, a, 0);
}

#endif
