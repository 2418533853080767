/* SPDX-License-Identifier: BSD-2-Clause
 * Files that only the programs read, histories of training, kernels of `filter` and results that the benchmark kept:
 * truncated, altered, too large.
 * check_history.sh, check_plot.sh and check_filter.sh have what they are read for. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/json_read.h"
#include "cli/history.h"
#include "cli/kernel_text.h"
#include "tests/complaint.h"
#include "tests/mutilate.h"
#include "tests/suite.h"

static char folder[] = "check_program_files.XXXXXX";
static char path[64];

static fcnn_status status_of(int code)
{
    ck_assert_msg(!code || code == EX_DATAERR, "exit code %d: %s", code, complaint);
    ck_assert(!code || *complaint);
    return code ? FCNN_BAD_DATA : FCNN_OK;
}

/* ---- histories ---- */

static const struct { const char *name, *text; } histories[] = {
    {"h.json", "{\"accuracy\": [0.5, 1e-1], \"loss\": [null, 0.25], \"lr\": \"x\", \"val_acc\": [1, 2]}"},
    {"h.csv", "epoch,accuracy,loss,val_loss,lr\n0,0.5,1.25,NA,1\n1,0.75,nan,1.5,\n"},
    {"crlf.csv", "acc\r\n0.5\r\n0.75"},
};
#define HISTORIES ((int)(sizeof histories / sizeof *histories))

static int reads_history(const unsigned char *bytes, size_t count, void *context)
{
    struct cli_history history;
    int numbers = 0;
    (void)context;
    *complaint = 0;
    spill(path, bytes, count);
    const int code = cli_history_read(&history, path);
    ck_assert(code ? !history.epochs : history.epochs > 0 && history.epochs <= (int)count);
    for (int i = 0; i < CLI_METRICS; i++) {
        ck_assert(!code || !history.values[i]);
        for (int j = 0; j < history.epochs && history.values[i]; j++) numbers += !isnan(history.values[i][j]);
    }
    ck_assert_int_le(numbers, (int)count);
    cli_history_free(&history);
    /* "FILE is no history of training: ..." */
    char *behind = strstr(complaint, " is no history of training: ");
    if (code && behind) memmove(behind, strrchr(behind, ':'), strlen(strrchr(behind, ':')) + 1);
    return mutilated_was_read(status_of(code), complaint, path);
}

START_TEST(damaged_histories)
{
    const char *text = histories[_i].text;
    snprintf(path, sizeof path, "%s/%s", folder, histories[_i].name);
    const struct mutilated seen = mutilate((const unsigned char *)text, strlen(text), reads_history, NULL);
    if (_i) ck_assert_uint_ge(seen.longer_read, 1); /* a newline */
    else ck_assert_uint_eq(seen.cuts_read, 0);
    ck_assert_uint_lt(seen.flips_read, seen.flips);
}
END_TEST

static void expect_no_history(const char *fragment)
{
    struct cli_history history;
    ck_assert_int_eq(cli_history_read(&history, path), EX_DATAERR);
    ck_assert_msg(strstr(complaint, fragment) != NULL, "no \"%s\" in: %s", fragment, complaint);
    for (int i = 0; i < CLI_METRICS; i++) ck_assert_ptr_null(history.values[i]);
}

/* What the fuzzer found: behind an empty list one of any length was believed, and the empty one read as far. */
START_TEST(lists_of_several_lengths)
{
    static const char *const texts[] = {"{\"loss\": [], \"acc\": [1, 2]}", "{\"acc\": [1, 2], \"loss\": []}",
                                        "{\"acc\": [1, 2], \"val_acc\": [1]}"};
    static const char none[] = "{\"loss\": [], \"acc\": []}";
    snprintf(path, sizeof path, "%s/lists.json", folder);
    for (int i = 0; i < 3; i++) {
        spill(path, texts[i], strlen(texts[i]));
        expect_no_history("its lists are not of one length");
    }
    spill(path, none, strlen(none));
    expect_no_history("it has no epoch");
}
END_TEST

