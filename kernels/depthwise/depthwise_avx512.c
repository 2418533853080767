/* SPDX-License-Identifier: BSD-2-Clause
 * Depthwise convolution, avx512. */
#include "kernels/simd/vector_avx512.h"

#include "kernels/depthwise/body.h"

static const struct fcnn_depthwise loops = {run_rows, fill_rows, fill_spread_rows, VL, STRIP, ROWS};

const struct fcnn_variant conv2d_fwd_depthwise_avx512 = FCNN_DEPTHWISE_GATHER(loops);
const struct fcnn_variant conv2d_bwd_data_depthwise_avx512 = FCNN_DEPTHWISE_GATHER(loops);
