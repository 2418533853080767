/* SPDX-License-Identifier: BSD-2-Clause
 * Problems at the limits of kernels: huge paddings, windows and strides in small tensors. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/conv2d/geometry.h"
#include "tests/fill.h"
#include "tests/suite.h"

/* ---- geometry.c against its definition, fcnn_axis_meet() ---- */

enum { MOST = 24, AXES = 4000 };

/* A random problem whose rows and columns are such axes; not one that fcnn_problem_check() makes, for kernels widen them. */
static fcnn_problem random_axes(uint64_t *state, fcnn_direction direction)
{
    fcnn_problem p = {.op = FCNN_CONV2D, .direction = direction, .n = 1, .c = 1, .k = 1, .groups = 1};
    p.h = 1 + rng_below(state, MOST), p.w = 1 + rng_below(state, MOST);
    p.p = 1 + rng_below(state, MOST), p.q = 1 + rng_below(state, MOST);
    p.r = 1 + rng_below(state, MOST), p.s = 1 + rng_below(state, 5);
    p.stride_h = 1 + rng_below(state, 8), p.stride_w = 1 + rng_below(state, 40);
    p.dilation_h = 1 + rng_below(state, 8), p.dilation_w = 1 + rng_below(state, 40);
    p.pad_top = rng_below(state, 60), p.pad_left = rng_below(state, 8);
    return p;
}

static int64_t outputs_of(const fcnn_problem *p, int vertical)
{
    if (p->direction == FCNN_BACKWARD_DATA) return vertical ? p->h : p->w;
    return vertical ? p->p : p->q;
}

/* The class says of its i-th output what is true: which taps meet an input, and which. */
static int tells_the_truth(const fcnn_problem *p, int vertical, const struct fcnn_axis_class *c, int64_t i)
{
    const int64_t taps = vertical ? p->r : p->s, out = c->first + i * c->step;
    int64_t next = 0;
    for (int64_t tap = 0; tap < taps; tap++) {
        const int64_t in = fcnn_axis_meet(p, vertical, out, tap);
        if (in < 0) continue;
        if (next == c->taps || tap != c->tap + next * c->tap_step) return 0;
        if (in != c->origin + i * c->stride + next * c->advance) return 0;
        next++;
    }
    return next == c->taps;
}

static void check_classes(const fcnn_problem *p, int vertical)
{
    struct fcnn_axis_class classes[MOST];
    int seen[MOST] = {0};
    const int64_t outputs = outputs_of(p, vertical), count = fcnn_axis_classes(p, vertical, classes);
    ck_assert_int_le(count, outputs);
    for (const struct fcnn_axis_class *c = classes; c < classes + count; c++) {
        for (int64_t i = 0; i < c->count; i++) {
            ck_assert(tells_the_truth(p, vertical, c, i));
            seen[c->first + i * c->step]++;
        }
        /* As few as possible: neighbours of a phase differ. */
        if (c > classes && c->taps && c->first == c[-1].first + c[-1].count * c[-1].step)
            ck_assert(c->taps != c[-1].taps || c->tap != c[-1].tap);
    }
    for (int64_t out = 0; out < outputs; out++) ck_assert_int_eq(seen[out], 1);
}

static void check_taps(const fcnn_problem *p, int vertical)
{
    struct fcnn_axis_class classes[MOST];
    const int64_t outputs = outputs_of(p, vertical), taps = vertical ? p->r : p->s;
    fcnn_axis_taps(p, vertical, classes);
    for (int64_t tap = 0; tap < taps; tap++) {
        const struct fcnn_axis_class c = classes[tap];
        int64_t met = 0;
        ck_assert(c.tap == tap && c.taps == 1);
        for (int64_t out = 0; out < outputs; out++) {
            const int64_t in = fcnn_axis_meet(p, vertical, out, tap);
            if (in < 0) continue;
            ck_assert_int_eq(out, c.first + met * c.step);
            ck_assert_int_eq(in, c.origin + met * c.stride);
            met++;
        }
        ck_assert_int_eq(met, c.count);
    }
}

START_TEST(classes_say_which_inputs_meet_which_outputs)
{
    uint64_t state = 1;
    for (int i = 0; i < AXES; i++) {
        const fcnn_direction directions[] = {FCNN_FORWARD, FCNN_BACKWARD_DATA, FCNN_BACKWARD_WEIGHTS};
        const fcnn_problem p = random_axes(&state, directions[i % 3]);
        for (int vertical = 0; vertical < 2; vertical++) {
            check_classes(&p, vertical);
            check_taps(&p, vertical);
        }
    }
}
END_TEST

/* ---- problems whose numbers are large and whose tensors are small ---- */

/* Quadratic work in padding, window or stride would take minutes or hours here. */
static const char *const wide[] = {
    "conv2d forward ic1oc1ih1kh200001ph200000iw1kw1pw0",
    "conv2d backward_data ic1oc1ih1kh200001ph200000iw1kw1pw0",
    "conv2d backward_weights ic1oc1ih1kh200001ph200000iw1kw1pw0",
    "conv2d forward ic1oc1ih100000kh1sh2000000000iw1kw1",
    "conv2d backward_data ic1oc1ih100000kh1sh2000000000iw1kw1",
};

START_TEST(small_tensors_are_planned_at_once)
{
    fcnn_problem p;
    fcnn_plan *plan;
    ck_assert_msg(fcnn_problem_parse(&p, wide[_i]) == FCNN_OK, "%s", fcnn_last_error());
    ck_assert_msg(fcnn_plan_create(&plan, &p, &(fcnn_options){.threads = 1}) == FCNN_OK, "%s", fcnn_last_error());
    fcnn_plan_destroy(plan);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("limits");
    TCase *tests = tcase_create("limits");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, classes_say_which_inputs_meet_which_outputs);
    tcase_add_loop_test(tests, small_tensors_are_planned_at_once, 0, sizeof wide / sizeof *wide);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
