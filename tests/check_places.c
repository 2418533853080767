/* SPDX-License-Identifier: BSD-2-Clause
 * Tests of the tests: one bit flipped in one output, at a place where kernels have code of its own (a tail, a phase,
 * a block's edge, the border of a map), must be reported as exactly that. Lists and random problems must both reach
 * it. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness.h"
#include "tests/shapes.h"
#include "tests/suite.h"

#define RANDOM 400 /* problems in which each place must be met */
#define TRIED 3    /* problems of each source on which the fault must be reported */

/* ---- places: an element of the output, or -1 if the problem has no such place ---- */

static int64_t pixels(const fcnn_problem *p) { return p->n * p->p * p->q; }
static int64_t group_k(const fcnn_problem *p) { return p->k / p->groups; }
static int64_t choice_words(const fcnn_problem *p) { return (p->k + 15) / 16 * 3; }
static int is_depthwise(const fcnn_problem *p) { return p->groups > 1 && p->groups == p->c; }

#define PLACE(name, exists, element) \
    static int64_t name(const fcnn_problem *p) { return (exists) ? (element) : -1; }

PLACE(last_lane_of_a_partial_vector, group_k(p) > 16 && group_k(p) % 16, pixels(p) * p->k - 1)
PLACE(last_row_of_a_partial_tile, pixels(p) > 12 && pixels(p) % 12, (pixels(p) - 1) * p->k)
PLACE(first_column_of_a_second_panel, group_k(p) > 64, 64)
PLACE(pixel_of_a_second_block, pixels(p) >= 2048, pixels(p) / 2 * p->k)
PLACE(second_group, p->groups > 1 && group_k(p) > 1 && p->c > p->groups, group_k(p))
PLACE(last_group_of_a_partial_vector, p->groups > 4 && group_k(p) > 1 && group_k(p) <= 8 && p->c > p->groups &&
      p->groups % (16 / group_k(p)), pixels(p) * p->k - 1)
PLACE(strip_of_short_groups, p->groups > 1 && p->c > p->groups && group_k(p) <= 8 && p->q > 28, (p->q - 1) * p->k)
PLACE(multiplied_channel, is_depthwise(p) && p->k > p->c, p->k - 1)
PLACE(band_of_a_depthwise_map, is_depthwise(p) && p->k == p->c && p->h * p->w > 1280, p->p / 2 * p->q * p->k)
PLACE(corner_of_a_padded_map, p->r > 1 && p->s > 1 && p->pad_bottom && p->pad_right, (p->p * p->q - 1) * p->k)
PLACE(tap_of_a_dilated_filter, p->dilation_h > 1 && p->dilation_w > 1 && p->r > 1 && p->s > 1, 0)
PLACE(large_window_on_few_channels, p->r == 7 && p->s == 7 && p->c <= 4, pixels(p) * p->k - 1)
PLACE(pointwise_with_a_stride, p->r == 1 && p->s == 1 && p->stride_h > 1, pixels(p) * p->k - 1)

PLACE(pointwise_with_two_strides, p->r == 1 && p->s == 1 && p->stride_h != p->stride_w && p->c > 16,
      pixels(p) * p->k - 1)

PLACE(second_phase, p->stride_h > 1 && p->stride_w > 1 && p->r > 1 && p->s > 1 && p->h > 1 && p->w > 1,
      (p->w + 1) * p->c)
PLACE(third_phase, p->stride_h > 2 && p->r > 2 && p->h > 2, 2 * p->w * p->c)
PLACE(input_between_windows, p->stride_h > p->r && p->h > p->r && !p->pad_top && p->dilation_h == 1, p->r * p->w * p->c)

/* Filter elements; their sums run over blocks of 8 images. */
static int64_t filter(const fcnn_problem *p) { return p->r * p->s * (p->c / p->groups); }
PLACE(last_filter_element_of_two_blocks, p->n > 8 && filter(p) > 12 && filter(p) % 12, filter(p) * p->k - 1)
PLACE(filter_element_of_three_blocks, p->n > 16 && p->n % 8, 0)
PLACE(filter_element_of_many_blocks, p->n > 40, 0)
PLACE(plane_of_long_groups, p->groups > 1 && group_k(p) > 16 && p->c > p->groups, 16)
PLACE(filter_element_of_short_groups, p->groups > 2 && group_k(p) > 4 && group_k(p) <= 8 && p->c > p->groups,
      filter(p) * p->k - 1)
