/* SPDX-License-Identifier: BSD-2-Clause
 * ReLU in NEON. */
#include "kernels/kernel.h"
#include "kernels/simd/vector_neon.h"
#include "kernels/simd/common.h"
#include "kernels/elementwise/relu_body.h"

const struct fcnn_variant relu_fwd_vector_neon = {.demand = chunk_demand, .run = relu_forward};
const struct fcnn_variant relu_bwd_data_vector_neon = {.demand = chunk_demand, .run = relu_backward_data};
