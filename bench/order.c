/* SPDX-License-Identifier: BSD-2-Clause
 * Trees of sums and their recovery: see order.h. */
#include "bench/order.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- trees ---- */

int order_tree_make(struct order_tree *tree, int leaves)
{
    tree->leaves = tree->nodes = leaves;
    tree->parent = malloc((2 * (size_t)leaves) * sizeof *tree->parent);
    for (int i = 0; tree->parent && i < leaves; i++) tree->parent[i] = -1;
    return tree->parent != NULL;
}

void order_tree_free(struct order_tree *tree)
{
    free(tree->parent);
    tree->parent = NULL;
}

static int add_node(struct order_tree *tree)
{
    tree->parent[tree->nodes] = -1;
    return tree->nodes++;
}

int order_join(struct order_tree *tree, int a, int b)
{
    return tree->parent[a] = tree->parent[b] = add_node(tree);
}

int order_chain(struct order_tree *tree, const int *nodes, int count)
{
    int sum = nodes[0];
    for (int i = 1; i < count; i++) sum = order_join(tree, sum, nodes[i]);
    return sum;
}

int order_halves(struct order_tree *tree, const int *nodes, int count)
{
    int half = 1;
    if (count == 1) return nodes[0];
    while (2 * half < count) half *= 2;
    const int first = order_halves(tree, nodes, half), second = order_halves(tree, nodes + half, count - half);
    return order_join(tree, first, second);
}

/* How many terms each node is the sum of; NULL: no memory. */
static int *sizes_of(const struct order_tree *tree)
{
    int *size = calloc((size_t)tree->nodes, sizeof *size);
    for (int i = 0; size && i < tree->nodes; i++) {
        if (i < tree->leaves) size[i] = 1;
        if (tree->parent[i] >= 0) size[tree->parent[i]] += size[i];
    }
    return size;
}

/* The smallest node that both terms are in: parents have higher numbers. */
static int common_node(const struct order_tree *tree, int i, int j)
{
    while (i != j)
        if (i < j) i = tree->parent[i];
        else j = tree->parent[j];
    return i;
}

/* Equal if the parents of corresponding nodes correspond, from the terms upwards, and the trees have equally many. */
int order_equal(const struct order_tree *a, const struct order_tree *b)
{
    if (a->leaves != b->leaves || a->nodes != b->nodes) return 0;
    int *partner = malloc((size_t)a->nodes * sizeof *partner), equal = partner != NULL;
    for (int i = 0; equal && i < a->nodes; i++) partner[i] = i < a->leaves ? i : -1;
    for (int i = 0; equal && i < a->nodes - 1; i++) {
        const int parent = a->parent[i], other = b->parent[partner[i]];
        if (partner[parent] < 0) partner[parent] = other;
        equal = partner[parent] == other && other >= 0;
    }
    free(partner);
    return equal;
}

/* ---- recovery ---- */

struct recovery {
    struct order_tree *tree;
    order_sum_fn *sum;
    void *context;
    int *met;           /* per term: the size of the smallest subtree with the pivot at hand */
    uint64_t random;    /* pivots: with the first term a chain that runs backwards would take a square of sums */
    enum order_status status;
    char *why;
    size_t why_size;
};

static int draw(struct recovery *r, int below)
{
    r->random = r->random * 6364136223846793005u + 1442695040888963407u;
    return (int)((r->random >> 33) % (uint64_t)below);
}

static int refuse(struct recovery *r, const char *what, int i, int j, double value)
{
    if (r->status == ORDER_OK) snprintf(r->why, r->why_size, what, i, j, value);
    r->status = ORDER_NO_TREE;
    return 0;
}

/* The number of terms in the smallest subtree with i and j; 0: there is none. */
static int ask(struct recovery *r, int i, int j)
{
    const double value = r->sum(r->context, i, j);
    if (!(value >= 0 && value <= r->tree->leaves - 2) || value != rint(value))
        return refuse(r, "masked at terms %d and %d the sum is %g", i, j, value);
    return r->tree->leaves - (int)value;
}

