/* SPDX-License-Identifier: BSD-2-Clause
 * The denominator of "% of peak": which instruction set runs, and what its multiply-adds reach on all threads. */
#include <pthread.h>
#include <stdlib.h>

#include "cli/cli.h"

#define PEAK_SECONDS 0.1

fcnn_status cli_isa_in_use(const fcnn_options *options, fcnn_isa *isa)
{
    fcnn_problem problem = {.op = FCNN_CONV2D_POOL, .n = 8, .h = 13, .w = 13, .c = 32, .k = 64, .r = 3, .s = 3};
    fcnn_plan_info info;
    fcnn_plan *plan;
    fcnn_status status = fcnn_plan_create(&plan, &problem, options);
    if (status) return status;
    status = fcnn_plan_describe(plan, &info);
    *isa = info.isa;
    fcnn_plan_destroy(plan);
    return status;
}

struct measurement {
    fcnn_isa isa;
    pthread_t thread;
    double peak;
};

static void *measure(void *context)
{
    struct measurement *m = context;
    m->peak = fcnn_measure_peak(m->isa, PEAK_SECONDS);
    return NULL;
}

double cli_measure_peak(fcnn_isa isa, int threads)
{
    struct measurement *all = program_allocate((size_t)threads, sizeof *all);
    int helpers = 0;
    for (int i = 0; i < threads; i++) all[i].isa = isa;
    while (helpers < threads - 1 && !pthread_create(&all[helpers].thread, NULL, measure, &all[helpers])) helpers++;
    measure(&all[helpers]);
    double sum = all[helpers].peak;
    for (int i = 0; i < helpers; i++) {
        pthread_join(all[i].thread, NULL);
        sum += all[i].peak;
    }
    free(all);
    return sum;
}
