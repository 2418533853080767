/* SPDX-License-Identifier: BSD-2-Clause
 * What the benchmark says about results together, on made-up ones with known answers: order, ratios, means, the worst,
 * and the lines that print them. */
#include <check.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "bench/summaries.h"
#include "bench/tables.h"
#include "tests/made_up.h"
#include "tests/suite.h"

static void check_near(double got, double want)
{
    ck_assert_msg(fabs(got - want) <= 1e-12 * fabs(want), "%.17g, expected %.17g", got, want);
}

/* Four windows whose lower quartile is not their median: 1, 2, 2, 3 times. */
#define QUARTER(s) SECONDS(3 * (s), 2 * (s), (s), 2 * (s))

/* ---- within a problem ---- */

START_TEST(order)
{
    struct made_up m;
    int sorted[5];
    made_up_start(&m);
    const struct bench_problem *p = made_up_problem(&m, FCNN_FORWARD, 7);
    made_up_row(&m, made_up_problem(&m, FCNN_FORWARD, 7), "other problem", FCNN_SCALAR, SECONDS(1, 1, 1));
    made_up_row(&m, p, "one window", FCNN_SCALAR, SECONDS(0.1));
    made_up_row(&m, p, "slow", FCNN_SCALAR, SECONDS(3, 3, 3));
    made_up_row(&m, p, "fast", FCNN_SCALAR, SECONDS(2, 2, 2));
    made_up_row(&m, p, "none", FCNN_SCALAR, SECONDS(0));
    made_up_row(&m, p, "as fast", FCNN_SCALAR, SECONDS(2, 2, 2));
    ck_assert(bench_results_summarize(&m.results));
    bench_sort_rows(&m.results, 1, 6, sorted);
    static const int want[] = {3, 5, 2, 1, 4};
    for (int i = 0; i < 5; i++) ck_assert_int_eq(sorted[i], want[i]);
}
END_TEST

START_TEST(times_faster)
{
    struct made_up m;
    made_up_start(&m);
    const struct bench_problem *p = made_up_problem(&m, FCNN_FORWARD, 7);
    struct bench_result *row = made_up_row(&m, p, "fast", FCNN_AVX2, QUARTER(1));
    ck_assert(bench_results_summarize(&m.results));
    ck_assert(isnan(bench_ratio(&m.results, row, BENCH_REFERENCE)));
    made_up_row(&m, p, "auto", FCNN_AVX2, SECONDS(7, 7, 7))->kind = BENCH_PEER_AUTO;
    made_up_row(&m, p, "peer", FCNN_AVX2, SECONDS(3.5, 3.5, 3.5))->kind = BENCH_PEER;
    struct bench_result *threads = made_up_row(&m, p, "naive, 2 threads", FCNN_SCALAR, SECONDS(70, 70, 70));
    threads->is_reference = 1;
    threads->threads = 2;
    made_up_row(&m, p, "naive", FCNN_SCALAR, SECONDS(14, 14, 14))->is_reference = 1;
    ck_assert(bench_results_summarize(&m.results));
    check_near(row->time.lower, 1.75);
    check_near(bench_ratio(&m.results, row, BENCH_REFERENCE), 8);
    check_near(bench_ratio(&m.results, row, 0), 2);
}
END_TEST

/* ---- sums over all rows ---- */

START_TEST(sums)
{
    struct made_up m;
    int count;
    int64_t executions;
    made_up_start(&m);
    struct bench_problem *p = made_up_problem(&m, FCNN_FORWARD, 7), *other = made_up_problem(&m, FCNN_FORWARD, 7);
    struct bench_result *row = made_up_row(&m, p, "a", FCNN_AVX2, SECONDS(1, 1, 1));
    for (int i = 0; i < 3; i++) row->samples[i].bounds.peak = 10 * (i + 1);
    row->threads = 2;
    row->events = (struct bench_events){1, 2};
    made_up_row(&m, p, "b", FCNN_SCALAR, SECONDS(1, 1, 1))->events = (struct bench_events){10, 20};
    made_up_row(&m, p, "one window", FCNN_AVX2, SECONDS(1));
    made_up_row(&m, other, "no operations", FCNN_AVX2, SECONDS(1, 1, 1));
    other->flops = 0;
    struct bench_result *peer = made_up_row(&m, p, "peer", FCNN_AVX512, SECONDS(1, 1, 1));
    peer->kind = BENCH_PEER;
    peer->events = (struct bench_events){100, 200};
    const struct bench_summary peak = bench_peak_of_isa(&m.results, FCNN_AVX2, &count);
    ck_assert_int_eq(count, 3);
    check_near(peak.median, 10); /* per thread */
    check_near(peak.range, 5);
    const struct bench_events events = bench_sum_events(&m.results, &executions);
    ck_assert_int_eq(events.allocations, 11);
    ck_assert_int_eq(events.page_faults, 22);
    ck_assert_int_eq(executions, 12 + 12 + 4 + 12);
}
END_TEST

