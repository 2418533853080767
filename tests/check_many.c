/* SPDX-License-Identifier: BSD-2-Clause
 * Results of very many rows: what is looked up by name stands in the order, and has the numbers, that looking through
 * all rows would give; and names themselves. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/names.h"
#include "bench/report/page.h"
#include "bench/summary.h"
#include "tests/suite.h"

/* ---- results ---- */

enum { LAYERS = 5000, SIZES = 4, PROBLEMS = LAYERS * SIZES, ROWS = 2 * PROBLEMS };
static const int images[SIZES] = {1, 2, 8, 64};

static struct bench_problem *problems;
static struct bench_result *rows;
static int first_met[LAYERS], met; /* layers in the order of their first problems */

/* Layers and sizes in an order that is none: 7919 is a prime. */
static int layer_of(int problem) { return (int)((int64_t)problem * 7919 % PROBLEMS) / SIZES; }
static int images_of(int problem) { return images[(int64_t)problem * 7919 % PROBLEMS % SIZES]; }
static fcnn_direction direction_of(int layer) { return layer % 3 ? FCNN_FORWARD : FCNN_BACKWARD_DATA; }

static void fill_row(struct bench_result *row, const struct bench_problem *of, double seconds)
{
    static struct bench_sample sample;
    *row = (struct bench_result){.of = of, .verdict = BENCH_RIGHT, .threads = 1, .windows = 1, .count = 1,
                                 .samples = &sample, .time = {seconds, seconds, 0}};
}

/* Each problem has what dispatch takes, a second for every image, and a reference that is three times slower. */
static void make_rows(void)
{
    problems = calloc(PROBLEMS, sizeof *problems);
    rows = calloc(ROWS, sizeof *rows);
    static char seen[LAYERS];
    ck_assert(problems && rows);
    met = 0;
    memset(seen, 0, sizeof seen);
    for (int i = 0; i < PROBLEMS; i++) {
        const int layer = layer_of(i);
        problems[i].problem.direction = direction_of(layer);
        snprintf(problems[i].layer, sizeof problems[i].layer, "net%d.l@%d", layer, images_of(i));
        snprintf(problems[i].text, sizeof problems[i].text, "of %d", i);
        fill_row(&rows[2 * i], &problems[i], images_of(i));
        fill_row(&rows[2 * i + 1], &problems[i], 3 * images_of(i));
        rows[2 * i].is_chosen = rows[2 * i + 1].is_reference = 1;
        if (!seen[layer]++) first_met[met++] = layer;
    }
    ck_assert_int_eq(met, LAYERS);
}

static void free_rows(void)
{
    free(problems);
    free(rows);
}

static struct bench_results all_rows(void)
{
    return (struct bench_results){.rows = rows, .row_count = ROWS, .problem_count = PROBLEMS, .threads = 1};
}

/* ---- the page ---- */

/* What a part writes; to be freed. */
static char *text_of(int part(struct report *, const struct report_file *), struct report_file *files, int count)
{
    static char *text;
    static size_t size;
    struct report report = {.files = files, .count = count, .no_gnuplot = 1, .out = open_memstream(&text, &size)};
    ck_assert(report.out && part(&report, files) && !fclose(report.out));
    return text;
}

/* The next row of a table begins with this name. Returns what is behind it. */
static const char *expect_name(const char *at, const char *name)
{
    static const char begin[] = "<th scope=\"row\">";
    const char *found = strstr(at, begin);
    ck_assert_msg(found != NULL, "no row is left for %s", name);
    found += sizeof begin - 1;
    ck_assert_msg(!strncmp(found, name, strlen(name)) && found[strlen(name)] == '<', "%.20s in place of %s", found,
                  name);
    return found + strlen(name);
}

static void expect_layer(const char **at, int layer)
{
    char name[32];
    for (int i = 0; i < SIZES; i++) {
        snprintf(name, sizeof name, "net%d.l@%d", layer, images[i]);
        *at = expect_name(*at, name);
        ck_assert(!strncmp(*at, "</th>", 5));
    }
}

/* Directions, layers as they were met, images upward; an image takes the same with each number of them. */
START_TEST(batches)
{
    struct report_file file = {.name = "x", .kind = REPORT_RESULTS, .kept.results = all_rows()};
    char *text = text_of(report_batches, &file, 1);
    const char *at = strstr(text, "id=\"batch-means0\"");
    ck_assert(at != NULL);
    for (int i = 0; i < 2 * SIZES; i++) {
        char cells[160];
        const int layers = i < SIZES ? LAYERS - (LAYERS + 2) / 3 : (LAYERS + 2) / 3;
        at = expect_name(at, fcnn_direction_name(i < SIZES ? FCNN_FORWARD : FCNN_BACKWARD_DATA));
        snprintf(cells, sizeof cells, "</th><td class=\"n\">%d</td><td class=\"n\">%d</td><td class=\"n\">1.00</td>"
                 "<td class=\"n\">3.00</td>", images[i % SIZES], layers);
        ck_assert_msg(!strncmp(at, cells, strlen(cells)), "%.160s in place of %s", at, cells);
    }
    at = strstr(at, "id=\"batches0\"");
    ck_assert(at != NULL);
    for (int i = 0; i < LAYERS; i++)
        if (direction_of(first_met[i]) == FCNN_FORWARD) expect_layer(&at, first_met[i]);
    for (int i = 0; i < LAYERS; i++)
        if (direction_of(first_met[i]) == FCNN_BACKWARD_DATA) expect_layer(&at, first_met[i]);
    ck_assert(!strstr(at, "<th scope=\"row\">"));
    free(text);
}
END_TEST

