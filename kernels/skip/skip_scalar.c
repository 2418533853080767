/* SPDX-License-Identifier: BSD-2-Clause
 * Convolution that skips zeros of its input, scalar: sums lie in memory; a panel owns its choice words. */
#include "kernels/simd/vector_scalar.h"

#define VECTORS 16
#include "kernels/skip/skip_body.h"

const struct fcnn_skip fcnn_skip_scalar = FCNN_SKIP_FUNCTIONS;

const struct fcnn_variant conv2d_fwd_skip_scalar = FCNN_SKIP(fcnn_skip_scalar);
const struct fcnn_variant conv2d_pool_fwd_skip_scalar = FCNN_SKIP(fcnn_skip_scalar);
