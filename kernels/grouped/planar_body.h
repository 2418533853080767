/* SPDX-License-Identifier: BSD-2-Clause
 * Planar rows of grouped forward and backward data (see grouped.h) over the vector header that the stub has included:
 * pixels become planes, lanes are columns, sums become pixels again. */
#include "kernels/grouped/grouped.h"
#include "kernels/simd/common.h"
#include "kernels/simd/transpose.h"
#include "kernels/elementwise/lanes.h"

/* ---- between pixels and planes ---- */

/* A square: channels from i on, columns from `at` on; `channels` and `columns` of it exist, `masked` is a constant. */
FCNN_INLINE void plane_square(const struct fcnn_grouped_fill *fill, int64_t i, int64_t at, int64_t channels,
                              int64_t columns, const int masked)
{
    const int64_t step = fill->step, plane = fill->plane, ahead = fill->ahead;
    const float *src = fill->src + at * step + i, *dst = masked ? fill->dst + at * step + i : NULL;
    float *out = fill->out + i * plane + at;
    vec x[VL];
    FCNN_UNROLL for (int p = 0; p < VL; p++) {
        x[p] = vec_zero();
        if (p >= columns) continue;
        x[p] = vec_load_first(src + p * step, channels);
        __builtin_prefetch(FCNN_BEYOND(src, p * step + ahead), 0, 2);
        if (!masked) continue;
        const vec y = vec_load_first(dst + p * step, channels);
        x[p] = vec_select(vec_eq(y, vec_zero()), vec_zero(), x[p]);
        __builtin_prefetch(FCNN_BEYOND(dst, p * step + ahead), 0, 2);
    }
    vec_transpose(x);
    FCNN_UNROLL for (int c = 0; c < VL; c++)
        if (c < channels) vec_store_first(out + c * plane, x[c], columns);
}

FCNN_INLINE void plane_pixels(const struct fcnn_grouped_fill *fill, const int masked)
{
    for (int64_t at = 0; at < fill->columns; at += VL) {
        const int64_t columns = fcnn_min(VL, fill->columns - at);
        for (int64_t i = 0; i < fill->room; i += VL) {
            const int64_t channels = fcnn_min(VL, fill->room - i);
            if (columns == VL && channels == VL) plane_square(fill, i, at, VL, VL, masked);
            else plane_square(fill, i, at, channels, columns, masked);
        }
    }
}

static void plane_row(const struct fcnn_grouped_fill *fill)
{
    fill->dst ? plane_pixels(fill, 1) : plane_pixels(fill, 0);
}

FCNN_INLINE void pixel_square(const float *planes, int64_t plane, float *dst, int64_t step, int64_t channels,
                              int64_t columns)
{
    vec x[VL];
    FCNN_UNROLL for (int c = 0; c < VL; c++) x[c] = c < channels ? vec_load(planes + c * plane) : vec_zero();
    vec_transpose(x);
    FCNN_UNROLL for (int p = 0; p < VL; p++)
        if (p < columns) vec_store_first(dst + p * step, x[p], channels);
}

static void pixel_row(const float *planes, int64_t plane, int64_t channels, int64_t columns, float *dst, int64_t step)
{
    for (int64_t at = 0; at < columns; at += VL)
        for (int64_t i = 0; i < channels; i += VL) {
            const int64_t c = fcnn_min(VL, channels - i), p = fcnn_min(VL, columns - at);
            if (c == VL && p == VL) pixel_square(planes + i * plane + at, plane, dst + at * step + i, step, VL, VL);
            else pixel_square(planes + i * plane + at, plane, dst + at * step + i, step, c, p);
        }
}

/* ---- sums ---- */

/* Most outputs of a tile of 1, 2, ... vectors of columns, a register for each sum; and how many outputs share the
 * vectors of the image at least, if there are so many. */
#if VEC_REGISTERS >= 32
#define PLANAR_VECTORS 4
#define PLANAR_SHARED 8
#else
#define PLANAR_VECTORS 3
#define PLANAR_SHARED 4
#endif
#define PLANAR_OUTPUTS (2 * PLANAR_SHARED)

