/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/suites.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

int suites_options(struct bench_options *o, const char *line, char words[512], char *argv[SUITES_WORDS], int *argc)
{
    snprintf(words, 512, "fastcnn-bench %s", line);
    *argc = 0;
    for (char *word = strtok(words, " "); word && *argc < SUITES_WORDS - 1; word = strtok(NULL, " "))
        argv[(*argc)++] = word;
    argv[*argc] = NULL;
    return bench_options_read(o, argc, argv);
}

struct bench_suite *suites_make(const char *line, const char *regex)
{
    static struct bench_options options;
    static struct bench_suite suite;
    static char words[512];
    char *argv[SUITES_WORDS];
    int argc;
    ck_assert_int_eq(suites_options(&options, line, words, argv, &argc), -1);
    if (!bench_suite_make(&suite, &options, regex)) return &suite;
    bench_suite_free(&suite);
    return NULL;
}

struct bench_result *suites_row(struct bench_suite *suite, const char *kernel)
{
    for (int i = 0; i < suite->results.row_count; i++)
        if (!strcmp(suite->results.rows[i].kernel, kernel)) return &suite->results.rows[i];
    return ck_abort_msg("%s is not timed", kernel), NULL;
}
