/* SPDX-License-Identifier: BSD-2-Clause
 * Depthwise convolution in place, avx2. */
#include "kernels/simd/vector_avx2.h"

#include "kernels/depthwise/inplace_body.h"

const struct fcnn_variant conv2d_fwd_depthwise_inplace_avx2 = FCNN_DEPTHWISE_INPLACE(loops);
const struct fcnn_variant conv2d_bwd_data_depthwise_inplace_avx2 = FCNN_DEPTHWISE_INPLACE(loops);
