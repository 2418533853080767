/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The loops of the sparse backward passes over the vector header that the stub has included. Sizes of tiles are
 * constants at every call, so the sums live in registers; one broadcast gradient meets as many vectors from memory as
 * there are sums. Loops over live elements are short and end unpredictably; the FMAs in flight hide that. */
#include "kernels/sparse/sparse.h"
#include "kernels/simd/common.h"
#include "kernels/simd/live.h"
#include "kernels/simd/sums.h"
#include "kernels/simd/transpose.h"
#include "kernels/simd/windows.h"

/* whole: the last vector of a run is not partial. */
FCNN_INLINE void accumulate_runs(const struct fcnn_sparse_tile *t, const int rows, const int vectors, const int whole)
{
    const mask last = vec_first(t->width - (vectors - 1) * VL);
    for (int64_t k = 0; k < t->channels; k++) {
        vec acc[FCNN_SPARSE_ROWS][FCNN_SPARSE_VECTORS];
        float *out[FCNN_SPARSE_ROWS];
        FCNN_UNROLL for (int i = 0; i < rows; i++) {
            out[i] = t->out[i] + k * t->out_stride;
            FCNN_UNROLL for (int j = 0; j < vectors; j++) acc[i][j] = t->carry ? vec_load(out[i] + j * VL) : vec_zero();
        }
        for (int64_t u = 0; u < t->units; u++) {
            const int32_t *offsets = t->offsets + u * t->lists_step + k * t->capacity;
            const float *gradients = t->gradients + u * t->lists_step + k * t->capacity, *src[FCNN_SPARSE_ROWS];
            FCNN_UNROLL for (int i = 0; i < rows; i++) src[i] = t->src[i] + u * t->src_step;
            for (int64_t l = 0, count = t->counts[u * t->counts_step + k]; l < count; l++) {
                const vec gradient = vec_set1(gradients[l]);
                const int64_t at = offsets[l];
                FCNN_UNROLL for (int i = 0; i < rows; i++)
                    FCNN_UNROLL for (int j = 0; j < vectors; j++) {
                        const float *x = src[i] + at + j * VL;
                        const vec input = whole || j < vectors - 1 ? vec_load(x) : vec_load_masked(x, last);
                        acc[i][j] = vec_fma(gradient, input, acc[i][j]);
                    }
            }
        }
        FCNN_UNROLL for (int i = 0; i < rows; i++)
            FCNN_UNROLL for (int j = 0; j < vectors; j++) vec_store(out[i] + j * VL, acc[i][j]);
    }
}

FCNN_INLINE void accumulate(const struct fcnn_sparse_tile *t, const int rows, const int vectors)
{
    if (t->width == vectors * VL) accumulate_runs(t, rows, vectors, 1);
    else accumulate_runs(t, rows, vectors, 0);
}

/* The channels of one output position, ascending, into its sums. */
FCNN_INLINE void scatter_live(const float *weights, int64_t words, const uint64_t *live, const float *d_dst, vec acc[],
                              const int sums)
{
    for (int64_t w = 0; w < words; w++) {
        for (uint64_t bits = live[w]; bits; bits &= bits - 1) {
            const int64_t k = __builtin_ctzll(bits);
            const vec gradient = vec_set1(d_dst[k]);
            const float *row = weights + k * (sums * VL);
            FCNN_UNROLL for (int i = 0; i < sums; i++) acc[i] = vec_fma(gradient, vec_load(row + i * VL), acc[i]);
        }
        d_dst = FCNN_BEYOND(d_dst, FCNN_LIVE_WORD), weights = FCNN_BEYOND(weights, FCNN_LIVE_WORD * sums * VL);
    }
}

/* Gradients of the windows of output row p. */
FCNN_INLINE const float *gradients_of(const struct fcnn_sparse_scatter *t, int64_t p)
{
    return t->d_dst + (p >> t->pooled) * (t->columns >> t->pooled) * t->k;
}

