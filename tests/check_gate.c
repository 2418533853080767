/* SPDX-License-Identifier: BSD-2-Clause
 * The gate (bench/gate/) on made-up times with known answers. */
#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/gate/floors.h"
#include "bench/gate/report.h"
#include "bench/gate/series.h"
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

/* ---- reports ---- */

static const struct gate_case cases[] = {{"k_red", "p", 1, 1}, {"k<&\">|`", "p", 1, 1}, {"k_same", "p", 1, 1}};
static const struct gate_finding findings[] = {
    {GATE_SLOWER, {0.08, 0.1, 0.12}, 0, ""}, {GATE_UNDECIDED, {-0.1, 0, 0.1}, 0, "any | thing <"},
    {GATE_SAME, {0, 0, 0}, 0, ""}};
static const struct gate_remark others[] = {{"k_new", "new: only head has it"}};

static struct gate_report make_report(void)
{
    return (struct gate_report){.base = "main", .head = "a|b<c>", .repeat = "bench/compare main a|b<c>",
                                .machine = "X", .cpu = "CPU", .cases = cases, .findings = findings, .count = 3,
                                .rounds = ROUNDS, .again = 2, .mean = {.verdict = GATE_SAME},
                                .conditions = {.steal = NAN}, .noise = "", .others = others, .other_count = 1,
                                .overall = GATE_SLOWER, .seconds = 5};
}

/* What a report is as text; to be freed. */
static char *print(void (*write)(const struct gate_report *, FILE *), const struct gate_report *report)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    write(report, out);
    fclose(out);
    return text;
}

static int count(const char *text, const char *what)
{
    int found = 0;
    for (; (text = strstr(text, what)); text += strlen(what)) found++;
    return found;
}

START_TEST(summary)
{
    struct gate_report report = make_report();
    char *text = print(gate_report_summary, &report);
    ck_assert_int_eq(strncmp(text, "slower: 1 of 3 kernels, found twice\n", 36), 0);
    ck_assert_ptr_nonnull(strstr(text, "repeat: bench/compare main a|b<c> --filter=k_red\n"));
    ck_assert_ptr_nonnull(strstr(text, "+10.5 %  ( +8.3 to +12.7)"));
    ck_assert_ptr_nonnull(strstr(text, "k_new"));
    ck_assert_ptr_null(strstr(text, "steal"));
    ck_assert_ptr_null(strstr(text, "k_same"));
    free(text);
    report.rounds = 0;
    text = print(gate_report_summary, &report);
    ck_assert_ptr_nonnull(strstr(text, "given up"));
    ck_assert_ptr_null(strstr(text, "k_red"));
    free(text);
    char headline[640];
    report.overall = GATE_UNDECIDED, report.noise = "a busy neighbour";
    gate_report_headline(&report, headline, sizeof headline);
    ck_assert_str_eq(headline, "undecided: a busy neighbour");
    report.noise = "";
    gate_report_headline(&report, headline, sizeof headline);
    ck_assert_str_eq(headline, "undecided: 1 of 3 kernels");
    report.overall = GATE_SAME;
    gate_report_headline(&report, headline, sizeof headline);
    ck_assert_str_eq(headline, "same: 3 kernels, geometric mean +0.0 %");
}
END_TEST

START_TEST(markdown)
{
    const struct gate_report report = make_report();
    char *text = print(gate_report_markdown, &report);
    ck_assert_ptr_nonnull(strstr(text, "a\\|b\\<c\\> against main"));
    ck_assert_ptr_nonnull(strstr(text, "`bench/compare main a?b<c> --filter=k_red`"));
    ck_assert_ptr_nonnull(strstr(text, "undecided | k\\<&\"\\>\\|\\` | +0.0 % (-9.5 to +10.5) | any \\| thing \\< |"));
    ck_assert(strstr(text, "k\\_red") < strstr(text, "undecided |")); /* what matters most first */
    ck_assert_ptr_null(strstr(text, "k\\_same"));
    free(text);
}
END_TEST

START_TEST(junit)
{
    const struct gate_report report = make_report();
    char *text = print(gate_report_junit, &report);
    ck_assert_ptr_nonnull(strstr(text, "tests=\"5\" failures=\"1\" errors=\"0\" skipped=\"2\""));
    ck_assert_int_eq(count(text, "<testcase "), 5);
    ck_assert_int_eq(count(text, "</testcase>"), 5);
    ck_assert_int_eq(count(text, "<failure "), 1);
    ck_assert_int_eq(count(text, "<skipped "), 2);
    ck_assert_ptr_nonnull(strstr(text, "name=\"k&lt;&amp;&quot;&gt;|`\""));
    ck_assert_ptr_nonnull(strstr(text, "any | thing &lt;"));
    free(text);
    size_t size;
    FILE *out = open_memstream(&text, &size);
    gate_escape_xml("\x01\n\xc3\xa9", out);
    fclose(out);
    ck_assert_str_eq(text, "? \xc3\xa9");
    free(text);
}
END_TEST

START_TEST(json)
{
    const struct gate_report report = make_report();
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    ck_assert(gate_report_json(&report, out));
    fclose(out);
    json_t *root = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(root);
    const json_t *kernels = json_object_get(root, "kernels"), *red = json_array_get(kernels, 0);
    ck_assert_str_eq(json_string_value(json_object_get(root, "verdict")), "slower");
    ck_assert_int_eq(json_array_size(kernels), 3);
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(kernels, 1), "kernel")), cases[1].kernel);
    ck_assert_double_eq_tol(json_real_value(json_object_get(red, "change")), expm1(0.1), 1e-5);
    ck_assert(json_is_null(json_object_get(json_object_get(root, "conditions"), "steal")));
    ck_assert_int_eq(json_array_size(json_object_get(root, "not_compared")), 1);
    json_decref(root);
    free(text);
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
    tcase_add_test(tests, processor_times);
    tcase_add_test(tests, noise);
    tcase_add_test(tests, series);
    tcase_add_test(tests, lists);
    tcase_add_test(tests, records);
    tcase_add_test(tests, floors);
    tcase_add_test(tests, summary);
    tcase_add_test(tests, markdown);
    tcase_add_test(tests, junit);
    tcase_add_test(tests, json);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
