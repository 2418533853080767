/* SPDX-License-Identifier: BSD-2-Clause
 * Functions whose bits are the same on every instruction set. Include after vector_<isa>.h and common.h. */
#ifndef FCNN_MATH_H
#define FCNN_MATH_H

#include <math.h>
#include <string.h>

/* The algorithm and bits of SLEEF 3.5.1's deterministic FMA family (Boost Software License 1.0, Copyright Naoki Shibata
 * and contributors 2010 - 2020): x = q ln 2 + s with ln 2 in two parts, a polynomial in s, then 2^q in two factors,
 * because q reaches -150 and 144. Written here so that no other version of a library can move a bit. A NaN stays.
 * This part gives exp(s) - 1 and q. */
FCNN_INLINE vec exp_reduced(vec x, vec *q)
{
    static const float factors[] = {0x1.6d2d92p-10f, 0x1.11114cp-7f, 0x1.5554f4p-5f, 0x1.555556p-3f, 0.5f};
    *q = vec_round(vec_mul(x, vec_set1(0x1.715476p+0f)));
    const vec s = vec_fma(*q, vec_set1(-0x1.7f7d1cp-20f), vec_fma(*q, vec_set1(-0x1.62e4p-1f), x));
    vec u = vec_set1(0x1.a057b4p-13f);
    FCNN_UNROLL
    for (int i = 0; i < 5; i++) u = vec_fma(u, s, vec_set1(factors[i]));
    return vec_fma(vec_mul(s, s), u, s);
}

static inline vec vec_exp(vec x)
{
    vec q, u = vec_add(exp_reduced(x, &q), vec_set1(1.0f));
    u = vec_select(vec_gt(x, vec_set1(100.0f)), vec_set1(INFINITY), vec_scale(u, q));
    return vec_select(vec_lt(x, vec_set1(-104.0f)), vec_zero(), u);
}

/* e / (e + 2) with e = exp(2 |x|) - 1 = 2^q (exp(s) - 1) + (2^q - 1), which cancels nothing: near 0 q is 0, and e what
 * the polynomial gives. Above 10 tanh is 1. 0 with its sign and NaN stay. */
static inline vec vec_tanh(vec x)
{
    const vec magnitude = vec_abs(x), one = vec_set1(1.0f);
    const mask far = vec_gt(magnitude, vec_set1(10.0f));
    vec q, s = exp_reduced(vec_select(far, vec_set1(20.0f), vec_add(magnitude, magnitude)), &q);
    const vec power = vec_scale(one, q), e = vec_fma(power, s, vec_sub(power, one));
    const vec y = vec_div(e, vec_add(e, vec_set1(2.0f)));
    return vec_select(vec_gt(x, vec_zero()), y, vec_select(vec_lt(x, vec_zero()), vec_negate(y), x));
}

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
