/* SPDX-License-Identifier: BSD-2-Clause
 * Instructions of one execution of each scalar and AVX2 row, for callgrind, which has no AVX-512. Run by icount.sh: by
 * itself it does the work and counts nothing. Each count is a dump whose description is "KERNEL PROBLEM".
 *
 *     fastcnn-icount          the work; rows that no case covers are named on the standard output
 *     fastcnn-icount --key    what counts depend on beside the sources, "NAME VALUE" a line
 */
#include <fnmatch.h>
#include <gnu/libc-version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else /* then there is nothing to run it under: icount.sh says so */
#define CALLGRIND_ZERO_STATS
#define CALLGRIND_TOGGLE_COLLECT
#define CALLGRIND_DUMP_STATS_AT(text) ((void)(text))
#endif

#include "bench/cases.h"

/* A row is counted on every problem behind a pattern that it matches, if it serves it: small ones, as an instruction
 * costs fifty times its time here, with tails and borders, so that not only the innermost loop is looked at. */
#define PLAIN "*_@(direct|im2col|winograd_f2|winograd_f4)_*"
static const struct { const char *kernels, *problem; } cases[] = {
    {PLAIN, "conv2d+relu forward mb1ic32ih6oc40kh3ph1"},
    {"*_depthwise_*", "conv2d forward g40mb1ic40ih14oc40kh3ph1"},
    {"*_depthwise_@(scalar|avx2)", "conv2d forward g40mb1ic40ih11oc40kh5sh2ph2"},
    {"conv2d_fwd_skip_*", "conv2d+relu forward mb1ic32ih6oc40kh3ph1"},
    {"*_grouped_*", "conv2d forward g8mb1ic32ih9oc32kh3ph1"},
    {PLAIN, "conv2d backward_data mb1ic40ih6oc32kh3ph1"},
    {"conv2d_bwd_data_sparse_*", "conv2d+relu backward_data mb1ic40ih6oc32kh3ph1"},
    {"conv2d_bwd_data_sparse_*", "conv2d+relu backward_data mb1ic20ih9oc32kh5sh2"},
    {"*_depthwise_*", "conv2d backward_data g40mb1ic40ih14oc40kh3ph1"},
    {"*_grouped_*", "conv2d backward_data g8mb1ic32ih9oc32kh3ph1"},
    {"*_narrow_*", "conv2d backward_data mb1ic3ih12oc32kh3ph1"},
    {PLAIN, "conv2d backward_weights mb2ic20ih6oc32kh3ph1"},
    {"*_depthwise_*", "conv2d backward_weights g40mb2ic40ih10oc40kh3ph1"},
    {"*_grouped_*", "conv2d backward_weights g8mb2ic32ih7oc32kh3ph1"},
    {"*", "conv2d+relu+maxpool forward mb1ic16ih8oc40kh3"},
    {"*", "conv2d+relu+maxpool backward_data mb1ic20ih8oc32kh3"},
    {"conv2d_pool_bwd_data_sparse_*", "conv2d+relu+maxpool backward_data mb1ic20ih12oc32kh5"},
    {"*", "conv2d+relu+maxpool backward_weights mb2ic16ih8oc32kh3"},
    {"*_winners_*", "conv2d+relu+maxpool backward_weights mb4ic1ih12oc32kh3"},
    {"*", "dense+relu forward mb8ic100oc72"},
    {"*", "dense backward_data mb8ic72oc100"},
    {"*", "dense backward_weights mb9ic72oc72"},
    {"*", "maxpool forward mb1ic20ih12kh2sh2"},
    {"*", "maxpool backward_data mb1ic20ih12kh2sh2"},
    {"*", "avgpool forward mb1ic20ih12kh3sh2"},
    {"*", "avgpool backward_data mb1ic20ih12kh3sh2"},
    {"*", "relu forward mb1ic20ih12"},
    {"*", "relu backward_data mb1ic20ih12"},
    {"*", "sigmoid forward mb1ic20ih12"},
    {"*", "sigmoid backward_data mb1ic20ih12"},
    {"*", "tanh forward mb1ic20ih12"},
    {"*", "tanh backward_data mb1ic20ih12"},
    {"*", "dropout forward mb1ic20ih12"},
    {"*", "dropout backward_data mb1ic20ih12"},
    {"*", "softmax forward mb8ic100"},
    {"*", "cross_entropy forward mb8ic100"},
    {"*", "cross_entropy backward_data mb8ic100"},
    {"*", "categorical_cross_entropy forward mb8ic100"},
    {"*", "categorical_cross_entropy backward_data mb8ic100"},
    {"*", "mse forward mb8ic100"},
    {"*", "mse backward_data mb8ic100"},
    {"*", "reduce forward mb9ic500"},
    {"*", "adam update ic3000"},
    {"*", "sgd update ic3000"},
    {"*", "rmsprop update ic3000"},
    {"*", "batch_sums forward mb2ic20ih12"},
    {"*", "batch_norm forward mb2ic20ih12"},
    {"*", "batch_norm backward_data mb2ic20ih12"},
    {"*", "batch_norm backward_weights mb2ic20ih12"},
};
enum { CASES = sizeof cases / sizeof *cases };

