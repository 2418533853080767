/* SPDX-License-Identifier: BSD-2-Clause
 * The loops that measure the machine: they run wherever their instruction set does, and the one for memory goes over
 * its streams and nothing else, however their lengths relate. */
#include <check.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "kernels/peak/peak.h"
#include "lib/internal.h"
#include "lib/isas.h"
#include "tests/guard.h"
#include "tests/suite.h"

enum { LINE = 16, STREAMS = 3 }; /* floats; read, written, both */

/* Values that a wrong way of copying would change: NaN, -0, denormals, negative numbers. */
static void fill(float *x, int64_t n)
{
    static const float odd[] = {NAN, -0.0f, 1e-40f, -INFINITY, -3.5f, 0.25f};
    for (int64_t i = 0; i < n; i++) x[i] = i % 7 ? odd[i % 6] : (float)i;
}

static void check_streams(fcnn_isa isa, const int64_t lines[STREAMS])
{
    struct guard guards[STREAMS] = {0}, copy = {0};
    struct fcnn_stream streams[STREAMS];
    for (int i = 0; i < STREAMS; i++) {
        guard_place(&guards[i], "stream", (size_t)lines[i] * LINE * sizeof(float), GUARD_AFTER, 0, 64);
        streams[i] = (struct fcnn_stream){(float *)(void *)guards[i].data, lines[i], i != 1, i != 0};
        if (i != 1) fill(streams[i].data, lines[i] * LINE);
    }
    guard_protect(&guards[0]);
    streams[0].data = (float *)(void *)guards[0].data;
    guard_place(&copy, "copy", (size_t)lines[2] * LINE * sizeof(float), GUARD_AFTER, 0, 64);
    fill((float *)(void *)copy.data, lines[2] * LINE);

    const double seconds = fcnn_measure_streams(isa, streams, STREAMS, 0);
    ck_assert_msg(seconds > 0 && isfinite(seconds), "%s: %g s", fcnn_isa_name(isa), seconds);
    for (int64_t i = 0; i < lines[1] * LINE; i++)
        ck_assert_msg(streams[1].data[i] == -INFINITY, "%s: float %lld was not written", fcnn_isa_name(isa),
                      (long long)i);
    ck_assert_msg(!memcmp(streams[2].data, copy.data, (size_t)lines[2] * LINE * sizeof(float)),
                  "%s: what is read and written has other values", fcnn_isa_name(isa));
    for (int i = 0; i < STREAMS; i++) {
        ptrdiff_t where;
        ck_assert_msg(!guard_touched(&guards[i], &where), "%s: wrote outside of stream %d", fcnn_isa_name(isa), i);
        guard_free(&guards[i]);
    }
    guard_free(&copy);
}

START_TEST(traffic)
{
    static const int64_t lines[][STREAMS] = {{1, 1, 1},   {9, 0, 3},    {0, 7, 1},      {127, 128, 129},
                                             {1, 700, 2}, {999, 1, 64}, {130, 1001, 31}};
    const fcnn_isa isa = (fcnn_isa)_i;
    if (fcnn_cpu_missing(isa)) return;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) check_streams(isa, lines[i]);
}
END_TEST

/* Every chain takes every round: chain i goes from i towards 1, by halves, and the sum of all is what the loop returns.
 * Twelve of them hide the latency of an FMA where two start per cycle; with six the peak would be half. */
START_TEST(chains)
{
    if (fcnn_cpu_missing((fcnn_isa)_i)) return;
    float (*run)(int64_t) = fcnn_isas[_i].loops->peak;
    ck_assert(run(0) == 66);
    ck_assert(run(1) == 39);
    ck_assert(run(10) == 12 + 54.0f / 1024);
}
END_TEST

/* ---- a clock that the test winds: the linker sends lib/peak.c's calls here (--wrap) ---- */

static int is_wound, ticks; /* every reading is a millisecond later */

int __real_clock_gettime(clockid_t clock, struct timespec *t);
int __wrap_clock_gettime(clockid_t clock, struct timespec *t);
int __wrap_clock_gettime(clockid_t clock, struct timespec *t)
{
    if (!is_wound) return __real_clock_gettime(clock, t);
    ticks++;
    *t = (struct timespec){.tv_sec = ticks / 1000, .tv_nsec = ticks % 1000 * 1000000L};
    return 0;
}

static int lanes(fcnn_isa isa) { return isa == FCNN_AVX512 ? 16 : isa == FCNN_AVX2 ? 8 : isa == FCNN_SCALAR ? 1 : 4; }

/* Each vector of what is read counts: the largest number is found wherever it is. What a loop returns is the sum over
 * its maxima of their first lanes. */