/* ---- against the peer ---- */

/* Ours needs a second; the peer `ratio`. */
static void add_pair(struct made_up *m, fcnn_direction direction, double ratio)
{
    const struct bench_problem *p = made_up_problem(m, direction, 7);
    made_up_row(m, p, "faster but not taken", FCNN_AVX2, SECONDS(0.5, 0.5, 0.5));
    made_up_row(m, p, "ours", FCNN_AVX2, SECONDS(1, 1, 1))->is_chosen = 1;
    made_up_row(m, p, "theirs", FCNN_AVX2, SECONDS(ratio, ratio, ratio))->kind = BENCH_PEER;
}

static void make_comparison(struct made_up *m)
{
    made_up_start(m);
    m->results.peers[m->results.peer_count++] = "onednn_9";
    add_pair(m, FCNN_FORWARD, 2);
    add_pair(m, FCNN_BACKWARD_WEIGHTS, 0.96);
    add_pair(m, FCNN_FORWARD, 0.5);
    add_pair(m, FCNN_BACKWARD_WEIGHTS, 4);
    made_up_row(m, &m->problems[0], "auto", FCNN_AVX2, SECONDS(9, 9, 9))->kind = BENCH_PEER_AUTO;
}

START_TEST(peers)
{
    struct made_up m;
    struct bench_comparison c;
    make_comparison(&m);
    ck_assert(bench_results_summarize(&m.results));
    ck_assert(bench_compare(&m.results, 0, &c));
    ck_assert_int_eq(c.count, 4);
    ck_assert_int_eq(c.left_out, 0);
    static const double ratios[] = {0.5, 0.96, 2, 4};
    for (int i = 0; i < 4; i++) check_near(c.pairs[i].ratio, ratios[i]);
    const struct bench_direction_mean *forward = &c.directions[FCNN_FORWARD], *all = &c.directions[BENCH_DIRECTIONS];
    check_near(bench_mean_of(&forward->mean), 1);
    ck_assert_int_eq(forward->mean.count, 2);
    ck_assert_str_eq(forward->worst->theirs->of->layer, "layer2");
    ck_assert_str_eq(forward->worst->ours->kernel, "ours");
    ck_assert_int_eq(c.directions[FCNN_BACKWARD_DATA].mean.count, 0);
    check_near(bench_mean_of(&all->mean), pow(3.84, 0.25));
    ck_assert_int_eq(all->slower, 2);
    ck_assert_int_eq(all->below, 1);
    bench_comparison_free(&c);

    m.rows[1].count = 2; /* of nine */
    m.rows[11].verdict = BENCH_WRONG;
    ck_assert(bench_results_summarize(&m.results));
    ck_assert(bench_compare(&m.results, 0, &c));
    ck_assert_int_eq(c.count, 2);
    ck_assert_int_eq(c.left_out, 2);
    ck_assert_int_eq(c.directions[BENCH_DIRECTIONS].slower, 2); /* what is left is slower, and only that */
    bench_comparison_free(&c);

    made_up_start(&m);
    m.results.peers[m.results.peer_count++] = "onednn_9";
    const struct bench_problem *p = made_up_problem(&m, FCNN_FORWARD, 7);
    struct bench_result *two = made_up_row(&m, p, "ours, two threads", FCNN_AVX2, SECONDS(1, 1, 1));
    two->is_chosen = 1;
    two->threads = 2;
    made_up_row(&m, p, "ours", FCNN_AVX2, SECONDS(4, 4, 4))->is_chosen = 1;
    made_up_row(&m, p, "theirs", FCNN_AVX2, SECONDS(12, 12, 12))->kind = BENCH_PEER;
    ck_assert(bench_results_summarize(&m.results));
    ck_assert(bench_compare(&m.results, 0, &c));
    ck_assert_int_eq(c.count, 1);
    check_near(c.pairs[0].ratio, 3);
    bench_comparison_free(&c);
}
END_TEST

/* ---- Winograd ---- */

