/* SPDX-License-Identifier: BSD-2-Clause
 * Problems: defaults, padding, what is refused, their text, their operation counts. */
#include <check.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fill.h"
#include "tests/shapes.h"
#include "tests/suite.h"

static fcnn_problem check(fcnn_problem problem)
{
    ck_assert_msg(fcnn_problem_check(&problem) == FCNN_OK, "%s", fcnn_last_error());
    return problem;
}

START_TEST(defaults)
{
    const fcnn_problem conv = check((fcnn_problem){.h = 5, .w = 4, .c = 3, .k = 2, .r = 2, .s = 3});
    ck_assert_int_eq(conv.n, 1);
    ck_assert_int_eq(conv.stride_h, 1);
    ck_assert_int_eq(conv.dilation_w, 1);
    ck_assert_int_eq(conv.groups, 1);
    ck_assert_int_eq(conv.p, 4);
    ck_assert_int_eq(conv.q, 2);
    const fcnn_problem pool = check((fcnn_problem){.op = FCNN_MAXPOOL, .h = 7, .w = 7, .c = 3, .r = 2, .s = 3});
    ck_assert_int_eq(pool.stride_h, 2);
    ck_assert_int_eq(pool.stride_w, 3);
    ck_assert_int_eq(pool.p, 3);
    ck_assert_int_eq(pool.q, 2);
    ck_assert_int_eq(pool.k, 3);
    const fcnn_problem fused =
        check((fcnn_problem){.op = FCNN_CONV2D_POOL, .h = 13, .w = 12, .c = 1, .k = 1, .r = 3, .s = 3});
    ck_assert_int_eq(fused.p, 5);
    ck_assert_int_eq(fused.q, 5);
}
END_TEST

/* What an operation does not read must not reach sizes or kernels: every field set, and the same problem without. */
START_TEST(unread_fields_are_ignored)
{
    static const struct { fcnn_op op; fcnn_direction direction; int64_t h; } cases[] = {
        {FCNN_DENSE, FCNN_FORWARD, 1}, {FCNN_RELU, FCNN_FORWARD, 5}, {FCNN_SOFTMAX, FCNN_FORWARD, 1},
        {FCNN_REDUCE, FCNN_FORWARD, 1}, {FCNN_ADAM, FCNN_UPDATE, 5},
        {FCNN_BATCH_SUMS, FCNN_FORWARD, 5}, {FCNN_BATCH_NORM, FCNN_BACKWARD_DATA, 5}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const fcnn_problem plain = check((fcnn_problem){.op = cases[i].op, .direction = cases[i].direction, .n = 2,
                                                        .h = cases[i].h, .w = cases[i].h, .c = 4, .k = 4});
        fcnn_problem noisy = {.op = cases[i].op, .direction = cases[i].direction, .n = 2, .h = cases[i].h,
                              .w = cases[i].h, .c = 4, .k = 4, .r = 3, .s = 2, .stride_h = 2, .stride_w = 3,
                              .dilation_h = 2, .dilation_w = 2, .padding = FCNN_PAD_SAME, .pad_top = -1, .groups = 2};
        if (cases[i].op != FCNN_DENSE) noisy.no_bias = 1, noisy.activation = FCNN_RELU_ACTIVATION, noisy.k = 9;
        if (cases[i].op == FCNN_SOFTMAX || cases[i].op == FCNN_REDUCE) noisy.h = 7;
        noisy = check(noisy);
        char noisy_text[256], plain_text[256];
        fcnn_problem_format(&noisy, noisy_text, sizeof noisy_text);
        fcnn_problem_format(&plain, plain_text, sizeof plain_text);
        ck_assert_str_eq(noisy_text, plain_text);
        ck_assert_mem_eq(&noisy.n, &plain.n, offsetof(fcnn_problem, padding) - offsetof(fcnn_problem, n));
        ck_assert_int_eq(noisy.pad_top, plain.pad_top);
        ck_assert_int_eq(noisy.groups, plain.groups);
        ck_assert_int_eq(noisy.p * noisy.q, plain.p * plain.q);
    }
}
END_TEST