PLACE(last_bias, !p->no_bias && p->k > 16 && p->k % 16, p->k - 1)

/* Rows of the convolution before its pooling; an odd one is left over. */
static int has_odd_rows(const fcnn_problem *p)
{
    return ((p->h + p->pad_top + p->pad_bottom - (p->r - 1) * p->dilation_h - 1) / p->stride_h + 1) % 2;
}
PLACE(choice_beyond_the_last_channel, p->k % 16, pixels(p) * choice_words(p) - 1)
PLACE(choice_word_of_two_groups, p->groups > 1 && group_k(p) % 16 && p->k % 16 == 0, group_k(p) / 16 * 3)
PLACE(choice_of_the_last_window, pixels(p) > 3, pixels(p) * choice_words(p) - 3)
PLACE(last_window_of_an_odd_map, has_odd_rows(p), pixels(p) * p->k - 1)
PLACE(gradient_of_a_left_over_row, has_odd_rows(p) && p->stride_h == 1 && !p->pad_bottom, p->n * p->h * p->w * p->c - 1)

PLACE(window_of_padding_alone, p->pad_top >= p->r, 0)
PLACE(element_after_a_chunk, p->n * p->h * p->w * p->c > 4096, 4096)
PLACE(row_of_a_tree, p->n > 33, p->c - 1)
PLACE(channel_after_a_task, p->c > 64, 64)
PLACE(squares_of_many_chains, p->n * p->h * p->w > 5 * 64, 3 * p->c - 1)
PLACE(pixel_after_a_task, pixels(p) > 256, 256 * p->c)

static const struct place {
    const char *name;
    fcnn_op op;
    fcnn_direction direction;
    const char *tensor;
    int bit; /* of the element's low 16 bits */
    int64_t (*element)(const fcnn_problem *p);
} places[] = {
#define AT(name, op, direction, tensor, bit) {#name, FCNN_##op, FCNN_##direction, tensor, bit, name}
    AT(last_lane_of_a_partial_vector, CONV2D, FORWARD, "dst", 0),
    AT(last_row_of_a_partial_tile, CONV2D, FORWARD, "dst", 0),
    AT(first_column_of_a_second_panel, CONV2D, FORWARD, "dst", 0),
    AT(pixel_of_a_second_block, CONV2D, FORWARD, "dst", 0),
    AT(second_group, CONV2D, FORWARD, "dst", 0),
    AT(last_group_of_a_partial_vector, CONV2D, FORWARD, "dst", 0),
    AT(strip_of_short_groups, CONV2D, FORWARD, "dst", 0),
    AT(filter_element_of_short_groups, CONV2D, BACKWARD_WEIGHTS, "d_weights", 0),
    AT(plane_of_long_groups, CONV2D, BACKWARD_WEIGHTS, "d_weights", 0),
    AT(multiplied_channel, CONV2D, FORWARD, "dst", 0),
    AT(band_of_a_depthwise_map, CONV2D, FORWARD, "dst", 0),
    AT(corner_of_a_padded_map, CONV2D, FORWARD, "dst", 0),
    AT(tap_of_a_dilated_filter, CONV2D, FORWARD, "dst", 0),
    AT(large_window_on_few_channels, CONV2D, FORWARD, "dst", 0),
    AT(pointwise_with_a_stride, CONV2D, FORWARD, "dst", 0),
    AT(pointwise_with_two_strides, CONV2D, FORWARD, "dst", 0),
    AT(second_phase, CONV2D, BACKWARD_DATA, "d_src", 0),
    AT(third_phase, CONV2D, BACKWARD_DATA, "d_src", 0),
    AT(input_between_windows, CONV2D, BACKWARD_DATA, "d_src", 0),
    AT(last_filter_element_of_two_blocks, CONV2D, BACKWARD_WEIGHTS, "d_weights", 0),
    AT(filter_element_of_three_blocks, CONV2D, BACKWARD_WEIGHTS, "d_weights", 0),
    AT(filter_element_of_three_blocks, CONV2D_POOL, BACKWARD_WEIGHTS, "d_weights", 0),
    AT(last_bias, CONV2D, BACKWARD_WEIGHTS, "d_bias", 0),
    AT(choice_beyond_the_last_channel, CONV2D_POOL, FORWARD, "choice", 15),
    AT(choice_word_of_two_groups, CONV2D_POOL, FORWARD, "choice", 15),
    AT(choice_of_the_last_window, CONV2D_POOL, FORWARD, "choice", 0),
    AT(last_window_of_an_odd_map, CONV2D_POOL, FORWARD, "dst", 0),
    AT(gradient_of_a_left_over_row, CONV2D_POOL, BACKWARD_DATA, "d_src", 0),
    AT(last_row_of_a_partial_tile, DENSE, FORWARD, "dst", 0),
    AT(first_column_of_a_second_panel, DENSE, FORWARD, "dst", 0),
    AT(filter_element_of_many_blocks, DENSE, BACKWARD_WEIGHTS, "d_weights", 0),
    AT(window_of_padding_alone, MAXPOOL, FORWARD, "argmax", 0),
    AT(element_after_a_chunk, RELU, FORWARD, "dst", 0),
    AT(row_of_a_tree, REDUCE, FORWARD, "dst", 0),
    AT(channel_after_a_task, BATCH_SUMS, FORWARD, "dst", 0),
    AT(squares_of_many_chains, BATCH_SUMS, FORWARD, "dst", 0),
    AT(pixel_after_a_task, BATCH_NORM, FORWARD, "dst", 0),
    AT(pixel_after_a_task, BATCH_NORM, BACKWARD_DATA, "d_src", 0),
    AT(channel_after_a_task, BATCH_NORM, BACKWARD_WEIGHTS, "d_weights", 0),
};
#define PLACES (int)(sizeof places / sizeof *places)

