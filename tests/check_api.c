/* SPDX-License-Identifier: BSD-2-Clause
 * Plans from a caller's side: what they say of themselves, bad tensors, threads, several callers at once, callers with
 * an unusual floating-point mode. That the numbers are right is for check_kernels. */
#include <check.h>
#include <omp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "tests/compare.h"
#include "tests/fill.h"
#include "tests/suite.h"

/* A trial with its outputs in memory of its own. */
struct call {
    struct trial trial;
    fcnn_tensors tensors;
    void *output[FCNN_MAX_TENSORS];
};

static void reset_outputs(struct call *call)
{
    for (int i = 0; i < call->trial.count; i++) {
        const struct fcnn_tensor_info *info = &call->trial.info[i];
        if (info->role == FCNN_OUT) memset(call->output[i], 0xff, tensor_bytes(info));
        if (info->role == FCNN_INOUT) memcpy(call->output[i], call->trial.given[i], tensor_bytes(info));
    }
}

static void call_make(struct call *call, const char *text, uint64_t seed)
{
    fcnn_problem problem;
    ck_assert_msg(fcnn_problem_parse(&problem, text) == FCNN_OK, "%s", fcnn_last_error());
    *call = (struct call){0};
    trial_make(&call->trial, &problem, seed);
    call->tensors.hyper = &call->trial.hyper;
    for (int i = 0; i < call->trial.count; i++) {
        const struct fcnn_tensor_info *info = &call->trial.info[i];
        if (info->role != FCNN_IN) call->output[i] = grab(tensor_bytes(info));
        tensor_set(&call->tensors, info, info->role == FCNN_IN ? call->trial.given[i] : call->output[i]);
    }
    reset_outputs(call);
}

static void call_free(struct call *call)
{
    for (int i = 0; i < call->trial.count; i++) free(call->output[i]);
    trial_free(&call->trial);
}

static int64_t wrong_elements(const struct call *call, char *text, size_t size)
{
    int64_t wrong = 0;
    const struct trial *trial = &call->trial;
    for (int i = 0; i < trial->count; i++)
        if (trial->want[i])
            wrong += compare_tensor(&trial->problem, &trial->info[i], trial->want[i], call->output[i], text, size);
    return wrong;
}

static fcnn_plan *plan_make(const fcnn_problem *problem, const fcnn_options *options)
{
    fcnn_plan *plan;
    ck_assert_msg(fcnn_plan_create(&plan, problem, options) == FCNN_OK, "%s", fcnn_last_error());
    return plan;
}

static const char *const examples[] = {
    "conv2d+relu forward mb9ic7ih9iw8oc17kh3kw3ph1pw1", "conv2d backward_data mb9ic7ih9iw8oc17kh3kw3ph1pw1",
    "conv2d+relu backward_weights mb17ic7ih9iw8oc17kh3kw3ph1pw1", "conv2d+relu+maxpool forward mb9ic3ih9oc33kh3",
    "conv2d+relu+maxpool backward_data mb9ic3ih9oc33kh3", "conv2d+relu+maxpool backward_weights mb17ic3ih9oc33kh3",
    "dense+relu forward mb9ic33oc17", "dense backward_data mb9ic33oc17", "dense backward_weights mb17ic33oc17",
    "maxpool forward mb9ic17ih9kh3sh2", "maxpool backward_data mb9ic17ih9kh3sh2", "avgpool forward mb9ic17ih9kh3sh2",
    "avgpool backward_data mb9ic17ih9kh3sh2", "relu forward mb9ic17ih9", "relu backward_data mb9ic17ih9",
    "softmax forward mb9ic33", "cross_entropy forward mb9ic33", "cross_entropy backward_data mb9ic33",
    "reduce forward mb9ic300", "adam update ic9000", "sgd update ic9000",
    "sigmoid forward mb9ic17ih9", "sigmoid backward_data mb9ic17ih9", "tanh forward mb9ic17ih9",
    "tanh backward_data mb9ic17ih9", "dropout forward mb9ic17ih9", "dropout backward_data mb9ic17ih9",
    "mse forward mb9ic33", "mse backward_data mb9ic33", "categorical_cross_entropy forward mb9ic33",
    "categorical_cross_entropy backward_data mb9ic33"};
#define EXAMPLES (int)(sizeof examples / sizeof *examples)

