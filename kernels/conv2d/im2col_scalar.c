/* SPDX-License-Identifier: BSD-2-Clause
 * Convolution by im2col and matrix product, scalar. */
#include "kernels/conv2d/conv2d.h"

FCNN_CONV2D_VARIANT(conv2d_fwd_im2col_scalar, fcnn_tiles_scalar, fcnn_im2col_gather)
FCNN_CONV2D_VARIANT(conv2d_bwd_data_im2col_scalar, fcnn_tiles_scalar, fcnn_im2col_gather)
FCNN_CONV2D_VARIANT(conv2d_bwd_weights_im2col_scalar, fcnn_tiles_scalar, fcnn_im2col_weights)
FCNN_CONV2D_VARIANT(conv2d_pool_fwd_im2col_scalar, fcnn_tiles_scalar, fcnn_im2col_gather)
FCNN_CONV2D_VARIANT(conv2d_pool_bwd_data_im2col_scalar, fcnn_tiles_scalar, fcnn_im2col_gather)
FCNN_CONV2D_VARIANT(conv2d_pool_bwd_weights_im2col_scalar, fcnn_tiles_scalar, fcnn_im2col_weights)
