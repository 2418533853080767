/* SPDX-License-Identifier: BSD-2-Clause
 * What the gate (bench/gate/) writes about made-up findings: summary, Markdown, JUnit, JSON. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/gate/report.h"
#include "bench/gate/series.h"
#include "tests/suite.h"

enum { ROUNDS = 11 };

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

/* A machine that is given up before anything is timed: no numbers that are none; and a table that people still read. */
START_TEST(nothing_is_known)
{
    enum { MANY = 40 };
    struct gate_case many[MANY];
    struct gate_finding unknown[MANY];
    struct gate_report report = make_report();
    for (int i = 0; i < MANY; i++) {
        many[i] = cases[0];
        unknown[i] = (struct gate_finding){GATE_UNDECIDED, {NAN, NAN, NAN}, NAN, "not measured"};
    }
    report.cases = many, report.findings = unknown, report.count = MANY;
    report.mean = unknown[0], report.overall = GATE_UNDECIDED;
    char *text = print(gate_report_junit, &report);
    ck_assert_ptr_null(strstr(text, "nan"));
    ck_assert_int_eq(count(text, "<skipped message=\"not measured\"/>"), MANY + 1);
    free(text);
    text = print(gate_report_markdown, &report);
    ck_assert_int_eq(count(text, "\n|"), 2 + 1 + 12 + 1);
    ck_assert_ptr_nonnull(strstr(text, "| undecided | 28 more kernels | | |\n"));
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
    Suite *suite = suite_create("gate-report");
    TCase *tests = tcase_create("made-up findings");
    tcase_add_test(tests, summary);
    tcase_add_test(tests, markdown);
    tcase_add_test(tests, nothing_is_known);
    tcase_add_test(tests, junit);
    tcase_add_test(tests, json);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