/* Descending positions are ascending taps for every element of d_src. */
FCNN_INLINE void scatter(const struct fcnn_sparse_scatter *t, const int taps, const int vectors)
{
    const uint64_t *live = t->live + t->rows * t->columns * t->words;
    for (int64_t p = t->rows - 1; p >= 0; p--) {
        const float *gradients = gradients_of(t, p);
        for (int64_t q = t->columns - 1; q >= 0; q--) {
            float *d_src = t->d_src + p * t->below + q * t->right, *out[FCNN_SPARSE_SUMS];
            vec acc[FCNN_SPARSE_SUMS];
            FCNN_UNROLL for (int i = 0; i < taps; i++) {
                out[i] = d_src + t->taps[i];
                FCNN_UNROLL for (int j = 0; j < vectors; j++) acc[i * vectors + j] = vec_load(out[i] + j * VL);
            }
            live -= t->words;
            scatter_live(t->weights, t->words, live, gradients + (q >> t->pooled) * t->k, acc, taps * vectors);
            FCNN_UNROLL for (int i = 0; i < taps; i++)
                FCNN_UNROLL for (int j = 0; j < vectors; j++) vec_store(out[i] + j * VL, acc[i * vectors + j]);
        }
    }
}

/* Sums of column `s` of three taps in every row, from or to memory. */
FCNN_INLINE void load_column(float *const d_src[], const int rows, const int vectors, const int s, int64_t offset,
                             vec acc[])
{
    FCNN_UNROLL for (int i = 0; i < rows; i++)
        FCNN_UNROLL for (int j = 0; j < vectors; j++)
            acc[(3 * i + s) * vectors + j] = vec_load(d_src[i] + offset + j * VL);
}

FCNN_INLINE void store_column(float *const d_src[], const int rows, const int vectors, const int s, int64_t offset,
                              const vec acc[])
{
    FCNN_UNROLL for (int i = 0; i < rows; i++)
        FCNN_UNROLL for (int j = 0; j < vectors; j++)
            vec_store(d_src[i] + offset + j * VL, acc[(3 * i + s) * vectors + j]);
}

/* Rows of three taps at stride 1: the next position to the left has two of its columns in registers already. */
FCNN_INLINE void slide(const struct fcnn_sparse_scatter *t, const int rows, const int vectors)
{
    const int64_t right = t->right, columns = t->columns, words = t->words, k = t->k, pooled = t->pooled;
    const uint64_t *live = t->live + t->rows * columns * words;
    for (int64_t p = t->rows - 1; p >= 0; p--) {
        const float *gradients = gradients_of(t, p);
        float *d_src[3];
        vec acc[FCNN_SPARSE_SUMS];
        FCNN_UNROLL for (int i = 0; i < rows; i++) d_src[i] = t->d_src + t->taps[3 * i] + p * t->below;
        load_column(d_src, rows, vectors, 0, columns * right, acc);
        load_column(d_src, rows, vectors, 1, (columns + 1) * right, acc);
        for (int64_t q = columns - 1; q >= 0; q--) {
            FCNN_UNROLL for (int i = 0; i < rows; i++)
                FCNN_UNROLL for (int j = 2 * vectors - 1; j >= 0; j--)
                    acc[3 * i * vectors + vectors + j] = acc[3 * i * vectors + j];
            load_column(d_src, rows, vectors, 0, q * right, acc);
            live -= words;
            scatter_live(t->weights, words, live, gradients + (q >> pooled) * k, acc, 3 * rows * vectors);
            store_column(d_src, rows, vectors, 2, (q + 2) * right, acc);
        }
        store_column(d_src, rows, vectors, 0, 0, acc);
        store_column(d_src, rows, vectors, 1, right, acc);
    }
}

#ifdef FCNN_LISTS

