/* SPDX-License-Identifier: BSD-2-Clause
 * Adam in AVX2 + FMA. */
#include "kernels/kernel.h"
#include "kernels/simd/vector_avx2.h"
#include "kernels/simd/common.h"
#include "kernels/optimizer/adam_body.h"

const struct fcnn_variant adam_update_vector_avx2 = {.demand = chunk_demand, .run = adam_update};
