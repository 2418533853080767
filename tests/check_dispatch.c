/* SPDX-License-Identifier: BSD-2-Clause
 * Which kernel is taken: for CPUs with more and less than this one has, under caps, pins, wishes and numerics classes,
 * from options and environment. Plans for a pretended CPU are never made: kernels are only looked up. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fill.h"
#include "tests/shapes.h"
#include "tests/suite.h"

static const unsigned masks[] = {1u << FCNN_SCALAR, 1u << FCNN_SCALAR | 1u << FCNN_AVX2,
                                 1u << FCNN_SCALAR | 1u << FCNN_AVX2 | 1u << FCNN_AVX512};
#define MASKS 3

static fcnn_problem parse(const char *text)
{
    fcnn_problem problem;
    ck_assert_msg(fcnn_problem_parse(&problem, text) == FCNN_OK, "%s", fcnn_last_error());
    return problem;
}

static void clean(void)
{
    unsetenv("FASTCNN_ISA");
    unsetenv("FASTCNN_KERNEL");
    unsetenv("FASTCNN_MATH");
    unsetenv("FASTCNN_NUM_THREADS");
    fcnn_cpu_pretend(~0u);
}

/* The name of the kernel, or "" with the status. */
static const char *chosen(const char *text, const fcnn_options *options, fcnn_status *status)
{
    const fcnn_problem problem = parse(text);
    struct fcnn_settings settings;
    *status = fcnn_settings_read(&settings, options);
    if (*status) return "";
    const struct fcnn_kernel *kernel = fcnn_dispatch(&problem, &settings, status);
    ck_assert_int_eq(!kernel, *status != FCNN_OK);
    return kernel ? kernel->name : "";
}

static void expect(const char *text, const fcnn_options *options, const char *name)
{
    fcnn_status status;
    const char *got = chosen(text, options, &status);
    ck_assert_msg(status == FCNN_OK, "%s: %s", text, fcnn_last_error());
    ck_assert_msg(strcmp(got, name) == 0, "%s: want %s got %s", text, name, got);
}

static void expect_failure(const char *text, const fcnn_options *options, fcnn_status want, const char *named)
{
    fcnn_status status;
    const char *got = chosen(text, options, &status);
    ck_assert_msg(status == want, "%s: want \"%s\", got \"%s\" and kernel \"%s\"", text, fcnn_status_text(want),
                  fcnn_status_text(status), got);
    ck_assert_msg(strstr(fcnn_last_error(), named) != NULL, "\"%s\" does not name \"%s\"", fcnn_last_error(), named);
}

#define LAYER "mb64ic32ih13oc64oh11kh3ph0"
#define CONV "conv2d+relu forward " LAYER

/* Rows taken on a full problem; the instruction set is appended. */
static const struct { const char *problem, *kernel; } taken[] = {
    {"conv2d+relu forward " LAYER, "conv2d_fwd_direct"},
    {"conv2d backward_data " LAYER, "conv2d_bwd_data_direct"},
    {"conv2d+relu backward_weights " LAYER, "conv2d_bwd_weights_direct"},
    {"conv2d+relu+maxpool forward " LAYER, "conv2d_pool_fwd_direct"},
    {"conv2d+relu+maxpool backward_data " LAYER, "conv2d_pool_bwd_data_sparse"},
    {"conv2d+relu+maxpool backward_weights " LAYER, "conv2d_pool_bwd_weights_sparse"},
    {"dense+relu forward mb64ic576oc64", "dense_fwd_gemm"},
    {"dense backward_data mb64ic576oc64", "dense_bwd_data_gemm"},
    {"dense backward_weights mb64ic576oc64", "dense_bwd_weights_gemm"},
    {"maxpool forward mb8ic32ih13kh2sh2", "maxpool_fwd_direct"},
    {"maxpool backward_data mb8ic32ih13kh2sh2", "maxpool_bwd_data_direct"},
    {"avgpool forward mb8ic32ih13kh2sh2", "avgpool_fwd_direct"},
    {"avgpool backward_data mb8ic32ih13kh2sh2", "avgpool_bwd_data_direct"},
    {"relu forward mb8ic32ih13", "relu_fwd_vector"},
    {"relu backward_data mb8ic32ih13", "relu_bwd_data_vector"},
    {"softmax forward mb8ic10", "softmax_fwd_vector"},
    {"cross_entropy forward mb8ic10", "cross_entropy_fwd_vector"},
    {"cross_entropy backward_data mb8ic10", "cross_entropy_bwd_data_vector"},
    {"reduce forward mb8ic1000", "reduce_fwd_vector"},
    {"adam update mb1ic4096", "adam_update_vector"},
    {"sgd update mb1ic4096", "sgd_update_vector"}};
