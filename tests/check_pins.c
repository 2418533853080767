/* SPDX-License-Identifier: BSD-2-Clause
 * Kernels that are asked for by name: pins, and wishes with a '*'. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/dispatch.h"
#include "tests/fill.h"
#include "tests/shapes.h"
#include "tests/suite.h"

START_TEST(pins)
{
    clean_settings();
    expect_kernel(CONV, &(fcnn_options){.kernel = "conv2d_fwd_naive"}, "conv2d_fwd_naive");
    setenv("FASTCNN_KERNEL", "conv2d_fwd_naive,dense_fwd_naive", 1);
    expect_kernel(CONV, NULL, "conv2d_fwd_naive");
    expect_kernel("dense forward mb1ic3oc4", NULL, "dense_fwd_naive");
    expect_kernel("softmax forward mb8ic10", &(fcnn_options){.isa = "scalar"}, "softmax_fwd_vector_scalar");
    const char *im2col = "conv2d_fwd_im2col_scalar";
    expect_kernel(CONV, &(fcnn_options){.kernel = im2col}, im2col); /* the API wins */
    clean_settings();
    expect_failure(CONV, &(fcnn_options){.kernel = "conv2d_fwd_nave"}, FCNN_BAD_SETTING, "conv2d_fwd_nave");
    expect_failure(CONV, &(fcnn_options){.kernel = "conv2d_fwd_naive,nonsense"}, FCNN_BAD_SETTING, "nonsense");
    expect_failure(CONV, &(fcnn_options){.kernel = "conv2d_fwd_naiv?"}, FCNN_BAD_SETTING, "conv2d_fwd_naiv?");
    setenv("FASTCNN_KERNEL", "conv2d_fwd_naive,,dense_fwd_naive", 1);
    expect_failure(CONV, NULL, FCNN_BAD_SETTING, "FASTCNN_KERNEL");
    expect_failure(CONV, NULL, FCNN_BAD_SETTING, "words of 1 to");
    setenv("FASTCNN_KERNEL", "conv3d", 1);
    expect_failure("relu forward mb1ic3", NULL, FCNN_BAD_SETTING, "conv3d");
}
END_TEST

/* A pin changes the choice for its own operation and direction, and for no other. */
START_TEST(pins_of_other_directions)
{
    fcnn_problem problems[64];
    const struct fcnn_kernel *before[64];
    struct fcnn_settings settings;
    fcnn_status status;
    uint64_t state = 3;
    int count = 0;
    clean_settings();
    ck_assert_int_eq(fcnn_settings_read(&settings, NULL), FCNN_OK);
    for (int i = 0; i < fcnn_kernels_count; i++) {
        const struct fcnn_kernel *k = &fcnn_kernels[i];
        if (k != naive_kernel(k->op, k->direction)) continue;
        ck_assert_int_lt(count, 64);
        problems[count] = shapes_random(k->op, k->direction, &state, 1e5);
        before[count] = fcnn_dispatch(&problems[count], &settings, &status);
        count++;
    }
    for (int row = 0; row < fcnn_kernels_count; row++) {
        settings.kernels = fcnn_kernels[row].name;
        for (int i = 0; i < count; i++) {
            const fcnn_problem *p = &problems[i];
            if (p->op == fcnn_kernels[row].op && p->direction == fcnn_kernels[row].direction) continue;
            const struct fcnn_kernel *kernel = fcnn_dispatch(p, &settings, &status);
            ck_assert_msg(kernel == before[i], "the pin %s took %s from %s", fcnn_kernels[row].name, before[i]->name,
                          kernel ? kernel->name : fcnn_last_error());
        }
    }
}
END_TEST
/* A pinned kernel that the CPU or a cap excludes is an error, not a reason to run another one. */
START_TEST(pins_that_cannot_serve)
{
    clean_settings();
    fcnn_cpu_pretend(cpus[2]);
    if (!(fcnn_cpu_isas() & 1u << FCNN_AVX2)) return; /* AVX2 was not built: such a name does not exist */
    const fcnn_options pin = {.kernel = "relu_fwd_vector_avx2"};
    expect_kernel("relu forward mb1ic3", &pin, "relu_fwd_vector_avx2");
    fcnn_cpu_pretend(cpus[0]);
    expect_failure("relu forward mb1ic3", &pin, FCNN_NO_KERNEL, "relu_fwd_vector_avx2");
    expect_failure("relu forward mb1ic3", &pin, FCNN_NO_KERNEL, "AVX2");
    fcnn_cpu_pretend(cpus[2]);
    setenv("FASTCNN_ISA", "scalar", 1);
    expect_failure("relu forward mb1ic3", &pin, FCNN_NO_KERNEL, "relu_fwd_vector_avx2");
    expect_failure("relu forward mb1ic3", &pin, FCNN_NO_KERNEL, "capped at scalar");
    expect_kernel(CONV, &pin, "conv2d_fwd_direct_scalar"); /* not its operation */
}
END_TEST

START_TEST(wishes)
{
    clean_settings();
    fcnn_cpu_pretend(cpus[0]);
    const fcnn_options im2col = {.kernel = "*_im2col_*"};
    expect_kernel(CONV, &im2col, "conv2d_fwd_im2col_scalar");
    expect_kernel("dense forward mb1ic3oc4", &im2col, "dense_fwd_gemm_scalar"); /* passed over where it fits nothing */
    expect_kernel("dense forward mb1ic3oc4", &(fcnn_options){.kernel = "*_naive"}, "dense_fwd_naive");
    expect_kernel(CONV, &(fcnn_options){.kernel = "dense_*,conv2d_fwd_naive,*_im2col_*"}, "conv2d_fwd_naive");
    expect_kernel(CONV, &(fcnn_options){.kernel = "*_im2col_*,conv2d_fwd_naive"}, "conv2d_fwd_im2col_scalar");
    expect_kernel(CONV, &(fcnn_options){.kernel = "*_avx2,*_naive"}, "conv2d_fwd_naive");
    fcnn_cpu_pretend(cpus[2]);
    if (strcmp(best_isa(), "avx512") == 0) {
        expect_kernel(CONV, &im2col, "conv2d_fwd_im2col_avx512");
        expect_kernel(CONV, &(fcnn_options){.kernel = "*_im2col_*", .isa = "avx2"}, "conv2d_fwd_im2col_avx2");
    }
}
END_TEST

/* The instruction set comes before doubts, doubts come before the order of the table. */
START_TEST(wishes_for_doubted_rows)
{
    const fcnn_options sparse = {.kernel = "*_sparse_*"}, depthwise = {.kernel = "*_depthwise_*"};
    clean_settings();
    for (int i = 0; i < CPUS; i++) {
        fcnn_cpu_pretend(cpus[i]);
        /* 36 sums: a doubt for vectors of 16, none for vectors of 8 */
        expect_best("conv2d+relu+maxpool backward_weights mb2ic4ih8oc16kh3", &sparse, "conv2d_pool_bwd_weights_sparse");
        /* a single channel: a doubt for both rows */
        expect_best("conv2d forward mb1ic1ih16oc1kh3ph1", &depthwise, "conv2d_fwd_depthwise_inplace");
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pins");
    TCase *cases = tcase_create("pins");
    tcase_add_test(cases, pins);
    tcase_add_test(cases, pins_of_other_directions);
    tcase_add_test(cases, pins_that_cannot_serve);
    tcase_add_test(cases, wishes);
    tcase_add_test(cases, wishes_for_doubted_rows);
    tcase_set_timeout(cases, 60);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