static int is_counted(const fcnn_kernel_info *kernel)
{
    return !kernel->missing && (kernel->isa == FCNN_SCALAR || kernel->isa == FCNN_AVX2) &&
           fnmatch("*_naive", kernel->name, 0) != 0;
}

/* The second execution: nothing is done for the first time any more. */
static fcnn_status count(const fcnn_plan *plan, const fcnn_tensors *tensors, const char *name)
{
    fcnn_status status = fcnn_execute(plan, tensors);
    if (status) return status;
    CALLGRIND_ZERO_STATS;
    CALLGRIND_TOGGLE_COLLECT;
    status = fcnn_execute(plan, tensors);
    CALLGRIND_TOGGLE_COLLECT;
    CALLGRIND_DUMP_STATS_AT(name);
    return status;
}

/* Packing is in the execution: it is the kernel's work as well. */
static fcnn_status count_kernel(const fcnn_kernel_info *kernel, struct bench_case *c)
{
    const fcnn_options options = {.threads = 1, .kernel = kernel->name, .math = fcnn_class_name(kernel->numerics)};
    char name[256];
    fcnn_plan *plan;
    fcnn_status status = bench_case_prepare(c, FCNN_EXACT);
    if (!status) status = fcnn_plan_create(&plan, &c->about.problem, &options);
    if (status) return status;
    bench_case_reset(c);
    snprintf(name, sizeof name, "%s %s", kernel->name, c->about.text);
    status = count(plan, &c->tensors.arrays, name);
    fcnn_plan_destroy(plan);
    return status;
}

static int serves(int row, const fcnn_kernel_info *kernel, const fcnn_problem *problem)
{
    const fcnn_options options = {.kernel = kernel->name, .math = fcnn_class_name(kernel->numerics)};
    fcnn_verdict verdict;
    return kernel->op == problem->op && kernel->direction == problem->direction &&
           !fcnn_explain(row, problem, &options, &verdict) && !verdict.reason;
}

/* All rows on one case; counts[row] goes up. 0, or the status to exit with after a message. */
static int count_case(int which, int *counts)
{
    const struct bench_options options = {.threads = 1, .problems = {{cases[which].problem}, 1}};
    struct bench_case *c;
    int made, status = bench_cases_make(&options, &c, &made);
    for (int row = 0; !status && row < fcnn_kernel_count(); row++) {
        const fcnn_kernel_info kernel = fcnn_kernel_describe(row);
        if (!is_counted(&kernel) || fnmatch(cases[which].kernels, kernel.name, FNM_EXTMATCH) != 0 ||
            !serves(row, &kernel, &c->about.problem))
            continue;
        counts[row]++;
        const fcnn_status failed = count_kernel(&kernel, c);
        if (failed) status = 1, fprintf(stderr, "fastcnn-icount: %s: %s\n", kernel.name, bench_reason(failed));
    }
    bench_cases_free(c, made);
    return status;
}

static void print_key(void)
{
#ifdef __clang__
    printf("name clang-%d\ncompiler clang %s\n", __clang_major__, __clang_version__);
#else
    printf("name gcc-%d\ncompiler gcc %s\n", __GNUC__, __VERSION__);
#endif
    printf("flags %s\nlibc %s\n", ICOUNT_FLAGS, gnu_get_libc_version());
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "--key")) return print_key(), 0;
    int status = 0, *counts = calloc((size_t)fcnn_kernel_count(), sizeof *counts);
    if (!counts) return 1;
    for (int i = 0; i < CASES && !status; i++) status = count_case(i, counts);
    for (int row = 0; row < fcnn_kernel_count() && !status; row++) {
        const fcnn_kernel_info kernel = fcnn_kernel_describe(row);
        if (is_counted(&kernel) && !counts[row]) printf("uncovered %s\n", kernel.name);
    }
    free(counts);
    return status;
}
