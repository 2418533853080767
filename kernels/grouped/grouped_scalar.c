/* SPDX-License-Identifier: BSD-2-Clause
 * Convolution of groups of few channels, scalar. */
#include "kernels/simd/vector_scalar.h"

#include "kernels/grouped/body.h"
#include "kernels/grouped/march_body.h"
#include "kernels/grouped/planar_body.h"
#include "kernels/grouped/weights_body.h"

static const struct fcnn_grouped loops = {VL,        TILE_PIXELS, MARCHING,  SUM_MOST,   fill_row,   run_row,
                                          plane_row, planar_row,  pixel_row, march_rows, sum_rows,   store_sums,
                                          add_sums};

const struct fcnn_variant conv2d_fwd_grouped_scalar = FCNN_GROUPED_GATHER(loops);
const struct fcnn_variant conv2d_bwd_data_grouped_scalar = FCNN_GROUPED_GATHER(loops);
const struct fcnn_variant conv2d_bwd_weights_grouped_scalar = FCNN_GROUPED_WEIGHTS(loops);
