/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/zoo.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io/text.h"
#include "tests/toy.h"

const char *const zoo[] = {
    "input 12x11x2\nconv2d 6 3x3 relu\nmax_pooling2d\nconv2d 4 3x2 same\nflatten\ndense 8 relu\ndense 3\n"
    "compile adam lr=0.01 beta_1=0.85 beta_2=0.99 epsilon=1e-05 seed=7 shards=4\n",
    "input 13x9x4\nzero_padding2d 1x0x2x1\nconv2d 8 3x3 tanh stride=2 groups=2 nobias\nconv2d 4 3x3 same dilation=2x1\n"
    "activation sigmoid\naverage_pooling2d 3x2 same stride=2x1\nflatten\ndropout 0.25\ndense 5 sigmoid nobias\n"
    "dense 3 softmax\ncompile sgd lr=0.05 momentum=0.9 nesterov schedule=step every=3 factor=0.5 seed=1\n",
    "input 10x10x3\nrescaling 0.5 offset=-0.25\ndepthwise_conv2d 3x3 same multiplier=2\nbatch_normalization\n"
    "activation relu\nmax_pooling2d 3x3 same stride=1\nbatch_normalization epsilon=0.01 momentum=0.9 noscale nocenter\n"
    "conv2d 5 2x2 relu same stride=2\nglobal_average_pooling2d\ndense 3\n"
    "compile rmsprop lr=0.002 rho=0.8 momentum=0.1 epsilon=1e-06 schedule=cosine steps=20 alpha=0.1\n",
    "input 6x6x1\nrescaling 2\nflatten\nbatch_normalization\ndense 4 tanh name=hidden\ndense 3 name=\"the end\"\n"
    "compile adamw lr=0.003 weight_decay=0.01 loss=categorical_crossentropy\n",
    "input 7x6x2\ndense 3 tanh\nconv2d 4 2x2\ndense 5 relu nobias\nmax_pooling2d\nflatten\ndense 3\n"
    "compile adam lr=0.01 seed=5\n",
    "input 4x4x1\nflatten\ndense 3 sigmoid\ncompile adam lr=0.01 loss=mean_squared_error\n",
};
const int zoo_count = sizeof zoo / sizeof zoo[0];

/* -1 .. 1, in multiples of 2^-12. */
static float draw(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float)((int)(*state >> 19) - 4096) / 4096;
}

static void redraw(fcnn_model *model, int layer, fcnn_part part, int64_t count, unsigned *state)
{
    float *values = malloc((size_t)(count + 1) * sizeof *values);
    OK(fcnn_layer_get_array(model, layer, FCNN_ARRAY_WEIGHTS, part, values, count));
    for (int64_t i = 0; i < count; i++) {
        if (part == FCNN_PART_MOVING_VARIANCE) values[i] = 1 + draw(state) / 2;
        else values[i] += draw(state) / 8;
    }
    OK(fcnn_layer_set_array(model, layer, FCNN_ARRAY_WEIGHTS, part, values, count));
    free(values);
}

static int64_t count_of(const fcnn_layer_info *info, int part)
{
    return part == FCNN_PART_WEIGHTS ? info->weights : part == FCNN_PART_BIAS ? info->bias : info->moving;
}

fcnn_model *zoo_make(int number)
{
    fcnn_model *model;
    fcnn_compile_options compile;
    int compiles;
    unsigned state = (unsigned)number;
    ck_assert_msg(!io_text_parse(&model, &compile, &compiles, zoo[number], strlen(zoo[number]), "zoo"), "%s",
                  fcnn_io_last_error());
    OK(fcnn_compile(model, &compile));
    for (int i = 0; i < fcnn_model_layers(model); i++) {
        fcnn_layer_info info;
        OK(fcnn_model_layer(model, i, &info));
        for (int part = FCNN_PART_WEIGHTS; part <= FCNN_PART_MOVING_VARIANCE; part++)
            if (count_of(&info, part)) redraw(model, i, (fcnn_part)part, count_of(&info, part), &state);
    }
    return model;
}

void zoo_data(const fcnn_model *model, int n, float **x, int32_t **y)
{
    int64_t h, w, c;
    unsigned state = 99;
    OK(fcnn_model_input(model, &h, &w, &c));
    *x = malloc((size_t)(n * h * w * c) * sizeof **x);
    *y = malloc((size_t)n * sizeof **y);
    for (int64_t i = 0; i < n * h * w * c; i++) (*x)[i] = draw(&state);
    for (int i = 0; i < n; i++) (*y)[i] = i % 2;
}

static void same_array(const fcnn_model *a, const fcnn_model *b, fcnn_array array)
{
    const int64_t count = fcnn_model_parameters(a);
    float *x = malloc((size_t)count * sizeof *x), *y = malloc((size_t)count * sizeof *y);
    ck_assert_int_eq(count, fcnn_model_parameters(b));
    OK(fcnn_model_get_array(a, array, x, count));
    OK(fcnn_model_get_array(b, array, y, count));
    ck_assert(!memcmp(x, y, (size_t)count * sizeof *x));
    free(x);
    free(y);
}

void zoo_same(const fcnn_model *a, const fcnn_model *b, int with_state)
{
    char *first, *second;
    ck_assert(!io_text_format(&first, a, "a") && !io_text_format(&second, b, "b"));
    ck_assert_str_eq(first, second);
    free(first);
    free(second);
    for (int array = FCNN_ARRAY_WEIGHTS; array <= (with_state ? FCNN_ARRAY_MOMENT_2 : FCNN_ARRAY_WEIGHTS); array++)
        same_array(a, b, (fcnn_array)array);
    fcnn_state x, y;
    OK(fcnn_model_get_state(a, &x));
    OK(fcnn_model_get_state(b, &y));
    if (with_state) ck_assert(!memcmp(&x, &y, sizeof x));
}
