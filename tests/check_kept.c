/* SPDX-License-Identifier: BSD-2-Clause
 * Kept results: what was written is read back and is written the same again; files that are none are refused with the
 * place that is wrong. */
#include <check.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "bench/json.h"
#include "bench/json_read.h"
#include "tests/kept.h"
#include "tests/suite.h"

/* ---- there and back ---- */

/* One row of each kind, with numbers that have many digits. */
static void make_all_kinds(struct made_up *m)
{
    kept_results(m);
    m->results.threads = 2;
    m->results.signal = 15;
    const struct bench_problem *p = kept_add_problem(m, "relu", "relu forward mb1ic16ih7");
    m->problems[3].flops = 0;
    struct bench_result *row = made_up_row(m, p, "odd", FCNN_AVX512, SECONDS(1 / 3., 0.1 / 7, 1e-7 / 3, 0.7));
    row->samples[1].bounds = (struct bench_bounds){0, 1 / 9.};
    row->samples[2].events = (struct bench_events){3, 5};
    row->events = (struct bench_events){4, 6};
    row->is_doubted = 1;
    row->error = NAN;
    row->threads = 2;
    made_up_row(m, p, "wrong", FCNN_AVX2, SECONDS(1))->verdict = BENCH_WRONG;
    m->rows[10].count = 0;
    snprintf(m->rows[10].failure, sizeof m->rows[10].failure, "wrong: \"x\" \\ <y>");
    row = made_up_row(m, p, "broken", FCNN_AVX2, SECONDS(1));
    row->verdict = BENCH_BROKEN;
    row->status = FCNN_OUT_OF_MEMORY;
    row->count = 0;
    row = made_up_row(m, p, "waiting", FCNN_AVX2, SECONDS(0));
    row->verdict = BENCH_UNCHECKED;
    made_up_row(m, p, "peer auto", FCNN_AVX2, SECONDS(1, 2))->kind = BENCH_PEER_AUTO;
    made_up_row(m, p, "peer converted", FCNN_AVX2, SECONDS(1, 2))->kind = BENCH_PEER_CONVERTED;
    made_up_row(m, p, "w", FCNN_AVX2, SECONDS(1, 2, 3))->numerics = FCNN_WINOGRAD_F4;
    row = made_up_row(m, p, "peer without code", FCNN_AVX2, SECONDS(0));
    row->kind = BENCH_PEER;
    row->verdict = BENCH_NOT_RUN;
    snprintf(row->failure, sizeof row->failure, "not run: relu: unimplemented");
}

static void check_row(const struct bench_result *got, const struct bench_result *want)
{
    ck_assert_str_eq(got->name, want->name);
    ck_assert_str_eq(got->suffix, want->suffix);
    ck_assert_str_eq(got->kernel, want->kernel);
    ck_assert_str_eq(got->failure, want->failure);
    ck_assert_str_eq(got->of->layer, want->of->layer);
    ck_assert_str_eq(got->of->text, want->of->text);
    ck_assert(!memcmp(&got->of->problem, &want->of->problem, sizeof want->of->problem));
    ck_assert(got->of->flops == want->of->flops && got->of->bytes == want->of->bytes);
    ck_assert(got->isa == want->isa && got->numerics == want->numerics && got->kind == want->kind);
    ck_assert(got->verdict == want->verdict && got->status == want->status && got->peer == want->peer);
    ck_assert(got->is_chosen == want->is_chosen && got->is_doubted == want->is_doubted);
    ck_assert(got->is_reference == want->is_reference && got->threads == want->threads);
    ck_assert(got->windows == want->windows && got->count == want->count && got->executions == want->executions);
    ck_assert(!memcmp(&got->events, &want->events, sizeof want->events));
    ck_assert(got->error == want->error || (isnan(got->error) && isnan(want->error)));
    for (int i = 0; i < want->count; i++) {
        const struct bench_sample *a = &got->samples[i], *b = &want->samples[i];
        ck_assert(fabs(a->wall / b->wall - 1) < 1e-14 && fabs(a->cpu / b->cpu - 1) < 1e-14);
        ck_assert(fabs(a->bounds.traffic / b->bounds.traffic - 1) < 1e-14 && a->iterations == b->iterations);
        ck_assert(want->of->flops == 0 || a->bounds.peak == b->bounds.peak);
        ck_assert(!memcmp(&a->events, &b->events, sizeof b->events) || want->kind != BENCH_OURS);
    }
}

