/* SPDX-License-Identifier: BSD-2-Clause
 * What a run ends with, on made-up results with known answers: the summary, CSV, what CI services read; and what is
 * said while it runs. */
#include <check.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "bench/progress.h"
#include "bench/summary.h"
#include "tests/made_up.h"
#include "tests/suite.h"

static void check_near(double got, double want)
{
    ck_assert_msg(fabs(got - want) <= 1e-8 * fabs(want), "%.17g, expected %.17g", got, want);
}

/* ---- made-up results: ours takes a second, the reference and the peers as many as said; 0: not there ---- */

static void add_layer(struct made_up *m, const char *layer, fcnn_direction direction, double reference, double peer,
                      double other)
{
    struct bench_problem *p = made_up_problem(m, direction, 28);
    snprintf(p->layer, sizeof p->layer, "%s", layer);
    struct bench_result *row = made_up_row(m, p, "ours", FCNN_AVX2, SECONDS(1, 1, 1, 1.8));
    row->is_chosen = 1;
    if (reference > 0)
        made_up_row(m, p, "naive", FCNN_SCALAR, SECONDS(reference, reference, reference))->is_reference = 1;
    if (peer > 0) made_up_row(m, p, "theirs", FCNN_AVX2, SECONDS(peer, peer, peer))->kind = BENCH_PEER;
    if (!(other > 0)) return;
    row = made_up_row(m, p, "others'", FCNN_AVX2, SECONDS(other, other, other));
    row->kind = BENCH_PEER;
    row->peer = 1;
}

static void make_results(struct made_up *m)
{
    made_up_start(m);
    m->results.peers[m->results.peer_count++] = "first_1.0";
    m->results.peers[m->results.peer_count++] = "second_2";
    add_layer(m, "a.one", FCNN_FORWARD, 10, 2, 4);
    add_layer(m, "b.one", FCNN_FORWARD, 200, 0.5, 0);
    add_layer(m, "a.two", FCNN_FORWARD, 40, 8, 9);
    add_layer(m, "a.two", FCNN_BACKWARD_DATA, 50, 1, 0);
    ck_assert(bench_results_summarize(&m->results));
}

/* ---- the summary ---- */

START_TEST(overview)
{
    struct made_up m;
    struct bench_overview o;
    make_results(&m);
    ck_assert(bench_overview_make(&m.results, &o));
    ck_assert_int_eq(o.opponents, 3);
    ck_assert_int_eq(o.count, 2);
    ck_assert_str_eq(o.networks[0].name, "a");
    ck_assert_str_eq(o.networks[1].name, "b");
    ck_assert_str_eq(o.networks[2].name, "all");
    check_near(bench_mean_of(&o.networks[0].means[0][FCNN_FORWARD]), 20);
    check_near(bench_mean_of(&o.networks[0].means[0][BENCH_DIRECTIONS]), cbrt(20000));
    check_near(bench_mean_of(&o.networks[0].means[1][FCNN_FORWARD]), 4);
    check_near(bench_mean_of(&o.networks[0].means[1][FCNN_BACKWARD_DATA]), 1);
    check_near(bench_mean_of(&o.networks[0].means[2][BENCH_DIRECTIONS]), 6);
    check_near(bench_mean_of(&o.networks[1].means[1][BENCH_DIRECTIONS]), 0.5);
    check_near(bench_mean_of(&o.networks[2].means[1][FCNN_FORWARD]), 2);
    check_near(bench_mean_of(&o.networks[2].means[1][BENCH_DIRECTIONS]), pow(8, 0.25));
    check_near(o.networks[2].means[0][BENCH_DIRECTIONS].count, 4);
    ck_assert(isnan(bench_mean_of(&o.networks[1].means[2][BENCH_DIRECTIONS])));
    ck_assert_str_eq(o.against[1].pairs[0].ours->of->layer, "b.one");
    bench_overview_free(&o);
}
END_TEST

static char *text;
static size_t text_size;

