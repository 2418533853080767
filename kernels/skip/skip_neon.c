/* SPDX-License-Identifier: BSD-2-Clause
 * Convolution that skips zeros of its input, neon: 24 of 32 registers hold sums. */
#include "kernels/simd/vector_neon.h"

#define VECTORS 4
#include "kernels/skip/skip_body.h"

const struct fcnn_skip fcnn_skip_neon = FCNN_SKIP_FUNCTIONS;

const struct fcnn_variant conv2d_fwd_skip_neon = FCNN_SKIP(fcnn_skip_neon);
const struct fcnn_variant conv2d_pool_fwd_skip_neon = FCNN_SKIP(fcnn_skip_neon);
