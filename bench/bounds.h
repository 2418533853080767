/* SPDX-License-Identifier: BSD-2-Clause
 * What no kernel can exceed, measured around every window. */
#ifndef BENCH_BOUNDS_H
#define BENCH_BOUNDS_H

#include "bench/cases.h"

/* GFLOP/s of fused multiply-adds from registers, all threads together. */
double bench_bound_peak(fcnn_isa isa, int threads);

/* Seconds in which the threads read and write each of the tensors once, as their roles say, in whatever caches they
 * fit. Overwrites outputs. */
double bench_bound_traffic(const struct bench_tensors *tensors, fcnn_isa isa, int threads);

#endif
