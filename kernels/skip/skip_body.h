/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The loops of convolution that skips zeros, over the vector header that the stub has included and VECTORS, those of a
 * panel: two rows of three taps of them are sums in registers. Loops over live channels end unpredictably; that costs
 * less the more multiply-adds there are between two ends, hence as many vectors as fit. */
#include "kernels/simd/common.h"
#include "kernels/simd/live.h"
#include "kernels/skip/skip.h"
#include "kernels/tile/pool_window.h"

#define TAPS FCNN_SKIP_TAPS
#define PANEL (VECTORS * VL)
#define SUMS (2 * TAPS * VECTORS)

/* ---- sums ---- */

/* Sums of row i, tap s: those of output u - s. */
FCNN_INLINE float *sums_at(const struct fcnn_skip_rows *t, const int i, int64_t output)
{
    return (i ? t->out_below : t->out) + output * PANEL;
}

FCNN_INLINE void load_sums(const struct fcnn_skip_rows *t, const int rows, const int tap, int64_t output, vec acc[])
{
    FCNN_UNROLL for (int i = 0; i < rows; i++)
        FCNN_UNROLL for (int j = 0; j < VECTORS; j++)
            acc[(i * TAPS + tap) * VECTORS + j] = vec_load(sums_at(t, i, output) + j * VL);
}

FCNN_INLINE void store_sums(const struct fcnn_skip_rows *t, const int rows, const int tap, int64_t output,
                            const vec acc[])
{
    FCNN_UNROLL for (int i = 0; i < rows; i++)
        FCNN_UNROLL for (int j = 0; j < VECTORS; j++)
            vec_store(sums_at(t, i, output) + j * VL, acc[(i * TAPS + tap) * VECTORS + j]);
}

/* The live channels of column u, ascending, into the sums of taps first .. last. */
FCNN_INLINE void add_column(const struct fcnn_skip_rows *t, int64_t u, const int rows, const int first, const int last,
                            vec acc[])
{
    const float *x = t->src + (u - t->from) * t->pixel, *weights = t->weights;
    const int64_t below = t->below, at = (u - t->from) * t->words;
    const uint64_t *live = t->live + at, *live_below = rows > 1 ? t->live_below + at : live;
    for (int64_t w = 0; w < t->words; w++) {
        for (uint64_t bits = rows > 1 ? live[w] | live_below[w] : live[w]; bits; bits &= bits - 1) {
            const int64_t c = __builtin_ctzll(bits);
            const float *row = weights + c * (TAPS * PANEL);
            const vec above = vec_keep(vec_set1(x[c]));
            const vec other = rows > 1 ? vec_keep(vec_set1(x[c + below])) : above;
            FCNN_UNROLL for (int n = first * VECTORS; n < (last + 1) * VECTORS; n++) {
                const vec weight = vec_keep(vec_load(row + n * VL));
                acc[n] = vec_fma(above, weight, acc[n]);
                if (rows > 1) acc[TAPS * VECTORS + n] = vec_fma(other, weight, acc[TAPS * VECTORS + n]);
            }
        }
        x = FCNN_BEYOND(x, FCNN_LIVE_WORD), weights = FCNN_BEYOND(weights, FCNN_LIVE_WORD * TAPS * PANEL);
    }
}

/* A column at a border, where some taps meet no output. */
FCNN_INLINE void add_some(const struct fcnn_skip_rows *t, int64_t u, const int rows, const int first, const int last)
{
    vec acc[SUMS];
    FCNN_UNROLL for (int s = first; s <= last; s++) load_sums(t, rows, s, u - s, acc);
    add_column(t, u, rows, first, last, acc);
    FCNN_UNROLL for (int s = first; s <= last; s++) store_sums(t, rows, s, u - s, acc);
}

FCNN_INLINE void add_border(const struct fcnn_skip_rows *t, int64_t u, const int rows)
{
    const int64_t first = fcnn_max(0, u - t->columns + 1), last = fcnn_min(TAPS - 1, u);
    if (first == 0) last == 0 ? add_some(t, u, rows, 0, 0) : add_some(t, u, rows, 0, 1);
    else if (first == 1) last == 1 ? add_some(t, u, rows, 1, 1) : add_some(t, u, rows, 1, 2);
    else add_some(t, u, rows, 2, 2);
}

