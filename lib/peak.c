/* SPDX-License-Identifier: BSD-2-Clause
 * fcnn_measure_peak(): the clock moves and neighbours come and go, so the peak is measured, never computed. */
#include <time.h>

#include "kernels/peak/peak.h"
#include "lib/internal.h"

struct loop {
    float (*run)(int64_t rounds);
    double flops; /* per round */
};

static struct loop find_loop(fcnn_isa isa)
{
    if (fcnn_cpu_missing(isa)) return (struct loop){0};
    switch (isa) {
#ifdef FCNN_HAVE_AVX512
    case FCNN_AVX512: return (struct loop){fcnn_peak_avx512, 2.0 * 16 * FCNN_PEAK_CHAINS};
#endif
#ifdef FCNN_HAVE_AVX2
    case FCNN_AVX2: return (struct loop){fcnn_peak_avx2, 2.0 * 8 * FCNN_PEAK_CHAINS};
#endif
    case FCNN_SCALAR: return (struct loop){fcnn_peak_scalar, 2.0 * FCNN_PEAK_CHAINS};
    default: return (struct loop){0};
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
    struct loop loop = find_loop(isa);
    if (!loop.run) return 0;
    volatile float sink; /* keeps the loop alive */
    double begin = now(), elapsed;
    int64_t rounds = 0;
    do {
        const int64_t batch = 2000; /* about 10 us */
        sink = loop.run(batch);
        rounds += batch;
        elapsed = now() - begin;
    } while (elapsed < seconds);
    (void)sink;
    return (double)rounds * loop.flops / elapsed * 1e-9;
}
