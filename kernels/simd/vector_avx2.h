/* SPDX-License-Identifier: BSD-2-Clause
 * Vectors of 8 floats in AVX2 + FMA. One API with the other vector_<isa>.h; see docs/adding-a-kernel.md. */
#ifndef FCNN_VECTOR_H
#define FCNN_VECTOR_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define VL 8
#define VEC_STORES_MASKED 0 /* and loads: about as fast as others? */
#define VEC_REGISTERS 16
#define VEC_STEPS 1 /* more would hold parts of two in registers, and spill */

typedef __m256 vec;
typedef __m256i ivec; /* int32 lanes */
typedef __m256 mask;  /* all bits of a lane set or none */

/* The first n lanes, 0 <= n <= VL. */
static inline mask vec_first(int64_t n)
{
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), lane));
}

static inline vec vec_zero(void) { return _mm256_setzero_ps(); }
static inline vec vec_set1(float x) { return _mm256_set1_ps(x); }
static inline vec vec_load(const float *p) { return _mm256_loadu_ps(p); }
static inline void vec_store(float *p, vec a) { _mm256_storeu_ps(p, a); }
/* Two, or four, floats over and over. */
static inline vec vec_pairs(const float *p)
{
    double pair;
    memcpy(&pair, p, sizeof pair);
    return _mm256_castpd_ps(_mm256_set1_pd(pair));
}
static inline vec vec_quads(const float *p) { return _mm256_set_m128(_mm_loadu_ps(p), _mm_loadu_ps(p)); }
/* a, which the compiler must hold in a register from here on: it may neither load it again nor fold the load. */
static inline vec vec_keep(vec a)
{
    __asm__("" : "+v"(a));
    return a;
}
/* m is a vec_first(n). Lanes outside it: +0 / untouched; their memory is not accessed. */
static inline vec vec_load_masked(const float *p, mask m) { return _mm256_maskload_ps(p, _mm256_castps_si256(m)); }
static inline void vec_store_masked(float *p, vec a, mask m) { _mm256_maskstore_ps(p, _mm256_castps_si256(m), a); }

static inline vec vec_add(vec a, vec b) { return _mm256_add_ps(a, b); }
static inline vec vec_sub(vec a, vec b) { return _mm256_sub_ps(a, b); }
static inline vec vec_mul(vec a, vec b) { return _mm256_mul_ps(a, b); }
static inline vec vec_div(vec a, vec b) { return _mm256_div_ps(a, b); }
static inline vec vec_sqrt(vec a) { return _mm256_sqrt_ps(a); }
/* To the nearest whole number, ties to the even one. */
static inline vec vec_round(vec a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
/* a 2^q for a whole -252 <= q <= 254, in two factors, each of them a float; elsewhere any number, but NaN for NaN. */
static inline vec vec_scale(vec a, vec q)
{
    const __m256i whole = _mm256_cvtps_epi32(q), half = _mm256_srai_epi32(whole, 1), bias = _mm256_set1_epi32(127);
    const __m256i rest = _mm256_sub_epi32(whole, half);
    a = _mm256_mul_ps(a, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23)));
    return _mm256_mul_ps(a, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(rest, bias), 23)));
}
/* a > b ? a : b; so b if one is NaN or both are 0 */
static inline vec vec_max(vec a, vec b) { return _mm256_max_ps(a, b); }
static inline vec vec_fma(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }
static inline vec vec_abs(vec a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
static inline vec vec_negate(vec a) { return _mm256_xor_ps(a, _mm256_set1_ps(-0.0f)); }

/* One number by which all lanes are multiplied: loaded once, and not folded into each multiply-add. */
typedef vec vec_factor;
static inline __attribute__((always_inline)) vec_factor vec_factor_load(const float *p)
{
    return vec_keep(vec_set1(*p));
}
static inline vec vec_fma_factor(vec_factor x, vec b, vec c) { return vec_fma(x, b, c); }

/* Comparisons: false where a lane is NaN, except vec_not_le and vec_unordered. */
static inline mask vec_lt(vec a, vec b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
static inline mask vec_le(vec a, vec b) { return _mm256_cmp_ps(a, b, _CMP_LE_OQ); }
static inline mask vec_not_le(vec a, vec b) { return _mm256_cmp_ps(a, b, _CMP_NLE_UQ); }
static inline mask vec_gt(vec a, vec b) { return _mm256_cmp_ps(a, b, _CMP_GT_OQ); }
static inline mask vec_eq(vec a, vec b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
static inline mask vec_unordered(vec a, vec b) { return _mm256_cmp_ps(a, b, _CMP_UNORD_Q); }
static inline mask mask_and(mask a, mask b) { return _mm256_and_ps(a, b); }
static inline mask mask_or(mask a, mask b) { return _mm256_or_ps(a, b); }
static inline mask mask_andnot(mask a, mask b) { return _mm256_andnot_ps(b, a); } /* a and not b */
static inline unsigned mask_bits(mask m) { return (unsigned)_mm256_movemask_ps(m); } /* lane i -> bit i */
static inline mask mask_from_bits(unsigned bits)
{
    const __m256i lane = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    return _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32((int)bits), lane), lane));
}
/* m ? a : b */
static inline vec vec_select(mask m, vec a, vec b) { return _mm256_blendv_ps(b, a, m); }

static inline ivec ivec_set1(int32_t x) { return _mm256_set1_epi32(x); }
static inline ivec ivec_load(const int32_t *p) { return _mm256_loadu_si256((const __m256i *)p); }
static inline void ivec_store(int32_t *p, ivec a) { _mm256_storeu_si256((__m256i *)p, a); }
static inline ivec ivec_load_masked(const int32_t *p, mask m)
{
    return _mm256_maskload_epi32(p, _mm256_castps_si256(m));
}
static inline void ivec_store_masked(int32_t *p, ivec a, mask m)
{
    _mm256_maskstore_epi32(p, _mm256_castps_si256(m), a);
}
static inline mask ivec_eq(ivec a, ivec b) { return _mm256_castsi256_ps(_mm256_cmpeq_epi32(a, b)); }
static inline ivec ivec_select(mask m, ivec a, ivec b) { return _mm256_blendv_epi8(b, a, _mm256_castps_si256(m)); }
static inline ivec ivec_add(ivec a, ivec b) { return _mm256_add_epi32(a, b); }
static inline ivec ivec_xor(ivec a, ivec b) { return _mm256_xor_si256(a, b); }
/* Unsigned. */
static inline mask ivec_not_below(ivec a, ivec b)
{
    return _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_max_epu32(a, b), a));
}
/* Unsigned: the low halves of the products of 64 bits; *high: the others. */
static inline ivec ivec_mul_wide(ivec a, ivec b, ivec *high)
{
    const __m256i even = _mm256_mul_epu32(a, b);
    const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32));
    *high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
    return _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
}
/* Lane i: lane lanes[i] of a, 0 <= lanes[i] < VL. */
static inline vec vec_permute(vec a, ivec lanes) { return _mm256_permutevar8x32_ps(a, lanes); }

#endif
