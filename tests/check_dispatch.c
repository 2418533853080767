/* SPDX-License-Identifier: BSD-2-Clause
 * Which kernel is taken: first the numerics class, which no machine changes, then the row. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/dispatch.h"
#include "tests/fill.h"
#include "tests/shapes.h"
#include "tests/suite.h"

/* Rows taken on a full problem; the instruction set is appended. */
static const struct { const char *problem, *kernel; } taken[] = {
    {"conv2d+relu forward " LAYER, "conv2d_fwd_direct"},
    {"conv2d backward_data " LAYER, "conv2d_bwd_data_direct"},
    {"conv2d+relu backward_data mb8ic64ih5oc32kh3", "conv2d_bwd_data_sparse"},
    {"conv2d+relu backward_data mb8ic64ih7oc32kh7ph3", "conv2d_bwd_data_direct"}, /* skips padding */
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
    {"sigmoid forward mb8ic32ih13", "sigmoid_fwd_vector"},
    {"sigmoid backward_data mb8ic32ih13", "sigmoid_bwd_data_vector"},
    {"tanh forward mb8ic32ih13", "tanh_fwd_vector"},
    {"tanh backward_data mb8ic32ih13", "tanh_bwd_data_vector"},
    {"dropout forward mb8ic32ih13", "dropout_fwd_vector"},
    {"dropout backward_data mb8ic32ih13", "dropout_bwd_data_vector"},
    {"softmax forward mb8ic10", "softmax_fwd_vector"},
    {"cross_entropy forward mb8ic10", "cross_entropy_fwd_vector"},
    {"cross_entropy backward_data mb8ic10", "cross_entropy_bwd_data_vector"},
    {"categorical_cross_entropy forward mb8ic10", "categorical_cross_entropy_fwd_vector"},
    {"categorical_cross_entropy backward_data mb8ic10", "categorical_cross_entropy_bwd_data_vector"},
    {"mse forward mb8ic10", "mse_fwd_vector"},
    {"mse backward_data mb8ic10", "mse_bwd_data_vector"},
    {"reduce forward mb8ic1000", "reduce_fwd_vector"},
    {"adam update mb1ic4096", "adam_update_vector"},
    {"sgd update mb1ic4096", "sgd_update_vector"}};
#define TAKEN (int)(sizeof taken / sizeof *taken)


START_TEST(every_operation_on_every_cpu)
{
    clean_settings();
    for (int i = 0; i < CPUS; i++) {
        fcnn_cpu_pretend(cpus[i]);
        char want[96];
        snprintf(want, sizeof want, "%s_%s", taken[_i].kernel, best_isa());
        expect_kernel(taken[_i].problem, NULL, want);
        snprintf(want, sizeof want, "%s_scalar", taken[_i].kernel);
        expect_kernel(taken[_i].problem, &(fcnn_options){.isa = "scalar"}, want);
    }
}
END_TEST

/* What must hold for any problem, whatever dispatch prefers: inside the CPU, inside the classes, and not the reference
 * where a kernel is there. */
START_TEST(choice_is_allowed)
{
    clean_settings();
    struct fcnn_settings settings;
    fcnn_cpu_pretend(cpus[_i]);
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
            ck_assert_msg(cpus[_i] & 1u << kernel->isa, "%s is beyond the CPU", kernel->name);
            ck_assert_int_eq(kernel->numerics, FCNN_EXACT);
            ck_assert_ptr_null(fcnn_dispatch_reason(kernel, &p, &settings));
            const int other = !fcnn_dispatch_reason(&fcnn_kernels[row], &p, &settings);
            const struct fcnn_kernel *naive = naive_kernel(p.op, p.direction);
            ck_assert_msg(!other || &fcnn_kernels[row] == naive || kernel != naive, "%s is free, but %s was taken",
                          fcnn_kernels[row].name, kernel->name);
        }
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
    clean_settings();
    for (int i = 0; i < 3; i++) {
        setenv("FASTCNN_MATH", good[i].text, 1);
        ck_assert_int_eq(fcnn_settings_read(&settings, NULL), FCNN_OK);
        ck_assert_uint_eq(settings.classes, good[i].classes);
        ck_assert_int_eq(fcnn_settings_read(&settings, &(fcnn_options){.math = "exact"}), FCNN_OK);
        ck_assert_uint_eq(settings.classes, 1u << FCNN_EXACT);
    }
    const fcnn_options winograd = {.math = "exact,winograd_f2,winograd_f4", .isa = "scalar"};
    expect_kernel("conv2d forward mb1ic32ih13oc64kh3", &winograd, "conv2d_fwd_winograd_f4_scalar");
    expect_kernel("conv2d forward mb1ic32ih13oc64kh5", &winograd, "conv2d_fwd_direct_scalar"); /* exact rows alone */
    setenv("FASTCNN_MATH", "fast", 1);
    expect_failure(CONV, NULL, FCNN_BAD_SETTING, "fast");
    expect_failure(CONV, &(fcnn_options){.math = "exact;winograd_f2"}, FCNN_BAD_SETTING, "exact;winograd_f2");
    clean_settings();
    fcnn_status status;
    /* all its rows are exact */
    chosen_kernel("softmax forward mb8ic10", &(fcnn_options){.math = "winograd_f2"}, &status);
    ck_assert_int_eq(status, FCNN_NO_KERNEL);
    ck_assert_ptr_nonnull(strstr(fcnn_last_error(), "softmax forward mb8ic10"));
}
END_TEST

