/* SPDX-License-Identifier: BSD-2-Clause
 * Walks the table of kernels: every row that this CPU can run, on lists of shapes and random problems, bit for bit
 * against the reference. tests/README.md says how to select and repeat. */
#include <check.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/harness.h"
#include "tests/shapes.h"
#include "tests/suite.h"
#include "tests/winograd.h"

#define REPORTED 3 /* failures printed per row */
#define RANDOM 40
#define LEAST 200

static struct {
    const char *kernels; /* pattern */
    const char *text;    /* of the one problem to run, or NULL */
    fcnn_problem problem;
    uint64_t seed;
    int lists;   /* 0: the random problems alone */
    int random;  /* problems per row; -1: RANDOM, more if the row has not LEAST problems then */
    double most; /* multiply-adds; 0: no limit */
} selection = {.kernels = "*", .seed = 1, .random = -1};

static double number(const char *name, double otherwise)
{
    const char *text = getenv(name);
    if (!text || !*text) return otherwise;
    char *end;
    const double value = strtod(text, &end);
    if (!*end && value >= 0) return value;
    fprintf(stderr, "check_kernels: %s is \"%s\"; expected a number\n", name, text);
    exit(1);
}

static void read_selection(void)
{
    const char *seed = getenv("FCNN_TEST_SEED"), *pattern = getenv("FCNN_TEST_KERNEL");
    if (pattern && *pattern) selection.kernels = pattern;
    if (seed && strcmp(seed, "random") == 0) selection.seed = (uint64_t)time(NULL);
    else selection.seed = (uint64_t)number("FCNN_TEST_SEED", 1);
    selection.random = (int)number("FCNN_TEST_RANDOM", selection.random);
    selection.most = number("FCNN_TEST_MOST", 0);
    selection.lists = number("FCNN_TEST_LISTS", 1) > 0;
    selection.text = getenv("FCNN_TEST_PROBLEM");
    if (selection.text && !*selection.text) selection.text = NULL;
    if (selection.text && fcnn_problem_parse(&selection.problem, selection.text)) {
        fprintf(stderr, "check_kernels: FCNN_TEST_PROBLEM: %s\n", fcnn_last_error());
        exit(1);
    }
}

/* Why a row is left out here: the machine, a cap, or the one selected problem. NULL: it runs. */
static const char *why_not(int row, const struct fcnn_settings *settings)
{
    const struct fcnn_kernel *kernel = &fcnn_kernels[row];
    const char *missing = fcnn_cpu_missing(kernel->isa);
    if (missing) return missing;
    if (!(settings->isas >> kernel->isa & 1)) return "FASTCNN_ISA caps the instruction set below it";
    return selection.text ? fcnn_row_unsupported(kernel, &selection.problem) : NULL;
}

/* What a numerics class promises decides how its rows are checked. */
static int check_problem(const struct fcnn_kernel *kernel, const fcnn_problem *problem, struct winograd_errors *errors,
                         char text[HARNESS_TEXT])
{
    struct trial trial;
    int failed;
    trial_make(&trial, problem, selection.seed);
    switch (kernel->numerics) {
    case FCNN_EXACT: failed = harness_stages(kernel, &trial, text) || harness_api(kernel, &trial, text); break;
    case FCNN_WINOGRAD_F2:
    case FCNN_WINOGRAD_F4: failed = winograd_check(kernel, &trial, errors, text); break;
    default:
        snprintf(text, HARNESS_TEXT, "FAIL %s: there is no check for class %s", kernel->name,
                 fcnn_class_name(kernel->numerics));
        failed = 1;
    }
    trial_free(&trial);
    return failed;
}

static int is_winograd(const struct fcnn_kernel *kernel)
{
    return kernel->numerics == FCNN_WINOGRAD_F2 || kernel->numerics == FCNN_WINOGRAD_F4;
}

