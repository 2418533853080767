/* SPDX-License-Identifier: BSD-2-Clause
 * FMA throughput, scalar. */
#include <stddef.h>

#include "kernels/simd/vector_scalar.h"

#include "kernels/peak/peak_body.h"

float fcnn_peak_scalar(int64_t rounds) { return peak_run(rounds); }
