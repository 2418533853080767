/* SPDX-License-Identifier: BSD-2-Clause
 * The inner loop of grouped backward weights over the vector header that the stub has included: tiles of filter
 * elements, taps by spread gradients. */
#include "kernels/grouped/grouped.h"
#include "kernels/simd/common.h"
#include "kernels/simd/sums.h"
#include "kernels/simd/transpose.h"
#include "kernels/elementwise/lanes.h"

/* The sums of a tile, one vector of the source for each tap and one spread gradient are in registers. */
#define SUM_EDGED 3 /* taps of a tile that may leave out the outermost ones */
#if VEC_REGISTERS >= 32
#define SUM_TAPS 6
#define SUM_SPREAD 8
#define SUM_MOST {{6, 4}, {3, 8}}
#else
#define SUM_TAPS 3
#define SUM_SPREAD 4
#define SUM_MOST {{3, 4}, {3, 4}}
#endif

struct sums {
    vec of[SUM_TAPS][SUM_SPREAD];
};

/* A pixel under taps from .. to-1. Where they are, and how much is spread in which way, are constants. */
FCNN_INLINE void sum_pixel(const float *const x[SUM_TAPS], const float *g, const int64_t offset[SUM_SPREAD], int64_t at,
                           const int from, const int to, const int spread, const enum fcnn_grouped_way way,
                           struct sums *acc)
{
    vec source[SUM_TAPS];
    FCNN_UNROLL for (int t = from; t < to; t++) source[t] = vec_keep(vec_load(x[t] + at));
    FCNN_UNROLL for (int j = 0; j < spread; j++) {
        const vec gradient = vec_keep(load_spread(g + offset[j] + at, way));
        FCNN_UNROLL for (int t = from; t < to; t++) acc->of[t][j] = vec_fma(source[t], gradient, acc->of[t][j]);
    }
}

/* `taps`, `spread` and `way` are constants. Of rows of three taps those on padding are left out. */
FCNN_INLINE void sum_tile(const struct fcnn_grouped_sum *sum, const int taps, const int spread,
                          const enum fcnn_grouped_way way)
{
    const int left = taps == SUM_EDGED && sum->left, right = taps == SUM_EDGED && sum->right;
    const int64_t plane = sum->plane, end = sum->columns * VL;
    int64_t offset[SUM_SPREAD];
    struct fcnn_grouped_tap tap[SUM_TAPS];
    struct sums acc;
    FCNN_UNROLL for (int j = 0; j < spread; j++) {
        const int64_t channel = (sum->first + j) * (way == FCNN_SPREAD ? VL : (int64_t)way); /* floats of a pixel */
        offset[j] = channel / VL * plane + channel % VL;
    }
    FCNN_UNROLL for (int t = 0; t < taps; t++) {
        tap[t] = sum->at[t];
        FCNN_UNROLL for (int j = 0; j < spread; j++) acc.of[t][j] = vec_load(sum->sums + t * sum->tap + j * VL);
    }
    for (int64_t row = 0; row < sum->rows; row++) {
        const int64_t *line = sum->lines + row * sum->step;
        const float *x[SUM_TAPS], *g = sum->gradient + row * sum->row;
        int64_t at = 0;
        FCNN_UNROLL for (int t = 0; t < taps; t++) x[t] = sum->source + line[tap[t].row] + tap[t].column;
        if (left) sum_pixel(x, g, offset, at, 1, taps, spread, way, &acc), at += VL;
        for (; at < end - right * VL; at += VL) sum_pixel(x, g, offset, at, 0, taps, spread, way, &acc);
        if (right) sum_pixel(x, g, offset, at, 0, taps - 1, spread, way, &acc);
    }
    FCNN_UNROLL for (int t = 0; t < taps; t++)
        FCNN_UNROLL for (int j = 0; j < spread; j++) vec_store(sum->sums + t * sum->tap + j * VL, acc.of[t][j]);
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
#define SUM_ROW(t) sum_tile_##t##_1, sum_tile_##t##_2, sum_tile_##t##_3, sum_tile_##t##_4
SUM_TILES(1) SUM_TILES(2) SUM_TILES(3)
#if VEC_REGISTERS >= 32
#define SUM_MORE_TILES(t) SUM_TILE(t, 5) SUM_TILE(t, 6) SUM_TILE(t, 7) SUM_TILE(t, 8)
#define SUM_LONG_ROW(t) SUM_ROW(t), sum_tile_##t##_5, sum_tile_##t##_6, sum_tile_##t##_7, sum_tile_##t##_8
SUM_MORE_TILES(1) SUM_MORE_TILES(2) SUM_MORE_TILES(3)
SUM_TILES(4) SUM_TILES(5) SUM_TILES(6)
#endif

static void sum_rows(const struct fcnn_grouped_sum *sum)
{
    static sum_tile_fn *const tiles[SUM_TAPS][SUM_SPREAD] = {
#if VEC_REGISTERS >= 32
        {SUM_LONG_ROW(1)}, {SUM_LONG_ROW(2)}, {SUM_LONG_ROW(3)}, {SUM_ROW(4)}, {SUM_ROW(5)}, {SUM_ROW(6)},
#else
        {SUM_ROW(1)}, {SUM_ROW(2)}, {SUM_ROW(3)},
#endif
    };
    tiles[sum->taps - 1][sum->spread - 1](sum);
}

static void store_sums(const float *sums, int64_t count, int64_t lanes, const int32_t *index, float *const *out,
                       int64_t at)
{
    for (int64_t j = 0; j < count; j += VL) {
        const int64_t width = fcnn_min(count - j, VL);
        vec square[VL];
        FCNN_UNROLL for (int i = 0; i < VL; i++) square[i] = i < width ? vec_load(sums + (j + i) * VL) : vec_zero();
        if (index) FCNN_UNROLL for (int i = 0; i < VL; i++) square[i] = vec_permute(square[i], ivec_load(index));
        vec_transpose(square);
        FCNN_UNROLL for (int lane = 0; lane < VL; lane++)
            if (lane < lanes) vec_store_first(out[lane] + at + j, square[lane], width);
    }
}