/* 2^40 elements are the most, and are allowed. */
START_TEST(the_largest_tensor)
{
    fcnn_problem p = {.op = FCNN_RELU, .n = 1 << 20, .c = 1 << 20};
    ck_assert_int_eq(fcnn_problem_check(&p), FCNN_OK);
    p.n++;
    ck_assert_int_eq(fcnn_problem_check(&p), FCNN_BAD_SHAPE);
}
END_TEST

/* TensorFlow's documentation: out = ceil(in / stride), total = max((out - 1) * stride + window - in, 0), half of it
 * rounded down comes first. */
START_TEST(same_padding)
{
    for (int64_t in = 1; in <= 20; in++)
        for (int64_t window = 1; window <= 7; window++)
            for (int64_t stride = 1; stride <= 4; stride++)
                for (int64_t dilation = 1; dilation <= 3; dilation++) {
                    const fcnn_problem p =
                        check((fcnn_problem){.h = in, .w = 9, .c = 1, .k = 1, .r = window, .stride_h = stride,
                                             .dilation_h = dilation, .padding = FCNN_PAD_SAME});
                    const int64_t out = (in + stride - 1) / stride;
                    const int64_t covered = (out - 1) * stride + (window - 1) * dilation + 1;
                    const int64_t total = covered > in ? covered - in : 0;
                    ck_assert_int_eq(p.p, out);
                    ck_assert_int_eq(p.q, 9);
                    ck_assert_int_eq(p.pad_top, total / 2);
                    ck_assert_int_eq(p.pad_bottom, total - total / 2);
                }
}
END_TEST

START_TEST(valid_padding)
{
    const fcnn_problem p = check((fcnn_problem){.h = 9, .w = 9, .c = 1, .k = 1, .r = 3, .s = 3, .stride_h = 2,
                                                .pad_top = 5, .pad_right = 7, .padding = FCNN_PAD_VALID});
    ck_assert_int_eq(p.p, 4);
    ck_assert_int_eq(p.q, 7);
    ck_assert_int_eq(p.pad_top + p.pad_left + p.pad_bottom + p.pad_right, 0);
}
END_TEST

START_TEST(explicit_padding)
{
    const fcnn_problem p = check((fcnn_problem){.h = 5, .w = 6, .c = 1, .k = 1, .r = 3, .s = 3, .pad_top = 2,
                                                .pad_left = 0, .pad_bottom = 1, .pad_right = 3});
    ck_assert_int_eq(p.p, 6);
    ck_assert_int_eq(p.q, 7);
    ck_assert_int_eq(p.pad_top, 2);
    ck_assert_int_eq(p.pad_right, 3);
    const fcnn_problem agrees = check((fcnn_problem){.h = 5, .w = 5, .c = 1, .k = 1, .r = 3, .s = 3, .p = 3, .q = 3});
    ck_assert_int_eq(agrees.p, 3);
}
END_TEST

START_TEST(steps_that_are_never_made)
{
    const fcnn_problem p = check((fcnn_problem){.h = 7, .w = 9, .c = 1, .k = 1, .r = 3, .s = 1, .stride_h = 2000000000,
                                                .stride_w = 4, .dilation_h = 3, .dilation_w = 2000000000});
    ck_assert_int_eq(p.stride_h, 14);
    ck_assert_int_eq(p.stride_w, 4);
    ck_assert_int_eq(p.dilation_h, 3);
    ck_assert_int_eq(p.dilation_w, 1);
    ck_assert_int_eq(p.p, 1);
    ck_assert_int_eq(p.q, 3);
    const fcnn_problem pool = check((fcnn_problem){.op = FCNN_MAXPOOL, .h = 2, .w = 9, .c = 1, .r = 2, .s = 2,
                                                   .stride_h = 3, .stride_w = 2}); /* models fuse those of stride 2 */
    ck_assert_int_eq(pool.stride_h, 3);
}
END_TEST

