/* SPDX-License-Identifier: BSD-2-Clause
 * The peak and the cost of memory traffic: clocks move and neighbours come and go, so both are measured, never
 * computed. */
#include <math.h>
#include <time.h>

#include "kernels/peak/peak.h"
#include "lib/internal.h"
#include "lib/isas.h"

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

double fcnn_measure_traffic(fcnn_isa isa, const struct fcnn_stream *streams, int count, double seconds)
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
