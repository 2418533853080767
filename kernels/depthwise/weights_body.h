/* SPDX-License-Identifier: BSD-2-Clause
 * The inner loops of depthwise backward weights over the vector header that the stub has included: one vector of
 * channels at a time, accumulators are filter elements. After body.h. */
#include "kernels/depthwise/depthwise.h"
#include "kernels/simd/common.h"

/* Vectors of channels side by side: 9 sums each, and what they read, in 32 or 16 registers; with a single filter row,
 * 3 sums each, twice as many. */
#if VEC_REGISTERS >= 32
#define MEET_VECTORS 2
#else
#define MEET_VECTORS 1
#endif
#define MEET_MOST (2 * MEET_VECTORS)
#define LAY_VECTORS 4

FCNN_INLINE void store_part(float *p, vec a, int whole, mask real)
{
    if (whole) vec_store(p, a);
    else vec_store_masked(p, a, real);
}

/* `taps` and `whole` are constants. */
FCNN_INLINE void sum_vector(const struct fcnn_depthwise_sum *sum, int64_t channel, const int taps, const int whole,
                            mask real)
{
    const int64_t src_column = sum->src_column, dst_column = sum->dst_column;
    vec acc[FCNN_DEPTHWISE_TAPS], bias = vec_zero();
    int64_t offset[FCNN_DEPTHWISE_TAPS];
    FCNN_UNROLL for (int t = 0; t < taps; t++) {
        acc[t] = sum->carry ? load_part(sum->out[t] + channel, whole, real) : vec_zero();
        offset[t] = sum->offset[t];
    }
    if (sum->bias && sum->carry) bias = load_part(sum->bias + channel, whole, real);
    for (int64_t row = 0; row < sum->rows; row++) {
        const float *x = sum->src + channel + row * sum->src_row;
        const float *dy = sum->d_dst + channel + row * sum->dst_row, *y = sum->dst + channel + row * sum->dst_row;
        for (int64_t q = 0; q < sum->columns; q++, x += src_column, dy += dst_column, y += dst_column) {
            const mask dead = vec_eq(load_part(y, whole, real), vec_zero());
            const vec gradient = vec_select(dead, vec_zero(), load_part(dy, whole, real));
            bias = vec_add(bias, gradient);
            FCNN_UNROLL for (int t = 0; t < taps; t++) acc[t] = vec_fma(vec_load(x + offset[t]), gradient, acc[t]);
        }
    }
    FCNN_UNROLL for (int t = 0; t < taps; t++) store_part(sum->out[t] + channel, acc[t], whole, real);
    if (sum->bias) store_part(sum->bias + channel, bias, whole, real);
}

FCNN_INLINE void sum_taps(const struct fcnn_depthwise_sum *sum, const int taps)
{
    for (int64_t c = 0; c < sum->channels; c += VL) {
        if (c + VL <= sum->channels) sum_vector(sum, c, taps, 1, vec_first(VL));
        else sum_vector(sum, c, taps, 0, vec_first(sum->channels - c));
    }
}

#define SUM_TAPS(n) \
    static void sum_taps_##n(const struct fcnn_depthwise_sum *sum) { sum_taps(sum, n); }
SUM_TAPS(1) SUM_TAPS(2) SUM_TAPS(3) SUM_TAPS(4) SUM_TAPS(5) SUM_TAPS(6) SUM_TAPS(7) SUM_TAPS(8) SUM_TAPS(9)

static void sum_rows(const struct fcnn_depthwise_sum *sum)
{
    static void (*const of[FCNN_DEPTHWISE_TAPS + 1])(const struct fcnn_depthwise_sum *) = {
        NULL,       sum_taps_1, sum_taps_2, sum_taps_3, sum_taps_4,
        sum_taps_5, sum_taps_6, sum_taps_7, sum_taps_8, sum_taps_9};
    of[sum->taps](sum);
}

/* ---- gradients in scratch ---- */

/* A few vectors of channels side by side, since each has a chain of additions. `vectors`, `masked` and `whole` are
 * constants. */
FCNN_INLINE void lay_vectors(const struct fcnn_depthwise_lay *lay, int64_t channel, const int vectors, const int masked,
                             const int whole)
{
    const mask real = vec_first(whole ? VL : fcnn_min(VL, lay->channels - channel));
    const int64_t columns = lay->columns, dst_column = lay->dst_column, block = lay->slots * columns * WIDTH;
    vec bias[LAY_VECTORS];
    FCNN_UNROLL for (int v = 0; v < vectors; v++) bias[v] = vec_load(lay->bias + channel + v * VL);
    for (int64_t row = 0, slot = lay->slot; row < lay->rows; row++, slot = slot + 1 < lay->slots ? slot + 1 : 0) {
        const float *dy = lay->d_dst + channel + row * lay->dst_row, *y = lay->dst + channel + row * lay->dst_row;
        float *out = lay->out + channel / WIDTH * block + channel % WIDTH + slot * lay->columns * WIDTH;
        for (int64_t q = 0; q < columns; q++, dy += dst_column, y += dst_column, out += WIDTH)
            FCNN_UNROLL for (int v = 0; v < vectors; v++) {
                vec gradient = load_part(dy + v * VL, whole, real);
                if (masked)
                    gradient = vec_select(vec_eq(load_part(y + v * VL, whole, real), vec_zero()), vec_zero(), gradient);
                vec_store(out + v * VL / WIDTH * block + v * VL % WIDTH, gradient);
                bias[v] = vec_add(bias[v], gradient);
            }
    }
    FCNN_UNROLL for (int v = 0; v < vectors; v++) vec_store(lay->bias + channel + v * VL, bias[v]);
}

