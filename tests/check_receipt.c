/* SPDX-License-Identifier: BSD-2-Clause
 * Receipts: what a run is, which classes trained, and the JSON with SHA-256 that binds everything. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io/receipt.h"
#include "tests/suite.h"
#include "tests/toy.h"

static const fcnn_fit_options plain = {.epochs = 2, .batch_size = 5};

static fcnn_receipt receipt_of(const fcnn_model *model)
{
    fcnn_receipt receipt;
    OK(fcnn_model_receipt(model, &receipt));
    return receipt;
}

static void fit(fcnn_model *model, const fcnn_fit_options *options)
{
    OK(fcnn_fit(model, toy_images, toy_labels, TOY_IMAGES, options, NULL));
}

/* ---- runs ---- */

START_TEST(a_run_from_the_seed)
{
    const fcnn_compile_options compile = {.seed = 9, .shards = 3, .learning_rate = 0.5f, .momentum = 0.25f,
                                          .optimizer = FCNN_OPTIMIZER_SGD};
    fcnn_model *model = toy_build(&compile);
    fcnn_receipt r = receipt_of(model);
    ck_assert(!r.given && r.seed == 9 && r.shards == 3 && !r.steps && !r.epochs && !r.images && !*r.data);
    ck_assert(r.first_step == 0 && r.first_epoch == 0 && r.first_beta_1_power == 1 && r.first_beta_2_power == 1);
    ck_assert_str_eq(r.classes, "");
    fit(model, &(fcnn_fit_options){.epochs = 2, .batch_size = 4, .validation_split = 0.25, .no_shuffle = 1});
    r = receipt_of(model);
    ck_assert(!r.given && !r.altered && !r.stopped && !r.diverged_step && r.steps == 6 && r.epochs == 2);
    ck_assert(r.images == 12 && r.validation_images == 4 && r.batch_size == 4 && !r.shuffled && !r.keep_going);
    ck_assert(r.validation_split == 0.25 && r.optimizer == FCNN_OPTIMIZER_SGD && r.numerics >= 1);
    ck_assert(r.learning_rate == 0.5f && r.momentum == 0.25f && !r.beta_1 && !r.beta_2 && !r.epsilon);
    ck_assert_str_eq(r.classes, "exact");
    fcnn_model_destroy(model);
}
END_TEST

START_TEST(equal_fits_are_one_run_others_begin_anew)
{
    fcnn_model *model = toy_build(NULL);
    float before[TOY_PARAMETERS], moment[TOY_PARAMETERS], initial[TOY_PARAMETERS], first[TOY_PARAMETERS];
    toy_get(model, first);
    fit(model, &plain);
    fit(model, &plain);
    fcnn_receipt r = receipt_of(model);
    ck_assert(!r.given && r.epochs == 4 && r.steps == 16 && r.first_step == 0);
    OK(fcnn_model_get_array(model, FCNN_ARRAY_INITIAL_WEIGHTS, initial, TOY_PARAMETERS));
    ck_assert(!memcmp(initial, first, sizeof first));
    toy_get(model, before);
    fcnn_state state;
    OK(fcnn_model_get_state(model, &state));
    OK(fcnn_model_get_array(model, FCNN_ARRAY_MOMENT_2, moment, TOY_PARAMETERS));
    fit(model, &(fcnn_fit_options){.epochs = 1, .batch_size = 6});
    r = receipt_of(model);
    ck_assert(r.given && r.epochs == 1 && r.steps == 19 && r.first_step == 16 && r.first_epoch == 4);
    ck_assert(r.first_beta_1_power == state.beta_1_power && r.first_beta_2_power == state.beta_2_power);
    ck_assert(state.beta_1_power < state.beta_2_power && state.beta_2_power < 1 && r.batch_size == 6);
    OK(fcnn_model_get_array(model, FCNN_ARRAY_INITIAL_WEIGHTS, initial, TOY_PARAMETERS));
    ck_assert(!memcmp(initial, before, sizeof before));
    OK(fcnn_model_get_array(model, FCNN_ARRAY_INITIAL_MOMENT_2, initial, TOY_PARAMETERS));
    ck_assert(!memcmp(initial, moment, sizeof moment));
    fcnn_model_destroy(model);
}
END_TEST

