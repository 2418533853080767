/* SPDX-License-Identifier: BSD-2-Clause
 * Batch normalization in AVX2 + FMA. */
#include "kernels/kernel.h"
#include "kernels/simd/vector_avx2.h"
#include "kernels/simd/common.h"
#include "kernels/batchnorm/batchnorm_body.h"

const struct fcnn_variant batch_sums_fwd_vector_avx2 = {.demand = channels_demand, .run = batch_sums_forward};
const struct fcnn_variant batch_norm_fwd_vector_avx2 = {.demand = pixels_demand, .run = batch_norm_forward};
const struct fcnn_variant batch_norm_bwd_data_vector_avx2 = {.demand = pixels_demand,
                                                             .run = batch_norm_backward_data};
const struct fcnn_variant batch_norm_bwd_weights_vector_avx2 = {.demand = channels_demand,
                                                                .run = batch_norm_backward_weights};
