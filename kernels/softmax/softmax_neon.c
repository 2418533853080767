/* SPDX-License-Identifier: BSD-2-Clause
 * Softmax and cross-entropies in NEON. */
#include "kernels/kernel.h"
#include "kernels/simd/vector_neon.h"
#include "kernels/simd/common.h"
#include "kernels/softmax/softmax_body.h"

const struct fcnn_variant softmax_fwd_vector_neon = {.demand = row_demand, .run = softmax_forward};
const struct fcnn_variant cross_entropy_fwd_vector_neon = {.demand = row_demand, .run = cross_entropy_forward};
const struct fcnn_variant cross_entropy_bwd_data_vector_neon = {
    .demand = row_demand, .run = cross_entropy_backward_data,
};
const struct fcnn_variant categorical_cross_entropy_fwd_vector_neon = {
    .demand = row_demand, .run = categorical_cross_entropy_forward,
};
const struct fcnn_variant categorical_cross_entropy_bwd_data_vector_neon = {
    .demand = row_demand, .run = categorical_cross_entropy_backward_data,
};
