/* SPDX-License-Identifier: BSD-2-Clause
 * The benchmark's windows, without its driver: what is timed and checked, and that a kernel with one wrong bit turns
 * everything red; how the model's times are summed up. */
#include <check.h>
#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/interrupt.h"
#include "bench/model.h"
#include "lib/tuning/table.h"
#include "tests/faulty.h"
#include "tests/suite.h"
#include "tests/suites.h"

/* ---- windows ---- */

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

START_TEST(right)
{
    struct bench_suite *suite = suites_make("--no-peers --problem=relu_forward_mb2ic9 --budget=1e6", "all");
    ck_assert(suite == NULL); /* not a problem */
    suite = suites_make("--no-peers --filter=mnist.softmax/* --budget=1e6", "all");
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
    struct bench_suite *suite = suites_make("--no-peers --filter=mnist.softmax/*_naive --budget=1e6", "all");
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
    struct bench_suite *suite = suites_make("--no-peers --filter=mnist.softmax/* --budget=1e6", "all");
    ck_assert(suite != NULL);
    time_all(suite, 3);
    const struct bench_result *row = suites_row(suite, faulty);
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
    struct bench_suite *suite = suites_make("--no-peers --filter=mnist.softmax/*_naive --budget=1e6", "all");
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

static int revision_of(const char *kernel)
{
    for (int i = 0; i < fcnn_kernel_count(); i++)
        if (!strcmp(fcnn_kernels[i].name, kernel)) return fcnn_kernels[i].variant->revision;
    return -1;
}

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
    snprintf(text, sizeof text, "fastcnn tuning 1\ncpu %s\n%s threads=1 exact -> %s{matrix_rows=96} revision=%d team=1 "
             "gain=1\n", fcnn_tuning_machine(), problem, kernel, revision_of(kernel));
    ck_assert(!fcnn_tuning_parse(fcnn_tuning_default(), text, strlen(text), "test", NULL, NULL));
    struct bench_suite *suite = suites_make("--quick --no-peers --filter=mnist.conv3", ".");
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

struct spinner {
    atomic_int begun, ended;
    int alone; /* had a core for most of its time, and never went long without one */
};

/* For 30 ms, as a runtime that spins at the end of a region: never calling the kernel, which would add up its time. */
static void *spin(void *argument)
{
    struct spinner *spinner = argument;
    const double begin = bench_now(), ran = bench_thread_now();
    double pause = 0;
    atomic_store(&spinner->begun, 1);
    for (double last = begin, now = begin; now - begin < 0.03; last = now) {
        now = bench_now();
        if (now - last > pause) pause = now - last;
    }
    atomic_store(&spinner->ended, 1);
    spinner->alone = bench_thread_now() - ran > 0.027 && pause < 1e-3;
    return NULL;
}

/* On a busy machine a thread may not get a core for a while, or a virtual core none, whose clock does not tick then:
 * it seems to rest. Such tries do not count. */
START_TEST(windows_await_rest)
{
    int tries = 0, awaited = 0;
    for (int i = 0; i < 40; i++) {
        struct spinner spinner = {0};
        pthread_t thread;
        ck_assert_int_eq(pthread_create(&thread, NULL, spin, &spinner), 0);
        while (!atomic_load(&spinner.begun)) sched_yield(); /* it may wait for a core */
        const int rested = bench_await_rest() && atomic_load(&spinner.ended);
        pthread_join(thread, NULL);
        tries += spinner.alone;
        awaited += spinner.alone && rested;
    }
    ck_assert_msg(tries < 10 || awaited > tries * 3 / 4, "%d of %d", awaited, tries);
}
END_TEST

int main(void)
{
    suite_unset_settings(); /* not the subject here */
    Suite *suite = suite_create("runs");
    TCase *cases = tcase_create("runs");
    tcase_set_timeout(cases, 60);
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