START_TEST(texts)
{
    char numerics[32];
    for (int i = 0; i <= FCNN_DIVERGED; i++) {
        const char *text = fcnn_status_text((fcnn_status)i);
        ck_assert_str_ne(text, "");
        ck_assert_str_ne(text, "unknown status");
        for (int j = 0; j < i; j++) ck_assert_str_ne(text, fcnn_status_text((fcnn_status)j));
    }
    ck_assert_ptr_nonnull(fcnn_status_text((fcnn_status)99));
    ck_assert_ptr_nonnull(strstr(fcnn_version_details(), fcnn_version()));
    snprintf(numerics, sizeof numerics, ", numerics %d", fcnn_numerics_version());
    ck_assert_str_eq(strstr(fcnn_version_details(), ","), numerics);
    ck_assert_str_ne(fcnn_kernel_describe(-1).missing, "");
    ck_assert_str_ne(fcnn_op_name((fcnn_op)99), "");
    ck_assert_str_ne(fcnn_isa_name((fcnn_isa)99), "");
    fcnn_machine machine;
    fcnn_machine_describe(&machine);
    ck_assert(machine.isas & 1u << FCNN_SCALAR);
    ck_assert_int_ge(machine.cores, 1);
    ck_assert_str_ne(machine.cpu, "");
}
END_TEST

START_TEST(plans_refuse)
{
    fcnn_plan *plan = (fcnn_plan *)&plan;
    const fcnn_problem good = {.c = 3, .k = 4}, bad = {.c = 3, .k = 4, .r = 2};
    ck_assert_int_eq(fcnn_plan_create(&plan, &bad, NULL), FCNN_BAD_SHAPE);
    ck_assert_ptr_null(plan);
    ck_assert_int_eq(fcnn_plan_create(&plan, NULL, NULL), FCNN_BAD_ARGUMENT);
    ck_assert_int_eq(fcnn_plan_create(NULL, &good, NULL), FCNN_BAD_ARGUMENT);
    ck_assert_int_eq(fcnn_plan_create(&plan, &good, &(fcnn_options){.threads = -4}), FCNN_BAD_SETTING);
    ck_assert_ptr_nonnull(strstr(fcnn_last_error(), "-4"));
    ck_assert_int_eq(fcnn_plan_create(&plan, &good, &(fcnn_options){.kernel = "relu_fwd_typo"}), FCNN_BAD_SETTING);
    ck_assert_ptr_null(plan);
    fcnn_plan_destroy(NULL);
    ck_assert_int_eq(fcnn_execute(NULL, &(fcnn_tensors){0}), FCNN_BAD_ARGUMENT);
    ck_assert_int_eq(fcnn_pack(NULL, NULL, NULL, NULL), FCNN_BAD_ARGUMENT);
}
END_TEST

/* Each tensor left out in turn: named, and nothing written. */
START_TEST(missing_tensors)
{
    struct call call;
    call_make(&call, examples[_i], 1);
    fcnn_plan *plan = plan_make(&call.trial.problem, NULL);
    ck_assert_int_eq(fcnn_execute(plan, NULL), FCNN_BAD_ARGUMENT);
    for (int i = 0; i < call.trial.count; i++) {
        fcnn_tensors tensors = call.tensors;
        char quoted[40];
        tensor_set(&tensors, &call.trial.info[i], NULL);
        ck_assert_int_eq(fcnn_execute(plan, &tensors), FCNN_BAD_ARGUMENT);
        snprintf(quoted, sizeof quoted, " %s ", call.trial.info[i].name);
        ck_assert_msg(strstr(fcnn_last_error(), quoted) != NULL, "\"%s\" does not name%s", fcnn_last_error(), quoted);
    }
    for (int i = 0; i < call.trial.count; i++)
        if (call.trial.info[i].role == FCNN_OUT) ck_assert_int_eq(*(unsigned char *)call.output[i], 0xff);
    ck_assert_int_eq(fcnn_execute(plan, &call.tensors), FCNN_OK);
    char text[256] = "";
    ck_assert_msg(wrong_elements(&call, text, sizeof text) == 0, "%s: %s", examples[_i], text);
    fcnn_plan_destroy(plan);
    call_free(&call);
}
END_TEST

START_TEST(bad_labels)
{
    static const int32_t bad[] = {-1, 33, INT32_MIN, INT32_MAX};
    for (int example = 16; example <= 17; example++) {
        struct call call;
        call_make(&call, examples[example], 1);
        ck_assert_int_eq(call.trial.problem.op, FCNN_CROSS_ENTROPY);
        fcnn_plan *plan = plan_make(&call.trial.problem, NULL);
        for (int i = 0; i < 4; i++) {
            int32_t labels[9] = {0};
            char number[16];
            labels[8] = bad[i];
            call.tensors.labels = labels;
            ck_assert_int_eq(fcnn_execute(plan, &call.tensors), FCNN_BAD_DATA);
            snprintf(number, sizeof number, "%d", (int)bad[i]);
            ck_assert_msg(strstr(fcnn_last_error(), number) != NULL, "%s", fcnn_last_error());
            for (int j = 0; j < call.trial.count; j++)
                if (call.trial.info[j].role == FCNN_OUT) ck_assert_int_eq(*(unsigned char *)call.output[j], 0xff);
        }
        fcnn_plan_destroy(plan);
        call_free(&call);
    }
}
END_TEST

