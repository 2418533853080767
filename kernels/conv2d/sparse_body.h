/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The loops of the pool-sparse backward passes over the vector header that the stub has included. Sizes of tiles are constants
 * at every call, so the sums live in registers; one broadcast gradient meets as many vectors from memory as there are sums.
 * Loops over live elements are short and end unpredictably; the FMAs in flight hide that. */
#include "kernels/conv2d/sparse.h"
#include "kernels/simd/common.h"
#include "kernels/simd/transpose.h"

FCNN_INLINE void accumulate(const struct fcnn_sparse_tile *t, const int rows, const int vectors)
{
    const mask last = vec_first(t->width - (vectors - 1) * VL);
    for (int64_t k = 0; k < t->channels; k++) {
        vec acc[FCNN_SPARSE_ROWS][FCNN_SPARSE_VECTORS];
        FCNN_UNROLL for (int i = 0; i < rows; i++)
            FCNN_UNROLL for (int j = 0; j < vectors; j++)
                acc[i][j] = t->carry ? vec_load(t->out[i] + k * t->out_stride + j * VL) : vec_zero();
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
                        acc[i][j] = vec_fma(gradient, j < vectors - 1 ? vec_load(x) : vec_load_masked(x, last), acc[i][j]);
                    }
            }
        }
        FCNN_UNROLL for (int i = 0; i < rows; i++)
            FCNN_UNROLL for (int j = 0; j < vectors; j++) vec_store(t->out[i] + k * t->out_stride + j * VL, acc[i][j]);
    }
}

/* The channels of one output position, ascending. */
FCNN_INLINE void scatter_position(const struct fcnn_sparse_scatter *t, const uint64_t *live, const float *d_dst, float *d_src,
                                  const int taps, const int vectors)
{
    vec acc[FCNN_SPARSE_TAPS][FCNN_SPARSE_WIDEST];
    FCNN_UNROLL for (int i = 0; i < taps; i++)
        FCNN_UNROLL for (int j = 0; j < vectors; j++) acc[i][j] = vec_load(d_src + t->taps[i] + j * VL);
    const float *weights = t->weights;
    for (int64_t w = 0; w < t->words; w++, d_dst += 64, weights += 64 * taps * vectors * VL)
        for (uint64_t bits = live[w]; bits; bits &= bits - 1) {
            const int k = __builtin_ctzll(bits);
            const vec gradient = vec_set1(d_dst[k]);
            const float *row = weights + k * (taps * vectors * VL);
            FCNN_UNROLL for (int i = 0; i < taps; i++)
                FCNN_UNROLL for (int j = 0; j < vectors; j++)
                    acc[i][j] = vec_fma(gradient, vec_load(row + (i * vectors + j) * VL), acc[i][j]);
        }
    FCNN_UNROLL for (int i = 0; i < taps; i++)
        FCNN_UNROLL for (int j = 0; j < vectors; j++) vec_store(d_src + t->taps[i] + j * VL, acc[i][j]);
}

/* Descending positions are ascending taps for every element of d_src. */
FCNN_INLINE void scatter(const struct fcnn_sparse_scatter *t, const int taps, const int vectors)
{
    for (int64_t p = t->rows - 1; p >= 0; p--)
        for (int64_t q = t->columns - 1; q >= 0; q--) {
            const int64_t window = p / 2 * (t->columns / 2) + q / 2, position = p % 2 * 2 + q % 2;
            scatter_position(t, t->live + (window * 4 + position) * t->words, t->d_dst + window * t->k,
                             t->d_src + p * t->below + q * t->right, taps, vectors);
        }
}

#if VL == 16

/* 16 windows by 16 channels at a time: gradients transposed, winners' offsets selected by masks, both compressed. Stores are
 * whole vectors: a list never holds more than the windows before, so they end within its capacity. */
