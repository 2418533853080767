/* SPDX-License-Identifier: BSD-2-Clause
 * Tree sums in NEON. */
#include "kernels/kernel.h"
#include "kernels/simd/vector_neon.h"
#include "kernels/simd/common.h"
#include "kernels/elementwise/reduce_body.h"

const struct fcnn_variant reduce_fwd_vector_neon = {.demand = reduce_demand, .run = reduce_forward};
