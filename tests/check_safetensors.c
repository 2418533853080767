/* SPDX-License-Identifier: BSD-2-Clause
 * safetensors files: a model that is saved in the middle of its training and loaded trains on to the same bits; weights
 * of others' files; each kind of damage. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/io/models.h"
#include "lib/io/safetensors.h"
#include "lib/io/text.h"
#include "lib/io/whole.h"
#include "tests/mutilate.h"
#include "tests/suite.h"
#include "tests/toy.h"
#include "tests/zoo.h"

#define IMAGES 12
static char path[] = "check_safetensors.XXXXXX.safetensors";

#define GOOD(call) ck_assert_msg((call) == FCNN_OK, "%s: %s", #call, fcnn_io_last_error())

static void train(fcnn_model *model, int epochs)
{
    float *x;
    int32_t *y;
    zoo_data(model, IMAGES, &x, &y);
    OK(fcnn_fit(model, x, y, IMAGES, &(fcnn_fit_options){.epochs = epochs, .batch_size = 5}, NULL));
    free(x);
    free(y);
}

START_TEST(training_goes_on_bit_for_bit)
{
    fcnn_model *model = zoo_make(_i), *again;
    fcnn_file_info info;
    train(model, 2);
    GOOD(fcnn_model_save(model, path, &(fcnn_save_options){.input_scale = 0.1, .input_offset = -0.5}));
    GOOD(fcnn_model_load(&again, path, NULL, &info));
    ck_assert(info.format == FCNN_FORMAT_SAFETENSORS && info.has_weights && info.has_training);
    ck_assert(info.has_state && info.has_scale);
    ck_assert(info.input_scale == 0.1 && info.input_offset == -0.5);
    ck_assert(!strncmp(info.producer, "libfastcnn ", 11));
    zoo_same(model, again, 1);
    train(model, 2);
    train(again, 2);
    zoo_same(model, again, 1);
    fcnn_model_destroy(model);
    fcnn_model_destroy(again);
}
END_TEST

START_TEST(state_can_be_left_out)
{
    fcnn_model *model = zoo_make(0), *again;
    fcnn_file_info info;
    fcnn_state state;
    train(model, 1);
    GOOD(fcnn_model_save(model, path, &(fcnn_save_options){.without_state = 1}));
    GOOD(fcnn_model_load(&again, path, NULL, &info));
    OK(fcnn_model_get_state(again, &state));
    ck_assert(!info.has_state && !info.has_scale && state.steps == 0);
    zoo_same(model, again, 0);
    fcnn_model_destroy(again);
    GOOD(fcnn_model_load(&again, path, &(fcnn_load_options){.not_compiled = 1}, &info));
    ck_assert(fcnn_model_layers(again) == fcnn_model_layers(model) && fcnn_model_get_state(again, &state));
    fcnn_model_destroy(again);
    fcnn_model_destroy(model);
}
END_TEST

START_TEST(the_state_of_another_optimizer_is_not_taken)
{
    fcnn_model *model = zoo_make(0), *again;
    fcnn_file_info info;
    fcnn_state state;
    train(model, 1);
    GOOD(fcnn_model_save(model, path, NULL));
    const fcnn_compile_options sgd = {.optimizer = FCNN_OPTIMIZER_SGD};
    GOOD(fcnn_model_load(&again, path, &(fcnn_load_options){.compile = &sgd}, &info));
    OK(fcnn_model_get_state(again, &state));
    ck_assert(!info.has_state && state.steps == 0 && strstr(info.remark, "optimizer"));
    fcnn_model_destroy(again);
    fcnn_model_destroy(model);
}
END_TEST

/* ---- files made by hand ---- */

/* header, then `floats` numbers 0, 1, 2, ...; free() it. */
static unsigned char *make(const char *header, size_t floats, size_t *count)
{
    const uint64_t length = strlen(header);
    *count = 8 + length + floats * 4;
    unsigned char *bytes = malloc(*count);
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, header, length);
    for (size_t i = 0; i < floats; i++) {
        const float value = (float)i;
        memcpy(bytes + 8 + length + 4 * i, &value, 4);
    }
    return bytes;
}

static fcnn_model *small(void)
{
    static const char text[] = "input 1x1x2\ndense 3 name=first\ndense 2 name=last nobias\n";
    fcnn_model *model;
    fcnn_compile_options compile;
    int compiles;
    GOOD(io_text_parse(&model, &compile, &compiles, text, strlen(text), "small"));
    OK(fcnn_compile(model, NULL));
    return model;
}

