/* SPDX-License-Identifier: BSD-2-Clause
 * Orders of summation: their recovery (bench/order.c) on made-up sums, and that every exact row has the order of
 * docs/numerics.md with one thread and with two, by nothing but its outputs. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/orders.h"
#include "tests/suite.h"

/* ---- made-up sums ---- */

enum { MOST = 700 };

/* A sum along a tree. Of a node's summands M and -M cancel, and if there is one of them what is not M is lost, however
 * many are added at once: what a float's sum of two, or a matrix unit's of several, does. */
struct toy {
    const struct order_tree *tree;
    int asked;
    int spoiled; /* not 0: for this term and the one after it the sum is another */
};

static double toy_sum(void *context, int plus, int minus)
{
    struct toy *toy = context;
    struct { int large, is_large, ones; } at[2 * MOST] = {{0}};
    const struct order_tree *t = toy->tree;
    toy->asked++;
    for (int i = 0; i < t->nodes; i++) {
        const int parent = t->parent[i];
        if (i < t->leaves) at[i].large = (i == plus) - (i == minus), at[i].ones = i != plus && i != minus;
        if (at[i].is_large) at[i].ones = 0;
        if (parent < 0) continue;
        at[parent].large += at[i].large;
        at[parent].is_large |= at[i].large != 0;
        at[parent].ones += at[i].ones;
    }
    const int is_spoiled = toy->spoiled && plus + minus == 2 * toy->spoiled + 1 && abs(plus - minus) == 1;
    return at[t->nodes - 1].ones - (is_spoiled && at[t->nodes - 1].ones > 1);
}

static int random_below(uint64_t *state, int below)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (int)((*state >> 33) % (uint64_t)below);
}

/* Joins two nodes at random until one is left. */
static void grow(struct order_tree *tree, uint64_t *state)
{
    int nodes[MOST], count = tree->leaves;
    for (int i = 0; i < count; i++) nodes[i] = i;
    while (count > 1) {
        const int i = random_below(state, count), a = nodes[i];
        nodes[i] = nodes[--count];
        const int j = random_below(state, count);
        nodes[j] = order_join(tree, a, nodes[j]);
    }
}

/* Blocks of so many terms `stride` apart, each a chain, then `join`. */
static void make_blocks(struct order_tree *tree, int blocks, int length, int is_interleaved,
                        int (*join)(struct order_tree *, const int *, int))
{
    int sums[MOST], nodes[MOST];
    ck_assert(order_tree_make(tree, blocks * length));
    for (int b = 0; b < blocks; b++) {
        for (int i = 0; i < length; i++) nodes[i] = is_interleaved ? i * blocks + b : b * length + i;
        sums[b] = order_chain(tree, nodes, length);
    }
    join(tree, sums, blocks);
}

static int recover(struct toy *toy, struct order_tree *found, char why[128])
{
    return (int)order_recover(found, toy->tree->leaves, toy_sum, toy, why, 128);
}

static void assert_words(const struct order_tree *tree, int bias, const char *words)
{
    char text[160];
    ck_assert(order_describe(tree, bias, text, sizeof text));
    ck_assert_str_eq(text, words);
}

/* What is recovered is the tree, in at most so many sums; frees it. */
static void assert_recovered(struct order_tree *tree, int bias, const char *words, int most)
{
    struct order_tree found;
    struct toy toy = {.tree = tree};
    char why[128] = "";
    ck_assert_msg(recover(&toy, &found, why) == ORDER_OK, "%s: %s", words, why);
    ck_assert_msg(order_equal(tree, &found), "%s", words);
    ck_assert_msg(toy.asked <= most, "%s: %d sums", words, toy.asked);
    assert_words(&found, bias, words);
    order_tree_free(&found);
    order_tree_free(tree);
}

START_TEST(plain_orders)
{
    struct order_tree tree;
    make_blocks(&tree, 1, 288, 0, order_chain);
    assert_recovered(&tree, 0, "chain of 288", 6 * 288);
    make_blocks(&tree, 128, 1, 0, order_halves);
    assert_recovered(&tree, 0, "tree of 128", 12 * 128);
    make_blocks(&tree, 9, 1, 0, order_halves);
    assert_recovered(&tree, 0, "tree of 9", 100);
    make_blocks(&tree, 5, 8, 0, order_halves);
    assert_recovered(&tree, 0, "5 chains of 8, added along the tree", 900);
    make_blocks(&tree, 4, 8, 0, order_chain);
    assert_recovered(&tree, 0, "4 chains of 8, added one after the other", 900);
    make_blocks(&tree, 2, 16, 1, order_chain);
    assert_recovered(&tree, 0, "2 interleaved chains of 16, added", 900);
    make_blocks(&tree, 8, 4, 1, order_halves);
    assert_recovered(&tree, 0, "8 interleaved chains of 4, added along the tree", 900);
    make_blocks(&tree, 1, 2, 0, order_chain);
    assert_recovered(&tree, 0, "chain of 2", 3);
    make_blocks(&tree, 1, 1, 0, order_chain);
    assert_recovered(&tree, 0, "chain of 1", 1);
}
END_TEST

