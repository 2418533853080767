/* SPDX-License-Identifier: BSD-2-Clause
 * Backward data towards few input channels, avx512. */
#include "kernels/conv2d/narrow.h"

const struct fcnn_variant conv2d_bwd_data_narrow_avx512 = FCNN_NARROW(fcnn_tiles_avx512);
