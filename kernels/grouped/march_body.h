/* SPDX-License-Identifier: BSD-2-Clause
 * The march of grouped forward and backward data (see grouped.h) over the vector header that the stub has included:
 * what is loaded from a spread row is used for all outputs of a column that meet it. */
#include "kernels/grouped/grouped.h"
#include "kernels/simd/common.h"

/* Most pixels of a tile whose columns have 1, 2 or 3 unfinished outputs, a register each. */
#define MARCH_PIXELS_1 12
#if VEC_REGISTERS >= 32
#define MARCH_PIXELS_2 12
#define MARCH_PIXELS_3 8
#else
#define MARCH_PIXELS_2 6
#define MARCH_PIXELS_3 4
#endif
#define MARCH_PIXELS 12
#define MARCHING {MARCH_PIXELS_1, MARCH_PIXELS_2, MARCH_PIXELS_3}

/* A row of the input; `pairs` (of outputs and rows of weights), `pixels`, `way` are constants. */
FCNN_INLINE void march_row(struct fcnn_grouped_march *m, const float *row, const float *weights,
                           vec acc[][MARCH_PIXELS], const int pairs, const int pixels,
                           const enum fcnn_grouped_way way)
{
    const int64_t apart = m->stride * m->tap_row, plane = m->plane;
    const int64_t channel = way == FCNN_SPREAD ? VL : 1; /* floats to the next one */
    const float *fetch = m->fetch, *const fetch_end = m->fetch_end;
    for (int64_t s = 0; s < m->taps; s++) {
        const float *x = row + m->offsets[s], *w = weights + s * m->tap;
        for (int64_t left = m->depth * channel; left > 0; left -= VL, x = FCNN_BEYOND(x, plane)) {
            const float *at = x;
            for (const float *end = x + fcnn_min(left, VL); at < end; at += channel, w += VL) {
                fetch = fetch_line(fetch, fetch_end, 0);
                vec weight[FCNN_GROUPED_AGE];
                FCNN_UNROLL for (int j = 0; j < pairs; j++) weight[j] = vec_keep(vec_load(w + j * apart));
                FCNN_UNROLL for (int p = 0; p < pixels; p++) {
                    const vec in = vec_keep(load_spread(at + p * VL, way));
                    FCNN_UNROLL for (int j = 0; j < pairs; j++) acc[j][p] = vec_fma(in, weight[j], acc[j][p]);
                }
            }
        }
    }
    m->fetch = fetch;
}

/* The same in place, permuted or broadcast: the first and the last pixel of a tap may be outside the image. Lines of
 * the next row and of outputs come into the cache before (march_ahead), those of the next band one by one meanwhile. */
FCNN_INLINE void march_row_in_place(struct fcnn_grouped_march *m, const float *row, const float *weights,
                                    vec acc[][MARCH_PIXELS], const int pairs, const int pixels,
                                    const enum fcnn_grouped_way way)
{
    const int64_t apart = m->stride * m->tap_row, pixel = m->pixel, channel = way == FCNN_BROADCAST;
    const float *fetch = m->fetch, *const fetch_end = m->fetch_end;
    for (int64_t s = 0; s < m->taps; s++) {
        const float *x = FCNN_BEYOND(row, m->offsets[s]), *first = x;
        const float *last = FCNN_BEYOND(x, (pixels - 1) * pixel), *w = weights + s * m->tap;
        if (m->outside[2 * s + 1]) last = m->zeros;
        if (m->outside[2 * s]) first = m->zeros;
        ivec index = way == FCNN_PERMUTED ? ivec_load(m->index) : ivec_set1(0);
        for (const float *end = w + m->depth * VL; w < end; w += VL, index = ivec_add(index, ivec_set1(1))) {
            fetch = fetch_line(fetch, fetch_end, way == FCNN_PERMUTED); /* which leaves ports of loads idle */
            vec weight[FCNN_GROUPED_AGE];
            FCNN_UNROLL for (int j = 0; j < pairs; j++) weight[j] = vec_keep(vec_load(w + j * apart));
            const float *next = fcnn_next(x, 0); /* so that loads stay where they are */
            first = fcnn_next(first, 0), last = fcnn_next(last, 0);
            FCNN_UNROLL for (int p = 0; p < pixels; p++, next = fcnn_next(next, pixel)) {
                const float *at = p == 0 ? first : p == pixels - 1 ? last : next;
                const vec in = vec_keep(way == FCNN_PERMUTED ? vec_permute(vec_load(at), index) : vec_set1(*at));
                FCNN_UNROLL for (int j = 0; j < pairs; j++) acc[j][p] = vec_fma(in, weight[j], acc[j][p]);
            }
            x = FCNN_BEYOND(x, channel), first += channel, last += channel;
        }
    }
    m->fetch = fetch;
}

FCNN_INLINE void march_any(struct fcnn_grouped_march *m, const float *row, const float *weights,
                           vec acc[][MARCH_PIXELS], const int pairs, const int pixels,
                           const enum fcnn_grouped_way way, const int in_place)
{
    if (in_place) march_row_in_place(m, row, weights, acc, pairs, pixels, way);
    else march_row(m, row, weights, acc, pairs, pixels, way);
}

/* In place: into the cache the next row of the input, and the outputs that this one ends. */
FCNN_INLINE void march_ahead(const struct fcnn_grouped_march *m, const float *x, int64_t output, const int pixels)
{
    for (int64_t s = 0; s < m->taps; s++) {
        const float *at = FCNN_BEYOND(x, m->row + m->offsets[s]);
        FCNN_UNROLL for (int p = 0; p < pixels; p++, at = fcnn_next(at, m->pixel)) __builtin_prefetch(at);
    }
    if (output < 0) return;
    const float *dst = m->dst + output * m->dst_row;
    FCNN_UNROLL for (int p = 0; p < pixels; p++, dst = fcnn_next(dst, m->step)) __builtin_prefetch(dst, 1);
}

