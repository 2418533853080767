/* SPDX-License-Identifier: BSD-2-Clause
 * Depthwise convolution, neon. */
#include "kernels/simd/vector_neon.h"

#include "kernels/depthwise/body.h"

static const struct fcnn_depthwise loops = {run_rows, fill_rows, fill_spread_rows, VL, STRIP, ROWS};

const struct fcnn_variant conv2d_fwd_depthwise_neon = FCNN_DEPTHWISE_GATHER(loops);
const struct fcnn_variant conv2d_bwd_data_depthwise_neon = FCNN_DEPTHWISE_GATHER(loops);
