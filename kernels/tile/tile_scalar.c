/* SPDX-License-Identifier: BSD-2-Clause
 * Register tiles, scalar. Plain C for any CPU: nothing stays in registers across calls of fmaf(), so the shape only
 * limits overhead. Pooled tiles are 16 channels wide because choice words are, and two tasks must not share a word. */
#include "kernels/simd/vector_scalar.h"

#include "kernels/tile/spread_body.h"
#include "kernels/tile/tile_body.h"

TILES_4(1) TILES_4(2) TILES_4(3) TILES_4(4)
TILES_4(5) TILES_4(6) TILES_4(7) TILES_4(8)
TILES_4(9) TILES_4(10) TILES_4(11) TILES_4(12)
TILES_4(13) TILES_4(14) TILES_4(15) TILES_4(16)
SUMMED_4(1) SUMMED_4(2) SUMMED_4(3) SUMMED_4(4)

const struct fcnn_tiles fcnn_tiles_scalar = {
    .lanes = VL,
    .vectors = 4,
    .pooled_vectors = 16,
    .outer_vectors = 16,
    .rows = {0, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4},
    .gather = {
        [1] = {ROWS_4(gather, 1)},
        [2] = {ROWS_4(gather, 2)},
        [3] = {ROWS_4(gather, 3)},
        [4] = {ROWS_4(gather, 4)},
        [5] = {ROWS_4(gather, 5)},
        [6] = {ROWS_4(gather, 6)},
        [7] = {ROWS_4(gather, 7)},
        [8] = {ROWS_4(gather, 8)},
        [9] = {ROWS_4(gather, 9)},
        [10] = {ROWS_4(gather, 10)},
        [11] = {ROWS_4(gather, 11)},
        [12] = {ROWS_4(gather, 12)},
        [13] = {ROWS_4(gather, 13)},
        [14] = {ROWS_4(gather, 14)},
        [15] = {ROWS_4(gather, 15)},
        [16] = {ROWS_4(gather, 16)},
    },
    .outer = {
        [1] = {ROWS_4(outer, 1)},
        [2] = {ROWS_4(outer, 2)},
        [3] = {ROWS_4(outer, 3)},
        [4] = {ROWS_4(outer, 4)},
        [5] = {ROWS_4(outer, 5)},
        [6] = {ROWS_4(outer, 6)},
        [7] = {ROWS_4(outer, 7)},
        [8] = {ROWS_4(outer, 8)},
        [9] = {ROWS_4(outer, 9)},
        [10] = {ROWS_4(outer, 10)},
        [11] = {ROWS_4(outer, 11)},
        [12] = {ROWS_4(outer, 12)},
        [13] = {ROWS_4(outer, 13)},
        [14] = {ROWS_4(outer, 14)},
        [15] = {ROWS_4(outer, 15)},
        [16] = {ROWS_4(outer, 16)},
    },
    .straight = {
        [1] = {ROWS_4(straight, 1)},
        [2] = {ROWS_4(straight, 2)},
        [3] = {ROWS_4(straight, 3)},
        [4] = {ROWS_4(straight, 4)},
        [5] = {ROWS_4(straight, 5)},
        [6] = {ROWS_4(straight, 6)},
        [7] = {ROWS_4(straight, 7)},
        [8] = {ROWS_4(straight, 8)},
        [9] = {ROWS_4(straight, 9)},
        [10] = {ROWS_4(straight, 10)},
        [11] = {ROWS_4(straight, 11)},
        [12] = {ROWS_4(straight, 12)},
        [13] = {ROWS_4(straight, 13)},
        [14] = {ROWS_4(straight, 14)},
        [15] = {ROWS_4(straight, 15)},
        [16] = {ROWS_4(straight, 16)},
    },
    .summed = {
        [1] = {ROWS_4(summed, 1)},
        [2] = {ROWS_4(summed, 2)},
        [3] = {ROWS_4(summed, 3)},
        [4] = {ROWS_4(summed, 4)},
    },
    .masked = {
        [1] = {ROWS_4(masked, 1)},
        [2] = {ROWS_4(masked, 2)},
        [3] = {ROWS_4(masked, 3)},
        [4] = {ROWS_4(masked, 4)},
    },
    .summed_vectors = 4,
    .summed_rows = 4,
    .mask_relu = mask_relu,
    .add_sums = add_sums,
    .cut_strip = cut_strip,
    .unpool = unpool,
    .transpose = transpose,
};