START_TEST(round_trip)
{
    struct made_up m;
    struct bench_kept kept;
    make_all_kinds(&m);
    ck_assert(bench_results_summarize(&m.results));
    kept_keep(&m.results, "a.json");
    ck_assert_int_eq(bench_json_read(kept_path("a.json"), &kept), 0);
    ck_assert(!memcmp(&kept.context, &kept_machine, sizeof kept_machine));
    ck_assert_int_eq(kept.results.row_count, m.results.row_count);
    ck_assert_int_eq(kept.results.problem_count, m.results.problem_count);
    for (int i = 0; i < m.results.row_count; i++) check_row(&kept.results.rows[i], &m.rows[i]);
    ck_assert(kept.results.threads == 2 && kept.results.signal == 15 && kept.results.seconds == 12);
    ck_assert(kept.results.windows == m.results.windows && kept.results.windows_done == m.results.windows_done);
    ck_assert_int_eq(kept.results.peer_count, 1);
    ck_assert_str_eq(kept.results.peers[0], "peer_1");
    FILE *file = fopen(kept_path("b.json"), "w");
    ck_assert(file && bench_json_write_kept(&kept.results, &kept.context, file) && !fclose(file));
    bench_kept_free(&kept);
    char *first = strdup(kept_read("a.json"));
    ck_assert_str_eq(kept_read("b.json"), first);
    free(first);
}
END_TEST

/* ---- files that are none ---- */