#define TAKEN (int)(sizeof taken / sizeof *taken)

/* The best of what is compiled in under a mask. */
static const char *best_isa(void)
{
    const unsigned isas = fcnn_cpu_isas();
    return isas & 1u << FCNN_AVX512 ? "avx512" : isas & 1u << FCNN_AVX2 ? "avx2" : "scalar";
}

START_TEST(every_operation_on_every_cpu)
{
    clean();
    for (int i = 0; i < MASKS; i++) {
        fcnn_cpu_pretend(masks[i]);
        char want[96];
        snprintf(want, sizeof want, "%s_%s", taken[_i].kernel, best_isa());
        expect(taken[_i].problem, NULL, want);
        snprintf(want, sizeof want, "%s_scalar", taken[_i].kernel);
        expect(taken[_i].problem, &(fcnn_options){.isa = "scalar"}, want);
    }
}
END_TEST

/* What must hold for any problem, whatever dispatch prefers: inside the CPU, inside the classes, and not the reference
 * where a kernel is there. */
START_TEST(choice_is_allowed)
{
    clean();
    struct fcnn_settings settings;
    fcnn_cpu_pretend(masks[_i]);
    ck_assert_int_eq(fcnn_settings_read(&settings, NULL), FCNN_OK);
    ck_assert_uint_eq(settings.classes, 1u << FCNN_EXACT);
    for (int row = 0; row < fcnn_kernels_count; row++) {
        uint64_t state = (uint64_t)row;
        for (int i = 0; i < 20; i++) {
            const fcnn_problem p = shapes_random(fcnn_kernels[row].op, fcnn_kernels[row].direction, &state, 1e5);
            fcnn_status status;
            const struct fcnn_kernel *kernel = fcnn_dispatch(&p, &settings, &status);
            ck_assert_msg(kernel != NULL, "%s", fcnn_last_error());
            ck_assert_int_eq(kernel->op, p.op);
            ck_assert_int_eq(kernel->direction, p.direction);
            ck_assert_msg(masks[_i] & 1u << kernel->isa, "%s is beyond the CPU", kernel->name);
            ck_assert_int_eq(kernel->numerics, FCNN_EXACT);
            ck_assert_str_eq(fcnn_dispatch_reason(kernel, &p, &settings), "");
            const int other = *fcnn_dispatch_reason(&fcnn_kernels[row], &p, &settings) == 0;
            const struct fcnn_kernel *naive = naive_kernel(p.op, p.direction);
            ck_assert_msg(!other || &fcnn_kernels[row] == naive || kernel != naive, "%s is free, but %s was taken",
                          fcnn_kernels[row].name, kernel->name);
        }
    }
}
END_TEST

START_TEST(caps)
{
    clean();
    fcnn_cpu_pretend(masks[2]);
    const char *best = best_isa();
    char want[96];
    snprintf(want, sizeof want, "conv2d_fwd_direct_%s", best);
    expect(CONV, NULL, want);
    setenv("FASTCNN_ISA", "scalar", 1);
    expect(CONV, NULL, "conv2d_fwd_direct_scalar");
    expect(CONV, &(fcnn_options){.isa = best}, want); /* the API wins */
    setenv("FASTCNN_ISA", "", 1);                     /* as if unset */
    expect(CONV, NULL, want);
    fcnn_cpu_pretend(masks[0]); /* a cap cannot raise */
    expect(CONV, &(fcnn_options){.isa = "avx512"}, "conv2d_fwd_direct_scalar");
    setenv("FASTCNN_ISA", "avx9", 1);
    expect_failure(CONV, NULL, FCNN_BAD_SETTING, "avx9");
    expect_failure(CONV, NULL, FCNN_BAD_SETTING, "FASTCNN_ISA");
    clean();
    expect_failure(CONV, &(fcnn_options){.isa = "AVX2"}, FCNN_BAD_SETTING, "AVX2");
    ck_assert_int_eq(fcnn_options_check(&(fcnn_options){.isa = "AVX2"}), FCNN_BAD_SETTING);
}
END_TEST

