/* SPDX-License-Identifier: BSD-2-Clause
 * Checkpoints with every truncation and every changed byte, whose checksum is set right: each is still a model in the
 * middle of its run, or refused with a sentence. check_checkpoint has those with the checksum as it was. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io/checkpoint.h"
#include "tests/mutilate.h"
#include "tests/suite.h"

static int reads(const unsigned char *bytes, size_t count, void *context)
{
    const fcnn_options kernels = {.isa = "scalar"}; /* compiling is what takes the time */
    fcnn_model *model;
    fcnn_checkpoint checkpoint;
    fcnn_file_info info = {0};
    unsigned char *copy = malloc(count ? count : 1);
    ck_assert(copy != NULL);
    memcpy(copy, bytes, count);
    (void)context;
    io_checkpoint_seal(copy, count);
    const fcnn_status status = io_checkpoint_read(&model, copy, count, "t", &kernels, &checkpoint, &info);
    free(copy);
    if (status) ck_assert(!model && !checkpoint.best && !checkpoint.program);
    else ck_assert(model && info.has_weights);
    fcnn_checkpoint_free(&checkpoint);
    fcnn_model_destroy(model);
    return mutilated_was_read(status, fcnn_io_last_error(), "t");
}

/* Weights and the texts of others may be anything; the checksum's own digits are written anew. */
START_TEST(what_is_behind_the_checksum_has_bounds)
{
    static const char *const names[] = {"run", "given-best"};
    char path[4096];
    size_t count;
    const char *top = getenv("top_srcdir");
    snprintf(path, sizeof path, "%s/tests/fuzz/seeds/checkpoint/%s", top ? top : ".", names[_i]);
    unsigned char *bytes = slurp(path, &count);
    const struct mutilated seen = mutilate_some(bytes, count, 1, reads, NULL);
    free(bytes);
    ck_assert_uint_eq(seen.cuts_read + seen.longer_read, 0);
    ck_assert_uint_gt(seen.flips_read, 0);
    ck_assert_uint_lt(seen.flips_read, seen.flips * 3 / 4);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("damaged_checkpoints");
    TCase *tests = tcase_create("damaged_checkpoints");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, what_is_behind_the_checksum_has_bounds, 0, 2);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
