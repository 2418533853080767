/* SPDX-License-Identifier: BSD-2-Clause
 * The inner loop of depthwise backward weights in place over the vector header that the stub has included. A gradient
 * is loaded once, for all filter elements; each multiply-add takes its input from memory. */
#include "kernels/depthwise/weights_inplace.h"
#include "kernels/simd/common.h"
#include "kernels/simd/sums.h"

#define MOST_TAPS 3
#define MOST_VECTORS 4

/* Registers of a vector of channels: the sums, that of the bias, a gradient; an input where it is masked. */
#define REGISTERS(taps) ((taps) * (taps) + 2)
#define FIT(vectors, taps) ((vectors) * REGISTERS(taps) < VEC_REGISTERS)
/* Vectors side by side: longer pieces of memory, more chains. */
#define VECTORS(taps) (FIT(4, taps) ? 4 : FIT(2, taps) ? 2 : 1)

typedef vec window_sums[MOST_TAPS][MOST_TAPS][MOST_VECTORS];

/* What is the same for all rows; the last line are constants. */
struct sweep {
    int64_t src_column, src_tap, dst_column, w, left, stride, dilation;
    int64_t from, to; /* output columns whose taps are all on the source */
    mask real;        /* of the last vector, unless whole */
    int taps, vectors, whole, masked;
};

/* Some taps along an axis. */
struct taps {
    int from, to;
};

/* An output row: its gradients and outputs, and the source under those rows of the window that are on it. */
struct sweep_row {
    const float *dy, *y, *x[MOST_TAPS];
};

FCNN_INLINE vec sweep_load(const struct sweep *m, const float *p, int v)
{
    return m->whole || v < m->vectors - 1 ? vec_load(p + v * VL) : vec_load_masked(p + v * VL, m->real);
}

/* 0 where the output is 0. */
FCNN_INLINE vec sweep_gradient(const struct sweep *m, const struct sweep_row *row, int64_t at, int v)
{
    const vec gradient = vec_keep(sweep_load(m, row->dy + at, v));
    if (!m->masked) return gradient;
    return vec_select(vec_eq(sweep_load(m, row->y + at, v), vec_zero()), vec_zero(), gradient);
}

/* An output under the taps that are on the source. */
FCNN_INLINE void sweep_output(const struct sweep *m, const struct sweep_row *row, int64_t q, const struct taps rows,
                              const struct taps columns, vec bias[MOST_VECTORS], window_sums acc)
{
    const int64_t w = (q * m->stride - m->left) * m->src_column;
    vec g[MOST_VECTORS];
    FCNN_UNROLL for (int v = 0; v < m->vectors; v++) {
        g[v] = sweep_gradient(m, row, q * m->dst_column, v);
        bias[v] = vec_add(bias[v], g[v]);
    }
    FCNN_UNROLL for (int r = 0; r < m->taps; r++) {
        if (r < rows.from || r >= rows.to) continue;
        FCNN_UNROLL for (int s = 0; s < m->taps; s++) {
            if (s < columns.from || s >= columns.to) continue;
            const float *x = row->x[r] + w + s * m->src_tap;
            FCNN_UNROLL for (int v = 0; v < m->vectors; v++)
                acc[r][s][v] = vec_fma(sweep_load(m, x, v), g[v], acc[r][s][v]);
        }
    }
}

/* The taps, `step` apart from position `first` on, that lie on 0 .. size-1. */
FCNN_INLINE struct taps taps_on(const int taps, int64_t first, int64_t step, int64_t size)
{
    struct taps on = {0, taps};
    FCNN_UNROLL for (int i = 0; i < taps; i++) on.from += on.from == i && first + i * step < 0;
    FCNN_UNROLL for (int i = taps - 1; i >= 0; i--) on.to -= on.to == i + 1 && first + i * step >= size;
    return on;
}

/* An output of which some taps may be on padding: the outermost column as a rule, for which there is code. */
FCNN_INLINE void sweep_edge(const struct sweep *m, const struct sweep_row *row, int64_t q, const struct taps rows,
                            vec bias[MOST_VECTORS], window_sums acc)
{
    const struct taps left = {1, m->taps}, right = {0, m->taps - 1};
    const struct taps on = taps_on(m->taps, q * m->stride - m->left, m->dilation, m->w);
    if (on.from == left.from && on.to == left.to) sweep_output(m, row, q, rows, left, bias, acc);
    else if (on.from == right.from && on.to == right.to) sweep_output(m, row, q, rows, right, bias, acc);
    else sweep_output(m, row, q, rows, on, bias, acc);
}

FCNN_INLINE void sweep_row(const struct sweep *m, const struct sweep_row *row, const struct taps rows, int64_t columns,
                           vec bias[MOST_VECTORS], window_sums acc)
{
    const struct taps all = {0, m->taps};
    for (int64_t q = 0; q < m->from; q++) sweep_edge(m, row, q, rows, bias, acc);
    for (int64_t q = m->from; q < m->to; q++) sweep_output(m, row, q, rows, all, bias, acc);
    for (int64_t q = m->to; q < columns; q++) sweep_edge(m, row, q, rows, bias, acc);
}

