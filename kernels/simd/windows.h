/* SPDX-License-Identifier: BSD-2-Clause
 * Operations on 2x2 pooling windows that instruction sets do in ways of their own: choice words (numerics.md, rule 8),
 * lists of winners, lanes that pick one of a window's four inputs. Include after vector_<isa>.h and common.h. */
#ifndef FCNN_WINDOWS_H
#define FCNN_WINDOWS_H

/* The bits of VL channels from `channel` on, into the three words of their group of 16; bits beyond the last channel
 * become 0. */
FCNN_INLINE void put_choice(uint16_t *words, int64_t channel, int64_t channels, const unsigned bits[3])
{
    const unsigned at = (unsigned)channel;
    words += at / 16 * 3;
#if VL == 16
    (void)channels;
    FCNN_UNROLL for (int i = 0; i < 3; i++) words[i] = (uint16_t)bits[i];
#elif VL == 8
    uint8_t *halves = (uint8_t *)words + at / 8 % 2; /* little-endian: channels 0..7 first */
    if (at % 16 == 0 && channel + 8 >= channels)
        FCNN_UNROLL for (int i = 0; i < 3; i++) words[i] = (uint16_t)bits[i];
    else
        FCNN_UNROLL for (int i = 0; i < 3; i++) halves[2 * i] = (uint8_t)bits[i];
#elif VL < 8
    (void)channels;
    FCNN_UNROLL for (int i = 0; i < 3; i++) words[i] = (uint16_t)((at % 16 ? words[i] : 0u) | bits[i] << at % 16);
#else
#error "choice words of vectors of this width"
#endif
}

#if VL == 16
#define FCNN_LISTS /* lists of winners are made by lanes: one per channel of a choice word */

/* Lane i: two neighbouring words from p + i * step on. */
FCNN_INLINE ivec strided_words(const uint16_t *p, int32_t step, mask real)
{
    const ivec lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    return _mm512_mask_i32gather_epi32(ivec_set1(0), real, _mm512_mullo_epi32(lane, ivec_set1(step)), p, 2);
}
FCNN_INLINE ivec shift_left(ivec a, int bits) { return _mm512_slli_epi32(a, (unsigned)bits); }
/* Lanes where a and b have a bit in common. */
FCNN_INLINE mask common_bits(ivec a, ivec b) { return _mm512_test_epi32_mask(a, b); }
/* a, in the lanes of m a + b. */
FCNN_INLINE ivec add_where(mask m, ivec a, ivec b) { return _mm512_mask_add_epi32(a, m, a, b); }
/* The lanes of m side by side, then zeros. */
FCNN_INLINE vec vec_compress(mask m, vec a) { return _mm512_maskz_compress_ps(m, a); }
FCNN_INLINE ivec ivec_compress(mask m, ivec a) { return _mm512_maskz_compress_epi32(m, a); }
#endif

#if VL == 16 || VL == 8 || VL == 4
#define FCNN_PICKS /* lanes pick among four inputs */

/* Lane i: four[winner[i]], 0 <= winner[i] <= 3. */
FCNN_INLINE vec pick_winner(const float *four, ivec winner)
{
#if VL == 16
    return _mm512_permutevar_ps(_mm512_broadcast_f32x4(_mm_loadu_ps(four)), winner);
#elif VL == 4
    return vec_permute(vec_load(four), winner);
#else
    return _mm256_permutevar_ps(_mm256_broadcast_ps((const __m128 *)(const void *)four), winner);
#endif
}

/* The four inputs of one window, right and below being distances, ... */
FCNN_INLINE void put_four(const float *x, int64_t right, int64_t below, float *four)
{
#if VL == 4
    vec all = vdupq_n_f32(x[0]);
    all = vld1q_lane_f32(x + right, all, 1);
    all = vld1q_lane_f32(x + below, all, 2);
    vec_store(four, vld1q_lane_f32(x + below + right, all, 3));
#else
    _mm_storeu_ps(four, _mm_setr_ps(x[0], x[right], x[below], x[below + right]));
#endif
}

/* ... and those of two windows side by side, whose columns are neighbours in memory. */
FCNN_INLINE void put_two_fours(const float *x, int64_t below, float *first, float *second)
{
#if VL == 4
    const vec upper = vec_load(x), lower = vec_load(x + below);
    vec_store(first, vcombine_f32(vget_low_f32(upper), vget_low_f32(lower)));
    vec_store(second, vcombine_f32(vget_high_f32(upper), vget_high_f32(lower)));
#else
    const __m128 upper = _mm_loadu_ps(x), lower = _mm_loadu_ps(x + below);
    _mm_storeu_ps(first, _mm_movelh_ps(upper, lower));
    _mm_storeu_ps(second, _mm_movehl_ps(lower, upper));
#endif
}
#endif

#endif
