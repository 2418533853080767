/* SPDX-License-Identifier: BSD-2-Clause
 * The benchmark's arithmetic on made-up results with known answers: quartiles, means, values of windows, the exit
 * status, the JSON; and that its file is there as a whole or as it was. */
#include <check.h>
#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/json.h"
#include "bench/output.h"
#include "tests/made_up.h"
#include "tests/suite.h"

static void check_near(double got, double want)
{
    ck_assert_msg(fabs(got - want) <= 1e-12 * fabs(want), "%.17g, expected %.17g", got, want);
}

static void check_summary(struct bench_summary got, double lower, double median, double range)
{
    check_near(got.lower, lower);
    check_near(got.median, median);
    check_near(got.range, range);
}

/* ---- statistics ---- */

START_TEST(quartiles)
{
    check_summary(bench_summarize((double[]){4, 1, 3, 2}, 4), 1.75, 2.5, 1.5);
    check_summary(bench_summarize((double[]){100, 2, 1, 4, 3}, 5), 2, 3, 2);
    check_summary(bench_summarize((double[]){5}, 1), 5, 5, 0);
    check_summary(bench_summarize((double[]){3, 1}, 2), 1.5, 2, 1);
    ck_assert(isnan(bench_summarize(NULL, 0).median));
    const struct bench_summary none = bench_summarize((double[]){1, 2, 3, 4, NAN}, 5);
    ck_assert(isnan(none.lower) && isnan(none.median) && isnan(none.range));
}
END_TEST

START_TEST(geometric_mean)
{
    struct bench_mean mean = {0};
    ck_assert(isnan(bench_mean_of(&mean)));
    ck_assert_int_eq(bench_mean_add(&mean, 8), 1);
    ck_assert_int_eq(bench_mean_add(&mean, 9), 0);
    ck_assert_int_eq(bench_mean_add(&mean, 0.375), 1);
    check_near(bench_mean_of(&mean), 3);
    check_near(mean.least, 0.375);
    ck_assert_int_eq(mean.count, 3);
}
END_TEST

/* ---- windows ---- */

START_TEST(windows)
{
    struct made_up m;
    made_up_start(&m);
    struct bench_result *row = made_up_row(&m, made_up_problem(&m, FCNN_FORWARD, 7), "k", FCNN_SCALAR, SECONDS(1, 1));
    const struct bench_sample same = {.iterations = 4, .cpu = 1, .wall = 1}, other = {.iterations = 5};
    ck_assert(bench_results_add(&m.results, row, &same));
    ck_assert_int_eq(row->count, 3);
    ck_assert_int_eq(m.results.windows_done, 3);
    ck_assert(bench_results_add(&m.results, row, &other)); /* the number of iterations was found only now */
    ck_assert_int_eq(row->count, 1);
    ck_assert_int_eq(m.results.windows_done, 1);
    for (int i = 1; i < MADE_WINDOWS; i++) ck_assert(bench_results_add(&m.results, row, &other));
    ck_assert(!bench_results_add(&m.results, row, &other));
    ck_assert_int_eq(row->count, MADE_WINDOWS);
    ck_assert_int_eq(m.results.windows_done, MADE_WINDOWS);
    bench_results_forget(&m.results, row);
    ck_assert_int_eq(m.results.windows_done, 0);
}
END_TEST