/* A line of CSV is a byte at least, and would be a number in memory for each metric. */
START_TEST(histories_that_are_too_long)
{
    enum { MANY = 1000002 };
    char *text = malloc(MANY + 16);
    ck_assert(text != NULL);
    memset(text, '\n', MANY + 16);
    memcpy(text, "accuracy,loss", 13);
    snprintf(path, sizeof path, "%s/long.csv", folder);
    spill(path, text, 13 + MANY);
    expect_no_history("it has more than 1000001 lines");
    spill(path, text, 13 + 1000001);
    expect_no_history("it has no epoch");
    free(text);
}
END_TEST

/* ---- kernels ---- */

static int reads_kernel(const unsigned char *bytes, size_t count, void *context)
{
    static struct cli_filter_kernel kernel;
    (void)context;
    *complaint = 0;
    spill(path, bytes, count);
    const int code = cli_filter_read(&kernel, path);
    if (code) return mutilated_was_read(status_of(code), complaint, path);
    ck_assert(kernel.rows >= 1 && kernel.rows <= CLI_KERNEL_SIDE);
    ck_assert(kernel.columns >= 1 && kernel.columns <= CLI_KERNEL_SIDE);
    for (int i = 0; i < kernel.rows * kernel.columns; i++) ck_assert(isfinite(kernel.weight[i]));
    return 1;
}

START_TEST(damaged_kernels)
{
    static const char text[] = "# of a row\n1/9, -2 3e0\r\n\n4\t5 6 # last\n";
    snprintf(path, sizeof path, "%s/kernel.txt", folder);
    const struct mutilated seen = mutilate((const unsigned char *)text, strlen(text), reads_kernel, NULL);
    ck_assert_uint_gt(seen.cuts_read, 0);
    ck_assert_uint_lt(seen.cuts_read, seen.cuts);
    ck_assert_uint_lt(seen.flips_read, seen.flips / 2);
    ck_assert_uint_eq(seen.longer_read, 1); /* a newline */
}
END_TEST

/* ---- kept results ---- */

static int reads_results(const unsigned char *bytes, size_t count, void *context)
{
    struct bench_kept kept;
    FILE *terminal = stderr;
    (void)context;
    memset(complaint, 0, sizeof complaint);
    spill(path, bytes, count);
    stderr = fmemopen(complaint, sizeof complaint - 1, "w");
    ck_assert_ptr_nonnull(stderr);
    const int code = bench_json_read(path, &kept);
    fclose(stderr);
    stderr = terminal;
    for (int i = 0; i < kept.results.row_count && !code; i++) {
        const struct bench_result *row = &kept.results.rows[i];
        ck_assert(row->of && row->count >= 0 && row->count <= row->windows && *row->kernel);
        ck_assert(row->kind == BENCH_OURS || row->peer < kept.results.peer_count);
    }
    bench_kept_free(&kept);
    /* "fastcnn-bench: FILE: ..."; "FILE:LINE: ..." where it is no JSON */
    ck_assert(!code || !strncmp(complaint, "fastcnn-bench: ", 15));
    return mutilated_was_read(status_of(code), complaint + 15, path);
}

START_TEST(damaged_results)
{
    static const char *const names[] = {"row", "peer"};
    const char *top = getenv("top_srcdir");
    size_t count;
    char seed[4096];
    snprintf(seed, sizeof seed, "%s/tests/fuzz/seeds/bench_json/%s", top ? top : ".", names[_i]);
    snprintf(path, sizeof path, "%s/results.json", folder);
    unsigned char *bytes = slurp(seed, &count);
    const struct mutilated seen = mutilate(bytes, count, reads_results, NULL);
    free(bytes);
    ck_assert_uint_eq(seen.cuts_read, 0);
    ck_assert_uint_eq(seen.longer_read, 1); /* a newline */
    ck_assert_uint_lt(seen.flips_read, seen.flips * 3 / 4);
}
END_TEST

int main(void)
{
    char command[128];
    Suite *suite = suite_create("program_files");
    TCase *tests = tcase_create("program_files");
    tcase_add_loop_test(tests, damaged_histories, 0, HISTORIES);
    tcase_add_test(tests, lists_of_several_lengths);
    tcase_add_test(tests, histories_that_are_too_long);
    tcase_add_test(tests, damaged_kernels);
    tcase_add_loop_test(tests, damaged_results, 0, 2);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    if (!mkdtemp(folder)) return EXIT_FAILURE;
    const int failed = run_suite(suite);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) || failed;
}