/* 16 images: both splits leave 12. */
START_TEST(fits_that_differ_in_little_are_two_runs)
{
    const fcnn_fit_options fits[] = {{.batch_size = 4, .validation_split = 0.25},
                                     {.batch_size = 4, .validation_split = 0.2},
                                     {.batch_size = 4, .validation_split = 0.2, .keep_going = 1}};
    fcnn_model *model = toy_build(NULL);
    for (int i = 0; i < 3; i++) {
        fit(model, &fits[i]);
        const fcnn_receipt r = receipt_of(model);
        ck_assert(r.given == (i > 0) && r.epochs == 1 && r.first_epoch == i && r.images == 12);
        ck_assert(r.validation_split == fits[i].validation_split && r.keep_going == fits[i].keep_going);
    }
    fcnn_model_destroy(model);
}
END_TEST

START_TEST(weights_that_were_set_are_not_the_seeds)
{
    fcnn_model *model = toy_build(&(fcnn_compile_options){.seed = 4});
    float weights[TOY_PARAMETERS] = {0}, initial[TOY_PARAMETERS];
    for (int i = 0; i < TOY_PARAMETERS; i++) weights[i] = (float)(i % 17 - 8) / 64;
    OK(fcnn_model_set_weights(model, weights, TOY_PARAMETERS));
    ck_assert(receipt_of(model).given && !*receipt_of(model).data);
    for (int i = 0; i < 2; i++) { /* before and after training */
        OK(fcnn_model_get_array(model, FCNN_ARRAY_INITIAL_WEIGHTS, initial, TOY_PARAMETERS));
        ck_assert(!memcmp(initial, weights, sizeof weights));
        if (!i) fit(model, &plain);
    }
    fcnn_receipt r = receipt_of(model);
    ck_assert(r.given && r.seed == 4 && r.steps == 8 && r.epochs == 2);
    OK(fcnn_model_set_state(model, &(fcnn_state){.beta_1_power = 1, .beta_2_power = 1}));
    r = receipt_of(model);
    ck_assert(r.given && !r.steps && !r.epochs && !*r.data && !*r.classes);
    fcnn_model_destroy(model);
}
END_TEST

START_TEST(layers_that_were_set_end_a_run)
{
    fcnn_model *model = toy_build(NULL);
    float bias[TOY_PARAMETERS];
    fcnn_layer_info info;
    const int layer = fcnn_model_layers(model) - 1;
    OK(fcnn_model_layer(model, layer, &info));
    fit(model, &plain);
    OK(fcnn_layer_get_array(model, layer, FCNN_ARRAY_WEIGHTS, FCNN_PART_BIAS, bias, info.bias));
    OK(fcnn_layer_set_array(model, layer, FCNN_ARRAY_WEIGHTS, FCNN_PART_BIAS, bias, info.bias));
    ck_assert(!*receipt_of(model).data && receipt_of(model).given);
    fcnn_model_destroy(model);
}
END_TEST

struct meddler {
    fcnn_model *model;
    int stop;
};

static int meddle(void *context, const fcnn_progress *progress)
{
    const struct meddler *meddler = context;
    float weights[TOY_PARAMETERS];
    if (progress->step != 2) return 0;
    toy_get(meddler->model, weights);
    OK(fcnn_model_set_weights(meddler->model, weights, TOY_PARAMETERS));
    return meddler->stop;
}

