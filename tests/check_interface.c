/* SPDX-License-Identifier: BSD-2-Clause
 * The border of the library: NULL, values that no enum has, structs of older and newer programs. The structs lie
 * against inaccessible pages: a byte read or written beyond the size that was told is a crash. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/internal.h"
#include "tests/guard.h"
#include "tests/suite.h"

START_TEST(versions_agree)
{
    char text[64];
    snprintf(text, sizeof text, "%d.%d.%d", FCNN_VERSION_MAJOR, FCNN_VERSION_MINOR, FCNN_VERSION_PATCH);
    ck_assert_str_eq(fcnn_version(), text);
    ck_assert_str_eq(PACKAGE_VERSION, text);
}
END_TEST

START_TEST(null)
{
    fcnn_problem p = {.op = FCNN_RELU, .c = 4};
    fcnn_tensor_info info;
    fcnn_plan *plan = (fcnn_plan *)(void *)&p;
    char text[8] = "";
    ck_assert_int_eq(fcnn_problem_check(NULL), FCNN_BAD_ARGUMENT);
    ck_assert_int_eq(fcnn_problem_parse(NULL, "relu forward ic1"), FCNN_BAD_ARGUMENT);
    ck_assert_int_eq(fcnn_problem_parse(&p, NULL), FCNN_BAD_ARGUMENT);
    ck_assert(fcnn_problem_flops(NULL) == 0);
    ck_assert_int_eq(fcnn_problem_format(NULL, text, sizeof text), strlen("invalid problem"));
    ck_assert_str_eq(text, "invalid");
    ck_assert_int_eq(fcnn_problem_format(&p, NULL, 0), strlen("relu forward mb1ic4"));
    ck_assert_int_eq(fcnn_problem_format(&p, NULL, 99), strlen("relu forward mb1ic4"));
    ck_assert_int_eq(fcnn_problem_tensors(NULL, 0, &info), FCNN_BAD_ARGUMENT);
    ck_assert_int_eq(fcnn_problem_tensors(&p, 0, NULL), FCNN_BAD_ARGUMENT);
    ck_assert_int_eq(fcnn_plan_create(NULL, &p, NULL), FCNN_BAD_ARGUMENT);
    ck_assert_int_eq(fcnn_plan_create(&plan, NULL, NULL), FCNN_BAD_ARGUMENT);
    ck_assert_ptr_null(plan);
    ck_assert_int_eq(fcnn_execute(NULL, &(fcnn_tensors){0}), FCNN_BAD_ARGUMENT);
    fcnn_plan_info about;
    ck_assert_int_eq(fcnn_plan_describe(NULL, &about), FCNN_BAD_ARGUMENT);
    ck_assert_str_eq(fcnn_plan_kernel(NULL), "");
    ck_assert_int_eq(fcnn_plan_threads(NULL), 0);
    ck_assert_uint_eq(fcnn_plan_workspace(NULL), 0);
    ck_assert_uint_eq(fcnn_plan_packed(NULL), 0);
    ck_assert_int_eq(fcnn_pack(NULL, NULL, NULL, NULL), FCNN_BAD_ARGUMENT);
    fcnn_plan_destroy(NULL);
    ck_assert_int_eq(fcnn_options_check(NULL), FCNN_OK);
    fcnn_verdict verdict;
    ck_assert_int_eq(fcnn_explain(0, NULL, NULL, &verdict), FCNN_BAD_ARGUMENT);
    ck_assert_int_eq(fcnn_explain(0, &(fcnn_problem){.c = 1, .k = 1}, NULL, NULL), FCNN_BAD_ARGUMENT);
    fcnn_machine_describe(NULL);
    ck_assert_int_eq(fcnn_set_allocator(NULL), FCNN_OK);
}
END_TEST

/* What a later library may return, and what a caller may hand in: every value has a text and a status. */
START_TEST(unknown_values)
{
    static const int values[] = {-1, 99, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        const int value = values[i];
        fcnn_problem p = {.c = 1, .k = 1};
        char text[64];
        ck_assert_str_eq(fcnn_op_name((fcnn_op)value), "unknown");
        ck_assert_str_eq(fcnn_direction_name((fcnn_direction)value), "unknown");
        ck_assert_str_eq(fcnn_isa_name((fcnn_isa)value), "unknown");
        ck_assert_str_eq(fcnn_class_name((fcnn_class)value), "unknown");
        ck_assert_str_eq(fcnn_status_text((fcnn_status)value), "unknown status");
        p.op = (fcnn_op)value;
        ck_assert_int_eq(fcnn_problem_check(&p), FCNN_BAD_ARGUMENT);
        ck_assert(fcnn_problem_flops(&p) == 0);
        fcnn_problem_format(&p, text, sizeof text);
        ck_assert_str_eq(text, "invalid problem");
        p = (fcnn_problem){.c = 1, .k = 1, .direction = (fcnn_direction)value};
        ck_assert_int_eq(fcnn_problem_check(&p), FCNN_BAD_ARGUMENT);
        p = (fcnn_problem){.c = 1, .k = 1, .padding = (fcnn_padding)value};
        ck_assert_int_eq(fcnn_problem_check(&p), FCNN_BAD_ARGUMENT);
        p = (fcnn_problem){.c = 1, .k = 1, .activation = (fcnn_activation)value};
        ck_assert_int_eq(fcnn_problem_check(&p), FCNN_BAD_ARGUMENT);
        fcnn_verdict verdict;
        const fcnn_status explained = fcnn_explain(value, &(fcnn_problem){.c = 1, .k = 1}, NULL, &verdict);
        ck_assert_int_eq(explained, value < 0 || value >= fcnn_kernel_count() ? FCNN_BAD_ARGUMENT : FCNN_OK);
        if (value > 0) ck_assert(fcnn_measure_peak((fcnn_isa)value, 0.001) == 0);
    }
}
END_TEST