START_TEST(thread_counts)
{
    const fcnn_problem problem = {.op = FCNN_RELU, .n = 64, .h = 32, .w = 32, .c = 32};
    const fcnn_problem tiny = {.op = FCNN_RELU, .c = 1};
    fcnn_plan *plan = plan_make(&problem, &(fcnn_options){.threads = 3});
    ck_assert_int_eq(fcnn_plan_threads(plan), 3);
    fcnn_plan_destroy(plan);
    plan = plan_make(&tiny, &(fcnn_options){.threads = 3});
    ck_assert_int_eq(fcnn_plan_threads(plan), 1); /* as many as there is work for */
    fcnn_plan_destroy(plan);
    /* eight tasks, but what they take is less than to hand them out; unless a caller names the kernel */
    const fcnn_problem quick = {.op = FCNN_SOFTMAX, .n = 8, .c = 10};
    plan = plan_make(&quick, &(fcnn_options){.threads = 3});
    ck_assert_int_eq(fcnn_plan_threads(plan), 1);
    fcnn_plan_destroy(plan);
    plan = plan_make(&quick, &(fcnn_options){.threads = 3, .kernel = "softmax_fwd_vector_scalar"});
    ck_assert_int_eq(fcnn_plan_threads(plan), 3);
    fcnn_plan_destroy(plan);
    const fcnn_problem two = {.op = FCNN_SOFTMAX, .n = 256, .c = 10}; /* 20 KB: between 2 and 3 us */
    plan = plan_make(&two, &(fcnn_options){.threads = 3});
    ck_assert_int_eq(fcnn_plan_threads(plan), 2);
    fcnn_plan_destroy(plan);
    /* in any stage: the last one sums one group of channels, but the one before lists the windows of 8 images */
    const fcnn_problem listed = {.op = FCNN_CONV2D_POOL, .direction = FCNN_BACKWARD_WEIGHTS, .n = 8, .h = 12, .w = 12,
                                 .c = 16, .k = 16, .r = 3, .s = 3};
    plan = plan_make(&listed, &(fcnn_options){.threads = 3, .kernel = "conv2d_pool_bwd_weights_sparse_scalar"});
    ck_assert_int_eq(fcnn_plan_threads(plan), 3);
    fcnn_plan_destroy(plan);
}
END_TEST

static void *fail_elsewhere(void *unused)
{
    fcnn_problem problem = {.c = -7};
    return fcnn_problem_check(&problem) && strstr(fcnn_last_error(), "-7") ? unused : NULL;
}

/* The sentence of a failure is its thread's. */
START_TEST(sentences_of_threads)
{
    pthread_t thread;
    void *right = NULL;
    fcnn_problem problem = {.c = -5};
    ck_assert_int_eq(fcnn_problem_check(&problem), FCNN_BAD_SHAPE);
    ck_assert_int_eq(pthread_create(&thread, NULL, fail_elsewhere, &problem), 0);
    ck_assert_int_eq(pthread_join(thread, &right), 0);
    ck_assert(right == &problem && strstr(fcnn_last_error(), "-5") && !strstr(fcnn_last_error(), "-7"));
}
END_TEST

/* A plan keeps what it was asked for in a copy of its own. */
START_TEST(pins_of_a_plan)
{
    const fcnn_problem problem = {.op = FCNN_DENSE, .c = 3, .k = 4};
    char wish[] = "*_naive";
    fcnn_plan_info info;
    fcnn_plan *plan = plan_make(&problem, &(fcnn_options){.kernel = wish});
    wish[0] = 'x';
    ck_assert_int_eq(fcnn_plan_describe(plan, &info), FCNN_OK);
    ck_assert_str_eq(info.pins, "*_naive");
    ck_assert_str_eq(info.kernel, "dense_fwd_naive");
    fcnn_plan_destroy(plan);
}
END_TEST

/* Packed weights stand for the tensors where the kernel packs, and nowhere else. */
START_TEST(packed_weights_that_no_kernel_reads)
{
    static _Alignas(64) float packed[16], src[3], dst[4], bias[4];
    const fcnn_problem problem = {.op = FCNN_DENSE, .c = 3, .k = 4};
    fcnn_plan *plan = plan_make(&problem, &(fcnn_options){.kernel = "dense_fwd_naive"});
    ck_assert_uint_eq(fcnn_plan_packed(plan), 0);
    const fcnn_tensors tensors = {.src = src, .bias = bias, .dst = dst, .packed = packed};
    ck_assert_int_eq(fcnn_execute(plan, &tensors), FCNN_BAD_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(fcnn_last_error(), " weights "));
    fcnn_plan_destroy(plan);
}
END_TEST

