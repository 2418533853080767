/* SPDX-License-Identifier: BSD-2-Clause
 * The benchmark from command line to exit status, without its driver: options, which rows, in which order, and that a
 * kernel with one wrong bit turns everything red. */
#include <check.h>
#include <fnmatch.h>
#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/cases.h"
#include "bench/interrupt.h"
#include "bench/model.h"
#include "bench/steady.h"
#include "bench/suite.h"
#include "lib/tuning/table.h"
#include "tests/faulty.h"
#include "tests/suite.h"

/* ---- helpers ---- */

enum { MOST_WORDS = 12 };

/* Reads "--a --b=c"; the words stay those of `words`, which is written to. */
static int read_options(struct bench_options *o, const char *line, char words[512], char *argv[MOST_WORDS], int *argc)
{
    snprintf(words, 512, "fastcnn-bench %s", line);
    *argc = 0;
    for (char *word = strtok(words, " "); word && *argc < MOST_WORDS - 1; word = strtok(NULL, " "))
        argv[(*argc)++] = word;
    argv[*argc] = NULL;
    return bench_options_read(o, argc, argv);
}

/* A suite of these options, which are kept in static memory; NULL after another status than 0. */
static struct bench_suite *make(const char *line, const char *regex)
{
    static struct bench_options options;
    static struct bench_suite suite;
    static char words[512];
    char *argv[MOST_WORDS];
    int argc;
    ck_assert_int_eq(read_options(&options, line, words, argv, &argc), -1);
    if (!bench_suite_make(&suite, &options, regex)) return &suite;
    bench_suite_free(&suite);
    return NULL;
}

static struct bench_result *find(struct bench_suite *suite, const char *kernel)
{
    for (int i = 0; i < suite->results.row_count; i++)
        if (!strcmp(suite->results.rows[i].kernel, kernel)) return &suite->results.rows[i];
    return ck_abort_msg("%s is not timed", kernel), NULL;
}

/* All windows of all rows, each of `iterations`. */
static void time_all(struct bench_suite *suite, int64_t iterations)
{
    for (int i = 0; i < suite->results.row_count; i++)
        for (int j = 0; j < suite->results.rows[i].windows; j++) {
            struct bench_run *run = &suite->runs[i];
            if (bench_window_open(run, iterations) != BENCH_TIME) continue;
            for (int64_t k = 0; k < iterations; k++) bench_execute(run);
            bench_window_close(run, iterations);
        }
}

/* ---- options ---- */

