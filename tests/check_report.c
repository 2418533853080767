/* SPDX-License-Identifier: BSD-2-Clause
 * The page has the numbers that follow from made-up results with known answers, and of their texts no markup. Pictures
 * are for check_page.sh. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "bench/report/report.h"
#include "tests/kept.h"
#include "tests/suite.h"

static const char *page_of(const char *const *names, int count)
{
    const char *paths[4];
    for (int i = 0; i < count; i++) paths[i] = strdup(kept_path(names[i]));
    ck_assert(freopen("/dev/null", "w", stderr)); /* it says that there is no gnuplot */
    ck_assert_int_eq(bench_report(kept_path("page.html"), paths, count), 0);
    for (int i = 0; i < count; i++) free((char *)(uintptr_t)paths[i]);
    return kept_read("page.html");
}

static void check_has(const char *page, const char *part)
{
    ck_assert_msg(strstr(page, part) != NULL, "the page does not have %s", part);
}

#define HEAD(x) "<th scope=\"row\">" x "</th>"
#define TEXT(x) "<td>" x "</td>"
#define NUMBER(x) "<td class=\"n\">" x "</td>"
#define LOSS(x) "<td class=\"n loss\">" x "</td>"

START_TEST(numbers)
{
    kept_keep_results("a.json");
    const char *page = page_of((const char *const[]){"a.json"}, 1);
    /* times faster than the reference 4, 9 and 2, than the peer 2, 1/2 and 3 */
    check_has(page, HEAD("net") TEXT("forward") NUMBER("2") NUMBER("6.00") NUMBER("1.00") LOSS("0.50"));
    check_has(page, HEAD("net") TEXT("all") NUMBER("2") NUMBER("6.00") NUMBER("1.00") LOSS("0.50"));
    check_has(page, HEAD("other") TEXT("backward_data") NUMBER("1") NUMBER("2.00") NUMBER("3.00") NUMBER("3.00"));
    check_has(page, HEAD("all") TEXT("all") NUMBER("3") NUMBER("4.16") NUMBER("1.44") LOSS("0.50"));
    check_has(page, "1.44 times faster over 3 layers and directions; slower in 1, below 0.95 in 1.");
    check_has(page, "<li><b class=\"loss\">0.50</b> net.two <small>forward</small></li>");
    check_has(page, "<li><b class=\"gain\">3.00</b> other.one <small>backward_data</small></li>");
    check_has(page, "54 of 81 windows"); /* nine planned, three timed, for nine rows */
    check_has(page, "Slide Rule 9000, 3 cores");
    check_has(page, "L1 48 KB, L2 1 MB, L3 32 MB");
    check_has(page, "2026-01-02T03:04:05+0000, tester");
    check_has(page, "fastcnn 9.8.7; gcc 99");
    check_has(page, "scalar 8, avx2 8 GFLOP/s");
    /* 2 GFLOP in 2 s, of a peak of 8 GFLOP/s; the traffic takes 0.125 s */
    check_has(page, NUMBER("0.0") NUMBER("1.00") NUMBER("12.5") NUMBER("6.2") NUMBER("9.00") LOSS("0.50")
                    NUMBER("2.5"));
    check_has(page, "<tr class=\"chosen\">" HEAD("net.two") TEXT("forward") TEXT("*") TEXT("k_avx2") TEXT("avx2"));
    check_has(page, "Not drawn: this needs gnuplot");
    ck_assert(!strstr(page, "id=\"sides\"") && !strstr(page, "id=\"training\""));
}
END_TEST

START_TEST(not_timed)
{
    struct made_up m;
    kept_results(&m);
    m.rows[0].verdict = BENCH_WRONG;
    snprintf(m.rows[0].failure, sizeof m.rows[0].failure, "wrong: dst[3]");
    m.rows[4].count = 2;
    snprintf(m.rows[4].failure, sizeof m.rows[4].failure, "not timed: no time left");
    ck_assert(bench_results_summarize(&m.results));
    kept_keep(&m.results, "a.json");
    const char *page = page_of((const char *const[]){"a.json"}, 1);
    check_has(page, "Wrong bits or failed: 1 of our kernels.");
    check_has(page, "<li>1 kernel: wrong: dst[3]</li>");
    check_has(page, "<li>1 kernel: not timed: no time left</li>");
    check_has(page, HEAD("net") TEXT("forward") NUMBER("1") NUMBER("&ndash;") LOSS("0.50") LOSS("0.50"));
}
END_TEST

START_TEST(no_markup)
{
    struct made_up m;
    kept_results(&m);
    m.results.peers[0] = "</script><b>&amp;";
    snprintf(m.problems[0].layer, sizeof m.problems[0].layer, "<script>alert('1')</script>\"`");
    for (int i = 0; i < 3; i++) snprintf(m.rows[i].name, sizeof m.rows[i].name, "x/k%d", i);
    ck_assert(bench_results_summarize(&m.results));
    kept_keep(&m.results, "a.json");
    const char *page = page_of((const char *const[]){"a.json"}, 1);
    ck_assert(!strstr(page, "<script>alert") && !strstr(page, "</script><b>"));
    check_has(page, HEAD("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;`"));
    check_has(page, "\\u003c/script\\u003e\\u003cb\\u003e\\u0026amp;");
}
END_TEST

