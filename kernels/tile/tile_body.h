/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Register tiles over the vector header that the stub has included. `rows` and `vectors` are constants at every call,
 * so all loops over them vanish and the accumulators live in registers. Shapes: see the stubs, and Goto & van de Geijn
 * 2008 for why a few broadcasts against a few vectors saturate the FMA units. */
#include "kernels/simd/common.h"
#include "kernels/tile/pool_window.h"
#include "kernels/tile/tile.h"

/* Whatever is asked once per tile is asked outside the loops: unrolled, they would ask for every register. */
FCNN_INLINE void tile_begin(const struct fcnn_tile *t, int rows, int vectors, mask last, vec acc[][FCNN_TILE_VECTORS])
{
    if (t->carry) {
        FCNN_UNROLL for (int i = 0; i < rows; i++) {
            const float *out = t->out[i];
            FCNN_UNROLL for (int j = 0; j < vectors; j++)
                acc[i][j] = j < vectors - 1 ? vec_load(out + j * VL) : vec_load_masked(out + j * VL, last);
        }
    } else {
        vec start[FCNN_TILE_VECTORS];
        FCNN_UNROLL for (int j = 0; j < vectors; j++) start[j] = t->init ? vec_load(t->init + j * VL) : vec_zero();
        FCNN_UNROLL for (int i = 0; i < rows; i++)
            FCNN_UNROLL for (int j = 0; j < vectors; j++) acc[i][j] = start[j];
    }
}

/* `whole`: the last vector is not partial. Masked stores are many times slower on some CPUs. */
FCNN_INLINE void tile_store(float *out, int vectors, int whole, mask last, const vec *row)
{
    FCNN_UNROLL for (int j = 0; j < vectors; j++) {
        if (whole || j < vectors - 1) vec_store(out + j * VL, row[j]);
        else vec_store_masked(out + j * VL, row[j], last);
    }
}

FCNN_INLINE void tile_pool(const struct fcnn_tile *t, int rows, int vectors, int whole, mask last,
                           const vec acc[][FCNN_TILE_VECTORS])
{
    FCNN_UNROLL for (int w = 0; w < rows / 4; w++) {
        vec pooled[FCNN_TILE_VECTORS];
        FCNN_UNROLL for (int j = 0; j < vectors; j++) {
            const vec x[4] = {acc[4 * w][j], acc[4 * w + 1][j], acc[4 * w + 2][j], acc[4 * w + 3][j]};
            pooled[j] = pool_window(x, t->choice[w], t->channel + j * VL, t->channels,
                                    whole || j < vectors - 1 ? vec_first(VL) : last);
        }
        tile_store(t->out[w], vectors, whole, last, pooled);
    }
}

FCNN_INLINE void tile_finish(const struct fcnn_tile *t, int rows, int vectors, int whole, mask last,
                             vec acc[][FCNN_TILE_VECTORS])
{
    if (rows % 4 == 0 && t->choice[0]) {
        tile_pool(t, rows, vectors, whole, last, (const vec(*)[FCNN_TILE_VECTORS])acc);
        return;
    }
    if (t->relu)
        FCNN_UNROLL for (int i = 0; i < rows; i++)
            FCNN_UNROLL for (int j = 0; j < vectors; j++) acc[i][j] = rectify(acc[i][j]);
    FCNN_UNROLL for (int i = 0; i < rows; i++) tile_store(t->out[i], vectors, whole, last, acc[i]);
}

FCNN_INLINE void tile_end(const struct fcnn_tile *t, int rows, int vectors, mask last, vec acc[][FCNN_TILE_VECTORS])
{
    if (t->width == vectors * VL) tile_finish(t, rows, vectors, 1, last, acc);
    else tile_finish(t, rows, vectors, 0, last, acc);
}

