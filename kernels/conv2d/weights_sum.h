/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Sums of blocks along the fixed binary tree, as a binary counter: block sums are pushed on a stack of slots; equal-sized
 * neighbours are added at once, the rest from the top at the end. This is sum[lo,hi) = sum[lo,mid) + sum[mid,hi) with mid - lo
 * the largest power of two below hi - lo, in ceil(log2(blocks)) + 1 slots. Slot 0 is the result itself. */
#ifndef FCNN_WEIGHTS_SUM_H
#define FCNN_WEIGHTS_SUM_H

#include "kernels/kernel.h"

struct fcnn_tree {
    int64_t depth;  /* slots in use */
    int64_t pushed; /* blocks so far */
    int64_t merged; /* merges since the last push */
};

/* The slot of the next block. */
static inline int64_t fcnn_tree_push(struct fcnn_tree *tree)
{
    tree->pushed++;
    tree->merged = 0;
    return tree->depth++;
}

/* The slot to which the slot above it must now be added; -1: none. `last`: no block follows. */
static inline int64_t fcnn_tree_merge(struct fcnn_tree *tree, int last)
{
    int due = last ? tree->depth > 1 : (tree->pushed >> tree->merged & 1) == 0;
    if (!due) return -1;
    tree->merged++;
    return --tree->depth - 1;
}

/* Slots of whole weight gradients with their bias gradients: slot 0 is the output, others lie in `more`. */
struct fcnn_weights_sum {
    float *weights, *bias, *more;
    int64_t count, k;
};

static inline int64_t fcnn_weights_count(const fcnn_problem *p) { return p->r * p->s * (p->c / p->groups) * p->k; }

static inline size_t fcnn_weights_sum_bytes(const fcnn_problem *p)
{
    int64_t blocks = (p->n + FCNN_BLOCK - 1) / FCNN_BLOCK, slots = 0;
    while ((int64_t)1 << slots < blocks) slots++;
    return (size_t)(slots * (fcnn_weights_count(p) + p->k)) * sizeof(float);
}

static inline struct fcnn_weights_sum fcnn_weights_sum_of(const fcnn_problem *p, const fcnn_tensors *t, void *more)
{
    return (struct fcnn_weights_sum){t->d_weights, t->d_bias, more, fcnn_weights_count(p), p->k};
}

static inline float *fcnn_weights_sum_weights(const struct fcnn_weights_sum *sum, int64_t slot)
{
    return slot ? sum->more + (slot - 1) * (sum->count + sum->k) : sum->weights;
}

static inline float *fcnn_weights_sum_bias(const struct fcnn_weights_sum *sum, int64_t slot)
{
    return slot ? sum->more + (slot - 1) * (sum->count + sum->k) + sum->count : sum->bias;
}

#endif
