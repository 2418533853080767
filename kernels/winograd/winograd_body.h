/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Winograd's transforms over the vector header that the stub has included; lanes are channels. Points: 0, +-1, inf for
 * m = 2; 0, +-a, +-b, inf with a = 5/8, b = 3/2 for m = 4: A and B are exact, the error is twice that of direct
 * convolution. Rows of +-p are evaluated as even part +- p * odd part. The order of operations defines the classes'
 * bits. A transform goes along columns, then along rows; m is a constant at every call: loops over it vanish. */
#include "kernels/winograd/winograd.h"
#include "kernels/simd/common.h"
#include "kernels/tile/pool_window.h"

#define N_MOST FCNN_WINOGRAD_POINTS

#define A 0.625f
#define B 1.5f
#define A2 (A * A)
#define B2 (B * B)

/* x + c y */
FCNN_INLINE vec plus(vec x, float c, vec y) { return vec_fma(vec_set1(c), y, x); }

/* B^T x: n inputs to n frequencies. Row p of B^T: the product of (x - q) over the other finite points q. */
FCNN_INLINE void input_axis(const int m, const vec x[N_MOST], vec out[N_MOST])
{
    if (m == 2) {
        out[0] = vec_sub(x[0], x[2]);
        out[1] = vec_add(x[1], x[2]);
        out[2] = vec_sub(x[2], x[1]);
        out[3] = vec_sub(x[3], x[1]);
        return;
    }
    vec even = plus(x[4], -B2, x[2]), odd = plus(x[3], -B2, x[1]);
    out[1] = plus(even, A, odd);
    out[2] = plus(even, -A, odd);
    even = plus(x[4], -A2, x[2]), odd = plus(x[3], -A2, x[1]);
    out[3] = plus(even, B, odd);
    out[4] = plus(even, -B, odd);
    out[0] = plus(plus(x[4], -(A2 + B2), x[2]), A2 * B2, x[0]);
    out[5] = plus(plus(x[5], -(A2 + B2), x[3]), A2 * B2, x[1]);
}

/* A^T x: n frequencies to m outputs. Column p of A^T: 1, p, p^2, ... */
FCNN_INLINE void output_axis(const int m, const vec x[N_MOST], vec out[N_MOST])
{
    vec sum1 = vec_add(x[1], x[2]), difference1 = vec_sub(x[1], x[2]);
    if (m == 2) {
        out[0] = vec_add(x[0], sum1);
        out[1] = vec_add(difference1, x[3]);
        return;
    }
    vec sum2 = vec_add(x[3], x[4]), difference2 = vec_sub(x[3], x[4]);
    out[0] = vec_add(vec_add(x[0], sum1), sum2);
    out[1] = plus(vec_mul(vec_set1(B), difference2), A, difference1);
    out[2] = plus(vec_mul(vec_set1(B2), sum2), A2, sum1);
    out[3] = plus(plus(x[5], B2 * B, difference2), A2 * A, difference1);
}

/* A x: m gradients to n frequencies. */
FCNN_INLINE void gradient_axis(const int m, const vec x[N_MOST], vec out[N_MOST])
{
    out[0] = x[0];
    if (m == 2) {
        out[1] = vec_add(x[0], x[1]);
        out[2] = vec_sub(x[0], x[1]);
        out[3] = x[1];
        return;
    }
    vec even = plus(x[0], A2, x[2]), odd = plus(x[1], A2, x[3]);
    out[1] = plus(even, A, odd);
    out[2] = plus(even, -A, odd);
    even = plus(x[0], B2, x[2]), odd = plus(x[1], B2, x[3]);
    out[3] = plus(even, B, odd);
    out[4] = plus(even, -B, odd);
    out[5] = x[3];
}

/* Row p of G: (1, p, p^2) divided by the product of (p - q) over the other finite points q. */
#define G0 (1.0f / (A2 * B2))
#define GA (0.5f / (A2 * (A2 - B2)))
#define GB (0.5f / (B2 * (B2 - A2)))

/* G x: 3 taps to n frequencies. */
FCNN_INLINE void filter_axis(const int m, const vec x[N_MOST], vec out[N_MOST])
{
    if (m == 2) {
        vec even = vec_add(x[0], x[2]), half = vec_set1(0.5f);
        out[0] = x[0];
        out[1] = vec_mul(half, vec_add(even, x[1]));
        out[2] = vec_mul(half, vec_sub(even, x[1]));
        out[3] = x[2];
        return;
    }
    vec even = plus(x[0], A2, x[2]);
    out[0] = vec_mul(vec_set1(G0), x[0]);
    out[1] = vec_mul(vec_set1(GA), plus(even, A, x[1]));
    out[2] = vec_mul(vec_set1(GA), plus(even, -A, x[1]));
    even = plus(x[0], B2, x[2]);
    out[3] = vec_mul(vec_set1(GB), plus(even, B, x[1]));
    out[4] = vec_mul(vec_set1(GB), plus(even, -B, x[1]));
    out[5] = x[2];
}