#define TENSOR(name, shape, begin, end)                                                                                \
    "\"" name "\":{\"dtype\":\"F32\",\"shape\":[" shape "],\"data_offsets\":[" #begin "," #end "]}"

static void expect_weights(const char *header, size_t floats, int first_kernel, int first_bias, int last_kernel)
{
    size_t count;
    unsigned char *bytes = make(header, floats, &count);
    fcnn_model *model = small();
    float kernel[6], bias[3], last[6];
    GOOD(io_safetensors_read_weights(model, bytes, count, "t"));
    OK(fcnn_layer_get_array(model, 0, FCNN_ARRAY_WEIGHTS, FCNN_PART_WEIGHTS, kernel, 6));
    OK(fcnn_layer_get_array(model, 0, FCNN_ARRAY_WEIGHTS, FCNN_PART_BIAS, bias, 3));
    OK(fcnn_layer_get_array(model, 1, FCNN_ARRAY_WEIGHTS, FCNN_PART_WEIGHTS, last, 6));
    for (int i = 0; i < 6; i++) ck_assert(kernel[i] == (float)(first_kernel + i));
    for (int i = 0; i < 6; i++) ck_assert(last[i] == (float)(last_kernel + i));
    for (int i = 0; i < 3; i++) ck_assert(bias[i] == (float)(first_bias + i));
    fcnn_model_destroy(model);
    free(bytes);
}

START_TEST(weights_of_others_are_taken_by_name_then_by_order)
{
    expect_weights("{" TENSOR("last.kernel", "3,2", 36, 60) "," TENSOR("first.bias", "3", 0, 12) ","
                   TENSOR("first.kernel", "2,3", 12, 36) "}", 15, 3, 0, 9);
    expect_weights("{" TENSOR("a", "2,3", 0, 24) "," TENSOR("c", "3,2", 36, 60) "," TENSOR("b", "3", 24, 36) "}  ", 15,
                   0, 6, 9);
    expect_weights("{" TENSOR("extra", "1", 0, 4) "," TENSOR("first.kernel", "2,3", 4, 28) ","
                   TENSOR("first.bias", "3", 28, 40) "," TENSOR("last.kernel", "3,2", 40, 64) "}", 16, 1, 7, 10);
}
END_TEST

static const struct {
    const char *header;
    size_t floats;
    const char *sentence;
} bad[] = {
    {"{", 0, "t: the header: no JSON: line 1, column 1"},
    {"[]", 0, "the header is not an object"},
    {"{\"a\":1,\"a\":2}", 0, "duplicate"},
    {"{\"__metadata__\":[]}", 0, "__metadata__ is not an object"},
    {"{\"__metadata__\":{\"k\":1}}", 0, "'k' in __metadata__ is not a text"},
    {"{\"a\":1}", 0, "tensor 'a': it has no dtype"},
    {"{\"a\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[0,4]}}", 1,
     "tensor 'a' is of dtype BF16; only F32 is read"},
    {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 1, "its shape is not a list"},
    {"{" TENSOR("a", "1,1,1,1,1,1,1,1,1", 0, 4) "}", 1, "at most 8 sizes"},
    {"{" TENSOR("a", "-1", 0, 4) "}", 1, "its shape is not a list of sizes"},
    {"{" TENSOR("a", "4611686018427387904,4", 0, 4) "}", 1, "its shape is not a list of sizes"},
    {"{" TENSOR("a", "4611686018427387905", 0, 4) "}", 1, "another number of bytes"},
    {"{" TENSOR("a", "1.5", 0, 4) "}", 1, "its shape is not a list of sizes"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 1, "its data_offsets are not two"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,\"4\"]}}", 1, "its data_offsets are not two"},
    {"{" TENSOR("a", "1", -4, 0) "}", 1, "is at bytes -4 to 0"},
    {"{" TENSOR("a", "1", 4, 8) "}", 1, "is at bytes 4 to 8 of the data, which have 4"},
    {"{" TENSOR("a", "1", 4, 0) "}", 1, "is at bytes 4 to 0"},
    {"{" TENSOR("a", "2", 0, 4) "}", 1, "another number of bytes than its data_offsets"},
    {"{" TENSOR("a", "1", 0, 4) "," TENSOR("b", "1", 0, 4) "}", 1, "tensor 'b': its data overlap"},
    {"{" TENSOR("a", "1", 0, 4) "," TENSOR("b", "1", 8, 12) "}", 3, "tensor 'b': there is a gap before its data"},
    {"{" TENSOR("a", "1", 4, 8) "}", 2, "there is a gap before its data"},
    {"{" TENSOR("a", "1", 0, 4) "}", 2, "4 bytes after the last tensor"},
    {"{" TENSOR("first.kernel", "3,2", 0, 24) "," TENSOR("first.bias", "3", 24, 36) ","
     TENSOR("last.kernel", "3,2", 36, 60) "}", 15, "tensor 'first.kernel' is 3x2; the model's first.kernel is 2x3"},
    {"{" TENSOR("a", "2,3", 0, 24) "," TENSOR("b", "6", 24, 48) "," TENSOR("c", "3", 48, 60) "}", 15,
     "tensor 'b' is 6; the model's first.bias is 3"},
    {"{" TENSOR("first.kernel", "2,3", 0, 24) "}", 6,
     "of the model's 3 tensors it has 1 by name, and 1 tensors in all"},
};

