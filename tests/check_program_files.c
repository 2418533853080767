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
#include "lib/io/json_text.h"
#include "tests/complaint.h"
#include "tests/held.h"
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

/* ---- JSON that would take many times its size ---- */

/* "HEAD", "MORE" as often as it has no more bytes than that, "TAIL"; free(). */
static char *repeat(const char *head, const char *more, const char *tail, size_t bytes, size_t *length)
{
    const size_t step = strlen(more);
    char *text = malloc(strlen(head) + bytes + strlen(tail) + 1);
    ck_assert_ptr_nonnull(text);
    strcpy(text, head);
    *length = strlen(head);
    for (size_t end = *length + bytes; *length + step <= end; *length += step) memcpy(text + *length, more, step);
    strcpy(text + *length, tail);
    *length += strlen(tail);
    return text;
}

static const struct { const char *head, *more, *tail; } documents[] = {
    {"[0", ",0", "]"},
    {"[0", ",1234567890.12345e-8", "]"},
    {"[0.", "1", "]"},
    {"[[]", ",[]", "]"},
    {"[[0]", ",[0,0]", "]"},
    {"[[0,0,0,0,0,0,0,0]", ",[0,0,0,0,0,0,0,0,0]", "]"},
    {"[{}", ",{}", "]"},
    {"[{\"\":0}", ",{\"\":0}", "]"},
    {"[0", ",{\"a\":0,\"b\":1,\"c\":2,\"d\":3,\"e\":4,\"f\":5,\"g\":6,\"h\":7,\"i\":8}", "]"},
    {"[\"\"", ",\"\"", "]"},
    {"[\"\"", ",\"12345678901234567\"", "]"},
    {"\"", "x", "\""},
    {"\"", "\\u00e9\\\"", "\""},
    {"[\"", "ab", ""},
    {"[0", " ", "]"},
    {"", "[", ""},
};
#define DOCUMENTS ((int)(sizeof documents / sizeof *documents))

/* Never more than is said beforehand, and not so much less that what is useful would be refused. Documents that are no
 * JSON take memory as well, up to where that is seen. */
START_TEST(memory_that_a_document_takes)
{
    static const size_t sizes[] = {10, 1000, 300000};
    held_count();
    for (int i = 0; i < 3; i++) {
        size_t length;
        json_error_t error;
        char *text = repeat(documents[_i].head, documents[_i].more, documents[_i].tail, sizes[i], &length);
        held_most = held;
        json_decref(json_loadb(text, length, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error));
        const uint64_t said = io_json_memory(text, length);
        ck_assert_msg(held_most <= said, "%.20s...: %zu bytes, %llu were said", text, held_most,
                      (unsigned long long)said);
        ck_assert_msg(said <= 4 * held_most + 1024 || documents[_i].more[0] == '[' || documents[_i].more[0] == ' ',
                      "%.20s...: %zu bytes, %llu were said", text, held_most, (unsigned long long)said);
        free(text);
    }
    json_set_alloc_funcs(malloc, free);
}
END_TEST

/* Nothing is asked for that was not refused. One member after another has to have another name. */
START_TEST(documents_that_would_take_too_much)
{
    static const char *const more[] = {",[]", ",{}", ",0", "["};
    static const size_t bytes[] = {8 << 20, 8 << 20, 9 << 20, 8 << 20};
    size_t length;
    char *text = repeat("{\"loss\":[0", more[_i], "]}", bytes[_i], &length);
    held_count();
    held_most = held;
    snprintf(path, sizeof path, "%s/large.json", folder);
    spill(path, text, length);
    expect_no_history("to be read it would take more than 256 MiB of memory");
    free(text);
    text = repeat("{\"benchmarks\":[0", more[_i], "]}", 4 * bytes[_i], &length);
    spill(path, text, length);
    free(text);
    struct bench_kept kept;
    FILE *terminal = stderr;
    memset(complaint, 0, sizeof complaint);
    stderr = fmemopen(complaint, sizeof complaint - 1, "w");
    ck_assert_ptr_nonnull(stderr);
    const int code = bench_json_read(path, &kept);
    fclose(stderr);
    stderr = terminal;
    bench_kept_free(&kept);
    ck_assert_int_eq(code, EX_DATAERR);
    ck_assert_ptr_nonnull(strstr(complaint, "large.json: to be read it would take more than 1 GiB of memory"));
    ck_assert_uint_eq(held_most, held);
    json_set_alloc_funcs(malloc, free);
}
END_TEST

/* As long as the program writes them: the most epochs, numbers of 17 digits. */
START_TEST(the_longest_history_is_read)
{
    enum { MOST = 1000000 };
    static const char *const heads[] = {"{\"accuracy\":[0", "],\"loss\":[0", "],\"val_accuracy\":[0",
                                        "],\"val_loss\":[0"};
    static const char number[] = ",0.12345678901234567";
    struct cli_history history;
    FILE *file;
    snprintf(path, sizeof path, "%s/longest.json", folder);
    ck_assert_ptr_nonnull(file = fopen(path, "w"));
    for (int i = 0; i < CLI_METRICS; i++) {
        fputs(heads[i], file);
        for (int j = 1; j < MOST; j++) fputs(number, file);
    }
    fputs("]}", file);
    ck_assert(!fclose(file));
    ck_assert_int_eq(cli_history_read(&history, path), EXIT_SUCCESS);
    ck_assert_int_eq(history.epochs, MOST);
    ck_assert(history.values[CLI_VAL_LOSS][MOST - 1] == 0.12345678901234567);
    cli_history_free(&history);
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
    tcase_add_loop_test(tests, memory_that_a_document_takes, 0, DOCUMENTS);
    tcase_add_loop_test(tests, documents_that_would_take_too_much, 0, 4);
    tcase_add_test(tests, the_longest_history_is_read);
    tcase_add_test(tests, damaged_kernels);
    tcase_add_loop_test(tests, damaged_results, 0, 2);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    if (!mkdtemp(folder)) return EXIT_FAILURE;
    const int failed = run_suite(suite);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) || failed;
}
