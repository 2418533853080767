/* SPDX-License-Identifier: BSD-2-Clause
 * Register tiles, neon. 32 registers: 12x8, 8x12 and 6x16 leave 24 accumulators, the columns and a factor, of which a
 * multiply-add takes a lane. Pooled tiles need whole windows of four pixels, and 16 channels, since two tasks must not
 * share a choice word: 4x16. The outer form with few rows is wider, as four units of four cycles' latency ask for 16
 * sums and more: 5x20, 4x24, 3x28. */
#include "kernels/simd/vector_neon.h"

#include "kernels/tile/spread_body.h"
#include "kernels/tile/tile_body.h"

TILES_12(1) TILES_12(2) TILES_8(3) TILES_6(4)
OUTERS_5(5) OUTERS_4(6) OUTERS_3(7)
SUMMED_12(1) SUMMED_12(2)

const struct fcnn_tiles fcnn_tiles_neon = {
    .lanes = VL,
    .vectors = 4,
    .pooled_vectors = 4,
    .outer_vectors = 7,
    .rows = {[1] = 12, [2] = 12, [3] = 8, [4] = 6, [5] = 5, [6] = 4, [7] = 3},
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
        [5] = {ROWS_5(outer, 5)},
        [6] = {ROWS_4(outer, 6)},
        [7] = {ROWS_3(outer, 7)},
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
