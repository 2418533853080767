/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The bits of the classes winograd_f2 and winograd_f4: what every row computes from fixed inputs has the hash committed
 * here. tests/check_kernels compares rows with the scalar row of their class; this holds what they all compute.
 *
 * `check_winograd --print` prints the hashes that the scalar rows compute. They change only with the numerics: a
 * constant of a transform, the order of a sum. Then raise "numerics" in lib/version.c. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "tests/fill.h"
#include "tests/suite.h"

static const struct golden {
    fcnn_op op;
    fcnn_direction direction;
    fcnn_class numerics;
    uint64_t hash;
} goldens[] = {
    {FCNN_CONV2D, FCNN_FORWARD, FCNN_WINOGRAD_F2, 0xc96bdaa8750e8796},
    {FCNN_CONV2D, FCNN_FORWARD, FCNN_WINOGRAD_F4, 0xd78bee54c0858d29},
    {FCNN_CONV2D, FCNN_BACKWARD_DATA, FCNN_WINOGRAD_F2, 0x73f05785ae9d543d},
    {FCNN_CONV2D, FCNN_BACKWARD_DATA, FCNN_WINOGRAD_F4, 0x10d498defaa6d195},
    {FCNN_CONV2D, FCNN_BACKWARD_WEIGHTS, FCNN_WINOGRAD_F2, 0xf1fd11bfe5efdde1},
    {FCNN_CONV2D, FCNN_BACKWARD_WEIGHTS, FCNN_WINOGRAD_F4, 0x086eb687226d2dca},
    {FCNN_CONV2D_POOL, FCNN_FORWARD, FCNN_WINOGRAD_F2, 0x0e220af008e61f71},
    {FCNN_CONV2D_POOL, FCNN_FORWARD, FCNN_WINOGRAD_F4, 0xeb0e256cde830ee4},
};
#define GOLDENS ((int)(sizeof goldens / sizeof goldens[0]))

/* Maps that tiles cover exactly and badly, padding on no side, on some, on all; groups; with and without bias and ReLU;
 * sums of several blocks of images, and longer than a chunk of tiles. */
static const char *const shapes[] = {
    "mb2ic5ih9iw7oc20kh3kw3ph1pw1",
    "mb1g2ic34ih12iw12oc32kh3kw3",
    "mb19ic7ih6iw10oc17kh3kw3ph1pw0",
    "mb1ic3ih37iw41oc18kh3kw3ph1pw1",
};
#define SHAPES ((int)(sizeof shapes / sizeof shapes[0]))

/* The shape as a problem of a golden's operation and direction, every other one with ReLU. */
static fcnn_problem problem_of(const struct golden *golden, int shape)
{
    char text[128];
    fcnn_problem p;
    snprintf(text, sizeof text, "conv2d%s %s %s",
             golden->op == FCNN_CONV2D_POOL ? "+relu+maxpool" : shape % 2 ? "+relu" : "",
             fcnn_direction_name(golden->direction), shapes[shape]);
    if (fcnn_problem_parse(&p, text) == FCNN_OK) return p;
    fprintf(stderr, "check_winograd: \"%s\": %s\n", text, fcnn_last_error());
    exit(1);
}

/* Full 24-bit numbers, and ReLU's zeros at every third place: all orders of a sum differ, and nothing but the rows that
 * are checked is asked to compute anything. */
static void fill(const struct fcnn_tensor_info *info, uint64_t *state, float *data)
{
    for (int64_t i = 0; i < info->elements; i++) {
        data[i] = rng_float(state);
        if (strcmp(info->name, "dst") == 0 && i % 3 == 0) data[i] = 0.0f;
    }
}

/* `hash` with the floats of an output: -0 counts as +0 (docs/numerics.md). Choice words follow from the same sums. */
static uint64_t with_output(uint64_t hash, const struct fcnn_tensor_info *info, float *data)
{
    if (info->role == FCNN_IN || info->element_size != sizeof(float)) return hash;
    for (int64_t i = 0; i < info->elements; i++) data[i] += 0.0f;
    return XXH3_64bits_withSeed(data, tensor_bytes(info), hash);
}

