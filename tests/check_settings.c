/* SPDX-License-Identifier: BSD-2-Clause
 * Options and environment: caps, lists of words, threads. A value that cannot be understood is refused by name. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/dispatch.h"
#include "tests/suite.h"

START_TEST(caps)
{
    clean_settings();
    fcnn_cpu_pretend(cpus[2]);
    const char *best = best_isa();
    char want[96];
    snprintf(want, sizeof want, "conv2d_fwd_direct_%s", best);
    expect_kernel(CONV, NULL, want);
    setenv("FASTCNN_ISA", "scalar", 1);
    expect_kernel(CONV, NULL, "conv2d_fwd_direct_scalar");
    expect_kernel(CONV, &(fcnn_options){.isa = best}, want); /* the API wins */
    setenv("FASTCNN_ISA", "", 1);                     /* as if unset */
    expect_kernel(CONV, NULL, want);
    fcnn_cpu_pretend(cpus[0]); /* a cap cannot raise */
    expect_kernel(CONV, &(fcnn_options){.isa = best}, "conv2d_fwd_direct_scalar");
    setenv("FASTCNN_ISA", "avx9", 1);
    expect_failure(CONV, NULL, FCNN_BAD_SETTING, "avx9");
    expect_failure(CONV, NULL, FCNN_BAD_SETTING, "FASTCNN_ISA");
    clean_settings();
    expect_failure(CONV, &(fcnn_options){.isa = "AVX2"}, FCNN_BAD_SETTING, "AVX2");
    ck_assert_int_eq(fcnn_options_check(&(fcnn_options){.isa = "AVX2"}), FCNN_BAD_SETTING);
}
END_TEST

/* The highest instruction set that may be used: what the benchmark holds its peers to. */
START_TEST(the_highest_one)
{
    struct fcnn_settings settings;
    clean_settings();
    for (int i = 0; i < CPUS; i++) {
        fcnn_cpu_pretend(cpus[i]);
        ck_assert_int_eq(fcnn_settings_read(&settings, NULL), FCNN_OK);
        ck_assert_str_eq(fcnn_isas[settings.isa].name, best_isa());
        ck_assert_int_eq(fcnn_settings_read(&settings, &(fcnn_options){.isa = "scalar"}), FCNN_OK);
        ck_assert_int_eq(settings.isa, FCNN_SCALAR);
    }
}
END_TEST

/* A cap is a rank within a family: whatever the enum's order is, and whatever comes later. */
START_TEST(caps_of_other_families)
{
    const struct fcnn_isa_row *scalar = &fcnn_isas[FCNN_SCALAR], *avx2 = &fcnn_isas[FCNN_AVX2];
    const struct fcnn_isa_row *avx512 = &fcnn_isas[FCNN_AVX512], *neon = &fcnn_isas[FCNN_NEON];
    const struct fcnn_isa_row amx = {.name = "amx", .family = FCNN_X86, .rank = avx512->rank + 1};
    const struct fcnn_isa_row *const all[] = {scalar, avx2, avx512, neon, &amx};
    for (int i = 0; i < 5; i++) {
        ck_assert(fcnn_isa_is_within(scalar, all[i]));
        ck_assert(fcnn_isa_is_within(all[i], all[i]));
        ck_assert_int_eq(fcnn_isa_is_within(all[i], scalar), i == 0);
        ck_assert_int_eq(fcnn_isa_is_within(all[i], neon), i == 0 || i == 3);
        ck_assert_int_eq(fcnn_isa_is_within(neon, all[i]), i == 3);
        ck_assert_int_eq(fcnn_isa_is_within(all[i], &amx), i != 3);
        ck_assert_int_eq(fcnn_isa_is_within(all[i], avx2), i < 2);
    }
    clean_settings();
    for (int i = 0; i < FCNN_ISAS; i++) {
        const struct fcnn_isa_row *cap = &fcnn_isas[i];
        const fcnn_options options = {.isa = cap->name};
        if (cap->family == FCNN_EVERYWHERE || cap->family == fcnn_family_here) {
            ck_assert_int_eq(fcnn_options_check(&options), FCNN_OK);
            continue;
        }
        expect_failure(CONV, &options, FCNN_BAD_SETTING, cap->name);
        expect_failure(CONV, &options, FCNN_BAD_SETTING, "other CPUs");
        expect_failure(CONV, &options, FCNN_BAD_SETTING, "expected scalar");
        setenv("FASTCNN_ISA", cap->name, 1);
        expect_failure(CONV, NULL, FCNN_BAD_SETTING, "FASTCNN_ISA");
        clean_settings();
    }
}
END_TEST