static void expect_sentence(const char *sentence)
{
    ck_assert_msg(strstr(fcnn_io_last_error(), sentence) != NULL, "no \"%s\" in: %s", sentence, fcnn_io_last_error());
}

START_TEST(bad_headers_are_named)
{
    size_t count;
    unsigned char *bytes = make(bad[_i].header, bad[_i].floats, &count);
    fcnn_model *model = small(), *untouched = small();
    ck_assert(io_safetensors_read_weights(model, bytes, count, "t") == FCNN_BAD_DATA);
    expect_sentence(bad[_i].sentence);
    zoo_same(model, untouched, 1);
    fcnn_model_destroy(model);
    fcnn_model_destroy(untouched);
    free(bytes);
}
END_TEST

/* Its tensors could be taken for another layer's moments. */
START_TEST(layers_that_are_called_optimizer)
{
    fcnn_model *model;
    OK(fcnn_model_create(&model, 1, 1, 4));
    OK(fcnn_add_layer(model, &(fcnn_layer){.kind = FCNN_LAYER_DENSE, .units = 2, .name = "optimizer.moment_1.dense"}));
    OK(fcnn_compile(model, NULL));
    ck_assert(fcnn_model_save(model, "optimizer.safetensors", NULL) == FCNN_BAD_ARGUMENT);
    expect_sentence("optimizer.moment_1.dense");
    fcnn_model_destroy(model);
}
END_TEST

START_TEST(layers_have_to_be_told)
{
    size_t count;
    unsigned char *bytes = make("{" TENSOR("a", "1", 0, 4) "}", 1, &count);
    fcnn_model *model = (fcnn_model *)1;
    fcnn_file_info info = {0};
    ck_assert(io_safetensors_read(&model, bytes, count, "t", &(fcnn_load_options){0}, &info) == FCNN_BAD_DATA);
    ck_assert(!model);
    expect_sentence("says nothing of layers");
    free(bytes);
    ck_assert(fcnn_model_load(&model, "/nowhere/x.safetensors", NULL, NULL) == FCNN_NO_FILE && !model);
}
END_TEST

/* ---- damage ---- */

static unsigned char *saved(size_t *count)
{
    unsigned char *bytes;
    fcnn_model *model = small();
    train(model, 1);
    GOOD(fcnn_model_save(model, path, NULL));
    GOOD(io_whole_read(&bytes, count, path, 1 << 20));
    fcnn_model_destroy(model);
    return bytes;
}

static int reads(const unsigned char *bytes, size_t count, void *context)
{
    fcnn_model *model;
    fcnn_file_info info = {0};
    (void)context;
    const fcnn_status status = io_safetensors_read(&model, bytes, count, "t", &(fcnn_load_options){0}, &info);
    ck_assert(status ? !model : model != NULL);
    fcnn_model_destroy(model);
    return mutilated_was_read(status, fcnn_io_last_error(), "t");
}

static int reads_weights(const unsigned char *bytes, size_t count, void *model)
{
    return mutilated_was_read(io_safetensors_read_weights(model, bytes, count, "t"), fcnn_io_last_error(), "t");
}