/* ---- problems that were not checked ---- */

START_TEST(unchecked_problems)
{
    const fcnn_problem p = {.h = 9, .w = 9, .c = 3, .k = 5, .r = 3, .s = 3, .padding = FCNN_PAD_SAME};
    fcnn_problem checked = p;
    fcnn_tensor_info info, again;
    char text[128], checked_text[128];
    ck_assert_int_eq(fcnn_problem_check(&checked), FCNN_OK);
    ck_assert(fcnn_problem_flops(&p) > 0 && fcnn_problem_flops(&p) == fcnn_problem_flops(&checked));
    fcnn_problem_format(&p, text, sizeof text);
    fcnn_problem_format(&checked, checked_text, sizeof checked_text);
    ck_assert_str_eq(text, checked_text);
    for (int i = 0; fcnn_problem_tensors(&p, i, &info) == FCNN_OK; i++) {
        ck_assert_int_eq(fcnn_problem_tensors(&checked, i, &again), FCNN_OK);
        ck_assert(info.elements == again.elements && info.offset == again.offset);
    }
    ck_assert(fcnn_problem_flops(&(fcnn_problem){0}) == 0);
    ck_assert(fcnn_problem_flops(&(fcnn_problem){.h = 3, .w = 3, .c = 1, .k = 1, .r = 4, .s = 4}) == 0);
    /* a failed check leaves the problem as it was */
    fcnn_problem bad = {.h = 3, .w = 3, .c = 1, .k = 1, .r = 4, .s = 4};
    ck_assert_int_eq(fcnn_problem_check(&bad), FCNN_BAD_SHAPE);
    ck_assert(bad.n == 0 && bad.stride_h == 0 && bad.r == 4);
}
END_TEST

static int has_naive_row(fcnn_op op, fcnn_direction direction)
{
    for (int i = 0; i < fcnn_kernels_count; i++) {
        const struct fcnn_kernel *kernel = &fcnn_kernels[i];
        const char *end = strstr(kernel->name, "_naive");
        if (kernel->op == op && kernel->direction == direction && end && !end[6]) return 1;
    }
    return 0;
}

/* The table of operations: each has a name, directions, tensors that are written, and a reference. */
START_TEST(operations_are_complete)
{
    for (int op = 0; op < FCNN_OPS; op++) {
        const struct fcnn_operation *row = &fcnn_operations[op];
        if (!fcnn_op_exists((fcnn_op)op)) {
            ck_assert_str_eq(fcnn_op_name((fcnn_op)op), "unknown");
            for (int i = 0; i < fcnn_kernels_count; i++)
                ck_assert_msg((int)fcnn_kernels[i].op != op, "%s: operation %d has no row", fcnn_kernels[i].name, op);
            continue;
        }
        ck_assert_msg(row->name && row->directions && row->tensors, "operation %d has no row", op);
        ck_assert_str_eq(fcnn_op_name((fcnn_op)op), row->name);
        for (int d = 0; d < FCNN_DIRECTIONS; d++) {
            unsigned roles = 0;
            if (!(row->directions >> d & 1)) continue;
            ck_assert_msg(has_naive_row((fcnn_op)op, (fcnn_direction)d), "%s has no naive row", row->name);
            for (const struct fcnn_tensor_rule *rule = row->tensors; rule->name; rule++)
                if (rule->directions >> d & 1) roles |= 1u << rule->role;
            ck_assert_msg(roles & 1u << FCNN_OUT || roles & 1u << FCNN_INOUT, "%s %s writes nothing", row->name,
                          fcnn_direction_name((fcnn_direction)d));
        }
    }
    ck_assert_str_eq(fcnn_op_name((fcnn_op)FCNN_OPS), "unknown");
}
END_TEST

