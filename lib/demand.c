/* SPDX-License-Identifier: BSD-2-Clause
 * What a kernel may ask for. Copies with padding, im2col's matrix and tables are small beside the tensors of any real
 * layer; but a small tensor may have a padding, window or dilation of millions, and then a few characters of text would
 * get gigabytes. Such a problem is one that the kernel cannot serve. */
#include "lib/internal.h"

/* Real layers stay far below: the most is 9 times the tensors, by Winograd's transformed weights for one image. */
#define ROOM ((size_t)64 << 20)
#define TIMES 16

static size_t tensor_bytes(const fcnn_problem *problem)
{
    fcnn_tensor_info tensors[FCNN_MAX_TENSORS];
    size_t bytes = 0;
    for (int i = fcnn_tensor_list(problem, tensors) - 1; i >= 0; i--)
        bytes += (size_t)tensors[i].elements * tensors[i].element_size;
    return bytes;
}

/* The limit is a function of the problem alone: no machine and no number of threads may change what serves it. */
static size_t most_bytes(const fcnn_problem *problem) { return ROOM + TIMES * tensor_bytes(problem); }

double fcnn_rough_nanoseconds(const fcnn_problem *problem)
{
    return fcnn_problem_flops(problem) / 50 + (double)tensor_bytes(problem) / 10;
}

int fcnn_affordable(const struct fcnn_choice *choice, const fcnn_problem *problem)
{
    const struct fcnn_demand demand = fcnn_row_demand(choice, problem);
    const size_t areas[] = {demand.tables, demand.packed, demand.shared, demand.sums, demand.scratch};
    size_t left = most_bytes(problem);
    for (unsigned i = 0; i < sizeof areas / sizeof *areas; left -= areas[i++])
        if (areas[i] > left) return 0;
    return 1;
}

const char *fcnn_unservable(const struct fcnn_kernel *kernel, const fcnn_problem *problem)
{
    const char *reason = fcnn_row_unsupported(kernel, problem);
    if (reason) return reason;
    const struct fcnn_choice choice = fcnn_row_choice(kernel, problem, &fcnn_common_caches);
    return fcnn_affordable(&choice, problem) ? NULL : "it would need more memory than 64 MiB and 16 times its tensors";
}

struct fcnn_choice fcnn_standard_choice(const struct fcnn_kernel *kernel, const fcnn_problem *problem,
                                        const struct fcnn_caches *caches)
{
    const struct fcnn_choice choice = fcnn_row_choice(kernel, problem, caches);
    return fcnn_affordable(&choice, problem) ? choice : fcnn_row_choice(kernel, problem, &fcnn_common_caches);
}
