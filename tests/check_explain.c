/* SPDX-License-Identifier: BSD-2-Clause
 * fcnn_explain() and FASTCNN_VERBOSE=dispatch: what is said of a choice is what dispatch does. */
#include <check.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/dispatch.h"
#include "tests/shapes.h"
#include "tests/suite.h"

/* A padded image of 2^31 values: reference alone. It needs no memory, so that a plan of it can be made. */
#define HUGE_IMAGE "mb1ic65536ih32768iw1oc1kh1kw1"
#define LIMIT "padded images of 2^31 values or more"

/* The verdict on a row by name. */
static fcnn_verdict verdict_of(const char *name, const char *problem, const fcnn_options *options)
{
    const fcnn_problem p = parse_problem(problem);
    fcnn_verdict verdict = {0};
    for (int i = 0; i < fcnn_kernel_count(); i++) {
        if (strcmp(fcnn_kernel_describe(i).name, name)) continue;
        ck_assert_msg(!fcnn_explain(i, &p, options, &verdict), "%s", fcnn_last_error());
        ck_assert_str_eq(verdict.kernel, name);
        return verdict;
    }
    ck_abort_msg("no kernel %s", name);
    return verdict;
}

/* One row is chosen: that of dispatch. What is chosen has no reason against it; every row has words. */
static void check_verdicts(const fcnn_problem *p, const fcnn_options *options)
{
    struct fcnn_settings settings;
    fcnn_status status;
    ck_assert_int_eq(fcnn_settings_read(&settings, options), FCNN_OK);
    const struct fcnn_kernel *taken = fcnn_dispatch(p, &settings, &status);
    int chosen = 0;
    for (int i = 0; i < fcnn_kernel_count(); i++) {
        const struct fcnn_kernel *kernel = &fcnn_kernels[i];
        fcnn_verdict v = {0};
        ck_assert_int_eq(fcnn_explain(i, p, options, &v), status);
        ck_assert_str_eq(v.kernel, kernel->name);
        ck_assert_int_eq(v.isa, kernel->isa);
        ck_assert_int_eq(v.numerics, kernel->numerics);
        ck_assert_int_eq(v.chosen, kernel == taken);
        ck_assert(v.why && *v.why && (!v.chosen || !v.reason) && (!v.reason || !v.doubt) && (v.chosen || !v.limit));
        chosen += v.chosen;
    }
    ck_assert_int_eq(chosen, taken != NULL);
}

START_TEST(agrees_with_dispatch)
{
    static const fcnn_options options[] = {{.threads = 1}, {.isa = "scalar"}, {.kernel = "*_im2col_*,*_naive"},
                                           {.math = "exact,winograd_f2,winograd_f4"}, {.math = "winograd_f4"},
                                           {.kernel = "conv2d_fwd_winograd_f2_scalar"}};
    clean_settings();
    fcnn_cpu_pretend(cpus[_i]);
    uint64_t state = 5;
    for (int i = 0; i < 120; i++) {
        const struct fcnn_kernel *row = &fcnn_kernels[i % 2 ? 0 : i * 7 % fcnn_kernels_count];
        const fcnn_problem p = shapes_random(row->op, row->direction, &state, 1e6);
        check_verdicts(&p, &options[i % 6]);
    }
}
END_TEST