START_TEST(pins)
{
    clean();
    expect(CONV, &(fcnn_options){.kernel = "conv2d_fwd_naive"}, "conv2d_fwd_naive");
    setenv("FASTCNN_KERNEL", "conv2d_fwd_naive,dense_fwd_naive", 1);
    expect(CONV, NULL, "conv2d_fwd_naive");
    expect("dense forward mb1ic3oc4", NULL, "dense_fwd_naive");
    expect("softmax forward mb8ic10", &(fcnn_options){.isa = "scalar"}, "softmax_fwd_vector_scalar");
    expect(CONV, &(fcnn_options){.kernel = "conv2d_fwd_im2col_scalar"}, "conv2d_fwd_im2col_scalar"); /* the API wins */
    clean();
    expect_failure(CONV, &(fcnn_options){.kernel = "conv2d_fwd_nave"}, FCNN_BAD_SETTING, "conv2d_fwd_nave");
    expect_failure(CONV, &(fcnn_options){.kernel = "conv2d_fwd_naive,nonsense"}, FCNN_BAD_SETTING, "nonsense");
    expect_failure(CONV, &(fcnn_options){.kernel = "conv2d_fwd_naiv?"}, FCNN_BAD_SETTING, "conv2d_fwd_naiv?");
    setenv("FASTCNN_KERNEL", "conv2d_fwd_naive,,dense_fwd_naive", 1);
    expect_failure(CONV, NULL, FCNN_BAD_SETTING, "FASTCNN_KERNEL");
    setenv("FASTCNN_KERNEL", "conv3d", 1);
    expect_failure("relu forward mb1ic3", NULL, FCNN_BAD_SETTING, "conv3d");
}
END_TEST

/* A pinned kernel that the CPU or a cap excludes is an error, not a reason to run another one. */
START_TEST(pins_that_cannot_serve)
{
    clean();
    fcnn_cpu_pretend(masks[2]);
    if (!(fcnn_cpu_isas() & 1u << FCNN_AVX2)) return; /* AVX2 was not built: such a name does not exist */
    const fcnn_options pin = {.kernel = "relu_fwd_vector_avx2"};
    expect("relu forward mb1ic3", &pin, "relu_fwd_vector_avx2");
    fcnn_cpu_pretend(masks[0]);
    expect_failure("relu forward mb1ic3", &pin, FCNN_NO_KERNEL, "relu_fwd_vector_avx2");
    expect_failure("relu forward mb1ic3", &pin, FCNN_NO_KERNEL, "AVX2");
    fcnn_cpu_pretend(masks[2]);
    setenv("FASTCNN_ISA", "scalar", 1);
    expect_failure("relu forward mb1ic3", &pin, FCNN_NO_KERNEL, "relu_fwd_vector_avx2");
    expect_failure("relu forward mb1ic3", &pin, FCNN_NO_KERNEL, "capped at scalar");
    expect(CONV, &pin, "conv2d_fwd_direct_scalar"); /* not its operation */
}
END_TEST

