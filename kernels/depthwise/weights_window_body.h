/* SPDX-License-Identifier: BSD-2-Clause
 * The inner loop of depthwise backward weights in place for 3x3 windows of stride 1 or 2, where sums, window and
 * gradient all fit the registers: a row of the window slides along its row of the source, so that an input is loaded
 * once for the outputs that meet it there. Included by weights_inplace_body.h. */

/* Rows of a window that the row of outputs before it met, too, and columns likewise. With a power of two between pixels
 * rows push each other out of the cache; so they may be left densely on the way (`kept`), where the next row of outputs
 * finds them. */
#define KEPT(stride) (3 - (stride))
#define WINDOW_VECTORS 2 /* of channels, row by row in turn; with a stride, which leaves registers, pixel by pixel */
#define BESIDE(stride) ((stride) > 1 ? WINDOW_VECTORS : 1)

/* What is the same for all rows; the last line are constants. */
struct slide {
    int64_t src_column, dst_column, columns, w, left;
    mask real; /* of all vectors, unless whole */
    int stride, relu, kept, vectors, beside, whole;
};

/* An output row: where its window begins in each row of the source, and where the last of these is left. */
struct slide_row {
    const float *dy, *y, *x[3];
    float *leave;
};

typedef vec window_columns[WINDOW_VECTORS][3][3];

/* The next column, to place s of the window. */
FCNN_INLINE void slide_load(const struct slide *m, struct slide_row *row, const struct taps rows, const int s,
                            window_columns x)
{
    FCNN_UNROLL for (int r = rows.from; r < rows.to; r++) {
        const int is_kept = m->kept && r < KEPT(m->stride);
        FCNN_UNROLL for (int v = 0; v < m->beside; v++) {
            x[v][r][s] = vec_keep(vec_load_real(row->x[r] + v * VL, m->whole || is_kept, m->real));
            if (m->kept && r == 2) vec_store(row->leave + v * VL, x[v][r][s]);
        }
        row->x[r] += is_kept ? m->beside * VL : m->src_column;
        if (m->kept && r == 2) row->leave += m->beside * VL;
    }
}

/* An output under columns from .. to-1 of its window, which are on the source. */
FCNN_INLINE void slide_output(const struct slide *m, struct slide_row *row, const struct taps rows, const int from,
                              const int to, window_columns x, vec bias[], vec acc[][3][3])
{
    vec g[WINDOW_VECTORS];
    FCNN_UNROLL for (int v = 0; v < m->beside; v++) {
        g[v] = vec_keep(vec_load_real(row->dy + v * VL, m->whole, m->real));
        if (m->relu) {
            const vec y = vec_load_real(row->y + v * VL, m->whole, m->real);
            g[v] = vec_select(vec_eq(y, vec_zero()), vec_zero(), g[v]);
        }
        bias[v] = vec_add(bias[v], g[v]);
    }
    row->dy += m->dst_column, row->y += m->dst_column;
    FCNN_UNROLL for (int s = from; s < to; s++) {
        if (s >= KEPT(m->stride)) slide_load(m, row, rows, s, x);
        FCNN_UNROLL for (int v = 0; v < m->beside; v++)
            FCNN_UNROLL for (int r = rows.from; r < rows.to; r++)
                acc[v][r][s] = vec_fma(x[v][r][s], g[v], acc[v][r][s]);
    }
    FCNN_UNROLL for (int v = 0; v < m->beside; v++)
        FCNN_UNROLL for (int r = rows.from; r < rows.to; r++)
            FCNN_UNROLL for (int s = 0; s < KEPT(m->stride); s++) x[v][r][s] = x[v][r][s + m->stride];
}

/* `rows` is a constant. */
FCNN_INLINE void slide_along(const struct slide *m, struct slide_row row, const struct taps rows, vec bias[],
                             vec acc[][3][3])
{
    window_columns x;
    const int over = (m->columns - 1) * m->stride - m->left + 3 > m->w; /* the last column of the last window */
    int64_t q = m->left, to = m->columns - over;
    FCNN_UNROLL for (int v = 0; v < m->beside; v++) FCNN_UNROLL for (int r = 0; r < 3; r++) x[v][r][0] = vec_zero();
    FCNN_UNROLL for (int s = 0; s < KEPT(m->stride); s++)
        if (s > 0 || !m->left) slide_load(m, &row, rows, s, x);
    if (m->left) slide_output(m, &row, rows, 1, 3, x, bias, acc);
    for (; q + 3 <= to; q += 3) FCNN_UNROLL for (int i = 0; i < 3; i++) slide_output(m, &row, rows, 0, 3, x, bias, acc);
    for (; q < to; q++) slide_output(m, &row, rows, 0, 3, x, bias, acc);
    if (over) slide_output(m, &row, rows, 0, 2, x, bias, acc);
}

/* The place of a row that is kept, of the vectors from v on that go beside each other. */
FCNN_INLINE float *slide_place(const struct slide *m, const struct fcnn_depthwise_sweep *all, int v, int64_t h)
{
    return all->scratch + (v * KEPT(m->stride) + m->beside * (h % KEPT(m->stride))) * m->w * VL;
}

/* The rows that the first row of outputs expects to be kept. */
FCNN_INLINE void slide_begin(const struct slide *m, const struct fcnn_depthwise_sweep *all, int64_t channel)
{
    const fcnn_problem *p = all->problem;
    const int64_t first = all->from * m->stride - p->pad_top;
    for (int64_t h = fcnn_max(0, first); h < fcnn_min(p->h, first + KEPT(m->stride)); h++)
        FCNN_UNROLL for (int v = 0; v < m->vectors; v++) {
            const float *x = all->src + h * p->w * p->c + channel + v * VL;
            float *out = slide_place(m, all, v / m->beside * m->beside, h) + v % m->beside * VL;
            for (int64_t w = 0; w < p->w; w++)
                vec_store(out + w * m->beside * VL, vec_load_real(x + w * p->c, m->whole, m->real));
        }
}

