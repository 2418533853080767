/* SPDX-License-Identifier: BSD-2-Clause
 * Tuning tables in memory: what is put in is found again, by its whole key and on this machine alone. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/tuning/table.h"
#include "tests/suite.h"

#define CONV "conv2d forward mb2ic16ih9oc16oh9kh3ph1"

static fcnn_problem read_problem(const char *text)
{
    fcnn_problem problem;
    ck_assert_msg(!fcnn_problem_parse(&problem, text), "%s", fcnn_last_error());
    return problem;
}

static struct fcnn_tuning_key key_of(const char *text, int threads)
{
    struct fcnn_tuning_key key;
    const fcnn_problem problem = read_problem(text);
    fcnn_tuning_key_of(&problem, FCNN_EXACT, threads, &key);
    return key;
}

static const struct fcnn_kernel *kernel_called(const char *name)
{
    for (int i = 0; i < fcnn_kernels_count; i++)
        if (!strcmp(fcnn_kernels[i].name, name)) return &fcnn_kernels[i];
    ck_abort_msg("no kernel %s", name);
}

/* Differs by step, also where the kernel has no knob that matters. */
static struct fcnn_tuning_entry entry_for(const char *text, int threads, int step)
{
    const fcnn_problem problem = read_problem(text);
    const struct fcnn_kernel *kernel = kernel_called("conv2d_fwd_direct_scalar");
    struct fcnn_tuning_entry entry = {fcnn_standard_choice(kernel, &problem, fcnn_tuning_caches()),
                                      1 + step % threads, 1.25};
    for (int i = 0; i < kernel->variant->knob_count; i++) {
        if (fcnn_row_knob(&entry.choice, &problem, i) == FCNN_MOOT) continue;
        entry.choice.knobs[i] = kernel->variant->knobs[i].values[step % kernel->variant->knobs[i].count];
        break;
    }
    return entry;
}

static void put(fcnn_tuning *table, const char *text, int threads, int step)
{
    const struct fcnn_tuning_key key = key_of(text, threads);
    const struct fcnn_tuning_entry entry = entry_for(text, threads, step);
    ck_assert_msg(!fcnn_tuning_put(table, &key, &entry, "quiet"), "%s", fcnn_last_error());
}

static int find(fcnn_tuning *table, const char *text, int threads, struct fcnn_tuning_entry *entry)
{
    const fcnn_problem problem = read_problem(text);
    const struct fcnn_tuning_key key = key_of(text, threads);
    return fcnn_tuning_find(table, &problem, &key, entry);
}

START_TEST(what_is_put_is_found)
{
    fcnn_tuning *table;
    struct fcnn_tuning_entry entry, want = entry_for(CONV, 2, 1);
    ck_assert(!fcnn_tuning_create(&table));
    ck_assert(!find(table, CONV, 2, &entry));
    put(table, CONV, 2, 1);
    ck_assert(find(table, CONV, 2, &entry));
    ck_assert_ptr_eq(entry.choice.kernel, want.choice.kernel);
    ck_assert(!memcmp(entry.choice.knobs, want.choice.knobs, sizeof want.choice.knobs));
    ck_assert_int_eq(entry.team, 2);
    ck_assert_double_eq(entry.gain, 1.25);
    ck_assert(!find(table, CONV, 1, &entry));
    ck_assert(!find(table, "conv2d forward mb1ic16ih9oc16oh9kh3ph1", 2, &entry));
    put(table, CONV, 2, 0);
    ck_assert(find(table, CONV, 2, &entry));
    ck_assert_int_eq(entry.team, 1);
    ck_assert_int_eq(fcnn_tuning_count(table), 1);
    fcnn_tuning_destroy(table);
}
END_TEST

START_TEST(lines_are_sorted_and_described)
{
    fcnn_tuning *table;
    fcnn_tuned line;
    ck_assert(!fcnn_tuning_create(&table));
    for (int i = 0; i < 300; i++) {
        char text[64];
        snprintf(text, sizeof text, "conv2d forward mb%dic16ih9oc16oh9kh3ph1", 1 + i * 7 % 300);
        put(table, text, 1 + i % 3, i);
    }
    ck_assert_int_eq(fcnn_tuning_count(table), 300);
    char before[300] = "";
    for (int i = 0; i < 300; i++) {
        ck_assert(!fcnn_tuning_describe(table, i, &line));
        ck_assert_int_lt(strcmp(before, line.problem), 0);
        snprintf(before, sizeof before, "%s", line.problem);
        ck_assert_ptr_null(line.stale);
        ck_assert_str_eq(line.conditions, "quiet");
        ck_assert_str_eq(line.machine, fcnn_tuning_machine());
        ck_assert_int_eq(strncmp(line.choice, "conv2d_fwd_direct_scalar", 24), 0);
    }
    ck_assert_int_eq(fcnn_tuning_describe(table, 300, &line), FCNN_BAD_ARGUMENT);
    ck_assert_int_eq(fcnn_tuning_describe(table, -1, &line), FCNN_BAD_ARGUMENT);
    fcnn_tuning_destroy(table);
}
END_TEST

