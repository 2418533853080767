/* SPDX-License-Identifier: BSD-2-Clause
 * FMA throughput and traffic, scalar. */
#include <stddef.h>

#include "kernels/simd/vector_scalar.h"

#include "kernels/peak/peak_body.h"
#include "kernels/peak/stream_body.h"

float fcnn_peak_scalar(int64_t rounds) { return peak_run(rounds); }

float fcnn_stream_scalar(const struct fcnn_stream *streams, int count, float least)
{
    return stream_run(streams, count, least);
}
