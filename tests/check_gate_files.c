/* SPDX-License-Identifier: BSD-2-Clause
 * What the gate (bench/gate/) reads: the conditions of a run, series, lists and records of the timer, floors. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/gate/floors.h"
#include "bench/gate/report.h"
#include "bench/gate/series.h"
#include "tests/suite.h"

enum { ROUNDS = 11 };

/* ---- conditions ---- */

START_TEST(processor_times)
{
    static const char text[] = "cpu  999 999 999 999 999 999 999 999 0 0\n"
                               "cpu0 100 10 20 300 5 1 2 7 0 0\ncpu1 1000 0 0 0 0 0 0 0 0 0\n"
                               "cpu10 1 1 1 1 1 1 1 1 0 0\n"
                               "intr 5\n";
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(0, &cores);
    struct gate_ticks ticks = gate_ticks_parse(text, &cores, 100);
    ck_assert_double_eq_tol(ticks.busy, 1.33, 1e-12);
    ck_assert_double_eq_tol(ticks.steal, 0.07, 1e-12);
    ck_assert_double_eq_tol(ticks.all, 4.45, 1e-12);
    CPU_SET(10, &cores);
    ck_assert_double_eq_tol(gate_ticks_parse(text, &cores, 100).all, 4.53, 1e-12);
    ck_assert_double_eq(gate_ticks_parse("", &cores, 100).all, 0);

    struct gate_conditions c;
    const struct gate_ticks from = {.all = 10, .busy = 2, .steal = 1, .ours = 5},
                            to = {.all = 20, .busy = 8, .steal = 2, .ours = 9};
    gate_conditions_load(&c, &from, &to);
    ck_assert_double_eq_tol(c.steal, 0.1, 1e-12);
    ck_assert_double_eq_tol(c.others, 0.2, 1e-12);
    gate_conditions_load(&c, &from, &from); /* no /proc/stat */
    ck_assert(isnan(c.steal));
}
END_TEST

/* Each sign alone is noise, and is named; just below its limit it is not. */
START_TEST(noise)
{
    static const struct { size_t at; double most; const char *word; } signs[] = {
        {offsetof(struct gate_conditions, steal), 0.02, "steal"},
        {offsetof(struct gate_conditions, others), 0.10, "other processes"},
        {offsetof(struct gate_conditions, waiting), 0.05, "waited"},
        {offsetof(struct gate_conditions, clock), 0.05, "FMA rate"},
        {offsetof(struct gate_conditions, clock_bias), 0.025, "clocks"},
        {offsetof(struct gate_conditions, spread), 0.025, "one kernel of twenty"},
        {offsetof(struct gate_conditions, bias), 0.01, "geometric mean"}};
    char text[512];
    struct gate_conditions all = {0};
    ck_assert_int_eq(gate_noise(&all, 0.05, text, sizeof text), 0);
    ck_assert_str_eq(text, "");
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        struct gate_conditions c = {0};
        double *sign = (double *)((char *)&c + signs[i].at);
        *sign = signs[i].most * 0.99;
        ck_assert_int_eq(gate_noise(&c, 0.05, text, sizeof text), 0);
        *sign = signs[i].most * 1.01;
        ck_assert_int_eq(gate_noise(&c, 0.05, text, sizeof text), 1);
        ck_assert_ptr_nonnull(strstr(text, signs[i].word));
        *sign = NAN;
        ck_assert_int_eq(gate_noise(&c, 0.05, text, sizeof text), 0);
        *(double *)((char *)&all + signs[i].at) = 1;
    }
    ck_assert_int_eq(gate_noise(&all, 0.05, text, sizeof text), 7);
    ck_assert_int_eq(gate_noise(&all, 0.05, text, 40), 7); /* cut short */
    ck_assert_int_eq(strlen(text), 39);
}
END_TEST

/* Two cases, three rounds: base takes 1 and 2 s, head 10 % more on the first, the control 3 % more on the second; all
 * processes had nine tenths of a core; one side's clock is 4 % higher. */
START_TEST(series)
{
    struct gate_series s;
    double logs[6];
    ck_assert(gate_series_make(&s, 2, 3));
    ck_assert(isnan(gate_series_ratios(&s, GATE_HEAD, logs).logs[0]));
    ck_assert(isnan(gate_series_conditions(&s).clock));
    for (int round = 0; round < 3; round++)
        for (int side = 0; side < GATE_SIDES; side++) {
            s.core[round][side] = 0.9;
            for (int i = 0; i < 2; i++) {
                const int at = 2 * round + i;
                s.seconds[side][at] = (1 + i) * (side == GATE_HEAD && !i ? 1.1 : side == GATE_CONTROL && i ? 1.03 : 1);
                s.rates[side][at] = (100 + 50 * i) * (side == GATE_HEAD ? 1.04 : 1);
            }
        }
    const struct gate_ratios head = gate_series_ratios(&s, GATE_HEAD, logs);
    ck_assert_double_eq_tol(head.logs[2], log(1.1), 1e-12);
    ck_assert_double_eq_tol(head.logs[3], 0, 1e-12);
    const struct gate_conditions c = gate_series_conditions(&s);
    ck_assert_double_eq_tol(c.waiting, 0.1, 1e-12);
    ck_assert_double_eq_tol(c.clock_bias, log(1.04), 1e-12);
    ck_assert_double_eq_tol(c.clock, log(1.04), 1e-12); /* a third of the processes */
    ck_assert_double_eq_tol(c.bias, log(1.03) / 2, 1e-12);
    ck_assert_double_eq_tol(c.spread, 0, 1e-12); /* the largest of two is above 19 of 20 */
    gate_series_free(&s);
}
END_TEST