static uint64_t with_problem(uint64_t hash, const struct fcnn_kernel *kernel, const fcnn_problem *p)
{
    struct fcnn_tensor_info info[FCNN_MAX_TENSORS];
    void *data[FCNN_MAX_TENSORS];
    fcnn_tensors tensors = {0};
    uint64_t state = 1;
    const int count = fcnn_tensor_list(p, info);
    for (int i = 0; i < count; i++) {
        data[i] = grab(tensor_bytes(&info[i]));
        memset(data[i], 0, tensor_bytes(&info[i]));
        if (info[i].role == FCNN_IN) fill(&info[i], &state, data[i]);
        tensor_set(&tensors, &info[i], data[i]);
    }
    run_kernel(kernel, p, &tensors);
    for (int i = 0; i < count; i++) {
        hash = with_output(hash, &info[i], data[i]);
        free(data[i]);
    }
    return hash;
}

static uint64_t hash_of(const struct fcnn_kernel *kernel, const struct golden *golden)
{
    uint64_t hash = 0;
    for (int i = 0; i < SHAPES; i++) {
        const fcnn_problem p = problem_of(golden, i);
        if (fcnn_row_unsupported(kernel, &p)) {
            fprintf(stderr, "check_winograd: %s does not serve \"%s\"\n", kernel->name, shapes[i]);
            exit(1);
        }
        hash = with_problem(hash, kernel, &p);
    }
    return hash;
}

static int computes(const struct fcnn_kernel *kernel, const struct golden *golden)
{
    return kernel->op == golden->op && kernel->direction == golden->direction && kernel->numerics == golden->numerics &&
           !fcnn_cpu_missing(kernel->isa);
}

START_TEST(every_row_has_the_golden_bits_of_its_class)
{
    const struct golden *golden = &goldens[_i];
    int rows = 0;
    for (int i = 0; i < fcnn_kernels_count; i++) {
        const struct fcnn_kernel *kernel = &fcnn_kernels[i];
        if (!computes(kernel, golden)) continue;
        rows++;
        ck_assert_msg(hash_of(kernel, golden) == golden->hash, "%s computes other bits than its class", kernel->name);
    }
    ck_assert_int_ge(rows, 1);
}
END_TEST

/* Each class of the table is held by a golden of each operation and direction that it has. */
START_TEST(every_class_has_golden_bits)
{
    for (int i = 0; i < fcnn_kernels_count; i++) {
        const struct fcnn_kernel *kernel = &fcnn_kernels[i];
        int held = kernel->numerics == FCNN_EXACT || fcnn_cpu_missing(kernel->isa);
        for (int j = 0; j < GOLDENS; j++) held = held || computes(kernel, &goldens[j]);
        ck_assert_msg(held, "no golden hash holds the bits of %s", kernel->name);
    }
}
END_TEST

static int print_hashes(void)
{
    for (int i = 0; i < GOLDENS; i++)
        for (int row = 0; row < fcnn_kernels_count; row++)
            if (computes(&fcnn_kernels[row], &goldens[i]) && fcnn_kernels[row].isa == FCNN_SCALAR)
                printf("%-40s 0x%016llx\n", fcnn_kernels[row].name,
                       (unsigned long long)hash_of(&fcnn_kernels[row], &goldens[i]));
    return EXIT_SUCCESS;
}

int main(int count, char **arguments)
{
    if (count == 2 && strcmp(arguments[1], "--print") == 0) return print_hashes();
    Suite *suite = suite_create("winograd");
    TCase *tests = tcase_create("winograd");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, every_row_has_the_golden_bits_of_its_class, 0, GOLDENS);
    tcase_add_test(tests, every_class_has_golden_bits);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