/* The second run is twice as fast on one layer and has lost another. */
START_TEST(side_by_side)
{
    struct made_up m;
    kept_keep_results("a.json");
    made_up_start(&m);
    m.results.peers[m.results.peer_count++] = "peer_1";
    kept_add_layer(&m, "net.one", KEPT_FORWARD_1, 0.5, 4, 4);
    kept_add_layer(&m, "net.two", KEPT_FORWARD_2, 4, 18, 1);
    ck_assert(bench_results_summarize(&m.results));
    kept_keep(&m.results, "b.json");
    const char *page = page_of((const char *const[]){"a.json", "b.json"}, 2);
    check_has(page, HEAD("net.one") TEXT("forward") "<td class=\"n\" data-value=\"1\">    1.00 s </td>" NUMBER("2.00")
                    NUMBER("2.00") NUMBER("8.00"));
    check_has(page, LOSS("0.50") LOSS("0.50") LOSS("0.25"));
    check_has(page, HEAD("other.one") TEXT("backward_data") "<td class=\"n\" data-value=\"1\">    1.00 s </td>"
                    NUMBER("&ndash;") NUMBER("3.00") NUMBER("&ndash;"));
    check_has(page, NUMBER("1.00") NUMBER("&ndash;") NUMBER("&ndash;") NUMBER("&ndash;") NUMBER("1.00") NUMBER("2"));
    kept_keep(&m.results, "b|1.json");
    page = page_of((const char *const[]){"a.json", "b|1.json"}, 2);
    check_has(page, "<th scope=\"col\" class=\"n\">b/1.json</th><th scope=\"col\" class=\"n\">a.json x peer</th>");
}
END_TEST

START_TEST(training)
{
    kept_keep_results("a.json");
    kept_write("programs.json", "{\"results\": [{\"command\": \"<one>\", \"mean\": 2.0, \"stddev\": 0.1, \"min\": 1.9, "
               "\"max\": 2.2}, {\"command\": \"two\", \"mean\": 4.0, \"stddev\": 0.2, \"min\": 3, \"max\": 5}]}");
    kept_write("train.json", "{\"speed\": {\"isa\": \"avx2\", \"threads\": 2, \"peak_gflops\": 100.0, "
               "\"epoch_seconds\": 0.75, \"bound_seconds\": 1.5}, \"receipt\": {\"weights\": \"abc\"}}");
    const char *page = page_of((const char *const[]){"programs.json", "a.json", "train.json"}, 3);
    check_has(page, HEAD("&lt;one&gt;") "<td class=\"n\" data-value=\"2\">    2.00 s </td>" NUMBER("5.0"));
    check_has(page, "<td class=\"n\" data-value=\"5\">    5.00 s </td>" LOSS("0.50"));
    check_has(page, HEAD("train.json") TEXT("avx2") NUMBER("2") NUMBER("100.0"));
    check_has(page, NUMBER("0.50") TEXT("abc"));
}
END_TEST

/* With eight images ours takes 2 s in place of 1, which is 4 times faster for each of them; the peer 4 in place of 2.
 * The other layer has one batch: it is no slower than itself. */
START_TEST(batches)
{
    struct made_up m;
    made_up_start(&m);
    m.results.peers[m.results.peer_count++] = "peer_1";
    kept_add_layer(&m, "net.one@8", KEPT_FORWARD_1, 2, 8, 8);
    kept_add_layer(&m, "net.one@1", KEPT_FORWARD_1, 1, 4, 2);
    kept_add_layer(&m, "net.two@8", KEPT_FORWARD_2, 1, 9, 2);
    kept_add_layer(&m, "net.2@x", KEPT_FORWARD_2, 1, 9, 2);
    ck_assert(bench_results_summarize(&m.results));
    kept_keep(&m.results, "a.json");
    const char *page = page_of((const char *const[]){"a.json"}, 1);
    check_has(page, HEAD("net.one@1") TEXT("forward") NUMBER("1") "<td class=\"n\" data-value=\"1\">    1.00 s </td>"
                    "<td class=\"n\" data-value=\"1\">    1.00 s </td>" NUMBER("1.00") NUMBER("1.00"));
    check_has(page, HEAD("net.one@8") TEXT("forward") NUMBER("8") "<td class=\"n\" data-value=\"2\">    2.00 s </td>"
                    "<td class=\"n\" data-value=\"0.25\">  250.00 ms</td>" NUMBER("4.00") NUMBER("2.00"));
    /* geometric means: of 4 and 1, 4 and 9, 4 and 2 */
    check_has(page, HEAD("forward") NUMBER("8") NUMBER("2") NUMBER("2.00") NUMBER("6.00") NUMBER("2.83"));
    check_has(page, HEAD("forward") NUMBER("1") NUMBER("1") NUMBER("1.00") NUMBER("4.00") NUMBER("2.00"));
    check_has(page, "Batches, forward: times faster per image than with the fewest images");
    check_has(page, "Batches: times faster than peer_1, geometric means");
    const char *table = strstr(page, "id=\"batches0\""), *end = strstr(table, "</table>");
    ck_assert(strstr(table, "net.2@x") > end);
    kept_keep_results("b.json");
    ck_assert(!strstr(page_of((const char *const[]){"b.json"}, 1), "Batches"));
    ck_assert(!strstr(page_of((const char *const[]){"a.json", "b.json"}, 2), "id=\"sides\"")); /* no layer in common */
}
END_TEST

