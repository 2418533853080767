/* SPDX-License-Identifier: BSD-2-Clause
 * Register tiles, avx2. 16 registers: 6x16 (12 accumulators, 2 columns,
 * 1 broadcast) is the classic shape; pooled tiles need whole windows of four pixels, hence 4x24. */
#include "kernels/simd/vector_avx2.h"

#include "kernels/tile/spread_body.h"
#include "kernels/tile/tile_body.h"

TILES_12(1) TILES_6(2) TILES_4(3)
SUMMED_12(1)

const struct fcnn_tiles fcnn_tiles_avx2 = {
    .lanes = VL,
    .vectors = 2,
    .pooled_vectors = 3,
    .outer_vectors = 3,
    .rows = {[1] = 12, [2] = 6, [3] = 4},
    .gather = {
        [1] = {ROWS_12(gather, 1)},
        [2] = {ROWS_6(gather, 2)},
        [3] = {ROWS_4(gather, 3)},
    },
    .outer = {
        [1] = {ROWS_12(outer, 1)},
        [2] = {ROWS_6(outer, 2)},
        [3] = {ROWS_4(outer, 3)},
    },
    .straight = {
        [1] = {ROWS_12(straight, 1)},
        [2] = {ROWS_6(straight, 2)},
        [3] = {ROWS_4(straight, 3)},
    },
    .summed = {
        [1] = {ROWS_12(summed, 1)},
    },
    .masked = {
        [1] = {ROWS_12(masked, 1)},
    },
    .summed_vectors = 1,
    .summed_rows = 12,
    .mask_relu = mask_relu,
    .add_sums = add_sums,
    .cut_strip = cut_strip,
    .unpool = unpool,
    .transpose = transpose,
};