START_TEST(callbacks_that_meddle_or_stop_are_marked)
{
    struct meddler meddler = {.model = toy_build(NULL)};
    fcnn_fit_options options = {.batch_size = 4, .callback = meddle, .context = &meddler};
    fit(meddler.model, &options);
    fcnn_receipt r = receipt_of(meddler.model);
    ck_assert(r.altered && !r.given && !r.stopped && r.steps == 4);
    meddler.stop = 1;
    FAILS(FCNN_INTERRUPTED, fcnn_fit(meddler.model, toy_images, toy_labels, TOY_IMAGES, &options, NULL));
    r = receipt_of(meddler.model);
    ck_assert(r.altered && r.stopped && r.steps == 6 && r.epochs == 1);
    options.callback = NULL; /* an equal fit ends the epoch */
    fit(meddler.model, &options);
    r = receipt_of(meddler.model);
    ck_assert(!r.given && r.altered && !r.stopped && r.first_step == 0 && r.epochs == 2 && r.steps == 8);
    options.callback = meddle;
    FAILS(FCNN_INTERRUPTED, fcnn_fit(meddler.model, toy_images, toy_labels, TOY_IMAGES, &options, NULL));
    options = (fcnn_fit_options){.batch_size = 8}; /* another one begins the epoch anew */
    fit(meddler.model, &options);
    r = receipt_of(meddler.model);
    ck_assert(r.given && !r.altered && !r.stopped && r.first_step == 10 && r.first_epoch_steps == 0);
    ck_assert(r.epochs == 1 && r.steps == 12);
    fcnn_model_destroy(meddler.model);
}
END_TEST

/* ---- classes ---- */

static int has_winograd(void)
{
    fcnn_machine machine;
    fcnn_machine_describe(&machine);
    return (machine.isas & (1u << FCNN_AVX2 | 1u << FCNN_AVX512)) != 0;
}

/* A convolution that Winograd can serve in shards of 8 images. */
static fcnn_model *build(const char *math)
{
    fcnn_model *model;
    const fcnn_options kernels = {.math = math};
    OK(fcnn_model_create(&model, 16, 16, 16));
    OK(fcnn_add_conv2d(model, 16, 3, 3, 1, FCNN_PAD_SAME, FCNN_LINEAR));
    OK(fcnn_add_flatten(model));
    OK(fcnn_add_dense(model, 2, FCNN_LINEAR));
    OK(fcnn_compile(model, &(fcnn_compile_options){.shards = 1, .kernels = &kernels}));
    return model;
}

/* Mask of the classes of all kernels that one line of the model uses. */
static void used(fcnn_model *model, int line, char *text, size_t size)
{
    OK(fcnn_model_kernels(model, line, text, size));
}

START_TEST(classes_are_those_that_trained)
{
    static float x[8 * 16 * 16 * 16];
    static const int32_t y[8] = {0, 1, 0, 1, 1, 0, 0, 1};
    fcnn_metrics metrics;
    char line[512];
    for (int i = 0; i < 8 * 16 * 16 * 16; i++) x[i] = (float)(i * 37 % 101) / 101;
    fcnn_model *exact = build("exact"), *both = build("exact,winograd_f2");
    OK(fcnn_evaluate(both, x, y, 8, &metrics));
    ck_assert_str_eq(receipt_of(both).classes, "");
    OK(fcnn_fit(exact, x, y, 8, NULL, NULL));
    ck_assert_str_eq(receipt_of(exact).classes, "exact");
    OK(fcnn_fit(both, x, y, 8, NULL, NULL));
    used(both, 0, line, sizeof line);
    ck_assert_str_eq(receipt_of(both).classes, strstr(line, "winograd") ? "exact,winograd_f2" : "exact");
    if (!has_winograd() || !strstr(line, "winograd")) printf("SKIP: no Winograd kernel here: %s\n", line);
    fcnn_model_destroy(exact);
    fcnn_model_destroy(both);
}
END_TEST

/* ---- JSON ---- */

