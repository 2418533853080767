/* SPDX-License-Identifier: BSD-2-Clause
 *
 * exp, tanh, sigmoid and log of the float reference: against double, exp against SLEEF bit for bit, and by hashes that
 * are the same on every CPU. */
#include "reference/ref.h"
#include "tests/check_reference.h"

#include <float.h>
#include <stdio.h>
#include <string.h>
#if defined(__x86_64__) && defined(HAVE_SLEEF)
#include <immintrin.h>
#endif

static float from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static void is_near_double(float x, float e, float l)
{
    const double want_e = exp((double)x), want_l = log((double)x);
    if (isnan(x)) ck_assert(isnan(e) && isnan(l));
    else if (x < 0.0f) ck_assert(isnan(l));
    else if (x > 0.0f && isfinite(x))
        ck_assert_msg(fabs(l - want_l) <= 0.51 * 0x1p-23 * exp2(ilogb(want_l)), "log(%a) is %a", x, l);
    if (want_e <= FLT_MAX && want_e >= FLT_MIN) ck_assert_msg(fabs(e / want_e - 1.0) < 0x1p-23, "exp(%a) is %a", x, e);
    else if (want_e < FLT_MIN) ck_assert_msg(fabs(e - want_e) <= 0x1p-149, "exp(%a) is %a", x, e);
}

static uint64_t fnv1a(uint64_t hash, float x)
{
    return (hash ^ (isnan(x) ? 0x7fc00000 : bits_of(x))) * 0x100000001b3u;
}

START_TEST(every_40009th_float)
{
    uint64_t hash_e = 0xcbf29ce484222325u, hash_l = hash_e;
    for (uint64_t i = 0; i < (uint64_t)1 << 32; i += 40009) {
        const float x = from_bits((uint32_t)i), e = ref_expf(x), l = ref_logf(x);
        is_near_double(x, e, l);
        hash_e = fnv1a(hash_e, e);
        hash_l = fnv1a(hash_l, l);
    }
    ck_assert_msg(hash_e == 0x5d457fc0e2490456u, "exp: %llx", (unsigned long long)hash_e);
    ck_assert_msg(hash_l == 0x5feaca5ee8234025u, "log: %llx", (unsigned long long)hash_l);
}
END_TEST

START_TEST(ends_of_the_range)
{
    ck_assert(ref_expf(0) == 1 && ref_expf(-0.0f) == 1 && ref_expf(-INFINITY) == 0 && ref_expf(INFINITY) == INFINITY);
    ck_assert(ref_expf(88.8f) == INFINITY && ref_expf(-104.1f) == 0 && ref_expf(-103) == 0x1p-149f);
    ck_assert(ref_logf(1) == 0 && ref_logf(0) == -INFINITY && ref_logf(-0.0f) == -INFINITY);
    ck_assert(ref_logf(INFINITY) == INFINITY && isnan(ref_logf(-INFINITY)));
    ck_assert(ref_logf(0x1p-149f) == (float)log(0x1p-149) && ref_logf(0x1.fffffep127f) == (float)log(0x1.fffffep127));
}
END_TEST

/* Units of the last place of a float near `want`. */
static double error_in_ulps(float y, double want)
{
    const int exponent = want == 0 ? -149 : ilogb(want) < -126 ? -126 : ilogb(want);
    return fabs((double)y - want) / ldexp(1.0, exponent - 23);
}