static void print_summary(const struct made_up *m, const struct bench_exports *exports)
{
    FILE *out = open_memstream(&text, &text_size);
    ck_assert(out != NULL);
    ck_assert(bench_print_summary(&m->results, exports, out));
    ck_assert(!fclose(out));
}

/* Behind what it says of this machine stand exactly these lines. */
static void expect_lines(const char *lines)
{
    const char *begin = strstr(text, "Times  ");
    ck_assert_msg(begin && !strcmp(begin, lines), "expected:\n%s\ngot:\n%s", lines, text);
    free(text);
}

START_TEST(screen)
{
    struct made_up m;
    make_results(&m);
    m.rows[0].events = (struct bench_events){3, 4};
    print_summary(&m, &(struct bench_exports){{{BENCH_CSV, "out/k.csv"}, {BENCH_TABLES, "t.txt"}}, 2});
    expect_lines("Times        reference              first_1.0              second_2            \n"
                 "faster       fwd bwd_d bwd_w  all   fwd bwd_d bwd_w  all   fwd bwd_d bwd_w  all\n"
                 "a           20.0  50.0     - 27.1  4.00  1.00     - 2.52  6.00     -     - 6.00\n"
                 "b            200     -     -  200  0.50     -     - 0.50     -     -     -    -\n"
                 "all         43.1  50.0     - 44.7  2.00  1.00     - 1.68  6.00     -     - 6.00\n"
                 "                  best                               worst (?: noisy windows)\n"
                 "first        8.00 a.two fwd                     0.50 b.one fwd\n"
                 "second       9.00 a.two fwd                     4.00 a.one fwd\n"
                 "3 allocations and 4 page faults in 112 executions; wrong bits: none\n"
                 "Where to look next; the command times the worst layer again:\n"
                 "  out/k.csv                        a line per kernel\n"
                 "  t.txt                            every kernel, with a legend\n"
                 "  ./fastcnn-bench --problem='text1'\n");
}
END_TEST

START_TEST(steadiness)
{
    struct made_up m;
    make_results(&m);
    print_summary(&m, &(struct bench_exports){.count = 0});
    ck_assert(strstr(text, "\nPeak of avx2: 8.0 GFLOP/s, spread 0 %\n") != NULL);
    free(text);
    for (int i = 0; i < m.results.row_count; i++)
        for (int j = 0; j < m.rows[i].count; j += 2) m.rows[i].samples[j].bounds.peak = 10;
    print_summary(&m, &(struct bench_exports){.count = 0});
    ck_assert(strstr(text, "\nPeak of avx2: 10.0 GFLOP/s, spread 20 % (unsteady: trust ratios alone)\n") != NULL);
    ck_assert(strstr(text, "fwd ?") == NULL);
    free(text);
    for (int i = 0; i < m.results.row_count; i++)
        if (!strcmp(m.rows[i].kernel, "others'")) m.rows[i].time.range = 0.26 * m.rows[i].time.median;
    print_summary(&m, &(struct bench_exports){.count = 0});
    ck_assert(strstr(text, "    9.00 a.two fwd ?                   4.00 a.one fwd ?\n") != NULL);
    ck_assert(strstr(text, "    8.00 a.two fwd                     0.50 b.one fwd\n") != NULL);
    free(text);
}
END_TEST

