/* SPDX-License-Identifier: BSD-2-Clause
 * Batch normalization in NEON. */
#include "kernels/kernel.h"
#include "kernels/simd/vector_neon.h"
#include "kernels/simd/common.h"
#include "kernels/batchnorm/batchnorm_body.h"

const struct fcnn_variant batch_sums_fwd_vector_neon = {.demand = channels_demand, .run = batch_sums_forward};
const struct fcnn_variant batch_norm_fwd_vector_neon = {.demand = pixels_demand, .run = batch_norm_forward};
const struct fcnn_variant batch_norm_bwd_data_vector_neon = {.demand = pixels_demand,
                                                             .run = batch_norm_backward_data};
const struct fcnn_variant batch_norm_bwd_weights_vector_neon = {.demand = channels_demand,
                                                                .run = batch_norm_backward_weights};
