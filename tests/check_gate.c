/* SPDX-License-Identifier: BSD-2-Clause
 * The gate (bench/gate/) on made-up times with known answers: intervals, orders, verdicts. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/gate/series.h"
#include "bench/gate/report.h"
#include "bench/random.h"
#include "tests/suite.h"

enum { ROUNDS = 11 };

/* ---- intervals ---- */

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* All count^count resamples of 1, 2, ..., count: how many have a median of at most `most`. */
static double enumerate(int count, int most)
{
    int total = 1, below = 0;
    for (int i = 0; i < count; i++) total *= count;
    for (int number = 0; number < total; number++) {
        double drawn[5];
        for (int i = 0, rest = number; i < count; i++, rest /= count) drawn[i] = 1 + rest % count;
        qsort(drawn, (size_t)count, sizeof *drawn, ascending);
        below += drawn[count / 2] <= most;
    }
    return (double)below / total;
}

START_TEST(chance_is_that_of_all_resamples)
{
    const double values[] = {3, 1, 5, 2, 4};
    for (int count = 1; count <= 5; count += 2) {
        double some[5];
        for (int i = 0; i < count; i++) some[i] = count == 5 ? values[i] : count - i;
        for (int most = 0; most <= count; most++)
            ck_assert_double_eq_tol(gate_chance(some, count, most + 0.5), enumerate(count, most), 1e-12);
    }
    ck_assert_double_eq(gate_chance(values, 5, 5), 1);
    ck_assert_double_eq(gate_chance(values, 5, 0), 0);
    ck_assert(isnan(gate_chance((double[]){1, NAN, 2}, 3, 5)));
}
END_TEST

START_TEST(interval_of_eleven)
{
    const double values[ROUNDS] = {7, 2, 11, 4, 9, 1, 6, 3, 8, 10, 5};
    const struct gate_interval interval = gate_bootstrap(values, ROUNDS, 0.025);
    ck_assert_double_eq(interval.low, 3);
    ck_assert_double_eq(interval.median, 6);
    ck_assert_double_eq(interval.high, 9);
    ck_assert_double_eq(gate_bootstrap(values, 1, 0.025).low, 7);
    ck_assert(isnan(gate_bootstrap((double[]){1, 2, NAN}, 3, 0.025).median));
}
END_TEST

START_TEST(holm)
{
    double chances[] = {0.01, 0.04, NAN, 0.03, 0.9};
    gate_holm(chances, 5); /* four findings */
    ck_assert_double_eq_tol(chances[0], 0.04, 1e-15);
    ck_assert_double_eq_tol(chances[1], 0.09, 1e-15); /* not below that of the finding before it */
    ck_assert(isnan(chances[2]));
    ck_assert_double_eq_tol(chances[3], 0.09, 1e-15);
    ck_assert_double_eq_tol(chances[4], 0.9, 1e-15);
}
END_TEST

/* ---- orders ---- */

static int place(const enum gate_side order[GATE_SIDES], enum gate_side side)
{
    int at = 0;
    while (order[at] != side) at++;
    return at;
}

START_TEST(orders_are_balanced)
{
    enum gate_side orders[GATE_MOST_ROUNDS][GATE_SIDES];
    for (uint64_t seed = 0; seed < 200; seed++) {
        int before = 0;
        unsigned seen = 0;
        gate_orders(seed, 48, orders);
        for (int i = 0; i < 48; i++) {
            const int base = place(orders[i], GATE_BASE), head = place(orders[i], GATE_HEAD);
            ck_assert_int_eq(place(orders[i], GATE_CONTROL), 3 - base - head);
            before += base < head ? 1 : -1;
            ck_assert_int_le(abs(before), 1);
            seen |= 1u << (3 * base + head);
            if (i % 6 < 5) continue;
            ck_assert_int_eq(__builtin_popcount(seen), 6);
            seen = 0;
        }
    }
}
END_TEST

START_TEST(orders_come_from_the_seed)
{
    enum gate_side one[12][GATE_SIDES], same[12][GATE_SIDES], other[12][GATE_SIDES];
    int differ = 0, base_first = 0;
    gate_orders(1, 12, one);
    gate_orders(1, 12, same);
    ck_assert_mem_eq(one, same, sizeof one);
    for (uint64_t seed = 2; seed < 102; seed++) {
        gate_orders(seed, 12, other);
        differ += memcmp(one, other, sizeof one) != 0;
        base_first += place(other[0], GATE_BASE) < place(other[0], GATE_HEAD);
    }
    ck_assert_int_ge(differ, 95);
    ck_assert_int_ge(base_first, 30); /* not always the same side */
    ck_assert_int_le(base_first, 70);
}
END_TEST

/* ---- verdicts ---- */

