/* SPDX-License-Identifier: BSD-2-Clause
 * The order in which a sum is computed, recovered from outputs alone (FPRev: Xie et al., USENIX ATC 2025). Nothing here
 * knows kernels: a sum is a function that takes masks.
 *
 * All terms are 1 but two: M at i and -M at j, M so large that M + 1 is M. A 1 that meets one of them before they meet
 * each other is lost, a 1 that comes later counts. So the sum is the number of terms outside the smallest subtree that
 * holds both i and j; from the sizes of these subtrees the tree is built. */
#ifndef BENCH_ORDER_H
#define BENCH_ORDER_H

#include <stddef.h>

/* The tree of a sum. Nodes 0 .. leaves-1 are the terms; every further node is the sum of two or more nodes with lower
 * numbers than its own; the last one is the whole sum. */
struct order_tree {
    int leaves, nodes;
    int *parent; /* of node i; of the last one: -1 */
};

enum order_status { ORDER_OK, ORDER_NO_TREE, ORDER_NO_MEMORY };

/* An empty tree of so many terms (at least 1) to be joined. 0: no memory. Free it in any case. */
int order_tree_make(struct order_tree *tree, int leaves);
void order_tree_free(struct order_tree *tree);
/* A new node, the sum of two nodes that have no parent yet. */
int order_join(struct order_tree *tree, int a, int b);

/* Joins the nodes[0 .. count-1], one after the other, and along the tree of rule 6 in docs/numerics.md: the first part
 * is the largest power of two below the count. Return the node of their sum. */
int order_chain(struct order_tree *tree, const int *nodes, int count);
int order_halves(struct order_tree *tree, const int *nodes, int count);

/* The sum with M at term `plus`, -M at term `minus` and 1 elsewhere; both negative: 1 everywhere. In units of what one
 * term of 1 adds. Between 2^25 times the number of terms and 2^127 any power of two will do for M. */
typedef double order_sum_fn(void *context, int plus, int minus);

/* The tree behind a sum of `leaves` terms; to be freed in any case. It takes few sums per term for chains and trees, at
 * worst leaves^2 / 2, plus one per term that check what was found. ORDER_NO_TREE: these outputs come from no tree of
 * sums of these terms; then `why` says which output shows it. */
enum order_status order_recover(struct order_tree *tree, int leaves, order_sum_fn *sum, void *context, char *why,
                                size_t size);

int order_equal(const struct order_tree *a, const struct order_tree *b);

/* A tree in a few words: "chain of 288", "3 chains of 98, added along the tree". Terms are expected in the order of
 * their numbers, what deviates is named. `bias`: term 0 is one, and is told apart if it comes last. 0: no memory. */
int order_describe(const struct order_tree *tree, int bias, char *text, size_t size);

#endif
