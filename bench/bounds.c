/* SPDX-License-Identifier: BSD-2-Clause
 * What the machine allows at this moment, measured on as many threads as a kernel has, all at once. */
#include "bench/bounds.h"

#include <omp.h>
#include <time.h>

#include "kernels/peak/peak.h"
#include "lib/internal.h"

_Static_assert((int)FCNN_MAX_STREAMS >= (int)BENCH_MAX_TENSORS, "every tensor is a stream");

#define SECONDS 0.4e-3 /* of one measurement */

/* A measurement by the clock includes what neighbours took of the core; that part of it was the calling thread's. Only
 * what one thread does is counted by thread: several wait for each other, kernels as bounds. */
struct share { double wall, cpu; };

static double seconds_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static struct share begin(void)
{
    return (struct share){seconds_of(CLOCK_MONOTONIC), seconds_of(CLOCK_THREAD_CPUTIME_ID)};
}

static double end(struct share since, int threads)
{
    const struct share now = begin();
    const double wall = now.wall - since.wall, cpu = now.cpu - since.cpu;
    return threads > 1 || cpu <= 0 || cpu > wall ? 1 : cpu / wall;
}

double bench_bound_peak(fcnn_isa isa, int threads)
{
    const struct share since = begin();
    double sum = 0;
#pragma omp parallel num_threads(threads) reduction(+ : sum) if (threads > 1)
    sum += fcnn_measure_peak(isa, SECONDS);
    return sum / end(since, threads);
}

/* The part of a case's tensors, in lines of 64 bytes, that falls to a thread; they were allocated in whole lines. */
static int share(const struct bench_tensors *t, int thread, int threads, struct fcnn_stream *streams)
{
    for (int i = 0; i < t->count; i++) {
        const fcnn_tensor_info *info = &t->info[i];
        const int64_t lines = (info->elements * (int64_t)info->element_size + 63) / 64;
        const int64_t first = lines * thread / threads, last = lines * (thread + 1) / threads;
        streams[i] = (struct fcnn_stream){.data = (float *)t->memory[i] + first * 16, .lines = last - first,
                                          .reads = info->role != FCNN_OUT, .writes = info->role != FCNN_IN};
    }
    return t->count;
}

double bench_bound_traffic(const struct bench_tensors *tensors, fcnn_isa isa, int threads)
{
    const struct share since = begin();
    double slowest = 0;
#pragma omp parallel num_threads(threads) reduction(max : slowest) if (threads > 1)
    {
        struct fcnn_stream streams[FCNN_MAX_STREAMS];
        const int count = share(tensors, omp_get_thread_num(), omp_get_num_threads(), streams);
        slowest = fcnn_measure_streams(isa, streams, count, SECONDS);
    }
    return slowest * end(since, threads);
}
