/* SPDX-License-Identifier: BSD-2-Clause
 * Sparse backward passes, avx2: 12 of 16 registers hold sums. */
#include "kernels/simd/vector_avx2.h"

#include "kernels/sparse/sparse_body.h"

TILES_12(1) TILES_6(2) TILES_4(3)
SCATTERS_12(1) SCATTERS_6(2) SCATTERS_3(4) SCATTERS_1(8)
SLIDES_3(1) SLIDES_2(2) SLIDES_1(4)
PICKS_10(1)

const struct fcnn_sparse fcnn_sparse_avx2 = {
    .lanes = VL,
    .picks = 1,
    .vectors = {[1] = 12, [2] = 6, [3] = 4},
    .taps = {[1] = 12, [2] = 6, [4] = 3, [8] = 1},
    .slides = {[1] = 3, [2] = 2, [4] = 1},
    .accumulate = {[1] = {UP_TO_12(accumulate, 1)}, [2] = {UP_TO_6(accumulate, 2)}, [3] = {UP_TO_4(accumulate, 3)}},
    .scatter = {[1] = {UP_TO_12(scatter, 1)}, [2] = {UP_TO_6(scatter, 2)}, [4] = {UP_TO_3(scatter, 4)},
                [8] = {UP_TO_1(scatter, 8)}},
    .slide = {[1] = {UP_TO_3(slide, 1)}, [2] = {UP_TO_2(slide, 2)}, [4] = {UP_TO_1(slide, 4)}},
    .pick = {[1] = {UP_TO_10(pick, 1)}},
    .lay_out = lay_out,
    FUNCTIONS
};

const struct fcnn_variant conv2d_bwd_data_sparse_avx2 = FCNN_SPARSE_DATA(fcnn_sparse_avx2);
const struct fcnn_variant conv2d_pool_bwd_data_sparse_avx2 = FCNN_SPARSE_DATA(fcnn_sparse_avx2);
const struct fcnn_variant conv2d_pool_bwd_weights_sparse_avx2 = FCNN_SPARSE_WEIGHTS(fcnn_sparse_avx2);
const struct fcnn_variant conv2d_pool_bwd_weights_winners_avx2 = FCNN_SPARSE_WINNERS(fcnn_sparse_avx2);
