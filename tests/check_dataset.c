/* SPDX-License-Identifier: BSD-2-Clause
 * lib/io/dataset.c and folder.c: which kind of data a path holds; folders of PNG files, divided into train and test or
 * not: classes, order, grey and colour, and each kind of bad one with the file that is to blame. */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/io/dataset.h"
#include "lib/io/fastcnn_io.h"
#include "tests/suite.h"

static char folder[] = "check_dataset.XXXXXX";

static const char *in(const char *name)
{
    static char path[2][256];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

static void make_folder(const char *name) { ck_assert(!mkdir(in(name), 0755)); }

static void clean(void)
{
    char command[300];
    snprintf(command, sizeof command, "rm -rf %s && mkdir %s", folder, folder);
    ck_assert(!system(command));
}

static void touch(const char *name, const char *text)
{
    FILE *file = fopen(in(name), "wb");
    ck_assert(file && fputs(text, file) >= 0 && !fclose(file));
}

/* A file of h x 2 pixels that are all `value`; with colours its red is `value` and the rest 0 if c is 3 or 4. */
static void paint(const char *name, int h, int c, int value, int alpha)
{
    unsigned char pixels[64];
    for (int i = 0; i < h * 2; i++)
        for (int j = 0; j < c; j++)
            pixels[i * c + j] = (unsigned char)((c % 2 == 0 && j == c - 1) ? alpha : c > 2 && j > 0 && value % 2 ?
                0 : value);
    const fcnn_picture picture = {.h = h, .w = 2, .c = c, .pixels = pixels};
    ck_assert_msg(fcnn_picture_write(&picture, in(name)) == FCNN_OK, "%s", fcnn_io_last_error());
}

static void expect(fcnn_status status, enum fcnn_data_part part, ...)
{
    struct fcnn_dataset set;
    const fcnn_status got = fcnn_dataset_load(&set, folder, part, 0);
    ck_assert_msg(got == status, "status %d instead of %d: %s", (int)got, (int)status, fcnn_io_last_error());
    ck_assert(!set.x && !set.y && !set.n && !set.names);
    va_list fragments;
    va_start(fragments, part);
    for (const char *fragment; (fragment = va_arg(fragments, const char *));)
        ck_assert_msg(strstr(fcnn_io_last_error(), fragment) != NULL, "no \"%s\" in: %s", fragment,
                      fcnn_io_last_error());
    va_end(fragments);
}

static struct fcnn_dataset load(enum fcnn_data_part part, int64_t limit)
{
    struct fcnn_dataset set;
    ck_assert_msg(fcnn_dataset_load(&set, folder, part, limit) == FCNN_OK, "%s", fcnn_io_last_error());
    return set;
}

/* ---- kinds ---- */

START_TEST(kinds_are_told_by_what_is_there)
{
    clean();
    ck_assert_int_eq(fcnn_data_look(folder), FCNN_DATA_NONE);
    expect(FCNN_NO_FILE, FCNN_DATA_TEST, folder, "no data", "train-images-idx3-ubyte", NULL);
    touch("t10k-labels-idx1-ubyte.gz", "");
    ck_assert_int_eq(fcnn_data_look(folder), FCNN_DATA_IDX);
    expect(FCNN_NO_FILE, FCNN_DATA_TEST, folder, "tried t10k-images-idx3-ubyte", NULL);
    clean();
    make_folder("a");
    ck_assert_int_eq(fcnn_data_look(folder), FCNN_DATA_PNG);
    touch("x", "PK\3\4");
    ck_assert_int_eq(fcnn_data_look(in("x")), FCNN_DATA_NPZ);
    touch("x", "P");
    ck_assert_int_eq(fcnn_data_look(in("x")), FCNN_DATA_NONE);
    ck_assert_int_eq(fcnn_data_look(in("none")), FCNN_DATA_NONE);
    mkfifo(in("fifo"), 0600);
    ck_assert_int_eq(fcnn_data_look(in("fifo")), FCNN_DATA_NONE);
    struct fcnn_dataset set;
    ck_assert_int_eq(fcnn_dataset_load(&set, in("x"), FCNN_DATA_TEST, 0), FCNN_BAD_DATA);
    ck_assert(strstr(fcnn_io_last_error(), "not a data set"));
    ck_assert_int_eq(fcnn_dataset_load(&set, in("none"), FCNN_DATA_TEST, 0), FCNN_NO_FILE);
    ck_assert(strstr(fcnn_io_last_error(), "none: No such file"));
    ck_assert_str_eq(fcnn_data_kind_name(FCNN_DATA_PNG), "PNG files");
}
END_TEST

START_TEST(relatives_of_mnist_are_refused_by_name)
{
    clean();
    touch("emnist-letters-train-images-idx3-ubyte.gz", "");
    expect(FCNN_BAD_DATA, FCNN_DATA_TRAIN, "EMNIST", "transposed", NULL);
    clean();
    touch("qmnist-train-images-idx3-ubyte.gz", "");
    expect(FCNN_BAD_DATA, FCNN_DATA_TRAIN, "QMNIST", "idx2-int", NULL);
}
END_TEST

/* ---- IDX of other shapes ---- */

static void write_idx(const char *name, const unsigned char *bytes, size_t count)
{
    FILE *file = fopen(in(name), "wb");
    ck_assert(file && fwrite(bytes, 1, count, file) == count && !fclose(file));
}

START_TEST(idx_of_any_size_and_number_of_classes)
{
    const unsigned char images[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 0, 51, 255, 1, 2, 3};
    const unsigned char labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 3, 46};
    clean();
    write_idx("train-images-idx3-ubyte", images, sizeof images);
    write_idx("train-labels-idx1-ubyte", labels, sizeof labels);
    struct fcnn_dataset set = load(FCNN_DATA_TRAIN, 1);
    ck_assert(set.n == 1 && set.h == 1 && set.w == 3 && set.c == 1 && set.y[0] == 3 && set.x[1] == 51 / 255.0f);
    ck_assert_int_eq(set.classes, 47); /* of the whole file */
    char text[16];
    ck_assert_str_eq(fcnn_dataset_class(&set, 46, text), "46");
    fcnn_dataset_free(&set);
}
END_TEST