START_TEST(tensors_of_a_problem)
{
    static const struct { const char *name; int64_t elements; size_t size; fcnn_role role; } want[] = {
        {"src", 2 * 9 * 9 * 3, 4, FCNN_IN},      {"weights", 3 * 3 * 3 * 20, 4, FCNN_IN}, {"bias", 20, 4, FCNN_IN},
        {"dst", 2 * 3 * 3 * 20, 4, FCNN_OUT},    {"choice", 2 * 3 * 3 * 2 * 3, 2, FCNN_OUT}};
    fcnn_problem p = {.op = FCNN_CONV2D_POOL, .n = 2, .h = 9, .w = 9, .c = 3, .k = 20, .r = 3, .s = 3};
    fcnn_tensor_info info;
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(fcnn_problem_tensors(&p, i, &info), FCNN_OK);
        ck_assert_str_eq(info.name, want[i].name);
        ck_assert_int_eq(info.elements, want[i].elements);
        ck_assert_int_eq(info.element_size, want[i].size);
        ck_assert_int_eq(info.role, want[i].role);
    }
    ck_assert_int_eq(info.offset, offsetof(fcnn_tensors, choice));
    ck_assert_int_eq(fcnn_problem_tensors(&p, 5, &info), FCNN_BAD_ARGUMENT);
    ck_assert_int_eq(fcnn_problem_tensors(&p, -1, &info), FCNN_BAD_ARGUMENT);
    p.no_bias = 1;
    ck_assert_int_eq(fcnn_problem_tensors(&p, 2, &info), FCNN_OK);
    ck_assert_str_eq(info.name, "dst");
    const fcnn_problem grouped = {.h = 9, .w = 9, .c = 6, .k = 20, .r = 3, .s = 3, .groups = 2};
    ck_assert_int_eq(fcnn_problem_tensors(&grouped, 1, &info), FCNN_OK);
    ck_assert_int_eq(info.elements, 3 * 3 * 3 * 20); /* a filter sees the channels of its group alone */
}
END_TEST

/* ---- sizes ---- */

static struct guard room, more;

/* The first `size` bytes of a struct that is `known` bytes here; what it has more is zero but for its last byte. */
static void *place(struct guard *guard, const void *from, size_t known, size_t size, int last)
{
    guard_place(guard, "a struct", size, GUARD_AFTER, 0, 1);
    memset(guard->data, 0, size);
    memcpy(guard->data, from, size < known ? size : known);
    if (last) guard->data[size - 1] = 1;
    return guard->data;
}

