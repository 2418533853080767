/* SPDX-License-Identifier: BSD-2-Clause
 * Files of benchdnn's problems (bench/shape_file.c): what becomes a layer, what is left out and named. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/layers.h"
#include "tests/mutilate.h"
#include "tests/suite.h"

static const char path[] = "check_shape_file.lines.txt";

static struct notes {
    int count, line[64];
    char last[512];
} notes;

static void note(void *context, const char *file, int line, const char *what)
{
    struct notes *n = context;
    ck_assert_str_eq(file, path);
    ck_assert_int_lt(n->count, 64);
    n->line[n->count++] = line;
    snprintf(n->last, sizeof n->last, "%s", what);
}

static struct bench_shape_file read_text(const char *text)
{
    struct bench_shape_file file;
    notes = (struct notes){0};
    spill(path, text, strlen(text));
    ck_assert_int_eq(bench_shape_file_read(path, &file, note, &notes), 0);
    unlink(path);
    return file;
}

static void expect_layer(const struct bench_shape_file *file, int i, const char *name, const char *sizes)
{
    ck_assert_int_lt(i, file->count);
    ck_assert_str_eq(file->layers[i].name, name);
    ck_assert_str_eq(file->layers[i].op, "conv2d");
    ck_assert_str_eq(file->layers[i].sizes, sizes);
}

START_TEST(lines)
{
    struct bench_shape_file file = read_text("# a comment\n"
                                             "\n"
                                             "mb2_ic3oc64_ih300kh3oh300ph1n\"ssd:conv1_1*3\"  # behind\n"
                                             "  --dt=f32 --mb=7 ic16oc16ih9kh1\r\n"
                                             "g32mb1ic32ih12oc32kh3ph1n\"odd name\"\n"
                                             "--reset --dir=FWD_B\n"
                                             "mb1ic8ih5oc8kh3");
    ck_assert_int_eq(notes.count, 0);
    ck_assert_int_eq(file.count, 4);
    expect_layer(&file, 0, "ssd.conv1_1", "mb2_ic3oc64_ih300kh3oh300ph1");
    expect_layer(&file, 1, "check_shape_file.4", "ic16oc16ih9kh1mb7");
    expect_layer(&file, 2, "check_shape_file.odd_name", "g32mb7ic32ih12oc32kh3ph1");
    expect_layer(&file, 3, "check_shape_file.7", "mb1ic8ih5oc8kh3");
    bench_shape_file_free(&file);
    ck_assert_ptr_null(file.layers);
}
END_TEST

/* As pasted from benchdnn's own files and command lines. */
START_TEST(words)
{
    struct bench_shape_file file = read_text("\xef\xbb\xbf# shapes_x\n"
                                             "--reset --cfg=f32 --attr-post-ops='sum + relu' # behind\n"
                                             "--dir=FWD_B  mb2_ic32oc32_ih41kh10sh2n\"ds2\" ic16ih9oc8kh1n\"ds2\"#x\n"
                                             "g128ic128iw16oc128ow16kw3sw1pw1n\"1d:conv # dw\"\r\n"
                                             "\tmb1ic3ih224oc64oh112kh7sh2ph3nresnet18_0\n"
                                             "ic16ih9oc17oh9kh1ph0n_tail:conv1 -v1\n"
                                             "--mb=2 --mb=0 --dir=BWD_D,BWD_WB mb5ic16ih9oc16kh1n\"ds2\"\n"
                                             "--mb=3 ic16ih9oc16kh1n\n"
                                             "--reset ic16ih9oc16kh1n\"");
    ck_assert_int_eq(notes.count, 0);
    ck_assert_int_eq(file.count, 8);
    expect_layer(&file, 0, "check_shape_file.ds2", "mb2_ic32oc32_ih41kh10sh2");
    expect_layer(&file, 1, "check_shape_file.ds2", "ic16ih9oc8kh1");
    expect_layer(&file, 2, "1d.conv___dw", "g128ic128iw16oc128ow16kw3sw1pw1");
    expect_layer(&file, 3, "check_shape_file.resnet18_0", "mb1ic3ih224oc64oh112kh7sh2ph3");
    expect_layer(&file, 4, "_tail.conv1", "ic16ih9oc17oh9kh1ph0");
    expect_layer(&file, 5, "check_shape_file.ds2", "mb5ic16ih9oc16kh1");
    expect_layer(&file, 6, "check_shape_file.8", "ic16ih9oc16kh1mb3");
    expect_layer(&file, 7, "check_shape_file.", "ic16ih9oc16kh1");
    bench_shape_file_free(&file);

    file = read_text("--mb=two ic16ih9oc16kh1\n"
                     "--batch=shapes_resnet_50\n"
                     "--mb=2,3 ./benchdnn\n"
                     "ic16ih9oc16kh1 ic16ih9oc16\n"
                     "--mb=-1\n");
    ck_assert_int_eq(file.count, 2);
    ck_assert_int_eq(notes.count, 6);
    static const int where[] = {1, 2, 3, 3, 4, 5};
    for (int i = 0; i < 6; i++) ck_assert_int_eq(notes.line[i], where[i]);
    expect_layer(&file, 0, "check_shape_file.1", "ic16ih9oc16kh1");
    bench_shape_file_free(&file);
}
END_TEST

