/* SPDX-License-Identifier: BSD-2-Clause
 * Direct convolution and dense layers, avx2. */
#include "kernels/conv2d/conv2d.h"

FCNN_CONV2D_VARIANT(conv2d_fwd_direct_avx2, fcnn_tiles_avx2, fcnn_direct_gather)
FCNN_CONV2D_VARIANT(conv2d_bwd_data_direct_avx2, fcnn_tiles_avx2, fcnn_direct_gather)
FCNN_CONV2D_VARIANT(conv2d_bwd_weights_direct_avx2, fcnn_tiles_avx2, fcnn_direct_weights)
FCNN_CONV2D_VARIANT(conv2d_pool_fwd_direct_avx2, fcnn_tiles_avx2, fcnn_direct_gather)
FCNN_CONV2D_VARIANT(conv2d_pool_bwd_data_direct_avx2, fcnn_tiles_avx2, fcnn_direct_gather)
FCNN_CONV2D_VARIANT(conv2d_pool_bwd_weights_direct_avx2, fcnn_tiles_avx2, fcnn_direct_weights)

/* Packed panels of weights and rows of images: that is a matrix product already. */
FCNN_CONV2D_VARIANT(dense_fwd_gemm_avx2, fcnn_tiles_avx2, fcnn_direct_gather)
FCNN_CONV2D_VARIANT(dense_bwd_data_gemm_avx2, fcnn_tiles_avx2, fcnn_direct_gather)
FCNN_CONV2D_VARIANT(dense_bwd_weights_gemm_avx2, fcnn_tiles_avx2, fcnn_direct_weights)