static void add_winograd(struct made_up *m, fcnn_direction direction, int64_t map, fcnn_isa isa, double ratio)
{
    const struct bench_problem *p = made_up_problem(m, direction, map);
    made_up_row(m, p, "slower exact", isa, SECONDS(9, 9, 9));
    made_up_row(m, p, "exact", isa, SECONDS(2, 2, 2));
    made_up_row(m, p, "winograd", isa, SECONDS(2 / ratio, 2 / ratio, 2 / ratio))->numerics = FCNN_WINOGRAD_F4;
}

START_TEST(winograd)
{
    struct made_up m;
    struct bench_winograd w;
    made_up_start(&m);
    add_winograd(&m, FCNN_FORWARD, 28, FCNN_AVX2, 2);
    add_winograd(&m, FCNN_FORWARD, 56, FCNN_AVX2, 0.5);
    add_winograd(&m, FCNN_BACKWARD_DATA, 28, FCNN_AVX2, 4);
    add_winograd(&m, FCNN_FORWARD, 27, FCNN_AVX2, 3);
    add_winograd(&m, FCNN_FORWARD, 28, FCNN_SCALAR, 100); /* of a lower instruction set */
    ck_assert(bench_results_summarize(&m.results));
    bench_compare_winograd(&m.results, &w);
    ck_assert_int_eq(w.isa, FCNN_AVX2);
    struct bench_mean(*means)[BENCH_DIRECTIONS + 1] = w.means[FCNN_WINOGRAD_F4];
    check_near(bench_mean_of(&means[BENCH_LARGE_MAP][FCNN_FORWARD]), 1);
    check_near(bench_mean_of(&means[BENCH_LARGE_MAP][FCNN_BACKWARD_DATA]), 4);
    check_near(bench_mean_of(&means[BENCH_LARGE_MAP][BENCH_DIRECTIONS]), pow(4, 1 / 3.0));
    check_near(means[BENCH_LARGE_MAP][BENCH_DIRECTIONS].least, 0.5);
    check_near(bench_mean_of(&means[BENCH_MIDDLE_MAP][FCNN_FORWARD]), 3);
    ck_assert_int_eq(means[BENCH_SMALL_MAP][BENCH_DIRECTIONS].count, 0);
    ck_assert_int_eq(w.means[FCNN_WINOGRAD_F2][BENCH_LARGE_MAP][BENCH_DIRECTIONS].count, 0);
}
END_TEST

/* What is faster, but of another instruction set, with more threads or a peer's, is not what Winograd is compared with;
 * a map is as small as its shorter side. */
START_TEST(winograd_beside_others)
{
    struct made_up m;
    struct bench_winograd w;
    made_up_start(&m);
    struct bench_problem *p = made_up_problem(&m, FCNN_FORWARD, 14);
    p->problem.q = 28;
    made_up_row(&m, p, "exact", FCNN_AVX2, SECONDS(3, 3, 3));
    made_up_row(&m, p, "scalar", FCNN_SCALAR, SECONDS(0.5, 0.5, 0.5));
    made_up_row(&m, p, "two threads", FCNN_AVX2, SECONDS(0.5, 0.5, 0.5))->threads = 2;
    made_up_row(&m, p, "peer", FCNN_AVX2, SECONDS(0.5, 0.5, 0.5))->kind = BENCH_PEER;
    made_up_row(&m, p, "few", FCNN_AVX2, SECONDS(0.5));
    made_up_row(&m, p, "f2", FCNN_AVX2, SECONDS(1, 1, 1))->numerics = FCNN_WINOGRAD_F2;
    ck_assert(bench_results_summarize(&m.results));
    bench_compare_winograd(&m.results, &w);
    const struct bench_mean *mean = &w.means[FCNN_WINOGRAD_F2][BENCH_MIDDLE_MAP][FCNN_FORWARD];
    ck_assert_int_eq(mean->count, 1);
    check_near(bench_mean_of(mean), 3);
}
END_TEST

/* ---- threads ---- */

/* A row of two threads that needs `seconds` by the clock, where the peak doubles and traffic gains a half. */
static struct bench_result *with_two(struct made_up *m, const struct bench_problem *p, const char *kernel,
                                     double seconds)
{
    const double half = seconds / 2;
    struct bench_result *row = made_up_row(m, p, kernel, FCNN_AVX2, SECONDS(half, half, half));
    row->threads = 2;
    for (int i = 0; i < row->count; i++) {
        row->samples[i].bounds = (struct bench_bounds){16, 0.125 / 1.5};
        row->samples[i].cpu = 0.9 * seconds; /* the calling thread's, which says nothing about the other */
    }
    return row;
}