/* A plan for three threads, executed from a parallel region: alone there, and right. */
START_TEST(execution_in_a_parallel_region)
{
    struct call call;
    call_make(&call, examples[_i], 2);
    fcnn_plan *plan = plan_make(&call.trial.problem, &(fcnn_options){.threads = 3});
    fcnn_status status = FCNN_INTERRUPTED;
#pragma omp parallel num_threads(2)
#pragma omp single
    status = fcnn_execute(plan, &call.tensors);
    char text[256] = "";
    ck_assert_int_eq(status, FCNN_OK);
    ck_assert_msg(wrong_elements(&call, text, sizeof text) == 0, "%s: %s", examples[_i], text);
    fcnn_plan_destroy(plan);
    call_free(&call);
}
END_TEST

struct caller {
    const fcnn_plan *plan;
    struct call call;
    int64_t wrong;
    char text[256];
};

static void *execute_often(void *argument)
{
    struct caller *caller = argument;
    void *workspace;
    if (posix_memalign(&workspace, 64, fcnn_plan_workspace(caller->plan) + 64)) return NULL;
    caller->call.tensors.workspace = workspace;
    caller->wrong = 0;
    for (int i = 0; i < 20; i++) {
        reset_outputs(&caller->call);
        if (fcnn_execute(caller->plan, &caller->call.tensors)) caller->wrong++;
        caller->wrong += wrong_elements(&caller->call, caller->text, sizeof caller->text);
    }
    free(workspace);
    return NULL;
}

/* One plan, three threads at a time with different data. */
START_TEST(concurrent_callers)
{
    struct caller callers[3];
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) call_make(&callers[i].call, examples[_i], (uint64_t)i + 1);
    fcnn_plan *plan = plan_make(&callers[0].call.trial.problem, &(fcnn_options){.threads = 1});
    for (int i = 0; i < 3; i++) {
        callers[i].plan = plan;
        callers[i].wrong = -1;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, execute_often, &callers[i]), 0);
    }
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < 3; i++) {
        ck_assert_msg(callers[i].wrong == 0, "%s: caller %d: %s", examples[_i], i, callers[i].text);
        call_free(&callers[i].call);
    }
    fcnn_plan_destroy(plan);
}
END_TEST

#if defined(__x86_64__)
/* Rounding towards zero with FTZ and DAZ; rounding upwards; FTZ alone with a sticky flag set. */
static const unsigned modes[] = {0x1f80 | 0x6000 | 0x8040, 0x1f80 | 0x4000, 0x1f80 | 0x8000 | 0x0020};

START_TEST(floating_point_mode)
{
    for (int threads = 1; threads <= 3; threads += 2)
        for (uint64_t seed = 1; seed <= 10; seed++) { /* all styles, denormals among them */
            struct call call;
            call_make(&call, examples[_i], seed);
            fcnn_plan *plan = plan_make(&call.trial.problem, &(fcnn_options){.threads = threads});
            const unsigned mode = modes[seed % 3];
            _mm_setcsr(mode);
            const fcnn_status status = fcnn_execute(plan, &call.tensors);
            const unsigned after = _mm_getcsr();
            _mm_setcsr(0x1f80);
            char text[256] = "";
            ck_assert_int_eq(status, FCNN_OK);
            ck_assert_msg(after == mode, "MXCSR was %#x and came back as %#x", mode, after);
            ck_assert_msg(wrong_elements(&call, text, sizeof text) == 0, "%s, MXCSR %#x: %s", examples[_i], mode, text);
            fcnn_plan_destroy(plan);
            call_free(&call);
        }
}
END_TEST
#endif

int main(void)
{
    Suite *suite = suite_create("api");
    TCase *cases = tcase_create("api");
    tcase_add_test(cases, texts);
    tcase_add_test(cases, plans_refuse);
    tcase_add_loop_test(cases, missing_tensors, 0, EXAMPLES);
    tcase_add_test(cases, bad_labels);
    tcase_add_test(cases, thread_counts);
    tcase_add_test(cases, sentences_of_threads);
    tcase_add_test(cases, pins_of_a_plan);
    tcase_add_test(cases, packed_weights_that_no_kernel_reads);
    tcase_add_loop_test(cases, execution_in_a_parallel_region, 0, EXAMPLES);
    tcase_add_loop_test(cases, concurrent_callers, 0, EXAMPLES);
#if defined(__x86_64__)
    tcase_add_loop_test(cases, floating_point_mode, 0, EXAMPLES);
#endif
    tcase_set_timeout(cases, 120);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
