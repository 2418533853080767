/* SPDX-License-Identifier: BSD-2-Clause
 * Models as text: what is written reads back as the same model; each kind of mistake is refused with line, column, what
 * was expected and what may have been meant; the grammar is the one that docs/models.md shows. */
#include <check.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io/number.h"
#include "lib/io/text.h"
#include "tests/mutilate.h"
#include "tests/suite.h"
#include "tests/toy.h"
#include "tests/zoo.h"

static fcnn_status parse(fcnn_model **model, const char *text)
{
    fcnn_compile_options compile;
    int compiles;
    return io_text_parse(model, &compile, &compiles, text, strlen(text), "t");
}

static char *format(const fcnn_model *model)
{
    char *text;
    ck_assert_msg(!io_text_format(&text, model, "t"), "%s", fcnn_io_last_error());
    return text;
}

START_TEST(written_models_read_back)
{
    fcnn_model *model = zoo_make(_i), *again;
    fcnn_compile_options compile;
    int compiles;
    char *text = format(model);
    ck_assert(!io_text_parse(&again, &compile, &compiles, text, strlen(text), "t") && compiles);
    OK(fcnn_compile(again, &compile));
    char *second = format(again);
    ck_assert_str_eq(text, second);
    for (const char *at = zoo[_i]; *at; at += strcspn(at, "\n") + 1) { /* nothing of what was asked for is lost */
        char line[256];
        snprintf(line, sizeof line, "%.*s", (int)strcspn(at, "\n"), at);
        if (strncmp(line, "compile", 7) != 0 && !strstr(line, "name"))
            ck_assert_msg(strstr(text, line) != NULL, "no \"%s\" in:\n%s", line, text);
    }
    free(text);
    free(second);
    fcnn_model_destroy(model);
    fcnn_model_destroy(again);
}
END_TEST

static const char mnist[] = "input 28x28x1 # the Keras tutorial network\n\n  conv2d 32 3x3 relu\r\nmax_pooling2d\n"
                            "conv2d size=3 filters=64 activation=relu\nmax_pooling2d 2\nconv2d 64 relu 3x3\n\tflatten\n"
                            "dense 64 relu\ndense 10";

START_TEST(the_tutorial_network_is_what_it_says)
{
    fcnn_model *model, *again;
    ck_assert_msg(!parse(&model, mnist), "%s", fcnn_io_last_error());
    OK(fcnn_model_mnist(&again));
    char *text = format(model), *other = format(again);
    ck_assert_str_eq(text, other);
    ck_assert_str_eq(text, "input 28x28x1\nconv2d 32 3x3 relu\nmax_pooling2d 2x2\nconv2d 64 3x3 relu\n"
                           "max_pooling2d 2x2\nconv2d 64 3x3 relu\nflatten\ndense 64 relu\ndense 10\n");
    free(text);
    free(other);
    fcnn_model_destroy(model);
    fcnn_model_destroy(again);
}
END_TEST