/* 16 windows by 16 channels at a time: gradients transposed, winners' offsets selected by masks, both compressed.
 * Stores are whole vectors: a list never holds more than the windows before, so they end within its capacity. */
static void list(const struct fcnn_sparse_lists *t)
{
    const int32_t stride = (int32_t)t->choice_stride;
    const ivec right = ivec_set1(t->right), below = ivec_set1(t->below);
    const mask width = vec_first(t->width);
    int64_t counts[16] = {0};
    for (int64_t w = 0; w < t->windows; w += 16) {
        const mask real = vec_first(fcnn_min(t->windows - w, 16));
        const uint16_t *choice = t->choice + w * t->choice_stride;
        const float *d_dst = t->d_dst + w * t->d_dst_stride;
        const ivec bits_01 = strided_words(choice, stride, real); /* words 0 and 1 */
        const ivec bits_12 = strided_words(choice + 1, stride, real); /* words 1 and 2 */
        const ivec corner = ivec_load_masked(t->corners + w, real);
        vec gradients[16];
        for (int64_t i = 0; i < 16; i++)
            gradients[i] = vec_load_masked(d_dst + i * t->d_dst_stride, w + i < t->windows ? width : 0);
        vec_transpose(gradients);
        for (int k = 0; k < 16; k++) {
            const ivec low = ivec_set1(1 << k), high = shift_left(low, 16);
            const mask alive = common_bits(bits_12, high);
            ivec offset = add_where(common_bits(bits_01, low), corner, right);
            offset = add_where(common_bits(bits_01, high), offset, below);
            const int64_t at = k * t->capacity + counts[k];
            ivec_store(t->offsets + at, ivec_compress(alive, offset));
            vec_store(t->gradients + at, vec_compress(alive, gradients[k]));
            counts[k] += __builtin_popcount(mask_bits(alive));
        }
    }
    for (int k = 0; k < 16; k++) t->counts[k] = (int32_t)counts[k];
}

#else

static void list(const struct fcnn_sparse_lists *t)
{
    int64_t counts[FCNN_SPARSE_GROUP] = {0};
    for (int64_t w = 0; w < t->windows; w++) {
        const uint16_t *choice = t->choice + w * t->choice_stride;
        const float *d_dst = t->d_dst + w * t->d_dst_stride;
        const int32_t corner = t->corners[w], offset[4] = {corner, corner + t->right, corner + t->below,
                                                           corner + t->right + t->below};
        for (unsigned bits = choice[2]; bits; bits &= bits - 1) {
            const int k = __builtin_ctz(bits);
            const int64_t at = k * t->capacity + counts[k]++;
            t->offsets[at] = offset[(choice[0] >> k & 1) + 2 * (choice[1] >> k & 1)];
            t->gradients[at] = d_dst[k];
        }
    }
    for (int k = 0; k < FCNN_SPARSE_GROUP; k++) t->counts[k] = (int32_t)counts[k];
}

#endif

#ifdef FCNN_PICKS

/* Position in the window, 0 .. 3. */
FCNN_INLINE ivec winner_of(mask bit0, mask bit1)
{
    const ivec upper = ivec_select(bit0, ivec_set1(1), ivec_set1(0));
    const ivec lower = ivec_select(bit0, ivec_set1(3), ivec_set1(2));
    return ivec_select(bit1, lower, upper);
}

