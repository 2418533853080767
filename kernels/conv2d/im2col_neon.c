/* SPDX-License-Identifier: BSD-2-Clause
 * Convolution by im2col and matrix product, neon. */
#include "kernels/conv2d/conv2d.h"

const struct fcnn_variant conv2d_fwd_im2col_neon = FCNN_IM2COL_GATHER(fcnn_tiles_neon);
const struct fcnn_variant conv2d_bwd_data_im2col_neon = FCNN_IM2COL_GATHER(fcnn_tiles_neon);
const struct fcnn_variant conv2d_bwd_weights_im2col_neon = FCNN_IM2COL_WEIGHTS(fcnn_tiles_neon);
const struct fcnn_variant conv2d_pool_fwd_im2col_neon = FCNN_IM2COL_GATHER(fcnn_tiles_neon);
const struct fcnn_variant conv2d_pool_bwd_data_im2col_neon = FCNN_IM2COL_GATHER(fcnn_tiles_neon);
const struct fcnn_variant conv2d_pool_bwd_weights_im2col_neon = FCNN_IM2COL_WEIGHTS(fcnn_tiles_neon);
