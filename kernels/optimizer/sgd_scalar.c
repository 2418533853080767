/* SPDX-License-Identifier: BSD-2-Clause
 * Gradient descent in plain C. */
#include "kernels/kernel.h"
#include "kernels/simd/vector_scalar.h"
#include "kernels/simd/common.h"
#include "kernels/optimizer/sgd_body.h"

const struct fcnn_variant sgd_update_vector_scalar = {.demand = chunk_demand, .run = sgd_update};
