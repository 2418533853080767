/* SPDX-License-Identifier: BSD-2-Clause
 * Depthwise convolution in place, neon. */
#include "kernels/simd/vector_neon.h"

#include "kernels/depthwise/inplace_body.h"

const struct fcnn_variant conv2d_fwd_depthwise_inplace_neon = FCNN_DEPTHWISE_INPLACE(loops);
const struct fcnn_variant conv2d_bwd_data_depthwise_inplace_neon = FCNN_DEPTHWISE_INPLACE(loops);