#ifdef HAVE_PNG
/* ---- folders of PNG files ---- */

/* 14 pictures of "a", of grey value i, and 7 of "b", of grey value 100 + i. */
static void paint_two(const char *prefix)
{
    char name[64];
    snprintf(name, sizeof name, "%sa", prefix);
    make_folder(name);
    snprintf(name, sizeof name, "%sb", prefix);
    make_folder(name);
    for (int i = 0; i < 21; i++) {
        snprintf(name, sizeof name, "%s%s/%02d.PNG", prefix, i < 14 ? "a" : "b", i);
        paint(name, 3, 1, i < 14 ? i : 100 + i - 14, 0);
    }
}

static int value(const struct fcnn_dataset *set, int64_t image)
{
    return (int)(set->x[image * set->h * set->w * set->c] * 255 + 0.5f);
}

START_TEST(classes_are_folders_and_spread_evenly)
{
    clean();
    paint_two("");
    make_folder("empty");
    touch("a/notes.txt", "x");
    touch("a/.hidden.png", "x");
    struct fcnn_dataset set = load(FCNN_DATA_ANY, 0);
    char text[16];
    ck_assert(set.n == 21 && set.h == 3 && set.w == 2 && set.c == 1 && set.classes == 2);
    ck_assert_str_eq(fcnn_dataset_class(&set, 0, text), "a");
    ck_assert_str_eq(fcnn_dataset_class(&set, 1, text), "b");
    ck_assert_str_eq(fcnn_dataset_class(&set, 2, text), "2");
    for (int i = 0, a = 0, b = 100; i < 21; i++) { /* a b a, a b a, ... */
        ck_assert_int_eq(set.y[i], i % 3 == 1);
        ck_assert_int_eq(value(&set, i), set.y[i] ? b++ : a++);
    }
    fcnn_dataset_free(&set);
    set = load(FCNN_DATA_ANY, 3);
    ck_assert(set.n == 3 && set.y[0] == 0 && set.y[1] == 1 && set.y[2] == 0);
    fcnn_dataset_free(&set);
    ck_assert(!fcnn_folder_is_split(folder));
}
END_TEST

