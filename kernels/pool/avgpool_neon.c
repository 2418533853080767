/* SPDX-License-Identifier: BSD-2-Clause
 * Average pooling in NEON. */
#include "kernels/kernel.h"
#include "kernels/simd/vector_neon.h"
#include "kernels/simd/common.h"
#include "kernels/pool/avgpool_body.h"

const struct fcnn_variant avgpool_fwd_direct_neon = {.demand = pool_forward_demand, .run = avgpool_forward};
const struct fcnn_variant avgpool_bwd_data_direct_neon = {.demand = pool_backward_demand, .run = avgpool_backward_data};
