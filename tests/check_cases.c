/* SPDX-License-Identifier: BSD-2-Clause
 * What the benchmark says about a problem before anything is timed: operations and bytes, counted by hand; the unit of
 * its error, on outputs that are off by as much as is said; what is accepted of a peer. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bounds.h"
#include "bench/cases.h"
#include "lib/internal.h"
#include "tests/suite.h"

static struct bench_case *make(const char *text, int *count)
{
    static struct bench_options options;
    struct bench_case *cases;
    options = (struct bench_options){.threads = 1, .problems = {.values = {text}, .count = 1}};
    ck_assert_int_eq(bench_cases_make(&options, &cases, count), 0);
    return cases;
}

/* ---- operations and bytes ---- */

START_TEST(flops_and_bytes)
{
    static const struct { const char *text; double flops, bytes; } known[] = {
        /* 3 x 3 outputs; windows begin at -1, 1 and 3 and have 2, 3 and 2 taps within the input along an axis: 49 */
        {"conv2d forward g2mb2ic4ih5oc6oh3kh3sh2ph1", 2. * 2 * 49 * (4 / 2) * 6, 4. * (200 + 108 + 6 + 108)},
        {"conv2d forward g2mb2ic4ih5oc6oh3kh3sh2ph1 nobias", 2. * 2 * 49 * (4 / 2) * 6, 4. * (200 + 108 + 108)},
        {"conv2d backward_data g2mb2ic4ih5oc6oh3kh3sh2ph1", 2. * 2 * 49 * (4 / 2) * 6, 4. * (108 + 108 + 200)},
        {"conv2d backward_weights g2mb2ic4ih5oc6oh3kh3sh2ph1", 2. * 2 * 49 * (4 / 2) * 6,
         4. * (200 + 108 + 108 + 6)},
        {"conv2d+relu backward_data g2mb2ic4ih5oc6oh3kh3sh2ph1", 2. * 2 * 49 * (4 / 2) * 6,
         4. * (108 + 108 + 108 + 200)}, /* reads the output, too */
        {"conv2d forward g3mb1ic3ih4oc3kh3 nobias", 2. * 4 * 9 * 3, 4. * (48 + 27 + 12)}, /* depthwise */
        {"conv2d forward mb1ic1ih5oc1kh3dh1 nobias", 2. * 9, 4. * (25 + 9 + 1)},          /* dilated: one output */
        {"conv2d forward mb1ic2ih2iw3oc5kh1kw1", 2. * 6 * 2 * 5, 4. * (12 + 10 + 5 + 30)},
        /* operations of the convolution before pooling, 4 x 4; outputs of the pooled layer, 2 x 2, and for each of them
         * three words of 2 bytes that say for 16 channels which of four it was */
        {"conv2d+relu+maxpool forward mb1ic1ih6oc2kh3", 2. * 16 * 9 * 2, 4. * (36 + 18 + 2 + 8) + 2. * 3 * 4},
        {"conv2d+relu+maxpool backward_weights mb1ic1ih6oc2kh3", 2. * 16 * 9 * 2, 4. * (36 + 8 + 18 + 2) + 2. * 3 * 4},
        {"dense forward mb3ic5oc7", 2. * 3 * 5 * 7, 4. * (15 + 35 + 7 + 21)},
        {"relu forward mb2ic3ih4", 0, 4. * (96 + 96)},
        {"adam update ic10", 0, 4. * (10 + 2 * 3 * 10)} /* weights and two moments are read and written */
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        int count;
        struct bench_case *c = make(known[i].text, &count);
        ck_assert_int_eq(count, 1);
        ck_assert_msg(c->about.flops == known[i].flops, "%s: %g operations, expected %g", known[i].text, c->about.flops,
                      known[i].flops);
        ck_assert_msg(c->about.bytes == known[i].bytes, "%s: %g bytes, expected %g", known[i].text, c->about.bytes,
                      known[i].bytes);
        bench_cases_free(c, count);
    }
}
END_TEST

