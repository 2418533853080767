/* SPDX-License-Identifier: BSD-2-Clause
 * Sparse backward passes, scalar: sums lie in memory, small tiles keep them near. */
#include "kernels/simd/vector_scalar.h"

#include "kernels/sparse/sparse_body.h"

TILES_4(1) TILES_4(2) TILES_4(3)
SCATTERS_3(1) SCATTERS_3(2) SCATTERS_3(4) SCATTERS_3(8)
SLIDES_1(1) SLIDES_1(2) SLIDES_1(4) SLIDES_1(8)

const struct fcnn_sparse fcnn_sparse_scalar = {
    .lanes = VL,
    .vectors = {[1] = 4, [2] = 4, [3] = 4},
    .taps = {[1] = 3, [2] = 3, [4] = 3, [8] = 3},
    .slides = {[1] = 1, [2] = 1, [4] = 1, [8] = 1},
    .accumulate = {[1] = {UP_TO_4(accumulate, 1)}, [2] = {UP_TO_4(accumulate, 2)}, [3] = {UP_TO_4(accumulate, 3)}},
    .scatter = {[1] = {UP_TO_3(scatter, 1)}, [2] = {UP_TO_3(scatter, 2)}, [4] = {UP_TO_3(scatter, 4)},
                [8] = {UP_TO_3(scatter, 8)}},
    .slide = {[1] = {UP_TO_1(slide, 1)}, [2] = {UP_TO_1(slide, 2)}, [4] = {UP_TO_1(slide, 4)},
              [8] = {UP_TO_1(slide, 8)}},
    FUNCTIONS
};

const struct fcnn_variant conv2d_bwd_data_sparse_scalar = FCNN_SPARSE_DATA(fcnn_sparse_scalar);
const struct fcnn_variant conv2d_pool_bwd_data_sparse_scalar = FCNN_SPARSE_DATA(fcnn_sparse_scalar);
const struct fcnn_variant conv2d_pool_bwd_weights_sparse_scalar = FCNN_SPARSE_WEIGHTS(fcnn_sparse_scalar);
