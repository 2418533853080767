/* SPDX-License-Identifier: BSD-2-Clause
 * The measures of everything, one loop each per instruction set: fused multiply-adds from registers, and memory that is
 * read and written with nothing computed. Both return a number that depends on all they did, so that none of it can be
 * dropped. */
#ifndef FCNN_PEAK_H
#define FCNN_PEAK_H

#include <stdint.h>

#define FCNN_PEAK_CHAINS 12 /* covers 4 cycles of latency on 2 ports, and fits AVX2's 16 registers */

/* Whole cache lines of 16 floats. What is read and written keeps its values, what is only written becomes `least`. */
struct fcnn_stream {
    float *data;
    int64_t lines;
    int reads, writes;
};

#define FCNN_MAX_STREAMS 8

struct fcnn_loops {
    double flops; /* of peak(), per round */
    /* `rounds` x FCNN_PEAK_CHAINS independent vector FMAs. */
    float (*peak)(int64_t rounds);
    /* Goes through all streams once, side by side, as a kernel would. least: -infinity, which the compiler must not
     * know: with it max(least, x) is x, but has to be computed. */
    float (*stream)(const struct fcnn_stream *streams, int count, float least);
};

extern const struct fcnn_loops fcnn_loops_scalar, fcnn_loops_avx2, fcnn_loops_avx512, fcnn_loops_neon;

#endif
