/* SPDX-License-Identifier: BSD-2-Clause
 * Depthwise convolution, avx512. */
#include "kernels/simd/vector_avx512.h"

#include "kernels/depthwise/body.h"
#include "kernels/depthwise/weights_body.h"

static const struct fcnn_depthwise loops = {run_rows, sum_rows, lay_rows, meet_rows, fill_rows, fill_spread_rows, VL, STRIP};

const struct fcnn_variant conv2d_fwd_depthwise_avx512 = FCNN_DEPTHWISE_GATHER(loops);
const struct fcnn_variant conv2d_bwd_data_depthwise_avx512 = FCNN_DEPTHWISE_GATHER(loops);
const struct fcnn_variant conv2d_bwd_weights_depthwise_avx512 = FCNN_DEPTHWISE_WEIGHTS(loops);
