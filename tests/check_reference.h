/* SPDX-License-Identifier: BSD-2-Clause
 * What the check_reference programs share: random numbers and the end of main(). */
#ifndef FCNN_CHECK_REFERENCE_H
#define FCNN_CHECK_REFERENCE_H

#include <check.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "tests/suite.h"

#define EPS 0x1p-24 /* half an ULP of 1.0f */
#define LENGTH(array) ((int)(sizeof(array) / sizeof *(array)))

/* SplitMix64 (Steele, Lea, Flood 2014). Every test seeds its own state with a constant. */
static inline uint64_t random_bits(uint64_t *seed)
{
    uint64_t z = *seed += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* lo .. hi */
static inline int64_t random_integer(uint64_t *seed, int64_t lo, int64_t hi)
{
    return lo + (int64_t)(random_bits(seed) % (uint64_t)(hi - lo + 1));
}

/* Equal, with +0 = -0 and one NaN like another. */
static inline int same(float a, float b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* A new array: integers -range .. range, times scale. Zero-filled if range is 0. */
static inline float *random_array(uint64_t *seed, int64_t count, int64_t range, float scale)
{
    float *array = calloc((size_t)count, sizeof *array);
    ck_assert_ptr_nonnull(array);
    for (int64_t i = 0; range > 0 && i < count; i++) array[i] = (float)random_integer(seed, -range, range) * scale;
    return array;
}

/* The exit status of the program. */
static inline int run_tests(TCase *tests, const char *name)
{
    Suite *suite = suite_create(name);
    suite_add_tcase(suite, tests);
    tcase_set_timeout(tests, 120);
    return run_suite(suite);
}

#endif