/* Calls and returns what it says; *status is its result. */
static const char *words_of(const char *name, int *status)
{
    struct bench_kept kept;
    fflush(stderr);
    const int before = dup(2), into = open(kept_path("stderr"), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    dup2(into, 2);
    *status = bench_json_read(kept_path(name), &kept);
    bench_kept_free(&kept);
    fflush(stderr);
    dup2(before, 2);
    close(before);
    close(into);
    return kept_read("stderr");
}

static void check_refused(const char *name, int want, const char *part)
{
    int status;
    const char *words = words_of(name, &status);
    ck_assert_msg(status == want && strstr(words, part) && strstr(words, name), "%d, not %d, \"%s\": %s", status, want,
                  part, words);
}

/* The first `from` behind the first "benchmarks", or before it, becomes `to`. */
static void replace(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    ck_assert_msg(at != NULL, "no %s", from);
    FILE *file = fopen(kept_path("b.json"), "w");
    ck_assert(file && fprintf(file, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) > 0 && !fclose(file));
}

START_TEST(bad_files)
{
    static const struct { const char *from, *to, *part; } cases[] = {
        {"\"date\"", "\"tade\"", "context.date: is missing"},
        {"\"kernel_threads\": 1", "\"kernel_threads\": 0", "context.kernel_threads: expected an integer"},
        {"\"kernel_threads\": 1", "\"kernel_threads\": 1e300", "context.kernel_threads"},
        {"\"size\": 49152", "\"size\": -1", "context.caches[0].size"},
        {"\"peers\": [", "\"peers\": [1, ", "context.peers"},
        {"\"peers\": [", "\"peers\": [\"b\", \"c\", \"d\", \"e\", ", "context.peers: more than"},
        {"\"seconds\": 12.0", "\"seconds\": \"12\"", "context.seconds"},
        {"\"benchmarks\": [", "\"benchmarks\": {}, \"x\": [", "benchmarks: expected a list"},
        {"\"isa\": \"avx2\"", "\"isa\": \"avx9\"", "benchmarks[0].isa: \"avx9\" is not known"},
        {"\"class\": \"exact\"", "\"class\": 1", "benchmarks[0].class: expected a text"},
        {"\"problem\": \"conv2d", "\"problem\": \"conv3d", "benchmarks[0].problem"},
        {"\"layer\": \"net.one\"", "\"layer\": \"net\\u001b[31m\"", "benchmarks[0].layer: has control characters"},
        {"\"layer\": \"net.one\"",
         "\"layer\": \"0123456789012345678901234567890123456789012345678901234567890123\"",
         "benchmarks[0].layer: expected less than 64 bytes"},
        {"\"chosen\": true", "\"chosen\": 1", "benchmarks[0].chosen: expected true or false"},
        {"\"repetitions\": 9", "\"repetitions\": 2", "benchmarks[0].repetitions: there are more windows"},
        {"\"repetitions\": 9", "\"repetitions\": 9000000000", "benchmarks[0].repetitions"},
        {"\"iterations\": 4", "\"iterations\": 0", "benchmarks[0].iterations"},
        {"\"real_time\": 2000000.0", "\"real_time\": -2", "benchmarks[0].real_time: expected a number"},
        {"\"time_unit\": \"us\"", "\"time_unit\": \"ms\"", "benchmarks[0].time_unit"},
        {"\"suffix\": \"/real_time\"", "\"suffix\": \"/cpu\"", "benchmarks[0].run_name"},
        {"\"peer\": 0", "\"peer\": 1", "].peer: expected an integer from 0 to 0"},
    };
    kept_keep_results("a.json");
    char *text = strdup(kept_read("a.json"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        replace(text, cases[i].from, cases[i].to);
        check_refused("b.json", EX_DATAERR, cases[i].part);
    }
    free(text);
    kept_write("b.json", "");
    check_refused("b.json", EX_DATAERR, "b.json:1: ");
    kept_write("b.json", "{\n\n\"a\": x}");
    check_refused("b.json", EX_DATAERR, "b.json:3: ");
    kept_write("b.json", "[1, 2]");
    check_refused("b.json", EX_DATAERR, "not what fastcnn-bench --json writes");
    check_refused("no_such.json", EX_NOINPUT, "No such file");
}
END_TEST

/* Rows of one problem are looked through for each other. */
START_TEST(too_many_of_one_problem)
{
    enum { MOST = 1000 };
    struct bench_sample sample = {.iterations = 1, .wall = 1, .cpu = 1, .bounds = {1, 1}};
    struct bench_problem problem = {.layer = "l", .text = KEPT_FORWARD_1, .flops = 1, .bytes = 1};
    struct bench_result *rows = calloc(MOST + 1, sizeof *rows);
    struct bench_results results = {.rows = rows, .row_count = MOST, .problem_count = 1, .threads = 1};
    struct bench_kept kept;
    ck_assert(rows != NULL);
    for (int i = 0; i <= MOST; i++)
        rows[i] = (struct bench_result){.of = &problem, .name = "l/k", .kernel = "k", .verdict = BENCH_RIGHT,
                                        .threads = 1, .windows = 2, .count = 1, .samples = &sample};
    kept_keep(&results, "a.json");
    ck_assert_int_eq(bench_json_read(kept_path("a.json"), &kept), 0);
    ck_assert_int_eq(kept.results.row_count, MOST);
    bench_kept_free(&kept);
    results.row_count = MOST + 1;
    kept_keep(&results, "a.json");
    check_refused("a.json", EX_DATAERR, "].problem: more than 1000 kernels of one");
    free(rows);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kept");
    TCase *cases = tcase_create("kept");
    tcase_add_checked_fixture(cases, kept_make_folder, kept_remove_folder);
    tcase_add_test(cases, round_trip);
    tcase_add_test(cases, bad_files);
    tcase_add_test(cases, too_many_of_one_problem);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