START_TEST(other_orders)
{
    struct order_tree tree;
    int nodes[MOST];
    ck_assert(order_tree_make(&tree, 288)); /* backwards: pivots are drawn, so that this takes no square of sums */
    for (int i = 0; i < 288; i++) nodes[i] = 287 - i;
    order_chain(&tree, nodes, 288);
    assert_recovered(&tree, 0, "chain of 288 in another order", 10 * 288);
    ck_assert(order_tree_make(&tree, 30)); /* the bias comes last */
    for (int i = 0; i < 30; i++) nodes[i] = (i + 1) % 30;
    order_chain(&tree, nodes, 30);
    assert_recovered(&tree, 1, "chain of 29, then the bias", 900);
    ck_assert(order_tree_make(&tree, 19)); /* 8, 8, 3, as of 19 images */
    for (int i = 0; i < 19; i++) nodes[i] = i;
    for (int i = 0; i < 3; i++) nodes[i] = order_chain(&tree, nodes + 8 * i, i < 2 ? 8 : 3);
    order_halves(&tree, nodes, 3);
    assert_recovered(&tree, 0, "3 chains of 8, the last of 3, added along the tree", 300);
    ck_assert(order_tree_make(&tree, 10)); /* 0 3 | 1 2 4 5 6 7 8 9 */
    const int first[] = {0, 3}, second[] = {1, 2, 4, 5, 6, 7, 8, 9};
    order_join(&tree, order_chain(&tree, first, 2), order_chain(&tree, second, 8));
    assert_recovered(&tree, 0, "2 chains of 2 to 8 in another order, added", 100);
}
END_TEST

/* Twelve terms, four at once, then three sums at once. */
START_TEST(several_at_once)
{
    struct order_tree tree;
    ck_assert(order_tree_make(&tree, 12));
    for (int i = 0; i < 15; i++) tree.parent[i] = i < 12 ? 12 + i / 4 : 15;
    tree.parent[15] = -1;
    tree.nodes = 16;
    assert_recovered(&tree, 0, "12 chains of 1, added in another order, up to 4 at once", 300);
}
END_TEST

START_TEST(random_orders)
{
    uint64_t state = 1;
    for (int round = 0; round < 200; round++) {
        struct order_tree tree, found;
        struct toy toy = {.tree = &tree};
        char why[128] = "";
        ck_assert(order_tree_make(&tree, 1 + random_below(&state, 120)));
        grow(&tree, &state);
        ck_assert_msg(recover(&toy, &found, why) == ORDER_OK, "round %d: %s", round, why);
        ck_assert_msg(order_equal(&tree, &found), "round %d", round);
        const int leaves = tree.leaves;
        ck_assert_int_le(toy.asked, leaves * leaves + 1);
        order_tree_free(&found);
        order_tree_free(&tree);
    }
}
END_TEST

/* Trees that differ in one place are different. */
START_TEST(unequal_orders)
{
    struct order_tree chain, halves, swapped;
    int nodes[] = {0, 1, 2, 3, 4};
    ck_assert(order_tree_make(&chain, 5) && order_tree_make(&halves, 5) && order_tree_make(&swapped, 5));
    order_chain(&chain, nodes, 5);
    order_halves(&halves, nodes, 5);
    ck_assert(order_equal(&chain, &chain) && order_equal(&halves, &halves));
    ck_assert(!order_equal(&chain, &halves) && !order_equal(&halves, &chain));
    nodes[3] = 4, nodes[4] = 3;
    order_chain(&swapped, nodes, 5);
    ck_assert(!order_equal(&chain, &swapped));
    order_tree_free(&chain);
    order_tree_free(&halves);
    order_tree_free(&swapped);
}
END_TEST

static double no_sum(void *context, int plus, int minus)
{
    const double *value = context;
    return plus < 0 && minus < 0 ? 8 : *value;
}

START_TEST(no_tree)
{
    struct order_tree found, tree;
    struct toy toy = {.tree = &tree, .spoiled = 5};
    char why[128] = "";
    double values[] = {0.5, -1, 7, NAN, INFINITY};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        ck_assert_int_eq(order_recover(&found, 8, no_sum, &values[i], why, sizeof why), ORDER_NO_TREE);
        ck_assert_ptr_nonnull(strstr(why, "the sum is"));
        order_tree_free(&found);
    }
    ck_assert_int_eq(order_recover(&found, 9, no_sum, values, why, sizeof why), ORDER_NO_TREE); /* a term is missing */
    ck_assert_str_eq(why, "9 terms of 1 add up to 8");
    order_tree_free(&found);
    make_blocks(&tree, 1, 30, 0, order_chain); /* one pair contradicts all others */
    ck_assert_int_eq(recover(&toy, &found, why), ORDER_NO_TREE);
    order_tree_free(&found);
    order_tree_free(&tree);
}
END_TEST

/* ---- the table of kernels ---- */

