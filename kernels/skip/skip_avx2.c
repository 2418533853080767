/* SPDX-License-Identifier: BSD-2-Clause
 * Convolution that skips zeros of its input, avx2: 12 of 16 registers hold sums. */
#include "kernels/simd/vector_avx2.h"

#define VECTORS 2
#include "kernels/skip/skip_body.h"

const struct fcnn_skip fcnn_skip_avx2 = FCNN_SKIP_FUNCTIONS;

const struct fcnn_variant conv2d_fwd_skip_avx2 = FCNN_SKIP(fcnn_skip_avx2);
const struct fcnn_variant conv2d_pool_fwd_skip_avx2 = FCNN_SKIP(fcnn_skip_avx2);
