/* SPDX-License-Identifier: BSD-2-Clause
 * Dropout in AVX-512. */
#include "kernels/kernel.h"
#include "kernels/simd/vector_avx512.h"
#include "kernels/simd/common.h"
#include "kernels/elementwise/dropout_body.h"

const struct fcnn_variant dropout_fwd_vector_avx512 = {.demand = chunk_demand, .run = dropout_forward};
const struct fcnn_variant dropout_bwd_data_vector_avx512 = {.demand = chunk_demand, .run = dropout_backward_data};
