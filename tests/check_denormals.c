/* SPDX-License-Identifier: BSD-2-Clause
 * Denormal numbers (docs/numerics.md, rule 10). FASTCNN_VERBOSE=exec names inputs that hold some, if they are floats,
 * and no outputs, which hold anything before an execution. A receipt tells them from zeros. */
#include <check.h>
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "lib/fastcnn.h"
#include "tests/suite.h"
#include "tests/toy.h"

/* What an execution writes to standard error. */
static void execute_and_listen(const fcnn_problem *problem, const fcnn_tensors *tensors, char *text, size_t size)
{
    fcnn_plan *plan;
    FILE *file = tmpfile();
    const int saved = dup(STDERR_FILENO);
    ck_assert(file && saved >= 0);
    setenv("FASTCNN_VERBOSE", "exec", 1);
    ck_assert_msg(fcnn_plan_create(&plan, problem, NULL) == FCNN_OK, "%s", fcnn_last_error());
    unsetenv("FASTCNN_VERBOSE");
    fflush(stderr);
    dup2(fileno(file), STDERR_FILENO);
    const fcnn_status status = fcnn_execute(plan, tensors);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    fcnn_plan_destroy(plan);
    rewind(file);
    text[fread(text, 1, size - 1, file)] = 0;
    fclose(file);
    ck_assert_msg(status == FCNN_OK, "%s", fcnn_last_error());
    ck_assert_msg(strstr(text, "fastcnn_verbose,exec,") != NULL, "%s", text);
}

START_TEST(denormal_inputs_are_named)
{
    const fcnn_problem p = {.op = FCNN_CONV2D, .n = 1, .h = 3, .w = 3, .c = 2, .k = 2, .r = 1, .s = 1};
    float src[18] = {1}, weights[4] = {1, 1, 1, 1}, bias[2] = {0}, dst[18];
    const fcnn_tensors tensors = {.src = src, .weights = weights, .bias = bias, .dst = dst};
    char text[1024];
    for (int i = 0; i < 18; i++) dst[i] = FLT_MIN / 4; /* left from something else */
    execute_and_listen(&p, &tensors, text, sizeof text);
    ck_assert_msg(!strstr(text, "denormals"), "%s", text);
    weights[0] = weights[2] = -FLT_MIN / 2;
    execute_and_listen(&p, &tensors, text, sizeof text);
    ck_assert_msg(strstr(text, "fastcnn_verbose,denormals,") && strstr(text, ",weights,2 of 4\n"), "%s", text);
    ck_assert_msg(!strstr(text, ",src,") && !strstr(text, ",dst,"), "%s", text);
}
END_TEST

/* The bits of small integers are those of denormal floats. */
START_TEST(integers_are_not_named)
{
    const fcnn_problem pool = {.op = FCNN_MAXPOOL, .direction = FCNN_BACKWARD_DATA, .n = 1, .h = 4, .w = 4, .c = 1,
                               .r = 2, .s = 2};
    const fcnn_problem loss = {.op = FCNN_CROSS_ENTROPY, .n = 4, .c = 4};
    const fcnn_problem fused = {.op = FCNN_CONV2D_POOL, .direction = FCNN_BACKWARD_DATA, .n = 1, .h = 4, .w = 4,
                                .c = 1, .k = 16, .r = 1, .s = 1};
    const int32_t numbers[4] = {1, 2, 3, 1};
    const uint16_t choice[4 * 3] = {1, 0, 1, 2, 0, 2, 4, 0, 4, 8, 0, 8};
    float x[64] = {1}, y[64] = {0}, losses[4], weights[16] = {1};
    char text[1024];
    execute_and_listen(&pool, &(fcnn_tensors){.d_dst = x, .argmax = (int32_t *)(uintptr_t)numbers, .d_src = y}, text,
                       sizeof text);
    ck_assert_msg(!strstr(text, "denormals"), "%s", text);
    execute_and_listen(&loss, &(fcnn_tensors){.src = x, .labels = numbers, .dst = y, .loss = losses}, text,
                       sizeof text);
    ck_assert_msg(!strstr(text, "denormals"), "%s", text);
    execute_and_listen(&fused, &(fcnn_tensors){.d_dst = x, .choice = (uint16_t *)(uintptr_t)choice, .weights = weights,
                                               .d_src = y}, text, sizeof text);
    ck_assert_msg(!strstr(text, "denormals"), "%s", text);
}
END_TEST

#if defined(__x86_64__)
/* A caller's mode in which denormals count as 0 changes no hash. */
START_TEST(denormal_weights_are_hashed)
{
    fcnn_model *model = toy_build(NULL);
    float weights[TOY_PARAMETERS];
    toy_get(model, weights);
    weights[0] = 1e-40f;
    OK(fcnn_model_set_weights(model, weights, TOY_PARAMETERS));
    fcnn_receipt usual, flushed, zero;
    OK(fcnn_model_receipt(model, &usual));
    const unsigned mode = _mm_getcsr();
    _mm_setcsr(mode | 0x8040); /* flush to zero, denormals are zeros */
    OK(fcnn_model_receipt(model, &flushed));
    _mm_setcsr(mode);
    ck_assert_str_eq(flushed.weights, usual.weights);
    weights[0] = 0;
    OK(fcnn_model_set_weights(model, weights, TOY_PARAMETERS));
    OK(fcnn_model_receipt(model, &zero));
    ck_assert_str_ne(zero.weights, usual.weights);
    fcnn_model_destroy(model);
}
END_TEST
#endif

int main(void)
{
    toy_make_data();
    Suite *suite = suite_create("denormals");
    TCase *tests = tcase_create("denormals");
    tcase_add_test(tests, denormal_inputs_are_named);
    tcase_add_test(tests, integers_are_not_named);
#if defined(__x86_64__)
    tcase_add_test(tests, denormal_weights_are_hashed);
#endif
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
