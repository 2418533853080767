/* SPDX-License-Identifier: BSD-2-Clause
 * FMA throughput and traffic, avx2. */
#include <stddef.h>

#include "kernels/simd/vector_avx2.h"

#include "kernels/peak/peak_body.h"
#include "kernels/peak/stream_body.h"

float fcnn_peak_avx2(int64_t rounds) { return peak_run(rounds); }

float fcnn_stream_avx2(const struct fcnn_stream *streams, int count, float least)
{
    return stream_run(streams, count, least);
}