START_TEST(options)
{
    struct bench_options o;
    char words[512], *argv[MOST_WORDS];
    int argc;
    ck_assert_int_eq(read_options(&o, "--json file --filter a --benchmark_min_time=1 --filter=b --v=1", words, argv,
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

    ck_assert_int_eq(read_options(&o, "", words, argv, &argc), -1);
    ck_assert(o.exports.count == 0 && !o.tables); /* nothing is written that was not asked for */
    ck_assert_int_eq(read_options(&o, "--csv=a --output=github:b:c --tables --tables=d --output json:e", words, argv,
                                  &argc), -1);
    ck_assert(o.exports.count == 4 && o.tables);
    ck_assert_str_eq(bench_exports_path(&o.exports, BENCH_CSV), "a");
    ck_assert_str_eq(bench_exports_path(&o.exports, BENCH_GITHUB), "b:c");
    ck_assert_str_eq(bench_exports_path(&o.exports, BENCH_TABLES), "d");
    ck_assert_str_eq(bench_exports_path(&o.exports, BENCH_JSON), "e");
    ck_assert_int_eq(read_options(&o, "--scaling --layers=mnist --layers vgg16", words, argv, &argc), -1);
    ck_assert(o.choice && o.threads == 2 && o.layers.count == 2 && o.budget == 600);
    ck_assert_int_eq(read_options(&o, "--benchmark_format=json --benchmark_out=x --benchmark_repetitions=4", words,
                                  argv, &argc), -1);
    ck_assert(o.print_json && !o.library_output && o.repetitions == 4 && o.repetitions_given);
    ck_assert_str_eq(bench_exports_path(&o.exports, BENCH_JSON), "x");
    ck_assert_int_eq(argc, 2); /* the repetitions are the driver's business too */
    ck_assert_int_eq(read_options(&o, "--benchmark_format=csv", words, argv, &argc), -1);
    ck_assert(o.library_output);
    ck_assert_int_eq(read_options(&o, "--batch=1,8,64 --conversions --peers", words, argv, &argc), -1);
    ck_assert(o.batch_count == 3 && o.batches[0] == 1 && o.batches[1] == 8 && o.batches[2] == 64);
    ck_assert(o.conversions && o.peers == PEERS_NEEDED && !o.peer_names);
    ck_assert_int_eq(read_options(&o, "--peers=onednn,xnnpack", words, argv, &argc), -1);
    ck_assert(o.peers == PEERS_NEEDED && !strcmp(o.peer_names, "onednn,xnnpack") && !o.batch_count);

    static const char *const refused[] = {"--json", "--threads=0", "--threads=1025", "--threads=1.5", "--threads=2x",
                                          "--budget=0", "--budget=nan", "--no-such-option", "word", "--json=",
                                          "--scaling --threads=1", "--csv=", "--tables=", "--output=csv",
                                          "--output=csv:", "--output=:x", "--output=yaml:x", "--estimate --csv=x",
                                          "--benchmark_repetitions=x", "--quick=1",
                                          "--batch=", "--batch=0", "--batch=1,", "--batch=8x", "--batch=-1",
                                          "--batch=1,2,3,4,5,6,7,8,9", "--report=Makefile Makefile"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        ck_assert_msg(read_options(&o, refused[i], words, argv, &argc) == 64, "%s was not refused", refused[i]);
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
        make("--no-peers --layers=mnist --filter=mnist.dense2/*_naive --filter=softmax_*_naive", "all");
    ck_assert(suite != NULL);
    find(suite, "dense_bwd_data_naive");
    find(suite, "softmax_fwd_naive");
    for (int i = 0; i < suite->results.row_count; i++)
        ck_assert(suite->results.rows[i].is_reference &&
                  (!strncmp(suite->results.rows[i].kernel, "dense_", 6) ||
                   !strncmp(suite->results.rows[i].kernel, "softmax_", 8)));
    bench_suite_free(suite);
    suite = make("--no-peers --layers=mnist --filter=*_naive", "-dense|conv2d");
    ck_assert(suite != NULL);
    for (int i = 0; i < suite->results.row_count; i++)
        ck_assert(!strstr(suite->results.rows[i].name, "dense") && !strstr(suite->results.rows[i].name, "conv2d"));
    bench_suite_free(suite);
    ck_assert(make("--no-peers --filter=nothing", "all") == NULL);
    ck_assert(make("--no-peers", "(") == NULL);
}
END_TEST

/* --layers leaves scalar code out, but not where there is no other. */
START_TEST(scalar_machines)
{
    setenv("FASTCNN_ISA", "scalar", 1);
    struct bench_suite *suite = make("--no-peers --layers=mnist", "all");
    ck_assert(suite != NULL);
    for (int i = 0; i < suite->results.row_count; i++) ck_assert_int_eq(suite->results.rows[i].isa, FCNN_SCALAR);
    bench_suite_free(suite);
    unsetenv("FASTCNN_ISA");
}
END_TEST

/* Scalar code on a large layer has few windows, unless their number is given. */
START_TEST(repetitions)
{
    struct bench_suite *suite = make("--no-peers --layers=mnist --filter=mnist.conv2/*_naive", "all");
    ck_assert(suite != NULL);
    for (int i = 0; i < suite->results.row_count; i++) ck_assert_int_eq(suite->results.rows[i].windows, 3);
    bench_suite_free(suite);
    suite = make("--no-peers --layers=mnist --filter=mnist.conv2/*_naive --benchmark_repetitions=20", "all");
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
    struct bench_suite *suite = make("--no-peers --layers=mnist,resnet50 --filter=* --budget=0.01", "all");
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
    suite = make("--no-peers --layers=mnist --budget=1e6", "all");
    ck_assert(suite != NULL);
    ck_assert_int_eq(suite->phases, 1);
    for (int i = 0; i < suite->results.row_count; i++) ck_assert_int_eq(suite->runs[i].phase, BENCH_FIRST);
    bench_suite_free(suite);
}
END_TEST

/* The same layers with as many images as asked for. */
START_TEST(batches)
{
    struct bench_suite *suite = make("--no-peers --choice --layers=mnist --batch=1,64", "all");
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
    struct bench_suite *suite = make("--no-peers --choice --layers=mnist --batch=1,1000000", "all");
    double bytes = 0;
    ck_assert_ptr_nonnull(suite);
    for (int i = 0; i < suite->case_count; i++) bytes += 3 * suite->cases[i].about.bytes;
    ck_assert(bytes <= machine / 2);
    bench_suite_free(suite);
}
END_TEST

/* ---- windows ---- */

START_TEST(right)
{
    struct bench_suite *suite = make("--no-peers --problem=relu_forward_mb2ic9 --budget=1e6", "all");
    ck_assert(suite == NULL); /* not a problem */
    suite = make("--no-peers --filter=mnist.softmax/* --budget=1e6", "all");
    ck_assert(suite != NULL);
    time_all(suite, 3);
    ck_assert_int_eq(suite->results.windows_done, suite->results.windows);
    for (int i = 0; i < suite->results.row_count; i++) {
        const struct bench_result *row = &suite->results.rows[i];
        ck_assert_msg(row->verdict == BENCH_RIGHT, "%s: %s", row->kernel, row->failure);
        ck_assert_int_eq(row->count, row->windows);
        ck_assert_int_eq(row->executions, 3 * row->windows);
        for (int j = 0; j < row->count; j++)
            ck_assert(row->samples[j].wall > 0 && row->samples[j].cpu > 0 && row->samples[j].bounds.traffic > 0);
    }
    ck_assert(bench_results_summarize(&suite->results));
    ck_assert_int_eq(bench_results_status(&suite->results), 0);
    bench_suite_free(suite);
}
END_TEST

/* What a window says of one execution is its part of what the window took; bounds are means of before and after. */
START_TEST(samples)
{
    const int64_t iterations = 1000000; /* said, not done */
    struct bench_suite *suite = make("--no-peers --filter=mnist.softmax/*_naive --budget=1e6", "all");
    ck_assert(suite != NULL);
    struct bench_run *run = suite->runs;
    const double begin = bench_now();
    ck_assert_int_eq(bench_window_open(run, iterations), BENCH_TIME);
    run->bounds.peak = 8, run->bounds.traffic = 1e9;
    bench_window_close(run, iterations);
    const struct bench_sample *sample = run->result->samples;
    ck_assert(sample->wall * (double)iterations <= (bench_now() - begin) * 1.001);
    ck_assert(sample->bounds.peak == 4); /* no multiply-adds: 0 afterwards */
    ck_assert(sample->bounds.traffic > 0.4e9 && sample->bounds.traffic < 0.6e9);
    bench_suite_free(suite);
}
END_TEST

START_TEST(wrong)
{
    static const char faulty[] = "softmax_fwd_vector_scalar";
    faulty_kernel = faulty;
    struct bench_suite *suite = make("--no-peers --filter=mnist.softmax/* --budget=1e6", "all");
    ck_assert(suite != NULL);
    time_all(suite, 3);
    const struct bench_result *row = find(suite, faulty);
    ck_assert_int_eq(row->verdict, BENCH_WRONG);
    ck_assert_int_eq(row->count, 0);
    ck_assert_msg(!strncmp(row->failure, "wrong: dst[3] is ", 17), "%s", row->failure);
    ck_assert(bench_results_summarize(&suite->results));
    ck_assert_int_eq(bench_results_wrong(&suite->results), 1);
    ck_assert_int_eq(bench_results_status(&suite->results), 1);
    ck_assert_int_eq(suite->results.windows_done, suite->results.windows); /* a wrong one has none */
    bench_suite_free(suite);
    faulty_kernel = NULL;
}
END_TEST

/* A budget that is used up and a signal end the same way: no window opens. */
START_TEST(ends)
{
    struct bench_suite *suite = make("--no-peers --filter=mnist.softmax/*_naive --budget=1e6", "all");
    ck_assert(suite != NULL);
    struct bench_run *run = suite->runs;
    ck_assert_int_eq(bench_window_open(run, 2), BENCH_TIME);
    bench_window_close(run, 2);
    run->deadline = 0;
    ck_assert_int_eq(bench_window_open(run, 2), BENCH_IDLE); /* as many as the window before */
    ck_assert_int_eq(run->result->count, 1);
    ck_assert_int_eq(bench_window_open(run, 3), BENCH_FAIL);
    ck_assert_int_eq(run->result->count, 0);
    ck_assert_str_eq(run->result->failure, "not timed: no time left");

    ck_assert_int_eq(bench_interrupted(), 0);
    struct sigaction ignored;
    signal(SIGHUP, SIG_IGN); /* nohup */
    bench_interrupt_watch();
    ck_assert(!sigaction(SIGHUP, NULL, &ignored) && ignored.sa_handler == SIG_IGN);
    signal(SIGHUP, SIG_DFL);
    raise(SIGTERM);
    ck_assert_int_eq(bench_interrupted(), SIGTERM);
    struct sigaction next;
    ck_assert(!sigaction(SIGTERM, NULL, &next) && next.sa_handler == SIG_DFL); /* the second one ends the program */
    run->deadline = bench_now() + 1e6;
    ck_assert_int_eq(bench_window_open(run, 2), BENCH_FAIL);
    ck_assert_str_eq(run->result->failure, "not timed: interrupted");
    suite->results.signal = bench_interrupted();
    ck_assert_int_eq(bench_results_status(&suite->results), 143);
    bench_suite_free(suite);
}
END_TEST

/* What dispatch takes is timed with what the tuning table says, all else with standard knobs. */
START_TEST(tuned_choices)
{
    static const char kernel[] = "conv2d_fwd_im2col_scalar", layer[] = "mnist.conv3";
    char text[512], problem[256];
    struct fcnn_tuning_key key;
    fcnn_plan_info info;
    fcnn_problem p;
    ck_assert(!fcnn_problem_parse(&p, "conv2d+relu forward mb8ic64ih5oc64kh3"));
    fcnn_problem_format(&p, problem, sizeof problem);
    snprintf(text, sizeof text, "fastcnn tuning 1\ncpu %s\n%s threads=1 exact -> %s{matrix_rows=96} revision=0 team=1 "
             "gain=1\n", fcnn_tuning_machine(), problem, kernel);
    ck_assert(!fcnn_tuning_parse(fcnn_tuning_default(), text, strlen(text), "test", NULL, NULL));
    struct bench_suite *suite = make("--quick --no-peers --filter=mnist.conv3", ".");
    ck_assert_ptr_nonnull(suite);
    int chosen = 0;
    for (int i = 0; i < suite->results.row_count; i++) {
        const struct bench_result *row = &suite->results.rows[i];
        if (strcmp(row->of->layer, layer) || row->of->problem.direction != FCNN_FORWARD) continue;
        ck_assert_int_eq(row->is_chosen, !strcmp(row->kernel, kernel));
        if (row->isa != FCNN_SCALAR || row->is_reference) continue;
        ck_assert_int_eq(bench_window_open(&suite->runs[i], 1), BENCH_TIME);
        ck_assert(!fcnn_plan_describe(suite->runs[i].plan, &info));
        ck_assert_str_eq(info.origin, row->is_chosen ? "tuned" : "pinned");
        ck_assert_int_eq(strstr(info.choice, "matrix_rows=96") != NULL, row->is_chosen);
        bench_window_close(&suite->runs[i], 1);
        chosen += row->is_chosen;
    }
    ck_assert_int_eq(chosen, 1);
    bench_suite_free(suite);
    fcnn_tuning_key_of(&p, FCNN_EXACT, 1, &key);
    ck_assert(fcnn_tuning_remove(fcnn_tuning_default(), &key));
}
END_TEST

/* ---- the model as a whole ---- */

/* A hundred calls of 1 to 100 us: half of them below 50.5 us, all but one below 99.01. Images a second follow from the
 * median. */
START_TEST(latencies)
{
    double one[100], many[] = {0.5, 0.25, 0.125};
    struct bench_model_times times = {.parameters = 77, .threads = 2, .one = one, .one_count = 100, .many = many,
                                      .many_count = 3};
    for (int i = 0; i < 100; i++) one[i] = 1e-6 * (100 - i);
    const struct bench_latency latency = bench_latency_of(one, 100);
    ck_assert_double_eq_tol(latency.median, 50.5e-6, 1e-15);
    ck_assert_double_eq_tol(latency.p99, 99.01e-6, 1e-15);
    ck_assert(isnan(bench_latency_of(one, 0).p99));
    FILE *out = tmpfile();
    ck_assert(out && bench_model_json(&times, out));
    rewind(out);
    json_t *root = json_loadf(out, 0, NULL), *list = json_object_get(root, "benchmarks");
    ck_assert_int_eq(json_array_size(list), 3);
    const double want[3][2] = {{50.5, 1e6 / 50.5}, {99.01, 1e6 / 99.01}, {250000, 40000}};
    for (size_t i = 0; i < 3; i++) {
        const json_t *entry = json_array_get(list, i);
        ck_assert(fabs(json_number_value(json_object_get(entry, "real_time")) / want[i][0] - 1) < 1e-8);
        ck_assert(fabs(json_number_value(json_object_get(entry, "items_per_second")) / want[i][1] - 1) < 1e-8);
    }
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(root, "context"), "kernel_threads")), 2);
    ck_assert(json_is_string(json_object_get(json_object_get(root, "context"), "cpu")));
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(root, "model"), "parameters")), 77);
    ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(list, 2), "images")), BENCH_MANY_IMAGES);
    const char *program = json_string_value(json_object_get(json_array_get(list, 0), "program"));
    ck_assert(program && !strncmp(program, "fastcnn ", 8) && !strcmp(program + 8, fcnn_version()));
    json_decref(root);
    fclose(out);
}
END_TEST