/* ---- the kernel with the fault: the reference, damaged when it has done all tasks in one call ---- */

static const struct place *planted;

static void demand(const struct fcnn_query *query, struct fcnn_demand *demand)
{
    naive_kernel(query->problem->op, query->problem->direction)->variant->demand(query, demand);
}

static int find(const struct fcnn_tensor_info *info, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(info[i].name, name) == 0) return i;
    ck_abort_msg("no tensor %s", name);
    return -1;
}

static void run(const struct fcnn_query *query, const fcnn_tensors *t, const struct fcnn_memory *memory,
                enum fcnn_stage stage, int64_t first, int64_t last)
{
    const fcnn_problem *p = query->problem;
    const struct fcnn_choice reference =
        fcnn_row_choice(naive_kernel(p->op, p->direction), p, &fcnn_common_caches);
    struct fcnn_tensor_info info[FCNN_MAX_TENSORS];
    char *data;
    uint16_t word;
    fcnn_row_run(&reference, p, t, memory, stage, first, last);
    if (stage != FCNN_COMPUTE || last - first < fcnn_row_demand(&reference, p).tasks[FCNN_COMPUTE]) return;
    const struct fcnn_tensor_info *at = &info[find(info, fcnn_tensor_list(p, info), planted->tensor)];
    memcpy(&data, (const char *)t + at->offset, sizeof data);
    data += (size_t)planted->element(p) * at->element_size; /* the low half comes first: little-endian */
    memcpy(&word, data, sizeof word);
    word ^= (uint16_t)(1u << planted->bit);
    memcpy(data, &word, sizeof word);
}

/* A NaN is a NaN whatever its bits are. */
static int is_nan(const struct trial *trial, int64_t element)
{
    const int at = find(trial->info, trial->count, planted->tensor);
    return trial->info[at].element_size == 4 && strcmp(planted->tensor, "argmax") &&
           isnan(((const float *)trial->want[at])[element]);
}

