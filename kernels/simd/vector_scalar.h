/* SPDX-License-Identifier: BSD-2-Clause
 * "Vectors" of one float in plain C, for every CPU. One API with the other vector_<isa>.h; see
 * docs/adding-a-kernel.md. */
#ifndef FCNN_VECTOR_H
#define FCNN_VECTOR_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#define VL 1
#define VEC_STORES_MASKED 0 /* and loads: about as fast as others? */
#define VEC_REGISTERS 16
#define VEC_STEPS 1

typedef float vec;
typedef int32_t ivec;
typedef int mask; /* 0 or 1 */

/* The first n lanes, 0 <= n <= VL. */
static inline mask vec_first(int64_t n) { return n > 0; }

static inline vec vec_zero(void) { return 0.0f; }
static inline vec vec_set1(float x) { return x; }
static inline vec vec_load(const float *p) { return *p; }
static inline void vec_store(float *p, vec a) { *p = a; }
/* Two, or four, floats over and over: the first one. */
static inline vec vec_pairs(const float *p) { return *p; }
static inline vec vec_quads(const float *p) { return *p; }
/* a, which the compiler must hold in a register from here on. Plain C leaves that to it. */
static inline vec vec_keep(vec a) { return a; }
/* m is a vec_first(n). Lanes outside it: +0 / untouched; their memory is not accessed. */
static inline vec vec_load_masked(const float *p, mask m) { return m ? *p : 0.0f; }
static inline void vec_store_masked(float *p, vec a, mask m)
{
    if (m) *p = a;
}

static inline vec vec_add(vec a, vec b) { return a + b; }
static inline vec vec_sub(vec a, vec b) { return a - b; }
static inline vec vec_mul(vec a, vec b) { return a * b; }
static inline vec vec_div(vec a, vec b) { return a / b; }
static inline vec vec_sqrt(vec a) { return sqrtf(a); }
/* To the nearest whole number, ties to the even one. */
static inline vec vec_round(vec a) { return rintf(a); }
/* a 2^q for a whole -252 <= q <= 254, in two factors, each of them a float; elsewhere any number, but NaN for NaN. */
static inline vec vec_scale(vec a, vec q)
{
    if (!(q >= -252.0f && q <= 254.0f)) return a;
    const int32_t whole = (int32_t)q, half = (whole - (whole & 1)) / 2;
    const uint32_t bits[2] = {(uint32_t)(half + 127) << 23, (uint32_t)(whole - half + 127) << 23};
    float factors[2];
    memcpy(factors, bits, sizeof factors);
    return a * factors[0] * factors[1];
}
/* a > b ? a : b; so b if one is NaN or both are 0 */
static inline vec vec_max(vec a, vec b) { return a > b ? a : b; }
static inline vec vec_fma(vec a, vec b, vec c) { return fmaf(a, b, c); }
static inline vec vec_abs(vec a) { return fabsf(a); }
static inline vec vec_negate(vec a) { return -a; }

/* One number by which all lanes are multiplied: loaded once, and not folded into each multiply-add. */
typedef vec vec_factor;
static inline __attribute__((always_inline)) vec_factor vec_factor_load(const float *p)
{
    return vec_keep(vec_set1(*p));
}
static inline vec vec_fma_factor(vec_factor x, vec b, vec c) { return vec_fma(x, b, c); }

/* Comparisons: false where a lane is NaN, except vec_not_le and vec_unordered. */
static inline mask vec_lt(vec a, vec b) { return a < b; }
static inline mask vec_le(vec a, vec b) { return a <= b; }
static inline mask vec_not_le(vec a, vec b) { return !(a <= b); }
static inline mask vec_gt(vec a, vec b) { return a > b; }
static inline mask vec_eq(vec a, vec b) { return a == b; }
static inline mask vec_unordered(vec a, vec b) { return isunordered(a, b); }
static inline mask mask_and(mask a, mask b) { return a & b; }
static inline mask mask_or(mask a, mask b) { return a | b; }
static inline mask mask_andnot(mask a, mask b) { return a & !b; } /* a and not b */
static inline unsigned mask_bits(mask m) { return (unsigned)m; }  /* lane i -> bit i */
static inline mask mask_from_bits(unsigned bits) { return (mask)(bits & 1u); }
/* m ? a : b */
static inline vec vec_select(mask m, vec a, vec b) { return m ? a : b; }

static inline ivec ivec_set1(int32_t x) { return x; }
static inline ivec ivec_load(const int32_t *p) { return *p; }
static inline void ivec_store(int32_t *p, ivec a) { *p = a; }
static inline ivec ivec_load_masked(const int32_t *p, mask m) { return m ? *p : 0; }
static inline void ivec_store_masked(int32_t *p, ivec a, mask m)
{
    if (m) *p = a;
}
static inline mask ivec_eq(ivec a, ivec b) { return a == b; }
static inline ivec ivec_select(mask m, ivec a, ivec b) { return m ? a : b; }
static inline ivec ivec_add(ivec a, ivec b) { return (ivec)((uint32_t)a + (uint32_t)b); } /* wraps */
static inline ivec ivec_xor(ivec a, ivec b) { return a ^ b; }
/* Unsigned. */
static inline mask ivec_not_below(ivec a, ivec b) { return (uint32_t)a >= (uint32_t)b; }
/* Unsigned: the low halves of the products of 64 bits; *high: the others. */
static inline ivec ivec_mul_wide(ivec a, ivec b, ivec *high)
{
    const uint64_t product = (uint64_t)(uint32_t)a * (uint32_t)b;
    *high = (ivec)(uint32_t)(product >> 32);
    return (ivec)(uint32_t)product;
}
/* Lane i: lane lanes[i] of a, 0 <= lanes[i] < VL. */
static inline vec vec_permute(vec a, ivec lanes)
{
    (void)lanes;
    return a;
}

#endif
