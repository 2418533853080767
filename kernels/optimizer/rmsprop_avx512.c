/* SPDX-License-Identifier: BSD-2-Clause
 * RMSprop in AVX-512. */
#include "kernels/kernel.h"
#include "kernels/simd/vector_avx512.h"
#include "kernels/simd/common.h"
#include "kernels/optimizer/rmsprop_body.h"

const struct fcnn_variant rmsprop_update_vector_avx512 = {.demand = chunk_demand, .run = rmsprop_update};