START_TEST(sha256_is_that_of_the_bytes)
{
    char text[65];
    const int32_t abcd[] = {0x64636261};
    const float zeros[] = {0.0f, -0.0f}, x[] = {1.5f};
    fcnn_sha256(text, NULL, 0, NULL, 0); /* of nothing; "abcd"; eight zero bytes; 00 00 c0 3f "abcd" */
    ck_assert_str_eq(text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    fcnn_sha256(text, NULL, 0, abcd, 1);
    ck_assert_str_eq(text, "88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589");
    fcnn_sha256(text, zeros, 2, NULL, 0);
    ck_assert_str_eq(text, "af5570f5a1810b7af78caf4bc70a660f0df51e42baf91d4de5b2328de0e83dfc");
    fcnn_sha256(text, x, 1, abcd, 1);
    ck_assert_str_eq(text, "bf7fab454791ba811311d6329c4b2938ac089549691e9308a7ba87bb83bf1c49");
}
END_TEST

static char *text_of(const fcnn_model *model, const float *x, const int32_t *y)
{
    json_t *json;
    char message[256] = "";
    ck_assert_msg(fcnn_receipt_json(&json, model, x, y, message, sizeof message) == FCNN_OK, "%s", message);
    char *text = fcnn_receipt_text(json);
    ck_assert_ptr_nonnull(text);
    json_decref(json);
    return text;
}

static const struct variation {
    fcnn_compile_options compile;
    fcnn_fit_options fit;
    int image, label, initial; /* what is changed: 1 + index */
} variations[] = {
    {.fit = {.epochs = 1}}, /* the one that the others differ from */
    {.fit = {.epochs = 1}, .image = 7},
    {.fit = {.epochs = 1}, .label = 3},
    {.fit = {.epochs = 1}, .initial = 11},
    {.fit = {.epochs = 2}},
    {.fit = {.epochs = 1, .batch_size = 8}},
    {.fit = {.epochs = 1, .no_shuffle = 1}},
    {.fit = {.epochs = 1, .keep_going = 1}},
    {.fit = {.epochs = 1, .validation_split = 0.2}},
    {.fit = {.epochs = 1}, .compile = {.seed = 1}},
    {.fit = {.epochs = 1}, .compile = {.shards = 7}},
    {.fit = {.epochs = 1}, .compile = {.learning_rate = 1.001e-3f}},
    {.fit = {.epochs = 1}, .compile = {.beta_1 = 0.91f}},
    {.fit = {.epochs = 1}, .compile = {.beta_2 = 0.9991f}},
    {.fit = {.epochs = 1}, .compile = {.epsilon = 1.001e-7f}},
    {.fit = {.epochs = 1}, .compile = {.optimizer = FCNN_OPTIMIZER_SGD}},
    {.fit = {.epochs = 1}, .compile = {.optimizer = FCNN_OPTIMIZER_SGD, .momentum = 0.1f}},
};
#define VARIATIONS ((int)(sizeof variations / sizeof variations[0]))

static char *vary(const struct variation *v)
{
    static float x[TOY_IMAGES * TOY_PIXELS];
    int32_t y[TOY_IMAGES];
    float weights[TOY_PARAMETERS];
    fcnn_model *model = toy_build(&v->compile);
    memcpy(x, toy_images, sizeof x);
    memcpy(y, toy_labels, sizeof y);
    if (v->image) x[v->image] += 0x1p-20f;
    if (v->label) y[v->label] = (y[v->label] + 1) % TOY_CLASSES;
    if (v->initial) {
        toy_get(model, weights);
        weights[v->initial] += 0x1p-20f;
        OK(fcnn_model_set_weights(model, weights, TOY_PARAMETERS));
    }
    OK(fcnn_fit(model, x, y, TOY_IMAGES, &v->fit, NULL));
    char *text = text_of(model, x, y);
    fcnn_model_destroy(model);
    return text;
}

START_TEST(every_change_of_a_run_changes_its_receipt)
{
    char *texts[VARIATIONS];
    for (int i = 0; i < VARIATIONS; i++) {
        texts[i] = vary(&variations[i]);
        for (int j = 0; j < i; j++) ck_assert_msg(strcmp(texts[i], texts[j]), "receipts %d and %d are equal", i, j);
    }
    char *again = vary(&variations[0]);
    ck_assert_str_eq(texts[0], again);
    free(again);
    for (int i = 0; i < VARIATIONS; i++) free(texts[i]);
}
END_TEST

/* Layers of one shape that differ in one member. */
#define SAME_CONV .kind = FCNN_LAYER_CONV2D, .units = 4, .r = 3, .s = 3, .padding = FCNN_PAD_SAME
#define NORMALIZATION .kind = FCNN_LAYER_BATCH_NORMALIZATION
static const fcnn_layer alike[] = {
    {SAME_CONV},
    {SAME_CONV, .no_bias = 1},
    {SAME_CONV, .dilation_w = 2},
    {SAME_CONV, .groups = 2},
    {SAME_CONV, .activation = FCNN_TANH_ACTIVATION},
    {SAME_CONV, .activation = FCNN_SIGMOID_ACTIVATION},
    {.kind = FCNN_LAYER_DEPTHWISE_CONV2D, .r = 3, .s = 3, .padding = FCNN_PAD_SAME},
    {.kind = FCNN_LAYER_ACTIVATION},
    {.kind = FCNN_LAYER_ACTIVATION, .activation = FCNN_RELU_ACTIVATION},
    {.kind = FCNN_LAYER_DROPOUT, .rate = 0.25f},
    {.kind = FCNN_LAYER_DROPOUT, .rate = 0.5f},
    {NORMALIZATION},
    {NORMALIZATION, .epsilon = 1e-4f},
    {NORMALIZATION, .momentum = 0.9f},
    {NORMALIZATION, .no_scale = 1},
    {NORMALIZATION, .no_center = 1},
    {.kind = FCNN_LAYER_ZERO_PADDING2D, .pad_top = 1},
    {.kind = FCNN_LAYER_ZERO_PADDING2D, .pad_bottom = 1},
    {.kind = FCNN_LAYER_RESCALING, .scale = 1},
    {.kind = FCNN_LAYER_RESCALING, .scale = 2},
    {.kind = FCNN_LAYER_RESCALING, .scale = 2, .offset = 1},
};
#define ALIKE ((int)(sizeof alike / sizeof alike[0]))

static char *text_with(const fcnn_layer *layer)
{
    fcnn_model *model;
    OK(fcnn_model_create(&model, 4, 4, 4));
    OK(fcnn_add_layer(model, layer));
    OK(fcnn_add_flatten(model));
    OK(fcnn_add_dense(model, 2, FCNN_LINEAR));
    OK(fcnn_compile(model, NULL));
    char *text = text_of(model, NULL, NULL);
    fcnn_model_destroy(model);
    return text;
}

/* Not by their initial weights alone, which other layers have too: by what the receipt says of them. */
START_TEST(every_member_of_a_layer_is_in_the_receipt)
{
    char *texts[ALIKE];
    for (int i = 0; i < ALIKE; i++) {
        char *text = text_with(&alike[i]);
        json_t *json = json_loads(text, 0, NULL);
        texts[i] = json_dumps(json_array_get(json_object_get(json, "layers"), 0), JSON_SORT_KEYS);
        json_decref(json);
        free(text);
        for (int j = 0; j < i; j++) ck_assert_msg(strcmp(texts[i], texts[j]), "layers %d and %d: %s", i, j, texts[i]);
    }
    for (int i = 0; i < ALIKE; i++) free(texts[i]);
}
END_TEST

/* Kernels and threads are no part of it. */
START_TEST(one_run_has_one_receipt)
{
    struct variation v = variations[0];
    char *plain_text = vary(&v);
    v.compile.kernels = &(fcnn_options){.threads = 3, .isa = "scalar"};
    char *other = vary(&v);
    ck_assert_str_eq(plain_text, other);
    free(plain_text);
    free(other);
}
END_TEST

/* Members in their order; the model's topology; nothing before a fit. */
START_TEST(the_json_is_one_object_with_sorted_keys)
{
    static const char *const keys[] = {"classes", "data", "epochs", "fit", "initial", "input", "kernel", "layers",
                                       "loss", "math", "model", "numerics", "optimizer", "receipt", "receipt_sha256",
                                       "result", "seed", "shards", "source", "trail", "versions"};
    fcnn_model *model = toy_build(&(fcnn_compile_options){.seed = UINT64_MAX});
    char *text = text_of(model, NULL, NULL);
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    ck_assert(json_is_object(json) && json_object_size(json) == sizeof keys / sizeof keys[0]);
    const char *at = text;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        char member[32];
        snprintf(member, sizeof member, "\n \"%s\":", keys[i]);
        ck_assert_msg((at = strstr(at, member)) != NULL, "%s is not in its place:\n%s", keys[i], text);
    }
    ck_assert(text[strlen(text) - 1] == '\n');
    ck_assert_str_eq(json_string_value(json_object_get(json, "seed")), "18446744073709551615");
    ck_assert(json_is_null(json_object_get(json, "data")));
    const json_t *layers = json_object_get(json, "layers");
    ck_assert_int_eq((int)json_array_size(layers), fcnn_model_layers(model));
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(layers, 2), "padding")), "same");
    json_decref(json);
    free(text);
    fcnn_model_destroy(model);
}
END_TEST