/* Winograd is passed over where it is expected to be slower; it still runs where it is alone or asked for. */
START_TEST(doubts)
{
    clean_settings();
    fcnn_cpu_pretend(cpus[0]);
    const fcnn_options all = {.math = "exact,winograd_f2,winograd_f4"}, f4 = {.math = "exact,winograd_f4"};
    expect_kernel("conv2d forward mb1ic64ih7oc64kh3ph1", &all, "conv2d_fwd_winograd_f4_scalar");
    expect_kernel("conv2d forward mb1ic64ih4oc64kh3ph1", &all, "conv2d_fwd_winograd_f2_scalar"); /* one tile of 4x4 */
    expect_kernel("conv2d forward mb1ic64ih4oc64kh3ph1", &f4, "conv2d_fwd_direct_scalar");
    expect_kernel("conv2d forward mb4ic64ih4oc64kh3ph1", &f4, "conv2d_fwd_winograd_f4_scalar");
    const char *large = "conv2d forward mb1ic512ih7oc512kh3ph1"; /* four tiles, 36 MB of transformed weights */
    expect_kernel(large, &all, "conv2d_fwd_winograd_f2_scalar");
    expect_kernel(large, &f4, "conv2d_fwd_direct_scalar");
    expect_kernel(large, &(fcnn_options){.math = "winograd_f4"}, "conv2d_fwd_winograd_f4_scalar");
    expect_kernel(large, &(fcnn_options){.math = f4.math, .kernel = "*_winograd_*"}, "conv2d_fwd_winograd_f4_scalar");
    expect_kernel(large, &(fcnn_options){.math = all.math, .kernel = "*_winograd_*"}, "conv2d_fwd_winograd_f2_scalar");
    expect_kernel(large, &(fcnn_options){.math = f4.math, .kernel = "conv2d_fwd_winograd_f4_scalar"},
           "conv2d_fwd_winograd_f4_scalar");
    /* backward weights: tiles of a block of images */
    expect_kernel("conv2d backward_weights mb1ic64ih7oc64kh3ph1", &all, "conv2d_bwd_weights_winograd_f2_scalar");
    expect_kernel("conv2d backward_weights mb2ic64ih7oc64kh3ph1", &all, "conv2d_bwd_weights_winograd_f4_scalar");
    expect_kernel("conv2d backward_weights mb1ic64ih4oc64kh3ph1", &all, "conv2d_bwd_weights_direct_scalar");
    /* 5x5 gradients of a 3x3 map: direct convolution skips what tiles would multiply by zero */
    expect_kernel("conv2d backward_data mb8ic64ih5oc64kh3", &all, "conv2d_bwd_data_direct_scalar");
    expect_kernel("conv2d backward_data mb8ic64ih5oc64kh3", &(fcnn_options){.math = "winograd_f2,winograd_f4"},
                  "conv2d_bwd_data_winograd_f4_scalar"); /* both doubted: what costs least, as ever */
    expect_kernel("conv2d+relu+maxpool forward mb8ic32ih13oc64kh3", &all, "conv2d_pool_fwd_winograd_f4_scalar");
    expect_kernel("conv2d+relu+maxpool forward mb8ic32ih3oc64kh3ph1", &f4, "conv2d_pool_fwd_direct_scalar");
    const char *narrow = "conv2d forward mb8ic16ih14oc16kh3ph1"; /* few channels share the transforms */
    expect_kernel(narrow, &f4, "conv2d_fwd_direct_scalar");
    fcnn_cpu_pretend(cpus[2]); /* a kernel that is alone in its class is not left for one of a lower instruction set */
    char want[96];
    snprintf(want, sizeof want, "conv2d_fwd_winograd_f4_%s", best_isa());
    expect_kernel(narrow, &(fcnn_options){.math = "winograd_f4"}, want);
}
END_TEST