START_TEST(wishes)
{
    clean();
    fcnn_cpu_pretend(masks[0]);
    const fcnn_options im2col = {.kernel = "*_im2col_*"};
    expect(CONV, &im2col, "conv2d_fwd_im2col_scalar");
    expect("dense forward mb1ic3oc4", &im2col, "dense_fwd_gemm_scalar"); /* passed over where it fits nothing */
    expect("dense forward mb1ic3oc4", &(fcnn_options){.kernel = "*_naive"}, "dense_fwd_naive");
    expect(CONV, &(fcnn_options){.kernel = "dense_*,conv2d_fwd_naive,*_im2col_*"}, "conv2d_fwd_naive");
    expect(CONV, &(fcnn_options){.kernel = "*_im2col_*,conv2d_fwd_naive"}, "conv2d_fwd_im2col_scalar");
    expect(CONV, &(fcnn_options){.kernel = "*_avx2,*_naive"}, "conv2d_fwd_naive");
    fcnn_cpu_pretend(masks[2]);
    if (strcmp(best_isa(), "avx512") == 0) {
        expect(CONV, &im2col, "conv2d_fwd_im2col_avx512");
        expect(CONV, &(fcnn_options){.kernel = "*_im2col_*", .isa = "avx2"}, "conv2d_fwd_im2col_avx2");
    }
}
END_TEST

START_TEST(classes)
{
    static const struct { const char *text; unsigned classes; } good[] = {
        {"exact", 1u << FCNN_EXACT},
        {"winograd_f2", 1u << FCNN_WINOGRAD_F2},
        {"exact,winograd_f2,winograd_f4", 1u << FCNN_EXACT | 1u << FCNN_WINOGRAD_F2 | 1u << FCNN_WINOGRAD_F4}};
    struct fcnn_settings settings;
    clean();
    for (int i = 0; i < 3; i++) {
        setenv("FASTCNN_MATH", good[i].text, 1);
        ck_assert_int_eq(fcnn_settings_read(&settings, NULL), FCNN_OK);
        ck_assert_uint_eq(settings.classes, good[i].classes);
        ck_assert_int_eq(fcnn_settings_read(&settings, &(fcnn_options){.math = "exact"}), FCNN_OK);
        ck_assert_uint_eq(settings.classes, 1u << FCNN_EXACT);
    }
    const fcnn_options winograd = {.math = "exact,winograd_f2,winograd_f4", .isa = "scalar"};
    expect("conv2d forward mb1ic32ih13oc64kh3", &winograd, "conv2d_fwd_winograd_f4_scalar");
    expect("conv2d forward mb1ic32ih13oc64kh5", &winograd, "conv2d_fwd_direct_scalar"); /* served by exact rows alone */
    setenv("FASTCNN_MATH", "fast", 1);
    expect_failure(CONV, NULL, FCNN_BAD_SETTING, "fast");
    expect_failure(CONV, &(fcnn_options){.math = "exact;winograd_f2"}, FCNN_BAD_SETTING, "exact;winograd_f2");
    clean();
    fcnn_status status;
    chosen("softmax forward mb8ic10", &(fcnn_options){.math = "winograd_f2"}, &status); /* all its rows are exact */
    ck_assert_int_eq(status, FCNN_NO_KERNEL);
    ck_assert_ptr_nonnull(strstr(fcnn_last_error(), "softmax forward mb8ic10"));
}
END_TEST