/* Computes for 30 ms of its own time, as a runtime that spins at the end of a region. */
static void *spin(void *ended)
{
    while (bench_thread_now() < 0.03) continue;
    atomic_store((atomic_int *)ended, 1);
    return NULL;
}

/* Once in twenty tries at least: on a busy machine a thread may not get a core for a while, and seems to rest. */
START_TEST(windows_await_rest)
{
    int awaited = 0;
    for (int i = 0; i < 20 && !awaited; i++) {
        atomic_int ended = 0;
        pthread_t thread;
        ck_assert_int_eq(pthread_create(&thread, NULL, spin, &ended), 0);
        awaited = bench_await_rest() && atomic_load(&ended);
        pthread_join(thread, NULL);
    }
    ck_assert(awaited);
}
END_TEST

int main(void)
{
    static const char *const others[] = {"FASTCNN_ISA", "FASTCNN_KERNEL", "FASTCNN_MATH", "FASTCNN_NUM_THREADS",
                                         "FASTCNN_VERBOSE"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) unsetenv(others[i]); /* not the subject here */
    Suite *suite = suite_create("runs");
    TCase *cases = tcase_create("runs");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, options);
    tcase_add_test(cases, more_words_than_there_is_room_for);
    tcase_add_test(cases, selection);
    tcase_add_test(cases, scalar_machines);
    tcase_add_test(cases, repetitions);
    tcase_add_test(cases, phases);
    tcase_add_test(cases, batches);
    tcase_add_test(cases, batches_without_end);
    tcase_add_test(cases, right);
    tcase_add_test(cases, samples);
    tcase_add_test(cases, wrong);
    tcase_add_test(cases, tuned_choices);
    tcase_add_test(cases, latencies);
    tcase_add_test(cases, ends);
    tcase_add_test(cases, windows_await_rest);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
