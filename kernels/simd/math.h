/* SPDX-License-Identifier: BSD-2-Clause
 * Functions whose bits are the same on every instruction set. exp() is SLEEF's deterministic FMA family; its scalar
 * member needs a CPU with FMA, so that algorithm stands here in fmaf(). Include after vector_<isa>.h and common.h. */
#ifndef FCNN_MATH_H
#define FCNN_MATH_H

#include <math.h>
#include <string.h>

#if VL > 1
#include <sleef.h>
#endif

#if VL == 16

static inline vec vec_exp(vec x) { return Sleef_finz_expf16_u10avx512f(x); }

#elif VL == 8

static inline vec vec_exp(vec x) { return Sleef_finz_expf8_u10avx2(x); }

#elif VL == 1

/* 2^q, -126 <= q <= 127 */
static inline float exp_power_of_2(int32_t q)
{
    const uint32_t bits = (uint32_t)(q + 127) << 23;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* SLEEF 3.5.1 (Boost Software License 1.0, Copyright Naoki Shibata and contributors 2010 - 2020): x = q ln 2 + s with
 * ln 2 in two parts, a polynomial in s, then 2^q in two factors because q reaches -150 and 144. */
static inline vec vec_exp(vec x)
{
    if (isnan(x)) return x;
    if (x < -104.0f) return 0.0f;
    if (x > 100.0f) return INFINITY;
    const int32_t q = (int32_t)rintf(x * 0x1.715476p+0f);
    const float s = fmaf((float)q, -0x1.7f7d1cp-20f, fmaf((float)q, -0x1.62e4p-1f, x));
    float u = 0x1.a057b4p-13f;
    u = fmaf(u, s, 0x1.6d2d92p-10f);
    u = fmaf(u, s, 0x1.11114cp-7f);
    u = fmaf(u, s, 0x1.5554f4p-5f);
    u = fmaf(u, s, 0x1.555556p-3f);
    u = fmaf(u, s, 0.5f);
    u = fmaf(s * s, u, s) + 1.0f;
    const int32_t half = (q - (q & 1)) / 2;
    return u * exp_power_of_2(half) * exp_power_of_2(q - half);
}

#else
#error "exp of vectors of this width"
#endif

/* log(x) of a finite x > 0 (a NaN stays): plain double operations, the same everywhere, rounded to float once. */
static inline float scalar_log(float x)
{
    if (isnan(x)) return x;
    const double value = x; /* normal, even if x is not */
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    int exponent = (int)(bits >> 52) - 1023;
    bits = (bits & 0xfffffffffffff) | (uint64_t)1023 << 52;
    double m;
    memcpy(&m, &bits, sizeof m);
    if (m > 0x1.6a09e667f3bcdp+0) { /* above sqrt(2) */
        m *= 0.5;
        exponent++;
    }
    /* log(m) = 2 atanh(z), |z| < 0.1716 */
    const double z = (m - 1.0) / (m + 1.0), z2 = z * z;
    double series = 1.0 / 19.0;
    for (int i = 17; i > 0; i -= 2) series = series * z2 + 1.0 / i;
    return (float)(exponent * 0x1.62e42fefa39efp-1 + 2.0 * z * series);
}

#endif
