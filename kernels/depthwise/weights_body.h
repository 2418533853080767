/* SPDX-License-Identifier: BSD-2-Clause
 * The inner loops of depthwise backward weights over the vector header that the stub has included: see weights.h. */
#include "kernels/depthwise/weights.h"
#include "kernels/simd/common.h"
#include "kernels/simd/sums.h"

#define WIDTH FCNN_DEPTHWISE_WIDTH
#define LAY_VECTORS 4

FCNN_INLINE vec load_part(const float *p, int whole, mask real)
{
    return whole ? vec_load(p) : vec_load_masked(p, real);
}

/* Gradients: 0 where dst is 0. */
FCNN_INLINE vec load_gradient(const float *dy, const float *y, int masked, int whole, mask real)
{
    const vec gradient = load_part(dy, whole, real);
    if (!masked) return gradient;
    return vec_select(vec_eq(load_part(y, whole, real), vec_zero()), vec_zero(), gradient);
}

/* ---- gradients in slots ---- */

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
                const vec gradient = load_gradient(dy + v * VL, y + v * VL, masked, whole, real);
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
    for (; c < lay->channels; c += VL) lay_vectors(lay, c, 1, masked, 0);
}

static void lay_rows(const struct fcnn_depthwise_lay *lay)
{
    if (lay->dst == lay->d_dst) lay_any(lay, 0);
    else lay_any(lay, 1);
}

/* ---- a channel multiplier ---- */

static void multiply_pixels(const struct fcnn_depthwise_multiply *all)
{
    for (int64_t at = 0; at < all->channels; at += VL) {
        const int64_t first = all->first + at, c = first / all->multiplier;
        const mask real = vec_first(fcnn_min(VL, all->c - c));
        int32_t lanes[VL];
        for (int i = 0; i < VL; i++) lanes[i] = (int32_t)((first + i) / all->multiplier - c);
        const ivec of = ivec_load(lanes);
        const float *x = all->src + c;
        float *out = all->out + at;
        for (int64_t i = 0; i < all->pixels; i++, x += all->src_column, out += all->out_column)
            vec_store(out, vec_permute(vec_load_masked(x, real), of));
    }
}

/* ---- filter elements side by side ---- */

#define ROWS FCNN_DEPTHWISE_ROWS
#define COLUMNS FCNN_DEPTHWISE_COLUMNS
#define MOST_VECTORS 4

/* Registers of a vector of channels: the sums, a gradient for each filter row, that of the bias, an input. */
#define REGISTERS(rows, columns) ((rows) * (columns) + (rows) + 2)
#define MOST_ROWS(columns)                                                                                             \
    ((VEC_REGISTERS - 2) / ((columns) + 1) < ROWS ? (VEC_REGISTERS - 2) / ((columns) + 1) : ROWS)
/* Vectors side by side: what is read in a piece of memory gets longer, and there are more chains; a few sums have more
 * to gain. */
#define FIT(vectors, rows, columns) ((vectors) * REGISTERS(rows, columns) <= VEC_REGISTERS)
#define VECTORS(rows, columns)                                                                                         \
    (FIT(4, rows, columns) && (rows) * (columns) < 4 ? 4 : FIT(2, rows, columns) ? 2 : 1)

typedef vec meet_sums[ROWS][COLUMNS][MOST_VECTORS];

enum fresh { IN_SLOTS, FRESH, FRESH_MASKED }; /* the gradients under filter row 0 */

/* What is the same for all rows; the last line are constants. */
struct meet {
    const struct fcnn_depthwise_meet *all;
    int64_t src_column, src_tap, w, left, stride, dilation, dst_column; /* copies: stores could change the originals */
    int64_t block, src_ahead, dst_ahead;                                /* block: floats to the next one's gradients */
    int64_t from, to; /* output columns whose taps are all on the source */
    mask real;        /* of the last vector, unless whole */
    int rows, columns, vectors, whole, fresh;
};

/* A row: its pixels, and those of gradients and outputs under filter row 0; the slot of each filter row. */
struct meet_row {
    const float *x, *dy, *y;
    float *g[ROWS];
};

