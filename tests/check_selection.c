/* SPDX-License-Identifier: BSD-2-Clause
 * What the benchmark makes of its command line: options, which rows, in which order. */
#include <check.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/cases.h"
#include "lib/internal.h"
#include "tests/suite.h"
#include "tests/suites.h"

/* ---- options ---- */

START_TEST(options)
{
    struct bench_options o;
    char words[512], *argv[SUITES_WORDS];
    int argc;
    ck_assert_int_eq(suites_options(&o, "--json file --filter a --benchmark_min_time=1 --filter=b --v=1", words, argv,
                                  &argc), -1);
    ck_assert_str_eq(bench_exports_path(&o.exports, BENCH_JSON), "file");
    ck_assert_int_eq(o.filters.count, 2);
    ck_assert_str_eq(o.filters.values[0], "a");
    ck_assert_str_eq(o.filters.values[1], "b");
    ck_assert_int_eq(argc, 3); /* the driver's own */
    ck_assert_str_eq(argv[1], "--benchmark_min_time=1");
    ck_assert_str_eq(argv[2], "--v=1");
    ck_assert(argv[3] == NULL);
    ck_assert_int_eq(o.threads, 1);
    ck_assert(o.budget == 150 && o.repetitions == 9 && !o.repetitions_given);

    ck_assert_int_eq(suites_options(&o, "", words, argv, &argc), -1);
    ck_assert(o.exports.count == 0 && !o.tables); /* nothing is written that was not asked for */
    ck_assert_int_eq(suites_options(&o, "--csv=a --output=github:b:c --tables --tables=d --output json:e", words, argv,
                                  &argc), -1);
    ck_assert(o.exports.count == 4 && o.tables);
    ck_assert_str_eq(bench_exports_path(&o.exports, BENCH_CSV), "a");
    ck_assert_str_eq(bench_exports_path(&o.exports, BENCH_GITHUB), "b:c");
    ck_assert_str_eq(bench_exports_path(&o.exports, BENCH_TABLES), "d");
    ck_assert_str_eq(bench_exports_path(&o.exports, BENCH_JSON), "e");
    ck_assert_int_eq(suites_options(&o, "--scaling --layers=mnist --layers vgg16", words, argv, &argc), -1);
    ck_assert(o.choice && o.threads == 2 && o.layers.count == 2 && o.budget == 600);
    ck_assert_int_eq(suites_options(&o, "--benchmark_format=json --benchmark_out=x --benchmark_repetitions=4", words,
                                  argv, &argc), -1);
    ck_assert(o.print_json && !o.library_output && o.repetitions == 4 && o.repetitions_given);
    ck_assert_str_eq(bench_exports_path(&o.exports, BENCH_JSON), "x");
    ck_assert_int_eq(argc, 2); /* the repetitions are the driver's business too */
    ck_assert_int_eq(suites_options(&o, "--benchmark_format=csv", words, argv, &argc), -1);
    ck_assert(o.library_output);
    ck_assert_int_eq(suites_options(&o, "--batch=1,8,64 --conversions --peers", words, argv, &argc), -1);
    ck_assert(o.batch_count == 3 && o.batches[0] == 1 && o.batches[1] == 8 && o.batches[2] == 64);
    ck_assert(o.conversions && o.peers == PEERS_NEEDED && !o.peer_names);
    ck_assert_int_eq(suites_options(&o, "--peers=onednn,xnnpack", words, argv, &argc), -1);
    ck_assert(o.peers == PEERS_NEEDED && !strcmp(o.peer_names, "onednn,xnnpack") && !o.batch_count);

    static const char *const refused[] = {"--json", "--threads=0", "--threads=1025", "--threads=1.5", "--threads=2x",
                                          "--budget=0", "--budget=nan", "--no-such-option", "word", "--json=",
                                          "--scaling --threads=1", "--csv=", "--tables=", "--output=csv",
                                          "--output=csv:", "--output=:x", "--output=yaml:x", "--estimate --csv=x",
                                          "--benchmark_repetitions=x", "--quick=1",
                                          "--batch=", "--batch=0", "--batch=1,", "--batch=8x", "--batch=-1",
                                          "--batch=1,2,3,4,5,6,7,8,9", "--report=Makefile Makefile"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        ck_assert_msg(suites_options(&o, refused[i], words, argv, &argc) == 64, "%s was not refused", refused[i]);
}
END_TEST

START_TEST(more_words_than_there_is_room_for)
{
    char words[BENCH_MAX_WORDS + 1][16], *argv[BENCH_MAX_WORDS + 3] = {words[0]};
    struct bench_options o;
    for (int count = BENCH_MAX_WORDS; count <= BENCH_MAX_WORDS + 1; count++) {
        int argc = count + 1;
        for (int i = 0; i < count; i++) argv[i + 1] = strcpy(words[i], "--filter=a");
        argv[argc] = NULL;
        ck_assert_int_eq(bench_options_read(&o, &argc, argv), count > BENCH_MAX_WORDS ? 64 : -1);
        ck_assert_int_eq(o.filters.count, BENCH_MAX_WORDS);
    }
}
END_TEST

/* ---- which rows ---- */

START_TEST(selection)
{
    struct bench_suite *suite =
        suites_make("--no-peers --layers=mnist --filter=mnist.dense2/*_naive --filter=softmax_*_naive", "all");
    ck_assert(suite != NULL);
    suites_row(suite, "dense_bwd_data_naive");
    suites_row(suite, "softmax_fwd_naive");
    for (int i = 0; i < suite->results.row_count; i++)
        ck_assert(suite->results.rows[i].is_reference &&
                  (!strncmp(suite->results.rows[i].kernel, "dense_", 6) ||
                   !strncmp(suite->results.rows[i].kernel, "softmax_", 8)));
    bench_suite_free(suite);
    suite = suites_make("--no-peers --layers=mnist --filter=*_naive", "-dense|conv2d");
    ck_assert(suite != NULL);
    for (int i = 0; i < suite->results.row_count; i++)
        ck_assert(!strstr(suite->results.rows[i].name, "dense") && !strstr(suite->results.rows[i].name, "conv2d"));
    bench_suite_free(suite);
    ck_assert(suites_make("--no-peers --filter=nothing", "all") == NULL);
    ck_assert(suites_make("--no-peers", "(") == NULL);
}
END_TEST

/* --layers leaves scalar code out, but not where there is no other. */
START_TEST(scalar_machines)
{
    setenv("FASTCNN_ISA", "scalar", 1);
    struct bench_suite *suite = suites_make("--no-peers --layers=mnist", "all");
    ck_assert(suite != NULL);
    for (int i = 0; i < suite->results.row_count; i++) ck_assert_int_eq(suite->results.rows[i].isa, FCNN_SCALAR);
    bench_suite_free(suite);
    unsetenv("FASTCNN_ISA");
}
END_TEST

/* Scalar code on a large layer has few windows, unless their number is given. */
START_TEST(repetitions)
{
    struct bench_suite *suite = suites_make("--no-peers --layers=mnist --filter=mnist.conv2/*_naive", "all");
    ck_assert(suite != NULL);
    for (int i = 0; i < suite->results.row_count; i++) ck_assert_int_eq(suite->results.rows[i].windows, 3);
    bench_suite_free(suite);
    suite = suites_make("--no-peers --layers=mnist --filter=mnist.conv2/*_naive --benchmark_repetitions=20", "all");
    ck_assert(suite != NULL);
    for (int i = 0; i < suite->results.row_count; i++) ck_assert_int_eq(suite->results.rows[i].windows, 20);
    bench_suite_free(suite);
}
END_TEST

static enum bench_phase phase_of(const char *kernel)
{
    static const struct { const char *kernel; enum bench_phase phase; } known[] = {
        {"*_naive", BENCH_COMPARED}, {"*_scalar", BENCH_LAST}, {"*_winograd_*_avx2", BENCH_FIRST}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!fnmatch(known[i].kernel, kernel, 0)) return known[i].phase;
    return BENCH_MIDDLE;
}

/* What dispatch takes and Winograd on the same instruction set come first, then the reference, then other vector code,
 * scalar code last; where there is time for all, all at once. */
START_TEST(phases)
{
    if (fcnn_cpu_missing(FCNN_AVX2)) return;
    setenv("FASTCNN_ISA", "avx2", 1);
    struct bench_suite *suite = suites_make("--no-peers --layers=mnist,resnet50 --filter=* --budget=0.01", "all");
    unsetenv("FASTCNN_ISA");
    ck_assert(suite != NULL);
    ck_assert_int_eq(suite->phases, 4);
    int counts[BENCH_PHASES] = {0};
    for (int i = 0; i < suite->results.row_count; i++) {
        const struct bench_result *row = &suite->results.rows[i];
        enum bench_phase phase = phase_of(row->kernel);
        if (row->is_doubted && !row->is_reference) phase = BENCH_LAST;
        if (row->is_chosen) phase = BENCH_FIRST;
        ck_assert_msg(suite->runs[i].phase == phase, "%s in phase %d", row->name, (int)suite->runs[i].phase);
        counts[phase] += row->numerics != FCNN_EXACT || phase != BENCH_FIRST;
        ck_assert(row->expected > 0.008);
    }
    for (int i = 0; i < BENCH_PHASES; i++) ck_assert_int_gt(counts[i], 0);
    bench_suite_free(suite);
    suite = suites_make("--no-peers --layers=mnist --budget=1e6", "all");
    ck_assert(suite != NULL);
    ck_assert_int_eq(suite->phases, 1);
    for (int i = 0; i < suite->results.row_count; i++) ck_assert_int_eq(suite->runs[i].phase, BENCH_FIRST);
    bench_suite_free(suite);
}
END_TEST

/* The same layers with as many images as asked for. */
START_TEST(batches)
{
    struct bench_suite *suite = suites_make("--no-peers --choice --layers=mnist --batch=1,64", "all");
    int images[2] = {0, 0}, sums = 0;
    ck_assert_ptr_nonnull(suite);
    for (int i = 0; i < suite->case_count; i++) {
        const struct bench_problem *p = &suite->cases[i].about;
        const char *at = strchr(p->layer, '@');
        if (!at) {
            ck_assert(p->problem.op == FCNN_REDUCE || p->problem.direction == FCNN_UPDATE);
            sums++;
            continue;
        }
        ck_assert_int_eq(atoi(at + 1), p->problem.n);
        char words[32];
        snprintf(words, sizeof words, "mb%d", (int)p->problem.n);
        ck_assert_msg(p->problem.n == 1 || strstr(p->text, words), "%s", p->text);
        images[p->problem.n == 64]++;
    }
    ck_assert_int_eq(images[0], images[1]);
    ck_assert_int_gt(images[0], 20);
    ck_assert_int_eq(sums, 4); /* once, whatever the batch */
    bench_suite_free(suite);
}
END_TEST

/* Half of the machine's memory holds what is there, with a reference's outputs and a peer's copies. */
START_TEST(batches_without_end)
{
    const double machine = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    struct bench_suite *suite = suites_make("--no-peers --choice --layers=mnist --batch=1,1000000", "all");
    double bytes = 0;
    ck_assert_ptr_nonnull(suite);
    for (int i = 0; i < suite->case_count; i++) bytes += 3 * suite->cases[i].about.bytes;
    ck_assert(bytes <= machine / 2);
    bench_suite_free(suite);
}
END_TEST

int main(void)
{
    suite_unset_settings(); /* not the subject here */
    Suite *suite = suite_create("selection");
    TCase *cases = tcase_create("selection");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, options);
    tcase_add_test(cases, more_words_than_there_is_room_for);
    tcase_add_test(cases, selection);
    tcase_add_test(cases, scalar_machines);
    tcase_add_test(cases, repetitions);
    tcase_add_test(cases, phases);
    tcase_add_test(cases, batches);
    tcase_add_test(cases, batches_without_end);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