#define PREDICTED(program, images, what, us) "{\"program\": \"" program "\", \"threads\": 2, \"images\": " images \
    ", \"aggregate_name\": \"" what "\", \"real_time\": " us ", \"iterations\": 33}"

START_TEST(predictions)
{
    kept_keep_results("a.json");
    kept_write("model.json", "{\"context\": {\"cpu\": \"Abacus\"}, \"model\": {\"name\": \"mnist\"}, \"benchmarks\": ["
               PREDICTED("fastcnn 9", "1", "median", "20") ", " PREDICTED("fastcnn 9", "1", "p99", "30") ", "
               PREDICTED("fastcnn 9", "10000", "median", "5e5") ", " PREDICTED("<PyTorch>", "1", "median", "80") ", "
               PREDICTED("<PyTorch>", "10000", "median", "250000.0") ", 7, {\"images\": \"x\"}]}");
    const char *page = page_of((const char *const[]){"model.json", "a.json"}, 2);
    check_has(page, HEAD("fastcnn 9") NUMBER("2") "<td class=\"n\" data-value=\"2e-05\">   20.00 us</td>"
                    "<td class=\"n\" data-value=\"3e-05\">   30.00 us</td>" NUMBER("33") NUMBER("1.00")
                    "<td class=\"n\" data-value=\"0.5\">  500.00 ms</td>" NUMBER("20000") NUMBER("1.00") TEXT("Abacus")
                    TEXT("model.json"));
    check_has(page, HEAD("&lt;PyTorch&gt;") NUMBER("2") "<td class=\"n\" data-value=\"8e-05\">   80.00 us</td>"
                    NUMBER("&ndash;") NUMBER("33") LOSS("0.25") "<td class=\"n\" data-value=\"0.25\">  250.00 ms</td>"
                    NUMBER("40000") NUMBER("2.00"));
    check_has(page, "One image: microseconds, median (less is better)");
    check_has(page, "10000 images: images a second (more is better)");
    kept_write("model.json", "{\"model\": {}, \"benchmarks\": 3}");
    ck_assert(!strstr(page_of((const char *const[]){"model.json", "a.json"}, 2), "id=\"predictions\""));
}
END_TEST

START_TEST(orders)
{
    kept_keep_results("a.json");
    kept_write("orders.json",
               "[{\"problem\": \"p<\", \"kernel\": \"k\", \"class\": \"exact\", \"output\": \"dst\", \"terms\": 9, "
               "\"documented\": true, \"depends_on_threads\": false, \"document\": \"chain of 9\", "
               "\"threads_8\": \"chain too\", \"threads_1\": \"chain\"}, "
               "{\"problem\": \"p\", \"kernel\": \"theirs\", \"class\": \"peer\", \"output\": \"dst\", \"terms\": 9, "
               "\"documented\": false, \"depends_on_threads\": false, \"failure\": \"none\"}, 7]");
    const char *page = page_of((const char *const[]){"a.json", "orders.json"}, 2);
    check_has(page, HEAD("p&lt;") TEXT("dst") TEXT("k") TEXT("exact") NUMBER("9") TEXT("chain") TEXT("8: chain too")
                    TEXT("no") TEXT("yes") TEXT("chain of 9"));
    check_has(page, TEXT("theirs") TEXT("peer") NUMBER("9") TEXT("none") TEXT("") TEXT("") TEXT("") TEXT(""));
}
END_TEST

START_TEST(bad_sources)
{
    kept_write("train.json", "{\"speed\": 1}");
    kept_write("programs.json", "{\"results\": []}");
    const char *train = kept_path("train.json"), *programs = kept_path("programs.json"), *page = kept_path("page.html");
    ck_assert(freopen("/dev/null", "w", stderr));
    ck_assert_int_eq(bench_report(page, &train, 1), EX_DATAERR);
    ck_assert_int_eq(bench_report(page, &programs, 1), EX_USAGE); /* no results */
    ck_assert(access(page, F_OK) != 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("report");
    TCase *cases = tcase_create("report");
    tcase_add_checked_fixture(cases, kept_make_folder, kept_remove_folder);
    tcase_add_test(cases, numbers);
    tcase_add_test(cases, not_timed);
    tcase_add_test(cases, no_markup);
    tcase_add_test(cases, side_by_side);
    tcase_add_test(cases, batches);
    tcase_add_test(cases, predictions);
    tcase_add_test(cases, orders);
    tcase_add_test(cases, training);
    tcase_add_test(cases, bad_sources);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