/* A problem that is refused, and a word of the sentence that says why. */
static const struct { fcnn_problem problem; fcnn_status status; const char *word; } refused[] = {
    {{.h = 5, .w = 5, .c = 1, .k = 1, .r = 6, .s = 1}, FCNN_BAD_SHAPE, "empty"},
    {{.h = 5, .w = 5, .c = 1, .k = 1, .r = 3, .s = 3, .dilation_w = 3}, FCNN_BAD_SHAPE, "dilation"},
    {{.op = FCNN_CONV2D_POOL, .h = 3, .w = 9, .c = 1, .k = 1, .r = 3, .s = 3}, FCNN_BAD_SHAPE, "pooling"},
    {{.op = FCNN_CONV2D_POOL, .h = 9, .w = 3, .c = 1, .k = 1, .r = 3, .s = 3}, FCNN_BAD_SHAPE, "pooling"},
    {{.op = FCNN_MAXPOOL, .h = 2, .w = 2, .c = 1, .r = 3, .s = 3}, FCNN_BAD_SHAPE, "empty"},
    {{.n = -1, .c = 1, .k = 1}, FCNN_BAD_SHAPE, "n "},
    {{.c = 0, .k = 1}, FCNN_BAD_SHAPE, "c "},
    {{.c = 1, .k = 0}, FCNN_BAD_SHAPE, "k "},
    {{.c = 1, .k = -5}, FCNN_BAD_SHAPE, "-5"},
    {{.c = 1, .k = 1, .stride_h = -1}, FCNN_BAD_SHAPE, "stride_h"},
    {{.c = 1, .k = 1, .dilation_w = -2}, FCNN_BAD_SHAPE, "dilation_w"},
    {{.c = 1, .k = 1, .pad_left = -1}, FCNN_BAD_SHAPE, "pad_left"},
    {{.c = 6, .k = 4, .groups = 4}, FCNN_BAD_SHAPE, "groups"},
    {{.c = 6, .k = 4, .groups = 3}, FCNN_BAD_SHAPE, "groups"},
    {{.c = 6, .k = 6, .groups = -3}, FCNN_BAD_SHAPE, "groups"},
    {{.h = 5, .w = 5, .c = 1, .k = 1, .r = 3, .s = 3, .p = 4, .q = 3}, FCNN_BAD_SHAPE, "4x3"},
    {{.h = 5, .w = 5, .c = 1, .k = 1, .r = 3, .s = 3, .q = 4}, FCNN_BAD_SHAPE, "0x4"},
    {{.h = INT64_MAX, .c = 1, .k = 1}, FCNN_BAD_SHAPE, "h "},
    {{.n = 1 << 30, .h = 1 << 10, .w = 1 << 10, .c = 1, .k = 1}, FCNN_BAD_SHAPE, "input"},
    {{.n = 1 << 30, .c = 1, .k = 1 << 20}, FCNN_BAD_SHAPE, "output"},
    {{.h = 99, .w = 99, .c = 1 << 20, .k = 1 << 20, .r = 9}, FCNN_BAD_SHAPE, "weight"},
    {{.c = INT32_MAX, .k = INT32_MAX, .r = INT32_MAX, .s = INT32_MAX}, FCNN_BAD_SHAPE, "weight"},
    {{.w = 1 << 30, .c = 1 << 9, .k = 1, .r = 1 << 30, .pad_top = 1 << 30}, FCNN_BAD_SHAPE, "with its padding"},
    {{.op = FCNN_DENSE, .h = 2, .c = 1, .k = 1}, FCNN_BAD_SHAPE, "dense"},
    {{.op = (fcnn_op)FCNN_OPS, .c = 1}, FCNN_BAD_ARGUMENT, "operation"},
    {{.op = FCNN_SOFTMAX, .direction = FCNN_BACKWARD_DATA, .c = 1}, FCNN_BAD_ARGUMENT, "softmax"},
    {{.op = FCNN_CONV2D, .direction = FCNN_UPDATE, .c = 1, .k = 1}, FCNN_BAD_ARGUMENT, "direction"},
    {{.op = FCNN_ADAM, .c = 1}, FCNN_BAD_ARGUMENT, "adam"},
    {{.direction = (fcnn_direction)9, .c = 1, .k = 1}, FCNN_BAD_ARGUMENT, "direction"},
    {{.padding = (fcnn_padding)7, .c = 1, .k = 1}, FCNN_BAD_ARGUMENT, "padding"},
    {{.activation = (fcnn_activation)7, .c = 1, .k = 1}, FCNN_BAD_ARGUMENT, "activation"}};
