/* SPDX-License-Identifier: BSD-2-Clause
 * Max pooling in NEON. */
#include "kernels/kernel.h"
#include "kernels/simd/vector_neon.h"
#include "kernels/simd/common.h"
#include "kernels/pool/maxpool_body.h"

const struct fcnn_variant maxpool_fwd_direct_neon = {.demand = pool_forward_demand, .run = maxpool_forward};
const struct fcnn_variant maxpool_bwd_data_direct_neon = {.demand = pool_backward_demand, .run = maxpool_backward_data};