START_TEST(every_seventh_is_for_the_test_where_nothing_is_split)
{
    clean();
    paint_two("");
    struct fcnn_dataset all = load(FCNN_DATA_ANY, 0), train = load(FCNN_DATA_TRAIN, 0), test = load(FCNN_DATA_TEST, 0);
    ck_assert(train.n == 18 && test.n == 3 && train.classes == 2 && test.classes == 2);
    for (int i = 0; i < 3; i++) ck_assert_int_eq(value(&test, i), value(&all, 7 * i + 6));
    for (int i = 0; i < 18; i++) ck_assert_int_eq(value(&train, i), value(&all, i + i / 6));
    fcnn_dataset_free(&all);
    fcnn_dataset_free(&train);
    fcnn_dataset_free(&test);
}
END_TEST

START_TEST(folders_may_be_split)
{
    clean();
    make_folder("training");
    paint_two("training/");
    expect(FCNN_NO_FILE, FCNN_DATA_TEST, folder, "there is no folder test", NULL);
    make_folder("test");
    make_folder("test/b");
    make_folder("test/c");
    paint("test/b/1.png", 3, 1, 9, 0);
    paint("test/c/1.png", 3, 1, 8, 0);
    ck_assert(fcnn_folder_is_split(folder));
    struct fcnn_dataset set = load(FCNN_DATA_ANY, 0); /* one numbering for both parts */
    ck_assert(set.n == 2 && set.classes == 3 && set.y[0] == 1 && set.y[1] == 2);
    fcnn_dataset_free(&set);
    set = load(FCNN_DATA_TRAIN, 0);
    ck_assert(set.n == 21 && set.classes == 3);
    fcnn_dataset_free(&set);
}
END_TEST

START_TEST(grey_stored_as_colour_is_grey)
{
    clean();
    make_folder("a");
    paint("a/1.png", 3, 1, 20, 0);
    paint("a/2.png", 3, 4, 30, 255); /* even: all channels alike */
    struct fcnn_dataset set = load(FCNN_DATA_ANY, 0);
    ck_assert(set.n == 2 && set.c == 1);
    ck_assert_int_eq(value(&set, 0), 20);
    ck_assert_int_eq(value(&set, 1), 30);
    fcnn_dataset_free(&set);
    paint("a/3.png", 3, 3, 41, 0); /* odd: red */
    set = load(FCNN_DATA_ANY, 0);
    ck_assert(set.n == 3 && set.c == 3);
    ck_assert(set.x[1] == 20 / 255.0f && set.x[36] == 41 / 255.0f && set.x[37] == 0);
    fcnn_dataset_free(&set);
}
END_TEST

START_TEST(bad_pictures_are_named)
{
    clean();
    make_folder("a");
    expect(FCNN_BAD_DATA, FCNN_DATA_TRAIN, folder, "no images", NULL);
    paint("a/1.png", 3, 1, 20, 0);
    paint("a/2.png", 4, 1, 20, 0);
    expect(FCNN_BAD_DATA, FCNN_DATA_ANY, "a/2.png: 4 x 2 pixels", "a/1.png has 3 x 2", NULL);
    paint("a/2.png", 3, 2, 20, 254);
    expect(FCNN_BAD_DATA, FCNN_DATA_ANY, "a/2.png: pixel (0, 0) is transparent", NULL);
    touch("a/2.png", "no picture");
    expect(FCNN_BAD_DATA, FCNN_DATA_ANY, "a/2.png: not a PNG file", NULL);
}
END_TEST
#endif

int main(void)
{
    if (!mkdtemp(folder)) return 1;
    Suite *suite = suite_create("dataset");
    TCase *tests = tcase_create("dataset");
    tcase_add_test(tests, kinds_are_told_by_what_is_there);
    tcase_add_test(tests, relatives_of_mnist_are_refused_by_name);
    tcase_add_test(tests, idx_of_any_size_and_number_of_classes);
#ifdef HAVE_PNG
    tcase_add_test(tests, classes_are_folders_and_spread_evenly);
    tcase_add_test(tests, every_seventh_is_for_the_test_where_nothing_is_split);
    tcase_add_test(tests, folders_may_be_split);
    tcase_add_test(tests, grey_stored_as_colour_is_grey);
    tcase_add_test(tests, bad_pictures_are_named);
#endif
    suite_add_tcase(suite, tests);
    const int failed = run_suite(suite);
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return failed || system(command);
}