FCNN_INLINE void pick(const struct fcnn_sparse_pick *t, const int vectors, const int elements)
{
    const mask last = vec_first(t->width - (vectors - 1) * VL);
    const float *fours = t->fours, *d_dst = t->d_dst;
    const uint16_t *choice = t->choice;
    vec acc[FCNN_SPARSE_PICKS][2], bias[2];
    FCNN_UNROLL for (int j = 0; j < vectors; j++) {
        const mask real = j < vectors - 1 ? vec_first(VL) : last;
        bias[j] = t->carry && t->bias ? vec_load_masked(t->bias + j * VL, real) : vec_zero();
        FCNN_UNROLL for (int i = 0; i < elements; i++)
            acc[i][j] = t->carry ? vec_load_masked(t->out + i * t->k + j * VL, real) : vec_zero();
    }
    for (int64_t w = 0; w < t->windows; w++) {
        vec gradient[2];
        ivec winner[2];
        FCNN_UNROLL for (int j = 0; j < vectors; j++) {
            const int64_t channel = t->channel + j * VL;
            const uint16_t *words = choice + channel / 16 * 3;
            const vec all = vec_load_masked(d_dst + j * VL, j < vectors - 1 ? vec_first(VL) : last);
            mask bits[3];
            FCNN_UNROLL for (int i = 0; i < 3; i++) bits[i] = mask_from_bits((unsigned)words[i] >> channel % 16);
            winner[j] = winner_of(bits[0], bits[1]);
            gradient[j] = vec_select(bits[2], all, vec_zero());
            bias[j] = vec_add(bias[j], gradient[j]);
        }
        FCNN_UNROLL for (int i = 0; i < elements; i++)
            FCNN_UNROLL for (int j = 0; j < vectors; j++)
                acc[i][j] = vec_fma(gradient[j], pick_winner(fours + 4 * i, winner[j]), acc[i][j]);
        fours = FCNN_BEYOND(fours, t->fours_step), d_dst = FCNN_BEYOND(d_dst, t->k);
        choice = FCNN_BEYOND(choice, t->choice_step);
    }
    FCNN_UNROLL for (int j = 0; j < vectors; j++) {
        const mask real = j < vectors - 1 ? vec_first(VL) : last;
        FCNN_UNROLL for (int i = 0; i < elements; i++) vec_store_masked(t->out + i * t->k + j * VL, acc[i][j], real);
        if (t->bias) vec_store_masked(t->bias + j * VL, bias[j], real);
    }
}

static void lay_out(int64_t windows, int64_t elements, const int32_t *offsets, const float *src, int64_t right,
                    int64_t below, float *fours)
{
    for (int64_t i = 0; i < elements; i++) {
        const float *x = src + offsets[i];
        float *four = fours + 4 * i;
        int64_t w = 0;
        for (; right == 1 && w + 2 <= windows; w += 2, x += 4, four = FCNN_BEYOND(four, 8 * elements))
            put_two_fours(x, below, four, four + 4 * elements); /* pairs of neighbours */
        for (; w < windows; w++, x = FCNN_BEYOND(x, 2 * right), four = FCNN_BEYOND(four, 4 * elements))
            put_four(x, right, below, four);
    }
}

#endif

static void sum_gradients(const struct fcnn_sparse_lists *t, float sums[FCNN_SPARSE_GROUP])
{
    for (int64_t k = 0; k < t->width; k += VL) {
        const mask real = vec_first(fcnn_min(t->width - k, VL));
        vec sum = vec_zero();
        for (int64_t w = 0; w < t->windows; w++) {
            const mask alive = mask_from_bits((unsigned)t->choice[w * t->choice_stride + 2] >> k);
            const vec gradient = vec_load_masked(t->d_dst + w * t->d_dst_stride + k, real);
            sum = vec_add(sum, vec_select(alive, gradient, vec_zero()));
        }
        vec_store(sums + k, sum);
    }
}

static void transpose(int64_t rows, int64_t columns, const float *from, int64_t from_step, float *to, int64_t to_step)
{
    for (int64_t i = 0; i < rows; i += VL)
        for (int64_t j = 0; j < columns; j += VL) {
            const int64_t height = fcnn_min(rows - i, VL), width = fcnn_min(columns - j, VL);
            const mask across = vec_first(width), down = vec_first(height);
            vec square[VL];
            for (int64_t a = 0; a < VL; a++)
                square[a] = a < height ? vec_load_masked(from + (i + a) * from_step + j, across) : vec_zero();
            vec_transpose(square);
            for (int64_t a = 0; a < width; a++) vec_store_masked(to + (j + a) * to_step + i, square[a], down);
        }
}