/* One step of all chains, once the columns are loaded. */
#define TILE_MULTIPLY(address)                                                                             \
    FCNN_UNROLL for (int i = 0; i < rows; i++) {                                                           \
        const vec_factor x = vec_factor_load(address);                                                     \
        FCNN_UNROLL for (int j = 0; j < vectors; j++) acc[i][j] = vec_fma_factor(x, column[j], acc[i][j]); \
    }
#define TILE_STEP(load_b, address)                                        \
    {                                                                     \
        vec column[FCNN_TILE_VECTORS];                                    \
        FCNN_UNROLL for (int j = 0; j < vectors; j++) column[j] = load_b; \
        TILE_MULTIPLY(address)                                            \
    }

FCNN_INLINE void tile_gather(const struct fcnn_tile *t, const int rows, const int vectors)
{
    const mask last = vec_first(t->width - (vectors - 1) * VL);
    vec acc[FCNN_TILE_ROWS][FCNN_TILE_VECTORS];
    const float *a[FCNN_TILE_ROWS];
    tile_begin(t, rows, vectors, last, acc);
    FCNN_UNROLL for (int i = 0; i < rows; i++) a[i] = t->a[i];
    for (int64_t s = 0; s < t->segment_count; s++) {
        int64_t k = t->segments[s].a;
        const int64_t end = k + t->segments[s].length;
        const float *b = t->b + t->segments[s].b;
#if VEC_STEPS == 4
        for (; k + 4 <= end; k += 4, b += 4 * vectors * VL) {
            TILE_STEP(vec_load(b + j * VL), a[i] + k)
            TILE_STEP(vec_load(b + (vectors + j) * VL), a[i] + k + 1)
            TILE_STEP(vec_load(b + (2 * vectors + j) * VL), a[i] + k + 2)
            TILE_STEP(vec_load(b + (3 * vectors + j) * VL), a[i] + k + 3)
        }
#endif
        for (; k < end; k++, b += vectors * VL) TILE_STEP(vec_load(b + j * VL), a[i] + k)
    }
    tile_end(t, rows, vectors, last, acc);
}

FCNN_INLINE vec outer_load(const float *p, int partial, mask last)
{
    return partial ? vec_load_masked(p, last) : vec_load(p);
}

/* What a tile of the outer form does beside its sums: constants. */
enum { SUMMED_B = 1, MASKED_B = 2, PREFETCHED_B = 4 };

/* `what` is a constant, too: several of these. So is `whole`: the last vector is not partial. */
FCNN_INLINE void outer_sums(const struct fcnn_tile *t, const int rows, const int vectors, const int what,
                            const int whole)
{
    const int summed = what & SUMMED_B, masked = what & MASKED_B;
    const mask last = vec_first(t->width - (vectors - 1) * VL);
    vec acc[FCNN_TILE_ROWS][FCNN_TILE_VECTORS], sum[FCNN_TILE_VECTORS];
    const float *a[FCNN_TILE_ROWS];
    tile_begin(t, rows, vectors, last, acc);
    FCNN_UNROLL for (int i = 0; i < rows; i++) a[i] = t->a[i];
    FCNN_UNROLL for (int j = 0; j < vectors; j++) {
        const float *carried = summed && t->carry ? t->out_b : NULL;
        sum[j] = carried ? outer_load(carried + j * VL, !whole && j == vectors - 1, last) : vec_zero();
    }
    const int64_t b_stride = t->b_stride, ahead = t->ahead;
    const int32_t *steps = t->steps;
    for (int64_t s = 0; s < t->segment_count; s++) {
        const int64_t start = t->segments[s].a, length = t->segments[s].length;
        const float *b = t->b + t->segments[s].b, *alive = masked ? t->alive + t->segments[s].b : NULL;
        for (int64_t k = 0; k < length; k++, b = FCNN_BEYOND(b, b_stride)) {
            const int64_t at = start + steps[k];
            vec column[FCNN_TILE_VECTORS];
            if (what & PREFETCHED_B)
                FCNN_UNROLL for (int j = 0; j < vectors; j++) __builtin_prefetch(FCNN_BEYOND(b, ahead + j * VL));
            FCNN_UNROLL for (int j = 0; j < vectors; j++) {
                column[j] = outer_load(b + j * VL, !whole && j == vectors - 1, last);
                if (masked) {
                    const mask dead = vec_eq(outer_load(alive + j * VL, !whole && j == vectors - 1, last), vec_zero());
                    column[j] = vec_select(dead, vec_zero(), column[j]);
                }
                if (!masked) column[j] = vec_keep(column[j]); /* else it is loaded again by each use */
                if (summed) sum[j] = vec_add(sum[j], column[j]);
            }
            TILE_MULTIPLY(a[i] + at)
            if (masked) alive = FCNN_BEYOND(alive, b_stride);
        }
    }
    tile_end(t, rows, vectors, last, acc);
    if (summed && t->out_b) tile_store(t->out_b, vectors, whole, last, sum);
}