/* Columns u .. to-1 with all their taps: the next column has two thirds of its sums in registers already. */
FCNN_INLINE void add_inner(const struct fcnn_skip_rows *t, int64_t u, int64_t to, const int rows)
{
    vec acc[SUMS];
    load_sums(t, rows, 0, u - 1, acc);
    load_sums(t, rows, 1, u - 2, acc);
    for (; u < to; u++) {
        FCNN_UNROLL for (int i = 0; i < rows; i++)
            FCNN_UNROLL for (int n = TAPS * VECTORS - 1; n >= VECTORS; n--)
                acc[i * TAPS * VECTORS + n] = acc[i * TAPS * VECTORS + n - VECTORS];
        load_sums(t, rows, 0, u, acc);
        add_column(t, u, rows, 0, TAPS - 1, acc);
        store_sums(t, rows, TAPS - 1, u - (TAPS - 1), acc);
    }
    store_sums(t, rows, 0, to - 1, acc);
    store_sums(t, rows, 1, to - 2, acc);
}

FCNN_INLINE void add(const struct fcnn_skip_rows *given, const int rows)
{
    const struct fcnn_skip_rows own = *given, *t = &own; /* which no store can change */
    const int64_t inner = fcnn_max(t->from, TAPS - 1), end = fcnn_min(t->to, t->columns);
    int64_t u = t->from;
    for (; u < fcnn_min(inner, t->to); u++) add_border(t, u, rows);
    if (u < end) add_inner(t, u, end, rows), u = end;
    for (; u < t->to; u++) add_border(t, u, rows);
}

/* ---- before and after ---- */

static void start(int64_t pixels, const float *bias, float *out)
{
    for (int64_t i = 0; i < pixels; i++)
        for (int j = 0; j < VECTORS; j++) vec_store(out + i * PANEL + j * VL, vec_load(bias + j * VL));
}

/* 0 x is NaN for a NaN or an infinity. */
static int is_finite(int64_t count, const float *values)
{
    vec sum = vec_zero();
    for (int64_t i = 0; i < count; i += VL) sum = vec_fma(vec_load(values + i), vec_zero(), sum);
    return !mask_bits(vec_unordered(sum, sum));
}

static void put(int64_t pixels, const float *sums, int64_t width, int relu, float *dst, int64_t k)
{
    for (int64_t i = 0; i < pixels; i++)
        for (int64_t j = 0; j < width; j += VL) {
            const vec x = vec_load(sums + i * PANEL + j), y = relu ? rectify(x) : x;
            if (width - j >= VL) vec_store(dst + i * k + j, y);
            else vec_store_masked(dst + i * k + j, y, vec_first(width - j));
        }
}

static void pool(int64_t windows, const float *sums, int64_t below, int64_t channel, int64_t k, uint16_t *choice,
                 float *dst)
{
    const int64_t width = fcnn_min(PANEL, k - channel), words = (k + 15) / 16 * 3;
    for (int64_t i = 0; i < windows; i++, sums += 2 * PANEL)
        for (int64_t j = 0; j < width; j += VL) {
            const vec x[4] = {vec_load(sums + j), vec_load(sums + PANEL + j), vec_load(sums + below + j),
                              vec_load(sums + below + PANEL + j)};
            const mask real = vec_first(fcnn_min(VL, width - j));
            const vec y = pool_window(x, choice + i * words, channel + j, k, real);
            if (width - j >= VL) vec_store(dst + i * k + j, y);
            else vec_store_masked(dst + i * k + j, y, real);
        }
}

static void add_1(const struct fcnn_skip_rows *t) { add(t, 1); }
static void add_2(const struct fcnn_skip_rows *t) { add(t, 2); }

#define FCNN_SKIP_FUNCTIONS                                                                                           \
    {.panel = PANEL, .mark = mark_live, .add = {[1] = add_1, [2] = add_2}, .start = start,                            \
     .is_finite = is_finite, .put = put, .pool = pool}