START_TEST(threads)
{
    struct made_up m;
    struct bench_scaling s;
    made_up_start(&m);
    const struct bench_problem *p = made_up_problem(&m, FCNN_FORWARD, 7), *q = made_up_problem(&m, FCNN_FORWARD, 7);
    made_up_row(&m, p, "a", FCNN_AVX2, SECONDS(1, 1, 1)); /* two seconds by the clock */
    with_two(&m, p, "b", 0.01);
    with_two(&m, p, "a", 1);
    made_up_row(&m, p, "peer (1)", FCNN_AVX2, SECONDS(1, 1, 1))->kind = BENCH_PEER;
    with_two(&m, p, "peer (2)", 0.5)->kind = BENCH_PEER;
    made_up_row(&m, p, "few", FCNN_AVX2, SECONDS(1, 1));
    with_two(&m, p, "few", 1);
    made_up_row(&m, q, "b", FCNN_AVX2, SECONDS(2, 2, 2));
    with_two(&m, q, "b", 4 / 1.8);
    made_up_row(&m, q, "short", FCNN_AVX2, SECONDS(0.0004, 0.0004, 0.0004)); /* too short to judge by */
    with_two(&m, q, "short", 0.0008);
    ck_assert(bench_results_summarize(&m.results));
    ck_assert(bench_compare_threads(&m.results, &s));
    ck_assert_int_eq(s.count, 4);
    check_near(s.pairs[0].time, 2);
    check_near(s.pairs[0].peak, 2);
    check_near(s.pairs[0].traffic, 1.5);
    check_near(s.pairs[3].time, 1);
    ck_assert_int_eq(s.ours.time.count, 2);
    check_near(bench_mean_of(&s.ours.time), sqrt(2 * 1.8));
    check_near(bench_mean_of(&s.ours.peak), 2);
    ck_assert_int_eq(s.ours.below, 1);
    ck_assert_str_eq(s.ours.worst->kernel, "b");
    ck_assert_int_eq(s.peers.time.count, 1);
    check_near(bench_mean_of(&s.peers.time), 4);
    bench_scaling_free(&s);
}
END_TEST

/* ---- as text ---- */

static char *text;
static size_t text_size;

static FILE *begin_text(void)
{
    FILE *out = open_memstream(&text, &text_size);
    ck_assert(out != NULL);
    return out;
}

/* The text has these lines, in this order, with or without others between them. */
static void end_text(FILE *out, const char *const *lines)
{
    ck_assert(!fclose(out));
    const char *at = text;
    for (; *lines; lines++) {
        const char *found = strstr(at, *lines);
        const size_t length = strlen(*lines);
        while (found && ((found > text && found[-1] != '\n') || found[length] != '\n'))
            found = strstr(found + 1, *lines);
        ck_assert_msg(found != NULL, "no line \"%s\" where it should be in:\n%s", *lines, text);
        at = found + length;
    }
    free(text);
}

START_TEST(tables)
{
    struct made_up m;
    made_up_start(&m);
    struct bench_problem *p = made_up_problem(&m, FCNN_FORWARD, 7), *q = made_up_problem(&m, FCNN_FORWARD, 7);
    made_up_row(&m, p, "naive", FCNN_SCALAR, SECONDS(2, 2, 2))->is_reference = 1;
    made_up_row(&m, p, "chosen", FCNN_AVX2, SECONDS(0.4, 0.6, 0.4, 0.5, 0.5))->is_chosen = 1;
    made_up_row(&m, p, "peer", FCNN_AVX2, SECONDS(0.4, 0.4, 0.4))->kind = BENCH_PEER;
    struct bench_result *wrong = made_up_row(&m, p, "bad", FCNN_AVX2, SECONDS(0));
    wrong->verdict = BENCH_WRONG;
    snprintf(wrong->failure, sizeof wrong->failure, "wrong: dst[0]");
    struct bench_result *few = made_up_row(&m, p, "few", FCNN_AVX2, SECONDS(0.1));
    snprintf(few->failure, sizeof few->failure, "not timed: no time left");
    q->flops = 0;
    q->bytes = 1e3;
    struct bench_result *relu = made_up_row(&m, q, "relu", FCNN_SCALAR, SECONDS(0.25e-6, 0.25e-6, 0.25e-6));
    relu->error = NAN;
    for (int i = 0; i < relu->count; i++) relu->samples[i].bounds.traffic = 0.125e-6;
    ck_assert(bench_results_summarize(&m.results));
    FILE *out = begin_text();
    ck_assert(bench_print_tables(&m.results, out));
    bench_print_end(&m.results, out);
    end_text(out, (const char *const[]){
        "layer0  text0  2e+03 MFLOP, 1e+03 MB",
        "  kernel                                   ISA     class        median    spread%   GFLOP/s   peak%   mem%"
        "  x naive  x peer  error",
        "  peer                                     avx2    peer         400.00 ms     0.0      5.00    62.5   31.2"
        "      5.0    1.00    2.5",
        "* chosen                                   avx2    exact        500.00 ms    20.0      4.00    50.0   25.0"
        "      5.0    1.00    2.5",
        "  naive                                    scalar  exact          2.00 s      0.0      1.00    12.5    6.2"
        "      1.0    0.20    2.5",
        "  bad                                      avx2    exact        wrong: dst[0]",
        "  1 not timed, or in too few windows: no time was left",
        "layer1  text1  0.001 MB",
        "  relu                                     scalar  exact         250.0 ns     0.0       4.0       -   50.0"
        "        -       -      -",
        "39 of 54 windows were not timed, and 1 of 6 kernels: the time of --budget was used up.",
        "Wrong bits: 1 (marked \"wrong\" above)", NULL});
}
END_TEST