/* The lists, then the random problems; or the one that was selected. */
static struct problem_list problems(const struct fcnn_kernel *kernel)
{
    struct problem_list list = {0};
    if (selection.text) {
        shapes_add(&list, &selection.problem);
        return list;
    }
    if (selection.lists) {
        list = shapes_list(kernel->op, kernel->direction, selection.most);
        if (is_winograd(kernel)) winograd_add_problems(&list, kernel->op, kernel->direction, selection.most);
    }
    int served = 0, random = selection.random;
    for (int i = 0; i < list.count; i++) served += !fcnn_row_unsupported(kernel, &list.items[i]);
    if (random < 0) random = LEAST - served > RANDOM ? LEAST - served : RANDOM;
    const int found = shapes_add_random(&list, kernel, random, selection.seed, selection.most);
    ck_assert_msg(found == random, "%s serves hardly any random problem: shapes_random.c should draw some",
                  kernel->name);
    return list;
}

START_TEST(check_row)
{
    const struct fcnn_kernel *kernel = &fcnn_kernels[_i];
    const char *reason = "";
    int checked = 0, failures = 0;
    struct winograd_errors errors = {0, 0};
    if (!take_turn(_i)) return;
    harness_catch_signals();
    struct problem_list list = problems(kernel);
    for (int i = 0; i < list.count; i++) {
        char text[HARNESS_TEXT];
        const char *unsupported = fcnn_row_unsupported(kernel, &list.items[i]);
        if (unsupported) {
            reason = unsupported;
            continue;
        }
        checked++;
        if (check_problem(kernel, &list.items[i], &errors, text) && failures++ < REPORTED)
            fprintf(stderr, "%s\n", text);
    }
    printf("%-40s %d problems", kernel->name, checked);
    if (checked < list.count) printf(", %d not served (%s)", list.count - checked, reason);
    if (is_winograd(kernel)) printf(", error at most %.1f eps S, relative L2 %.1e", errors.worst, errors.relative);
    printf("\n");
    fflush(stdout);
    ck_assert_msg(checked > 0, "%s serves none of %d problems: %s", kernel->name, list.count, reason);
    ck_assert_msg(!failures, "%s: %d of %d problems are wrong", kernel->name, failures, checked);
    shapes_free(&list);
}
END_TEST

/* One case per row, so that a crash in one kernel does not hide the others. Returns the number of rows to run. */
static int add_rows(Suite *suite, const struct fcnn_settings *settings, int *skipped)
{
    int rows = 0;
    for (int i = 0; i < fcnn_kernels_count; i++) {
        const struct fcnn_kernel *kernel = &fcnn_kernels[i];
        if (fnmatch(selection.kernels, kernel->name, 0)) continue;
        const fcnn_problem *p = &selection.problem;
        if (selection.text && (kernel->op != p->op || kernel->direction != p->direction)) continue;
        const char *reason = why_not(i, settings);
        if (reason) {
            printf("SKIP %s: %s\n", kernel->name, reason);
            ++*skipped;
            continue;
        }
        TCase *one = tcase_create(kernel->name);
        tcase_set_timeout(one, 900);
        tcase_add_loop_test(one, check_row, i, i + 1);
        suite_add_tcase(suite, one);
        rows++;
    }
    return rows;
}

int main(void)
{
    struct fcnn_settings settings;
    int skipped = 0;
    if (fcnn_settings_read(&settings, NULL)) {
        fprintf(stderr, "check_kernels: %s\n", fcnn_last_error());
        return 1;
    }
    read_selection();
    Suite *suite = suite_create("kernels");
    const int rows = add_rows(suite, &settings, &skipped);
    if (!rows) {
        srunner_free(srunner_create(suite));
        fprintf(stderr, "nothing to check: FCNN_TEST_KERNEL='%s' FCNN_TEST_PROBLEM='%s', %d rows skipped\n",
                selection.kernels, selection.text ? selection.text : "", skipped);
        return skipped && !selection.text ? 77 : 1;
    }
    printf("%d rows, seed %llu\n", rows, (unsigned long long)selection.seed);
    const struct tally tally = run_dealt(suite, fcnn_kernels_count);
    printf("%d rows checked, %d failed, %d skipped\n", tally.run, tally.failed, skipped);
    if (!tally.run) fprintf(stderr, "check_kernels: CK_RUN_CASE selects no row\n");
    return tally.failed || !tally.run;
}