START_TEST(what_is_no_problem)
{
    struct bench_shape_file file = read_text("mb1ic8ih5oc8kh3\n"
                                             "mb1ic8id5ih5oc8kd3kh3\n"
                                             "nonsense\n"
                                             "mb1ic8ih2oc8kh3\n"
                                             "mb1ic8ih7oc8kh3\n");
    ck_assert_int_eq(file.count, 2);
    ck_assert_int_eq(notes.count, 3);
    for (int i = 0; i < 3; i++) ck_assert_int_eq(notes.line[i], i + 2);
    expect_layer(&file, 1, "check_shape_file.5", "mb1ic8ih7oc8kh3");
    bench_shape_file_free(&file);
    char longest[4096];
    memset(longest, '_', sizeof longest);
    memcpy(longest, "mb1ic8ih5oc8kh3", 15);
    longest[4095] = 0;
    file = read_text(longest);
    ck_assert_int_eq(file.count, 0);
    ck_assert_str_eq(notes.last, "too long");
    bench_shape_file_free(&file);
}
END_TEST

START_TEST(names_of_any_length)
{
    char text[1024];
    snprintf(text, sizeof text, "mb1ic8ih5oc8kh3n\"%0200d:%0300d\"\n", 1, 2);
    struct bench_shape_file file = read_text(text);
    ck_assert_int_eq(file.count, 1);
    ck_assert_uint_le(strlen(file.layers[0].name), 63);
    bench_shape_file_free(&file);
    file = read_text("mb1ic8ih5oc8kh3n\"\"\nmb1ic8ih5oc8kh3n\"a:\nmb1ic8ih5oc8kh3n\n");
    ck_assert_int_eq(file.count, 3);
    expect_layer(&file, 1, "a.", "mb1ic8ih5oc8kh3");
    bench_shape_file_free(&file);
}
END_TEST

/* Every file is read; what is no problem any more is told with its line, and what is one has a name and sizes. */
static int reads(const unsigned char *bytes, size_t count, void *context)
{
    char text[256];
    fcnn_problem problem;
    struct bench_shape_file file;
    (void)context;
    notes = (struct notes){0};
    spill(path, bytes, count);
    ck_assert_int_eq(bench_shape_file_read(path, &file, note, &notes), 0);
    for (int i = 0; i < file.count; i++) {
        ck_assert(strchr(file.layers[i].name, '.') && strlen(file.layers[i].name) < 64);
        snprintf(text, sizeof text, "%s forward %s", file.layers[i].op, file.layers[i].sizes);
        ck_assert_msg(!fcnn_problem_parse(&problem, text), "%s", text);
    }
    const int all = file.count == 3 && !notes.count;
    bench_shape_file_free(&file);
    unlink(path);
    return all;
}

START_TEST(damaged_files)
{
    static const char text[] = "# of a net\nmb2_ic3oc8_ih9kh3ph1n\"net:a*3\"  # behind\n--mb=7 ic16oc16ih9kh1\r\n"
                               "--reset ic8ih5oc8kh3nplain\n";
    const struct mutilated seen = mutilate((const unsigned char *)text, strlen(text), reads, NULL);
    ck_assert_uint_gt(seen.cuts - seen.cuts_read, strlen(text) / 2);
    ck_assert_uint_gt(seen.flips_read, 0);
    ck_assert_uint_lt(seen.flips_read, seen.flips);
}
END_TEST

START_TEST(files_that_are_none)
{
    struct bench_shape_file file;
    ck_assert_int_eq(bench_shape_file_read("no/such/file", &file, note, &notes), ENOENT);
    ck_assert_int_eq(bench_shape_file_read(".", &file, note, &notes), EISDIR);
    char *large = malloc((1 << 20) + 2);
    ck_assert_ptr_nonnull(large);
    memset(large, '\n', (1 << 20) + 2);
    spill(path, large, (1 << 20) + 2);
    ck_assert_int_eq(bench_shape_file_read(path, &file, note, &notes), EFBIG);
    free(large);
    spill(path, "", 0);
    ck_assert_int_eq(bench_shape_file_read(path, &file, NULL, NULL), 0);
    ck_assert_int_eq(file.count, 0);
    bench_shape_file_free(&file);
    unlink(path);
}
END_TEST

/* Every layer of our own lists is a problem, and of a list that there is. */
START_TEST(our_lists)
{
    char text[256], lists[] = BENCH_LISTS;
    for (int i = 0; i < bench_layer_count; i++) {
        fcnn_problem problem;
        const struct bench_layer *layer = &bench_layers[i];
        snprintf(text, sizeof text, "%s forward %s", layer->op, layer->sizes);
        if (fcnn_problem_parse(&problem, text)) {
            snprintf(text, sizeof text, "%s update %s", layer->op, layer->sizes);
            ck_assert_msg(!fcnn_problem_parse(&problem, text), "%s: %s", layer->name, fcnn_last_error());
        }
        char list[64];
        snprintf(list, sizeof list, "%.*s", (int)strcspn(layer->name, "."), layer->name);
        ck_assert_msg(strstr(lists, list) != NULL, "BENCH_LISTS does not name %s", list);
        ck_assert(bench_is_list(list) && bench_is_list_of("all", layer->name) && bench_is_list_of(list, layer->name));
    }
    ck_assert(bench_is_list("mnist,x") && !bench_is_list("mnis"));
    ck_assert(!bench_is_list("mnist.conv1") && !bench_is_list(""));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("shape_file");
    TCase *cases = tcase_create("shape_file");
    tcase_add_test(cases, lines);
    tcase_add_test(cases, words);
    tcase_add_test(cases, what_is_no_problem);
    tcase_add_test(cases, names_of_any_length);
    tcase_add_test(cases, damaged_files);
    tcase_add_test(cases, files_that_are_none);
    tcase_add_test(cases, our_lists);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
