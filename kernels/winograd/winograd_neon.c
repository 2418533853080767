/* SPDX-License-Identifier: BSD-2-Clause
 * Winograd's convolution, neon. */
#include "kernels/simd/vector_neon.h"

#include "kernels/winograd/winograd_body.h"

static const struct fcnn_winograd f2 = WINOGRAD_TRANSFORMS(2, fcnn_tiles_neon);
static const struct fcnn_winograd f4 = WINOGRAD_TRANSFORMS(4, fcnn_tiles_neon);

const struct fcnn_variant conv2d_fwd_winograd_f2_neon = FCNN_WINOGRAD_GATHER(f2);
const struct fcnn_variant conv2d_fwd_winograd_f4_neon = FCNN_WINOGRAD_GATHER(f4);
const struct fcnn_variant conv2d_pool_fwd_winograd_f2_neon = FCNN_WINOGRAD_GATHER(f2);
const struct fcnn_variant conv2d_pool_fwd_winograd_f4_neon = FCNN_WINOGRAD_GATHER(f4);
const struct fcnn_variant conv2d_bwd_data_winograd_f2_neon = FCNN_WINOGRAD_GATHER(f2);
const struct fcnn_variant conv2d_bwd_data_winograd_f4_neon = FCNN_WINOGRAD_GATHER(f4);
const struct fcnn_variant conv2d_bwd_weights_winograd_f2_neon = FCNN_WINOGRAD_WEIGHTS(f2);
const struct fcnn_variant conv2d_bwd_weights_winograd_f4_neon = FCNN_WINOGRAD_WEIGHTS(f4);