static int sums_nothing(const fcnn_kernel_info *kernel)
{
    return kernel->op == FCNN_RELU || kernel->op == FCNN_SOFTMAX || kernel->op == FCNN_CROSS_ENTROPY ||
           kernel->op == FCNN_ADAM || kernel->op == FCNN_SGD || kernel->op == FCNN_RMSPROP ||
           kernel->op == FCNN_SIGMOID || kernel->op == FCNN_TANH || kernel->op == FCNN_DROPOUT ||
           kernel->op == FCNN_MSE ||
           kernel->op == FCNN_CATEGORICAL_CROSS_ENTROPY ||
           kernel->op == FCNN_BATCH_SUMS || /* whose second pass takes back what a mask does to the first */
           (kernel->op == FCNN_BATCH_NORM && kernel->direction != FCNN_BACKWARD_WEIGHTS) ||
           (kernel->op == FCNN_MAXPOOL && kernel->direction == FCNN_FORWARD);
}

static int serves(int row, const fcnn_kernel_info *kernel, const fcnn_problem *problem)
{
    const fcnn_options options = {.kernel = kernel->name, .math = fcnn_class_name(kernel->numerics)};
    fcnn_verdict verdict;
    return problem->op == kernel->op && problem->direction == kernel->direction &&
           !fcnn_explain(row, problem, &options, &verdict) && !verdict.reason;
}

static void check_sum(const struct bench_sum *sum, const fcnn_kernel_info *kernel, int threads)
{
    struct order_tree found, documented;
    char why[256] = "", got[160] = "", want[160] = "";
    const int status = bench_order_of_kernel(&found, sum, kernel->name, kernel->numerics, threads, why, sizeof why);
    ck_assert_msg(status == ORDER_OK, "%s \"%s\" %s: %s", kernel->name, sum->of->about.text, sum->output, why);
    ck_assert(bench_sum_documented(sum, &documented));
    order_describe(&found, sum->has_bias, got, sizeof got);
    order_describe(&documented, sum->has_bias, want, sizeof want);
    ck_assert_msg(order_equal(&found, &documented), "%s \"%s\" %s, %d threads: %s in place of %s", kernel->name,
                  sum->of->about.text, sum->output, threads, got, want);
    order_tree_free(&found);
    order_tree_free(&documented);
}

/* The problem's sums; adds to *sums how many that were. */
static void check_problem(int row, const char *text, int *sums)
{
    const fcnn_kernel_info kernel = fcnn_kernel_describe(row);
    const struct bench_options options = {.threads = 1, .problems = {{text}, 1}};
    struct bench_case *cases;
    int count;
    ck_assert_int_eq(bench_cases_make(&options, &cases, &count), 0);
    for (enum bench_output_of which = BENCH_MAIN_OUTPUT; which <= BENCH_BIAS_GRADIENT; which++) {
        struct bench_sum sum;
        if (!serves(row, &kernel, &cases->about.problem)) break;
        const char *const why = bench_sum_make(&sum, cases, which);
        ck_assert_msg(!why || which == BENCH_BIAS_GRADIENT, "\"%s\": %s", text, why);
        for (int threads = 1; !why && threads <= 2; threads++) check_sum(&sum, &kernel, threads);
        *sums += !why;
        bench_sum_free(&sum);
    }
    bench_cases_free(cases, count);
}

START_TEST(documented_order)
{
    const fcnn_kernel_info kernel = fcnn_kernel_describe(_i);
    int sums = 0;
    if (kernel.missing || kernel.numerics != FCNN_EXACT || sums_nothing(&kernel)) return;
    for (int i = 0; i < bench_order_problem_count; i++) check_problem(_i, bench_order_problems[i], &sums);
    ck_assert_msg(sums > 0, "%s serves no problem of bench_order_problems", kernel.name);
}
END_TEST

/* The one thing that no made-up sum shows: a kernel that is no sum of products is told apart. */
START_TEST(winograd)
{
    struct bench_case *cases;
    struct bench_sum sum;
    struct order_tree found;
    int count;
    char why[256];
    const struct bench_options options = {.threads = 1, .problems = {{bench_order_problems[0]}, 1}};
    ck_assert_int_eq(bench_cases_make(&options, &cases, &count), 0);
    ck_assert_ptr_null(bench_sum_make(&sum, cases, BENCH_MAIN_OUTPUT));
    ck_assert_int_eq(bench_order_of_kernel(&found, &sum, "conv2d_fwd_winograd_f4_scalar", FCNN_WINOGRAD_F4, 1, why,
                                           sizeof why), ORDER_NO_TREE);
    order_tree_free(&found);
    bench_sum_free(&sum);
    bench_cases_free(cases, count);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("orders");
    TCase *recovery = tcase_create("recovery"), *kernels = tcase_create("kernels");
    tcase_add_test(recovery, plain_orders);
    tcase_add_test(recovery, other_orders);
    tcase_add_test(recovery, several_at_once);
    tcase_add_test(recovery, random_orders);
    tcase_add_test(recovery, unequal_orders);
    tcase_add_test(recovery, no_tree);
    suite_add_tcase(suite, recovery);
    tcase_set_timeout(kernels, 300);
    tcase_add_loop_test(kernels, documented_order, 0, fcnn_kernel_count());
    tcase_add_test(kernels, winograd);
    suite_add_tcase(suite, kernels);
    return run_suite(suite);
}
