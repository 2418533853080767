/* SPDX-License-Identifier: BSD-2-Clause
 * Adam in plain C. */
#include "kernels/kernel.h"
#include "kernels/simd/vector_scalar.h"
#include "kernels/simd/common.h"
#include "kernels/optimizer/adam_body.h"

const struct fcnn_variant adam_update_vector_scalar = {chunk_unsupported, chunk_demand, adam_update};