static void swap(int *a, int *b)
{
    const int kept = *a;
    *a = *b;
    *b = kept;
}

/* For qsort_r(): terms by when they meet the pivot. */
static int by_meeting(const void *a, const void *b, void *met)
{
    const int x = ((const int *)met)[*(const int *)a], y = ((const int *)met)[*(const int *)b];
    return (x > y) - (x < y);
}

static int build(struct recovery *r, int *terms, int *count, int below);

/* All of terms[0 .. count-1] was added to node `sum`, a subtree of `size` terms, in one go: one summand or, where
 * several subtrees are found, more. Returns the new node. */
static int join_group(struct recovery *r, int sum, int size, int *terms, int count, int together)
{
    if (size + count != together)
        return refuse(r, "subtrees of %d and %d terms make one of %g", size, count, together), sum;
    int *children = malloc((size_t)count * sizeof *children), found = 0;
    if (!children) return r->status = ORDER_NO_MEMORY, sum;
    while (count && r->status == ORDER_OK) {
        int rest = count;
        children[found++] = build(r, terms, &rest, together);
        terms += count - rest;
        count = rest;
    }
    if (r->status == ORDER_OK) {
        const int node = add_node(r->tree);
        r->tree->parent[sum] = node;
        for (int i = 0; i < found; i++) r->tree->parent[children[i]] = node;
        sum = node;
    }
    free(children);
    return sum;
}

/* Builds the subtree, of fewer than `below` terms, that holds one of the terms; those that are not in it are left at
 * the end, *count of them. Returns its root. Upwards from the pivot groups of terms are met, near ones first. */
static int build(struct recovery *r, int *terms, int *count, int below)
{
    const int all = *count;
    int inside = 1, sum, size = 1;
    swap(&terms[0], &terms[draw(r, all)]);
    sum = terms[0];
    for (int i = 1; i < all; i++) {
        const int met = ask(r, terms[0], terms[i]);
        if (!met) return sum;
        r->met[terms[i]] = met;
        if (met > below)
            return refuse(r, "terms %d and %d meet outside of a subtree of %g", terms[0], terms[i], below);
        if (met < below) swap(&terms[inside++], &terms[i]);
    }
    *count = all - inside;
    qsort_r(terms + 1, (size_t)inside - 1, sizeof *terms, by_meeting, r->met);
    while (size < inside && r->status == ORDER_OK) {
        const int together = r->met[terms[size]];
        int end = size;
        while (end < inside && r->met[terms[end]] == together) end++;
        sum = join_group(r, sum, size, terms + size, end - size, together);
        size = end;
    }
    return sum;
}

/* All pairs of a small sum, else as many as it has terms, at random: sizes that fit each other along every pivot's path
 * may still contradict what the rest of the sum does. */
static void verify(struct recovery *r)
{
    enum { FEW = 40 };
    const int n = r->tree->leaves, pairs = n > FEW ? n : n * (n - 1) / 2;
    int *size = sizes_of(r->tree), i = 1, j = 0;
    if (!size) r->status = ORDER_NO_MEMORY;
    for (int k = 0; k < pairs && r->status == ORDER_OK; k++) {
        if (n > FEW) {
            i = draw(r, n);
            do j = draw(r, n);
            while (i == j);
        }
        const int met = ask(r, i, j);
        if (met && met != size[common_node(r->tree, i, j)])
            refuse(r, "terms %d and %d meet in a subtree of %g, which contradicts others", i, j, met);
        if (n <= FEW && ++j == i) i++, j = 0;
    }
    free(size);
}

