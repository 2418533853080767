/* SPDX-License-Identifier: BSD-2-Clause
 * Tree sums in plain C. */
#include "kernels/kernel.h"
#include "kernels/simd/vector_scalar.h"
#include "kernels/simd/common.h"
#include "kernels/elementwise/reduce_body.h"

const struct fcnn_variant reduce_fwd_vector_scalar = {.demand = reduce_demand, .run = reduce_forward};