START_TEST(words)
{
    clean_settings();
    const fcnn_options naive = {.kernel = "conv2d_fwd_naive"}, scalar = {.isa = "scalar"};
    const char *tiles = "conv2d backward_data mb8ic64ih5oc64kh3", *wide = "conv2d forward mb8ic64ih14oc64kh3ph1";
    const fcnn_options f4 = {.math = "exact,winograd_f4", .isa = "scalar"};
    fcnn_verdict v = verdict_of("conv2d_fwd_naive", CONV, &naive);
    ck_assert(v.chosen && strstr(v.why, "asked for by name") && !v.limit && v.doubt);
    v = verdict_of("conv2d_fwd_direct_scalar", CONV, &naive);
    ck_assert(!v.chosen && !v.reason && strstr(v.why, "another one is asked for"));
    v = verdict_of("conv2d_fwd_direct_scalar", CONV, &scalar);
    ck_assert(v.chosen && !v.doubt && strstr(v.why, "highest usable instruction set"));
    v = verdict_of("conv2d_fwd_im2col_scalar", CONV, &scalar);
    ck_assert(!v.chosen && !v.reason && !v.doubt && strstr(v.why, "later in the table"));
    v = verdict_of("conv2d_fwd_naive", CONV, &scalar); /* later as well, but that is not why */
    ck_assert(!v.chosen && !v.reason && v.doubt);
    ck_assert_str_eq(v.why, v.doubt);
    v = verdict_of("dense_fwd_naive", CONV, &scalar);
    ck_assert(v.reason && strstr(v.reason, "another operation"));
    v = verdict_of("conv2d_fwd_winograd_f4_scalar", CONV, &scalar);
    ck_assert(v.reason && strstr(v.reason, "winograd_f4 is not allowed"));
    v = verdict_of("conv2d_bwd_data_winograd_f4_scalar", tiles, &f4);
    ck_assert(!v.chosen && !v.reason && v.doubt && strstr(v.doubt, "tiles and transforms"));
    ck_assert_str_eq(v.why, v.doubt);
    v = verdict_of("conv2d_fwd_direct_scalar", wide, &f4);
    ck_assert(!v.chosen && !v.doubt && strstr(v.why, "class winograd_f4 goes first"));
    ck_assert(strstr(verdict_of("conv2d_fwd_direct_scalar", "conv2d forward mb1ic65536ih32768iw1oc1kh1kw1",
                                &scalar).reason, "2^31"));
}
END_TEST

START_TEST(words_for_machines)
{
    clean_settings();
    fcnn_cpu_pretend(cpus[2]);
    if (!(fcnn_cpu_isas() & 1u << FCNN_AVX2)) return; /* not built */
    fcnn_verdict v = verdict_of("relu_fwd_vector_avx2", "relu forward mb1ic3", &(fcnn_options){.isa = "scalar"});
    ck_assert(v.reason && strstr(v.reason, "capped at scalar"));
    v = verdict_of("relu_fwd_vector_scalar", "relu forward mb1ic3", &(fcnn_options){.isa = "avx2"});
    ck_assert(!v.chosen && !v.reason && strstr(v.why, "avx2 goes first"));
    fcnn_cpu_pretend(cpus[0]);
    v = verdict_of("relu_fwd_vector_avx2", "relu forward mb1ic3", NULL);
    ck_assert(v.reason && strstr(v.reason, "this CPU has no AVX2"));
}
END_TEST

/* What a plan for a problem says on stderr with FASTCNN_VERBOSE=dispatch. */
static void verbose_lines(const char *problem, char text[16384])
{
    const fcnn_problem p = parse_problem(problem);
    fcnn_plan *plan = NULL;
    FILE *file = tmpfile();
    ck_assert_ptr_nonnull(file);
    fflush(stderr);
    const int saved = dup(STDERR_FILENO);
    ck_assert_int_ge(dup2(fileno(file), STDERR_FILENO), 0);
    const fcnn_status status = fcnn_plan_create(&plan, &p, &(fcnn_options){.threads = 1});
    fflush(stderr);
    ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
    close(saved);
    ck_assert_msg(!status, "%s", fcnn_last_error());
    fcnn_plan_destroy(plan);
    rewind(file);
    text[fread(text, 1, 16383, file)] = 0;
    fclose(file);
}

/* Every line has as many fields as the header, which comes once; a comma within quotes is none. */
static void check_fields(const char *text, int headed)
{
    int lines = 0, taken = 0;
    for (const char *line = text; *line; line = strchr(line, '\n') + 1, lines++) {
        int fields = 1, quoted = 0;
        ck_assert_ptr_nonnull(strchr(line, '\n'));
        for (const char *at = line; *at != '\n'; at++) {
            quoted ^= *at == '"';
            fields += *at == ',' && !quoted;
        }
        ck_assert_msg(fields == 14 && !quoted && !strncmp(line, "fastcnn_verbose,dispatch,", 25), "%s", line);
        ck_assert_int_eq(!strncmp(line + 25, "problem,threads,kernel,", 23), headed && !lines);
    }
    for (const char *at = text; (at = strstr(at, ",taken,")); at++) taken++;
    ck_assert_int_eq(taken, 1);
    ck_assert_int_gt(lines, 3);
}