START_TEST(the_json_says_what_the_run_was)
{
    fcnn_model *model = toy_build(NULL);
    float values[TOY_PARAMETERS];
    char sha256[65];
    fit(model, &plain);
    fit(model, &(fcnn_fit_options){.epochs = 3, .batch_size = 4});
    char *text = text_of(model, toy_images, toy_labels);
    ck_assert(strstr(text, "\"epochs\": 3,") && strstr(text, "\"epoch\": 2,") && strstr(text, "\"steps\": 20,"));
    for (int array = 0; array <= FCNN_ARRAY_INITIAL_MOMENT_2; array++) {
        OK(fcnn_model_get_array(model, (fcnn_array)array, values, TOY_PARAMETERS));
        fcnn_sha256(sha256, values, TOY_PARAMETERS, NULL, 0);
        ck_assert_msg(strstr(text, sha256) != NULL, "array %d: no %s in\n%s", array, sha256, text);
    }
    free(text);
    fcnn_model_destroy(model);
}
END_TEST

START_TEST(other_data_than_the_runs_are_refused)
{
    fcnn_model *model = toy_build(NULL);
    json_t *json;
    char message[256];
    ck_assert_int_eq(fcnn_receipt_json(&json, NULL, NULL, NULL, message, sizeof message), FCNN_BAD_ARGUMENT);
    fit(model, &plain);
    ck_assert_int_eq(fcnn_receipt_json(&json, model, NULL, NULL, message, sizeof message), FCNN_BAD_ARGUMENT);
    ck_assert_int_eq(fcnn_receipt_json(&json, model, toy_images, toy_labels, message, sizeof message), FCNN_OK);
    json_decref(json);
    toy_images[TOY_IMAGES * TOY_PIXELS - 1] += 1; /* the last one that trained */
    ck_assert_int_eq(fcnn_receipt_json(&json, model, toy_images, toy_labels, message, sizeof message), FCNN_BAD_DATA);
    ck_assert(!json && strstr(message, "data"));
    toy_images[TOY_IMAGES * TOY_PIXELS - 1] -= 1;
    fcnn_model_destroy(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("receipt");
    TCase *tests = tcase_create("receipt");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_run_from_the_seed);
    tcase_add_test(tests, equal_fits_are_one_run_others_begin_anew);
    tcase_add_test(tests, fits_that_differ_in_little_are_two_runs);
    tcase_add_test(tests, weights_that_were_set_are_not_the_seeds);
    tcase_add_test(tests, layers_that_were_set_end_a_run);
    tcase_add_test(tests, callbacks_that_meddle_or_stop_are_marked);
    tcase_add_test(tests, classes_are_those_that_trained);
    tcase_add_test(tests, sha256_is_that_of_the_bytes);
    tcase_add_test(tests, every_change_of_a_run_changes_its_receipt);
    tcase_add_test(tests, every_member_of_a_layer_is_in_the_receipt);
    tcase_add_test(tests, one_run_has_one_receipt);
    tcase_add_test(tests, the_json_is_one_object_with_sorted_keys);
    tcase_add_test(tests, the_json_says_what_the_run_was);
    tcase_add_test(tests, other_data_than_the_runs_are_refused);
    suite_add_tcase(suite, tests);
    toy_make_data();
    return run_suite(suite);
}
