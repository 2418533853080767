/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The proof: the MNIST model, trained briefly on synthetic digits, has one weight hash whatever family of kernels,
 * instruction set and number of threads did the work, and it is the hash committed here.
 *
 * `check_training --print` prints both hashes as the default kernels compute them. They change only with the numerics:
 * a change of the order of a sum, of a random stream, of the digits. Then raise "numerics" in lib/version.c.
 * FCNN_TEST_SMALL=1 leaves out variants, for emulators where fmaf() is slow. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fastcnn.h"
#include "lib/io/io.h"
#include "tests/suite.h"

enum { MAX_THREADS = 3 };

/* The short run has steps of 16, 16 and 8 images: shards of 2 and of 1. The long one has two epochs of 20, 20, 20, 20,
 * 20 and 10: in each batch shards of two sizes, and Adam's powers of 12 steps. */
static const struct course {
    int images, batch, epochs;
    const char *weights, *data;
} courses[] = {
    {40, 16, 1, "bf25088eab9fcf5c19fee42814e8579e", "a0b90b848b7957217b7b616845f0ac4d"},
    {110, 20, 2, "d159372f7e7953a8d519fb06c426fcfa", "7e92ed682dde5f8c535f4ec49c95f586"},
};

static const struct variant {
    const char *kernel, *isa;
    fcnn_isa needs;
    const char *seen; /* in the names of the middle convolution's kernels */
    int small;        /* threads that FCNN_TEST_SMALL leaves; 0: none */
    int goes_far;     /* threads that do the long run; 0: none, 9: all */
} variants[] = {
    {NULL, NULL, FCNN_SCALAR, "conv2d_pool_", 0, 9},
    {"*_naive", "scalar", FCNN_SCALAR, "_naive", 1, 0},
    {"*_im2col_*", "scalar", FCNN_SCALAR, "_im2col_scalar", 2, 2},
    {"*_im2col_*", "avx2", FCNN_AVX2, "_im2col_avx2", 2, 2},
    {"*_im2col_*", "avx512", FCNN_AVX512, "_im2col_avx512", 2, 0},
    {"*_im2col_*", "neon", FCNN_NEON, "_im2col_neon", 2, 2},
    {"*_direct_*", "scalar", FCNN_SCALAR, "_direct_scalar", 3, 0},
    {"*_direct_*", "avx2", FCNN_AVX2, "_direct_avx2", 3, 3},
    {"*_direct_*", "avx512", FCNN_AVX512, "_direct_avx512", 3, 1},
    {"*_direct_*", "neon", FCNN_NEON, "_direct_neon", 3, 3},
};
#define VARIANTS ((int)(sizeof variants / sizeof variants[0]))

struct outcome {
    char kernels[512]; /* of the middle convolution */
    fcnn_progress history[2];
    fcnn_receipt receipt;
};

static fcnn_status train_model(fcnn_model *model, const struct variant *variant, int threads,
                               const struct course *course, const struct fcnn_dataset *digits,
                               struct outcome *outcome)
{
    const fcnn_fit_options fit = {.batch_size = course->batch, .epochs = course->epochs};
    const fcnn_options kernels = {.threads = threads, .isa = variant->isa, .kernel = variant->kernel};
    fcnn_status status = fcnn_compile(model, &(fcnn_compile_options){.seed = 1, .kernels = &kernels});
    if (!status) status = fcnn_model_kernels(model, 1, outcome->kernels, sizeof outcome->kernels);
    if (!status) status = fcnn_fit(model, digits->x, digits->y, digits->n, &fit, outcome->history);
    if (!status) status = fcnn_model_receipt(model, &outcome->receipt);
    return status;
}

static fcnn_status train(const struct variant *variant, int threads, const struct course *course,
                         struct outcome *outcome)
{
    struct fcnn_dataset digits = {0};
    fcnn_model *model = NULL;
    fcnn_status status = fcnn_digits_make(&digits, 1, 0, course->images);
    if (!status) status = fcnn_model_mnist(&model);
    if (!status) status = train_model(model, variant, threads, course, &digits, outcome);
    fcnn_model_destroy(model);
    fcnn_dataset_free(&digits);
    return status;
}

