/* SPDX-License-Identifier: BSD-2-Clause
 * The measures of everything, one loop each per instruction set: fused multiply-adds from registers, and memory that is
 * read and written with nothing computed. Both return a number that depends on all they did, so that none of it can be
 * dropped. */
#ifndef FCNN_PEAK_H
#define FCNN_PEAK_H

#include <stdint.h>

#define FCNN_PEAK_CHAINS 12 /* covers 4 cycles of latency on 2 ports, and fits AVX2's 16 registers */

/* `rounds` x FCNN_PEAK_CHAINS independent vector FMAs. */
float fcnn_peak_scalar(int64_t rounds);
float fcnn_peak_avx2(int64_t rounds);
float fcnn_peak_avx512(int64_t rounds);

/* Whole cache lines of 16 floats. What is read and written keeps its values, what is only written becomes `least`. */
struct fcnn_stream {
    float *data;
    int64_t lines;
    int reads, writes;
};

#define FCNN_MAX_STREAMS 8

/* Goes through all streams once, side by side, as a kernel would. least: -infinity, which the compiler must not know:
 * with it max(least, x) is x, but has to be computed. */
float fcnn_stream_scalar(const struct fcnn_stream *streams, int count, float least);
float fcnn_stream_avx2(const struct fcnn_stream *streams, int count, float least);
float fcnn_stream_avx512(const struct fcnn_stream *streams, int count, float least);

#endif
