/* SPDX-License-Identifier: BSD-2-Clause
 * FMA throughput and traffic, neon. */
#include <stddef.h>

#include "kernels/simd/vector_neon.h"

#include "kernels/peak/peak_body.h"
#include "kernels/peak/stream_body.h"

static float peak(int64_t rounds) { return peak_run(rounds); }

static float stream(const struct fcnn_stream *streams, int count, float least)
{
    return stream_run(streams, count, least);
}

const struct fcnn_loops fcnn_loops_neon = {2.0 * VL * FCNN_PEAK_CHAINS, peak, stream};
