/* SPDX-License-Identifier: BSD-2-Clause
 *
 * exp, tanh and log with bits that depend on nothing but the argument. exp is SLEEF 3.5.1's algorithm and constants, as
 * in Sleef_finz_expf8_u10avx2 (Naoki Shibata and contributors, Boost Software License 1.0), in fmaf(). */
#include "reference/ref.h"

#include <math.h>
#include <string.h>

/* 2^e as a float, -126 <= e <= 127. */
static float power_of_2(int32_t e)
{
    const uint32_t bits = (uint32_t)(e + 127) << 23;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* x = q log(2) + s, |s| <= log(2)/2; returns exp(s) - 1. |x| <= 104. */
static float reduced(float x, int32_t *quotient)
{
    const int32_t q = *quotient = (int32_t)rintf(x * 0x1.715476p+0f); /* -150 .. 144 */
    float s = fmaf((float)q, -0x1.62e4p-1f, x);
    s = fmaf((float)q, -0x1.7f7d1cp-20f, s);
    float u = 0x1.a057b4p-13f;
    u = fmaf(u, s, 0x1.6d2d92p-10f);
    u = fmaf(u, s, 0x1.11114cp-7f);
    u = fmaf(u, s, 0x1.5554f4p-5f);
    u = fmaf(u, s, 0x1.555556p-3f);
    u = fmaf(u, s, 0.5f);
    return fmaf(s * s, u, s);
}

float ref_expf(float x)
{
    if (isnan(x)) return x + x;
    if (x < -104.0f) return 0.0f;
    if (x > 100.0f) return INFINITY;
    int32_t q;
    const float u = 1.0f + reduced(x, &q);
    const int32_t half = (q - (q & 1)) / 2; /* floor: in two steps neither power leaves the normal numbers */
    return u * power_of_2(half) * power_of_2(q - half);
}

float ref_tanhf(float x)
{
    if (isnan(x) || x == 0.0f) return x;
    const float magnitude = fabsf(x);
    int32_t q;
    const float s = reduced(magnitude > 10.0f ? 20.0f : magnitude + magnitude, &q); /* 0 <= q <= 29 */
    const float power = power_of_2(q), e = fmaf(power, s, power - 1.0f);            /* exp(2 |x|) - 1 */
    return copysignf(e / (e + 2.0f), x);
}

float ref_logf(float x)
{
    if (isnan(x) || x < 0.0f) return NAN;
    if (x == 0.0f) return -INFINITY;
    if (isinf(x)) return x;
    const double value = x; /* every float, denormal or not, is a normal double */
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    int e = (int)(bits >> 52) - 1023;
    bits = (bits & 0xfffffffffffff) | (uint64_t)1023 << 52;
    double m;
    memcpy(&m, &bits, sizeof m);
    if (m > 0x1.6a09e667f3bcdp+0) { /* m in (1/sqrt(2), sqrt(2)]: no cancellation against e log(2) */
        m *= 0.5;
        e++;
    }
    /* log(m) = 2 atanh(z), |z| < 0.1716: the first term left out is below 2^-52 of the sum. */
    const double z = (m - 1.0) / (m + 1.0), z2 = z * z;
    double series = 1.0 / 19.0;
    for (int i = 17; i > 0; i -= 2) series = series * z2 + 1.0 / i;
    return (float)(e * 0x1.62e42fefa39efp-1 + 2.0 * z * series);
}
