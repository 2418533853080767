/* SPDX-License-Identifier: BSD-2-Clause
 * Backward data towards few input channels, scalar. */
#include "kernels/conv2d/narrow.h"

FCNN_NARROW_VARIANT(conv2d_bwd_data_narrow_scalar, fcnn_tiles_scalar)