START_TEST(tanh_and_sigmoid)
{
    uint64_t hash_t = 0xcbf29ce484222325u, hash_s = hash_t;
    double worst_t = 0, worst_s = 0;
    for (uint64_t i = 0; i < (uint64_t)1 << 32; i += 10007) {
        const float x = from_bits((uint32_t)i), t = ref_tanhf(x);
        float s;
        ref_sigmoid_forward(1, &x, &s);
        if (isnan(x)) {
            ck_assert(isnan(t) && isnan(s));
        } else {
            const double sigmoid = 1.0 / (1.0 + exp(-(double)x));
            worst_t = fmax(worst_t, error_in_ulps(t, tanh((double)x)));
            if (sigmoid >= 0x1p-99) worst_s = fmax(worst_s, error_in_ulps(s, sigmoid));
            else ck_assert_msg(s < 0x1p-98f && (s == 0 || s >= 0x1p-100f), "sigmoid(%a) is %a", x, s);
            ck_assert(signbit(t) == signbit(x) && fabsf(t) <= 1 && s >= 0 && s <= 1);
        }
        hash_t = fnv1a(hash_t, t);
        hash_s = fnv1a(hash_s, s);
    }
    ck_assert_msg(worst_t < 2.5 && worst_s < 2.5, "tanh: %.3f ULP, sigmoid: %.3f ULP", worst_t, worst_s);
    ck_assert_msg(hash_t == 0xcf0fcf2df58944bf, "tanh: %llx", (unsigned long long)hash_t);
    ck_assert_msg(hash_s == 0xf5820da151deaa52, "sigmoid: %llx", (unsigned long long)hash_s);
}
END_TEST

START_TEST(ends_of_tanh_and_sigmoid)
{
    const float x[] = {0, -0.0f, INFINITY, -INFINITY, NAN, 0x1p-149f, -0x1p-130f, 20, -70, 0x1p-13f};
    const float tangens[] = {0, 0, 1, -1, NAN, 0x1p-149f, -0x1p-130f, 1, -1, 0x1p-13f};
    const float sigmoid[] = {0.5f, 0.5f, 1, 0, NAN, 0.5f, 0.5f, 1, 0, 0.500030518f};
    float s[LENGTH(x)], t[LENGTH(x)];
    ref_tanh_forward(LENGTH(x), x, t);
    ref_sigmoid_forward(LENGTH(x), x, s);
    for (int i = 0; i < LENGTH(x); i++) {
        ck_assert_msg(same(t[i], tangens[i]) && signbit(t[i]) == signbit(x[i]), "tanh(%a) is %a", x[i], t[i]);
        ck_assert_msg(same(s[i], sigmoid[i]), "sigmoid(%a) is %.9g", x[i], s[i]);
    }
    const float low[] = {-69.4f, -1000, -69.2f};
    ref_sigmoid_forward(3, low, s);
    ck_assert(s[0] == 0 && s[1] == 0 && s[2] > 0x1p-100f && s[2] < 0x1.3p-100f);
}
END_TEST

#if defined(__x86_64__) && defined(HAVE_SLEEF)
/* This file is for any CPU: only what follows may use AVX. */
#define AVX2 __attribute__((target("avx2,fma")))
AVX2 __m256 Sleef_finz_expf8_u10avx2(__m256 x);

AVX2 static void sleef_expf8(const float *x, float *y)
{
    _mm256_storeu_ps(y, Sleef_finz_expf8_u10avx2(_mm256_loadu_ps(x)));
}

START_TEST(exp_is_sleef)
{
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
        fprintf(stderr, "SKIP exp_is_sleef: this CPU has no AVX2 and FMA\n");
        return;
    }
    for (uint64_t i = 0; i < (uint64_t)1 << 32; i += 8 * 251) {
        float x[8], y[8];
        for (uint64_t j = 0; j < 8; j++) x[j] = from_bits((uint32_t)(i + j * 251));
        sleef_expf8(x, y);
        for (int j = 0; j < 8; j++) {
            const uint32_t got = bits_of(ref_expf(x[j]));
            if (got != bits_of(y[j])) ck_abort_msg("exp(%a) is %08x, SLEEF has %08x", x[j], got, bits_of(y[j]));
        }
    }
}
END_TEST
#endif

int main(void)
{
    TCase *tests = tcase_create("functions");
    tcase_add_test(tests, every_40009th_float);
    tcase_add_test(tests, ends_of_the_range);
    tcase_add_test(tests, tanh_and_sigmoid);
    tcase_add_test(tests, ends_of_tanh_and_sigmoid);
#if defined(__x86_64__) && defined(HAVE_SLEEF)
    tcase_add_test(tests, exp_is_sleef);
#else
    fprintf(stderr, "SKIP exp_is_sleef: no AVX2 on this machine, or no SLEEF\n");
#endif
    return run_tests(tests, "functions of the reference");
}
