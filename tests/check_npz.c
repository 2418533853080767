/* SPDX-License-Identifier: BSD-2-Clause
 * lib/io/unzip.c, npy.c and npz.c: stored and deflated members, every type in either byte order, headers in their
 * strict form, each kind of bad file with the sentence that names it, every truncation and every flipped byte. Files
 * are made in a folder below the current one. */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "lib/io/dataset.h"
#include "lib/io/fail.h"
#include "lib/io/npy.h"
#include "lib/io/unzip.h"
#include "tests/mutilate.h"
#include "tests/suite.h"

#define N 6
#define H 2
#define W 3

static char folder[] = "check_npz.XXXXXX";
static char path[64];

/* ---- a zip file in memory ---- */

struct bytes {
    unsigned char at[16384];
    size_t count;
};

static struct bytes zip, directory;
static int members;

static void put(struct bytes *to, const void *from, size_t count)
{
    ck_assert(to->count + count < sizeof to->at);
    memcpy(to->at + to->count, from, count);
    to->count += count;
}

static void put_number(struct bytes *to, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) to->at[to->count++] = (unsigned char)(value >> 8 * i);
}

static size_t deflate_into(unsigned char *to, size_t room, const unsigned char *from, size_t count)
{
    z_stream z = {.next_in = (unsigned char *)(uintptr_t)from, .avail_in = (unsigned)count, .next_out = to,
                  .avail_out = (unsigned)room};
    ck_assert(deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    ck_assert(deflate(&z, Z_FINISH) == Z_STREAM_END);
    deflateEnd(&z);
    return room - z.avail_out;
}

/* As NumPy writes them: zip64 before the member, plain numbers in the directory. */
static void add_member(const char *name, const struct bytes *data, int deflated)
{
    static unsigned char packed[16384];
    const size_t local = zip.count, length = strlen(name);
    const size_t count = deflated ? deflate_into(packed, sizeof packed, data->at, data->count) : data->count;
    const uint32_t crc = (uint32_t)crc32(0, data->at, (unsigned)data->count);
    put_number(&zip, 0x04034b50, 4);
    put_number(&zip, 45, 2);
    put_number(&zip, 0, 2);
    put_number(&zip, deflated ? 8 : 0, 2);
    put_number(&zip, 0, 4);
    put_number(&zip, crc, 4);
    put_number(&zip, UINT32_MAX, 4);
    put_number(&zip, UINT32_MAX, 4);
    put_number(&zip, (uint32_t)length, 2);
    put_number(&zip, 20, 2);
    put(&zip, name, length);
    put_number(&zip, 1, 2);
    put_number(&zip, 16, 2);
    put_number(&zip, (uint32_t)data->count, 4);
    put_number(&zip, 0, 4);
    put_number(&zip, (uint32_t)count, 4);
    put_number(&zip, 0, 4);
    put(&zip, deflated ? packed : data->at, count);

    put_number(&directory, 0x02014b50, 4);
    put_number(&directory, 45, 2);
    put_number(&directory, 45, 2);
    put_number(&directory, 0, 2);
    put_number(&directory, deflated ? 8 : 0, 2);
    put_number(&directory, 0, 4);
    put_number(&directory, crc, 4);
    put_number(&directory, (uint32_t)count, 4);
    put_number(&directory, (uint32_t)data->count, 4);
    put_number(&directory, (uint32_t)length, 2);
    put_number(&directory, 0, 4); /* extra, comment */
    put_number(&directory, 0, 4); /* disk, internal attributes */
    put_number(&directory, 0, 4); /* external ones */
    put_number(&directory, (uint32_t)local, 4);
    put(&directory, name, length);
    members++;
}

static void write_zip(void)
{
    const size_t at = zip.count;
    put(&zip, directory.at, directory.count);
    put_number(&zip, 0x06054b50, 4);
    put_number(&zip, 0, 4);
    put_number(&zip, (uint32_t)members, 2);
    put_number(&zip, (uint32_t)members, 2);
    put_number(&zip, (uint32_t)directory.count, 4);
    put_number(&zip, (uint32_t)at, 4);
    put_number(&zip, 0, 2);
    spill(path, zip.at, zip.count);
}

/* ---- arrays ---- */

/* A header of version 1.0 or 2.0, padded as NumPy does. */
static void put_header(struct bytes *to, const char *dict, int version)
{
    const size_t before = version == 1 ? 10 : 12, text = strlen(dict) + 1;
    const size_t length = (before + text + 63) / 64 * 64 - before;
    put(to, "\x93NUMPY", 6);
    put_number(to, (uint32_t)version, 2);
    put_number(to, (uint32_t)length, version == 1 ? 2 : 4);
    put(to, dict, text - 1);
    for (size_t i = text; i < length; i++) put(to, " ", 1);
    put(to, "\n", 1);
}

static double pixel(int i) { return (i * 41 + 7) % 256; }
static double label(int i) { return (i * 5 + 2) % 8; }

/* Numbers of a type like "<i4"; type[1] 'f' pixels are divided by 255. */
static void put_values(struct bytes *to, const char *type, int count, double (*value)(int))
{
    const int size = type[2] - '0', big = type[0] == '>';
    for (int i = 0; i < count; i++) {
        const double v = value(i);
        uint64_t bits = (uint64_t)v;
        const float single = (float)(v / 255);
        const double twice = v / 255;
        if (type[1] == 'f' && size == 4) {
            uint32_t low;
            memcpy(&low, &single, 4);
            bits = low;
        } else if (type[1] == 'f') memcpy(&bits, &twice, 8);
        for (int j = 0; j < size; j++) to->at[to->count++] = (unsigned char)(bits >> 8 * (big ? size - 1 - j : j));
    }
}

static void add_array(const char *name, const char *type, const char *shape, int count, double (*value)(int),
                      int deflated)
{
    static struct bytes array;
    char dict[128];
    array.count = 0;
    snprintf(dict, sizeof dict, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", type, shape);
    put_header(&array, dict, 1);
    put_values(&array, type, count, value);
    add_member(name, &array, deflated);
}

static void begin_zip(void)
{
    zip.count = directory.count = 0;
    members = 0;
}

/* A good file with labels of this type and images of that. */
static void make(const char *images, const char *labels, int deflated)
{
    begin_zip();
    add_array("x_test.npy", images, "(2, 2, 3)", 2 * H * W, pixel, deflated);
    add_array("x_train.npy", images, "(6, 2, 3)", N * H * W, pixel, deflated);
    add_array("y_train.npy", labels, "(6,)", N, label, deflated);
    add_array("y_test.npy", labels, "(2,)", 2, label, deflated);
    write_zip();
}

static void check_good(int training, int64_t limit, int64_t n, int classes)
{
    struct fcnn_dataset set;
    ck_assert_msg(fcnn_npz_load(&set, path, training, limit) == FCNN_OK, "%s", fcnn_io_last_error());
    ck_assert(set.n == n && set.h == H && set.w == W && set.c == 1);
    ck_assert_int_eq(set.classes, classes);
    for (int i = 0; i < n * H * W; i++) ck_assert(set.x[i] == (float)pixel(i) / 255.0f);
    for (int i = 0; i < n; i++) ck_assert_int_eq(set.y[i], (int)label(i));
    fcnn_dataset_free(&set);
    ck_assert(!set.x && !set.y);
}

static void expect(fcnn_status status, ...)
{
    struct fcnn_dataset set;
    const fcnn_status got = fcnn_npz_load(&set, path, 1, 0);
    ck_assert_msg(got == status, "status %d instead of %d: %s", (int)got, (int)status, fcnn_io_last_error());
    ck_assert(!set.x && !set.y && !set.n);
    va_list fragments;
    va_start(fragments, status);
    for (const char *fragment; (fragment = va_arg(fragments, const char *));)
        ck_assert_msg(strstr(fcnn_io_last_error(), fragment) != NULL, "no \"%s\" in: %s", fragment,
                      fcnn_io_last_error());
    va_end(fragments);
}

/* ---- tests ---- */

static const char *const image_types[] = {"|u1", "<i4", ">i4", "<i8", ">i8", "<u4", ">u8", "<f4", ">f4", "<f8", ">f8"};
static const char *const label_types[] = {"|u1", "|i1", "<i4", ">i4", "<i8", ">i8", "<u4", ">u8", "=u4", "<u8", ">i8"};
#define TYPES ((int)(sizeof image_types / sizeof *image_types))

START_TEST(every_type_in_either_byte_order)
{
    for (int deflated = 0; deflated < 2; deflated++) {
        make(image_types[_i], label_types[_i], deflated);
        check_good(1, 0, N, 8);
        check_good(0, 0, 2, 8);
        check_good(1, 4, 4, 8); /* classes of all, images of some */
    }
}
END_TEST

START_TEST(channels_vectors_and_columns_of_labels)
{
    struct fcnn_dataset set;
    begin_zip();
    add_array("x_train.npy", "|u1", "(2, 2, 1, 3)", 12, pixel, 1);
    add_array("y_train.npy", "<i8", "(2, 1)", 2, label, 1);
    write_zip();
    ck_assert_msg(fcnn_npz_load(&set, path, 1, 0) == FCNN_OK, "%s", fcnn_io_last_error());
    ck_assert(set.n == 2 && set.h == 2 && set.w == 1 && set.c == 3);
    fcnn_dataset_free(&set);
    begin_zip();
    add_array("x_train.npy", "|u1", "(2, 6)", 12, pixel, 1);
    add_array("y_train.npy", "<i8", "(2,)", 2, label, 1);
    write_zip();
    ck_assert_msg(fcnn_npz_load(&set, path, 1, 0) == FCNN_OK, "%s", fcnn_io_last_error());
    ck_assert(set.n == 2 && set.h == 1 && set.w == 1 && set.c == 6 && set.x[11] == (float)pixel(11) / 255.0f);
    fcnn_dataset_free(&set);
}
END_TEST

static void with_images(const char *dict, int version, int values)
{
    static struct bytes array;
    array.count = 0;
    begin_zip();
    put_header(&array, dict, version);
    put_values(&array, "|u1", values, pixel);
    add_member("x_train.npy", &array, 0);
    add_array("y_train.npy", "|u1", "(6,)", N, label, 0);
    write_zip();
}

START_TEST(headers_are_read_strictly)
{
    with_images("{'shape': (6,2 , 3) ,'fortran_order':False, 'descr': \"|u1\"}", 2, 36);
    check_good(1, 0, N, 8);
    with_images("{'descr': '|u1', 'fortran_order': True, 'shape': (6, 2, 3), }", 1, 36);
    expect(FCNN_BAD_DATA, path, "x_train.npy: Fortran order is not read", NULL);
    with_images("{'descr': '|u1', 'fortran_order': False, 'shape': (6, 2, 3), 'more': 1}", 1, 36);
    expect(FCNN_BAD_DATA, "each once", NULL);
    with_images("{'descr': '|u1', 'descr': '|u1', 'shape': (6, 2, 3)}", 1, 36);
    expect(FCNN_BAD_DATA, "each once", NULL);
    with_images("{'descr': '|u1', 'shape': (6, 2, 3)}", 1, 36);
    expect(FCNN_BAD_DATA, "all of 'descr', 'fortran_order' and 'shape'", NULL);
    with_images("{'descr': '<f2', 'fortran_order': False, 'shape': (6, 2, 3)}", 1, 36);
    expect(FCNN_BAD_DATA, "elements of type f2", NULL);
    with_images("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (6, 2, 3)}", 1, 36);
    expect(FCNN_BAD_DATA, "a type of four characters", NULL);
    with_images("{'descr': '|u1', 'fortran_order': False, 'shape': (6, 2, 3)} x", 1, 36);
    expect(FCNN_BAD_DATA, "nothing behind '}'", NULL);
    with_images("{'descr': '|u1', 'fortran_order': maybe, 'shape': (6, 2, 3)}", 1, 36);
    expect(FCNN_BAD_DATA, "True or False", NULL);
    with_images("{'descr': '|u1', 'fortran_order': False, 'shape': (6, 2, -3)}", 1, 36);
    expect(FCNN_BAD_DATA, "expected a size", NULL);
    with_images("{'descr': '|u1', 'fortran_order': False, 'shape': (6, 2, 3, 1, 1)}", 1, 36);
    expect(FCNN_BAD_DATA, "at most 4 dimensions", NULL);
    with_images("{'descr': '|u1', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4)}", 1, 36);
    expect(FCNN_BAD_DATA, "fewer than 2^63 elements", NULL);
    with_images("{'descr': '|u1', 'fortran_order': False, 'shape': (1099511627776, 1048576, 1)}", 1, 36);
    expect(FCNN_BAD_DATA, "make 1152921504606846976 bytes, but 36 follow", NULL);
    with_images("{'descr': '|u1', 'fortran_order': False, 'shape': (6, 2, 3)}", 4, 36);
    expect(FCNN_BAD_DATA, "version 4.0", NULL);
    with_images("", 1, 36);
    expect(FCNN_BAD_DATA, "expected '{'", NULL);
}
END_TEST

START_TEST(contents_that_do_not_fit)
{
    with_images("{'descr': '|u1', 'fortran_order': False, 'shape': (6, 2, 3)}", 1, 35);
    expect(FCNN_BAD_DATA, "make 36 bytes, but 35 follow", NULL);
    with_images("{'descr': '|u1', 'fortran_order': False, 'shape': (5, 2, 3)}", 1, 30);
    expect(FCNN_BAD_DATA, "y_train.npy: expected as many labels as images, 5; found 6", NULL);
    with_images("{'descr': '|u1', 'fortran_order': False, 'shape': (36,)}", 1, 36);
    expect(FCNN_BAD_DATA, "expected images", "found u1 (36)", NULL);
    begin_zip();
    add_array("x_train.npy", "|u1", "(6, 2, 3)", 36, pixel, 0);
    add_array("y_train.npy", "<f4", "(6,)", N, label, 0);
    write_zip();
    expect(FCNN_BAD_DATA, "expected labels: whole numbers", "found f4 (6)", NULL);
    begin_zip();
    add_array("x_train.npy", "<i8", "(6, 2, 3)", 36, pixel, 0);
    zip.at[zip.count - 8] = 0xff;
    zip.at[zip.count - 7] = 0xff; /* and so is its checksum wrong, but the value comes first */
    add_array("y_train.npy", "|u1", "(6,)", N, label, 0);
    write_zip();
    expect(FCNN_BAD_DATA, "x_train.npy", NULL);
    begin_zip();
    add_array("arr_0.npy", "|u1", "(6, 2, 3)", 36, pixel, 0);
    write_zip();
    expect(FCNN_BAD_DATA, "no array x_train.npy", "found arr_0.npy", NULL);
}
END_TEST

static double large(int i) { return i == 7 ? 256 : i; }

static double huge(int i) { return i == 7 ? 65536 : i; }

static void check_small_labels(void)
{
    struct fcnn_dataset set;
    ck_assert_msg(fcnn_npz_load(&set, path, 1, 0) == FCNN_OK, "%s", fcnn_io_last_error());
    ck_assert(set.n == 9 && set.y[7] == 256 && set.classes == 257);
    fcnn_dataset_free(&set);
}

START_TEST(values_out_of_range)
{
    begin_zip();
    add_array("x_train.npy", "<i4", "(6, 2, 3)", 36, large, 1);
    add_array("y_train.npy", "|u1", "(6,)", N, label, 0);
    write_zip();
    expect(FCNN_BAD_DATA, "x_train.npy: element 7 is 256; expected pixels from 0 to 255", NULL);
    begin_zip();
    add_array("x_train.npy", "<f4", "(6, 2, 3)", 36, large, 1);
    add_array("y_train.npy", "|u1", "(6,)", N, label, 0);
    write_zip();
    expect(FCNN_BAD_DATA, "expected floats from 0 to 1", NULL);
    begin_zip();
    add_array("x_train.npy", "|u1", "(9, 1, 1)", 9, label, 1);
    add_array("y_train.npy", ">i4", "(9,)", 9, large, 0);
    write_zip();
    check_small_labels();
    begin_zip();
    add_array("x_train.npy", "|u1", "(9, 1, 1)", 9, label, 1);
    add_array("y_train.npy", ">i4", "(9,)", 9, huge, 0);
    write_zip();
    expect(FCNN_BAD_DATA, "y_train.npy: label 7 (counted from 0): expected 0 to 65535, found 65536", NULL);
}
END_TEST

START_TEST(zip_files_that_are_not_read)
{
    make("|u1", "|u1", 1);
    const size_t entry = zip.count - 22 - directory.count;
    const struct { size_t at; unsigned char value; const char *fragment; } changes[] = {
        {entry + 8, 1, "is encrypted"},
        {entry + 10, 9, "neither stored nor deflated"},
        {entry + 27, 0x7f, "far more bytes than it has packed ones"},
        {entry + 23, 0x7f, "lies outside of the file"},
        {entry, 'X', "entry 1 of the zip directory is damaged"},
        {entry + 28, 0, "a name that is empty"},
        {zip.count - 22 + 4, 1, "split zip file"},
        {zip.count - 22 + 11, 9, "split zip file"},
        {zip.count - 22 + 18, 0xff, "directory lies outside"},
        {zip.count - 22, 'X', "not a zip file, or truncated"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        const unsigned char before = zip.at[changes[i].at];
        zip.at[changes[i].at] = changes[i].value;
        spill(path, zip.at, zip.count);
        expect(FCNN_BAD_DATA, path, changes[i].fragment, NULL);
        zip.at[changes[i].at] = before;
    }
    for (int i = 0; i < 4; i++) zip.at[entry + 24 + (size_t)i] = 0xff;
    spill(path, zip.at, zip.count);
    expect(FCNN_BAD_DATA, "zip64", NULL);
    begin_zip();
    add_array("x_train.npy", "|u1", "(6, 2, 3)", 36, pixel, 0);
    add_array("x_train.npy", "|u1", "(6, 2, 3)", 36, pixel, 0);
    write_zip();
    expect(FCNN_BAD_DATA, "entry 2 of the zip directory has the name of another one", NULL);
    unlink(path);
    expect(FCNN_NO_FILE, path, "No such file", NULL);
}
END_TEST

START_TEST(checksums_are_checked)
{
    for (int deflated = 0; deflated < 2; deflated++) {
        make("|u1", "|u1", deflated);
        const unsigned char *x = memmem(zip.at, zip.count, "x_train.npy", 11);
        const size_t directory_at = zip.count - 22 - directory.count;
        unsigned char *crc = memmem(zip.at + directory_at, directory.count, "x_train.npy", 11);
        ck_assert(x && crc);
        crc[16 - 46] ^= 1;
        spill(path, zip.at, zip.count);
        expect(FCNN_BAD_DATA, "x_train.npy: its checksum is not the one of the directory", NULL);
    }
}
END_TEST

static int reads(const unsigned char *bytes, size_t count, void *training)
{
    struct fcnn_dataset set;
    spill(path, bytes, count);
    const fcnn_status status = fcnn_npz_load(&set, path, *(int *)training, 0);
    const int was_read = mutilated_was_read(status, fcnn_io_last_error(), path);
    if (!was_read) ck_assert(!set.x && !set.y);
    else ck_assert(set.n && set.x && set.y && set.classes >= 1);
    fcnn_dataset_free(&set);
    return was_read;
}

/* Members have checksums; the other half's may be damaged, and times and attributes are not looked at. */
START_TEST(truncations_and_flipped_bytes_survive)
{
    int training = _i / 2;
    make("|u1", _i % 2 ? "<i8" : "|u1", _i % 2);
    const struct mutilated seen = mutilate(zip.at, zip.count, reads, &training);
    ck_assert_uint_eq(seen.cuts_read + seen.longer_read, 0);
    ck_assert_uint_lt(seen.flips_read, seen.flips * 3 / 4);
}
END_TEST

int main(void)
{
    if (!mkdtemp(folder)) return 1;
    snprintf(path, sizeof path, "%s/data.npz", folder);
    Suite *suite = suite_create("npz");
    TCase *tests = tcase_create("npz");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, every_type_in_either_byte_order, 0, TYPES);
    tcase_add_test(tests, channels_vectors_and_columns_of_labels);
    tcase_add_test(tests, headers_are_read_strictly);
    tcase_add_test(tests, contents_that_do_not_fit);
    tcase_add_test(tests, values_out_of_range);
    tcase_add_test(tests, zip_files_that_are_not_read);
    tcase_add_test(tests, checksums_are_checked);
    tcase_add_loop_test(tests, truncations_and_flipped_bytes_survive, 0, 4);
    suite_add_tcase(suite, tests);
    const int failed = run_suite(suite);
    unlink(path);
    rmdir(folder);
    return failed;
}