/* Winograd is passed over where it is expected to be slower; it still runs where it is alone or asked for. */
START_TEST(doubts)
{
    clean();
    fcnn_cpu_pretend(masks[0]);
    const fcnn_options all = {.math = "exact,winograd_f2,winograd_f4"}, f4 = {.math = "exact,winograd_f4"};
    expect("conv2d forward mb1ic64ih7oc64kh3ph1", &all, "conv2d_fwd_winograd_f4_scalar");
    expect("conv2d forward mb1ic64ih4oc64kh3ph1", &all, "conv2d_fwd_winograd_f2_scalar"); /* one tile of 4x4 */
    expect("conv2d forward mb1ic64ih4oc64kh3ph1", &f4, "conv2d_fwd_direct_scalar");
    expect("conv2d forward mb4ic64ih4oc64kh3ph1", &f4, "conv2d_fwd_winograd_f4_scalar");
    const char *large = "conv2d forward mb1ic512ih7oc512kh3ph1"; /* four tiles, 36 MB of transformed weights */
    expect(large, &all, "conv2d_fwd_winograd_f2_scalar");
    expect(large, &f4, "conv2d_fwd_direct_scalar");
    expect(large, &(fcnn_options){.math = "winograd_f4"}, "conv2d_fwd_winograd_f4_scalar");
    expect(large, &(fcnn_options){.math = f4.math, .kernel = "*_winograd_*"}, "conv2d_fwd_winograd_f4_scalar");
    expect(large, &(fcnn_options){.math = all.math, .kernel = "*_winograd_*"}, "conv2d_fwd_winograd_f2_scalar");
    expect(large, &(fcnn_options){.math = f4.math, .kernel = "conv2d_fwd_winograd_f4_scalar"},
           "conv2d_fwd_winograd_f4_scalar");
    /* backward weights: tiles of a block of images */
    expect("conv2d backward_weights mb1ic64ih7oc64kh3ph1", &all, "conv2d_bwd_weights_winograd_f2_scalar");
    expect("conv2d backward_weights mb2ic64ih7oc64kh3ph1", &all, "conv2d_bwd_weights_winograd_f4_scalar");
    expect("conv2d backward_weights mb1ic64ih4oc64kh3ph1", &all, "conv2d_bwd_weights_direct_scalar");
    /* 5x5 gradients of a 3x3 map: direct convolution skips what tiles would multiply by zero */
    expect("conv2d backward_data mb8ic64ih5oc64kh3", &all, "conv2d_bwd_data_direct_scalar");
    expect("conv2d+relu+maxpool forward mb8ic32ih13oc64kh3", &all, "conv2d_pool_fwd_winograd_f4_scalar");
    expect("conv2d+relu+maxpool forward mb8ic32ih3oc64kh3ph1", &f4, "conv2d_pool_fwd_direct_scalar");
    const char *narrow = "conv2d forward mb8ic16ih14oc16kh3ph1"; /* few channels share the transforms */
    expect(narrow, &f4, "conv2d_fwd_direct_scalar");
    fcnn_cpu_pretend(masks[2]); /* a kernel that is alone in its class is not left for one of a lower instruction set */
    char want[96];
    snprintf(want, sizeof want, "conv2d_fwd_winograd_f4_%s", best_isa());
    expect(narrow, &(fcnn_options){.math = "winograd_f4"}, want);
}
END_TEST

/* With more classes than one allowed the choice must not depend on the machine: another class has other bits. */
START_TEST(one_class_on_every_cpu)
{
    static const char *const allowed[] = {"exact,winograd_f4", "exact,winograd_f2", "exact,winograd_f2,winograd_f4"};
    clean();
    uint64_t state = 1;
    int winograd = 0, exact = 0;
    for (int i = 0; i < 600; i++) {
        fcnn_problem p = {.op = i % 4 ? FCNN_CONV2D : FCNN_CONV2D_POOL, .direction = (fcnn_direction)(i / 4 % 3),
                          .n = 1 + rng_below(&state, 9), .h = 1 + rng_below(&state, 30), .w = 1 + rng_below(&state, 30),
                          .c = 16 << rng_below(&state, 6), .k = 16 << rng_below(&state, 6), .r = 3, .s = 3};
        p.pad_top = p.pad_left = p.pad_bottom = p.pad_right = rng_below(&state, 2);
        if (fcnn_problem_check(&p)) continue;
        int taken_class = -1;
        for (int cpu = 0; cpu < MASKS; cpu++) {
            struct fcnn_settings settings;
            fcnn_status status;
            fcnn_cpu_pretend(masks[cpu]);
            ck_assert_int_eq(fcnn_settings_read(&settings, &(fcnn_options){.math = allowed[i % 3]}), FCNN_OK);
            const struct fcnn_kernel *kernel = fcnn_dispatch(&p, &settings, &status);
            ck_assert_msg(kernel && (taken_class < 0 || taken_class == (int)kernel->numerics), "%d: %s", i,
                          kernel ? kernel->name : "none");
            taken_class = (int)kernel->numerics;
        }
        *(taken_class == FCNN_EXACT ? &exact : &winograd) += 1;
    }
    ck_assert_msg(winograd > 50 && exact > 50, "%d with Winograd, %d exact", winograd, exact);
}
END_TEST

