/* SPDX-License-Identifier: BSD-2-Clause
 * lib/io/digits.c: the same images on every machine (a committed hash), however many are made at a time; balanced
 * labels; images that are images. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "lib/io/io.h"
#include "tests/suite.h"

#define PIXELS (28 * 28)
/* Of the first 64 images of seed 1, as bytes 0..255, and their labels as bytes. It changes with every change of the
 * drawing, and with it every hash of a training on synthetic digits. */
#define GOLDEN UINT64_C(0x4546afe6bdf54333)

static struct fcnn_dataset make(uint64_t seed, int64_t first, int64_t n)
{
    struct fcnn_dataset set;
    ck_assert(fcnn_digits_make(&set, seed, first, n) == FCNN_OK);
    ck_assert(set.n == n && set.h == 28 && set.w == 28 && set.c == 1);
    return set;
}

START_TEST(bits_are_the_committed_ones)
{
    static unsigned char bytes[64 * (PIXELS + 1)];
    struct fcnn_dataset set = make(1, 0, 64);
    for (int i = 0; i < 64 * PIXELS; i++) {
        bytes[i] = (unsigned char)(set.x[i] * 255.0f + 0.5f);
        ck_assert(set.x[i] == (float)bytes[i] / 255.0f);
    }
    for (int i = 0; i < 64; i++) bytes[64 * PIXELS + i] = (unsigned char)set.y[i];
    fcnn_dataset_free(&set);
    unsigned long long hash = XXH3_64bits(bytes, sizeof bytes);
    ck_assert_msg(hash == GOLDEN, "hash 0x%016llx", hash);
}
END_TEST

START_TEST(images_depend_on_seed_and_number_alone)
{
    struct fcnn_dataset all = make(7, 0, 50), other = make(8, 0, 50);
    for (int64_t first = 0, n = 1; first < 50; first += n, n = n * 2 + 1) {
        int64_t count = first + n > 50 ? 50 - first : n;
        struct fcnn_dataset part = make(7, first, count);
        ck_assert(!memcmp(part.x, all.x + first * PIXELS, (size_t)count * PIXELS * sizeof(float)));
        ck_assert(!memcmp(part.y, all.y + first, (size_t)count * sizeof(int32_t)));
        fcnn_dataset_free(&part);
    }
    ck_assert(memcmp(all.x, other.x, 50 * PIXELS * sizeof(float)) != 0);
    ck_assert(memcmp(all.y, other.y, 50 * sizeof(int32_t)) != 0);
    fcnn_dataset_free(&all);
    fcnn_dataset_free(&other);
}
END_TEST

/* All 64 bits of seed and number count: else test digits, which lie far behind, would be training digits again. */
START_TEST(every_bit_of_seed_and_number_counts)
{
    enum { N = 40 };
    struct fcnn_dataset near = make(1, 0, N);
    for (int bit = 0; bit < 63; bit++) {
        /* Ten times a power of two: the number of the permutation of the labels changes by exactly that bit. */
        struct fcnn_dataset far = make(1, bit < 59 ? (int64_t)10 << bit : (int64_t)1 << bit, N);
        struct fcnn_dataset seed = make(1 ^ (uint64_t)1 << (bit + 1), 0, N);
        ck_assert_msg(memcmp(near.x, far.x, PIXELS * sizeof(float)) != 0, "number, bit %d", bit);
        ck_assert_msg(memcmp(near.y, far.y, N * sizeof(int32_t)) != 0, "label's number, bit %d", bit);
        ck_assert_msg(memcmp(near.x, seed.x, PIXELS * sizeof(float)) != 0, "seed, bit %d", bit + 1);
        ck_assert_msg(memcmp(near.y, seed.y, N * sizeof(int32_t)) != 0, "label's seed, bit %d", bit + 1);
        fcnn_dataset_free(&far);
        fcnn_dataset_free(&seed);
    }
    fcnn_dataset_free(&near);
}
END_TEST

START_TEST(labels_are_balanced_and_mixed)
{
    enum { N = 2000 };
    struct fcnn_dataset set = make(3, (int64_t)1 << 40, N);
    int at_place[10][10] = {{0}};
    for (int i = 0; i < N; i++) {
        ck_assert(set.y[i] >= 0 && set.y[i] < 10);
        at_place[(((int64_t)1 << 40) + i) % 10][set.y[i]]++;
    }
    for (int digit = 0; digit < 10; digit++) {
        int sum = 0;
        for (int place = 0; place < 10; place++) {
            ck_assert(at_place[place][digit] > 0);
            sum += at_place[place][digit];
        }
        ck_assert(abs(sum - N / 10) <= 1); /* the first and the last ten may be cut */
    }
    fcnn_dataset_free(&set);
}
END_TEST

START_TEST(images_have_ink_and_paper_and_differ)
{
    enum { N = 1000 };
    struct fcnn_dataset set = make(5, 0, N);
    for (int i = 0; i < N; i++) {
        const float *x = set.x + i * PIXELS;
        int ink = 0;
        for (int j = 0; j < PIXELS; j++) {
            ck_assert(x[j] >= 0.0f && x[j] <= 1.0f);
            ink += x[j] > 0.5f;
        }
        ck_assert_msg(ink >= 10 && ink < PIXELS / 2, "image %d (a %d) has %d dark pixels", i, set.y[i], ink);
        if (i) ck_assert(memcmp(x, x - PIXELS, PIXELS * sizeof(float)) != 0);
    }
    fcnn_dataset_free(&set);
}
END_TEST

START_TEST(bad_arguments_are_refused)
{
    struct fcnn_dataset set;
    ck_assert(fcnn_digits_make(&set, 1, 0, 0) == FCNN_BAD_ARGUMENT);
    ck_assert(fcnn_digits_make(&set, 1, 0, -5) == FCNN_BAD_ARGUMENT);
    ck_assert(fcnn_digits_make(&set, 1, -1, 5) == FCNN_BAD_ARGUMENT);
    ck_assert(fcnn_digits_make(&set, 1, INT64_MAX, 5) == FCNN_BAD_ARGUMENT);
    ck_assert(fcnn_digits_make(&set, 1, 0, INT64_MAX) == FCNN_OUT_OF_MEMORY);
    ck_assert(!set.x && !set.y && !set.n);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("digits");
    TCase *tests = tcase_create("digits");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, bits_are_the_committed_ones);
    tcase_add_test(tests, every_bit_of_seed_and_number_counts);
    tcase_add_test(tests, images_depend_on_seed_and_number_alone);
    tcase_add_test(tests, labels_are_balanced_and_mixed);
    tcase_add_test(tests, images_have_ink_and_paper_and_differ);
    tcase_add_test(tests, bad_arguments_are_refused);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