FCNN_INLINE void meet_gradients(const struct meet *m, const struct meet_row *row, int64_t q, vec bias[MOST_VECTORS],
                                vec g[ROWS][MOST_VECTORS])
{
    FCNN_UNROLL for (int i = 0; i < m->rows; i++)
        FCNN_UNROLL for (int v = 0; v < m->vectors; v++) {
            float *slot = row->g[i] + q * WIDTH + v * VL / WIDTH * m->block + v * VL % WIDTH;
            if (i > 0 || m->fresh == IN_SLOTS) {
                g[i][v] = m->columns > 1 ? vec_keep(vec_load(slot)) : vec_load(slot);
            } else {
                const int64_t at = q * m->dst_column + v * VL;
                g[i][v] = load_gradient(row->dy + at, row->y + at, m->fresh == FRESH_MASKED,
                                        m->whole || v < m->vectors - 1, m->real);
                vec_store(slot, g[i][v]);
                bias[v] = vec_add(bias[v], g[i][v]);
            }
        }
}

FCNN_INLINE void meet_ahead(const struct meet *m, const struct meet_row *row, int64_t q, const float *x)
{
    FCNN_UNROLL for (int v = 0; v < m->vectors; v++) {
        __builtin_prefetch(x + (m->columns - 1) * m->src_tap + m->src_ahead + v * VL);
        if (m->fresh != IN_SLOTS) __builtin_prefetch(row->dy + q * m->dst_column + m->dst_ahead + v * VL);
        if (m->fresh == FRESH_MASKED) __builtin_prefetch(row->y + q * m->dst_column + m->dst_ahead + v * VL);
    }
}

/* An output column. `edge`: some of its taps may be on padding. */
FCNN_INLINE void meet_column(const struct meet *m, const struct meet_row *row, int64_t q, const int edge,
                             vec bias[MOST_VECTORS], meet_sums acc)
{
    const int64_t w = q * m->stride - m->left;
    vec g[ROWS][MOST_VECTORS];
    if (!edge) meet_ahead(m, row, q, row->x + w * m->src_column);
    meet_gradients(m, row, q, bias, g);
    FCNN_UNROLL for (int s = 0; s < m->columns; s++) {
        if (edge && (w + s * m->dilation < 0 || w + s * m->dilation >= m->w)) continue;
        const float *at = row->x + w * m->src_column + s * m->src_tap;
        FCNN_UNROLL for (int v = 0; v < m->vectors; v++) {
            const vec x = vec_keep(load_part(at + v * VL, m->whole || v < m->vectors - 1, m->real));
            FCNN_UNROLL for (int i = 0; i < m->rows; i++) acc[i][s][v] = vec_fma(x, g[i][v], acc[i][s][v]);
        }
    }
}

/* Between sums in memory (load: 1) and in registers. */
FCNN_INLINE void meet_carry(const struct meet *m, int64_t channel, const int load, meet_sums acc)
{
    FCNN_UNROLL for (int i = 0; i < m->rows; i++)
        FCNN_UNROLL for (int s = 0; s < m->columns; s++)
            FCNN_UNROLL for (int v = 0; v < m->vectors; v++) {
                float *sum = m->all->sums[i] + s * m->all->sum + channel + v * VL;
                if (load) acc[i][s][v] = vec_load(sum);
                else vec_store(sum, acc[i][s][v]);
            }
}

/* All rows for a few vectors of channels. */
FCNN_INLINE void meet_vectors(const struct meet *m, int64_t channel)
{
    const struct fcnn_depthwise_meet *all = m->all;
    const int64_t slots = all->slots, columns = all->columns, rows = all->rows, src_row = all->src_row;
    const int64_t dst_row = all->dst_row;
    float *origin = all->gradients + channel / WIDTH * m->block + channel % WIDTH;
    struct meet_row row = {.x = all->src + channel};
    meet_sums acc;
    vec bias[MOST_VECTORS];
    int64_t slot[ROWS];
    FCNN_UNROLL for (int i = 0; i < m->rows; i++) slot[i] = all->slot[i];
    meet_carry(m, channel, 1, acc);
    if (m->fresh != IN_SLOTS) {
        row.dy = all->d_dst + channel, row.y = all->dst + channel;
        FCNN_UNROLL for (int v = 0; v < m->vectors; v++) bias[v] = vec_load(all->bias + channel + v * VL);
    }
    for (int64_t i = 0; i < rows; i++) {
        FCNN_UNROLL for (int j = 0; j < m->rows; j++) {
            row.g[j] = origin + slot[j] * columns * WIDTH;
            slot[j] = slot[j] + 1 < slots ? slot[j] + 1 : 0;
        }
        for (int64_t q = 0; q < columns;) {
            if (q < m->from || q >= m->to) meet_column(m, &row, q++, 1, bias, acc);
            else for (; q < m->to; q++) meet_column(m, &row, q, 0, bias, acc);
        }
        row.x += src_row;
        if (m->fresh != IN_SLOTS) row.dy += dst_row, row.y += dst_row;
    }
    meet_carry(m, channel, 0, acc);
    if (m->fresh != IN_SLOTS)
        FCNN_UNROLL for (int v = 0; v < m->vectors; v++) vec_store(all->bias + channel + v * VL, bias[v]);
}