START_TEST(doubts_have_words)
{
    clean();
    const fcnn_problem large = parse("conv2d forward mb1ic512ih7oc512kh3ph1"), wide = parse(CONV);
    for (int i = 0; i < fcnn_kernel_count(); i++) {
        const fcnn_kernel_info info = fcnn_kernel_describe(i);
        const int f4 = info.op == FCNN_CONV2D && info.direction == FCNN_FORWARD && info.numerics == FCNN_WINOGRAD_F4;
        const int naive = strstr(info.name, "_fwd_naive") != NULL && info.op == FCNN_CONV2D;
        ck_assert_msg(!*fcnn_kernel_doubt(i, &large) == !(f4 || naive), "%s", info.name);
        if (!naive) ck_assert_str_eq(fcnn_kernel_doubt(i, &wide), "");
        ck_assert_str_eq(fcnn_kernel_doubt(i, NULL), "");
    }
    ck_assert_str_eq(fcnn_kernel_doubt(-1, &large), "");
    ck_assert_str_eq(fcnn_kernel_doubt(fcnn_kernel_count(), &large), "");
}
END_TEST

START_TEST(threads)
{
    struct fcnn_settings settings;
    clean();
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

START_TEST(reasons)
{
    clean();
    fcnn_problem conv = parse(CONV), softmax = parse("softmax forward mb8ic10");
    for (int i = 0; i < fcnn_kernel_count(); i++) {
        const fcnn_kernel_info info = fcnn_kernel_describe(i);
        if (info.op == FCNN_CONV2D) ck_assert_str_ne(fcnn_kernel_reason(i, &softmax, NULL), "");
        if (info.op != FCNN_CONV2D) ck_assert_str_ne(fcnn_kernel_reason(i, &conv, NULL), "");
        if (strcmp(info.name, "conv2d_fwd_naive")) continue;
        ck_assert_str_eq(fcnn_kernel_reason(i, &conv, NULL), "");
        const char *reason = fcnn_kernel_reason(i, &conv, &(fcnn_options){.math = "winograd_f4"});
        ck_assert_msg(strstr(reason, "exact") != NULL, "%s", reason);
        reason = fcnn_kernel_reason(i, &conv, &(fcnn_options){.math = "sloppy"});
        ck_assert_msg(strstr(reason, "sloppy") != NULL, "%s", reason);
    }
    ck_assert_str_ne(fcnn_kernel_reason(-1, &conv, NULL), "");
    ck_assert_str_ne(fcnn_kernel_reason(fcnn_kernel_count(), &conv, NULL), "");
    ck_assert_str_ne(fcnn_kernel_reason(0, NULL, NULL), "");
    fcnn_cpu_pretend(masks[0]);
    for (int i = 0; i < fcnn_kernel_count(); i++) {
        const fcnn_kernel_info info = fcnn_kernel_describe(i);
        ck_assert_int_eq(info.isa == FCNN_SCALAR, info.missing == NULL);
        if (info.op == FCNN_CONV2D && info.direction == FCNN_FORWARD && info.missing)
            ck_assert_str_eq(fcnn_kernel_reason(i, &conv, NULL), info.missing);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dispatch");
    TCase *cases = tcase_create("dispatch");
    tcase_add_loop_test(cases, every_operation_on_every_cpu, 0, TAKEN);
    tcase_add_loop_test(cases, choice_is_allowed, 0, MASKS);
    tcase_add_test(cases, caps);
    tcase_add_test(cases, pins);
    tcase_add_test(cases, pins_that_cannot_serve);
    tcase_add_test(cases, wishes);
    tcase_add_test(cases, classes);
    tcase_add_test(cases, doubts);
    tcase_add_test(cases, doubts_have_words);
    tcase_add_test(cases, one_class_on_every_cpu);
    tcase_add_test(cases, threads);
    tcase_add_test(cases, reasons);
    tcase_set_timeout(cases, 60);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
