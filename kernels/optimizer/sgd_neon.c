/* SPDX-License-Identifier: BSD-2-Clause
 * Gradient descent in NEON. */
#include "kernels/kernel.h"
#include "kernels/simd/vector_neon.h"
#include "kernels/simd/common.h"
#include "kernels/optimizer/sgd_body.h"

const struct fcnn_variant sgd_update_vector_neon = {.demand = chunk_demand, .run = sgd_update};
