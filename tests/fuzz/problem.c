/* SPDX-License-Identifier: BSD-2-Clause
 * Whatever the text of a problem holds, it gives a problem that can be had or a sentence; the text written of a problem
 * is read as the same problem. */
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    char first[512], second[512];
    fcnn_problem problem, again;
    char *text = malloc(length + 1); /* exactly: a byte too far is seen */
    memcpy(text, bytes, length);
    text[length] = 0;
    const fcnn_status status = fcnn_problem_parse(&problem, text);
    free(text);
    EXPECT(status ? *fcnn_last_error() != 0 : !fcnn_problem_check(&problem) && fcnn_problem_flops(&problem) >= 0);
    if (status) return 0;
    EXPECT((size_t)fcnn_problem_format(&problem, first, sizeof first) < sizeof first);
    EXPECT(!fcnn_problem_parse(&again, first));
    EXPECT((size_t)fcnn_problem_format(&again, second, sizeof second) < sizeof second && !strcmp(first, second));
    return 0;
}
