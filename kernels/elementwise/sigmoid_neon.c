/* SPDX-License-Identifier: BSD-2-Clause
 * Sigmoid and tanh in NEON. */
#include "kernels/kernel.h"
#include "kernels/simd/vector_neon.h"
#include "kernels/simd/common.h"
#include "kernels/elementwise/sigmoid_body.h"

const struct fcnn_variant sigmoid_fwd_vector_neon = {.demand = chunk_demand, .run = sigmoid_forward};
const struct fcnn_variant sigmoid_bwd_data_vector_neon = {.demand = chunk_demand, .run = sigmoid_backward_data};
const struct fcnn_variant tanh_fwd_vector_neon = {.demand = chunk_demand, .run = tanh_forward};
const struct fcnn_variant tanh_bwd_data_vector_neon = {.demand = chunk_demand, .run = tanh_backward_data};