#define REFUSED (int)(sizeof refused / sizeof *refused)

START_TEST(bad_problems)
{
    fcnn_problem problem = refused[_i].problem;
    const fcnn_status status = fcnn_problem_check(&problem);
    ck_assert_msg(status == refused[_i].status, "want \"%s\", got \"%s\"", fcnn_status_text(refused[_i].status),
                  fcnn_status_text(status));
    ck_assert_msg(strstr(fcnn_last_error(), refused[_i].word) != NULL, "\"%s\" does not say \"%s\"", fcnn_last_error(),
                  refused[_i].word);
    ck_assert_int_eq(fcnn_problem_check(NULL), FCNN_BAD_ARGUMENT);
}
END_TEST

static const struct { fcnn_op op; fcnn_direction direction; } kinds[] = {
    {FCNN_CONV2D, FCNN_FORWARD},        {FCNN_CONV2D, FCNN_BACKWARD_WEIGHTS}, {FCNN_CONV2D_POOL, FCNN_FORWARD},
    {FCNN_CONV2D_POOL, FCNN_BACKWARD_DATA}, {FCNN_DENSE, FCNN_BACKWARD_DATA}, {FCNN_MAXPOOL, FCNN_FORWARD},
    {FCNN_AVGPOOL, FCNN_BACKWARD_DATA}, {FCNN_RELU, FCNN_FORWARD},            {FCNN_SOFTMAX, FCNN_FORWARD},
    {FCNN_CROSS_ENTROPY, FCNN_BACKWARD_DATA}, {FCNN_REDUCE, FCNN_FORWARD},    {FCNN_ADAM, FCNN_UPDATE},
    {FCNN_SGD, FCNN_UPDATE},            {FCNN_SIGMOID, FCNN_FORWARD},         {FCNN_TANH, FCNN_BACKWARD_DATA},
    {FCNN_DROPOUT, FCNN_FORWARD},       {FCNN_MSE, FCNN_FORWARD},
    {FCNN_CATEGORICAL_CROSS_ENTROPY, FCNN_BACKWARD_DATA},
    {FCNN_BATCH_SUMS, FCNN_FORWARD},    {FCNN_BATCH_NORM, FCNN_BACKWARD_DATA},
    {FCNN_RMSPROP, FCNN_UPDATE}};
#define KINDS (int)(sizeof kinds / sizeof *kinds)

/* Field by field: between fields there are bytes that mean nothing. */
static int same(const fcnn_problem *a, const fcnn_problem *b)
{
    return a->op == b->op && a->direction == b->direction && a->n == b->n && a->h == b->h && a->w == b->w &&
           a->c == b->c && a->k == b->k && a->r == b->r && a->s == b->s && a->stride_h == b->stride_h &&
           a->stride_w == b->stride_w && a->dilation_h == b->dilation_h && a->dilation_w == b->dilation_w &&
           a->padding == b->padding && a->pad_top == b->pad_top && a->pad_left == b->pad_left &&
           a->pad_bottom == b->pad_bottom && a->pad_right == b->pad_right && a->groups == b->groups &&
           a->no_bias == b->no_bias && a->activation == b->activation && a->p == b->p && a->q == b->q;
}

