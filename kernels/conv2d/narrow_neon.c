/* SPDX-License-Identifier: BSD-2-Clause
 * Backward data towards few input channels, neon. */
#include "kernels/conv2d/narrow.h"

const struct fcnn_variant conv2d_bwd_data_narrow_neon = FCNN_NARROW(fcnn_tiles_neon);
