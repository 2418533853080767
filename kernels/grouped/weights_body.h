/* SPDX-License-Identifier: BSD-2-Clause
 * The inner loop of grouped backward weights over the vector header that the stub has included: tiles of filter
 * elements, taps by spread gradients. */
#include "kernels/grouped/grouped.h"
#include "kernels/simd/common.h"
#include "kernels/simd/transpose.h"
#include "kernels/elementwise/lanes.h"

/* The sums of a tile, one vector of the source for each tap and one spread gradient are in registers. */
#if VEC_REGISTERS >= 32
#define SUM_TAPS 6
#else
#define SUM_TAPS 3
#endif
#define SUM_SPREAD 4

/* `taps`, `spread` and `way` are constants. */
FCNN_INLINE void sum_tile(const struct fcnn_grouped_sum *sum, const int taps, const int spread,
                          const enum fcnn_grouped_way way)
{
    const int64_t plane = sum->plane, end = sum->columns * VL;
    vec acc[SUM_TAPS][SUM_SPREAD];
    int64_t offset[SUM_SPREAD];
    FCNN_UNROLL for (int j = 0; j < spread; j++) {
        const int64_t channel = (sum->first + j) * (way == FCNN_SPREAD ? VL : (int64_t)way); /* floats of a pixel */
        offset[j] = channel / VL * plane + channel % VL;
    }
    FCNN_UNROLL for (int t = 0; t < taps; t++)
        FCNN_UNROLL for (int j = 0; j < spread; j++) acc[t][j] = vec_load(sum->sums + t * sum->tap + j * VL);
    for (int64_t row = 0; row < sum->rows; row++) {
        const float *x[SUM_TAPS], *g = sum->gradient + row * sum->row;
        FCNN_UNROLL for (int t = 0; t < taps; t++) x[t] = sum->x[row * sum->step + t];
        for (int64_t at = 0; at < end; at += VL) {
            vec source[SUM_TAPS];
            FCNN_UNROLL for (int t = 0; t < taps; t++) source[t] = vec_keep(vec_load(x[t] + at));
            FCNN_UNROLL for (int j = 0; j < spread; j++) {
                const vec gradient = vec_keep(load_spread(g + offset[j] + at, way));
                FCNN_UNROLL for (int t = 0; t < taps; t++) acc[t][j] = vec_fma(source[t], gradient, acc[t][j]);
            }
        }
    }
    FCNN_UNROLL for (int t = 0; t < taps; t++)
        FCNN_UNROLL for (int j = 0; j < spread; j++) vec_store(sum->sums + t * sum->tap + j * VL, acc[t][j]);
}

typedef void sum_tile_fn(const struct fcnn_grouped_sum *sum);
#define SUM_TILE(t, j) \
    static void sum_tile_##t##_##j(const struct fcnn_grouped_sum *sum)         \
    {                                                                          \
        if (sum->way == FCNN_BROADCAST) sum_tile(sum, t, j, FCNN_BROADCAST);       \
        else if (sum->way == FCNN_PAIRS) sum_tile(sum, t, j, FCNN_PAIRS);          \
        else if (sum->way == FCNN_QUADS) sum_tile(sum, t, j, FCNN_QUADS);          \
        else sum_tile(sum, t, j, FCNN_SPREAD);                                     \
    }
#define SUM_TILES(t) SUM_TILE(t, 1) SUM_TILE(t, 2) SUM_TILE(t, 3) SUM_TILE(t, 4)
#define SUM_ROW(t) {sum_tile_##t##_1, sum_tile_##t##_2, sum_tile_##t##_3, sum_tile_##t##_4}
SUM_TILES(1) SUM_TILES(2) SUM_TILES(3)
#if SUM_TAPS == 6
SUM_TILES(4) SUM_TILES(5) SUM_TILES(6)
#endif

static void sum_rows(const struct fcnn_grouped_sum *sum)
{
    static sum_tile_fn *const tiles[SUM_TAPS][SUM_SPREAD] = {
        SUM_ROW(1), SUM_ROW(2), SUM_ROW(3),
#if SUM_TAPS == 6
        SUM_ROW(4), SUM_ROW(5), SUM_ROW(6),
#endif
    };
    tiles[sum->taps - 1][sum->spread - 1](sum);
}

static void store_sums(const float *sums, int64_t count, int64_t lanes, const int32_t *index, float *const *out)
{
    for (int64_t j = 0; j < count; j += VL) {
        const int64_t width = fcnn_min(count - j, VL);
        vec square[VL];
        FCNN_UNROLL for (int i = 0; i < VL; i++) square[i] = i < width ? vec_load(sums + (j + i) * VL) : vec_zero();
        if (index) FCNN_UNROLL for (int i = 0; i < VL; i++) square[i] = vec_permute(square[i], ivec_load(index));
        vec_transpose(square);
        FCNN_UNROLL for (int lane = 0; lane < VL; lane++)
            if (lane < lanes) vec_store_first(out[lane] + j, square[lane], width);
    }
}