FCNN_INLINE void march_store(const struct fcnn_grouped_march *m, float *dst, const vec *acc, const int pixels)
{
    FCNN_UNROLL for (int p = 0; p < pixels; p++) {
        const vec out = m->relu ? vec_max(vec_zero(), acc[p]) : acc[p];
        if (m->lanes == VL) vec_store(dst + p * m->step, out);
        else vec_store_masked(dst + p * m->step, out, vec_first(m->lanes));
    }
}

/* acc[j]: the sum of the output j rows before the newest one. `age`, too, is a constant: how many of a column are
 * unfinished. The first and the last outputs have fewer neighbours. */
FCNN_INLINE void march(struct fcnn_grouped_march *m, const int age, const int pixels,
                       const enum fcnn_grouped_way way, const int in_place)
{
    const vec start = vec_load(m->init);
    vec acc[FCNN_GROUPED_AGE][MARCH_PIXELS];
    int64_t phase = m->from % m->stride, output = m->from / m->stride - (age - 1); /* of acc[age - 1] */
    const int64_t whole = m->height - (age - 1) * m->stride; /* phases in which all are met */
    FCNN_UNROLL for (int j = 0; j < age; j++)
        FCNN_UNROLL for (int p = 0; p < pixels; p++)
            acc[j][p] = m->from ? vec_load(m->carry + (j * pixels + p) * VL) : start;
    const float *x = m->x;
    for (int64_t t = m->from; t < m->to; t++, x = FCNN_BEYOND(x, m->row), phase++) {
        const float *weights = m->weights + phase * m->tap_row;
        if (in_place) march_ahead(m, x, output, pixels);
        if (t >= m->real_from && t < m->real_to) {
            if (phase >= whole || output < 0) march_any(m, x, weights, acc, age - 1, pixels, way, in_place);
            else if (t > m->full)
                march_any(m, x, weights + m->stride * m->tap_row, acc + 1, age - 1, pixels, way, in_place);
            else march_any(m, x, weights, acc, age, pixels, way, in_place);
        }
        if (phase < m->stride - 1 && t < m->last) continue;
        if (output >= 0) march_store(m, m->dst + output * m->dst_row, acc[age - 1], pixels);
        FCNN_UNROLL for (int p = 0; p < pixels; p++) {
            FCNN_UNROLL for (int j = age - 1; j > 0; j--) acc[j][p] = acc[j - 1][p];
            acc[0][p] = start;
        }
        phase = -1, output++;
    }
    FCNN_UNROLL for (int j = 0; j < age; j++)
        FCNN_UNROLL for (int p = 0; p < pixels; p++) vec_store(m->carry + (j * pixels + p) * VL, acc[j][p]);
}

typedef void march_fn(struct fcnn_grouped_march *m);
/* One function each: together they would share the registers badly. */
#define MARCH_WAY(a, n, name, way, in_place) \
    static __attribute__((noinline)) void march_##a##_##n##_##name(struct fcnn_grouped_march *m)    \
    {                                                                                               \
        march(m, a, n, way, in_place);                                                              \
    }
#define MARCH(a, n) \
    MARCH_WAY(a, n, spread, FCNN_SPREAD, 0)                                                         \
    MARCH_WAY(a, n, broadcast, FCNN_BROADCAST, 0)                                                   \
    MARCH_WAY(a, n, permuted_in_place, FCNN_PERMUTED, 1)                                            \
    MARCH_WAY(a, n, broadcast_in_place, FCNN_BROADCAST, 1)                                          \
    static void march_##a##_##n(struct fcnn_grouped_march *m)                                       \
    {                                                                                               \
        if (m->way == FCNN_PERMUTED) march_##a##_##n##_permuted_in_place(m);                        \
        else if (m->in_place) march_##a##_##n##_broadcast_in_place(m);                              \
        else if (m->way == FCNN_BROADCAST) march_##a##_##n##_broadcast(m);                          \
        else march_##a##_##n##_spread(m);                                                           \
    }
#define MARCHES_4(a) MARCH(a, 1) MARCH(a, 2) MARCH(a, 3) MARCH(a, 4)
#define MARCHES_6(a) MARCHES_4(a) MARCH(a, 5) MARCH(a, 6)
#define MARCHES_8(a) MARCHES_6(a) MARCH(a, 7) MARCH(a, 8)
#define MARCHES_12(a) MARCHES_8(a) MARCH(a, 9) MARCH(a, 10) MARCH(a, 11) MARCH(a, 12)
#define MARCH_4(a) NULL, march_##a##_1, march_##a##_2, march_##a##_3, march_##a##_4
#define MARCH_6(a) MARCH_4(a), march_##a##_5, march_##a##_6
#define MARCH_8(a) MARCH_6(a), march_##a##_7, march_##a##_8
#define MARCH_12(a) MARCH_8(a), march_##a##_9, march_##a##_10, march_##a##_11, march_##a##_12

MARCHES_12(1)
#if VEC_REGISTERS >= 32
MARCHES_12(2) MARCHES_8(3)
#else
MARCHES_6(2) MARCHES_4(3)
#endif

static void march_rows(struct fcnn_grouped_march *m)
{
    static march_fn *const marches[FCNN_GROUPED_AGE][MARCH_PIXELS + 1] = {
        {MARCH_12(1)},
#if VEC_REGISTERS >= 32
        {MARCH_12(2)}, {MARCH_8(3)},
#else
        {MARCH_6(2)}, {MARCH_4(3)},
#endif
    };
    marches[m->age - 1][m->columns](m);
}