START_TEST(what_went_wrong)
{
    struct made_up m;
    make_results(&m);
    m.results.peer_count = 1;
    m.rows[1].count = 1;                       /* the reference of a.one */
    m.rows[2].verdict = BENCH_WRONG;           /* the peer there */
    snprintf(m.rows[2].failure, sizeof m.rows[2].failure, "wrong: dst[7]");
    m.rows[4].verdict = BENCH_WRONG;           /* what dispatch takes for b.one */
    snprintf(m.rows[4].failure, sizeof m.rows[4].failure, "wrong: dst[8]");
    struct bench_problem *p = (struct bench_problem *)m.rows[7].of; /* a.two, forward */
    snprintf(p->layer, sizeof p->layer, "mnist.conv3");
    ck_assert_str_eq(m.rows[7].of->layer, "mnist.conv3");
    made_up_row(&m, p, "f2", FCNN_AVX2, SECONDS(0.5, 0.5, 0.5))->numerics = FCNN_WINOGRAD_F2;
    m.results.signal = SIGINT;
    m.results.seconds = 12;
    ck_assert(bench_results_summarize(&m.results));
    print_summary(&m, &(struct bench_exports){.count = 0});
    expect_lines("Times        reference              first_1.0           \n"
                 "faster       fwd bwd_d bwd_w  all   fwd bwd_d bwd_w  all\n"
                 "mnist       40.0     -     - 40.0  8.00     -     - 8.00\n"
                 "a              -  50.0     - 50.0     -  1.00     - 1.00\n"
                 "all         40.0  50.0     - 44.7  8.00  1.00     - 2.83\n"
                 "                  best                               worst (?: noisy windows)\n"
                 "first        8.00 mnist.conv3 fwd               1.00 a.two bwd_d\n"
                 "0 allocations and 0 page faults in 124 executions\n"
                 "Interrupted after 12 s: 49 of 135 windows were timed, 1 of 15 kernels were not\n"
                 "Not compared: 1 of peers' rows, the first a.one/theirs: wrong: dst[7]\n"
                 "Wrong bits, or failed: 1\n"
                 "  b.one/ours: wrong: dst[8]\n"
                 "Where to look next; the command times the worst layer again:\n"
                 "  --tables                         every kernel, with a legend\n"
                 "  ./fastcnn-bench --problem='text3'\n");
}
END_TEST

/* ---- however much there is to say ---- */

static void expect_screen(const char *what)
{
    int lines = 0;
    for (const char *at = text; *at; lines++) {
        const int length = (int)strcspn(at, "\n");
        ck_assert_msg(length <= 80, "%s: %d columns in\n%.*s", what, length, length, at);
        at += length + 1;
    }
    ck_assert_msg(lines <= 24, "%s: %d lines:\n%s", what, lines, text);
}

/* A layer in each of twelve networks, each compared with four others, with Winograd and names that are long. */
static void make_many(struct made_up *m, int peers)
{
    static const char *const names[] = {"onednn_3.11.3-rc", "openblas_0.3.21", "xnnpack_20220210"};
    made_up_start(m);
    for (int i = 0; i < peers; i++) m->results.peers[m->results.peer_count++] = names[i];
    for (int i = 0; i < MADE_PROBLEMS; i++) {
        char layer[64];
        snprintf(layer, sizeof layer, "%cnetwork%d.a_layer_with_a_long_name_%d", 'a' + i, i, i);
        struct bench_problem *p = made_up_problem(m, (fcnn_direction)(i % 3), 10 + 8 * (i % 3));
        snprintf(p->layer, sizeof p->layer, "%s", layer);
        made_up_row(m, p, "ours", FCNN_AVX2, SECONDS(1, 1, 1, 1.8))->is_chosen = 1;
        made_up_row(m, p, "naive", FCNN_SCALAR, SECONDS(1234, 1234, 1234))->is_reference = 1;
        for (int j = 0; j < peers; j++) {
            struct bench_result *row = made_up_row(m, p, "theirs", FCNN_AVX2, SECONDS(0.5 + i, 0.5 + i, 9));
            row->kind = BENCH_PEER;
            row->peer = j;
        }
        made_up_row(m, p, "winograd", FCNN_AVX2, SECONDS(0.5, 0.5, 0.5))->numerics = (fcnn_class)(1 + i % 3);
    }
}

