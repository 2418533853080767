/* SPDX-License-Identifier: BSD-2-Clause
 * Dropout in NEON. */
#include "kernels/kernel.h"
#include "kernels/simd/vector_neon.h"
#include "kernels/simd/common.h"
#include "kernels/elementwise/dropout_body.h"

const struct fcnn_variant dropout_fwd_vector_neon = {.demand = chunk_demand, .run = dropout_forward};
const struct fcnn_variant dropout_bwd_data_vector_neon = {.demand = chunk_demand, .run = dropout_backward_data};