static void copy(int64_t pixels, int64_t width, const float *from, int64_t from_step, float *to, int64_t to_step)
{
    for (int64_t i = 0; i < pixels; i++, from = FCNN_BEYOND(from, from_step), to = FCNN_BEYOND(to, to_step))
        for (int64_t c = 0; c < width; c += VL) {
            const mask real = vec_first(fcnn_min(width - c, VL));
            vec_store_masked(to + c, vec_load_masked(from + c, real), real);
        }
}

/* Tiles of r rows by v vectors; scatters of v vectors by n taps, or n rows of three; picks of v vectors by n elements;
 * each family as definitions and as entries of a table. */
#define TILE(r, v) \
    static void accumulate_##r##x##v(const struct fcnn_sparse_tile *t) { accumulate(t, r, v); }
#define TILES_4(r) TILE(r, 1) TILE(r, 2) TILE(r, 3) TILE(r, 4)
#define TILES_6(r) TILES_4(r) TILE(r, 5) TILE(r, 6)
#define TILES_8(r) TILES_6(r) TILE(r, 7) TILE(r, 8)
#define TILES_12(r) TILES_8(r) TILE(r, 9) TILE(r, 10) TILE(r, 11) TILE(r, 12)
#define SCATTER(v, n) \
    static void scatter_##v##x##n(const struct fcnn_sparse_scatter *t) { scatter(t, n, v); }
#define SLIDE(v, n) \
    static void slide_##v##x##n(const struct fcnn_sparse_scatter *t) { slide(t, n, v); }
#define SLIDES_1(v) SLIDE(v, 1)
#define SLIDES_2(v) SLIDES_1(v) SLIDE(v, 2)
#define SLIDES_3(v) SLIDES_2(v) SLIDE(v, 3)
#define SCATTERS_1(v) SCATTER(v, 1)
#define SCATTERS_3(v) SCATTERS_1(v) SCATTER(v, 2) SCATTER(v, 3)
#define SCATTERS_6(v) SCATTERS_3(v) SCATTER(v, 4) SCATTER(v, 5) SCATTER(v, 6)
#define SCATTERS_12(v) \
    SCATTERS_6(v) SCATTER(v, 7) SCATTER(v, 8) SCATTER(v, 9) SCATTER(v, 10) SCATTER(v, 11) SCATTER(v, 12)

#define PICK(v, n) \
    static void pick_##v##x##n(const struct fcnn_sparse_pick *t) { pick(t, v, n); }
#define PICKS_10(v) \
    PICK(v, 1) PICK(v, 2) PICK(v, 3) PICK(v, 4) PICK(v, 5) PICK(v, 6) PICK(v, 7) PICK(v, 8) PICK(v, 9) PICK(v, 10)

#define UP_TO_1(f, n) NULL, f##_##n##x1
#define UP_TO_2(f, n) UP_TO_1(f, n), f##_##n##x2
#define UP_TO_3(f, n) UP_TO_2(f, n), f##_##n##x3
#define UP_TO_4(f, n) UP_TO_3(f, n), f##_##n##x4
#define UP_TO_6(f, n) UP_TO_4(f, n), f##_##n##x5, f##_##n##x6
#define UP_TO_8(f, n) UP_TO_6(f, n), f##_##n##x7, f##_##n##x8
#define UP_TO_10(f, n) UP_TO_8(f, n), f##_##n##x9, f##_##n##x10
#define UP_TO_12(f, n) UP_TO_10(f, n), f##_##n##x11, f##_##n##x12

#define FUNCTIONS \
    .mark = mark_live, .list = list, .sum_gradients = sum_gradients, .add_sums = add_sums, .transpose = transpose, \
    .copy = copy