/* Ratios of `cases` kernels: exp(log) = 1 + change[i], with a noise of +-`noise` that is the same in all rounds but for
 * its sign and size. */
static void make_up(double *logs, int cases, const double *change, double noise)
{
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < cases; i++)
            logs[round * cases + i] = log1p(change[i]) + noise * (round - ROUNDS / 2) / (ROUNDS / 2);
}

static enum gate_verdict judge_one(double change, double noise, double control)
{
    double logs[ROUNDS], controls[ROUNDS];
    struct gate_finding finding;
    const struct gate_rule rule = gate_rule_of(0.05);
    make_up(logs, 1, &change, noise);
    make_up(controls, 1, &control, 0);
    gate_judge(&(struct gate_ratios){1, ROUNDS, logs}, &(struct gate_ratios){1, ROUNDS, controls}, &rule, &finding);
    ck_assert_int_eq(finding.verdict == GATE_UNDECIDED, *finding.why != 0);
    return finding.verdict;
}

START_TEST(verdict_on_one_kernel)
{
    ck_assert_int_eq(judge_one(0, 0.02, 0), GATE_SAME);
    ck_assert_int_eq(judge_one(0.10, 0.02, 0), GATE_SLOWER);
    ck_assert_int_eq(judge_one(-0.10, 0.02, 0), GATE_FASTER);
    ck_assert_int_eq(judge_one(0.06, 0.001, 0), GATE_SLOWER);
    ck_assert_int_eq(judge_one(0.045, 0.001, 0), GATE_SAME);       /* surely below the effect */
    ck_assert_int_eq(judge_one(0.045, 0.03, 0), GATE_UNDECIDED);   /* it might be more */
    ck_assert_int_eq(judge_one(0.10, 0.20, 0), GATE_UNDECIDED);    /* 2 % is not sure */
    ck_assert_int_eq(judge_one(0, 0.30, 0), GATE_UNDECIDED);
    ck_assert_int_eq(judge_one(0, 0.001, 0.04), GATE_UNDECIDED);   /* base differs from itself */
    ck_assert_int_eq(judge_one(0.10, 0.001, 0.04), GATE_UNDECIDED);
    ck_assert_int_eq(judge_one(1.00, 0.001, 0.04), GATE_SLOWER);   /* but not as much */
    ck_assert_int_eq(judge_one(0, 0.001, 0.02), GATE_SAME);
    ck_assert_int_eq(judge_one(NAN, 0, 0), GATE_UNDECIDED);
    ck_assert_int_eq(judge_one(0, 0, NAN), GATE_SAME);             /* no control, no doubt */
}
END_TEST

START_TEST(many_kernels_need_more)
{
    enum { CASES = 100 };
    double logs[ROUNDS * CASES], controls[ROUNDS * CASES] = {0}, alone[ROUNDS];
    struct gate_finding findings[CASES];
    const struct gate_rule rule = gate_rule_of(0.05);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < CASES; i++) logs[round * CASES + i] = 0;
        logs[round * CASES] = alone[round] = log1p(round < 2 ? 0.01 : 0.10); /* two rounds say otherwise */
        logs[round * CASES + 1] = log1p(0.10);
    }
    gate_judge(&(struct gate_ratios){1, ROUNDS, alone}, &(struct gate_ratios){1, ROUNDS, controls}, &rule, findings);
    ck_assert_int_eq(findings[0].verdict, GATE_SLOWER);
    gate_judge(&(struct gate_ratios){CASES, ROUNDS, logs}, &(struct gate_ratios){CASES, ROUNDS, controls}, &rule,
               findings);
    ck_assert_int_eq(findings[0].verdict, GATE_UNDECIDED);
    ck_assert_int_eq(findings[1].verdict, GATE_SLOWER);
    for (int i = 2; i < CASES; i++) ck_assert_int_eq(findings[i].verdict, GATE_SAME);
}
END_TEST

START_TEST(mean_of_small_changes)
{
    enum { CASES = 20 };
    double change[CASES], none[CASES] = {0}, logs[ROUNDS * CASES], controls[ROUNDS * CASES];
    const struct gate_rule rule = gate_rule_of(0.05), of_mean = gate_rule_of_mean(&rule);
    ck_assert_double_eq_tol(of_mean.effect, 0.02, 1e-15);
    for (int i = 0; i < CASES; i++) change[i] = 0.03;
    make_up(logs, CASES, change, 0.01);
    make_up(controls, CASES, none, 0);
    const struct gate_ratios ratios = {CASES, ROUNDS, logs}, control = {CASES, ROUNDS, controls};
    struct gate_finding mean = gate_judge_mean(&ratios, &control, &of_mean);
    ck_assert_int_eq(mean.verdict, GATE_SLOWER);
    ck_assert_double_eq_tol(mean.change.median, log1p(0.03), 1e-12);
    change[0] = NAN; /* what was not timed does not count */
    make_up(logs, CASES, change, 0);
    ck_assert_double_eq_tol(gate_judge_mean(&ratios, &control, &of_mean).change.median, log1p(0.03), 1e-12);
    make_up(logs, CASES, none, 0.01);
    ck_assert_int_eq(gate_judge_mean(&ratios, &control, &of_mean).verdict, GATE_SAME);
}
END_TEST

