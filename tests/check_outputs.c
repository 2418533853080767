/* SPDX-License-Identifier: BSD-2-Clause
 * fcnn_model_outputs(): each layer's outputs are what the plans of its operation make of the outputs before, the last
 * one's are the logarithms of the probabilities, and a layer that another was fused into shows its own output. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fastcnn.h"
#include "tests/suite.h"
#include "tests/toy.h"

enum { IMAGES = 3 };

/* Outputs of a layer, on the heap. */
static float *outputs_of(const fcnn_model *model, int layer, fcnn_layer_info *info)
{
    OK(fcnn_model_layer(model, layer, info));
    const size_t count = (size_t)(IMAGES * info->h * info->w * info->c);
    float *outputs = malloc(count * sizeof *outputs);
    for (size_t i = 0; i < count; i++) outputs[i] = NAN;
    OK(fcnn_model_outputs(model, layer, toy_images, IMAGES, outputs));
    for (size_t i = 0; i < count; i++) ck_assert(isfinite(outputs[i]));
    return outputs;
}

/* The convolution of toy_build(), by its definition: stride 1, as large as its input, ReLU. */
static double convolved(const fcnn_layer_info *conv, const float *x, const float *weights, const float *bias, int64_t p,
                        int64_t q, int64_t k)
{
    double sum = bias[k];
    for (int64_t r = 0; r < conv->r; r++)
        for (int64_t s = 0; s < conv->s; s++)
            for (int64_t c = 0; c < conv->in_c; c++) {
                const int64_t y = p + r - conv->r / 2, z = q + s - conv->s / 2;
                if (y < 0 || z < 0 || y >= conv->in_h || z >= conv->in_w) continue;
                sum += (double)x[(y * conv->in_w + z) * conv->in_c + c] *
                       (double)weights[((r * conv->s + s) * conv->in_c + c) * conv->c + k];
            }
    return sum > 0 ? sum : 0;
}

START_TEST(a_convolution_before_pooling_shows_itself)
{
    fcnn_model *model = toy_build(&(fcnn_compile_options){.seed = 4});
    fcnn_layer_info conv, pool;
    float weights[9 * 2 * 5], bias[5];
    toy_step(model, 0, 8); /* so that no bias is 0 */
    float *y = outputs_of(model, 0, &conv), *pooled = outputs_of(model, 1, &pool);
    ck_assert_str_eq(pool.class_name, "MaxPooling2D");
    OK(fcnn_layer_get_array(model, 0, FCNN_ARRAY_WEIGHTS, FCNN_PART_WEIGHTS, weights, 90));
    OK(fcnn_layer_get_array(model, 0, FCNN_ARRAY_WEIGHTS, FCNN_PART_BIAS, bias, 5));
    for (int64_t i = 0; i < IMAGES * conv.h * conv.w * conv.c; i++) {
        const int64_t k = i % conv.c, q = i / conv.c % conv.w, p = i / conv.c / conv.w % conv.h;
        const int64_t image = i / (conv.h * conv.w * conv.c);
        const double want = convolved(&conv, toy_images + image * TOY_PIXELS, weights, bias, p, q, k);
        ck_assert_msg(fabs((double)y[i] - want) < 1e-5, "%d: %g instead of %g", (int)i, (double)y[i], want);
    }
    for (int64_t i = 0; i < IMAGES * pool.h * pool.w * pool.c; i++) {
        const int64_t k = i % pool.c, q = i / pool.c % pool.w, p = i / pool.c / pool.w % pool.h;
        const float *at = y + i / (pool.h * pool.w * pool.c) * conv.h * conv.w * conv.c;
        float most = 0;
        for (int64_t j = 0; j < 4; j++)
            most = fmaxf(most, at[((2 * p + j / 2) * conv.w + 2 * q + j % 2) * conv.c + k]);
        ck_assert(pooled[i] == most);
    }
    free(y);
    free(pooled);
    fcnn_model_destroy(model);
}
END_TEST