static void list(const struct fcnn_sparse_lists *t)
{
    const ivec lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const ivec stride = _mm512_mullo_epi32(lane, ivec_set1((int32_t)t->choice_stride)), none = ivec_set1(0);
    const ivec right = ivec_set1(t->right), below = ivec_set1(t->below);
    const mask width = vec_first(t->width);
    int64_t counts[16] = {0};
    for (int64_t w = 0; w < t->windows; w += 16) {
        const mask real = vec_first(fcnn_min(t->windows - w, 16));
        const uint16_t *choice = t->choice + w * t->choice_stride;
        const ivec bits_01 = _mm512_mask_i32gather_epi32(none, real, stride, choice, 2); /* words 0 and 1 */
        const ivec bits_12 = _mm512_mask_i32gather_epi32(none, real, stride, choice + 1, 2); /* words 1 and 2 */
        const ivec corner = ivec_load_masked(t->corners + w, real);
        vec gradients[16];
        for (int64_t i = 0; i < 16; i++)
            gradients[i] = w + i < t->windows ? vec_load_masked(t->d_dst + (w + i) * t->d_dst_stride, width) : vec_zero();
        vec_transpose(gradients);
        for (int k = 0; k < 16; k++) {
            const ivec low = ivec_set1(1 << k), high = _mm512_slli_epi32(low, 16);
            const mask alive = _mm512_test_epi32_mask(bits_12, high);
            ivec offset = _mm512_mask_add_epi32(corner, _mm512_test_epi32_mask(bits_01, low), corner, right);
            offset = _mm512_mask_add_epi32(offset, _mm512_test_epi32_mask(bits_01, high), offset, below);
            const int64_t at = k * t->capacity + counts[k];
            ivec_store(t->offsets + at, _mm512_maskz_compress_epi32(alive, offset));
            vec_store(t->gradients + at, _mm512_maskz_compress_ps(alive, gradients[k]));
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

static void add(int64_t count, const float *a, float *sum)
{
    for (int64_t i = 0; i < count; i += VL) {
        const mask real = vec_first(fcnn_min(count - i, VL));
        vec_store_masked(sum + i, vec_add(vec_load_masked(sum + i, real), vec_load_masked(a + i, real)), real);
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
    for (int64_t i = 0; i < pixels; i++, from += from_step, to += to_step)
        for (int64_t c = 0; c < width; c += VL) {
            const mask real = vec_first(fcnn_min(width - c, VL));
            vec_store_masked(to + c, vec_load_masked(from + c, real), real);
        }
}

/* Tiles of r rows by v vectors; scatters of v vectors by n taps; each family as definitions and as entries of a table. */
#define TILE(r, v) \
    static void accumulate_##r##x##v(const struct fcnn_sparse_tile *t) { accumulate(t, r, v); }
#define TILES_4(r) TILE(r, 1) TILE(r, 2) TILE(r, 3) TILE(r, 4)
#define TILES_6(r) TILES_4(r) TILE(r, 5) TILE(r, 6)
#define TILES_8(r) TILES_6(r) TILE(r, 7) TILE(r, 8)
#define TILES_12(r) TILES_8(r) TILE(r, 9) TILE(r, 10) TILE(r, 11) TILE(r, 12)
#define SCATTER(v, n) \
    static void scatter_##v##x##n(const struct fcnn_sparse_scatter *t) { scatter(t, n, v); }
#define SCATTERS_1(v) SCATTER(v, 1)
#define SCATTERS_3(v) SCATTERS_1(v) SCATTER(v, 2) SCATTER(v, 3)
#define SCATTERS_6(v) SCATTERS_3(v) SCATTER(v, 4) SCATTER(v, 5) SCATTER(v, 6)
#define SCATTERS_12(v) SCATTERS_6(v) SCATTER(v, 7) SCATTER(v, 8) SCATTER(v, 9) SCATTER(v, 10) SCATTER(v, 11) SCATTER(v, 12)

#define UP_TO_1(f, n) NULL, f##_##n##x1
#define UP_TO_3(f, n) UP_TO_1(f, n), f##_##n##x2, f##_##n##x3
#define UP_TO_4(f, n) UP_TO_3(f, n), f##_##n##x4
#define UP_TO_6(f, n) UP_TO_4(f, n), f##_##n##x5, f##_##n##x6
#define UP_TO_8(f, n) UP_TO_6(f, n), f##_##n##x7, f##_##n##x8
#define UP_TO_12(f, n) UP_TO_8(f, n), f##_##n##x9, f##_##n##x10, f##_##n##x11, f##_##n##x12

#define FUNCTIONS .list = list, .sum_gradients = sum_gradients, .add = add, .transpose = transpose, .copy = copy
