/* SPDX-License-Identifier: BSD-2-Clause
 * The denominators of "% of peak" and "% of memory": which instruction set runs, what its multiply-adds reach on all
 * threads, and how long the traffic of a problem takes them. */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "cli/cli.h"

#define SECONDS 0.1

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
    const fcnn_problem *problem; /* NULL: of the peak */
    int threads;
    pthread_t thread;
    double value;
};

static void *measure(void *context)
{
    struct measurement *m = context;
    m->value = m->problem ? fcnn_measure_traffic(m->isa, m->problem, m->threads, SECONDS)
                          : fcnn_measure_peak(m->isa, SECONDS);
    return NULL;
}

/* On as many threads as there are measurements, the calling one among them. Returns how many: the system may refuse. */
static int measure_all(struct measurement *all, int threads)
{
    int helpers = 0;
    while (helpers < threads - 1 && !pthread_create(&all[helpers].thread, NULL, measure, &all[helpers])) helpers++;
    measure(&all[helpers]);
    for (int i = 0; i < helpers; i++) pthread_join(all[i].thread, NULL);
    return helpers + 1;
}

static struct measurement *plan(fcnn_isa isa, const fcnn_problem *problem, int threads)
{
    struct measurement *all = program_allocate((size_t)threads, sizeof *all);
    for (int i = 0; i < threads; i++) all[i] = (struct measurement){.isa = isa, .problem = problem, .threads = threads};
    return all;
}

double cli_measure_peak(fcnn_isa isa, int threads)
{
    struct measurement *all = plan(isa, NULL, threads);
    double sum = 0;
    for (int i = measure_all(all, threads) - 1; i >= 0; i--) sum += all[i].value;
    free(all);
    return sum;
}

double cli_measure_traffic(fcnn_isa isa, const fcnn_problem *problem, int threads)
{
    struct measurement *all = plan(isa, problem, threads);
    const int measured = measure_all(all, threads);
    double slowest = measured == threads ? 0 : NAN;
    for (int i = 0; i < measured && !isnan(slowest); i++)
        if (!(all[i].value <= slowest)) slowest = all[i].value;
    free(all);
    return slowest;
}
