/* SPDX-License-Identifier: BSD-2-Clause
 * Asking dispatch: see dispatch.h. */
#include "tests/dispatch.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST (1u << FCNN_AVX2 | 1u << FCNN_NEON) /* of a family; what was not built counts for nothing */
const unsigned cpus[CPUS] = {1u << FCNN_SCALAR, 1u << FCNN_SCALAR | FIRST,
                             1u << FCNN_SCALAR | FIRST | 1u << FCNN_AVX512};

void clean_settings(void)
{
    static const char *const variables[] = {
        "CACHES", "ISA", "KERNEL", "MATH", "NUM_THREADS", "PLANNING", "VERBOSE",
    };
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        char name[32];
        snprintf(name, sizeof name, "FASTCNN_%s", variables[i]);
        unsetenv(name);
    }
    fcnn_cpu_pretend(~0u);
}

fcnn_problem parse_problem(const char *text)
{
    fcnn_problem problem;
    ck_assert_msg(fcnn_problem_parse(&problem, text) == FCNN_OK, "%s", fcnn_last_error());
    return problem;
}

const char *best_isa(void)
{
    const unsigned isas = fcnn_cpu_isas();
    if (isas & 1u << FCNN_NEON) return "neon";
    return isas & 1u << FCNN_AVX512 ? "avx512" : isas & 1u << FCNN_AVX2 ? "avx2" : "scalar";
}

const char *chosen_kernel(const char *text, const fcnn_options *options, fcnn_status *status)
{
    const fcnn_problem problem = parse_problem(text);
    struct fcnn_settings settings;
    *status = fcnn_settings_read(&settings, options);
    if (*status) return "";
    const struct fcnn_kernel *kernel = fcnn_dispatch(&problem, &settings, status);
    ck_assert_int_eq(!kernel, *status != FCNN_OK);
    return kernel ? kernel->name : "";
}

void expect_kernel(const char *text, const fcnn_options *options, const char *name)
{
    fcnn_status status;
    const char *got = chosen_kernel(text, options, &status);
    ck_assert_msg(status == FCNN_OK, "%s: %s", text, fcnn_last_error());
    ck_assert_msg(strcmp(got, name) == 0, "%s: want %s got %s", text, name, got);
}

void expect_best(const char *text, const fcnn_options *options, const char *name)
{
    char want[96];
    snprintf(want, sizeof want, "%s_%s", name, best_isa());
    expect_kernel(text, options, want);
}

void expect_failure(const char *text, const fcnn_options *options, fcnn_status want, const char *named)
{
    fcnn_status status;
    const char *got = chosen_kernel(text, options, &status);
    ck_assert_msg(status == want, "%s: want \"%s\", got \"%s\" and kernel \"%s\"", text, fcnn_status_text(want),
                  fcnn_status_text(status), got);
    ck_assert_msg(strstr(fcnn_last_error(), named) != NULL, "\"%s\" does not name \"%s\"", fcnn_last_error(), named);
}
