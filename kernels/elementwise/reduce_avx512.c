/* SPDX-License-Identifier: BSD-2-Clause
 * Tree sums in AVX-512. */
#include "kernels/kernel.h"
#include "kernels/simd/vector_avx512.h"
#include "kernels/simd/common.h"
#include "kernels/elementwise/reduce_body.h"

const struct fcnn_variant reduce_fwd_vector_avx512 = {.demand = reduce_demand, .run = reduce_forward};
