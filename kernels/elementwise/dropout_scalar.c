/* SPDX-License-Identifier: BSD-2-Clause
 * Dropout in plain C. */
#include "kernels/kernel.h"
#include "kernels/simd/vector_scalar.h"
#include "kernels/simd/common.h"
#include "kernels/elementwise/dropout_body.h"

const struct fcnn_variant dropout_fwd_vector_scalar = {.demand = chunk_demand, .run = dropout_forward};
const struct fcnn_variant dropout_bwd_data_vector_scalar = {.demand = chunk_demand, .run = dropout_backward_data};