START_TEST(one_screen)
{
    const struct bench_exports files = {{{BENCH_JSON, "bench/out/kernels.json"}, {BENCH_CSV, "bench/out/kernels.csv"},
                                         {BENCH_TABLES, "bench/out/tables.txt"}, {BENCH_GITHUB, "g.json"}}, 4};
    for (int peers = 0; peers <= 3; peers++) {
        struct made_up m;
        make_many(&m, peers);
        ck_assert(bench_results_summarize(&m.results));
        print_summary(&m, &files);
        expect_screen("all is well");
        ck_assert(strstr(text, "\nanetwork0 ") && strstr(text, "\nall of 12 ") && strstr(text, "  and 1 more file\n"));
        ck_assert(!peers || strstr(text, "\nonednn      10.25 lnetwork11.a_layer~ bwd_w "));
        ck_assert(strstr(text, "\nwinograd_f2 times faster than exact avx2: maps of below 14 2.00\n"));
        free(text);
        for (int i = 0; i < 4; i++) {
            m.rows[i].verdict = BENCH_WRONG;
            memset(m.rows[i].failure, 'x', sizeof m.rows[i].failure - 1);
        }
        m.rows[m.results.row_count - 1].count = 1;
        ck_assert(bench_results_summarize(&m.results));
        print_summary(&m, &files);
        expect_screen("much is wrong");
        ck_assert(strstr(text, "Not timed: 1 of") && strstr(text, "Wrong bits, or failed: "));
        free(text);
    }
}
END_TEST

/* The command that times the worst layer again has what that run had. */
START_TEST(again)
{
    struct made_up m;
    made_up_start(&m);
    m.results.peers[m.results.peer_count++] = "first_1.0";
    m.results.peers[m.results.peer_count++] = "second_2";
    m.results.threads = 2;
    add_layer(&m, "mnist.conv3@64", FCNN_FORWARD, 2, 0, 4); /* the first peer did not take part */
    add_layer(&m, "mnist.conv33", FCNN_FORWARD, 1, 0, 5);
    snprintf(m.problems[0].text, sizeof m.problems[0].text, "conv2d+relu forward mb64ic64ih5oc64oh3kh3ph0");
    ck_assert_int_eq(fcnn_problem_parse(&m.problems[0].problem, m.problems[0].text), FCNN_OK);
    for (int i = 0; i < m.results.row_count; i++) m.rows[i].threads = 2;
    ck_assert(bench_results_summarize(&m.results));
    print_summary(&m, &(struct bench_exports){.count = 0});
    ck_assert(strstr(text, "\n  ./fastcnn-bench --layers=mnist --filter='mnist.conv3@64/*' --batch=64 --threads=2\n"));
    ck_assert(!strstr(text, "first_1.0")); /* no columns of dashes */
    free(text);
    snprintf(m.problems[0].text, sizeof m.problems[0].text, "conv2d+relu forward mb64ic64ih9oc64oh7kh3ph0");
    print_summary(&m, &(struct bench_exports){.count = 0});
    ck_assert(strstr(text, " --problem='conv2d+relu forward mb64ic64ih9oc64oh7kh3ph0' --threads=2\n"));
    free(text);
}
END_TEST

/* ---- CSV ---- */

static char *write_text(int write(const struct bench_results *, FILE *), const struct bench_results *results)
{
    FILE *out = open_memstream(&text, &text_size);
    ck_assert(out != NULL);
    ck_assert(write(results, out));
    ck_assert(!fclose(out));
    return text;
}

START_TEST(csv)
{
    struct made_up m;
    made_up_start(&m);
    m.results.peers[m.results.peer_count++] = "first_1.0";
    add_layer(&m, "a.one", FCNN_FORWARD, 10, 2, 0);
    snprintf(m.rows[2].kernel, sizeof m.rows[2].kernel, "a \"kernel\", theirs");
    m.rows[0].events = (struct bench_events){3, 4};
    m.rows[1].count = 2;
    m.rows[1].error = NAN;
    m.rows[2].samples[0].cpu = 1;
    m.rows[2].samples[2].cpu = 4;
    ck_assert(bench_results_summarize(&m.results));
    ck_assert_str_eq(write_text(bench_csv_write, &m.results),
        "layer,direction,problem,kernel,isa,class,chosen,threads,state,windows,nanoseconds,lower_quartile,"
        "interquartile_range,gflops,gbytes_per_second,percent_of_peak,percent_of_memory,error,allocations,"
        "page_faults,times_faster_than_reference,times_faster_than_first_1.0\n"
        "a.one,forward,text0,ours,avx2,exact,1,1,timed,4,1e+09,1e+09,200000000,2,1,25,12.5,2.5,3,4,,1.5\n"
        "a.one,forward,text0,naive,scalar,exact,0,1,not timed,2,,,,,,,,,0,0,,\n"
        "a.one,forward,text0,\"a \"\"kernel\"\", theirs\",avx2,peer,0,1,"
        "timed,3,2e+09,1.5e+09,1.5e+09,1,0.5,12.5,6.25,2.5,0,"
        "0,,1\n");
    free(text);
}
END_TEST