/* Between sums in memory (load: 1) and in registers. */
FCNN_INLINE void sweep_carry(const struct sweep *m, const struct fcnn_depthwise_sweep *all, int64_t channel,
                             const int load, vec bias[MOST_VECTORS], window_sums acc)
{
    FCNN_UNROLL for (int v = 0; v < m->vectors; v++) {
        const mask real = m->whole || v < m->vectors - 1 ? vec_first(VL) : m->real;
        const int64_t at = channel + v * VL;
        FCNN_UNROLL for (int r = 0; r < m->taps; r++)
            FCNN_UNROLL for (int s = 0; s < m->taps; s++) {
                float *sum = all->sums + (r * m->taps + s) * all->problem->k + at;
                if (!load) vec_store_masked(sum, acc[r][s][v], real);
                else acc[r][s][v] = all->begins ? vec_zero() : vec_load_masked(sum, real);
            }
        if (load) bias[v] = all->begins || !all->bias ? vec_zero() : vec_load_masked(all->bias + at, real);
        else if (all->bias) vec_store_masked(all->bias + at, bias[v], real);
    }
}

/* All rows for a few vectors of channels. */
FCNN_INLINE void sweep_vectors(const struct sweep *m, const struct fcnn_depthwise_sweep *all, int64_t channel)
{
    const fcnn_problem p = *all->problem;
    window_sums acc;
    vec bias[MOST_VECTORS];
    sweep_carry(m, all, channel, 1, bias, acc);
    for (int64_t i = all->from; i < all->to; i++) {
        const int64_t outputs = i * p.q * p.k + channel;
        const int64_t h = i * p.stride_h - p.pad_top;
        const struct taps inner = {0, m->taps}, upper = {1, m->taps}, on = taps_on(m->taps, h, p.dilation_h, p.h);
        struct sweep_row row = {.dy = all->d_dst + outputs, .y = all->dst + outputs};
        FCNN_UNROLL for (int r = 0; r < m->taps; r++)
            row.x[r] = all->src + channel + (r >= on.from && r < on.to ? h + r * p.dilation_h : 0) * p.w * p.c;
        if (on.from == inner.from && on.to == inner.to) sweep_row(m, &row, inner, p.q, bias, acc);
        else if (on.from == upper.from && on.to == upper.to) sweep_row(m, &row, upper, p.q, bias, acc);
        else sweep_row(m, &row, on, p.q, bias, acc);
    }
    sweep_carry(m, all, channel, 0, bias, acc);
}

FCNN_INLINE void sweep_channels(const struct fcnn_depthwise_sweep *all, const int taps, const int masked)
{
    const fcnn_problem *p = all->problem;
    const int64_t room = p->w + p->pad_left - 1 - (taps - 1) * p->dilation_w; /* of the first tap */
    struct sweep m = {.src_column = p->c, .src_tap = p->dilation_w * p->c, .dst_column = p->k, .w = p->w,
                      .left = p->pad_left, .stride = p->stride_w, .dilation = p->dilation_w, .taps = taps,
                      .vectors = VECTORS(taps), .whole = 1, .masked = masked};
    m.from = fcnn_min(p->q, fcnn_ceil_div(p->pad_left, p->stride_w));
    m.to = room < 0 ? m.from : fcnn_max(m.from, fcnn_min(p->q, room / p->stride_w + 1));
    int64_t c = 0;
    for (; c + m.vectors * VL <= all->channels; c += m.vectors * VL) sweep_vectors(&m, all, c);
    m.vectors = 1, m.whole = 0;
    for (; c < all->channels; c += VL) {
        m.real = vec_first(fcnn_min(VL, all->channels - c));
        sweep_vectors(&m, all, c);
    }
}

#define SWEEP(taps)                                                                                                    \
    static void sweep_##taps(const struct fcnn_depthwise_sweep *sweep)                                                 \
    {                                                                                                                  \
        if (sweep->dst == sweep->d_dst) sweep_channels(sweep, taps, 0);                                                \
        else sweep_channels(sweep, taps, 1);                                                                           \
    }
SWEEP(2) SWEEP(3)

/* Nine sums, the inputs, a gradient and the bias's sum, beside the sums of a second vector: of stride 1 nine inputs, of
 * stride 2 three, and three that come, of both vectors. */
#if VEC_REGISTERS >= 32
#include "kernels/depthwise/weights_window_body.h"
#else
static int can_slide(const fcnn_problem *p) { return (void)p, 0; }
static void slide_window(const struct fcnn_depthwise_sweep *sweep) { (void)sweep; }
#endif

static void sweep_window(const struct fcnn_depthwise_sweep *sweep)
{
    if (sweep->slides && can_slide(sweep->problem)) slide_window(sweep);
    else if (sweep->problem->r == 2) sweep_2(sweep);
    else sweep_3(sweep);
}

static const struct fcnn_depthwise_weights_inplace loops = {sweep_window, can_slide, add_sums, VL,
                                                           VEC_STORES_MASKED};
