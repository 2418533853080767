/* SPDX-License-Identifier: BSD-2-Clause
 * The fixed binary tree of sums (docs/numerics.md, rule 6): [lo, hi) is [lo, mid) + [mid, hi), mid - lo the largest
 * power of two below hi - lo. Read from left to right that is a binary counter: a sum of 2^k leaves waits on a stack
 * until the next 2^k leaves are summed, and what waits at the end is added from the right. A stack has room for one sum
 * per bit of the number of leaves. */
#ifndef FCNN_TREE_H
#define FCNN_TREE_H

/* Puts leaf i, or the i-th sum of its size, on the stack: it completes as many waiting sums as i has trailing ones.
 * Returns the new depth. */
FCNN_INLINE int tree_push(vec *waiting, int depth, vec x, int64_t i)
{
    for (; i & 1; i >>= 1) x = vec_add(waiting[--depth], x);
    waiting[depth] = x;
    return depth + 1;
}

/* The sum of all leaves, of which there is at least one. */
FCNN_INLINE vec tree_sum(const vec *waiting, int depth)
{
    vec sum = waiting[--depth];
    while (depth > 0) sum = vec_add(waiting[--depth], sum);
    return sum;
}

#endif