static int sides(struct report *report, const struct report_file *file)
{
    (void)file;
    return report_sides(report);
}

/* The other run has the same problems backwards, each half as fast; the order is the first one's. */
START_TEST(side_by_side)
{
    struct bench_result *others = calloc(ROWS, sizeof *others);
    ck_assert(others != NULL);
    for (int i = 0; i < ROWS; i++) {
        others[i] = rows[ROWS - 1 - i];
        others[i].time.lower *= 2;
    }
    struct report_file files[2] = {{.name = "a", .kind = REPORT_RESULTS, .kept.results = all_rows()},
                                   {.name = "b", .kind = REPORT_RESULTS, .kept.results = all_rows()}};
    files[1].kept.results.rows = others;
    char *text = text_of(sides, files, 2), means[64];
    snprintf(means, sizeof means, "<td class=\"n loss\">0.50</td><td class=\"n\">%d</td></tr>", PROBLEMS);
    ck_assert(strstr(text, means) != NULL);
    const char *at = strstr(text, "id=\"side-layers\"");
    ck_assert(at != NULL);
    for (int i = 0; i < PROBLEMS; i++) {
        at = expect_name(at, problems[i].layer);
        ck_assert(!strncmp(strstr(at, "s </td>") + 7, "<td class=\"n loss\">0.50</td>", 27));
    }
    free(text);
    free(others);
}
END_TEST

/* A network has one direction here, and the sum of it. */
START_TEST(groups)
{
    const struct bench_results results = all_rows();
    int count;
    struct report_group *list = report_groups(&results, &count);
    ck_assert(list != NULL);
    ck_assert_int_eq(count, 2 * LAYERS + 3);
    for (int i = 0; i < 2 * LAYERS; i++) {
        char name[32];
        snprintf(name, sizeof name, "net%d", first_met[i / 2]);
        ck_assert_str_eq(list[i].network, name);
        ck_assert_int_eq(list[i].direction, i % 2 ? BENCH_DIRECTIONS : (int)direction_of(first_met[i / 2]));
        ck_assert(list[i].layers == SIZES && list[i].reference.count == SIZES);
    }
    static const int directions[] = {FCNN_FORWARD, FCNN_BACKWARD_DATA, BENCH_DIRECTIONS};
    for (int i = 0; i < 3; i++) {
        ck_assert_str_eq(list[2 * LAYERS + i].network, "");
        ck_assert_int_eq(list[2 * LAYERS + i].direction, directions[i]);
    }
    ck_assert_int_eq(list[count - 1].layers, PROBLEMS);
    free(list);
}
END_TEST

/* The summary on the terminal. */
START_TEST(overview)
{
    const struct bench_results results = all_rows();
    struct bench_overview o;
    ck_assert(bench_overview_make(&results, &o));
    ck_assert_int_eq(o.count, LAYERS);
    for (int i = 0; i < LAYERS; i++) {
        char name[24];
        snprintf(name, sizeof name, "net%d", first_met[i]);
        ck_assert_str_eq(o.networks[i].name, name);
        ck_assert_int_eq(o.networks[i].means[0][BENCH_DIRECTIONS].count, SIZES);
    }
    ck_assert_int_eq(o.networks[LAYERS].means[0][BENCH_DIRECTIONS].count, PROBLEMS);
    bench_overview_free(&o);
}
END_TEST

/* ---- rows of one problem ---- */

START_TEST(beside)
{
    const struct bench_results results = all_rows();
    for (int i = 0; i < ROWS; i++) {
        const struct bench_rows there = bench_beside(&results, &rows[i]);
        ck_assert(there.first == &rows[i / 2 * 2] && there.end == there.first + 2);
    }
    ck_assert(bench_ratio(&results, &rows[ROWS - 2], BENCH_REFERENCE) == 3);
}
END_TEST

/* ---- names ---- */

START_TEST(names)
{
    struct bench_names list = {0};
    ck_assert_int_eq(bench_names_find(&list, "x"), -1);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < PROBLEMS; i++)
            ck_assert_int_eq(bench_names_number(&list, "%d of %s", (int)((int64_t)i * 7919 % PROBLEMS), "many"), i);
    ck_assert_int_eq(list.count, PROBLEMS);
    ck_assert_int_eq(bench_names_find(&list, "%s", "7919 of many"), 1);
    ck_assert_int_eq(bench_names_find(&list, "7919 of man"), -1);
    ck_assert_int_eq(bench_names_number(&list, "%s", ""), PROBLEMS);
    ck_assert_int_eq(bench_names_find(&list, "%s", ""), PROBLEMS);
    bench_names_free(&list);
    ck_assert(!list.count && bench_names_find(&list, "7919 of many") == -1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("many");
    TCase *cases = tcase_create("many");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, make_rows, free_rows);
    tcase_add_test(cases, batches);
    tcase_add_test(cases, side_by_side);
    tcase_add_test(cases, groups);
    tcase_add_test(cases, overview);
    tcase_add_test(cases, beside);
    tcase_add_test(cases, names);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