/* An older program's problem ends before p and q, a newer one has two members more. */
START_TEST(sizes_of_problems)
{
    const size_t known = sizeof(fcnn_problem), old = offsetof(fcnn_problem, p), new = known + 16;
    const size_t sizes[] = {old, known, new};
    const fcnn_problem p = {.h = 9, .w = 9, .c = 3, .k = 5, .r = 3, .s = 3};
    const double flops = fcnn_problem_flops(&p);
    for (size_t i = 0; i < 3; i++) {
        char text[64];
        fcnn_tensor_info info;
        fcnn_plan *plan;
        fcnn_problem *q = place(&room, &p, known, sizes[i], 0);
        ck_assert(fcnn_problem_flops_sized(q, sizes[i]) == flops);
        ck_assert_int_eq(fcnn_problem_format_sized(q, sizes[i], text, sizeof text), strlen(text));
        ck_assert_int_eq(fcnn_problem_tensors_sized(q, sizes[i], 0, &info, sizeof info), FCNN_OK);
        ck_assert_int_eq(fcnn_plan_create_sized(&plan, q, sizes[i], NULL, 1000), FCNN_OK);
        fcnn_plan_destroy(plan);
        fcnn_verdict verdict;
        ck_assert_int_eq(fcnn_explain_sized(0, q, sizes[i], NULL, 0, &verdict, sizeof verdict), FCNN_OK);
        ck_assert_int_eq(fcnn_problem_check_sized(q, sizes[i]), FCNN_OK);
        memset(room.data, 0x55, sizes[i]);
        ck_assert_int_eq(fcnn_problem_parse_sized(q, sizes[i], "relu forward mb3ic4"), FCNN_OK);
        ck_assert(((fcnn_problem *)(void *)room.data)->n == 3);
        for (size_t j = known; j < sizes[i]; j++) ck_assert_uint_eq(room.data[j], 0);
    }
    fcnn_problem *q = place(&room, &p, known, new, 1);
    fcnn_tensor_info info;
    fcnn_plan *plan;
    char text[64];
    ck_assert_int_eq(fcnn_problem_check_sized(q, new), FCNN_BAD_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(fcnn_last_error(), "does not know"));
    ck_assert_int_eq(fcnn_plan_create_sized(&plan, q, new, NULL, 0), FCNN_BAD_ARGUMENT);
    ck_assert_int_eq(fcnn_problem_tensors_sized(q, new, 0, &info, sizeof info), FCNN_BAD_ARGUMENT);
    ck_assert(fcnn_problem_flops_sized(q, new) == 0);
    fcnn_problem_format_sized(q, new, text, sizeof text);
    ck_assert_str_eq(text, "invalid problem");
    fcnn_verdict verdict;
    ck_assert_int_eq(fcnn_explain_sized(0, q, new, NULL, 0, &verdict, sizeof verdict), FCNN_BAD_ARGUMENT);
}
END_TEST

START_TEST(sizes_of_options)
{
    const fcnn_options options = {.threads = 1, .isa = "scalar"};
    const fcnn_problem p = {.op = FCNN_RELU, .c = 4};
    const size_t known = sizeof options, sizes[] = {offsetof(fcnn_options, math), known, known + 8};
    fcnn_plan *plan;
    fcnn_verdict verdict;
    for (size_t i = 0; i < 3; i++) {
        const fcnn_options *o = place(&room, &options, known, sizes[i], 0);
        ck_assert_int_eq(fcnn_options_check_sized(o, sizes[i]), FCNN_OK);
        ck_assert_int_eq(fcnn_plan_create_sized(&plan, &p, sizeof p, o, sizes[i]), FCNN_OK);
        fcnn_plan_destroy(plan);
        ck_assert_int_eq(fcnn_explain_sized(0, &p, sizeof p, o, sizes[i], &verdict, sizeof verdict), FCNN_OK);
    }
    const fcnn_options *o = place(&room, &options, known, known + 8, 1);
    ck_assert_int_eq(fcnn_options_check_sized(o, known + 8), FCNN_BAD_ARGUMENT);
    ck_assert_int_eq(fcnn_plan_create_sized(&plan, &p, sizeof p, o, known + 8), FCNN_BAD_ARGUMENT);
    ck_assert_int_eq(fcnn_explain_sized(0, &p, sizeof p, o, known + 8, &verdict, sizeof verdict), FCNN_BAD_ARGUMENT);
}
END_TEST

/* tensors end behind hyper or have a member more; hyper ends behind momentum or has members more. */
START_TEST(sizes_of_tensors)
{
    const size_t known = sizeof(fcnn_tensors), sizes[] = {offsetof(fcnn_tensors, packed), known, known + 8};
    const size_t hyper_known = sizeof(fcnn_hyper);
    const size_t hyper_sizes[] = {offsetof(fcnn_hyper, scale), hyper_known, hyper_known + 8};
    const fcnn_hyper hyper = {.learning_rate = 0.5f, .momentum = 0.25f};
    const fcnn_problem p = {.op = FCNN_SGD, .direction = FCNN_UPDATE, .c = 2};
    fcnn_plan *plan;
    ck_assert_int_eq(fcnn_plan_create(&plan, &p, NULL), FCNN_OK);
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 3; j++) {
            float parameters[2] = {4, 8}, moment[2] = {0, 0};
            float gradient[2] = {1, 2};
            const fcnn_tensors t = {.d_weights = gradient, .parameters = parameters, .moment_1 = moment,
                                    .hyper = place(&more, &hyper, hyper_known, hyper_sizes[j], 0)};
            const fcnn_tensors *given = place(&room, &t, known, sizes[i], 0);
            ck_assert_int_eq(fcnn_execute_sized(plan, given, sizes[i], hyper_sizes[j]), FCNN_OK);
            ck_assert(parameters[0] == 3.5f && parameters[1] == 7);
        }
    float parameters[2] = {4, 8}, moment[2] = {0, 0};
    fcnn_tensors t = {.d_weights = moment, .parameters = parameters, .moment_1 = moment, .hyper = &hyper};
    ck_assert_int_eq(fcnn_execute_sized(plan, place(&room, &t, known, known + 8, 1), known + 8, hyper_known),
                     FCNN_BAD_ARGUMENT);
    t.hyper = place(&more, &hyper, hyper_known, hyper_known + 8, 1);
    ck_assert_int_eq(fcnn_execute_sized(plan, &t, known, hyper_known + 8), FCNN_BAD_ARGUMENT);
    t.hyper = NULL;
    ck_assert_int_eq(fcnn_execute_sized(plan, &t, known, hyper_known + 8), FCNN_BAD_ARGUMENT);
    ck_assert(parameters[0] == 4 && parameters[1] == 8);
    ck_assert_int_eq(fcnn_execute_sized(plan, NULL, known, hyper_known), FCNN_BAD_ARGUMENT);
    fcnn_plan_destroy(plan);
}
END_TEST

