/* SPDX-License-Identifier: BSD-2-Clause
 * Tree sums in AVX2 + FMA. */
#include "kernels/kernel.h"
#include "kernels/simd/vector_avx2.h"
#include "kernels/simd/common.h"
#include "kernels/elementwise/reduce_body.h"

const struct fcnn_variant reduce_fwd_vector_avx2 = {.demand = reduce_demand, .run = reduce_forward};
