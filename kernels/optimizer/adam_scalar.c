/* SPDX-License-Identifier: BSD-2-Clause
 * Adam in plain C. */
#include "kernels/kernel.h"
#include "kernels/simd/vector_scalar.h"
#include "kernels/simd/common.h"
#include "kernels/optimizer/adam_body.h"

const struct fcnn_variant adam_update_vector_scalar = {.demand = chunk_demand, .run = adam_update};
