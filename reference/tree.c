/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The fixed binary tree along which partial sums are added: its shape depends on the number of leaves alone. */
#include "reference/ref.h"

int64_t ref_tree_half(int64_t count)
{
    int64_t half = 1;
    while (2 * half < count) half *= 2;
    return half;
}

float ref_tree(int64_t lo, int64_t hi, float (*leaf)(const void *context, int64_t i), const void *context)
{
    if (hi - lo == 1) return leaf(context, lo);
    const int64_t middle = lo + ref_tree_half(hi - lo);
    const float left = ref_tree(lo, middle, leaf, context);
    return left + ref_tree(middle, hi, leaf, context);
}

struct column {
    const float *src;
    int64_t c, i;
};

static float column_leaf(const void *context, int64_t n)
{
    const struct column *column = context;
    return column->src[n * column->c + column->i];
}

void ref_reduce(int64_t n, int64_t c, const float *src, float *dst)
{
    for (int64_t i = 0; i < c; i++) dst[i] = ref_tree(0, n, column_leaf, &(struct column){src, c, i});
}
