/* SPDX-License-Identifier: BSD-2-Clause
 * The measure of everything: fused multiply-adds from registers. Each runs `rounds` x FCNN_PEAK_CHAINS independent vector
 * FMAs and returns a number that depends on all of them, so that none can be dropped. */
#ifndef FCNN_PEAK_H
#define FCNN_PEAK_H

#include <stdint.h>

#define FCNN_PEAK_CHAINS 12 /* covers 4 cycles of latency on 2 ports, and fits AVX2's 16 registers */

float fcnn_peak_scalar(int64_t rounds);
float fcnn_peak_avx2(int64_t rounds);
float fcnn_peak_avx512(int64_t rounds);

#endif
