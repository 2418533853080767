/* SPDX-License-Identifier: BSD-2-Clause
 * Depthwise backward weights in place, neon. */
#include "kernels/simd/vector_neon.h"

#include "kernels/depthwise/weights_inplace_body.h"

const struct fcnn_variant conv2d_bwd_weights_depthwise_inplace_neon = FCNN_DEPTHWISE_WEIGHTS_INPLACE(loops);
