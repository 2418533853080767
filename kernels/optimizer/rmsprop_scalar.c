/* SPDX-License-Identifier: BSD-2-Clause
 * RMSprop in plain C. */
#include "kernels/kernel.h"
#include "kernels/simd/vector_scalar.h"
#include "kernels/simd/common.h"
#include "kernels/optimizer/rmsprop_body.h"

const struct fcnn_variant rmsprop_update_vector_scalar = {.demand = chunk_demand, .run = rmsprop_update};