/* Output row i of the vectors of channels from v on that go beside each other. */
FCNN_INLINE void slide_row(const struct slide *m, const struct fcnn_depthwise_sweep *all, int64_t channel, int v,
                           int64_t i, vec bias[], vec acc[][3][3])
{
    const fcnn_problem *p = all->problem;
    const struct taps inner = {0, 3}, upper = {1, 3}, lower = {0, 2};
    const int64_t h = i * m->stride - p->pad_top, at = channel + v * VL, outputs = i * p->q * p->k + at;
    struct slide_row row = {.dy = all->d_dst + outputs, .y = all->dst + outputs};
    if (m->kept) row.leave = slide_place(m, all, v, h + 2);
    FCNN_UNROLL for (int r = 0; r < 3; r++)
        row.x[r] = m->kept && r < KEPT(m->stride) ? slide_place(m, all, v, h + r + KEPT(m->stride) * (h + r < 0))
                                                  : all->src + (h + r) * p->w * p->c + at;
    if (h < 0) slide_along(m, row, upper, bias, acc);
    else if (h + 3 > p->h) slide_along(m, row, lower, bias, acc);
    else slide_along(m, row, inner, bias, acc);
}

/* All rows for a few vectors of channels. */
FCNN_INLINE void slide_vectors(const struct slide *m, const struct fcnn_depthwise_sweep *all, int64_t channel)
{
    const struct sweep carried = {.taps = 3, .vectors = m->vectors, .whole = m->whole, .real = m->real};
    window_sums sums;
    vec bias[MOST_VECTORS], acc[WINDOW_VECTORS][3][3];
    sweep_carry(&carried, all, channel, 1, bias, sums);
    FCNN_UNROLL for (int v = 0; v < m->vectors; v++)
        FCNN_UNROLL for (int r = 0; r < 3; r++)
            FCNN_UNROLL for (int s = 0; s < 3; s++) acc[v][r][s] = sums[r][s][v];
    if (m->kept) slide_begin(m, all, channel);
    for (int64_t i = all->from; i < all->to; i++)
        FCNN_UNROLL for (int v = 0; v < m->vectors; v += m->beside)
            slide_row(m, all, channel, v, i, bias + v, acc + v);
    FCNN_UNROLL for (int v = 0; v < m->vectors; v++)
        FCNN_UNROLL for (int r = 0; r < 3; r++)
            FCNN_UNROLL for (int s = 0; s < 3; s++) sums[r][s][v] = acc[v][r][s];
    sweep_carry(&carried, all, channel, 0, bias, sums);
}

FCNN_INLINE void slide_channels(const struct fcnn_depthwise_sweep *all, const int stride, const int relu,
                                const int kept, const int whole)
{
    const fcnn_problem *p = all->problem;
    struct slide m = {.src_column = p->c, .dst_column = p->k, .columns = p->q, .w = p->w, .left = p->pad_left,
                      .real = mask_of_all(), .stride = stride, .relu = relu, .kept = kept,
                      .vectors = WINDOW_VECTORS, .beside = BESIDE(stride), .whole = whole};
    int64_t c = 0;
    for (; c + WINDOW_VECTORS * VL <= all->channels; c += WINDOW_VECTORS * VL) slide_vectors(&m, all, c);
    m.vectors = m.beside = 1, m.whole = 0;
    for (; c < all->channels; c += VL) {
        m.real = vec_first(fcnn_min(VL, all->channels - c));
        slide_vectors(&m, all, c);
    }
}

/* slide_<stride><kept><whole> */
#define SLIDE(stride, kept, whole)                                                                                     \
    static void slide_##stride##kept##whole(const struct fcnn_depthwise_sweep *sweep)                                  \
    {                                                                                                                  \
        if (sweep->dst == sweep->d_dst) slide_channels(sweep, stride, 0, kept, whole);                                 \
        else slide_channels(sweep, stride, 1, kept, whole);                                                            \
    }
#define SLIDES(whole) SLIDE(1, 0, whole) SLIDE(1, 1, whole) SLIDE(2, 0, whole) SLIDE(2, 1, whole)
SLIDES(1)
#if VEC_STORES_MASKED
SLIDES(0)
#define OF_MASKS(stride, kept) slide_##stride##kept##0
#else
#define OF_MASKS(stride, kept) slide_##stride##kept##1
#endif

/* At most one row and column of a window are off the source, the outermost ones. */
static int can_slide_along(int64_t size, int64_t outputs, int64_t pad, int64_t stride)
{
    return size > 1 && outputs > 1 && pad <= 1 && (outputs - 1) * stride - pad + 3 <= size + 1;
}

static int can_slide(const fcnn_problem *p)
{
    return p->r == 3 && p->stride_w == p->stride_h && p->stride_w <= 2 && p->dilation_w == 1 && p->dilation_h == 1 &&
           can_slide_along(p->h, p->p, p->pad_top, p->stride_h) &&
           can_slide_along(p->w, p->q, p->pad_left, p->stride_w);
}

typedef void slide_fn(const struct fcnn_depthwise_sweep *sweep);

static void slide_window(const struct fcnn_depthwise_sweep *sweep)
{
    static slide_fn *const of[2][2][2] = {{{slide_101, slide_111}, {slide_201, slide_211}},
                                          {{OF_MASKS(1, 0), OF_MASKS(1, 1)}, {OF_MASKS(2, 0), OF_MASKS(2, 1)}}};
    of[sweep->masks][sweep->problem->stride_w - 1][sweep->kept](sweep);
}