/* A choice for want of better is said: on every machine, under a cap, and with FASTCNN_VERBOSE=dispatch. */
START_TEST(limits)
{
    static const char *const isas[] = {NULL, "scalar"};
    char text[16384];
    clean_settings();
    for (int cpu = 0; cpu < CPUS; cpu++)
        for (int i = 0; i < 2; i++) {
            const fcnn_options options = {.isa = isas[i]};
            fcnn_cpu_pretend(cpus[cpu]);
            const fcnn_verdict v = verdict_of("conv2d_fwd_naive", "conv2d forward " HUGE_IMAGE, &options);
            ck_assert_msg(v.chosen && v.limit && !strcmp(v.limit, LIMIT), "%s", v.limit ? v.limit : "no limit");
            ck_assert(strstr(v.why, "what is left"));
            ck_assert_ptr_null(verdict_of("conv2d_fwd_direct_scalar", CONV, &(fcnn_options){.isa = "scalar"}).limit);
        }
    clean_settings();
    setenv("FASTCNN_VERBOSE", "dispatch", 1);
    verbose_lines("conv2d forward " HUGE_IMAGE, text);
    check_fields(text, 1);
    ck_assert_msg(strstr(text, "," LIMIT "\n") != NULL, "%s", text);
    ck_assert_msg(strstr(text, ",conv2d_fwd_naive,scalar,exact,taken,conv2d_fwd_naive,1,estimate,1.000,"), "%s", text);
    verbose_lines("conv2d forward mb1ic8ih5oc8kh3", text);
    check_fields(text, 0);
    ck_assert_msg(strstr(text, ",taken,") && !strstr(text, ",taken,,"), "%s", text);
    clean_settings();
}
END_TEST

START_TEST(bad_questions)
{
    const fcnn_problem conv = parse_problem(CONV), empty = {0};
    fcnn_verdict v = {0};
    clean_settings();
    ck_assert_int_eq(fcnn_explain(-1, &conv, NULL, &v), FCNN_BAD_ARGUMENT);
    ck_assert_int_eq(fcnn_explain(fcnn_kernel_count(), &conv, NULL, &v), FCNN_BAD_ARGUMENT);
    ck_assert_int_eq(fcnn_explain_sized(0, NULL, 0, NULL, 0, &v, sizeof v), FCNN_BAD_ARGUMENT);
    ck_assert(v.kernel && v.reason && v.why && !v.chosen);
    ck_assert_int_eq(fcnn_explain_sized(0, &conv, sizeof conv, NULL, 0, NULL, 0), FCNN_BAD_ARGUMENT);
    ck_assert_int_ne(fcnn_explain(0, &empty, NULL, &v), FCNN_OK);
    ck_assert_int_eq(fcnn_explain(0, &conv, &(fcnn_options){.math = "sloppy"}, &v), FCNN_BAD_SETTING);
    ck_assert_int_eq(fcnn_explain(0, &conv, &(fcnn_options){.math = "winograd_f4", .kernel = "conv2d_fwd_naive"}, &v),
                     FCNN_NO_KERNEL);
    ck_assert(!v.chosen && v.why && *v.kernel);
    fcnn_kernel_info info;
    ck_assert_int_eq(fcnn_kernel_describe_sized(-1, &info, sizeof info), FCNN_BAD_ARGUMENT);
    ck_assert(!*info.name && info.missing);
}
END_TEST

/* A program whose struct ends before `why`, and one whose struct has more. */
START_TEST(other_sizes)
{
    const fcnn_problem conv = parse_problem(CONV);
    struct {
        fcnn_verdict verdict;
        const char *more;
    } v;
    clean_settings();
    v.verdict.why = v.more = "untouched";
    const size_t older = offsetof(fcnn_verdict, why);
    ck_assert_int_eq(fcnn_explain_sized(0, &conv, sizeof conv, NULL, 0, &v.verdict, older), FCNN_OK);
    ck_assert_str_eq(v.verdict.why, "untouched");
    ck_assert_int_eq(fcnn_explain_sized(0, &conv, sizeof conv, NULL, 0, &v.verdict, sizeof v), FCNN_OK);
    ck_assert_str_ne(v.verdict.why, "untouched");
    ck_assert_ptr_null(v.more);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("explain");
    TCase *cases = tcase_create("explain");
    tcase_add_loop_test(cases, agrees_with_dispatch, 0, CPUS);
    tcase_add_test(cases, words);
    tcase_add_test(cases, words_for_machines);
    tcase_add_test(cases, limits);
    tcase_add_test(cases, bad_questions);
    tcase_add_test(cases, other_sizes);
    tcase_set_timeout(cases, 60);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