static const struct {
    const char *text, *sentence; /* a part of it */
} wrong[] = {
    {"", "t:1:1: expected the input's size, as in 'input 28x28x1', found nothing"},
    {"# nothing\n", "expected the input's size"},
    {"input 28x28x1\n", "expected layers, found none"},
    {"conv2d 8 3x3\n", "t:1:1: expected the input's size before anything else"},
    {"input 28x28x1\ninput 2x2x2\n", "t:2:1: a second input line"},
    {"input 28x28\n", "t:1:7: expected height x width x channels, or one length, as in 28x28x1, found '28x28'"},
    {"input 28x28x0\n", "t:1:7: expected height"},
    {"input 28x28x9999999999999999999999\n", "t:1:7: expected height"},
    {"input\n", "t:1:6: expected height x width x channels, or one length, as in 28x28x1 of input, as in 'input"},
    {"input 8x8x1\n\n  conv 8 3x3\n", "t:3:3: expected one of input, conv2d, depthwise_conv2d"},
    {"input 8x8x1\nMaxPooling2D\n", "found 'MaxPooling2D'; did you mean 'max_pooling2d'?"},
    {"input 8x8x1\nbatchnormalisation\n", "did you mean 'batch_normalization'?"},
    {"input 8x8x1\nqwertzuiop\n", "found 'qwertzuiop'"},
    {"input 8x8x1\nconv2d 8 3x3 rleu\n", "t:2:14: expected one of conv2d's linear, relu"},
    {"input 8x8x1\nconv2d 8 3x3 rleu\n", "did you mean 'relu'?"},
    {"input 8x8x1\nconv2d 8 3x3 sme\n", "did you mean 'same'?"},
    {"input 8x8x1\nconv2d 8 3x3 strides=2\n", "t:2:14: expected one of conv2d's"},
    {"input 8x8x1\nconv2d 8 3x3 strides=2\n", "did you mean 'stride'?"},
    {"input 8x8x1\nconv2d 8 3x3 activation=rely\n", "t:2:25: expected one of linear, relu, sigmoid, tanh, softmax"},
    {"input 8x8x1\nconv2d 8\n", "t:2:9: expected a size, as in 3x3 of conv2d, as in 'conv2d 32 3x3 relu"},
    {"input 8x8x1\nconv2d 8 3x3x3\n", "t:2:10: expected a size, as in 3x3, found '3x3x3'"},
    {"input 8x8x1\nconv2d 8 3x\n", "expected a size"},
    {"input 8x8x1\nconv2d 8 3x3 stride=0\n", "t:2:21: expected a step"},
    {"input 8x8x1\nconv2d 8 3x3 stride=1 stride=2\n", "t:2:23: stride is given twice"},
    {"input 8x8x1\nconv2d 8 3x3 nobias nobias\n", "t:2:21: nobias is given twice"},
    {"input 8x8x1\nconv2d 8 3x3 relu tanh\n", "t:2:19: activation is given twice"},
    {"input 8x8x1\nconv2d 8 3x3 5\n", "t:2:14: expected one of conv2d's"},
    {"input 8x8x1\nflatten 5\n", "t:2:9: expected one of flatten's name=, found '5'"},
    {"input 8x8x1\nconv2d 8 9x9\n", "t:2:1: "}, /* what the library says */
    {"input 8x8x1\ndense 8 softmax\n", "t:2:1: "},
    {"input 8x8x1\nzero_padding2d 1x0d\n", "t:2:16: expected rows x columns on both sides"},
    {"input 8x8x1\nzero_padding2d 1x2x3\n", "t:2:16: expected rows x columns on both sides"},
    {"input 8x8x1\ndropout 1\n", "t:2:9: expected a rate from 0 to below 1, found '1'"},
    {"input 8x8x1\ndropout nan\n", "found 'nan'"},
    {"input 8x8x1\ndropout 0x1p-2\n", "found '0x1p-2'"},
    {"input 8x8x1\ndropout 0,5\n", "expected a rate"},
    {"input 8x8x1\nrescaling 1e99\n", "expected a factor"},
    {"input 8x8x1\nflatten name=\"a\n", "t:2:9: a quote that does not end in its line"},
    {"input 8x8x1\nflatten name=\n", "t:2:14: expected a name"},
    {"input 8x8x1\nflatten name=a/b\n", "t:2:1: "},
    {"input 8x8x1\nflatten \x01\n", "t:2:9: byte 0x01 is no text"},
    {"input 8x8x1\nflatten\ndense 3\ncompile adma\n", "t:4:9: expected one of compile's adam, sgd"},
    {"input 8x8x1\nflatten\ndense 3\ncompile adma\n", "did you mean 'adam'?"},
    {"input 8x8x1\nflatten\ndense 3\ncompile\n", "expected optimizer of compile, as in 'compile adam lr=0.001'"},
    {"input 8x8x1\nflatten\ndense 3\ncompile sgd beta_1=0.9\n", "t:4:1: beta_1 says nothing of this optimizer"},
    {"input 8x8x1\nflatten\ndense 3\ncompile adam every=3\n", "t:4:1: every says nothing of this"},
    {"input 8x8x1\nflatten\ndense 3\ncompile adam schedule=step\n", "t:4:1: expected the number of steps after which"},
    {"input 8x8x1\nflatten\ndense 3\ncompile adam schedule=cosine\n", "schedule=cosine steps=10000"},
    {"input 8x8x1\nflatten\ndense 3\ncompile adam lr=-1\n", "t:4:17: expected a positive number, found '-1'"},
    {"input 8x8x1\nflatten\ndense 3\ncompile adam shards=1.5\n", "expected a number from 1 to 1024"},
    {"input 8x8x1\nflatten\ndense 3\ncompile adam\ncompile adam\n", "t:5:1: a second compile line"},
};

START_TEST(mistakes_are_named)
{
    fcnn_model *model = NULL;
    const fcnn_status status = parse(&model, wrong[_i].text);
    ck_assert(status == FCNN_BAD_DATA && !model);
    ck_assert_msg(strstr(fcnn_io_last_error(), wrong[_i].sentence) != NULL, "no \"%s\" in: %s", wrong[_i].sentence,
                  fcnn_io_last_error());
}
END_TEST

START_TEST(sizes_are_bounded)
{
    fcnn_model *model;
    char *text = malloc(1 << 16), *at = text + sprintf(text, "input 2x2x1\n");
    for (int i = 0; i <= IO_TEXT_MOST_LAYERS; i++) at += sprintf(at, "flatten\n");
    ck_assert(parse(&model, text) == FCNN_BAD_DATA && strstr(fcnn_io_last_error(), "t:1002:1: more than 1000 layers"));
    at = text + sprintf(text, "input 2x2x1\nflatten name=");
    memset(at, 'a', 1000);
    at[1000] = 0;
    ck_assert(parse(&model, text) == FCNN_BAD_DATA && strstr(fcnn_io_last_error(), "t:2:9: a word of more than"));
    free(text);
}
END_TEST

