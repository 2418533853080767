/* SPDX-License-Identifier: BSD-2-Clause
 * The loops that measure the machine: they run wherever their instruction set does, and the one for memory goes over
 * its streams and nothing else, however their lengths relate. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "kernels/peak/peak.h"
#include "lib/internal.h"
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

    const double seconds = fcnn_measure_traffic(isa, streams, STREAMS, 0);
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

START_TEST(peak)
{
    const fcnn_isa isa = (fcnn_isa)_i;
    const double gflops = fcnn_measure_peak(isa, 0);
    if (fcnn_cpu_missing(isa)) ck_assert(gflops == 0 && isnan(fcnn_measure_traffic(isa, NULL, 0, 0)));
    else ck_assert_msg(gflops > 0 && gflops < 1e5, "%s: %g GFLOP/s", fcnn_isa_name(isa), gflops);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("peak");
    TCase *cases = tcase_create("peak");
    tcase_add_loop_test(cases, traffic, 0, FCNN_ISAS);
    tcase_add_loop_test(cases, peak, 0, FCNN_ISAS);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
