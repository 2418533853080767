/* SPDX-License-Identifier: BSD-2-Clause
 * What the tests of tuning files share: see tuning.h. */
#include "tests/tuning.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void save(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    ck_assert_int_eq(fclose(file), 0);
}

const char *load(const char *name)
{
    static char text[ROOM];
    FILE *file = fopen(name, "r");
    ck_assert_ptr_nonnull(file);
    text[fread(text, 1, ROOM - 1, file)] = 0;
    fclose(file);
    return text;
}

const char *here(const char *text)
{
    static char full[ROOM];
    const char *at = strchr(text, '@');
    snprintf(full, sizeof full, "%.*scpu %s%s", (int)(at - text), text, fcnn_tuning_machine(), at + 1);
    return full;
}

struct tuning_notes notes;

void take_note(void *context, const char *origin, int line, const char *what)
{
    (void)context, (void)origin;
    if (!notes.count++) {
        notes.line = line;
        snprintf(notes.what, sizeof notes.what, "%s", what);
    }
}

fcnn_tuning *empty(void)
{
    fcnn_tuning *table;
    ck_assert(!fcnn_tuning_create(&table));
    return table;
}

fcnn_tuning *parse(const char *text)
{
    fcnn_tuning *table = empty();
    notes.count = 0;
    ck_assert_msg(!fcnn_tuning_parse(table, text, strlen(text), "text", take_note, NULL), "%s", fcnn_last_error());
    return table;
}

void expect_text(fcnn_tuning *table, const char *want)
{
    char *text = fcnn_tuning_format(table);
    ck_assert_str_eq(text, want);
    free(text);
}

struct fcnn_tuning_key key_of(const char *text, int threads)
{
    struct fcnn_tuning_key key = {.numerics = FCNN_EXACT, .threads = threads};
    snprintf(key.problem, sizeof key.problem, "%s", text);
    return key;
}

int find(fcnn_tuning *table, const char *text, int threads, struct fcnn_tuning_entry *entry)
{
    fcnn_problem problem;
    ck_assert(!fcnn_problem_parse(&problem, text));
    const struct fcnn_tuning_key key = key_of(text, threads);
    return fcnn_tuning_find(table, &problem, &key, entry);
}

void put(fcnn_tuning *table, const char *text, int threads, double gain)
{
    struct fcnn_tuning_entry entry;
    const struct fcnn_tuning_key key = key_of(text, threads);
    fcnn_tuning *model = parse(here(HEADER "@\n" PROBLEM " threads=1 exact -> " CHOICE "\n"));
    ck_assert(find(model, PROBLEM, 1, &entry));
    entry.gain = gain;
    ck_assert_msg(!fcnn_tuning_put(table, &key, &entry, ""), "%s", fcnn_last_error());
    fcnn_tuning_destroy(model);
}