START_TEST(names_that_text_cannot_hold_are_refused)
{
    fcnn_model *model;
    char *text;
    OK(fcnn_model_create(&model, 2, 2, 1));
    OK(fcnn_add_layer(model, &(fcnn_layer){.kind = FCNN_LAYER_FLATTEN, .name = "a \"b\""}));
    ck_assert(io_text_format(&text, model, "t") == FCNN_BAD_ARGUMENT && !text);
    ck_assert(strstr(fcnn_io_last_error(), "a \"b\"") != NULL);
    fcnn_model_destroy(model);
}
END_TEST

static int reads(const unsigned char *bytes, size_t count, void *context)
{
    fcnn_model *model;
    fcnn_compile_options compile;
    int compiles;
    (void)context;
    const fcnn_status status = io_text_parse(&model, &compile, &compiles, (const char *)bytes, count, "t");
    ck_assert(status ? !model : model != NULL);
    fcnn_model_destroy(model);
    return mutilated_was_read(status, fcnn_io_last_error(), "t");
}

/* Whatever is cut off or changed: a model, or a sentence. */
START_TEST(damaged_texts_do_no_harm)
{
    const size_t length = strlen(zoo[_i]);
    const struct mutilated seen = mutilate((const unsigned char *)zoo[_i], length, reads, NULL);
    ck_assert_uint_gt(seen.cuts + seen.flips - seen.cuts_read - seen.flips_read, length);
    ck_assert_uint_eq(seen.longer_read, 1); /* a newline */
}
END_TEST

START_TEST(numbers_are_the_shortest_and_come_back)
{
    static const double numbers[] = {0, 1, 0.1, 1e-7, 1.0 / 3, 123456789, 1e300, 5e-324, -2.5};
    char text[32];
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        double back = -1;
        float single = -1;
        io_number_write(text, numbers[i]);
        ck_assert(io_number_read(text, &back) && back == numbers[i]);
        io_number_write_float(text, (float)(numbers[i] < 1e30 ? numbers[i] : 1));
        ck_assert(io_number_read_float(text, &single) && single == (float)(numbers[i] < 1e30 ? numbers[i] : 1));
    }
    io_number_write_float(text, 0.1f);
    ck_assert_str_eq(text, "0.1");
    io_number_write(text, 0.1);
    ck_assert_str_eq(text, "0.1");
}
END_TEST

START_TEST(a_comma_in_the_locale_changes_nothing)
{
    static const char *const locales[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE.utf8", "nl_NL.UTF-8"};
    const char *found = NULL;
    for (size_t i = 0; i < sizeof locales / sizeof *locales && !found; i++) found = setlocale(LC_ALL, locales[i]);
    if (!found) {
        printf("SKIP: no locale with a decimal comma is installed\n");
        return;
    }
    char text[32];
    double back = 0;
    io_number_write(text, 0.5);
    ck_assert_str_eq(text, "0.5");
    ck_assert(io_number_read("0.5", &back) && back == 0.5);
    setlocale(LC_ALL, "C");
}
END_TEST

START_TEST(the_document_shows_the_grammar)
{
    char path[1024], *grammar = io_text_grammar();
    const char *top = getenv("top_srcdir");
    snprintf(path, sizeof path, "%s/docs/models.md", top ? top : ".");
    FILE *file = fopen(path, "r");
    ck_assert_msg(file && grammar, "%s cannot be opened", path);
    char *document = calloc(1, 1 << 17);
    ck_assert(fread(document, 1, (1 << 17) - 1, file) > 0);
    fclose(file);
    ck_assert_msg(strstr(document, grammar) != NULL, "docs/models.md should show:\n%s", grammar);
    free(document);
    free(grammar);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("text_models");
    TCase *tests = tcase_create("text_models");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, written_models_read_back, 0, zoo_count);
    tcase_add_test(tests, the_tutorial_network_is_what_it_says);
    tcase_add_loop_test(tests, mistakes_are_named, 0, (int)(sizeof wrong / sizeof *wrong));
    tcase_add_test(tests, sizes_are_bounded);
    tcase_add_test(tests, names_that_text_cannot_hold_are_refused);
    tcase_add_loop_test(tests, damaged_texts_do_no_harm, 0, zoo_count);
    tcase_add_test(tests, numbers_are_the_shortest_and_come_back);
    tcase_add_test(tests, a_comma_in_the_locale_changes_nothing);
    tcase_add_test(tests, the_document_shows_the_grammar);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
