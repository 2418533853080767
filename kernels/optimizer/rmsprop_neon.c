/* SPDX-License-Identifier: BSD-2-Clause
 * RMSprop in NEON. */
#include "kernels/kernel.h"
#include "kernels/simd/vector_neon.h"
#include "kernels/simd/common.h"
#include "kernels/optimizer/rmsprop_body.h"

const struct fcnn_variant rmsprop_update_vector_neon = {.demand = chunk_demand, .run = rmsprop_update};