FCNN_INLINE void lay_any(const struct fcnn_depthwise_lay *lay, const int masked)
{
    int64_t c = 0;
    for (; c + LAY_VECTORS * VL <= lay->channels; c += LAY_VECTORS * VL) lay_vectors(lay, c, LAY_VECTORS, masked, 1);
    for (; c + 2 * VL <= lay->channels; c += 2 * VL) lay_vectors(lay, c, 2, masked, 1);
    for (; c < lay->channels; c += VL) lay_vectors(lay, c, 1, masked, 0);
}

static void lay_rows(const struct fcnn_depthwise_lay *lay)
{
    if (lay->dst == lay->d_dst) lay_any(lay, 0);
    else lay_any(lay, 1);
}

/* ---- three neighbouring taps ---- */

typedef vec meet_sums[FCNN_DEPTHWISE_ROWS][3][MEET_MOST];

/* What is the same for all rows; `stride`, `taps`, `vectors` and `whole` are constants. */
struct meet {
    const struct fcnn_depthwise_meet *all;
    int64_t src_column, w, left; /* copies, since stores to sums could change the originals */
    int64_t block;               /* floats from block to block of gradients */
    int64_t from, to;            /* output columns for meet_inner(); the first one's left tap is on padding if */
    int zero_left, zero_right;   /* zero_left; zero_right: it does column `to` as well, with its right tap on padding */
    int stride, taps, vectors, whole;
    mask real; /* of the last vector, unless whole */
};

FCNN_INLINE void meet_load(const struct meet *m, const float *x, vec out[MEET_MOST])
{
    FCNN_UNROLL for (int v = 0; v < m->vectors; v++)
        out[v] = load_part(x + v * VL, m->whole || v < m->vectors - 1, m->real);
}

/* Output column q, some of whose taps are on padding. */
FCNN_INLINE void meet_edge(const struct meet *m, const float *src, const float *const g[FCNN_DEPTHWISE_ROWS], int64_t q,
                           meet_sums acc)
{
    const int64_t w = q * m->stride - m->left;
    FCNN_UNROLL for (int s = 0; s < 3; s++) {
        if (w + s < 0 || w + s >= m->w) continue;
        vec x[MEET_MOST];
        meet_load(m, src + (w + s) * m->src_column, x);
        FCNN_UNROLL for (int i = 0; i < m->taps; i++)
            FCNN_UNROLL for (int v = 0; v < m->vectors; v++) {
                const float *at = g[i] + q * WIDTH + v * VL / WIDTH * m->block + v * VL % WIDTH;
                acc[i][s][v] = vec_fma(x[v], vec_load(at), acc[i][s][v]);
            }
    }
}

/* An output column: source columns in registers, each gradient loaded once. */
FCNN_INLINE void meet_column(const struct meet *m, const float *const g[FCNN_DEPTHWISE_ROWS], int64_t at,
                             const vec left[MEET_MOST], const vec middle[MEET_MOST],
                             const vec right[MEET_MOST], meet_sums acc)
{
    FCNN_UNROLL for (int i = 0; i < m->taps; i++)
        FCNN_UNROLL for (int v = 0; v < m->vectors; v++) {
            const vec gradient = load_once(g[i] + at + v * VL / WIDTH * m->block + v * VL % WIDTH);
            acc[i][0][v] = vec_fma(left[v], gradient, acc[i][0][v]);
            acc[i][1][v] = vec_fma(middle[v], gradient, acc[i][1][v]);
            acc[i][2][v] = vec_fma(right[v], gradient, acc[i][2][v]);
        }
}