/* A masked load costs a multiply-add's place on some CPUs (Intel's), so that whole vectors have a loop of their own. */
FCNN_INLINE void tile_outer(const struct fcnn_tile *t, const int rows, const int vectors, const int what)
{
    if (VEC_HAS_TAILS && t->width == vectors * VL) outer_sums(t, rows, vectors, what, 1);
    else outer_sums(t, rows, vectors, what, 0);
}

/* Prefetching takes instructions. */
FCNN_INLINE void tile_summed(const struct fcnn_tile *t, const int rows, const int vectors, const int what)
{
    t->ahead ? tile_outer(t, rows, vectors, what | PREFETCHED_B) : tile_outer(t, rows, vectors, what);
}

/* The outer form with one row pointer, one pointer to sums, and no mask: twelve pointers do not fit the registers. */
FCNN_INLINE void straight_begin(const struct fcnn_tile *t, const float *sums, const int rows, const int vectors,
                                mask last, vec acc[][FCNN_TILE_VECTORS])
{
    FCNN_UNROLL for (int i = 0; i < rows; i++)
        FCNN_UNROLL for (int j = 0; j < vectors; j++) acc[i][j] = vec_zero();
    if (!t->carry) return;
    FCNN_UNROLL for (int i = 0; i < rows; i++, sums = fcnn_next(sums, t->sums_step))
        FCNN_UNROLL for (int j = 0; j < vectors; j++)
            acc[i][j] = vec_load_real(sums + j * VL, j < vectors - 1, last);
}

FCNN_INLINE void straight_end(const struct fcnn_tile *t, float *out, const int rows, const int vectors, const int whole,
                              mask last, vec acc[][FCNN_TILE_VECTORS])
{
    const int64_t step = t->out_step;
    FCNN_UNROLL for (int i = 0; i < rows; i++, out = FCNN_BEYOND(out, step))
        tile_store(out, vectors, whole, last, acc[i]);
}

#define STRAIGHT_STEP(k)                       \
    {                                          \
        const float *a = start + steps[k];     \
        __builtin_prefetch(next, 0, 2);        \
        next = fcnn_next(next, next_step);     \
        TILE_STEP(vec_load(b + j * VL), a + i) \
        b = fcnn_next(b, b_stride);            \
    }

/* Scalar instructions take turns from multiply-adds: there should be few of them in a loop. */
FCNN_INLINE void straight_sums(const struct fcnn_tile *t, const float *a0, const float *next, const int rows,
                               const int vectors, vec acc[][FCNN_TILE_VECTORS])
{
    const int64_t b_stride = t->b_stride, next_step = t->next_step;
    for (int64_t s = 0; s < t->segment_count; s++) {
        const float *start = fcnn_next(a0, t->segments[s].a), *b = t->b + t->segments[s].b;
        const int32_t *steps = t->steps, *const end = steps + t->segments[s].length;
#if VEC_STEPS == 4
        for (; steps + 4 <= end; steps += 4) {
            STRAIGHT_STEP(0)
            STRAIGHT_STEP(1)
            STRAIGHT_STEP(2)
            STRAIGHT_STEP(3)
        }
#endif
        for (; steps < end; steps++) STRAIGHT_STEP(0)
    }
}