/* ---- the error ---- */

static fcnn_problem parse(const char *text)
{
    fcnn_problem p;
    ck_assert_msg(!fcnn_problem_parse(&p, text), "%s", fcnn_last_error());
    return p;
}

/* Half, and as many units of 2^-24, the distance of floats there. */
static float off_half(int units) { return 0.5f + (float)units * 0x1p-24f; }

START_TEST(errors)
{
    /* 0.75 - 0.25: the sum of magnitudes is 1, twice the result */
    float one = 1, ones[] = {1, 1}, pair[] = {0.75f, -0.25f}, none = 0, got = off_half(3), bias = 2;
    fcnn_problem p = parse("conv2d forward mb1ic2ih1oc1kh1");
    ck_assert(bench_error(&p, &(fcnn_tensors){.src = ones, .weights = pair, .bias = &none, .dst = &got}) == 3);
    got = off_half(-5);
    ck_assert(bench_error(&p, &(fcnn_tensors){.src = ones, .weights = pair, .bias = &none, .dst = &got}) == 5);
    got = off_half(0);
    ck_assert(bench_error(&p, &(fcnn_tensors){.src = ones, .weights = pair, .bias = &none, .dst = &got}) == 0);
    p = parse("dense forward mb1ic2oc1");
    got = off_half(3);
    ck_assert(bench_error(&p, &(fcnn_tensors){.src = ones, .weights = pair, .bias = &none, .dst = &got}) == 3);

    p = parse("conv2d backward_data mb1ic1ih1oc2kh1");
    ck_assert(bench_error(&p, &(fcnn_tensors){.d_dst = ones, .weights = pair, .d_src = &got}) == 3);

    p = parse("conv2d backward_weights mb2ic1ih1oc1kh1"); /* the bias: 1 + 1 */
    fcnn_tensors t = {.src = pair, .d_dst = ones, .d_weights = &got, .d_bias = &bias};
    ck_assert(bench_error(&p, &t) == 3);
    bias = 2 + 0x1p-20f;
    ck_assert(bench_error(&p, &t) == 8);
    t.d_bias = NULL;
    ck_assert(bench_error(&p, &t) == 3);

    /* the largest of 2 x 2, which has a magnitude of 1; the others have less */
    float map[4];
    uint16_t choice = 0;
    p = parse("conv2d+relu+maxpool forward mb1ic1ih2oc1kh1");
    for (int winner = 0; winner < 4; winner++) {
        for (int i = 0; i < 4; i++) map[i] = i == winner ? 1 : 0.25f;
        got = 1 + 0x1p-22f;
        ck_assert(bench_error(&p, &(fcnn_tensors){.src = map, .weights = &one, .bias = &none, .dst = &got,
                                                  .choice = &choice}) == 4);
    }
    p = parse("relu forward mb1ic1");
    ck_assert(isnan(bench_error(&p, &(fcnn_tensors){.src = &one, .dst = &one})));
    p = parse("dense forward mb1000ic1000oc501"); /* too large for it */
    ck_assert(isnan(bench_error(&p, &(fcnn_tensors){.src = NULL})));
}
END_TEST

/* ---- what is accepted ---- */

static float *output(const struct bench_case *c)
{
    for (int i = 0; i < c->tensors.count; i++)
        if (c->tensors.info[i].role == FCNN_OUT) return c->tensors.memory[i];
    return ck_abort_msg("no output"), NULL;
}