/* G^T x: n frequencies to 3 taps. */
FCNN_INLINE void taps_axis(const int m, const vec x[N_MOST], vec out[N_MOST])
{
    vec sum1 = vec_add(x[1], x[2]), difference1 = vec_sub(x[1], x[2]);
    if (m == 2) {
        vec half = vec_set1(0.5f);
        out[0] = vec_fma(half, sum1, x[0]);
        out[1] = vec_mul(half, difference1);
        out[2] = vec_fma(half, sum1, x[3]);
        return;
    }
    vec sum2 = vec_add(x[3], x[4]), difference2 = vec_sub(x[3], x[4]);
    out[0] = plus(plus(vec_mul(vec_set1(GB), sum2), GA, sum1), G0, x[0]);
    out[1] = plus(vec_mul(vec_set1(B * GB), difference2), A * GA, difference1);
    out[2] = plus(plus(x[5], B2 * GB, sum2), A2 * GA, sum1);
}

typedef void axis_fn(const int m, const vec x[N_MOST], vec out[N_MOST]);

/* x (from x from), row by row, to out (to x to). */
FCNN_INLINE void both_axes(axis_fn *axis, const int m, const int from, const int to, const vec *x, vec *out)
{
    vec half[N_MOST * N_MOST];
    FCNN_UNROLL for (int j = 0; j < from; j++) {
        vec in[N_MOST], done[N_MOST];
        FCNN_UNROLL for (int i = 0; i < from; i++) in[i] = x[i * from + j];
        axis(m, in, done);
        FCNN_UNROLL for (int i = 0; i < to; i++) half[i * from + j] = done[i];
    }
    FCNN_UNROLL for (int i = 0; i < to; i++) axis(m, half + i * from, out + i * to);
}

FCNN_INLINE vec load(const float *p, const int whole, mask real)
{
    return whole ? vec_load(p) : vec_load_masked(p, real);
}

FCNN_INLINE void store(float *p, vec x, const int whole, mask real)
{
    if (whole) vec_store(p, x);
    else vec_store_masked(p, x, real);
}

/* Calls body(whole, real) for each vector of channels c: whole ones, and the last with the mask of its real lanes. */
#define FOR_VECTORS(channels, body)                                                                  \
    int64_t c = 0;                                                                                   \
    for (; c + VL <= (channels); c += VL) body(1, vec_first(VL));                                    \
    if (c < (channels)) body(0, vec_first((channels) - c));

/* Listed pixels (from x from) to n x n frequencies. */
FCNN_INLINE void spread_vector(axis_fn *axis, const int m, const int from, const float *const *pixels, int64_t c,
                               float *out, int64_t frequency, const int whole, mask real)
{
    const int n = m + 2;
    vec x[N_MOST * N_MOST], done[N_MOST * N_MOST];
    FCNN_UNROLL for (int i = 0; i < from * from; i++) x[i] = load(pixels[i] + c, whole, real);
    both_axes(axis, m, from, n, x, done);
    FCNN_UNROLL for (int i = 0; i < n * n; i++) vec_store(out + i * frequency + c, done[i]);
}

FCNN_INLINE void input(const int m, const float *const *pixels, int64_t channels, float *out, int64_t frequency)
{
#define BODY(whole, real) spread_vector(input_axis, m, m + 2, pixels, c, out, frequency, whole, real)
    FOR_VECTORS(channels, BODY)
#undef BODY
}

FCNN_INLINE void gradient(const int m, const float *const *pixels, int64_t channels, float *out, int64_t frequency)
{
#define BODY(whole, real) spread_vector(gradient_axis, m, m, pixels, c, out, frequency, whole, real)
    FOR_VECTORS(channels, BODY)
#undef BODY
}

FCNN_INLINE void filter(const int m, const float *g, int64_t tap, int64_t columns, float *out, int64_t frequency)
{
    const float *taps[9];
    for (int t = 0; t < 9; t++) taps[t] = g + t * tap;
#define BODY(whole, real) spread_vector(filter_axis, m, 3, taps, c, out, frequency, whole, real)
    FOR_VECTORS(columns, BODY)
#undef BODY
}