FCNN_INLINE void tile_straight(const struct fcnn_tile *t, const int rows, const int vectors)
{
    const mask last = vec_first(t->width - (vectors - 1) * VL);
    const float *a = t->a[0], *next = t->next_step ? t->next : t->b; /* if nothing, then what costs nothing */
    const float *sums = t->sums;
    float *out = t->out[0];
    for (int64_t tiles = t->tiles; tiles > 0; tiles--) {
        vec acc[FCNN_TILE_ROWS][FCNN_TILE_VECTORS];
        straight_begin(t, sums, rows, vectors, last, acc);
        straight_sums(t, a, next, rows, vectors, acc);
        if (t->width == vectors * VL) straight_end(t, out, rows, vectors, 1, last, acc);
        else straight_end(t, out, rows, vectors, 0, last, acc);
        a += rows, next = FCNN_BEYOND(next, t->next_tile);
        sums = fcnn_next(sums, rows * t->sums_step), out = FCNN_BEYOND(out, rows * t->out_step);
    }
}

/* All forms for v vectors and r rows, the outer one alone, and the summed ones; TILES_n: for 1 to n rows; ROWS_n: the
 * same as entries of struct fcnn_tiles. */
#define OUTER(v, r) \
    static void outer_##v##x##r(const struct fcnn_tile *t) { tile_outer(t, r, v, 0); }
#define TILE(v, r)                                                                    \
    OUTER(v, r)                                                                       \
    static void gather_##v##x##r(const struct fcnn_tile *t) { tile_gather(t, r, v); } \
    static void straight_##v##x##r(const struct fcnn_tile *t) { tile_straight(t, r, v); }
#define TILES_4(v) TILE(v, 1) TILE(v, 2) TILE(v, 3) TILE(v, 4)
#define TILES_6(v) TILES_4(v) TILE(v, 5) TILE(v, 6)
#define TILES_8(v) TILES_6(v) TILE(v, 7) TILE(v, 8)
#define TILES_12(v) TILES_8(v) TILE(v, 9) TILE(v, 10) TILE(v, 11) TILE(v, 12)
#define OUTERS_3(v) OUTER(v, 1) OUTER(v, 2) OUTER(v, 3)
#define OUTERS_4(v) OUTERS_3(v) OUTER(v, 4)
#define OUTERS_5(v) OUTERS_4(v) OUTER(v, 5)
#define SUMMED(v, r)                                                                         \
    static void summed_##v##x##r(const struct fcnn_tile *t) { tile_summed(t, r, v, SUMMED_B); } \
    static void masked_##v##x##r(const struct fcnn_tile *t) { tile_summed(t, r, v, SUMMED_B | MASKED_B); }
#define SUMMED_4(v) SUMMED(v, 1) SUMMED(v, 2) SUMMED(v, 3) SUMMED(v, 4)
#define SUMMED_12(v) SUMMED_4(v) SUMMED(v, 5) SUMMED(v, 6) SUMMED(v, 7) SUMMED(v, 8) \
    SUMMED(v, 9) SUMMED(v, 10) SUMMED(v, 11) SUMMED(v, 12)
#define ROWS_3(form, v) NULL, form##_##v##x1, form##_##v##x2, form##_##v##x3
#define ROWS_4(form, v) ROWS_3(form, v), form##_##v##x4
#define ROWS_5(form, v) ROWS_4(form, v), form##_##v##x5
#define ROWS_6(form, v) ROWS_4(form, v), form##_##v##x5, form##_##v##x6
#define ROWS_8(form, v) ROWS_6(form, v), form##_##v##x7, form##_##v##x8
#define ROWS_12(form, v) ROWS_8(form, v), form##_##v##x9, form##_##v##x10, form##_##v##x11, form##_##v##x12