/* To the bit: what softmax makes of the last outputs. Also where the model ends with a softmax of its own. */
START_TEST(the_last_layer_gives_what_softmax_takes)
{
    fcnn_model *model;
    if (_i == 0) model = toy_build(&(fcnn_compile_options){.seed = 4});
    else {
        OK(fcnn_model_create(&model, 14, 14, 2));
        OK(fcnn_add_flatten(model));
        OK(fcnn_add_layer(model, &(fcnn_layer){.kind = FCNN_LAYER_DENSE, .units = TOY_CLASSES,
                                               .activation = _i == 1 ? FCNN_SOFTMAX_ACTIVATION : FCNN_LINEAR}));
        if (_i == 2)
            OK(fcnn_add_layer(model, &(fcnn_layer){.kind = FCNN_LAYER_ACTIVATION,
                                                   .activation = FCNN_SOFTMAX_ACTIVATION}));
        OK(fcnn_compile(model, NULL));
    }
    fcnn_layer_info last;
    float probabilities[IMAGES * TOY_CLASSES], again[IMAGES * TOY_CLASSES];
    float *y = outputs_of(model, fcnn_model_layers(model) - 1, &last);
    const fcnn_problem problem = {.op = FCNN_SOFTMAX, .n = IMAGES, .c = TOY_CLASSES};
    fcnn_plan *plan;
    OK(fcnn_predict(model, toy_images, IMAGES, probabilities));
    OK(fcnn_plan_create(&plan, &problem, NULL));
    OK(fcnn_execute(plan, &(fcnn_tensors){.src = y, .dst = again}));
    ck_assert(!memcmp(probabilities, again, sizeof again));
    fcnn_plan_destroy(plan);
    free(y);
    fcnn_model_destroy(model);
}
END_TEST

START_TEST(every_layer_has_outputs)
{
    fcnn_model *model = toy_build(&(fcnn_compile_options){.seed = 4});
    float before[TOY_PARAMETERS], after[TOY_PARAMETERS];
    toy_get(model, before);
    for (int i = 0; i < fcnn_model_layers(model); i++) {
        fcnn_layer_info info;
        float *y = outputs_of(model, i, &info);
        const int64_t count = IMAGES * info.h * info.w * info.c;
        int64_t nonzero = 0;
        for (int64_t j = 0; j < count; j++) nonzero += y[j] != 0;
        ck_assert_msg(nonzero > 0, "%s: all 0", info.name);
        if (!strcmp(info.class_name, "Flatten")) { /* the same floats as the layer before */
            fcnn_layer_info last;
            float *x = outputs_of(model, i - 1, &last);
            ck_assert(!memcmp(x, y, (size_t)count * sizeof *x));
            free(x);
        }
        free(y);
    }
    toy_get(model, after);
    ck_assert(!memcmp(before, after, sizeof before));
    fcnn_model_destroy(model);
}
END_TEST

START_TEST(wrong_use_is_refused)
{
    fcnn_model *model = toy_build(NULL), *raw;
    float y[14 * 14 * 5];
    FAILS(FCNN_BAD_ARGUMENT, fcnn_model_outputs(NULL, 0, toy_images, 1, y));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_model_outputs(model, 0, NULL, 1, y));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_model_outputs(model, 0, toy_images, 1, NULL));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_model_outputs(model, 0, toy_images, 0, y));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_model_outputs(model, -1, toy_images, 1, y));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_model_outputs(model, fcnn_model_layers(model), toy_images, 1, y));
    OK(fcnn_model_create(&raw, 14, 14, 2));
    OK(fcnn_add_flatten(raw));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_model_outputs(raw, 0, toy_images, 1, y));
    fcnn_model_destroy(model);
    fcnn_model_destroy(raw);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("outputs");
    TCase *tests = tcase_create("outputs");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_convolution_before_pooling_shows_itself);
    tcase_add_loop_test(tests, the_last_layer_gives_what_softmax_takes, 0, 3);
    tcase_add_test(tests, every_layer_has_outputs);
    tcase_add_test(tests, wrong_use_is_refused);
    suite_add_tcase(suite, tests);
    toy_make_data();
    return run_suite(suite);
}
