/* SPDX-License-Identifier: BSD-2-Clause
 * Depthwise convolution in place, avx512. */
#include "kernels/simd/vector_avx512.h"

#include "kernels/depthwise/inplace_body.h"

const struct fcnn_variant conv2d_fwd_depthwise_inplace_avx512 = FCNN_DEPTHWISE_INPLACE(loops);
const struct fcnn_variant conv2d_bwd_data_depthwise_inplace_avx512 = FCNN_DEPTHWISE_INPLACE(loops);