START_TEST(second_run)
{
    static const enum gate_verdict expected[4][4] = { /* [first][second] */
        {GATE_SAME, GATE_UNDECIDED, GATE_UNDECIDED, GATE_UNDECIDED},
        {GATE_SAME, GATE_FASTER, GATE_UNDECIDED, GATE_UNDECIDED},
        {GATE_SAME, GATE_UNDECIDED, GATE_SLOWER, GATE_UNDECIDED},
        {GATE_SAME, GATE_UNDECIDED, GATE_UNDECIDED, GATE_UNDECIDED}};
    for (int first = 0; first < 4; first++)
        for (int second = 0; second < 4; second++) {
            const struct gate_finding a = {.verdict = (enum gate_verdict)first},
                                      b = {.verdict = (enum gate_verdict)second};
            ck_assert_int_eq(gate_confirm(&a, &b).verdict, expected[first][second]);
        }
    const struct gate_finding red = {.verdict = GATE_SLOWER, .change = {0, log(1.116), 0}},
                              gone = {.verdict = GATE_SAME, .change = {0, log(1.009), 0}};
    ck_assert_str_eq(gate_confirm(&red, &gone).why, "not confirmed: +11.6 %, then +0.9 %");
}
END_TEST

static enum gate_verdict overall(int slower, int undecided, enum gate_verdict mean, int noise)
{
    struct gate_finding findings[20] = {{.verdict = GATE_SAME}};
    for (int i = 0; i < slower; i++) findings[i].verdict = GATE_SLOWER;
    for (int i = 0; i < undecided; i++) findings[19 - i].verdict = GATE_UNDECIDED;
    return gate_overall(findings, 20, &(struct gate_finding){.verdict = mean}, noise);
}

START_TEST(what_it_comes_to)
{
    ck_assert_int_eq(overall(0, 0, GATE_SAME, 0), GATE_SAME);
    ck_assert_int_eq(overall(0, 0, GATE_FASTER, 0), GATE_FASTER);
    ck_assert_int_eq(overall(1, 0, GATE_SAME, 0), GATE_SLOWER);
    ck_assert_int_eq(overall(1, 15, GATE_UNDECIDED, 0), GATE_SLOWER);
    ck_assert_int_eq(overall(0, 0, GATE_SLOWER, 0), GATE_SLOWER);
    ck_assert_int_eq(overall(1, 0, GATE_SLOWER, 1), GATE_UNDECIDED); /* noise is never a verdict */
    ck_assert_int_eq(overall(0, 0, GATE_SAME, 2), GATE_UNDECIDED);
    ck_assert_int_eq(overall(0, 2, GATE_SAME, 0), GATE_SAME);        /* a tenth */
    ck_assert_int_eq(overall(0, 3, GATE_SAME, 0), GATE_UNDECIDED);
    ck_assert_int_eq(overall(0, 0, GATE_UNDECIDED, 0), GATE_UNDECIDED);
    ck_assert_int_eq(gate_exit_status(GATE_SAME), 0);
    ck_assert_int_eq(gate_exit_status(GATE_FASTER), 0);
    ck_assert_int_eq(gate_exit_status(GATE_SLOWER), 1);
    ck_assert_int_eq(gate_exit_status(GATE_UNDECIDED), 77);
    struct gate_finding red = {.verdict = GATE_SLOWER, .change = {0, log(1.5), 0}}, same = {.verdict = GATE_SAME};
    gate_doubt(&red);
    gate_doubt(&same);
    ck_assert_int_eq(red.verdict, GATE_UNDECIDED);
    ck_assert_ptr_nonnull(strstr(red.why, "+50.0 %"));
    ck_assert_int_eq(same.verdict, GATE_SAME);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gate");
    TCase *tests = tcase_create("made-up times");
    tcase_add_test(tests, chance_is_that_of_all_resamples);
    tcase_add_test(tests, interval_of_eleven);
    tcase_add_test(tests, holm);
    tcase_add_test(tests, orders_are_balanced);
    tcase_add_test(tests, orders_come_from_the_seed);
    tcase_add_test(tests, verdict_on_one_kernel);
    tcase_add_test(tests, many_kernels_need_more);
    tcase_add_test(tests, mean_of_small_changes);
    tcase_add_test(tests, second_run);
    tcase_add_test(tests, what_it_comes_to);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
