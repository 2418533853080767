/* SPDX-License-Identifier: BSD-2-Clause
 * Depthwise backward weights, neon. */
#include "kernels/simd/vector_neon.h"

#include "kernels/depthwise/weights_body.h"

const struct fcnn_variant conv2d_bwd_weights_depthwise_neon = FCNN_DEPTHWISE_WEIGHTS(weights_loops);