/* ---- services ---- */

static json_t *write_json(int write(const struct bench_results *, FILE *), const struct bench_results *results)
{
    json_error_t error;
    json_t *root = json_loads(write_text(write, results), JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(root != NULL, "line %d: %s", error.line, error.text);
    free(text);
    return root;
}

static const json_t *named(const json_t *list, const char *name)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!strcmp(json_string_value(json_object_get(json_array_get(list, i), "name")), name))
            return json_array_get(list, i);
    return ck_abort_msg("no entry %s", name), NULL;
}

static void expect_entry(const json_t *list, const char *name, const char *unit, double value, const char *range,
                         const char *extra)
{
    const json_t *one = named(list, name), *range_of = json_object_get(one, "range");
    ck_assert_str_eq(json_string_value(json_object_get(one, "unit")), unit);
    check_near(json_number_value(json_object_get(one, "value")), value);
    ck_assert_str_eq(json_string_value(json_object_get(one, "extra")), extra);
    if (range) ck_assert_str_eq(json_string_value(range_of), range);
    else ck_assert(range_of == NULL);
}

START_TEST(github)
{
    struct made_up m;
    make_results(&m);
    m.rows[2].count = 2; /* the first peer on a.one */
    ck_assert(bench_results_summarize(&m.results));
    json_t *list = write_json(bench_github_write, &m.results);
    ck_assert_uint_eq(json_array_size(list), 14 - 1 + 9);
    expect_entry(list, "a.one/ours", "ns", 1e9, "1e+09 to 1.2e+09", "text0");
    expect_entry(list, "a.one/naive", "ns", 1e10, "1e+10 to 1e+10", "text0");
    expect_entry(list, "a.one/forward: time over reference", "ratio", 0.1, NULL, "ours");
    expect_entry(list, "a.one/forward: time over second_2", "ratio", 0.25, NULL, "ours");
    expect_entry(list, "b.one/forward: time over first_1.0", "ratio", 2, NULL, "ours");
    expect_entry(list, "a.two/backward_data: time over first_1.0", "ratio", 1, NULL, "ours");
    json_decref(list);
    m.results.scaling = 1;
    list = write_json(bench_github_write, &m.results);
    expect_entry(list, "a.one/forward/threads=1: time over reference", "ratio", 0.1, NULL, "ours");
    json_decref(list);
}
END_TEST

static double metric(const json_t *root, const char *benchmark, const char *measure, const char *key)
{
    const json_t *value =
        json_object_get(json_object_get(json_object_get(root, benchmark), measure), key);
    return value ? json_number_value(value) : NAN;
}

START_TEST(bencher)
{
    struct made_up m;
    make_results(&m);
    json_t *root = write_json(bench_bencher_write, &m.results);
    check_near(metric(root, "a.one/ours", "latency", "value"), 1e9);
    check_near(metric(root, "a.one/ours", "latency", "lower_value"), 1e9);
    check_near(metric(root, "a.one/ours", "latency", "upper_value"), 1.2e9);
    check_near(metric(root, "a.one/forward", "time over reference", "value"), 0.1);
    ck_assert(isnan(metric(root, "a.one/forward", "time over reference", "lower_value")));
    check_near(metric(root, "a.one/forward", "time over first_1.0", "value"), 0.5);
    ck_assert(isnan(metric(root, "b.one/forward", "time over second_2", "value")));
    json_decref(root);
}
END_TEST