START_TEST(what_is_removed_is_gone)
{
    fcnn_tuning *table;
    struct fcnn_tuning_entry entry;
    const struct fcnn_tuning_key key = key_of(CONV, 1);
    ck_assert(!fcnn_tuning_create(&table));
    put(table, CONV, 1, 0);
    put(table, CONV, 2, 0);
    ck_assert_int_eq(fcnn_tuning_remove(table, &key), 1);
    ck_assert_int_eq(fcnn_tuning_remove(table, &key), 0);
    ck_assert(!find(table, CONV, 1, &entry));
    ck_assert(find(table, CONV, 2, &entry));
    fcnn_tuning_destroy(table);
}
END_TEST

/* What no plan could run is not taken. */
START_TEST(impossible_choices_are_refused)
{
    fcnn_tuning *table;
    struct fcnn_tuning_key key = key_of("conv2d backward_data mb2ic16ih9oc16oh9kh3ph1", 1);
    struct fcnn_tuning_entry entry = entry_for(CONV, 1, 0);
    ck_assert(!fcnn_tuning_create(&table));
    ck_assert_int_eq(fcnn_tuning_put(table, &key, &entry, NULL), FCNN_BAD_ARGUMENT);
    key = key_of(CONV, 1);
    key.numerics = FCNN_WINOGRAD_F2;
    ck_assert_int_eq(fcnn_tuning_put(table, &key, &entry, NULL), FCNN_BAD_ARGUMENT);
    ck_assert_int_eq(fcnn_tuning_count(table), 0);
    fcnn_tuning_destroy(table);
}
END_TEST

START_TEST(what_is_missing_is_said)
{
    fcnn_tuning *table;
    fcnn_tuned line;
    ck_assert(!fcnn_tuning_create(&table));
    ck_assert_int_eq(fcnn_tuning_create(NULL), FCNN_BAD_ARGUMENT);
    fcnn_tuning_destroy(NULL);
    ck_assert_int_eq(fcnn_tuning_count(NULL), 0);
    ck_assert_int_eq(fcnn_tuning_describe(NULL, 0, &line), FCNN_BAD_ARGUMENT);
    ck_assert_int_eq(fcnn_tuning_describe(table, 0, NULL), FCNN_BAD_ARGUMENT);
    ck_assert_int_eq(fcnn_tuning_parse(NULL, "", 0, NULL, NULL, NULL), FCNN_BAD_ARGUMENT);
    ck_assert_int_eq(fcnn_tuning_parse(table, NULL, 0, NULL, NULL, NULL), FCNN_BAD_ARGUMENT);
    ck_assert_int_eq(fcnn_tuning_read(NULL, "/nowhere", NULL, NULL), FCNN_BAD_ARGUMENT);
    ck_assert_int_eq(fcnn_tuning_read(table, NULL, NULL, NULL), FCNN_BAD_ARGUMENT);
    ck_assert_int_eq(fcnn_tuning_write(NULL, "/nowhere"), FCNN_BAD_ARGUMENT);
    ck_assert_int_eq(fcnn_tuning_write(table, NULL), FCNN_BAD_ARGUMENT);
    ck_assert_int_eq(fcnn_tuning_prune(NULL, NULL), FCNN_BAD_ARGUMENT);
    ck_assert_ptr_null(fcnn_tuning_format(NULL));
    ck_assert_int_eq(fcnn_tuning_place_describe(0, NULL), FCNN_BAD_ARGUMENT);
    fcnn_tuning_destroy(table);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tuning tables");
    TCase *tests = tcase_create("memory");
    unsetenv("FASTCNN_CACHES");
    tcase_add_test(tests, what_is_put_is_found);
    tcase_add_test(tests, lines_are_sorted_and_described);
    tcase_add_test(tests, what_is_removed_is_gone);
    tcase_add_test(tests, impossible_choices_are_refused);
    tcase_add_test(tests, what_is_missing_is_said);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