START_TEST(closing)
{
    struct made_up m;
    make_comparison(&m);
    ck_assert(bench_results_summarize(&m.results));
    FILE *out = begin_text();
    ck_assert(bench_print_comparison(&m.results, 1, out));
    end_text(out, (const char *const[]){
        "What dispatch takes, times faster than onednn_9 (direct algorithm, its favourite layouts, 1 thread)",
        "  forward                 2       1.00             1       1    0.50  layer2",
        "  backward_weights        2       1.96             1       0    0.96  layer1",
        "  all                     4       1.40             2       1    0.50  layer2", "Below 0.95:",
        "  0.50  layer2/ours against theirs", NULL});

    made_up_start(&m);
    add_winograd(&m, FCNN_FORWARD, 28, FCNN_AVX2, 2);
    add_winograd(&m, FCNN_BACKWARD_DATA, 28, FCNN_AVX2, 0.5);
    ck_assert(bench_results_summarize(&m.results));
    out = begin_text();
    bench_print_winograd(&m.results, out);
    end_text(out, (const char *const[]){
        "Winograd, times faster than the fastest exact kernel of avx2, geometric means by output map",
        "  winograd_f4  28 and more      2             2.00             0.50                -    1.00    0.50", NULL});

    made_up_start(&m);
    m.results.threads = 2;
    const struct bench_problem *p = made_up_problem(&m, FCNN_FORWARD, 7);
    made_up_row(&m, p, "a", FCNN_AVX2, SECONDS(1, 1, 1));
    with_two(&m, p, "a", 1.25);
    ck_assert(bench_results_summarize(&m.results));
    out = begin_text();
    ck_assert(bench_print_scaling(&m.results, out));
    end_text(out, (const char *const[]){
        "  layer0                   a                                           2.00 s     1.25 s    1.60   2.00"
        "    1.50",
        "  ours: 1, geometric mean 1.60 (peak 2.00), worst 1.60: layer0, a; 1 below 1.85", NULL});

    m.results.signal = SIGINT;
    m.results.seconds = 12;
    m.rows[0].count = 1;
    m.rows[0].events = (struct bench_events){3, 4};
    out = begin_text();
    m.results.process = (struct bench_events){70, 80};
    bench_print_events(&m.results, out);
    bench_print_end(&m.results, out);
    end_text(out, (const char *const[]){
        "Allocations and page faults inside the timed windows of our kernels: 3 and 4 over 24 executions",
        "(in the whole process, preparations included: 70 and 80)", "  layer0, a: 3 and 4 over 12",
        "Interrupted after 12 s: 6 of 18 windows were timed, 1 of 2 kernels were not.", NULL});
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("summaries");
    TCase *cases = tcase_create("summaries");
    tcase_add_test(cases, order);
    tcase_add_test(cases, times_faster);
    tcase_add_test(cases, sums);
    tcase_add_test(cases, peers);
    tcase_add_test(cases, winograd);
    tcase_add_test(cases, winograd_beside_others);
    tcase_add_test(cases, threads);
    tcase_add_test(cases, tables);
    tcase_add_test(cases, closing);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