/* ---- what the timer writes ---- */

START_TEST(lists)
{
    struct gate_list list;
    ck_assert(gate_list_parse(&list, "machine X-1 scalar l1d=1\ncpu Some <CPU>\nlibrary /a/libfastcnn.so.0\n"
                                     "case k_one 12 34 conv2d forward mb1\nuncovered k_two no case\n"
                                     "absent k_three this CPU has no AVX9\n"));
    ck_assert_int_eq(list.case_count, 1);
    ck_assert_str_eq(list.cases[0].problem, "conv2d forward mb1");
    ck_assert_int_eq(list.cases[0].iterations, 12);
    ck_assert_double_eq(list.cases[0].flops, 34);
    ck_assert_str_eq(list.machine, "X-1 scalar l1d=1");
    ck_assert_str_eq(list.uncovered[0].why, "no case");
    ck_assert_ptr_eq(gate_list_find(&list, "k_one"), list.cases);
    ck_assert_ptr_null(gate_list_find(&list, "k_two"));
    ck_assert(gate_list_has(&list, "k_two") && gate_list_has(&list, "k_three") && !gate_list_has(&list, "k"));
    gate_list_free(&list);
    static const char *const bad[] = {"case k 0 1 p", "case k 1", "nonsense", "uncovered k"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert(!gate_list_parse(&list, bad[i]));
        gate_list_free(&list);
    }
}
END_TEST

START_TEST(records)
{
    double seconds[3], rates[3];
    struct gate_record record = {.seconds = seconds, .rates = rates};
    ck_assert(gate_record_parse(&record, 3, "library /b/libfastcnn.so.0\nfailed 1 no memory\nrow 2 1e-6 2e-6 99\n"
                                            "row 0 3 4 5\ncore 0.5\n"));
    ck_assert_double_eq(seconds[2], 2e-6); /* the lower quartile */
    ck_assert_double_eq(rates[2], 99);
    ck_assert_double_eq(seconds[0], 4);
    ck_assert(isnan(seconds[1]) && isnan(rates[1]));
    ck_assert_double_eq(record.core, 0.5);
    ck_assert_str_eq(record.library, "/b/libfastcnn.so.0");
    static const char *const bad[] = {"row 3 1 1 1", "row -1 1 1 1", "row 0 1 0 1", "row 0 1", "?"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) ck_assert(!gate_record_parse(&record, 3, bad[i]));
}
END_TEST

/* ---- floors ---- */

START_TEST(floors)
{
    struct gate_floor items[] = {{"k_one", "conv2d forward mb1", 10, 0.5}, {"k_two", "relu forward mb1", 5, 0}};
    const struct gate_floors measured = {.machine = "X-1 avx2", .items = items, .count = 2};
    struct gate_floors read;
    char *text;
    size_t size;
    int line;
    FILE *out = open_memstream(&text, &size);
    gate_floors_write(&measured, 0.6, out);
    fclose(out);
    ck_assert(gate_floors_parse(&read, text, &line));
    ck_assert_int_eq(read.count, 2);
    ck_assert_str_eq(read.machine, "X-1 avx2");
    ck_assert_str_eq(read.items[0].problem, "conv2d forward mb1");
    ck_assert_double_eq_tol(read.items[0].naive, 6, 1e-9);
    ck_assert_double_eq_tol(read.items[0].peak, 0.3, 1e-9);
    struct gate_floor now = items[0];
    ck_assert_double_gt(gate_floor_share(&read.items[0], &now), 1);
    now.naive = 5.9; /* either ratio is enough */
    ck_assert_double_lt(gate_floor_share(&read.items[0], &now), 1);
    now.naive = 10, now.peak = 0.29;
    ck_assert_double_lt(gate_floor_share(&read.items[0], &now), 1);
    now = items[1], now.peak = NAN; /* no multiply-adds */
    ck_assert_double_gt(gate_floor_share(&read.items[1], &now), 1);
    free(text);
    gate_floors_free(&read);
    ck_assert(!gate_floors_parse(&read, "# fine\nmachine x\nk_one 1 2\n", &line));
    ck_assert_int_eq(line, 3);
    gate_floors_free(&read);
    ck_assert(!gate_floors_parse(&read, "k_one -1 2 p\n", &line));
    gate_floors_free(&read);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gate-files");
    TCase *tests = tcase_create("made-up files");
    tcase_add_test(tests, processor_times);
    tcase_add_test(tests, noise);
    tcase_add_test(tests, series);
    tcase_add_test(tests, lists);
    tcase_add_test(tests, records);
    tcase_add_test(tests, floors);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