/* Weights have no checksum; every byte of the file belongs to the header or a tensor. */
START_TEST(truncations_and_flipped_bits_do_no_harm)
{
    size_t count;
    unsigned char *bytes = saved(&count);
    fcnn_model *model = small();
    const struct mutilated seen = mutilate(bytes, count, _i ? reads_weights : reads, model);
    ck_assert_uint_eq(seen.cuts_read + seen.longer_read, 0);
    ck_assert_uint_lt(seen.flips_read, seen.flips * 3 / 4);
    fcnn_model_destroy(model);
    free(bytes);
}
END_TEST

START_TEST(a_header_of_absurd_length_asks_for_no_memory)
{
    unsigned char bytes[16] = {0, 0, 0, 0, 0, 0, 0, 0x7f, '{', '}'};
    ck_assert(!reads(bytes, sizeof bytes, NULL));
    expect_sentence("a header of 9151314442816847872 bytes is announced; the file has 8 after that");
}
END_TEST

/* A header of one long list, or of one long text. */
static void expect_large(char fill, size_t length, const char *sentence)
{
    size_t count;
    char *header = malloc(length + 1);
    ck_assert_ptr_nonnull(header);
    memset(header, fill, length);
    memcpy(header, fill == 'x' ? "{\"__metadata__\":{\"k\":\"" : "{\"a\":[[", fill == 'x' ? 22 : 7);
    memcpy(header + length - 3, fill == 'x' ? "\"}}" : "1]}", 4);
    unsigned char *bytes = make(header, 0, &count);
    ck_assert(!reads(bytes, count, NULL));
    expect_sentence(sentence);
    free(bytes);
    free(header);
}

/* What takes memory many times its length has a bound of its own, as in any other JSON. */
START_TEST(a_large_header_is_not_parsed)
{
    expect_large(',', (size_t)5 << 20, "the header: its JSON would take 320 MiB of memory; at most 256 are given");
    expect_large('x', (size_t)17 << 20, "the header: its JSON has 17825792 bytes; at most 16777216 are read");
    expect_large('x', (size_t)5 << 20, "says nothing of layers");
}
END_TEST

/* A text that ends a checkpoint's header is read again only if it was written within the bounds. */
START_TEST(what_could_not_be_read_is_not_written)
{
    fcnn_model *model = small(), *again;
    const size_t longest = (size_t)17 << 20;
    char *text = malloc(longest + 1);
    ck_assert_ptr_nonnull(text);
    memset(text, 'x', longest);
    text[longest] = 0;
    train(model, 1);
    ck_assert_int_eq(fcnn_checkpoint_save(model, path, &(fcnn_checkpoint_options){.program = text}), FCNN_BAD_ARGUMENT);
    expect_sentence("so many are not read again");
    text[(size_t)5 << 20] = 0;
    GOOD(fcnn_checkpoint_save(model, path, &(fcnn_checkpoint_options){.program = text}));
    fcnn_checkpoint found;
    GOOD(fcnn_checkpoint_load(&again, path, NULL, &found, NULL));
    ck_assert_str_eq(found.program, text);
    fcnn_checkpoint_free(&found);
    fcnn_model_destroy(again);
    fcnn_model_destroy(model);
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("safetensors");
    TCase *tests = tcase_create("safetensors");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, training_goes_on_bit_for_bit, 0, zoo_count);
    tcase_add_test(tests, state_can_be_left_out);
    tcase_add_test(tests, the_state_of_another_optimizer_is_not_taken);
    tcase_add_test(tests, weights_of_others_are_taken_by_name_then_by_order);
    tcase_add_loop_test(tests, bad_headers_are_named, 0, (int)(sizeof bad / sizeof *bad));
    tcase_add_test(tests, layers_have_to_be_told);
    tcase_add_test(tests, layers_that_are_called_optimizer);
    tcase_add_loop_test(tests, truncations_and_flipped_bits_do_no_harm, 0, 2);
    tcase_add_test(tests, a_header_of_absurd_length_asks_for_no_memory);
    tcase_add_test(tests, a_large_header_is_not_parsed);
    tcase_add_test(tests, what_could_not_be_read_is_not_written);
    suite_add_tcase(suite, tests);
    const int fd = mkstemps(path, 12);
    if (fd < 0) {
        perror(path);
        return EXIT_FAILURE;
    }
    close(fd);
    const int status = run_suite(suite);
    unlink(path);
    return status;
}
