/* SPDX-License-Identifier: BSD-2-Clause
 * The mean squared error in AVX-512. */
#include "kernels/kernel.h"
#include "kernels/simd/vector_avx512.h"
#include "kernels/simd/common.h"
#include "kernels/softmax/mse_body.h"

const struct fcnn_variant mse_fwd_vector_avx512 = {.demand = row_demand, .run = mse_forward};
const struct fcnn_variant mse_bwd_data_vector_avx512 = {.demand = row_demand, .run = mse_backward_data};
