/* SPDX-License-Identifier: BSD-2-Clause
 * Depthwise convolution in place, scalar. */
#include "kernels/simd/vector_scalar.h"

#include "kernels/depthwise/inplace_body.h"

const struct fcnn_variant conv2d_fwd_depthwise_inplace_scalar = FCNN_DEPTHWISE_INPLACE(loops);
const struct fcnn_variant conv2d_bwd_data_depthwise_inplace_scalar = FCNN_DEPTHWISE_INPLACE(loops);
