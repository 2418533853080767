/* SPDX-License-Identifier: BSD-2-Clause
 * The denominator of "% of peak": which instruction set runs, and what its multiply-adds reach on all threads. */
#include <omp.h>
#include <string.h>

#include "cli/cli.h"

#define PEAK_SECONDS 0.1

fcnn_status cli_in_use(const fcnn_options *options, fcnn_isa *isa, int *threads)
{
    fcnn_problem problem = {.op = FCNN_CONV2D_POOL, .n = 8, .h = 13, .w = 13, .c = 32, .k = 64, .r = 3, .s = 3};
    fcnn_plan *plan;
    fcnn_status status = fcnn_plan_create(&plan, &problem, options);
    if (status) return status;
    *threads = fcnn_plan_threads(plan);
    for (int i = 0; i < fcnn_kernel_count(); i++) {
        fcnn_kernel_info kernel = fcnn_kernel_describe(i);
        if (!strcmp(kernel.name, fcnn_plan_kernel(plan))) *isa = kernel.isa;
    }
    fcnn_plan_destroy(plan);
    return FCNN_OK;
}

int cli_team(int threads)
{
    int team = 1;
#pragma omp parallel num_threads(threads)
    {
#pragma omp single
        team = omp_get_num_threads();
    }
    return team;
}

double cli_measure_peak(fcnn_isa isa, int threads)
{
    double sum = 0;
#pragma omp parallel num_threads(threads) reduction(+ : sum)
    sum += fcnn_measure_peak(isa, PEAK_SECONDS);
    return sum;
}
