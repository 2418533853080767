/* SPDX-License-Identifier: BSD-2-Clause
 * Depthwise backward weights, avx2. */
#include "kernels/simd/vector_avx2.h"

#include "kernels/depthwise/weights_body.h"

const struct fcnn_variant conv2d_bwd_weights_depthwise_avx2 = FCNN_DEPTHWISE_WEIGHTS(weights_loops);
