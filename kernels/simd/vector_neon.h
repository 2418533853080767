/* SPDX-License-Identifier: BSD-2-Clause
 * Vectors of 4 floats in NEON (AArch64's Advanced SIMD). One API with the other vector_<isa>.h; see
 * docs/adding-a-kernel.md. */
#ifndef FCNN_VECTOR_H
#define FCNN_VECTOR_H

#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

#define VL 4
#define VEC_STORES_MASKED 0 /* and loads: about as fast as others? */
#define VEC_REGISTERS 32
#define VEC_STEPS 1 /* of more, gcc moves sums from register to register */

typedef float32x4_t vec;
typedef int32x4_t ivec;  /* int32 lanes */
typedef uint32x4_t mask; /* all bits of a lane set or none */

/* The first n lanes, 0 <= n <= VL. */
static inline mask vec_first(int64_t n)
{
    const int32x4_t lane = {0, 1, 2, 3};
    return vcgtq_s32(vdupq_n_s32((int32_t)n), lane);
}

static inline vec vec_zero(void) { return vdupq_n_f32(0.0f); }
static inline vec vec_set1(float x) { return vdupq_n_f32(x); }
static inline vec vec_load(const float *p) { return vld1q_f32(p); }
static inline void vec_store(float *p, vec a) { vst1q_f32(p, a); }
/* Two, or four, floats over and over. */
static inline vec vec_pairs(const float *p)
{
    double pair;
    memcpy(&pair, p, sizeof pair);
    return vreinterpretq_f32_f64(vdupq_n_f64(pair));
}
static inline vec vec_quads(const float *p) { return vec_load(p); }
/* a, which the compiler must hold in a register from here on: it may neither load it again nor fold the load. */
static inline vec vec_keep(vec a)
{
    __asm__("" : "+w"(a));
    return a;
}

/* The lanes of a vec_first(n), two by two: no instruction loads or stores under a mask, so branches do. */
static inline uint64_t mask_low(mask m) { return vgetq_lane_u64(vreinterpretq_u64_u32(m), 0); }
static inline uint64_t mask_high(mask m) { return vgetq_lane_u64(vreinterpretq_u64_u32(m), 1); }
/* m is a vec_first(n). Lanes outside it: +0 / untouched; their memory is not accessed. */
static inline vec vec_load_masked(const float *p, mask m)
{
    const uint64_t low = mask_low(m), high = mask_high(m);
    const float32x2_t none = vdup_n_f32(0.0f);
    if (high >> 32) return vld1q_f32(p);
    if (high) return vcombine_f32(vld1_f32(p), vld1_lane_f32(p + 2, none, 0));
    if (low >> 32) return vcombine_f32(vld1_f32(p), none);
    return vcombine_f32(low ? vld1_lane_f32(p, none, 0) : none, none);
}
static inline void vec_store_masked(float *p, vec a, mask m)
{
    const uint64_t low = mask_low(m), high = mask_high(m);
    if (high >> 32) {
        vst1q_f32(p, a);
        return;
    }
    if (low >> 32) vst1_f32(p, vget_low_f32(a));
    else if (low) vst1q_lane_f32(p, a, 0);
    if (high) vst1q_lane_f32(p + 2, a, 2);
}