/* The first problems that have the place: the report must name one element of its tensor. Returns their number. */
static int try_problems(const struct fcnn_kernel *kernel, const struct problem_list *list)
{
    int tried = 0;
    for (int i = 0; i < list->count && tried < TRIED; i++) {
        struct trial trial;
        char text[HARNESS_TEXT] = "", tensor[32];
        const int64_t element = planted->element(&list->items[i]);
        if (element < 0) continue;
        trial_make(&trial, &list->items[i], 1);
        snprintf(tensor, sizeof tensor, ": %s[", planted->tensor);
        if (!is_nan(&trial, element)) {
            tried++;
            ck_assert_msg(harness_stages(kernel, &trial, text) == 1, "not found: %s in %s", planted->name, trial.text);
            ck_assert_msg(strstr(text, tensor) && strstr(text, ", 1 of "), "%s reported as %s", planted->name, text);
        }
        trial_free(&trial);
    }
    return tried;
}

START_TEST(one_bit)
{
    if (!take_turn(_i)) return;
    planted = &places[_i];
    const struct fcnn_variant variant = {.demand = demand, .run = run};
    const struct fcnn_kernel kernel = {planted->name, planted->op, planted->direction, FCNN_SCALAR, FCNN_EXACT,
                                       &variant};
    struct problem_list list = shapes_list(planted->op, planted->direction, 0), drawn = {0};
    ck_assert_int_eq(shapes_add_random(&drawn, &kernel, RANDOM, 1, 0), RANDOM);
    const int listed = try_problems(&kernel, &list), random = try_problems(&kernel, &drawn);
    ck_assert_msg(listed > 0, "no problem of the lists has a %s", planted->name);
    ck_assert_msg(random > 0, "none of %d random problems has a %s", RANDOM, planted->name);
    shapes_free(&list);
    shapes_free(&drawn);
}
END_TEST

/* ---- one value of one knob ---- */

enum { FEW = 1, OFTEN = 3, MANY = 64 };

static int64_t knob_standard(const struct fcnn_query *query) { return query->problem->k > 4 ? OFTEN : FEW; }

static const struct fcnn_knob knobs[] = {{"cut", 5, {FEW, 2, OFTEN, 9, MANY}, knob_standard}};
static int64_t wrong_value;

static void run_cut(const struct fcnn_query *query, const fcnn_tensors *t, const struct fcnn_memory *memory,
                    enum fcnn_stage stage, int64_t first, int64_t last)
{
    const fcnn_problem *p = query->problem;
    const struct fcnn_choice reference =
        fcnn_row_choice(naive_kernel(p->op, p->direction), p, &fcnn_common_caches);
    fcnn_row_run(&reference, p, t, memory, stage, first, last);
    if (stage == FCNN_COMPUTE && query->knobs[0] == wrong_value) t->dst[0] += 1;
}

/* Each of the five listed values, and any between two of them that are near. */
START_TEST(one_value_of_a_knob)
{
    static const int64_t wrong[] = {FEW, 2, OFTEN, 9, MANY, 4, 5, 6, 7, 8};
    const struct fcnn_variant variant = {.demand = demand, .run = run_cut, FCNN_KNOBS(knobs)};
    const struct fcnn_kernel kernel = {"one_value", FCNN_DENSE, FCNN_FORWARD, FCNN_SCALAR, FCNN_EXACT, &variant};
    struct problem_list list = {0};
    wrong_value = wrong[_i];
    ck_assert_int_eq(shapes_add_random(&list, &kernel, RANDOM, 1, 0), RANDOM);
    int found = 0, right = 0;
    for (int i = 0; i < list.count; i++) {
        struct trial trial;
        char text[HARNESS_TEXT];
        trial_make(&trial, &list.items[i], 1);
        if (!harness_stages(&kernel, &trial, text)) right++;
        else found += strstr(text, "one_value{cut=") != NULL;
        trial_free(&trial);
    }
    ck_assert_int_eq(found + right, list.count);
    ck_assert_msg(found >= 1, "cut=%lld was not drawn", (long long)wrong_value);
    ck_assert_msg(right >= 1, "other values fail, too");
    shapes_free(&list);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("places");
    TCase *faults = tcase_create("one_bit");
    tcase_set_timeout(faults, 300);
    tcase_add_loop_test(faults, one_bit, 0, PLACES);
    tcase_add_loop_test(faults, one_value_of_a_knob, 0, 10);
    suite_add_tcase(suite, faults);
    const struct tally tally = run_dealt(suite, PLACES);
    printf("%d of %d places tried, %d failed\n", tally.run, PLACES, tally.failed);
    return tally.failed || !tally.run;
}