/* A problem at which Winograd may be worth its transforms, or not. Its check may fail. */
static fcnn_problem draw(int i, uint64_t *state)
{
    fcnn_problem p = {.op = i % 4 ? FCNN_CONV2D : FCNN_CONV2D_POOL, .direction = (fcnn_direction)(i / 4 % 3),
                      .n = 1 + rng_below(state, 9), .h = 1 + rng_below(state, 30), .w = 1 + rng_below(state, 30),
                      .c = 8 << rng_below(state, 7), .k = 8 << rng_below(state, 7), .r = 3, .s = 3};
    p.pad_top = p.pad_left = p.pad_bottom = p.pad_right = rng_below(state, 2);
    return p;
}

/* With more classes than one allowed the choice must not depend on the machine or a cap: another class has other
 * bits. */
START_TEST(one_class)
{
    static const char *const allowed[] = {"exact,winograd_f4", "exact,winograd_f2", "exact,winograd_f2,winograd_f4",
                                          "winograd_f2,winograd_f4"};
    static const char *const caps[] = {NULL, "scalar", "avx2", "avx512"};
    clean_settings();
    const int cap_count = fcnn_family_here == FCNN_X86 ? 4 : 2;
    uint64_t state = 1;
    int count[FCNN_CLASSES] = {0};
    for (int i = 0; i < 600; i++) {
        fcnn_problem p = draw(i, &state);
        if (fcnn_problem_check(&p)) continue;
        int numerics = -1;
        for (int run = 0; run < CPUS * cap_count; run++) {
            const fcnn_options options = {.math = allowed[i % 4], .isa = caps[run / CPUS]};
            struct fcnn_settings settings;
            fcnn_status status;
            fcnn_cpu_pretend(cpus[run % CPUS]);
            ck_assert_int_eq(fcnn_settings_read(&settings, &options), FCNN_OK);
            const struct fcnn_kernel *kernel = fcnn_dispatch(&p, &settings, &status);
            if (run == 0) numerics = fcnn_dispatch_class(&p, settings.classes);
            ck_assert_msg(kernel && numerics == (int)kernel->numerics, "%d, run %d: %s", i, run,
                          kernel ? kernel->name : "none");
        }
        count[numerics]++;
    }
    ck_assert_int_gt(count[FCNN_EXACT], 50);
    ck_assert_int_gt(count[FCNN_WINOGRAD_F2], 50);
    ck_assert_int_gt(count[FCNN_WINOGRAD_F4], 50);
}
END_TEST

static const struct fcnn_kernel *scalar_row(const struct fcnn_kernel *kernel)
{
    for (int i = 0; i < fcnn_kernels_count; i++) {
        const struct fcnn_kernel *k = &fcnn_kernels[i];
        if (k->isa == FCNN_SCALAR && k->op == kernel->op && k->direction == kernel->direction &&
            k->numerics == kernel->numerics)
            return k;
    }
    return NULL;
}

/* The scalar rows speak for their class: so there must be one, and in classes other than exact the rows of other
 * instruction sets must say the same. */
START_TEST(classes_have_scalar_rows)
{
    for (int row = 0; row < fcnn_kernels_count; row++) {
        const struct fcnn_kernel *kernel = &fcnn_kernels[row], *scalar = scalar_row(kernel);
        ck_assert_msg(scalar != NULL, "%s: its class has no scalar row", kernel->name);
        uint64_t state = 7;
        for (int i = 0; i < 600 && kernel->numerics != FCNN_EXACT; i++) {
            fcnn_problem p = draw(i, &state);
            if (fcnn_problem_check(&p) || p.op != kernel->op || p.direction != kernel->direction) continue;
            const char *limit = fcnn_row_unsupported(kernel, &p);
            ck_assert_msg(!limit == !fcnn_row_unsupported(scalar, &p), "%s: %s", kernel->name, limit);
            const char *doubt = limit ? NULL : fcnn_row_doubt(kernel, &p, &fcnn_common_caches);
            ck_assert_msg(limit || !doubt == !fcnn_row_doubt(scalar, &p, &fcnn_common_caches), "%s: %s",
                          kernel->name, doubt);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dispatch");
    TCase *cases = tcase_create("dispatch");
    tcase_add_loop_test(cases, every_operation_on_every_cpu, 0, TAKEN);
    tcase_add_loop_test(cases, choice_is_allowed, 0, CPUS);
    tcase_add_test(cases, classes);
    tcase_add_test(cases, doubts);
    tcase_add_test(cases, one_class);
    tcase_add_test(cases, classes_have_scalar_rows);
    tcase_set_timeout(cases, 60);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