static inline vec vec_add(vec a, vec b) { return vaddq_f32(a, b); }
static inline vec vec_sub(vec a, vec b) { return vsubq_f32(a, b); }
static inline vec vec_mul(vec a, vec b) { return vmulq_f32(a, b); }
static inline vec vec_div(vec a, vec b) { return vdivq_f32(a, b); }
static inline vec vec_sqrt(vec a) { return vsqrtq_f32(a); }
/* To the nearest whole number, ties to the even one. */
static inline vec vec_round(vec a) { return vrndnq_f32(a); }
/* a 2^q for a whole -252 <= q <= 254, in two factors, each of them a float; elsewhere any number, but NaN for NaN. */
static inline vec vec_scale(vec a, vec q)
{
    const int32x4_t whole = vcvtnq_s32_f32(q), half = vshrq_n_s32(whole, 1), bias = vdupq_n_s32(127);
    const int32x4_t rest = vsubq_s32(whole, half);
    a = vmulq_f32(a, vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(half, bias), 23)));
    return vmulq_f32(a, vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(rest, bias), 23)));
}
/* a > b ? a : b; so b if one is NaN or both are 0. FMAX has other rules for both. */
static inline vec vec_max(vec a, vec b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
static inline vec vec_fma(vec a, vec b, vec c) { return vfmaq_f32(c, a, b); }
static inline vec vec_abs(vec a) { return vabsq_f32(a); }
static inline vec vec_negate(vec a) { return vnegq_f32(a); }

/* One number by which all lanes are multiplied: a multiply-add takes it from a lane, so nothing is broadcast. The asm
 * keeps the compiler from doing so. */
typedef float32x4_t vec_factor;
static inline vec_factor vec_factor_load(const float *p)
{
    vec_factor x;
    __asm__("ldr %s0, %1" : "=w"(x) : "m"(*p));
    return x;
}
static inline vec vec_fma_factor(vec_factor x, vec b, vec c) { return vfmaq_laneq_f32(c, b, x, 0); }

/* Comparisons: false where a lane is NaN, except vec_not_le and vec_unordered. */
static inline mask vec_lt(vec a, vec b) { return vcltq_f32(a, b); }
static inline mask vec_le(vec a, vec b) { return vcleq_f32(a, b); }
static inline mask vec_not_le(vec a, vec b) { return vmvnq_u32(vcleq_f32(a, b)); }
static inline mask vec_gt(vec a, vec b) { return vcgtq_f32(a, b); }
static inline mask vec_eq(vec a, vec b) { return vceqq_f32(a, b); }
static inline mask vec_unordered(vec a, vec b) { return vmvnq_u32(vandq_u32(vceqq_f32(a, a), vceqq_f32(b, b))); }
static inline mask mask_and(mask a, mask b) { return vandq_u32(a, b); }
static inline mask mask_or(mask a, mask b) { return vorrq_u32(a, b); }
static inline mask mask_andnot(mask a, mask b) { return vbicq_u32(a, b); } /* a and not b */
static inline unsigned mask_bits(mask m)                                   /* lane i -> bit i */
{
    const uint32x4_t lane = {1, 2, 4, 8};
    return vaddvq_u32(vandq_u32(m, lane));
}
static inline mask mask_from_bits(unsigned bits)
{
    const uint32x4_t lane = {1, 2, 4, 8};
    return vtstq_u32(vdupq_n_u32(bits), lane);
}
/* m ? a : b */
static inline vec vec_select(mask m, vec a, vec b) { return vbslq_f32(m, a, b); }

static inline ivec ivec_set1(int32_t x) { return vdupq_n_s32(x); }
static inline ivec ivec_load(const int32_t *p) { return vld1q_s32(p); }
static inline void ivec_store(int32_t *p, ivec a) { vst1q_s32(p, a); }
static inline ivec ivec_load_masked(const int32_t *p, mask m)
{
    return vreinterpretq_s32_f32(vec_load_masked((const float *)(const void *)p, m));
}
static inline void ivec_store_masked(int32_t *p, ivec a, mask m)
{
    vec_store_masked((float *)(void *)p, vreinterpretq_f32_s32(a), m);
}
static inline mask ivec_eq(ivec a, ivec b) { return vceqq_s32(a, b); }
static inline ivec ivec_select(mask m, ivec a, ivec b) { return vbslq_s32(m, a, b); }
static inline ivec ivec_add(ivec a, ivec b) { return vaddq_s32(a, b); }
static inline ivec ivec_xor(ivec a, ivec b) { return veorq_s32(a, b); }
/* Unsigned. */
static inline mask ivec_not_below(ivec a, ivec b)
{
    return vcgeq_u32(vreinterpretq_u32_s32(a), vreinterpretq_u32_s32(b));
}
/* Unsigned: the low halves of the products of 64 bits; *high: the others. */
static inline ivec ivec_mul_wide(ivec a, ivec b, ivec *high)
{
    const uint32x4_t u = vreinterpretq_u32_s32(a), v = vreinterpretq_u32_s32(b);
    const int32x4_t first = vreinterpretq_s32_u64(vmull_u32(vget_low_u32(u), vget_low_u32(v)));
    const int32x4_t last = vreinterpretq_s32_u64(vmull_high_u32(u, v));
    *high = vuzp2q_s32(first, last);
    return vuzp1q_s32(first, last);
}
/* Lane i: lane lanes[i] of a, 0 <= lanes[i] < VL. */
static inline vec vec_permute(vec a, ivec lanes)
{
    const ivec bytes = vmlaq_n_s32(vdupq_n_s32(0x03020100), lanes, 0x04040404);
    return vreinterpretq_f32_u8(vqtbl1q_u8(vreinterpretq_u8_f32(a), vreinterpretq_u8_s32(bytes)));
}

#endif