static int occurrences(const char *text, const char *part)
{
    int found = 0;
    for (const char *at = text; (at = strstr(at, part)); at += strlen(part)) found++;
    return found;
}

static int is_small(void)
{
    const char *text = getenv("FCNN_TEST_SMALL");
    return text && *text && strcmp(text, "0") != 0;
}

static const char *kernel_of(const struct variant *variant) { return variant->kernel ? variant->kernel : "default"; }
static const char *isa_of(const struct variant *variant) { return variant->isa ? variant->isa : "all"; }

static int is_missing(const struct variant *variant)
{
    fcnn_machine machine;
    fcnn_machine_describe(&machine);
    return !(machine.isas >> variant->needs & 1);
}

static int is_skipped(const struct variant *variant, int threads)
{
    return is_missing(variant) || (is_small() && variant->small != threads);
}

static void expect_golden(const struct variant *variant, int threads, const struct course *course)
{
    struct outcome out = {.kernels = ""};
    ck_assert_msg(train(variant, threads, course, &out) == FCNN_OK, "%s", fcnn_last_error());
    printf("%-10s %-6s threads %d: %3d images %s loss %.9g, %.2f s\n", kernel_of(variant), isa_of(variant), threads,
           course->images, out.receipt.weights, out.history[0].loss, out.history[0].training_seconds);
    fflush(stdout);
    /* A variant that quietly ran other kernels would prove nothing. */
    ck_assert_msg(occurrences(out.kernels, variant->seen) == 3, "not three kernels with %s: %s", variant->seen,
                  out.kernels);
    ck_assert_str_eq(out.receipt.data, course->data);
    ck_assert_str_eq(out.receipt.weights, course->weights);
    ck_assert_str_eq(out.receipt.classes, "exact");
}

START_TEST(every_variant_trains_to_the_golden_weights)
{
    const struct variant *variant = &variants[_i / MAX_THREADS];
    const int threads = _i % MAX_THREADS + 1;
    if (!is_skipped(variant, threads)) expect_golden(variant, threads, &courses[0]);
}
END_TEST

START_TEST(a_long_uneven_run_too)
{
    const struct variant *variant = &variants[_i / MAX_THREADS];
    const int threads = _i % MAX_THREADS + 1;
    if (is_small() || (variant->goes_far != threads && variant->goes_far != 9)) return;
    if (!is_missing(variant)) expect_golden(variant, threads, &courses[1]);
}
END_TEST

static int print_hashes(void)
{
    for (int i = 0; i < 2; i++) {
        struct outcome out;
        if (train(&variants[0], 0, &courses[i], &out) != FCNN_OK) {
            fprintf(stderr, "check_training: %s\n", fcnn_last_error());
            return EXIT_FAILURE;
        }
        printf("    {%d, %d, %d, \"%s\", \"%s\"},\n", courses[i].images, courses[i].batch, courses[i].epochs,
               out.receipt.weights, out.receipt.data);
    }
    return EXIT_SUCCESS;
}

static void report_skips(void)
{
    int skipped = 0;
    for (const struct variant *variant = variants; variant < variants + VARIANTS; variant++) {
        if (is_missing(variant))
            printf("SKIP %s %s: this CPU or this build has no %s\n", kernel_of(variant), isa_of(variant),
                   isa_of(variant));
        for (int threads = 1; threads <= MAX_THREADS; threads++) skipped += is_skipped(variant, threads);
    }
    printf("%d of %d short trainings skipped%s\n", skipped, VARIANTS * MAX_THREADS,
           is_small() ? " (FCNN_TEST_SMALL)" : "");
    fflush(stdout);
}

int main(int count, char **arguments)
{
    if (count == 2 && strcmp(arguments[1], "--print") == 0) return print_hashes();
    Suite *suite = suite_create("training");
    TCase *tests = tcase_create("training");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, every_variant_trains_to_the_golden_weights, 0, VARIANTS * MAX_THREADS);
    tcase_add_loop_test(tests, a_long_uneven_run_too, 0, VARIANTS * MAX_THREADS);
    suite_add_tcase(suite, tests);
    report_skips();
    return run_suite(suite);
}