START_TEST(least_windows)
{
    static const struct { int planned, count, timed; } cases[] = {
        {9, 9, 1}, {9, 3, 1}, {9, 2, 0}, {9, 1, 0}, {9, 0, 0}, {5, 3, 1}, {2, 2, 1}, {2, 1, 0}, {1, 1, 1}, {1, 0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bench_result row = {.verdict = BENCH_RIGHT, .windows = cases[i].planned, .count = cases[i].count};
        ck_assert_int_eq(bench_is_timed(&row), cases[i].timed);
        row.verdict = BENCH_WRONG;
        ck_assert_int_eq(bench_is_timed(&row), 0);
        row.verdict = BENCH_UNCHECKED;
        ck_assert_int_eq(bench_is_timed(&row), 0);
    }
}
END_TEST

START_TEST(values)
{
    struct made_up m;
    made_up_start(&m);
    struct bench_problem *p = made_up_problem(&m, FCNN_FORWARD, 7);
    struct bench_result *row = made_up_row(&m, p, "k", FCNN_SCALAR, SECONDS(0.5));
    const struct bench_sample *window = row->samples;
    check_near(bench_time_of(row, window), 0.5); /* the thread's */
    check_near(bench_percent_of_peak(row, window), 50);
    check_near(bench_percent_of_memory(row, window), 25);
    check_near(bench_peak_of(row, window), 8);
    check_near(bench_traffic_of(row, window), 0.125);
    row->threads = 2;
    check_near(bench_time_of(row, window), 1); /* the clock's */
    check_near(bench_percent_of_peak(row, window), 25);
    check_near(bench_percent_of_memory(row, window), 12.5);
    check_near(bench_rate(p, 0.5), 4);
    p->flops = 0;
    ck_assert(isnan(bench_percent_of_peak(row, window)) && isnan(bench_peak_of(row, window)));
    check_near(bench_percent_of_memory(row, window), 12.5);
    check_near(bench_rate(p, 0.5), 2);
}
END_TEST

START_TEST(row_summaries)
{
    struct made_up m;
    made_up_start(&m);
    const struct bench_problem *p = made_up_problem(&m, FCNN_FORWARD, 7);
    struct bench_result *row = made_up_row(&m, p, "k", FCNN_SCALAR, SECONDS(1, 0.5, 0.25, 2));
    struct bench_result *few = made_up_row(&m, p, "few", FCNN_SCALAR, SECONDS(1, 0.5));
    ck_assert(bench_results_summarize(&m.results));
    check_summary(row->time, 0.4375, 0.75, 0.8125);
    check_summary(row->cpu, 0.4375, 0.75, 0.8125);
    check_summary(row->wall, 0.875, 1.5, 1.625);
    check_summary(row->percent_of_peak, 21.875, 37.5, 40.625); /* of 12.5, 25, 50, 100 */
    check_near(row->percent_of_memory.median, 18.75);
    check_near(row->peak.median, 8);
    check_near(row->traffic.median, 0.125);
    ck_assert(isnan(few->time.median) && isnan(few->percent_of_peak.median));
}
END_TEST

/* ---- exit status ---- */

START_TEST(status)
{
    struct made_up m;
    made_up_start(&m);
    const struct bench_problem *p = made_up_problem(&m, FCNN_FORWARD, 7);
    made_up_row(&m, p, "good", FCNN_SCALAR, SECONDS(1, 1, 1));
    struct bench_result *row = made_up_row(&m, p, "bad", FCNN_SCALAR, SECONDS(1, 1, 1));
    ck_assert_int_eq(bench_results_status(&m.results), 0);
    m.results.signal = SIGINT;
    ck_assert_int_eq(bench_results_status(&m.results), 130);
    m.results.signal = SIGTERM;
    ck_assert_int_eq(bench_results_status(&m.results), 143);
    row->verdict = BENCH_WRONG;
    ck_assert_int_eq(bench_results_status(&m.results), 1); /* wrong bits are wrong, interrupted or not */
    ck_assert_int_eq(bench_results_wrong(&m.results), 1);
    m.results.signal = 0;
    ck_assert_int_eq(bench_results_status(&m.results), 1);
    row->kind = BENCH_PEER; /* not our fault */
    ck_assert_int_eq(bench_results_status(&m.results), 0);
    ck_assert_int_eq(bench_results_wrong(&m.results), 0);
    row->kind = BENCH_OURS;
    row->verdict = BENCH_BROKEN;
    row->status = FCNN_OUT_OF_MEMORY;
    ck_assert_int_eq(bench_results_status(&m.results), 71);
    row->status = FCNN_BAD_ARGUMENT;
    ck_assert_int_eq(bench_results_status(&m.results), 1);
}
END_TEST

/* ---- JSON ---- */

static json_t *write_and_read(const struct bench_results *results)
{
    char *text = NULL;
    size_t size = 0;
    json_error_t error;
    FILE *out = open_memstream(&text, &size);
    ck_assert(bench_json_write(results, out));
    ck_assert(!fclose(out));
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error); /* NaN is no JSON: not read */
    ck_assert_msg(root != NULL, "line %d: %s", error.line, error.text);
    free(text);
    return root;
}

