/* SPDX-License-Identifier: BSD-2-Clause
 * Adam in NEON. */
#include "kernels/kernel.h"
#include "kernels/simd/vector_neon.h"
#include "kernels/simd/common.h"
#include "kernels/optimizer/adam_body.h"

const struct fcnn_variant adam_update_vector_neon = {.demand = chunk_demand, .run = adam_update};