/* `outputs` and `vectors` are constants. */
FCNN_INLINE void planar_tile(struct fcnn_grouped_run *run, int64_t column, int64_t output, const int outputs,
                             const int vectors)
{
    const int64_t count = run->count, taps = run->taps, depth = run->depth, plane = run->plane, width = run->lanes;
    const int64_t ahead = run->ahead;
    const float *fetch = run->fetch;
    const float *const fetch_end = run->fetch_end;
    const int64_t *const offsets = run->offsets;
    vec acc[PLANAR_OUTPUTS][PLANAR_VECTORS];
    FCNN_UNROLL for (int i = 0; i < outputs; i++)
        FCNN_UNROLL for (int v = 0; v < vectors; v++) acc[i][v] = vec_set1(run->init[output + i]);
    for (int64_t r = 0; r < count; r++)
        for (int64_t s = 0; s < taps; s++) {
            const float *x = run->rows[r].x + run->start + offsets[s] + column;
            const float *w = run->rows[r].weights + run->skip + s * run->tap + output;
            for (const float *end = w + depth * width; w < end; w += width, x = FCNN_BEYOND(x, plane)) {
                vec in[PLANAR_VECTORS];
                FCNN_UNROLL for (int v = 0; v < vectors; v++) {
                    in[v] = vec_keep(vec_load(x + v * VL));
                    __builtin_prefetch(FCNN_BEYOND(x, ahead + v * VL));
                }
                __builtin_prefetch(fetch, 0, 2);
                fetch = fetch + FCNN_GROUPED_LANES < fetch_end ? fetch + FCNN_GROUPED_LANES : fetch_end;
                FCNN_UNROLL for (int i = 0; i < outputs; i++) {
                    const vec_factor weight = vec_factor_load(w + i);
                    FCNN_UNROLL for (int v = 0; v < vectors; v++)
                        acc[i][v] = vec_fma_factor(weight, in[v], acc[i][v]);
                }
            }
        }
    run->fetch = fetch;
    float *dst = run->dst + output * run->step + column;
    if (run->relu)
        FCNN_UNROLL for (int i = 0; i < outputs; i++)
            FCNN_UNROLL for (int v = 0; v < vectors; v++) acc[i][v] = vec_max(vec_zero(), acc[i][v]);
    FCNN_UNROLL for (int i = 0; i < outputs; i++)
        FCNN_UNROLL for (int v = 0; v < vectors; v++) vec_store(dst + i * run->step + v * VL, acc[i][v]);
}

typedef void planar_tile_fn(struct fcnn_grouped_run *run, int64_t column, int64_t output);
#define PLANAR(v, n) \
    static void planar_##v##_##n(struct fcnn_grouped_run *run, int64_t column, int64_t output)  \
    {                                                                                           \
        planar_tile(run, column, output, n, v);                                                 \
    }
#define PLANARS_4(v) PLANAR(v, 1) PLANAR(v, 2) PLANAR(v, 3) PLANAR(v, 4)
#define PLANARS_6(v) PLANARS_4(v) PLANAR(v, 5) PLANAR(v, 6)
#define PLANARS_8(v) PLANARS_6(v) PLANAR(v, 7) PLANAR(v, 8)
#define PLANARS_12(v) PLANARS_8(v) PLANAR(v, 9) PLANAR(v, 10) PLANAR(v, 11) PLANAR(v, 12)
#define PLANARS_16(v) PLANARS_12(v) PLANAR(v, 13) PLANAR(v, 14) PLANAR(v, 15) PLANAR(v, 16)
#define PLANAR_4(v) NULL, planar_##v##_1, planar_##v##_2, planar_##v##_3, planar_##v##_4
#define PLANAR_6(v) PLANAR_4(v), planar_##v##_5, planar_##v##_6
#define PLANAR_8(v) PLANAR_6(v), planar_##v##_7, planar_##v##_8
#define PLANAR_12(v) PLANAR_8(v), planar_##v##_9, planar_##v##_10, planar_##v##_11, planar_##v##_12
#define PLANAR_16(v) PLANAR_12(v), planar_##v##_13, planar_##v##_14, planar_##v##_15, planar_##v##_16

#if VEC_REGISTERS >= 32
PLANARS_16(1) PLANARS_12(2) PLANARS_8(3) PLANARS_6(4)
static const int planar_most[PLANAR_VECTORS] = {16, 12, 8, 6};
#else
PLANARS_8(1) PLANARS_6(2) PLANARS_4(3)
static const int planar_most[PLANAR_VECTORS] = {8, 6, 4};
#endif

static planar_tile_fn *const planar_tiles[PLANAR_VECTORS][PLANAR_OUTPUTS + 1] = {
#if VEC_REGISTERS >= 32
    {PLANAR_16(1)}, {PLANAR_12(2)}, {PLANAR_8(3)}, {PLANAR_6(4)},
#else
    {PLANAR_8(1)}, {PLANAR_6(2)}, {PLANAR_4(3)},
#endif
};

/* How many parts of at most `most`; an even share's end. Most rows and groups are one part: no division then. */
static inline int64_t parts_of(int64_t count, int64_t most) { return count <= most ? 1 : fcnn_ceil_div(count, most); }
static inline int64_t part_end(int64_t i, int64_t count, int64_t parts)
{
    return parts == 1 ? count : (i + 1) * count / parts;
}

/* Tiles of a row: as many vectors of columns in each as leave room for the outputs that share them. */
static void planar_row(struct fcnn_grouped_run *run)
{
    const int64_t width = run->lanes, vectors = fcnn_ceil_div(run->columns, VL);
    int64_t most = PLANAR_VECTORS;
    while (most > 1 && planar_most[most - 1] < fcnn_min(width, PLANAR_SHARED)) most--;
    const int64_t strips = parts_of(vectors, most);
    for (int64_t i = 0, first = 0, next; i < strips; i++, first = next) {
        next = part_end(i, vectors, strips);
        const int64_t panels = parts_of(width, planar_most[next - first - 1]);
        for (int64_t j = 0, output = 0, end; j < panels; j++, output = end) {
            end = part_end(j, width, panels);
            planar_tiles[next - first - 1][end - output](run, first * VL, output);
        }
    }
}
