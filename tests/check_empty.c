/* SPDX-License-Identifier: BSD-2-Clause
 * Empty batches: n = FCNN_EMPTY. Every operation plans and runs; tensors of images may be NULL and are left alone, sums
 * over the images are 0. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/internal.h"
#include "tests/suite.h"

enum { MOST = 1 << 16, KINDS = FCNN_OPS * FCNN_DIRECTIONS };

/* Executes on tensors that are all NULL but those that an empty batch has; returns how many these are. */
static int execute(const fcnn_problem *p, fcnn_plan *plan, float *memory)
{
    fcnn_tensor_info info;
    fcnn_hyper hyper = {.learning_rate = 1, .beta_1 = 0.9f, .beta_2 = 0.999f, .epsilon = 1e-7f, .beta_1_power = 0.9f,
                        .beta_2_power = 0.999f, .scale = 1};
    fcnn_tensors t = {.hyper = &hyper};
    int count = 0;
    fcnn_tensor_info list[FCNN_MAX_TENSORS];
    for (int i = 0; fcnn_problem_tensors(p, i, &info) == FCNN_OK; i++) {
        if (!info.elements) continue;
        ck_assert_int_le(info.elements, MOST);
        memset(memory + count * MOST, 0x55, MOST * sizeof *memory);
        *(void **)((char *)&t + info.offset) = memory + count * MOST;
        list[count++] = info;
    }
    ck_assert_msg(fcnn_execute(plan, &t) == FCNN_OK, "%s", fcnn_last_error());
    for (int i = 0; i < count; i++)
        for (int64_t j = 0; j < list[i].elements && list[i].role == FCNN_OUT; j++)
            ck_assert_msg(memory[i * MOST + j] == 0, "%s[%lld] is %g", list[i].name, (long long)j,
                          (double)memory[i * MOST + j]);
    return count;
}

START_TEST(every_operation)
{
    const fcnn_op op = (fcnn_op)(_i / FCNN_DIRECTIONS);
    const fcnn_direction direction = (fcnn_direction)(_i % FCNN_DIRECTIONS);
    if (!fcnn_op_exists(op) || !(fcnn_operations[op].directions >> direction & 1)) return;
    fcnn_problem p = {.op = op, .direction = direction, .n = FCNN_EMPTY, .c = 4, .k = 5, .r = 2, .s = 2};
    if (fcnn_operations[op].fields & FCNN_HAS_MAP) p.h = p.w = 6;
    fcnn_plan *plan;
    char text[128];
    float *memory = malloc(FCNN_MAX_TENSORS * MOST * sizeof *memory);
    ck_assert_ptr_nonnull(memory);
    ck_assert_msg(fcnn_problem_check(&p) == FCNN_OK, "%s", fcnn_last_error());
    ck_assert(p.n == FCNN_EMPTY && p.c == 4);
    ck_assert_int_eq(fcnn_problem_check(&p), FCNN_OK);
    ck_assert(p.n == FCNN_EMPTY);
    ck_assert(fcnn_problem_flops(&p) == 0);
    fcnn_problem_format(&p, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, " mb0ic4"));
    for (int i = 0; i < fcnn_kernel_count(); i++) {
        fcnn_verdict verdict;
        ck_assert_int_eq(fcnn_explain(i, &p, NULL, &verdict), FCNN_OK);
    }
    ck_assert_msg(fcnn_plan_create(&plan, &p, NULL) == FCNN_OK, "%s", fcnn_last_error());
    const int tensors = execute(&p, plan, memory);
    ck_assert_int_eq(tensors > 0, direction == FCNN_BACKWARD_WEIGHTS || op == FCNN_REDUCE ||
                                      op == FCNN_BATCH_SUMS || op == FCNN_BATCH_NORM ||
                                      fcnn_operations[op].fields & FCNN_HAS_WEIGHTS);
    if (op == FCNN_REDUCE) ck_assert_int_eq(fcnn_execute(plan, &(fcnn_tensors){0}), FCNN_BAD_ARGUMENT);
    fcnn_plan_destroy(plan);
    free(memory);
}
END_TEST

/* 0 is "not set" and stays one image; other numbers below 1 are refused. */
START_TEST(other_batches)
{
    fcnn_problem p = {.op = FCNN_RELU, .c = 4};
    ck_assert_int_eq(fcnn_problem_check(&p), FCNN_OK);
    ck_assert_int_eq(p.n, 1);
    p.n = -1;
    ck_assert_int_eq(fcnn_problem_check(&p), FCNN_BAD_SHAPE);
    p.n = FCNN_EMPTY + 1;
    ck_assert_int_eq(fcnn_problem_check(&p), FCNN_BAD_SHAPE);
    p = (fcnn_problem){.op = FCNN_RELU, .c = FCNN_EMPTY};
    ck_assert_int_eq(fcnn_problem_check(&p), FCNN_BAD_SHAPE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("empty");
    TCase *cases = tcase_create("empty");
    tcase_add_loop_test(cases, every_operation, 0, KINDS);
    tcase_add_test(cases, other_batches);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