/* The columns between. The first may have its left tap on padding, one more behind them its right one. */
FCNN_INLINE void meet_inner(const struct meet *m, const float *src, const float *const g[FCNN_DEPTHWISE_ROWS],
                            meet_sums acc)
{
    const int64_t src_column = m->src_column, end = m->to * WIDTH;
    const float *x = src + (m->from * m->stride - m->left) * src_column;
    vec left[MEET_MOST], middle[MEET_MOST], right[MEET_MOST];
    if (m->zero_left) FCNN_UNROLL for (int v = 0; v < m->vectors; v++) left[v] = vec_zero();
    else meet_load(m, x, left);
    if (m->stride == 1) meet_load(m, x + src_column, middle);
    x += 2 * src_column;
    int64_t at = m->from * WIDTH;
    for (; at < end; at += WIDTH, x += m->stride * src_column) {
        if (m->stride == 2) meet_load(m, x - src_column, middle);
        meet_load(m, x, right);
        meet_column(m, g, at, left, middle, right, acc);
        FCNN_UNROLL for (int v = 0; v < m->vectors; v++) {
            left[v] = m->stride == 1 ? middle[v] : right[v];
            middle[v] = right[v];
        }
    }
    if (!m->zero_right) return;
    if (m->stride == 2) meet_load(m, x - src_column, middle);
    FCNN_UNROLL for (int v = 0; v < m->vectors; v++) right[v] = vec_zero();
    meet_column(m, g, at, left, middle, right, acc);
}

/* Between sums in memory (load: 1) and in registers. */
FCNN_INLINE void meet_carry(const struct meet *m, int64_t channel, const int load, meet_sums acc)
{
    FCNN_UNROLL for (int i = 0; i < m->taps; i++)
        FCNN_UNROLL for (int s = 0; s < 3; s++)
            FCNN_UNROLL for (int v = 0; v < m->vectors; v++) {
                float *sum = m->all->sums[i] + s * m->all->sum + channel + v * VL;
                if (load) acc[i][s][v] = vec_load(sum);
                else vec_store(sum, acc[i][s][v]);
            }
}

/* All rows for a vector or two of channels. */
FCNN_INLINE void meet_vectors(const struct meet *m, int64_t channel)
{
    const struct fcnn_depthwise_meet *all = m->all;
    const int64_t slots = all->slots, columns = all->columns, rows = all->rows, src_row = all->src_row;
    const float *src = all->src + channel, *origin = all->gradients + channel / WIDTH * m->block + channel % WIDTH;
    meet_sums acc;
    int64_t slot[FCNN_DEPTHWISE_ROWS];
    FCNN_UNROLL for (int i = 0; i < m->taps; i++) slot[i] = all->slot[i];
    meet_carry(m, channel, 1, acc);
    for (int64_t row = 0; row < rows; row++, src += src_row) {
        const float *g[FCNN_DEPTHWISE_ROWS];
        FCNN_UNROLL for (int i = 0; i < m->taps; i++) {
            g[i] = origin + slot[i] * columns * WIDTH;
            slot[i] = slot[i] + 1 < slots ? slot[i] + 1 : 0;
        }
        for (int64_t q = 0; q < m->from; q++) meet_edge(m, src, g, q, acc);
        if (m->from < m->to) meet_inner(m, src, g, acc);
        for (int64_t q = m->to + m->zero_right; q < columns; q++) meet_edge(m, src, g, q, acc);
    }
    meet_carry(m, channel, 0, acc);
}

FCNN_INLINE void meet_any(const struct fcnn_depthwise_meet *all, const int stride, const int taps)
{
    const int64_t room = all->w + all->left - 3; /* of the first tap, from the left end of the padding on */
    struct meet m = {.all = all, .src_column = all->src_column, .w = all->w, .left = all->left,
                     .block = all->slots * all->columns * WIDTH, .stride = stride, .taps = taps,
                     .vectors = taps == 1 ? MEET_MOST : MEET_VECTORS, .whole = 1};
    m.from = fcnn_min(all->columns, fcnn_ceil_div(all->left, stride));
    m.to = room < 0 ? m.from : fcnn_max(m.from, fcnn_min(all->columns, room / stride + 1));
    if (m.from < m.to) {
        m.zero_left = m.from > 0 && (m.from - 1) * stride - all->left == -1;
        m.zero_right = m.to < all->columns && m.to * stride - all->left + 2 == all->w;
        m.from -= m.zero_left;
    }
    int64_t c = 0;
    for (; c + m.vectors * VL <= all->channels; c += m.vectors * VL) meet_vectors(&m, c);
    m.vectors = 1, m.whole = 0;
    for (; c < all->channels; c += VL) {
        m.real = vec_first(fcnn_min(VL, all->channels - c));
        meet_vectors(&m, c);
    }
}

#define MEET(stride, taps) \
    static void meet_##stride##_##taps(const struct fcnn_depthwise_meet *meet) { meet_any(meet, stride, taps); }
MEET(1, 1) MEET(1, 2) MEET(1, 3) MEET(2, 1) MEET(2, 2) MEET(2, 3)

static void meet_rows(const struct fcnn_depthwise_meet *meet)
{
    static void (*const of[2][FCNN_DEPTHWISE_ROWS])(const struct fcnn_depthwise_meet *) = {
        {meet_1_1, meet_1_2, meet_1_3}, {meet_2_1, meet_2_2, meet_2_3}};
    of[meet->stride - 1][meet->taps - 1](meet);
}
