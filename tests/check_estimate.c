/* SPDX-License-Identifier: BSD-2-Clause
 * The table of estimates (bench/estimate.c) on made-up results. */
#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/estimate.h"
#include "tests/suite.h"

static struct bench_problem problems[] = {
    {.layer = "net.a", .text = "a", .problem = {.direction = FCNN_FORWARD}},
    {.layer = "net.b", .text = "b", .problem = {.direction = FCNN_BACKWARD_DATA}},
    {.layer = "net.c", .text = "c", .problem = {.direction = FCNN_BACKWARD_WEIGHTS}},
    {.layer = "net.d", .text = "d", .problem = {.direction = FCNN_FORWARD}},
    {.layer = "net.e", .text = "e", .problem = {.direction = FCNN_FORWARD}},
};

/* Gains of 1, 2, not measured, exactly the bar, not supported. */
static void make_up(struct bench_estimate list[5])
{
    const double gains[] = {1, 2, NAN, BENCH_ESTIMATE_BAR, NAN};
    for (int i = 0; i < 5; i++) {
        list[i] = (struct bench_estimate){.of = &problems[i], .gain = gains[i]};
        snprintf(list[i].estimate, sizeof list[i].estimate, "first%d", i);
        if (gains[i] > 0) snprintf(list[i].best, sizeof list[i].best, i == 1 ? "second{x=2}" : "first%d", i);
    }
    snprintf(list[4].failure, sizeof list[4].failure, "no memory");
}

START_TEST(summary)
{
    struct bench_estimate list[5];
    make_up(list);
    const struct bench_estimates all = {.of = list, .count = 5, .threads = 1};
    const struct bench_estimate_summary s = bench_estimate_summarize(&all);
    ck_assert_int_eq(s.measured, 3);
    ck_assert_int_eq(s.good, 2); /* the bar is good */
    ck_assert_ptr_eq(s.worst, &list[1]);
    ck_assert_double_eq_tol(bench_mean_of(&s.gain), cbrt(2 * BENCH_ESTIMATE_BAR), 1e-12);
    const struct bench_estimates none = {.of = list + 2, .count = 1, .threads = 1};
    ck_assert_int_eq(bench_estimate_summarize(&none).measured, 0);
    ck_assert_ptr_null(bench_estimate_summarize(&none).worst);
}
END_TEST

START_TEST(table)
{
    struct bench_estimate list[5];
    char *text;
    size_t length;
    make_up(list);
    struct bench_estimates all = {.of = list, .count = 5, .threads = 2, .seconds = 0.5};
    FILE *out = open_memstream(&text, &length);
    bench_estimate_print(&all, out);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_ptr_nonnull(strstr(text, "5 problems, 2 threads, about 0.5 s each"));
    ck_assert_ptr_nonnull(strstr(text, "within 10 %: 2 of 3 (67 %); geometric mean of the gain 1.301; largest 2.00 "
                                       "(net.b backward_data)"));
    ck_assert_ptr_nonnull(strstr(text, "not measured: 2"));
    const char *const order[] = {"net.b ", "second{x=2}", "net.d ", "net.a ", "net.c ", "net.e ", "first4: no memory"};
    const char *at = strchr(text, '\n');
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        at = strstr(i ? at : strstr(text, "what is faster"), order[i]);
        ck_assert_msg(at != NULL, "%s is not where it should be", order[i]);
    }
    ck_assert_ptr_null(strstr(strstr(text, "what is faster"), "first0\n          "));
    free(text);
}
END_TEST

START_TEST(json)
{
    struct bench_estimate list[5];
    char *text;
    size_t length;
    make_up(list);
    const struct bench_estimates all = {.of = list, .count = 5, .threads = 1};
    FILE *out = open_memstream(&text, &length);
    ck_assert(bench_estimate_json(&all, out));
    ck_assert_int_eq(fclose(out), 0);
    json_t *read = json_loads(text, 0, NULL);
    ck_assert_uint_eq(json_array_size(read), 5);
    const json_t *second = json_array_get(read, 1), *third = json_array_get(read, 2), *last = json_array_get(read, 4);
    ck_assert_str_eq(json_string_value(json_object_get(second, "best")), "second{x=2}");
    ck_assert(json_real_value(json_object_get(second, "gain")) == 2);
    ck_assert_ptr_null(json_object_get(third, "gain"));
    ck_assert_str_eq(json_string_value(json_object_get(third, "failure")), "time was up");
    ck_assert_str_eq(json_string_value(json_object_get(last, "failure")), "no memory");
    json_decref(read);
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("estimate");
    TCase *cases = tcase_create("estimate");
    tcase_add_test(cases, summary);
    tcase_add_test(cases, table);
    tcase_add_test(cases, json);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
