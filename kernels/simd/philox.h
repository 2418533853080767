/* SPDX-License-Identifier: BSD-2-Clause
 * Random words, a function of their number alone: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1,
 * 2, 3", SC 2011), a block of four words per lane. Include after vector_<isa>.h and common.h. */
#ifndef FCNN_PHILOX_H
#define FCNN_PHILOX_H

#define PHILOX_WORDS (4 * VL) /* that one call makes */

/* Lane i works on block philox_order[i]. Word 0 of all lanes is v[0] and so on; philox_interleave() puts the four words
 * of each block side by side and the blocks in order, by an exchange among four neighbours alone. */
#if VL == 16
static const int32_t philox_order[VL] = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};

FCNN_INLINE void philox_interleave(ivec v[4])
{
    const ivec a = _mm512_unpacklo_epi32(v[0], v[1]), b = _mm512_unpackhi_epi32(v[0], v[1]);
    const ivec c = _mm512_unpacklo_epi32(v[2], v[3]), d = _mm512_unpackhi_epi32(v[2], v[3]);
    v[0] = _mm512_unpacklo_epi64(a, c), v[1] = _mm512_unpackhi_epi64(a, c);
    v[2] = _mm512_unpacklo_epi64(b, d), v[3] = _mm512_unpackhi_epi64(b, d);
}

#elif VL == 8
static const int32_t philox_order[VL] = {0, 2, 4, 6, 1, 3, 5, 7};

FCNN_INLINE void philox_interleave(ivec v[4])
{
    const ivec a = _mm256_unpacklo_epi32(v[0], v[1]), b = _mm256_unpackhi_epi32(v[0], v[1]);
    const ivec c = _mm256_unpacklo_epi32(v[2], v[3]), d = _mm256_unpackhi_epi32(v[2], v[3]);
    v[0] = _mm256_unpacklo_epi64(a, c), v[1] = _mm256_unpackhi_epi64(a, c);
    v[2] = _mm256_unpacklo_epi64(b, d), v[3] = _mm256_unpackhi_epi64(b, d);
}

#elif VL == 4
static const int32_t philox_order[VL] = {0, 1, 2, 3};

FCNN_INLINE void philox_interleave(ivec v[4])
{
    const int64x2_t a = vreinterpretq_s64_s32(vzip1q_s32(v[0], v[1]));
    const int64x2_t b = vreinterpretq_s64_s32(vzip2q_s32(v[0], v[1]));
    const int64x2_t c = vreinterpretq_s64_s32(vzip1q_s32(v[2], v[3]));
    const int64x2_t d = vreinterpretq_s64_s32(vzip2q_s32(v[2], v[3]));
    v[0] = vreinterpretq_s32_s64(vzip1q_s64(a, c)), v[1] = vreinterpretq_s32_s64(vzip2q_s64(a, c));
    v[2] = vreinterpretq_s32_s64(vzip1q_s64(b, d)), v[3] = vreinterpretq_s32_s64(vzip2q_s64(b, d));
}

#elif VL == 1
static const int32_t philox_order[VL] = {0};

FCNN_INLINE void philox_interleave(ivec v[4]) { (void)v; }

#else
#error "interleaving words of vectors of this width"
#endif

FCNN_INLINE void philox_round(ivec v[4], ivec key_0, ivec key_1)
{
    ivec high_0, high_2;
    const ivec low_0 = ivec_mul_wide(v[0], ivec_set1((int32_t)0xd2511f53), &high_0);
    const ivec low_2 = ivec_mul_wide(v[2], ivec_set1((int32_t)0xcd9e8d57), &high_2);
    v[0] = ivec_xor(ivec_xor(high_2, v[1]), key_0), v[1] = low_2;
    v[2] = ivec_xor(ivec_xor(high_0, v[3]), key_1), v[3] = low_0;
}

/* The words of blocks `block` to block + VL - 1 of a stream, in order: key (seed), counter (block, 0, stream). */
FCNN_INLINE void philox_words(uint64_t seed, uint64_t block, int32_t stream, int32_t words[PHILOX_WORDS])
{
    const ivec low = ivec_set1((int32_t)(uint32_t)block), high = ivec_set1((int32_t)(uint32_t)(block >> 32));
    const ivec next = ivec_set1((int32_t)((uint32_t)(block >> 32) + 1u));
    uint32_t key_0 = (uint32_t)seed, key_1 = (uint32_t)(seed >> 32);
    ivec v[4] = {ivec_add(low, ivec_load(philox_order)), high, ivec_set1(0), ivec_set1(stream)};
    v[1] = ivec_select(ivec_not_below(v[0], low), high, next); /* where the low half has wrapped */
    FCNN_UNROLL
    for (int round = 0; round < 10; round++, key_0 += 0x9e3779b9u, key_1 += 0xbb67ae85u)
        philox_round(v, ivec_set1((int32_t)key_0), ivec_set1((int32_t)key_1));
    philox_interleave(v);
    FCNN_UNROLL
    for (int i = 0; i < 4; i++) ivec_store(words + i * VL, v[i]);
}

#endif