enum order_status order_recover(struct order_tree *tree, int leaves, order_sum_fn *sum, void *context, char *why,
                                size_t size)
{
    struct recovery r = {.tree = tree, .sum = sum, .context = context, .random = 1, .why = why, .why_size = size};
    int *terms = malloc((size_t)leaves * sizeof *terms), count = leaves;
    r.met = malloc((size_t)leaves * sizeof *r.met);
    if (!order_tree_make(tree, leaves) || !terms || !r.met) r.status = ORDER_NO_MEMORY;
    const double ones = r.status ? 0 : sum(context, -1, -1);
    if (r.status == ORDER_OK && ones != leaves) refuse(&r, "%d terms of %d add up to %g", leaves, 1, ones);
    for (int i = 0; i < leaves && terms; i++) terms[i] = i;
    if (r.status == ORDER_OK) build(&r, terms, &count, leaves + 1);
    if (r.status == ORDER_OK) verify(&r);
    free(terms);
    free(r.met);
    return r.status;
}

/* ---- words ---- */

/* What describing needs to know of a tree: its largest chains of terms ("units"), and the tree above them. */
struct view {
    int *size, *summands, *chained; /* per node: terms; summands; whether it is a chain */
    int *unit;                      /* per node: the largest chain that it is in, or -1 */
    int *number;                    /* per node, if it is a unit: of how many before, by least terms; else -1 */
    int units, shortest, longest, widest; /* widest: most summands of a node */
    int but_last;                   /* all units have the same length but the last one, which is shorter */
    int ordered;                    /* the terms of each unit come in ascending order */
    int step;                       /* from term to term in each unit; 0: it varies */
    struct order_tree above;        /* its terms are the units */
};

static int view_make(struct view *v, const struct order_tree *t)
{
    *v = (struct view){.size = sizes_of(t), .ordered = 1, .step = -1};
    int **arrays[] = {&v->summands, &v->chained, &v->unit, &v->number};
    int there = v->size != NULL;
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        there &= (*arrays[i] = calloc((size_t)t->nodes, sizeof **arrays[i])) != NULL;
    return there;
}

static void view_free(struct view *v)
{
    int *const arrays[] = {v->size, v->summands, v->chained, v->unit, v->number};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) free(arrays[i]);
    order_tree_free(&v->above);
}

/* A node is a chain if it is a term, or adds a term to a chain. */
static void find_chains(struct view *v, const struct order_tree *t)
{
    for (int i = 0; i < t->nodes - 1; i++) {
        const int width = ++v->summands[t->parent[i]];
        if (width > v->widest) v->widest = width;
    }
    for (int i = 0; i < t->nodes; i++) {
        const int parent = t->parent[i];
        v->chained[i] |= i < t->leaves;
        if (parent < 0 || !v->chained[i] || v->summands[parent] != 2) continue;
        if (v->size[parent] == 2 || (i >= t->leaves && v->size[parent] == v->size[i] + 1)) v->chained[parent] = 1;
    }
    for (int i = t->nodes - 1; i >= 0; i--) {
        const int parent = t->parent[i];
        v->number[i] = -1;
        v->unit[i] = !v->chained[i] ? -1 : parent >= 0 && v->chained[parent] ? v->unit[parent] : i;
    }
}

/* Numbers the units, and looks at the order of their terms. */
static int find_units(struct view *v, const struct order_tree *t)
{
    int *seen = calloc((size_t)t->nodes, sizeof *seen), *last = calloc((size_t)t->nodes, sizeof *last);
    const int there = seen && last;
    v->shortest = t->leaves;
    for (int leaf = 0; there && leaf < t->leaves; leaf++) {
        const int unit = v->unit[leaf], size = v->size[unit];
        const int place = leaf == unit ? 0 : v->size[t->parent[leaf]] - 1; /* 1 for both of the first two */
        if (!seen[unit]) {
            v->but_last = v->shortest == v->longest && size < v->longest; /* so far, and this one less */
            v->number[unit] = v->units++;
            if (size < v->shortest) v->shortest = size;
            if (size > v->longest) v->longest = size;
        } else {
            if (v->step < 0) v->step = leaf - last[unit];
            if (v->step != leaf - last[unit]) v->step = 0;
        }
        v->ordered &= place == (seen[unit] || size == 1 ? seen[unit] : 1);
        seen[unit]++;
        last[unit] = leaf;
    }
    free(seen);
    free(last);
    return there;
}

