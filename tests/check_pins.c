/* SPDX-License-Identifier: BSD-2-Clause
 * Kernels that are asked for by name: pins, and wishes with a '*'. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/choices.h"
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

static void expect_text(const struct fcnn_choice *choice, const fcnn_problem *p)
{
    char text[FCNN_CHOICE_TEXT], again[FCNN_CHOICE_TEXT];
    struct fcnn_choice read = *choice;
    fcnn_choice_format(choice, p, text);
    for (int i = 0; i < choice->kernel->variant->knob_count; i++)
        if (fcnn_row_knob(choice, p, i) != FCNN_MOOT) read.knobs[i] = choice->kernel->variant->knobs[i].values[0];
    ck_assert_int_eq(fcnn_choice_read_knobs(&read, text + strlen(choice->kernel->name)), FCNN_OK);
    fcnn_choice_format(&read, p, again);
    ck_assert_str_eq(text, again);
    ck_assert_mem_eq(read.knobs, choice->knobs, sizeof read.knobs);
}

/* A row's knobs: their values ascend, names are words, standards are within the limits, texts are read as written. */
static void check_knobs(const struct fcnn_kernel *kernel, const struct fcnn_settings *settings)
{
    uint64_t state = 5;
    const struct fcnn_variant *variant = kernel->variant;
    ck_assert_int_le(variant->knob_count, FCNN_MAX_KNOBS);
    for (int i = 0; i < variant->knob_count; i++) {
        const struct fcnn_knob *knob = &variant->knobs[i];
        ck_assert_msg(knob->count >= 2 && knob->count <= FCNN_KNOB_VALUES, "%s: %s", kernel->name, knob->name);
        ck_assert_uint_eq(strspn(knob->name, "abcdefghijklmnopqrstuvwxyz0123456789_"), strlen(knob->name));
        ck_assert_msg(knob->values[0] >= 0, "%s: %s is negative", kernel->name, knob->name);
        for (int j = 1; j < knob->count; j++)
            ck_assert_msg(knob->values[j - 1] < knob->values[j], "%s: %s", kernel->name, knob->name);
        for (int j = 0; j < i; j++) ck_assert_str_ne(variant->knobs[j].name, knob->name);
    }
    for (int i = 0; i < 20; i++) {
        const fcnn_problem p = shapes_random(kernel->op, kernel->direction, &state, 1e6);
        if (fcnn_unservable(kernel, &p)) continue;
        const struct fcnn_choice standard = fcnn_standard_choice(kernel, &p, &settings->caches);
        const struct fcnn_choice drawn = drawn_choice(kernel, &p, &state);
        ck_assert(fcnn_affordable(&standard, &p) && fcnn_affordable(&drawn, &p));
        expect_text(&standard, &p);
        expect_text(&drawn, &p);
    }
}

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

/* Knobs in a pin: of that kernel, within their limits, and nothing else. */
START_TEST(knobs)
{
    clean_settings();
    expect_kernel(CONV, &(fcnn_options){.kernel = "conv2d_fwd_naive{}"}, "conv2d_fwd_naive");
    expect_failure(CONV, &(fcnn_options){.kernel = "conv2d_fwd_naive{cut=1}"}, FCNN_BAD_SETTING, "no knob \"cut\"");
    expect_failure(CONV, &(fcnn_options){.kernel = "conv2d_fwd_naive{"}, FCNN_BAD_SETTING, "conv2d_fwd_naive{");
    expect_failure(CONV, &(fcnn_options){.kernel = "conv2d_*{cut=1}"}, FCNN_BAD_SETTING, "full name");
    struct fcnn_settings settings;
    ck_assert_int_eq(fcnn_settings_read(&settings, NULL), FCNN_OK);
    for (int i = 0; i < fcnn_kernels_count; i++) check_knobs(&fcnn_kernels[i], &settings);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pins");
    TCase *cases = tcase_create("pins");
    tcase_add_test(cases, pins);
    tcase_add_test(cases, pins_of_other_directions);
    tcase_add_test(cases, pins_that_cannot_serve);
    tcase_add_test(cases, knobs);
    tcase_add_test(cases, wishes);
    tcase_add_test(cases, wishes_for_doubted_rows);
    tcase_set_timeout(cases, 60);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