START_TEST(right_and_wrong)
{
    char text[256];
    double error;
    int count, last;
    struct bench_case *c = make("conv2d forward mb1ic16ih5oc8kh3", &count);
    ck_assert(!bench_case_prepare(c, FCNN_EXACT));
    float *dst = output(c);
    const int size = 3 * 3 * 8;
    for (int i = 0; i < c->tensors.count; i++)
        if (c->references[FCNN_EXACT].outputs[i])
            memcpy(c->tensors.memory[i], c->references[FCNN_EXACT].outputs[i], (size_t)size * sizeof *dst);
    ck_assert(!bench_case_differs(c, FCNN_EXACT, text, sizeof text));
    ck_assert(!bench_case_strays(c, &error, text, sizeof text));
    ck_assert(error > 0 && error < 16 && error == c->references[FCNN_EXACT].error);

    for (last = size - 1; fabsf(dst[last]) < 0.1f;) last--;
    const float kept = dst[last];
    dst[last] = nextafterf(kept, 10);
    dst[1] = nextafterf(dst[1], 10);
    ck_assert(bench_case_differs(c, FCNN_EXACT, text, sizeof text));
    ck_assert_msg(!strncmp(text, "wrong: dst[1] is ", 17) && strstr(text, "(2 of 72 elements differ)"), "%s", text);
    ck_assert(!bench_case_strays(c, &error, text, sizeof text)); /* a unit in the last place */

    float largest = 0;
    for (int i = 0; i < size; i++) largest = fmaxf(largest, fabsf(dst[i]));
    dst[last] = kept + 1.1e-4f * largest;
    ck_assert(bench_case_strays(c, &error, text, sizeof text));
    ck_assert_msg(strstr(text, "wrong: dst[") != NULL, "%s", text);
    dst[last] = kept + 0.9e-4f * largest; /* near enough, but not for a sum of so few */
    ck_assert(bench_case_strays(c, &error, text, sizeof text));
    ck_assert(error > 64);
    ck_assert_msg(strstr(text, "at most 64 is allowed") != NULL, "%s", text);
    dst[last] = NAN;
    ck_assert(bench_case_strays(c, &error, text, sizeof text));
    bench_cases_free(c, count);
}
END_TEST

/* ---- the bound by traffic ---- */

/* How much that is depends on the machine: here only that it is what the loops of kernels/peak/ say, roughly, on any
 * number of threads, and that 64 times as many bytes take longer. By the clock a busy machine could make it anything;
 * with one thread its own time counts. */
START_TEST(bounds)
{
    int count;
    struct bench_case *small = make("relu forward mb1ic64ih32", &count), *large;
    ck_assert(!bench_case_prepare(small, FCNN_EXACT));
    large = make("relu forward mb64ic64ih32", &count);
    ck_assert(!bench_case_prepare(large, FCNN_EXACT));
    const fcnn_isa isa = fcnn_cpu_missing(FCNN_AVX2) ? FCNN_SCALAR : FCNN_AVX2;
    ck_assert(bench_bound_traffic(&large->tensors, FCNN_SCALAR, 1) >
              8 * bench_bound_traffic(&small->tensors, FCNN_SCALAR, 1));
    for (int threads = 1; threads <= 3; threads++) {
        const double seconds = bench_bound_traffic(&small->tensors, FCNN_SCALAR, threads);
        double bound = 0, loop = 0;
        for (int i = 0; i < 20; i++) { /* the best of some: a neighbour makes both too low */
            bound = fmax(bound, bench_bound_peak(isa, threads));
            loop = fmax(loop, fcnn_measure_peak(isa, 1e-3));
        }
        ck_assert(seconds > 0 && isfinite(seconds));
        ck_assert_msg(bound > 0.01 * loop && bound < 100 * loop, "%d threads: %g, %g", threads, bound, loop);
    }
    bench_cases_free(small, 1);
    bench_cases_free(large, 1);
}
END_TEST

int main(void)
{
    suite_unset_settings(); /* not the subject here */
    Suite *suite = suite_create("cases");
    TCase *cases = tcase_create("cases");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, flops_and_bytes);
    tcase_add_test(cases, errors);
    tcase_add_test(cases, right_and_wrong);
    tcase_add_test(cases, bounds);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
