/* SPDX-License-Identifier: BSD-2-Clause
 * The table of instruction sets against what is written elsewhere: the flags of configure, the names that users know,
 * the numbers in compiled programs. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/peak/peak.h"
#include "tests/dispatch.h"
#include "tests/suite.h"

/* By hand, on purpose: these values are in compiled programs, these names in scripts and tuning files. */
static const struct { fcnn_isa isa; int value; const char *name; double flops; const char *flags; } known[] = {
    {FCNN_SCALAR, 0, "scalar", 2 * 12, NULL},
    {FCNN_AVX2, 1, "avx2", 2 * 8 * 12, "AVX2_CFLAGS"},
    {FCNN_AVX512, 2, "avx512", 2 * 16 * 12, "AVX512_CFLAGS"},
    {FCNN_NEON, 3, "neon", 2 * 4 * 12, NULL}};
#define KNOWN (int)(sizeof known / sizeof *known)
static const struct { fcnn_class numerics; int value; const char *name; } classes[] = {
    {FCNN_EXACT, 0, "exact"},
    {FCNN_WINOGRAD_F2, 1, "winograd_f2"},
    {FCNN_WINOGRAD_F4, 2, "winograd_f4"},
    {FCNN_BF16, 3, "bf16"}};

START_TEST(names)
{
    ck_assert_int_eq(KNOWN, FCNN_ISAS);
    ck_assert_int_eq(sizeof classes / sizeof *classes, FCNN_CLASSES);
    for (int i = 0; i < KNOWN; i++) {
        ck_assert_int_eq((int)known[i].isa, known[i].value);
        ck_assert_str_eq(fcnn_isa_name(known[i].isa), known[i].name);
    }
    for (int i = 0; i < FCNN_CLASSES; i++) {
        ck_assert_int_eq((int)classes[i].numerics, classes[i].value);
        ck_assert_str_eq(fcnn_class_name(classes[i].numerics), classes[i].name);
    }
    ck_assert_str_eq(fcnn_isa_name((fcnn_isa)KNOWN), "unknown");
    ck_assert_str_eq(fcnn_isa_name((fcnn_isa)-1), "unknown");
    ck_assert_str_eq(fcnn_class_name((fcnn_class)FCNN_CLASSES), "unknown");
}
END_TEST

START_TEST(rows)
{
    for (int i = 0; i < FCNN_ISAS; i++) {
        const struct fcnn_isa_row *row = &fcnn_isas[i];
        const int everywhere = row->family == FCNN_EVERYWHERE;
        ck_assert_int_eq(everywhere, i == FCNN_SCALAR);
        ck_assert_int_eq(row->rank > 0, !everywhere);
        ck_assert_int_eq(row->built, row->loops != NULL);
        ck_assert(everywhere || (row->missing && row->unbuilt));
        ck_assert(strstr(row->capped, row->name) && strstr(row->first, row->name));
        if (row->loops) ck_assert_double_eq(row->loops->flops, known[i].flops);
        for (int j = 0; j < i; j++) ck_assert(fcnn_isas[j].family != row->family || fcnn_isas[j].rank != row->rank);
    }
}
END_TEST

/* A kernel's name ends in its instruction set's. */
START_TEST(kernels)
{
    for (int i = 0; i < fcnn_kernels_count; i++) {
        const struct fcnn_kernel *kernel = &fcnn_kernels[i];
        const char *end = strrchr(kernel->name, '_') + 1;
        ck_assert(fcnn_isas[kernel->isa].built);
        ck_assert_msg(!strcmp(end, fcnn_isa_name(kernel->isa)) || (!strcmp(end, "naive") && kernel->isa == FCNN_SCALAR),
                      "%s stands as %s", kernel->name, fcnn_isa_name(kernel->isa));
    }
}
END_TEST

static unsigned feature_of(const char *name)
{
#define IS(feature, text) if (!strcmp(name, text)) return FCNN_FEATURE_##feature;
    FCNN_FEATURES(IS)
#undef IS
    return 0;
}

/* What the compiler may use is what a CPU is asked for: no more, or kernels crash; no less, or they are withheld. */
START_TEST(compiler_flags)
{
    for (int i = 0; i < KNOWN; i++) {
        const char *flags = known[i].flags ? getenv(known[i].flags) : NULL;
        char text[256], *rest = text;
        unsigned features = 0;
        if (!flags) continue;
        snprintf(text, sizeof text, "%s", flags);
        for (char *flag; (flag = strtok_r(rest, " ", &rest));) {
            ck_assert_msg(!strncmp(flag, "-m", 2) && feature_of(flag + 2), "%s: no feature of the table", flag);
            features |= feature_of(flag + 2);
        }
        ck_assert_msg(features == fcnn_isas[i].needs, "%s is built with %s", known[i].name, flags);
    }
}
END_TEST

/* The list of features is one constant, whoever asks. */
START_TEST(features)
{
    fcnn_machine a, b;
    fcnn_machine_describe(&a);
    fcnn_machine_describe(&b);
    ck_assert_ptr_eq(a.features, b.features);
    clean_settings();
    ck_assert_uint_eq(a.isas, fcnn_cpu_isas());
    ck_assert_int_eq(strstr(a.features, "fma") && strstr(a.features, "avx2") && fcnn_isas[FCNN_AVX2].built,
                     (int)(a.isas >> FCNN_AVX2 & 1));
    ck_assert_uint_eq(fcnn_isas[FCNN_NEON].needs, FCNN_FEATURE_ASIMD); /* no flags: they are AArch64's own */
    ck_assert_int_eq(strstr(a.features, "asimd") && fcnn_isas[FCNN_NEON].built, (int)(a.isas >> FCNN_NEON & 1));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("isas");
    TCase *cases = tcase_create("isas");
    if (!getenv("AVX2_CFLAGS")) puts("SKIP compiler_flags: AVX2_CFLAGS is not in the environment (make check sets it)");
    tcase_add_test(cases, names);
    tcase_add_test(cases, rows);
    tcase_add_test(cases, kernels);
    tcase_add_test(cases, compiler_flags);
    tcase_add_test(cases, features);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
