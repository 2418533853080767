/* SPDX-License-Identifier: BSD-2-Clause
 * The mean squared error in NEON. */
#include "kernels/kernel.h"
#include "kernels/simd/vector_neon.h"
#include "kernels/simd/common.h"
#include "kernels/softmax/mse_body.h"

const struct fcnn_variant mse_fwd_vector_neon = {.demand = row_demand, .run = mse_forward};
const struct fcnn_variant mse_bwd_data_vector_neon = {.demand = row_demand, .run = mse_backward_data};
