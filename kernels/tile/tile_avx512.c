/* SPDX-License-Identifier: BSD-2-Clause
 * Register tiles, avx512. 32 registers: 12x32, 8x48 and 6x64 leave 24 accumulators, the columns and one broadcast;
 * 12x16 covers the latency for narrow outputs. Pooled tiles need whole windows of four pixels, so they stop at
 * 12x32. */
#include "kernels/simd/vector_avx512.h"

#include "kernels/tile/spread_body.h"
#include "kernels/tile/tile_body.h"

TILES_12(1) TILES_12(2) TILES_8(3) TILES_6(4)
SUMMED_12(1) SUMMED_12(2)

const struct fcnn_tiles fcnn_tiles_avx512 = {
    .lanes = VL,
    .vectors = 4,
    .pooled_vectors = 2,
    .outer_vectors = 4,
    .rows = {[1] = 12, [2] = 12, [3] = 8, [4] = 6},
    .gather = {
        [1] = {ROWS_12(gather, 1)},
        [2] = {ROWS_12(gather, 2)},
        [3] = {ROWS_8(gather, 3)},
        [4] = {ROWS_6(gather, 4)},
    },
    .outer = {
        [1] = {ROWS_12(outer, 1)},
        [2] = {ROWS_12(outer, 2)},
        [3] = {ROWS_8(outer, 3)},
        [4] = {ROWS_6(outer, 4)},
    },
    .straight = {
        [1] = {ROWS_12(straight, 1)},
        [2] = {ROWS_12(straight, 2)},
        [3] = {ROWS_8(straight, 3)},
        [4] = {ROWS_6(straight, 4)},
    },
    .summed = {
        [1] = {ROWS_12(summed, 1)},
        [2] = {ROWS_12(summed, 2)},
    },
    .masked = {
        [1] = {ROWS_12(masked, 1)},
        [2] = {ROWS_12(masked, 2)},
    },
    .summed_vectors = 2,
    .summed_rows = 12,
    .mask_relu = mask_relu,
    .add_sums = add_sums,
    .cut_strip = cut_strip,
    .unpool = unpool,
    .transpose = transpose,
};