/* What the library writes ends where the caller's struct does; what that has more becomes zero. */
START_TEST(sizes_of_results)
{
    const fcnn_problem p = {.op = FCNN_RELU, .n = 3, .c = 4};
    const size_t info_sizes[] = {offsetof(fcnn_tensor_info, elements), sizeof(fcnn_tensor_info),
                                 sizeof(fcnn_tensor_info) + 16};
    const size_t machine_sizes[] = {offsetof(fcnn_machine, l1d), sizeof(fcnn_machine), sizeof(fcnn_machine) + 16};
    const size_t plan_sizes[] = {offsetof(fcnn_plan_info, workspace), sizeof(fcnn_plan_info),
                                 sizeof(fcnn_plan_info) + 16};
    fcnn_machine whole;
    fcnn_plan *plan;
    fcnn_machine_describe(&whole);
    ck_assert_int_eq(fcnn_plan_create(&plan, &p, NULL), FCNN_OK);
    for (size_t i = 0; i < 3; i++) {
        guard_place(&room, "info", info_sizes[i], GUARD_AFTER, 0, 1);
        fcnn_tensor_info *info = (void *)room.data;
        ck_assert_int_eq(fcnn_problem_tensors_sized(&p, sizeof p, 1, info, info_sizes[i]), FCNN_OK);
        ck_assert_int_eq(info->offset, offsetof(fcnn_tensors, dst));
        if (i) ck_assert_int_eq(info->elements, 12);
        for (size_t j = sizeof *info; j < info_sizes[i]; j++) ck_assert_uint_eq(room.data[j], 0);
        guard_place(&room, "machine", machine_sizes[i], GUARD_AFTER, 0, 1);
        fcnn_machine *machine = (void *)room.data;
        fcnn_machine_describe_sized(machine, machine_sizes[i]);
        ck_assert_str_eq(machine->cpu, whole.cpu);
        ck_assert_int_eq(machine->cores, whole.cores);
        if (i) ck_assert_int_eq(machine->l1d, whole.l1d);
        for (size_t j = sizeof *machine; j < machine_sizes[i]; j++) ck_assert_uint_eq(room.data[j], 0);
        guard_place(&room, "plan", plan_sizes[i], GUARD_AFTER, 0, 1);
        fcnn_plan_info *about = (void *)room.data;
        ck_assert_int_eq(fcnn_plan_describe_sized(plan, about, plan_sizes[i]), FCNN_OK);
        ck_assert_str_eq(about->kernel, fcnn_plan_kernel(plan));
        for (size_t j = sizeof *about; j < plan_sizes[i]; j++) ck_assert_uint_eq(room.data[j], 0);
    }
    fcnn_plan_destroy(plan);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("interface");
    TCase *cases = tcase_create("interface");
    tcase_add_test(cases, versions_agree);
    tcase_add_test(cases, null);
    tcase_add_test(cases, unknown_values);
    tcase_add_test(cases, unchecked_problems);
    tcase_add_test(cases, operations_are_complete);
    tcase_add_test(cases, tensors_of_a_problem);
    tcase_add_test(cases, sizes_of_problems);
    tcase_add_test(cases, sizes_of_options);
    tcase_add_test(cases, sizes_of_tensors);
    tcase_add_test(cases, sizes_of_results);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