/* The entry of a name; fails if there is none. */
static const json_t *entry(const json_t *root, const char *name)
{
    const json_t *list = json_object_get(root, "benchmarks");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *object = json_array_get(list, i);
        if (!strcmp(json_string_value(json_object_get(object, "name")), name)) return object;
    }
    return ck_abort_msg("no entry %s", name), NULL;
}

static double number(const json_t *object, const char *key) { return json_number_value(json_object_get(object, key)); }

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "";
}

START_TEST(json)
{
    struct made_up m;
    made_up_start(&m);
    const struct bench_problem *p = made_up_problem(&m, FCNN_BACKWARD_DATA, 7);
    struct bench_result *row = made_up_row(&m, p, "k", FCNN_AVX2, SECONDS(1, 0.5, 0.25));
    row->is_chosen = 1;
    row->samples[1].events = (struct bench_events){3, 5};
    struct bench_result *wrong = made_up_row(&m, p, "wrong", FCNN_AVX2, SECONDS(1));
    wrong->verdict = BENCH_WRONG;
    snprintf(wrong->failure, sizeof wrong->failure, "wrong: \"dst\"");
    struct bench_result *peer = made_up_row(&m, p, "peer", FCNN_AVX2, SECONDS(1));
    peer->kind = BENCH_PEER;
    peer->error = NAN;
    m.results.peers[m.results.peer_count++] = "onednn_9";
    m.results.signal = SIGTERM;
    ck_assert(bench_results_summarize(&m.results));
    json_t *root = write_and_read(&m.results);
    const json_t *context = json_object_get(root, "context");
    ck_assert_str_eq(json_string_value(json_array_get(json_object_get(context, "peers"), 0)), "onednn_9");
    ck_assert(json_is_true(json_object_get(context, "interrupted")));
    ck_assert_int_eq((int)number(context, "kernel_threads"), 1);
    ck_assert_uint_eq(json_array_size(json_object_get(root, "benchmarks")), 3 + 4 + 1 + 1);

    const json_t *first = entry(root, "layer0/k/real_time");
    ck_assert_str_eq(text(first, "run_type"), "iteration");
    check_near(number(first, "real_time"), 2e6);
    check_near(number(first, "cpu_time"), 1e6);
    ck_assert_str_eq(text(first, "time_unit"), "us");
    check_near(number(first, "GFLOP/s"), 2);
    check_near(number(first, "percent_of_peak"), 25);
    check_near(number(first, "percent_of_memory"), 12.5);
    check_near(number(first, "bytes_per_second"), 1e9);
    check_near(number(first, "error"), 2.5);
    ck_assert_str_eq(text(first, "problem"), "text0");
    ck_assert_str_eq(text(first, "direction"), "backward_data");
    ck_assert_str_eq(text(first, "isa"), "avx2");
    ck_assert_str_eq(text(first, "class"), "exact");
    ck_assert(json_is_true(json_object_get(first, "chosen")));
    const json_t *second = json_array_get(json_object_get(root, "benchmarks"), 1);
    ck_assert_int_eq((int)number(second, "allocations"), 3);
    ck_assert_int_eq((int)number(second, "page_faults"), 5);
    ck_assert_int_eq((int)number(second, "repetition_index"), 1);

    const json_t *median = entry(root, "layer0/k/real_time_median");
    ck_assert_str_eq(text(median, "aggregate_name"), "median");
    check_near(number(median, "cpu_time"), 0.5e6);
    check_near(number(median, "real_time"), 1e6);
    check_near(number(median, "GFLOP/s"), 4);
    const double mean = 1.75 / 3, variance = (pow(1 - mean, 2) + pow(0.5 - mean, 2) + pow(0.25 - mean, 2)) / 2;
    ck_assert(fabs(number(entry(root, "layer0/k/real_time_mean"), "cpu_time") / (1e6 * mean) - 1) < 1e-8);
    ck_assert(fabs(number(entry(root, "layer0/k/real_time_stddev"), "cpu_time") / (1e6 * sqrt(variance)) - 1) < 1e-8);
    ck_assert(fabs(number(entry(root, "layer0/k/real_time_cv"), "cpu_time") / (sqrt(variance) / mean) - 1) < 1e-8);

    const json_t *failed = entry(root, "layer0/wrong/real_time");
    ck_assert(json_is_true(json_object_get(failed, "error_occurred")));
    ck_assert_str_eq(text(failed, "error_message"), "wrong: \"dst\"");
    ck_assert(!json_object_get(failed, "real_time"));
    const json_t *theirs = entry(root, "layer0/peer/real_time");
    ck_assert_str_eq(text(theirs, "class"), "peer");
    ck_assert(!json_object_get(theirs, "error")); /* not known */
    json_decref(root);
}
END_TEST

