/* SPDX-License-Identifier: BSD-2-Clause
 * The peak and the cost of memory traffic: clocks move and neighbours come and go, so both are measured, never
 * computed. */
#include <math.h>
#include <time.h>

#include "kernels/peak/peak.h"
#include "lib/internal.h"

struct loops {
    float (*peak)(int64_t rounds);
    float (*stream)(const struct fcnn_stream *streams, int count, float least);
    double flops; /* of peak(), per round */
};

static struct loops find_loops(fcnn_isa isa)
{
    if (fcnn_cpu_missing(isa)) return (struct loops){0};
    switch (isa) {
#ifdef FCNN_HAVE_AVX512
    case FCNN_AVX512: return (struct loops){fcnn_peak_avx512, fcnn_stream_avx512, 2.0 * 16 * FCNN_PEAK_CHAINS};
#endif
#ifdef FCNN_HAVE_AVX2
    case FCNN_AVX2: return (struct loops){fcnn_peak_avx2, fcnn_stream_avx2, 2.0 * 8 * FCNN_PEAK_CHAINS};
#endif
    case FCNN_SCALAR: return (struct loops){fcnn_peak_scalar, fcnn_stream_scalar, 2.0 * FCNN_PEAK_CHAINS};
    default: return (struct loops){0};
    }
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double fcnn_measure_peak(fcnn_isa isa, double seconds)
{
    const struct loops loops = find_loops(isa);
    if (!loops.peak) return 0;
    volatile float sink; /* keeps the loop alive */
    double begin = now(), elapsed;
    int64_t rounds = 0;
    do {
        const int64_t batch = 2000; /* about 10 us */
        sink = loops.peak(batch);
        rounds += batch;
        elapsed = now() - begin;
    } while (elapsed < seconds);
    (void)sink;
    return (double)rounds * loops.flops / elapsed * 1e-9;
}

double fcnn_measure_traffic(fcnn_isa isa, const struct fcnn_stream *streams, int count, double seconds)
{
    const struct loops loops = find_loops(isa);
    int64_t sweeps = 0, lines = 1;
    if (!loops.stream) return NAN;
    for (int i = 0; i < count; i++) lines += streams[i].lines;
    const int64_t batch = 16384 / lines + 1; /* a megabyte: reading the clock must not count */
    volatile float sink;
    double begin = now(), elapsed;
    do {
        for (int64_t i = 0; i < batch; i++) sink = loops.stream(streams, count, -INFINITY);
        sweeps += batch;
        elapsed = now() - begin;
    } while (elapsed < seconds);
    (void)sink;
    return elapsed / (double)sweeps;
}
