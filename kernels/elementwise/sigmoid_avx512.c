/* SPDX-License-Identifier: BSD-2-Clause
 * Sigmoid and tanh in AVX-512. */
#include "kernels/kernel.h"
#include "kernels/simd/vector_avx512.h"
#include "kernels/simd/common.h"
#include "kernels/elementwise/sigmoid_body.h"

const struct fcnn_variant sigmoid_fwd_vector_avx512 = {.demand = chunk_demand, .run = sigmoid_forward};
const struct fcnn_variant sigmoid_bwd_data_vector_avx512 = {.demand = chunk_demand, .run = sigmoid_backward_data};
const struct fcnn_variant tanh_fwd_vector_avx512 = {.demand = chunk_demand, .run = tanh_forward};
const struct fcnn_variant tanh_bwd_data_vector_avx512 = {.demand = chunk_demand, .run = tanh_backward_data};
