/* SPDX-License-Identifier: BSD-2-Clause
 * Sparse backward passes, neon: 24 of 32 registers hold sums. */
#include "kernels/simd/vector_neon.h"

#include "kernels/sparse/sparse_body.h"

TILES_12(1) TILES_12(2) TILES_8(3)
SCATTERS_12(1) SCATTERS_12(2) SCATTERS_6(4) SCATTERS_3(8)
SLIDES_3(1) SLIDES_3(2) SLIDES_2(4) SLIDES_1(8)
PICKS_10(1) PICKS_10(2)

const struct fcnn_sparse fcnn_sparse_neon = {
    .lanes = VL,
    .picks = 2,
    .vectors = {[1] = 12, [2] = 12, [3] = 8},
    .taps = {[1] = 12, [2] = 12, [4] = 6, [8] = 3},
    .slides = {[1] = 3, [2] = 3, [4] = 2, [8] = 1},
    .accumulate = {[1] = {UP_TO_12(accumulate, 1)}, [2] = {UP_TO_12(accumulate, 2)}, [3] = {UP_TO_8(accumulate, 3)}},
    .scatter = {[1] = {UP_TO_12(scatter, 1)}, [2] = {UP_TO_12(scatter, 2)}, [4] = {UP_TO_6(scatter, 4)},
                [8] = {UP_TO_3(scatter, 8)}},
    .slide = {[1] = {UP_TO_3(slide, 1)}, [2] = {UP_TO_3(slide, 2)}, [4] = {UP_TO_2(slide, 4)},
              [8] = {UP_TO_1(slide, 8)}},
    .pick = {[1] = {UP_TO_10(pick, 1)}, [2] = {UP_TO_10(pick, 2)}},
    .lay_out = lay_out,
    FUNCTIONS
};

const struct fcnn_variant conv2d_bwd_data_sparse_neon = FCNN_SPARSE_DATA(fcnn_sparse_neon);
const struct fcnn_variant conv2d_pool_bwd_data_sparse_neon = FCNN_SPARSE_DATA(fcnn_sparse_neon);
const struct fcnn_variant conv2d_pool_bwd_weights_sparse_neon = FCNN_SPARSE_WEIGHTS(fcnn_sparse_neon);
const struct fcnn_variant conv2d_pool_bwd_weights_winners_neon = FCNN_SPARSE_WINNERS(fcnn_sparse_neon);
