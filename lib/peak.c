/* SPDX-License-Identifier: BSD-2-Clause
 * The peak and the cost of memory traffic: clocks move and neighbours come and go, so both are measured, never
 * computed. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "kernels/peak/peak.h"
#include "lib/internal.h"
#include "lib/isas.h"
#include "lib/memory.h"

/* NULL if this CPU cannot run that instruction set. */
static const struct fcnn_loops *find_loops(fcnn_isa isa)
{
    return (unsigned)isa < FCNN_ISAS && !fcnn_cpu_missing(isa) ? fcnn_isas[isa].loops : NULL;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double fcnn_measure_peak(fcnn_isa isa, double seconds)
{
    const struct fcnn_loops *loops = find_loops(isa);
    if (!loops) return 0;
    volatile float sink; /* keeps the loop alive */
    double begin = now(), elapsed;
    int64_t rounds = 0;
    do {
        const int64_t batch = 2000; /* about 10 us */
        sink = loops->peak(batch);
        rounds += batch;
        elapsed = now() - begin;
    } while (elapsed < seconds);
    (void)sink;
    return (double)rounds * loops->flops / elapsed * 1e-9;
}

double fcnn_measure_streams(fcnn_isa isa, const struct fcnn_stream *streams, int count, double seconds)
{
    const struct fcnn_loops *loops = find_loops(isa);
    int64_t sweeps = 0, lines = 1;
    if (!loops) return NAN;
    for (int i = 0; i < count; i++) lines += streams[i].lines;
    const int64_t batch = 16384 / lines + 1; /* a megabyte: reading the clock must not count */
    volatile float sink;
    double begin = now(), elapsed;
    do {
        for (int64_t i = 0; i < batch; i++) sink = loops->stream(streams, count, -INFINITY);
        sweeps += batch;
        elapsed = now() - begin;
    } while (elapsed < seconds);
    (void)sink;
    return elapsed / (double)sweeps;
}

/* A thread's share of a problem's tensors in one block of memory, which is returned, in whole lines of 64 bytes; NULL:
 * no memory. Zeros: any other values take as long. */
static float *make_streams(const struct fcnn_tensor_info *tensors, int count, int threads, struct fcnn_stream *streams)
{
    int64_t lines = 0, at = 0;
    for (int i = 0; i < count; i++) {
        const int64_t whole = (tensors[i].elements * (int64_t)tensors[i].element_size + 63) / 64;
        const int64_t share = (whole + threads - 1) / threads;
        streams[i] = (struct fcnn_stream){.lines = share, .reads = tensors[i].role != FCNN_OUT,
                                          .writes = tensors[i].role != FCNN_IN};
        lines += share;
    }
    float *memory = fcnn_memory_allocate((size_t)lines * 64);
    if (memory) memset(memory, 0, (size_t)lines * 64);
    for (int i = 0; memory && i < count; at += streams[i++].lines) streams[i].data = memory + at * 16;
    return memory;
}

double fcnn_measure_traffic(fcnn_isa isa, const fcnn_problem *problem, int threads, double seconds)
{
    struct fcnn_tensor_info tensors[FCNN_MAX_TENSORS];
    struct fcnn_stream streams[FCNN_MAX_STREAMS];
    fcnn_problem complete = problem ? *problem : (fcnn_problem){0};
    int empty;
    if (!problem || threads < 1 || fcnn_problem_complete(&complete, &empty)) return NAN;
    const int count = fcnn_tensor_list(&complete, tensors);
    float *memory = make_streams(tensors, count, threads, streams);
    const double once = memory ? fcnn_measure_streams(isa, streams, count, seconds) : NAN;
    fcnn_memory_free(memory);
    return once;
}