/* Words of up to FCNN_WORD - 1 characters are taken, longer ones are refused. */
START_TEST(long_words)
{
    char longest[FCNN_WORD], longer[FCNN_WORD + 1], list[3 * FCNN_WORD];
    memset(longest, '*', sizeof longest), longest[FCNN_WORD - 1] = 0;
    memset(longer, '*', sizeof longer), longer[FCNN_WORD] = 0;
    clean_settings();
    ck_assert_int_eq(fcnn_options_check(&(fcnn_options){.kernel = longest}), FCNN_OK);
    expect_best(CONV, &(fcnn_options){.kernel = longest}, "conv2d_fwd_direct");
    expect_failure(CONV, &(fcnn_options){.kernel = longer}, FCNN_BAD_SETTING, "words of 1 to 255 characters");
    snprintf(list, sizeof list, "conv2d_fwd_naive,%s", longer);
    expect_failure(CONV, &(fcnn_options){.kernel = list}, FCNN_BAD_SETTING, "words of");
    expect_failure(CONV, &(fcnn_options){.math = longest}, FCNN_BAD_SETTING, "names the numerics class");
    expect_failure(CONV, &(fcnn_options){.math = longer}, FCNN_BAD_SETTING, "words of");
    setenv("FASTCNN_VERBOSE", longest, 1);
    expect_failure(CONV, NULL, FCNN_BAD_SETTING, "expected dispatch");
    setenv("FASTCNN_VERBOSE", longer, 1);
    expect_failure(CONV, NULL, FCNN_BAD_SETTING, "words of");
}
END_TEST
START_TEST(threads)
{
    struct fcnn_settings settings;
    clean_settings();
    setenv("FASTCNN_NUM_THREADS", "3", 1);
    ck_assert_int_eq(fcnn_settings_read(&settings, NULL), FCNN_OK);
    ck_assert_int_eq(settings.threads, 3);
    ck_assert_int_eq(fcnn_settings_read(&settings, &(fcnn_options){.threads = 2}), FCNN_OK);
    ck_assert_int_eq(settings.threads, 2);
    ck_assert_int_eq(fcnn_settings_read(&settings, &(fcnn_options){.threads = -1}), FCNN_BAD_SETTING);
    static const char *const bad[] = {"0", "-2", "two", "3x", "99999999999999999999"};
    for (int i = 0; i < 5; i++) {
        setenv("FASTCNN_NUM_THREADS", bad[i], 1);
        ck_assert_msg(fcnn_settings_read(&settings, NULL) == FCNN_BAD_SETTING, "%s threads were taken", bad[i]);
        ck_assert_ptr_nonnull(strstr(fcnn_last_error(), bad[i]));
    }
}
END_TEST

/* "48K,2M,4M", or the machine's: any that are absurd, none that cannot be understood. */
START_TEST(caches)
{
    struct fcnn_settings settings;
    clean_settings();
    ck_assert_int_eq(fcnn_settings_read(&settings, NULL), FCNN_OK);
    ck_assert_mem_eq(&settings.caches, fcnn_cpu_caches(), sizeof settings.caches);
    ck_assert(settings.caches.l1 > 0 && settings.caches.l2 >= settings.caches.l1);
    ck_assert(settings.caches.share >= settings.caches.l2);
    setenv("FASTCNN_CACHES", "48K,2M,5000000", 1);
    ck_assert_int_eq(fcnn_settings_read(&settings, NULL), FCNN_BAD_SETTING); /* more than 2^20 of a unit */
    setenv("FASTCNN_CACHES", "48K,2M,500000", 1);
    ck_assert_int_eq(fcnn_settings_read(&settings, NULL), FCNN_OK);
    ck_assert(settings.caches.l1 == 48 << 10 && settings.caches.l2 == 2 << 20 && settings.caches.share == 500000);
    static const char *const bad[] = {"48K", "48K,2M", "48K,2M,", "48K,2M,4M,", "48K,2M,4M,1", "48K;2M;4M", "0,1,1",
                                      "-1,1,1", "1G,1,1", "48KK,2M,4M", " 1,1,1", "1,1,99999999999999999999", "x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        setenv("FASTCNN_CACHES", bad[i], 1);
        expect_failure(CONV, NULL, FCNN_BAD_SETTING, bad[i]);
        expect_failure(CONV, NULL, FCNN_BAD_SETTING, "FASTCNN_CACHES");
    }
    unsetenv("FASTCNN_CACHES");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("settings");
    TCase *cases = tcase_create("settings");
    tcase_add_test(cases, caps);
    tcase_add_test(cases, the_highest_one);
    tcase_add_test(cases, caps_of_other_families);
    tcase_add_test(cases, long_words);
    tcase_add_test(cases, threads);
    tcase_add_test(cases, caches);
    tcase_set_timeout(cases, 60);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
