/* SPDX-License-Identifier: BSD-2-Clause
 * Direct convolution and dense layers, neon. */
#include "kernels/conv2d/conv2d.h"

const struct fcnn_variant conv2d_fwd_direct_neon = FCNN_DIRECT_GATHER(fcnn_tiles_neon);
const struct fcnn_variant conv2d_bwd_data_direct_neon = FCNN_DIRECT_GATHER(fcnn_tiles_neon);
const struct fcnn_variant conv2d_bwd_weights_direct_neon = FCNN_DIRECT_WEIGHTS(fcnn_tiles_neon);
const struct fcnn_variant conv2d_pool_fwd_direct_neon = FCNN_DIRECT_GATHER(fcnn_tiles_neon);
const struct fcnn_variant conv2d_pool_bwd_data_direct_neon = FCNN_DIRECT_GATHER(fcnn_tiles_neon);
const struct fcnn_variant conv2d_pool_bwd_weights_direct_neon = FCNN_DIRECT_WEIGHTS(fcnn_tiles_neon);

/* Packed panels of weights and rows of images: that is a matrix product already. */
const struct fcnn_variant dense_fwd_gemm_neon = FCNN_DIRECT_GATHER(fcnn_tiles_neon);
const struct fcnn_variant dense_bwd_data_gemm_neon = FCNN_DIRECT_GATHER(fcnn_tiles_neon);
const struct fcnn_variant dense_bwd_weights_gemm_neon = FCNN_DIRECT_WEIGHTS(fcnn_tiles_neon);
