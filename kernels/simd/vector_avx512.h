/* SPDX-License-Identifier: BSD-2-Clause
 * Vectors of 16 floats in AVX-512 (F, VL, DQ, BW). One API with the other vector_<isa>.h; see
 * docs/adding-a-kernel.md. */
#ifndef FCNN_VECTOR_H
#define FCNN_VECTOR_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define VL 16
#define VEC_STORES_MASKED 1 /* and loads: about as fast as others? */
#define VEC_REGISTERS 32
#define VEC_STEPS 4 /* written out in loops of tiles */

typedef __m512 vec;
typedef __m512i ivec;   /* int32 lanes */
typedef __mmask16 mask; /* one truth value per lane */

/* The first n lanes, 0 <= n <= VL. */
static inline mask vec_first(int64_t n) { return (mask)((1u << n) - 1u); }

static inline vec vec_zero(void) { return _mm512_setzero_ps(); }
static inline vec vec_set1(float x) { return _mm512_set1_ps(x); }
static inline vec vec_load(const float *p) { return _mm512_loadu_ps(p); }
static inline void vec_store(float *p, vec a) { _mm512_storeu_ps(p, a); }
/* Two, or four, floats over and over. */
static inline vec vec_pairs(const float *p)
{
    double pair;
    memcpy(&pair, p, sizeof pair);
    return _mm512_castpd_ps(_mm512_set1_pd(pair));
}
static inline vec vec_quads(const float *p) { return _mm512_broadcast_f32x4(_mm_loadu_ps(p)); }
/* a, which the compiler must hold in a register from here on: it may neither load it again nor fold the load. */
static inline vec vec_keep(vec a)
{
    __asm__("" : "+v"(a));
    return a;
}
/* m is a vec_first(n). Lanes outside it: +0 / untouched; their memory is not accessed. */
static inline vec vec_load_masked(const float *p, mask m) { return _mm512_maskz_loadu_ps(m, p); }
static inline void vec_store_masked(float *p, vec a, mask m) { _mm512_mask_storeu_ps(p, m, a); }

static inline vec vec_add(vec a, vec b) { return _mm512_add_ps(a, b); }
static inline vec vec_sub(vec a, vec b) { return _mm512_sub_ps(a, b); }
static inline vec vec_mul(vec a, vec b) { return _mm512_mul_ps(a, b); }
static inline vec vec_div(vec a, vec b) { return _mm512_div_ps(a, b); }
static inline vec vec_sqrt(vec a) { return _mm512_sqrt_ps(a); }
/* To the nearest whole number, ties to the even one. */
static inline vec vec_round(vec a)
{
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
/* a 2^q for a whole -252 <= q <= 254, in two factors, each of them a float; elsewhere any number, but NaN for NaN. */
static inline vec vec_scale(vec a, vec q)
{
    const __m512i whole = _mm512_cvtps_epi32(q), half = _mm512_srai_epi32(whole, 1), bias = _mm512_set1_epi32(127);
    const __m512i rest = _mm512_sub_epi32(whole, half);
    a = _mm512_mul_ps(a, _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(half, bias), 23)));
    return _mm512_mul_ps(a, _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(rest, bias), 23)));
}
/* a > b ? a : b; so b if one is NaN or both are 0 */
static inline vec vec_max(vec a, vec b) { return _mm512_max_ps(a, b); }
static inline vec vec_fma(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
static inline vec vec_abs(vec a) { return _mm512_abs_ps(a); }
static inline vec vec_negate(vec a) { return _mm512_xor_ps(a, _mm512_set1_ps(-0.0f)); }

/* One number by which all lanes are multiplied: loaded once, and not folded into each multiply-add. */
typedef vec vec_factor;
static inline __attribute__((always_inline)) vec_factor vec_factor_load(const float *p)
{
    return vec_keep(vec_set1(*p));
}
static inline vec vec_fma_factor(vec_factor x, vec b, vec c) { return vec_fma(x, b, c); }

/* Comparisons: false where a lane is NaN, except vec_not_le and vec_unordered. */
static inline mask vec_lt(vec a, vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
static inline mask vec_le(vec a, vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ); }
static inline mask vec_not_le(vec a, vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_NLE_UQ); }
static inline mask vec_gt(vec a, vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
static inline mask vec_eq(vec a, vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
static inline mask vec_unordered(vec a, vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_UNORD_Q); }
static inline mask mask_and(mask a, mask b) { return (mask)(a & b); }
static inline mask mask_or(mask a, mask b) { return (mask)(a | b); }
static inline mask mask_andnot(mask a, mask b) { return (mask)(a & ~b); } /* a and not b */
static inline unsigned mask_bits(mask m) { return m; }                      /* lane i -> bit i */
static inline mask mask_from_bits(unsigned bits) { return (mask)bits; }
/* m ? a : b */
static inline vec vec_select(mask m, vec a, vec b) { return _mm512_mask_blend_ps(m, b, a); }

static inline ivec ivec_set1(int32_t x) { return _mm512_set1_epi32(x); }
static inline ivec ivec_load(const int32_t *p) { return _mm512_loadu_si512(p); }
static inline void ivec_store(int32_t *p, ivec a) { _mm512_storeu_si512(p, a); }
static inline ivec ivec_load_masked(const int32_t *p, mask m) { return _mm512_maskz_loadu_epi32(m, p); }
static inline void ivec_store_masked(int32_t *p, ivec a, mask m) { _mm512_mask_storeu_epi32(p, m, a); }
static inline mask ivec_eq(ivec a, ivec b) { return _mm512_cmpeq_epi32_mask(a, b); }
static inline ivec ivec_select(mask m, ivec a, ivec b) { return _mm512_mask_blend_epi32(m, b, a); }
static inline ivec ivec_add(ivec a, ivec b) { return _mm512_add_epi32(a, b); }
static inline ivec ivec_xor(ivec a, ivec b) { return _mm512_xor_si512(a, b); }
/* Unsigned. */
static inline mask ivec_not_below(ivec a, ivec b) { return _mm512_cmpge_epu32_mask(a, b); }
/* Unsigned: the low halves of the products of 64 bits; *high: the others. */
static inline ivec ivec_mul_wide(ivec a, ivec b, ivec *high)
{
    const __m512i even = _mm512_mul_epu32(a, b);
    const __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), _mm512_srli_epi64(b, 32));
    *high = _mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 32), odd);
    return _mm512_mask_blend_epi32(0xaaaa, even, _mm512_slli_epi64(odd, 32));
}
/* Lane i: lane lanes[i] of a, 0 <= lanes[i] < VL. */
static inline vec vec_permute(vec a, ivec lanes) { return _mm512_permutexvar_ps(lanes, a); }

#endif
