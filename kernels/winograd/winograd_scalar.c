/* SPDX-License-Identifier: BSD-2-Clause
 * Winograd's convolution, scalar. */
#include "kernels/simd/vector_scalar.h"

#include "kernels/winograd/winograd_body.h"

static const struct fcnn_winograd f2 = WINOGRAD_TRANSFORMS(2, fcnn_tiles_scalar);
static const struct fcnn_winograd f4 = WINOGRAD_TRANSFORMS(4, fcnn_tiles_scalar);

FCNN_WINOGRAD_VARIANT(conv2d_fwd_winograd_f2_scalar, f2, fcnn_winograd_gather)
FCNN_WINOGRAD_VARIANT(conv2d_fwd_winograd_f4_scalar, f4, fcnn_winograd_gather)
FCNN_WINOGRAD_VARIANT(conv2d_pool_fwd_winograd_f2_scalar, f2, fcnn_winograd_gather)
FCNN_WINOGRAD_VARIANT(conv2d_pool_fwd_winograd_f4_scalar, f4, fcnn_winograd_gather)
FCNN_WINOGRAD_VARIANT(conv2d_bwd_data_winograd_f2_scalar, f2, fcnn_winograd_gather)
FCNN_WINOGRAD_VARIANT(conv2d_bwd_data_winograd_f4_scalar, f4, fcnn_winograd_gather)
FCNN_WINOGRAD_VARIANT(conv2d_bwd_weights_winograd_f2_scalar, f2, fcnn_winograd_weights)
FCNN_WINOGRAD_VARIANT(conv2d_bwd_weights_winograd_f4_scalar, f4, fcnn_winograd_weights)