FCNN_INLINE void meet_all(const struct fcnn_depthwise_meet *all, const int rows, const int columns,
                          const enum fresh fresh)
{
    const int64_t room = all->w + all->left - 1 - (columns - 1) * all->dilation; /* of the first tap */
    struct meet m = {.all = all, .src_column = all->src_column, .src_tap = all->dilation * all->src_column,
                     .w = all->w, .left = all->left, .stride = all->stride, .dilation = all->dilation,
                     .dst_column = all->dst_column, .block = all->slots * all->columns * WIDTH,
                     .src_ahead = all->ahead * all->stride * all->src_column,
                     .dst_ahead = all->ahead * all->dst_column, .rows = rows, .columns = columns,
                     .vectors = VECTORS(rows, columns), .whole = 1, .fresh = fresh};
    m.from = fcnn_min(all->columns, fcnn_ceil_div(fcnn_max(0, all->left), all->stride));
    m.to = room < 0 ? m.from : fcnn_max(m.from, fcnn_min(all->columns, room / all->stride + 1));
    int64_t c = 0;
    if (m.vectors > 1 || !VEC_STORES_MASKED) /* else masked loads are as fast */
        for (; c + m.vectors * VL <= all->channels; c += m.vectors * VL) meet_vectors(&m, c);
    m.vectors = 1, m.whole = 0;
    for (; c < all->channels; c += VL) {
        m.real = vec_first(fcnn_min(VL, all->channels - c));
        meet_vectors(&m, c);
    }
}

FCNN_INLINE void meet_any(const struct fcnn_depthwise_meet *all, const int rows, const int columns)
{
    if (rows > MOST_ROWS(columns)) return;
    if (!all->d_dst) meet_all(all, rows, columns, IN_SLOTS);
    else if (all->dst == all->d_dst && rows * columns <= 9) meet_all(all, rows, columns, FRESH);
    else meet_all(all, rows, columns, FRESH_MASKED); /* many sums do not notice a mask that masks zeros */
}

#define MEET(rows, columns)                                                                                            \
    static void meet_##rows##x##columns(const struct fcnn_depthwise_meet *meet) { meet_any(meet, rows, columns); }
#define MEET_ROWS(rows) MEET(rows, 1) MEET(rows, 2) MEET(rows, 3) MEET(rows, 4) MEET(rows, 5)
MEET_ROWS(1) MEET_ROWS(2) MEET_ROWS(3) MEET_ROWS(4) MEET_ROWS(5)

static void meet_rows(const struct fcnn_depthwise_meet *meet)
{
    static void (*const of[ROWS][COLUMNS])(const struct fcnn_depthwise_meet *) = {
        {meet_1x1, meet_1x2, meet_1x3, meet_1x4, meet_1x5}, {meet_2x1, meet_2x2, meet_2x3, meet_2x4, meet_2x5},
        {meet_3x1, meet_3x2, meet_3x3, meet_3x4, meet_3x5}, {meet_4x1, meet_4x2, meet_4x3, meet_4x4, meet_4x5},
        {meet_5x1, meet_5x2, meet_5x3, meet_5x4, meet_5x5}};
    of[meet->taps_h - 1][meet->taps_w - 1](meet);
}

static const struct fcnn_depthwise_weights weights_loops = {
    lay_rows, multiply_pixels, meet_rows, add_sums,
    {0, MOST_ROWS(1), MOST_ROWS(2), MOST_ROWS(3), MOST_ROWS(4), MOST_ROWS(5)}};
