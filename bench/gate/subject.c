/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/gate/subject.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The kernel's index in the table of this library; -1: it has no such kernel. */
static int find_kernel(const char *name)
{
    for (int i = 0; i < fcnn_kernel_count(); i++)
        if (!strcmp(fcnn_kernel_describe(i).name, name)) return i;
    return -1;
}

static fcnn_status pack(struct gate_subject *s)
{
    const size_t bytes = fcnn_plan_packed(s->plan);
    if (!bytes) return FCNN_OK;
    if (!(s->packed = aligned_alloc(64, (bytes + 63) & ~(size_t)63))) return FCNN_OUT_OF_MEMORY;
    s->tensors.arrays.packed = s->packed;
    return fcnn_pack(s->plan, s->tensors.arrays.weights, s->tensors.arrays.bias, s->packed);
}

fcnn_status gate_subject_make(struct gate_subject *s, const char *kernel, const fcnn_problem *problem, int threads)
{
    memset(s, 0, sizeof *s);
    const int index = find_kernel(kernel);
    if (index < 0) return FCNN_NO_KERNEL;
    const fcnn_kernel_info info = fcnn_kernel_describe(index);
    const fcnn_options options = {.threads = threads, .kernel = kernel, .math = fcnn_class_name(info.numerics)};
    s->isa = info.isa;
    fcnn_status status = fcnn_plan_create(&s->plan, problem, &options);
    if (!status) status = bench_tensors_make(&s->tensors, problem);
    if (!status) status = pack(s);
    if (!status) status = fcnn_execute(s->plan, &s->tensors.arrays);
    s->threads = fcnn_plan_threads(s->plan);
    return status;
}

void gate_subject_free(struct gate_subject *s)
{
    fcnn_plan_destroy(s->plan);
    bench_tensors_free(&s->tensors);
    free(s->packed);
}

static double seconds_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double gate_subject_time(const struct gate_subject *s, long iterations, double slower)
{
    const clockid_t clock = s->threads > 1 ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID;
    fcnn_execute(s->plan, &s->tensors.arrays);
    const double begin = seconds_of(clock);
    for (long i = 0; i < iterations; i++) fcnn_execute(s->plan, &s->tensors.arrays);
    double elapsed = seconds_of(clock) - begin;
    for (const double end = elapsed * (1 + slower); slower > 0 && elapsed < end;) elapsed = seconds_of(clock) - begin;
    return elapsed;
}
