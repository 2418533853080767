/* SPDX-License-Identifier: BSD-2-Clause
 * FMA throughput, avx512. */
#include <stddef.h>

#include "kernels/simd/vector_avx512.h"

#include "kernels/peak/peak_body.h"

float fcnn_peak_avx512(int64_t rounds) { return peak_run(rounds); }
