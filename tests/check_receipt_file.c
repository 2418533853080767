/* SPDX-License-Identifier: BSD-2-Clause
 * Receipts as files: written and read again for every kind of model, refused with one byte changed or cut off, with a
 * member missing or of another type, however deep or large; where two receipts differ. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io/receipt.h"
#include "lib/io/text.h"
#include "tests/suite.h"
#include "tests/toy.h"
#include "tests/zoo.h"

#define IMAGES 12
#define EPOCHS 2

static struct fcnn_receipt_epoch epochs[EPOCHS];

static int watch(void *context, const fcnn_progress *progress)
{
    fcnn_model *model = context;
    fcnn_state state;
    if (!progress->epoch_ended) return 0;
    OK(fcnn_model_get_state(model, &state));
    epochs[progress->epoch - 1] = (struct fcnn_receipt_epoch){
        .steps = state.steps, .loss = progress->loss, .accuracy = progress->accuracy, .val_loss = progress->val_loss,
        .val_accuracy = progress->val_accuracy, .validated = 1};
    memset(epochs[progress->epoch - 1].weights, 'a', 64);
    return 0;
}

/* Of model `number` of the zoo after two epochs. */
static json_t *receipt_of(int number, char **model_text, fcnn_compile_options *compile)
{
    json_t *json;
    float *x;
    int32_t *y;
    char message[512] = "";
    fcnn_model *model = zoo_make(number);
    zoo_data(model, IMAGES, &x, &y);
    const fcnn_fit_options fit = {.epochs = EPOCHS, .batch_size = 5, .validation_split = 0.25, .callback = watch,
                                  .context = model, .keep_going = 1};
    OK(fcnn_fit(model, x, y, IMAGES, &fit, NULL));
    const struct fcnn_receipt_run run = {.kind = "synthetic digits", .synthetic = 1, .seed = UINT64_MAX,
                                         .images = IMAGES, .scaled = 1, .scale = 0.1, .offset = -0.5,
                                         .math = "exact,winograd_f4", .kernel = "*_winograd_f4_*", .epochs = epochs,
                                         .trail = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"};
    ck_assert_msg(!fcnn_receipt_json_run(&json, model, x, y, &run, message, sizeof message), "%s", message);
    ck_assert(!io_text_format(model_text, model, "model"));
    OK(fcnn_model_compile_options(model, compile));
    fcnn_model_destroy(model);
    free(x);
    free(y);
    return json;
}

static char *text_of(int number)
{
    char *model;
    fcnn_compile_options compile;
    json_t *json = receipt_of(number, &model, &compile);
    char *text = fcnn_receipt_text(json);
    ck_assert_ptr_nonnull(text);
    json_decref(json);
    free(model);
    return text;
}

/* ---- what is written reads back ---- */

START_TEST(every_model_reads_back)
{
    char *model;
    fcnn_compile_options compile, again = {0};
    fcnn_model *built;
    struct fcnn_receipt_file file;
    int compiles;
    json_t *json = receipt_of(_i, &model, &compile);
    char *text = fcnn_receipt_text(json);
    ck_assert_msg(!fcnn_receipt_parse(&file, text, strlen(text), "it"), "%s", fcnn_io_last_error());
    ck_assert_str_eq(file.model, model);
    ck_assert(!io_text_parse(&built, &again, &compiles, file.model, strlen(file.model), "it"));
    OK(fcnn_compile(built, &again));
    OK(fcnn_model_compile_options(built, &again));
    ck_assert(compiles && !memcmp(&again, &compile, sizeof again));
    fcnn_model_destroy(built);
    char *spelled = fcnn_receipt_text(file.json);
    ck_assert_str_eq(spelled, text);
    fcnn_receipt_close(&file);
    free(spelled);
    free(text);
    free(model);
    json_decref(json);
}
END_TEST

START_TEST(every_member_reads_back)
{
    struct fcnn_receipt_file file;
    char *text = text_of(0);
    ck_assert(!fcnn_receipt_parse(&file, text, strlen(text), "it"));
    ck_assert(file.numerics >= 1 && file.synthetic && file.seed == UINT64_MAX && file.images == IMAGES);
    ck_assert(file.scaled && file.scale == 0.1 && file.offset == -0.5);
    ck_assert_str_eq(file.math, "exact,winograd_f4");
    ck_assert_str_eq(file.kernel, "*_winograd_f4_*");
    ck_assert_str_eq(file.kind, "synthetic digits");
    ck_assert(strlen(file.data) == 64 && strlen(file.validation) == 64 && strcmp(file.data, file.validation));
    ck_assert(file.fit.epochs == EPOCHS && file.fit.batch_size == 5 && file.fit.validation_split == 0.25);
    ck_assert(!file.fit.no_shuffle && file.fit.keep_going && !file.altered && !file.stopped);
    ck_assert(file.given && !file.first.steps && !file.first.epochs); /* the zoo's weights are set */
    ck_assert(file.first.beta_1_power == 1 && file.steps == 2 * EPOCHS && strlen(file.trail) == 64);
    ck_assert(strlen(file.initial[0]) == 64 && !strcmp(file.initial[1], file.initial[2]));
    fcnn_receipt_close(&file);
    free(text);
}
END_TEST

/* ---- damage ---- */

static void refused(const char *text, size_t count, const char *what)
{
    struct fcnn_receipt_file file;
    const fcnn_status status = fcnn_receipt_parse(&file, text, count, "it");
    ck_assert_msg(status == FCNN_BAD_DATA && !strncmp(fcnn_io_last_error(), "it:", 3), "%s is taken: %s", what,
                  fcnn_io_last_error());
    fcnn_receipt_close(&file);
}

START_TEST(every_changed_byte_is_seen)
{
    char *text = text_of(0), what[64];
    const size_t count = strlen(text);
    for (size_t i = 0; i < count; i++) {
        const char was = text[i];
        snprintf(what, sizeof what, "byte %zu changed", i);
        text[i] = was >= '0' && was < '9' ? (char)(was + 1) : was == '9' ? '0' : (char)(was ^ 1);
        refused(text, count, what);
        text[i] = ' ';
        if (was != ' ') refused(text, count, what);
        text[i] = was;
    }
    free(text);
}
END_TEST

START_TEST(every_truncation_is_seen)
{
    char *text = text_of(0);
    const size_t count = strlen(text);
    for (size_t i = 0; i < count; i++) refused(text, i, "a truncated text");
    char *longer = malloc(count + 2);
    ck_assert_ptr_nonnull(longer);
    snprintf(longer, count + 2, "%s\n", text);
    refused(longer, count + 1, "one more byte");
    longer[count] = 0;
    refused(longer, count + 1, "a byte that is 0");
    free(longer);
    free(text);
}
END_TEST

/* ---- lies: with a hash of their own ---- */

static const struct lie {
    const char *part, *member; /* part "": of the whole */
    const char *value;         /* JSON; NULL: missing */
    const char *sentence;      /* what the complaint has; NULL: it is no lie that reading can see */
} lies[] = {
    {"", "receipt", "3", "format 3"},
    {"", "receipt", "1", "format 1"},
    {"", "receipt", "\"2\"", "receipt"},
    {"", "numerics", "0", "numerics"},
    {"", "numerics", NULL, "numerics is missing"},
    {"", "numerics", "99999999999", "numerics"},
    {"", "model", "[]", "model"},
    {"", "model", "\"input 2x2x1\"", "model"},
    {"", "model", "[1]", "model"},
    {"", "model", "[\"input 2x2x1\\nflatten\"]", "model"},
    {"", "model", NULL, "model"},
    {"", "math", "[\"exakt\"]", "math"},
    {"", "math", "[]", "math"},
    {"", "math", "[\"exact,winograd_f2\"]", "math"},
    {"", "kernel", "1", "kernel"},
    {"", "source", "null", "source"},
    {"", "fit", "[]", "fit"},
    {"", "data", NULL, "data"},
    {"", "epochs", "[]", "epochs"},
    {"", "epochs", "[1, 2]", "epochs[0]"},
    {"", "trail", "1", "trail"},
    {"", "classes", "[]", NULL},
    {"source", "kind", "1", "kind"},
    {"source", "seed", "\"-1\"", "seed"},
    {"source", "seed", "\"18446744073709551616\"", "seed"},
    {"source", "seed", "\"01\"", "seed"},
    {"source", "seed", "1", "seed"},
    {"source", "images", "13", "images"},
    {"source", "images", "0", "images"},
    {"source", "images", "9223372036854775807", "images"},
    {"source", "images", "1e300", "images"},
    {"source", "pixels", "{}", "scale is missing"},
    {"source", "pixels", "{\"scale\": \"1\", \"offset\": 0}", "scale"},
    {"fit", "images", "-1", "images"},
    {"fit", "validation_images", "2", "images"},
    {"fit", "batch_size", "0", "batch_size"},
    {"fit", "batch_size", "2.5", "batch_size"},
    {"fit", "epochs", "3", "epochs"},
    {"fit", "epochs", "1000001", "epochs"},
    {"fit", "validation_split", "1", "validation_split"},
    {"fit", "validation_split", "-0.5", "validation_split"},
    {"fit", "validation_split", NULL, "validation_split is missing"},
    {"fit", "shuffle", "1", "shuffle"},
    {"fit", "keep_going", NULL, "keep_going is missing"},
    {"data", "sha256", "\"00\"", "sha256"},
    {"data", "sha256", "null", "sha256 is missing"},
    {"data", "validation_sha256", "7", "validation_sha256"},
    {"trail", "sha256", "{}", "sha256"},
    {"initial", "given", "0", "given"},
    {"initial", "given", "false", NULL},
    {"initial", "weights_sha256", NULL, "weights_sha256"},
    {"initial", "step", "-1", "step"},
    {"initial", "epoch", "4294967296", "epoch"},
    {"initial", "beta_1_power", "1.5", "beta_1_power"},
    {"initial", "beta_2_power", "true", "beta_2_power"},
    {"result", "altered", NULL, "altered"},
    {"result", "weights_sha256", NULL, "weights_sha256 is missing"},
    {"result", "weights_sha256", "\"\\u001B[31m\"", "weights_sha256"},
    {"result", "steps", "\"4\"", "steps"},
    {"result", "stopped", "null", "stopped"},
};

START_TEST(lies_are_named)
{
    const struct lie *lie = &lies[_i];
    struct fcnn_receipt_file file;
    char *text = text_of(0), what[160];
    json_t *json = json_loads(text, 0, NULL), *part = *lie->part ? json_object_get(json, lie->part) : json;
    if (lie->value) json_object_set_new(part, lie->member, json_loads(lie->value, JSON_DECODE_ANY, NULL));
    else json_object_del(part, lie->member);
    char *again = fcnn_receipt_text(json);
    snprintf(what, sizeof what, "%s.%s = %s", lie->part, lie->member, lie->value ? lie->value : "nothing");
    ck_assert_msg(again && strcmp(text, again), "%s changes nothing", what);
    if (lie->sentence) {
        refused(again, strlen(again), what);
        ck_assert_msg(strstr(fcnn_io_last_error(), lie->sentence) != NULL, "%s: %s", what, fcnn_io_last_error());
    } else {
        ck_assert_msg(!fcnn_receipt_parse(&file, again, strlen(again), "it"), "%s", fcnn_io_last_error());
        fcnn_receipt_close(&file);
    }
    json_decref(json);
    free(again);
    free(text);
}
END_TEST

START_TEST(what_is_deep_or_large_is_refused)
{
    const size_t deep = 100000, large = (size_t)5 << 20;
    char *text = malloc(large + 1);
    ck_assert_ptr_nonnull(text);
    memset(text, '[', large);
    refused(text, deep, "a deep text");
    for (size_t i = 0; i < 2000; i++) text[i] = i < 1000 ? '[' : ']';
    refused(text, 2000, "a list of lists");
    memset(text, ' ', large);
    refused(text, large, "a large text");
    refused("{}", 2, "an empty object");
    refused("", 0, "nothing");
    refused("{\"receipt\": 1e999}", 18, "a number out of range");
    free(text);
}
END_TEST

START_TEST(files_that_cannot_be_read)
{
    struct fcnn_receipt_file file;
    ck_assert_int_eq(fcnn_receipt_read(&file, "no/such/file"), FCNN_NO_FILE);
    fcnn_receipt_close(&file);
    ck_assert_int_eq(fcnn_receipt_read(&file, "/"), FCNN_NO_FILE);
    ck_assert(strstr(fcnn_io_last_error(), "regular file") != NULL);
    fcnn_receipt_close(&file);
}
END_TEST

/* ---- long runs ---- */

/* Of a run of so many epochs, each with the longest numbers there are. */
static char *long_text(int count, fcnn_status expected)
{
    struct fcnn_receipt_epoch epoch = {.loss = 2.2250738585072014e-308, .accuracy = 2.2250738585072014e-308,
                                       .val_loss = 2.2250738585072014e-308, .val_accuracy = 2.2250738585072014e-308,
                                       .validated = 1};
    char *short_text = text_of(0), *text;
    json_t *json = json_loads(short_text, 0, NULL), *list = json_array();
    memset(epoch.weights, 'a', 64);
    for (int i = 0; i < count; i++) {
        epoch.steps = INT64_C(999999999000000) + i;
        json_array_append_new(list, fcnn_receipt_epoch_json(i, &epoch));
    }
    json_object_set_new(json_object_get(json, "fit"), "epochs", json_integer(count));
    json_object_set_new(json, "epochs", list);
    ck_assert_int_eq(fcnn_receipt_file_text(&text, json, "it"), expected);
    json_decref(json);
    free(short_text);
    return text;
}

START_TEST(as_many_epochs_as_are_taken_read_back)
{
    struct fcnn_receipt_file file;
    char *text = long_text(FCNN_RECEIPT_MOST_EPOCHS, FCNN_OK);
    ck_assert_msg(!fcnn_receipt_parse(&file, text, strlen(text), "it"), "%s", fcnn_io_last_error());
    ck_assert_int_eq(file.fit.epochs, FCNN_RECEIPT_MOST_EPOCHS);
    fcnn_receipt_close(&file);
    free(text);
}
END_TEST

START_TEST(what_could_not_be_read_is_not_written)
{
    ck_assert(!long_text(20000, FCNN_BAD_ARGUMENT));
    ck_assert(strstr(fcnn_io_last_error(), "it is not written") != NULL);
}
END_TEST

/* ---- comparing ---- */

static void differ(const char *a, const char *b, int64_t until, const char *member)
{
    struct fcnn_receipt_difference difference = {.member = ""};
    json_t *one = json_loads(a, 0, NULL), *other = json_loads(b, 0, NULL);
    ck_assert(one && other);
    ck_assert_int_eq(fcnn_receipt_differs(one, other, until, &difference), member != NULL);
    ck_assert_str_eq(difference.member, member ? member : "");
    json_decref(one);
    json_decref(other);
}

START_TEST(differences_are_named)
{
    differ("{\"a\": {\"b\": [1, {\"c\": 2}]}}", "{\"a\": {\"b\": [1, {\"c\": 2}]}}", 0, NULL);
    differ("{\"a\": {\"b\": [1, {\"c\": 2}]}}", "{\"a\": {\"b\": [1, {\"c\": 3}]}}", 0, "a.b[1].c");
    differ("{\"a\": 1}", "{\"a\": 1.0}", 0, "a");
    differ("{\"a\": 1}", "{}", 0, "a");
    differ("{}", "{\"a\": null}", 0, "a");
    differ("{\"a\": [1]}", "{\"a\": [1, 2]}", 0, "a[1]");
    differ("{\"a\": [1, 2]}", "{\"a\": [1]}", 0, "a[1]");
    differ("{\"a\": 0.1}", "{\"a\": 0.10000000000000002}", 0, "a");
    differ("{\"versions\": \"x\", \"receipt_sha256\": \"1\"}", "{\"versions\": \"y\"}", 0, NULL);
    differ("{\"source\": {\"kind\": \"x\"}}", "{\"source\": {\"kind\": \"y\"}}", 0, NULL);
    differ("{\"source\": {\"seed\": \"1\"}}", "{\"source\": {\"seed\": null}}", 0, "source.seed");
    differ("{\"a\": {\"versions\": \"x\"}}", "{\"a\": {\"versions\": \"y\"}}", 0, "a.versions");
}
END_TEST

START_TEST(prefixes_are_compared_as_far_as_they_go)
{
    const char *whole = "{\"epochs\": [1, 2, 3], \"fit\": {\"epochs\": 3, \"images\": 4}, \"result\": 5, \"trail\": 6}";
    const char *prefix = "{\"epochs\": [1, 2], \"fit\": {\"epochs\": 2, \"images\": 4}, \"result\": 0, \"trail\": 0}";
    differ(whole, prefix, 2, NULL);
    differ(whole, prefix, 3, "epochs[2]");
    differ(whole, prefix, 0, "epochs[2]");
    differ(whole, "{\"epochs\": [1, 0], \"fit\": {\"epochs\": 2, \"images\": 4}}", 2, "epochs[1]");
    differ(whole, "{\"epochs\": [1], \"fit\": {\"epochs\": 1, \"images\": 5}}", 1, "fit.images");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("receipt_file");
    TCase *tests = tcase_create("receipt_file");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, every_model_reads_back, 0, zoo_count);
    tcase_add_test(tests, every_member_reads_back);
    tcase_add_test(tests, every_changed_byte_is_seen);
    tcase_add_test(tests, every_truncation_is_seen);
    tcase_add_loop_test(tests, lies_are_named, 0, sizeof lies / sizeof *lies);
    tcase_add_test(tests, what_is_deep_or_large_is_refused);
    tcase_add_test(tests, files_that_cannot_be_read);
    tcase_add_test(tests, as_many_epochs_as_are_taken_read_back);
    tcase_add_test(tests, what_could_not_be_read_is_not_written);
    tcase_add_test(tests, differences_are_named);
    tcase_add_test(tests, prefixes_are_compared_as_far_as_they_go);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