START_TEST(formats)
{
    ck_assert_int_eq(bench_format_named("github:x", 6), BENCH_GITHUB);
    ck_assert_int_eq(bench_format_named("tables", 6), BENCH_TABLES);
    ck_assert_int_eq(bench_format_named("json", 3), BENCH_FORMATS);
    ck_assert_int_eq(bench_format_named("", 0), BENCH_FORMATS);
    const struct bench_exports exports = {{{BENCH_CSV, "a"}, {BENCH_JSON, "b"}, {BENCH_JSON, "c"}}, 3};
    ck_assert_str_eq(bench_exports_path(&exports, BENCH_JSON), "b");
    ck_assert_ptr_null(bench_exports_path(&exports, BENCH_TABLES));
}
END_TEST

/* ---- meanwhile ---- */

START_TEST(time_left)
{
    struct made_up m;
    made_up_start(&m);
    struct bench_problem *p = made_up_problem(&m, FCNN_FORWARD, 7);
    struct bench_result *row = made_up_row(&m, p, "a", FCNN_AVX2, SECONDS(1, 1, 1));
    struct bench_result *wrong = made_up_row(&m, p, "b", FCNN_AVX2, SECONDS(0));
    row->expected = 2;   /* of nine windows: 18 s, of which 6 are behind */
    wrong->expected = 1; /* 9 s, which will not be spent */
    check_near(bench_results_expected(&m.results), 27);
    check_near(bench_results_behind(&m.results), 6);
    check_near(bench_progress_left(&m.results, 6, 1000), 21); /* as expected */
    check_near(bench_progress_left(&m.results, 6, 20), 14);   /* of the budget */
    check_near(bench_progress_left(&m.results, 30, 20), 0);
    wrong->verdict = BENCH_WRONG;
    check_near(bench_results_behind(&m.results), 15);
    check_near(bench_progress_left(&m.results, 31.35, 1000), 24); /* twice as slow: (31.35 + 1.35) / (15 + 1.35) */
    row->expected = wrong->expected = 0;
    check_near(bench_progress_left(&m.results, 1, 1000), 0);
}
END_TEST

START_TEST(bars)
{
    static const struct { int width; double part, left; const char *want; } cases[] = {
        {79, 0.5, 65.2, "[##########..........]  50 %, 1:05 left, layer/kernel"},
        {79, 1, 0, "[####################] 100 %, 0 s left, layer/kernel"},
        {79, 0, 59.6, "[....................]   0 %, 1:00 left, layer/kernel"},
        {79, 0.01, 5400, "[....................]   1 %, 1.5 h left, layer/kernel"},
        {50, 0.26, 5, "[#####...............]  26 %, 5 s left, layer/kern"},
        {44, 0.5, 5, " 50 %, 5 s left, layer/kernel"},
        {20, 0.5, 5, " 50 %, 5 s left"},
        {8, 0.5, 5, " 50 %, 5"},
        {0, 0.5, 5, ""},
        {-1, 0.5, 5, ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char bar[128];
        bench_progress_bar(bar, sizeof bar, cases[i].width, cases[i].part, cases[i].left, "layer/kernel");
        ck_assert_str_eq(bar, cases[i].want);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("summary");
    TCase *cases = tcase_create("summary");
    tcase_add_test(cases, overview);
    tcase_add_test(cases, screen);
    tcase_add_test(cases, steadiness);
    tcase_add_test(cases, what_went_wrong);
    tcase_add_test(cases, one_screen);
    tcase_add_test(cases, again);
    tcase_add_test(cases, csv);
    tcase_add_test(cases, github);
    tcase_add_test(cases, bencher);
    tcase_add_test(cases, formats);
    tcase_add_test(cases, time_left);
    tcase_add_test(cases, bars);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