START_TEST(text_round_trip)
{
    uint64_t state = 7;
    struct problem_list list = shapes_list(kinds[_i].op, kinds[_i].direction, 0);
    for (int i = 0; i < 2000 + list.count; i++) {
        const fcnn_problem p = i < list.count ? list.items[i]
                                              : shapes_random(kinds[_i].op, kinds[_i].direction, &state, 1e7);
        fcnn_problem again = p, back;
        char text[256], text_back[256];
        ck_assert_int_eq(fcnn_problem_check(&again), FCNN_OK);
        ck_assert_msg(same(&p, &again), "a second check changes a problem");
        const int length = fcnn_problem_format(&p, text, sizeof text);
        ck_assert_int_eq(length, strlen(text));
        ck_assert_int_eq(fcnn_problem_format(&p, text_back, 9), length); /* as snprintf */
        ck_assert_int_eq(strlen(text_back), 8);
        ck_assert_msg(fcnn_problem_parse(&back, text) == FCNN_OK, "\"%s\": %s", text, fcnn_last_error());
        fcnn_problem_format(&back, text_back, sizeof text_back);
        ck_assert_str_eq(text, text_back);
        ck_assert_msg(same(&p, &back), "\"%s\" reads back as another problem", text);
    }
    shapes_free(&list);
}
END_TEST

static double count_flops(const fcnn_problem *p)
{
    const int64_t pooled = p->op == FCNN_CONV2D_POOL ? 2 : 1;
    int64_t taps = 0;
    for (int64_t i = 0; i < p->p * pooled; i++)
        for (int64_t j = 0; j < p->q * pooled; j++)
            for (int64_t r = 0; r < p->r; r++)
                for (int64_t s = 0; s < p->s; s++) {
                    const int64_t y = i * p->stride_h + r * p->dilation_h - p->pad_top;
                    const int64_t x = j * p->stride_w + s * p->dilation_w - p->pad_left;
                    taps += y >= 0 && y < p->h && x >= 0 && x < p->w;
                }
    return 2.0 * (double)(taps * p->n * p->k * (p->c / p->groups));
}

START_TEST(flops)
{
    uint64_t state = 11;
    for (int i = 0; i < 300; i++) {
        const fcnn_op op = i % 3 ? FCNN_CONV2D : FCNN_CONV2D_POOL;
        const fcnn_problem p = shapes_random(op, (fcnn_direction)(i % 3), &state, 1e6);
        char text[256];
        fcnn_problem_format(&p, text, sizeof text);
        ck_assert_msg(fcnn_problem_flops(&p) == count_flops(&p), "%s: want %.0f got %.0f", text, count_flops(&p),
                      fcnn_problem_flops(&p));
    }
    fcnn_problem wide; /* no loop over its columns: that took seconds */
    ck_assert_int_eq(fcnn_problem_parse(&wide, "conv2d forward mb1ic3iw4ow5oc8kw666666662"), FCNN_OK);
    ck_assert(fcnn_problem_flops(&wide) == 2.0 * 3 * 8 * 5 * 4);
    const fcnn_problem dense = check((fcnn_problem){.op = FCNN_DENSE, .n = 3, .c = 5, .k = 7});
    ck_assert(fcnn_problem_flops(&dense) == 210);
    const fcnn_problem relu = check((fcnn_problem){.op = FCNN_RELU, .c = 5});
    ck_assert(fcnn_problem_flops(&relu) == 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("problem");
    TCase *cases = tcase_create("problem");
    tcase_add_test(cases, defaults);
    tcase_add_test(cases, unread_fields_are_ignored);
    tcase_add_test(cases, the_largest_tensor);
    tcase_add_test(cases, same_padding);
    tcase_add_test(cases, valid_padding);
    tcase_add_test(cases, explicit_padding);
    tcase_add_test(cases, steps_that_are_never_made);
    tcase_add_loop_test(cases, bad_problems, 0, REFUSED);
    tcase_add_loop_test(cases, text_round_trip, 0, KINDS);
    tcase_add_test(cases, flops);
    tcase_set_timeout(cases, 60);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
