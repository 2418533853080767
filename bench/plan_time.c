/* SPDX-License-Identifier: BSD-2-Clause
 * One plan for so many seconds, for bench/busy_neighbour.sh: prints microseconds per execution, waiting included. With
 * a last word "plan": microseconds to make and destroy a plan. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/fastcnn.h"

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static int fail(const char *what)
{
    fprintf(stderr, "plan-time: %s: %s\n", what, fcnn_last_error());
    return 1;
}

/* Zeroed memory for all tensors of a problem; never freed. */
static int allocate(const fcnn_problem *problem, fcnn_tensors *tensors)
{
    fcnn_tensor_info info;
    for (int i = 0; fcnn_problem_tensors(problem, i, &info) == FCNN_OK; i++) {
        void *memory = calloc((size_t)info.elements + 16, info.element_size);
        if (!memory) return 0;
        memcpy((char *)tensors + info.offset, &memory, sizeof memory);
    }
    return 1;
}

static double mean_time(const fcnn_plan *plan, const fcnn_tensors *tensors, double seconds)
{
    long count = 0;
    for (int i = 0; i < 3; i++) fcnn_execute(plan, tensors);
    const double begin = now();
    double end = begin;
    for (; end < begin + seconds; end = now(), count++) fcnn_execute(plan, tensors);
    return (end - begin) / (double)count;
}

static double mean_planning(const fcnn_problem *problem, const fcnn_options *options, double seconds)
{
    long count = 0;
    const double begin = now();
    double end = begin;
    for (; end < begin + seconds; end = now(), count++) {
        fcnn_plan *plan;
        if (fcnn_plan_create(&plan, problem, options)) return -1;
        fcnn_plan_destroy(plan);
    }
    return (end - begin) / (double)count;
}

int main(int argc, char **argv)
{
    fcnn_problem problem;
    fcnn_plan *plan;
    fcnn_tensors tensors = {0};
    fcnn_hyper hyper = {.scale = 1};
    if (argc != 4 && (argc != 5 || strcmp(argv[4], "plan"))) {
        fprintf(stderr, "Usage: plan-time PROBLEM THREADS SECONDS [plan]\n");
        return 64;
    }
    if (fcnn_problem_parse(&problem, argv[1])) return fail(argv[1]);
    const fcnn_options options = {.threads = atoi(argv[2])};
    if (fcnn_plan_create(&plan, &problem, &options)) return fail(argv[2]);
    if (argc == 5) return printf("%.2f\n", mean_planning(&problem, &options, atof(argv[3])) * 1e6), 0;
    if (!allocate(&problem, &tensors)) return fail("no memory");
    tensors.hyper = &hyper;
    if (fcnn_execute(plan, &tensors)) return fail(argv[1]);
    printf("%.2f\n", mean_time(plan, &tensors, atof(argv[3])) * 1e6);
    fcnn_plan_destroy(plan);
    return 0;
}