START_TEST(everything_is_read)
{
    enum { LINES = 141 };
    static float data[LINES * LINE];
    const fcnn_isa isa = (fcnn_isa)_i;
    if (fcnn_cpu_missing(isa)) return;
    for (int lines = 1; lines <= LINES; lines += 10)
        for (int i = 0; i < lines * LINE; i += lanes(isa)) {
            const struct fcnn_stream stream = {data, lines, 1, 0};
            data[i] = 1;
            ck_assert_msg(fcnn_isas[isa].loops->stream(&stream, 1, 0) == 1, "%s: float %d of %d lines is not read",
                          fcnn_isa_name(isa), i, lines);
            data[i] = 0;
        }
}
END_TEST

/* What is reported follows from the clock: 2,000 rounds of 12 chains between two readings; sweeps over the streams. */
START_TEST(rates)
{
    static float data[2 * LINE];
    const struct fcnn_stream streams[2] = {{data, 1, 1, 0}, {data + LINE, 1, 0, 1}};
    const fcnn_isa isa = (fcnn_isa)_i;
    if (fcnn_cpu_missing(isa)) return;
    const double want = 2000.0 * 12 * 2 * lanes(isa) / 1e-3 * 1e-9;
    is_wound = 1;
    const double short_run = fcnn_measure_peak(isa, 0.5e-3), long_run = fcnn_measure_peak(isa, 4.5e-3);
    const double once = fcnn_measure_streams(isa, streams, 2, 0.5e-3);
    const double again = fcnn_measure_streams(isa, streams, 2, 4.5e-3);
    is_wound = 0;
    ck_assert_msg(fabs(short_run / want - 1) < 1e-6, "%s: %g GFLOP/s, not %g", fcnn_isa_name(isa), short_run, want);
    ck_assert_msg(fabs(long_run / want - 1) < 1e-6, "%s: %g GFLOP/s, not %g", fcnn_isa_name(isa), long_run, want);
    const double sweeps = 16384 / 3 + 1;
    ck_assert_msg(fabs(once * sweeps / 1e-3 - 1) < 1e-6, "%s: %g s", fcnn_isa_name(isa), once);
    ck_assert_msg(fabs(again * sweeps / 1e-3 - 1) < 1e-6, "%s: %g s", fcnn_isa_name(isa), again);
}
END_TEST

/* A line of src and one of dst; two threads have as much each of a problem twice as large. */
START_TEST(problems)
{
    const fcnn_isa isa = (fcnn_isa)_i;
    fcnn_problem one, two;
    ck_assert(!fcnn_problem_parse(&one, "relu forward mb1ic16") && !fcnn_problem_parse(&two, "relu forward mb2ic16"));
    is_wound = 1;
    const double alone = fcnn_measure_traffic(isa, &one, 1, 0.5e-3);
    const double shared = fcnn_measure_traffic(isa, &two, 2, 0.5e-3);
    is_wound = 0;
    ck_assert(isnan(fcnn_measure_traffic(isa, NULL, 1, 0)) && isnan(fcnn_measure_traffic(isa, &one, 0, 0)));
    one.c = -1;
    ck_assert(isnan(fcnn_measure_traffic(isa, &one, 1, 0)));
    if (fcnn_cpu_missing(isa)) {
        ck_assert(isnan(alone));
        return;
    }
    const double sweeps = 16384 / 3 + 1;
    ck_assert_msg(fabs(alone * sweeps / 1e-3 - 1) < 1e-6, "%s: %g s", fcnn_isa_name(isa), alone);
    ck_assert_msg(fabs(shared * sweeps / 1e-3 - 1) < 1e-6, "%s: %g s", fcnn_isa_name(isa), shared);
}
END_TEST

START_TEST(peak)
{
    const fcnn_isa isa = (fcnn_isa)_i;
    const double gflops = fcnn_measure_peak(isa, 0);
    if (fcnn_cpu_missing(isa)) ck_assert(gflops == 0 && isnan(fcnn_measure_streams(isa, NULL, 0, 0)));
    else ck_assert_msg(gflops > 0 && gflops < 1e5, "%s: %g GFLOP/s", fcnn_isa_name(isa), gflops);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("peak");
    TCase *cases = tcase_create("peak");
    tcase_add_loop_test(cases, traffic, 0, FCNN_ISAS);
    tcase_add_loop_test(cases, problems, 0, FCNN_ISAS);
    tcase_add_loop_test(cases, peak, 0, FCNN_ISAS);
    tcase_add_loop_test(cases, chains, 0, FCNN_ISAS);
    tcase_add_loop_test(cases, rates, 0, FCNN_ISAS);
    tcase_add_loop_test(cases, everything_is_read, 0, FCNN_ISAS);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