/* Frequencies to m x m outputs before ReLU. */
FCNN_INLINE void output_vector(const int m, const float *in, int64_t frequency, const struct fcnn_winograd_place *place,
                               int64_t c, const int whole, mask real, vec *y)
{
    const int n = m + 2;
    vec x[N_MOST * N_MOST];
    FCNN_UNROLL for (int i = 0; i < n * n; i++) x[i] = vec_load(in + i * frequency + c);
    both_axes(output_axis, m, n, m, x, y);
    const vec bias = load(place->bias + c, whole, real);
    FCNN_UNROLL for (int i = 0; i < m * m; i++) y[i] = vec_add(y[i], bias);
}

FCNN_INLINE void put_outputs(const int m, const float *in, int64_t frequency, const struct fcnn_winograd_place *place,
                             int64_t c, const int whole, mask real)
{
    vec y[N_MOST * N_MOST];
    output_vector(m, in, frequency, place, c, whole, real, y);
    FCNN_UNROLL for (int i = 0; i < m; i++)
        FCNN_UNROLL for (int j = 0; j < m; j++) {
            vec value = y[i * m + j];
            if (place->relu) value = rectify(value);
            if (i < place->rows && j < place->columns)
                store(place->dst + (i * place->row + j) * place->pixel + c, value, whole, real);
        }
}

FCNN_INLINE void put_windows(const int m, const float *in, int64_t frequency, const struct fcnn_winograd_place *place,
                             int64_t c, const int whole, mask real)
{
    vec y[N_MOST * N_MOST];
    output_vector(m, in, frequency, place, c, whole, real, y);
    FCNN_UNROLL for (int i = 0; i < m; i += 2)
        FCNN_UNROLL for (int j = 0; j < m; j += 2) {
            const vec *at = y + i * m + j, x[4] = {at[0], at[1], at[m], at[m + 1]};
            if (i >= place->rows || j >= place->columns) continue;
            const int64_t window = i / 2 * place->row + j / 2;
            vec best = pool_window(x, place->choice + window * place->words, c, place->channels, real);
            store(place->dst + window * place->pixel + c, best, whole, real);
        }
}

FCNN_INLINE void output(const int m, const float *in, int64_t frequency, const struct fcnn_winograd_place *place)
{
#define BODY(whole, real) put_outputs(m, in, frequency, place, c, whole, real)
#define POOLED(whole, real) put_windows(m, in, frequency, place, c, whole, real)
    if (place->choice) {
        FOR_VECTORS(place->channels, POOLED)
    } else {
        FOR_VECTORS(place->channels, BODY)
    }
#undef POOLED
#undef BODY
}

FCNN_INLINE void taps_vector(const int m, const float *in, int64_t frequency, float *out, int64_t tap, int64_t c,
                             const int whole, mask real)
{
    const int n = m + 2;
    vec x[N_MOST * N_MOST], done[N_MOST * N_MOST];
    FCNN_UNROLL for (int i = 0; i < n * n; i++) x[i] = vec_load(in + i * frequency + c);
    both_axes(taps_axis, m, n, 3, x, done);
    FCNN_UNROLL for (int t = 0; t < 9; t++) store(out + t * tap + c, done[t], whole, real);
}

FCNN_INLINE void taps(const int m, const float *in, int64_t frequency, int64_t columns, float *out, int64_t tap)
{
#define BODY(whole, real) taps_vector(m, in, frequency, out, tap, c, whole, real)
    FOR_VECTORS(columns, BODY)
#undef BODY
}

#define WINOGRAD(m)                                                                                                 \
    static void input_f##m(const float *const *pixels, int64_t channels, float *out, int64_t frequency)             \
    {                                                                                                               \
        input(m, pixels, channels, out, frequency);                                                                 \
    }                                                                                                               \
    static void gradient_f##m(const float *const *pixels, int64_t channels, float *out, int64_t frequency)          \
    {                                                                                                               \
        gradient(m, pixels, channels, out, frequency);                                                              \
    }                                                                                                               \
    static void filter_f##m(const float *g, int64_t tap, int64_t columns, float *out, int64_t frequency)            \
    {                                                                                                               \
        filter(m, g, tap, columns, out, frequency);                                                                 \
    }                                                                                                               \
    static void output_f##m(const float *in, int64_t frequency, const struct fcnn_winograd_place *place)            \
    {                                                                                                               \
        output(m, in, frequency, place);                                                                            \
    }                                                                                                               \
    static void taps_f##m(const float *in, int64_t frequency, int64_t columns, float *out, int64_t tap)             \
    {                                                                                                               \
        taps(m, in, frequency, columns, out, tap);                                                                  \
    }

WINOGRAD(2)
WINOGRAD(4)

/* The transforms of m with the tiles of an instruction set. */
#define WINOGRAD_TRANSFORMS(m, tiles) {&tiles, m, input_f##m, gradient_f##m, filter_f##m, output_f##m, taps_f##m}