/* The tree whose terms are the units: all nodes that are no chains stay. */
static int contract(struct view *v, const struct order_tree *t)
{
    if (!order_tree_make(&v->above, v->units)) return 0;
    for (int i = t->leaves; i < t->nodes; i++)
        if (!v->chained[i]) v->number[i] = add_node(&v->above);
    for (int i = 0; i < t->nodes - 1; i++)
        if (v->number[i] >= 0) v->above.parent[v->number[i]] = v->number[t->parent[i]];
    return 1;
}

/* Whether a tree is `join` of its terms in their order. */
static int is_joined(const struct order_tree *t, int (*join)(struct order_tree *, const int *, int))
{
    struct order_tree other;
    int *nodes = malloc((size_t)t->leaves * sizeof *nodes);
    int same = order_tree_make(&other, t->leaves) && nodes != NULL;
    for (int i = 0; same && i < t->leaves; i++) nodes[i] = i;
    if (same) join(&other, nodes, t->leaves);
    same = same && order_equal(t, &other);
    order_tree_free(&other);
    free(nodes);
    return same;
}

static void describe_units(const struct view *v, char *text, size_t size)
{
    char lengths[48] = "", at_once[48] = "";
    const char *const how = v->units == 2                        ? "" /* there is but one way */
                            : is_joined(&v->above, order_halves) ? " along the tree"
                            : is_joined(&v->above, order_chain)  ? " one after the other" : " in another order";
    if (v->shortest == v->longest) snprintf(lengths, sizeof lengths, "%d", v->longest);
    else if (v->but_last) snprintf(lengths, sizeof lengths, "%d, the last of %d", v->longest, v->shortest);
    else snprintf(lengths, sizeof lengths, "%d to %d", v->shortest, v->longest);
    if (v->widest > 2) snprintf(at_once, sizeof at_once, ", up to %d at once", v->widest);
    snprintf(text, size, "%d %schains of %s%s, added%s%s", v->units, v->ordered && v->step > 1 ? "interleaved " : "",
             lengths, v->ordered && v->step ? "" : " in another order", how, at_once);
}

static int describe(const struct order_tree *t, char *text, size_t size)
{
    struct view v;
    int there = view_make(&v, t);
    if (there) find_chains(&v, t);
    there = there && find_units(&v, t) && contract(&v, t);
    if (!there) snprintf(text, size, "no memory");
    else if (v.units == 1) snprintf(text, size, "chain of %d%s", t->leaves, v.ordered ? "" : " in another order");
    else if (is_joined(t, order_halves)) snprintf(text, size, "tree of %d", t->leaves);
    else describe_units(&v, text, size);
    view_free(&v);
    return there;
}

/* The bias, term 0, was added to everything else: describes that. */
static int describe_without_bias(const struct order_tree *tree, char *text, size_t size)
{
    struct order_tree rest;
    int there = order_tree_make(&rest, tree->leaves - 1);
    for (int i = 1; there && i < tree->nodes - 1; i++)
        rest.parent[i - 1] = tree->parent[i] == tree->nodes - 1 ? -1 : tree->parent[i] - 1;
    rest.nodes = tree->nodes - 2;
    there = there && describe(&rest, text, size);
    const size_t length = strlen(text);
    if (there) snprintf(text + length, size - length, ", then the bias");
    order_tree_free(&rest);
    return there;
}

int order_describe(const struct order_tree *tree, int bias, char *text, size_t size)
{
    const int root = tree->nodes - 1;
    int summands = 0;
    for (int i = 0; i < root; i++) summands += tree->parent[i] == root;
    if (bias && tree->leaves > 2 && tree->parent[0] == root && summands == 2)
        return describe_without_bias(tree, text, size);
    return describe(tree, text, size);
}