/* ---- the file ---- */

static void check_content(const char *path, const char *want)
{
    char got[64] = "";
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s is not there", path);
    ck_assert_uint_eq(fread(got, 1, sizeof got - 1, file), strlen(want));
    fclose(file);
    ck_assert_str_eq(got, want);
}

static int count_files(const char *folder)
{
    int count = 0;
    DIR *entries = opendir(folder);
    while (readdir(entries)) count++;
    closedir(entries);
    return count - 2;
}

static void write_text(const char *path, const char *words)
{
    struct bench_output output;
    ck_assert(bench_output_probe(path));
    ck_assert(bench_output_open(&output, path));
    fputs(words, output.file);
    ck_assert(bench_output_close(&output));
}

/* As on a full disk: no file may grow beyond 16 bytes. */
static void fail_to_write(const char *path)
{
    struct bench_output output;
    struct rlimit before, limit;
    getrlimit(RLIMIT_FSIZE, &before);
    limit = before;
    limit.rlim_cur = 16;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    ck_assert(bench_output_open(&output, path));
    ck_assert(!setrlimit(RLIMIT_FSIZE, &limit));
    fputs("more than what fits into sixteen bytes", output.file);
    const int closed = bench_output_close(&output);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);
    ck_assert(!closed);
}

START_TEST(file)
{
    const char *temporary = getenv("TMPDIR");
    char folder[512], inner[600], path[600], link_path[600], name[600];
    struct bench_output output;
    struct stat info;
    snprintf(folder, sizeof folder, "%.400s/check_results.XXXXXX", temporary ? temporary : "/tmp");
    ck_assert(mkdtemp(folder) != NULL);
    snprintf(inner, sizeof inner, "%s/in", folder);
    snprintf(path, sizeof path, "%s/in/k.json", folder);
    snprintf(link_path, sizeof link_path, "%s/link", folder);
    snprintf(name, sizeof name, "%s/in/k.json/below", folder);

    ck_assert(bench_output_probe(path)); /* makes the folder, and nothing in it */
    ck_assert_int_eq(count_files(inner), 0);
    write_text(path, "first");
    check_content(path, "first");
    ck_assert(!chmod(path, 0640));
    ck_assert(bench_output_open(&output, path));
    fputs("half", output.file);
    fflush(output.file);
    check_content(path, "first"); /* not yet */
    bench_output_cancel(&output);
    fail_to_write(path);
    check_content(path, "first");
    ck_assert_int_eq(count_files(inner), 1);
    ck_assert(!symlink("in/k.json", link_path));
    write_text(link_path, "second");
    check_content(path, "second");
    ck_assert(!lstat(link_path, &info) && S_ISLNK(info.st_mode));
    ck_assert(!stat(path, &info) && (info.st_mode & 0777) == 0640);
    ck_assert_int_eq(count_files(inner), 1);
    ck_assert(!bench_output_probe(name) && !bench_output_open(&output, name)); /* below a file */
    if (!stat("/dev/full", &info) && S_ISCHR(info.st_mode)) { /* Linux */
        ck_assert(bench_output_open(&output, "/dev/full"));
        fputs("text", output.file);
        ck_assert(!bench_output_close(&output));
        ck_assert(!stat("/dev/full", &info) && S_ISCHR(info.st_mode));
    }
    unlink(link_path);
    unlink(path);
    rmdir(inner);
    rmdir(folder);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("results");
    TCase *cases = tcase_create("results");
    tcase_add_test(cases, quartiles);
    tcase_add_test(cases, geometric_mean);
    tcase_add_test(cases, windows);
    tcase_add_test(cases, least_windows);
    tcase_add_test(cases, values);
    tcase_add_test(cases, row_summaries);
    tcase_add_test(cases, status);
    tcase_add_test(cases, json);
    tcase_add_test(cases, file);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
