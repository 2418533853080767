/* SPDX-License-Identifier: BSD-2-Clause
 * lib/io/idx.c: good IDX files in every spelling, and each kind of bad one: the status, and a message that names the
 * file, what was expected and what was found. Files are made in a folder below the current one. */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "lib/io/io.h"
#include "tests/mutilate.h"
#include "tests/paths.h"
#include "tests/suite.h"

#define IMAGES 5
#define H 2
#define W 3
#define PIXELS (IMAGES * H * W)
#define CLASSES 10

static char folder[] = "check_idx.XXXXXX";
static char message[1024];

static const char *const spellings[] = {"train-images-idx3-ubyte", "train-images-idx3-ubyte.gz",
                                        "train-images.idx3-ubyte", "train-images.idx3-ubyte.gz"};
static const char *const label_names[] = {"train-labels-idx1-ubyte", "train-labels-idx1-ubyte.gz"};

/* ---- files ---- */

static const char *path_of(const char *name) { return path_in(folder, name, ""); }

static void write_file(const char *name, const void *bytes, size_t count)
{
    size_t length = strlen(name);
    if (length > 3 && !strcmp(name + length - 3, ".gz")) {
        gzFile gz = gzopen(path_of(name), "wb");
        ck_assert(gz && gzwrite(gz, bytes, (unsigned)count) == (int)count && gzclose(gz) == Z_OK);
    } else {
        spill(path_of(name), bytes, count);
    }
}

static size_t put32(unsigned char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++) at[i] = (unsigned char)(value >> (24 - 8 * i));
    return 4;
}

/* An images file: header, then 0 9 18 ... as pixels; `extra` more bytes (fewer if negative). Returns its length. */
static size_t make_images(unsigned char *b, uint32_t magic, uint32_t n, uint32_t h, uint32_t w, int extra)
{
    size_t at = put32(b, magic);
    at += put32(b + at, n);
    at += put32(b + at, h);
    at += put32(b + at, w);
    for (int i = 0; i < PIXELS + extra; i++) b[at++] = (unsigned char)(i * 9);
    return at;
}

static size_t make_labels(unsigned char *b, uint32_t magic, uint32_t n, int extra)
{
    size_t at = put32(b, magic);
    at += put32(b + at, n);
    for (int i = 0; i < IMAGES + extra; i++) b[at++] = (unsigned char)(9 - i);
    return at;
}

static void clean(void)
{
    for (int i = 0; i < 4; i++) {
        unlink(path_of(spellings[i]));
        rmdir(path_of(spellings[i]));
    }
    unlink(path_of(label_names[0]));
    unlink(path_of(label_names[1]));
}

/* A good pair; tests then overwrite one of the two. */
static void write_good(int gz)
{
    unsigned char b[256];
    clean();
    write_file(spellings[gz], b, make_images(b, 0x803, IMAGES, H, W, 0));
    write_file(label_names[gz], b, make_labels(b, 0x801, IMAGES, 0));
}

static void write_images(int gz, const unsigned char *bytes, size_t count)
{
    write_good(gz);
    write_file(spellings[gz], bytes, count);
}

static void write_labels(int gz, const unsigned char *bytes, size_t count)
{
    write_good(gz);
    write_file(label_names[gz], bytes, count);
}

/* ---- expectations ---- */

/* Loads and expects a failure whose message has all fragments (up to NULL). */
static void expect(fcnn_status status, ...)
{
    struct fcnn_dataset set;
    fcnn_status got = fcnn_idx_load(&set, folder, 1, 0, CLASSES, message, sizeof message);
    ck_assert_msg(got == status, "status %d instead of %d: %s", (int)got, (int)status, message);
    ck_assert(!set.x && !set.y && !set.n);
    va_list fragments;
    va_start(fragments, status);
    for (const char *fragment; (fragment = va_arg(fragments, const char *));)
        ck_assert_msg(strstr(message, fragment) != NULL, "no \"%s\" in: %s", fragment, message);
    va_end(fragments);
}

static void check_good(int64_t n, int64_t limit)
{
    struct fcnn_dataset set;
    fcnn_status status = fcnn_idx_load(&set, folder, 1, limit, CLASSES, message, sizeof message);
    ck_assert_msg(status == FCNN_OK, "%s", message);
    ck_assert(set.n == n && set.h == H && set.w == W && set.c == 1);
    for (int64_t i = 0; i < n * H * W; i++) ck_assert(set.x[i] == (float)(unsigned char)(i * 9) / 255.0f);
    for (int64_t i = 0; i < n; i++) ck_assert_int_eq(set.y[i], (int)(9 - i));
    fcnn_dataset_free(&set);
    ck_assert(!set.x && !set.y && !set.n);
}

/* ---- tests; _i: 0 plain files, 1 gzip ---- */

START_TEST(good_files_load_in_every_spelling)
{
    unsigned char b[256];
    for (int i = 0; i < 4; i++) {
        write_good(0);
        unlink(path_of(spellings[0]));
        write_file(spellings[i], b, make_images(b, 0x803, IMAGES, H, W, 0));
        check_good(IMAGES, 0);
    }
}
END_TEST

START_TEST(limit_keeps_the_first_images)
{
    write_good(_i);
    check_good(2, 2);
    check_good(IMAGES, IMAGES);
    check_good(IMAGES, 1000);
}
END_TEST

/* A million images of which one is kept: writing more than that ends in a crash. */
START_TEST(nothing_is_written_past_the_limit)
{
    enum { MANY = 1000000 };
    unsigned char *b = calloc(MANY + 16, 1);
    struct fcnn_dataset set;
    ck_assert(b != NULL);
    make_images(b, 0x803, MANY, 1, 1, -PIXELS);
    write_images(_i, b, MANY + 16);
    make_labels(b, 0x801, MANY, -IMAGES);
    memset(b + 8, 3, 8);
    write_file(label_names[_i], b, MANY + 8);
    free(b);
    fcnn_status status = fcnn_idx_load(&set, folder, 1, 1, CLASSES, message, sizeof message);
    ck_assert_msg(status == FCNN_OK, "%s", message);
    ck_assert(set.n == 1 && set.x[0] == 0 && set.y[0] == 3);
    void *more = malloc(100000); /* a damaged heap is noticed here at the latest */
    fcnn_dataset_free(&set);
    free(more);
}
END_TEST

START_TEST(missing_files_name_the_spellings_tried)
{
    struct fcnn_dataset set;
    write_good(0);
    unlink(path_of("train-images-idx3-ubyte"));
    expect(FCNN_NO_FILE, folder, spellings[0], spellings[1], spellings[2], spellings[3], NULL);
    write_good(0);
    unlink(path_of("train-labels-idx1-ubyte"));
    expect(FCNN_NO_FILE, folder, "train-labels-idx1-ubyte", NULL);
    ck_assert(fcnn_idx_load(&set, folder, 0, 0, CLASSES, message, sizeof message) == FCNN_NO_FILE);
    ck_assert(strstr(message, "t10k-images-idx3-ubyte") != NULL);
    ck_assert(fcnn_idx_load(&set, "no/such/folder", 1, 0, CLASSES, message, sizeof message) == FCNN_NO_FILE);
    ck_assert(strstr(message, "no/such/folder: ") == message);
    char path[256];
    snprintf(path, sizeof path, "%s", path_of("train-images-idx3-ubyte"));
    ck_assert(fcnn_idx_load(&set, path, 1, 0, CLASSES, message, sizeof message) == FCNN_NO_FILE);
    ck_assert(strstr(message, "Not a directory") != NULL);
}
END_TEST

START_TEST(folders_and_fifos_are_no_files)
{
    write_good(0);
    unlink(path_of(spellings[0]));
    ck_assert(!mkdir(path_of(spellings[0]), 0700));
    expect(FCNN_NO_FILE, spellings[0], "not a regular file", NULL);
    ck_assert(!rmdir(path_of(spellings[0])));
    if (mkfifo(path_of(spellings[0]), 0600)) return; /* not on this file system */
    expect(FCNN_NO_FILE, spellings[0], "not a regular file but a FIFO", NULL);
}
END_TEST

START_TEST(wrong_magic_is_recognised)
{
    static const struct { uint32_t magic; const char *says; } cases[] = {
        {0x801, "0x00000801: labels"},          {0xc02, "0x00000c02: idx2-int: the extended labels of QMNIST"},
        {0xd02, "IDX data of floats with 2 dim"}, {0x03080000, "little-endian"},
        {0x89504e47, "0x89504e47: not an IDX"}, {0x803 | 0x10000, "not an IDX file"}};
    unsigned char b[256];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_images(_i, b, make_images(b, cases[i].magic, IMAGES, H, W, 0));
        expect(FCNN_BAD_DATA, "train-images", "expected images, magic number 0x00000803", cases[i].says, NULL);
    }
    write_labels(_i, b, make_images(b, 0x803, IMAGES, H, W, 0));
    expect(FCNN_BAD_DATA, "train-labels", "expected labels, magic number 0x00000801", "0x00000803: images", NULL);
}
END_TEST

START_TEST(truncated_files_are_found)
{
    unsigned char b[256];
    write_images(_i, b, make_images(b, 0x803, IMAGES, H, W, -7));
    expect(FCNN_BAD_DATA, "train-images", "truncated: expected 30 bytes", "found 23", NULL);
    write_labels(_i, b, make_labels(b, 0x801, IMAGES, -1));
    expect(FCNN_BAD_DATA, "train-labels", "truncated: expected 5 bytes", "found 4", NULL);
    make_images(b, 0x803, IMAGES, H, W, 0);
    for (size_t length = 0; length < 16; length++) {
        char found[32];
        snprintf(found, sizeof found, "found %zu bytes in all", length);
        write_images(_i, b, length);
        expect(FCNN_BAD_DATA, "train-images", "truncated: expected a header of 16 bytes", found, NULL);
    }
}
END_TEST

START_TEST(trailing_bytes_are_found)
{
    unsigned char b[256];
    write_images(_i, b, make_images(b, 0x803, IMAGES, H, W, 1));
    expect(FCNN_BAD_DATA, "train-images", "expected the file to end after the 30 bytes", "found more", NULL);
    write_labels(_i, b, make_labels(b, 0x801, IMAGES, 3));
    expect(FCNN_BAD_DATA, "train-labels", "expected the file to end after the 5 bytes", "found more", NULL);
}
END_TEST

START_TEST(counts_that_disagree_are_found)
{
    unsigned char b[256];
    write_labels(_i, b, make_labels(b, 0x801, IMAGES - 1, -1));
    expect(FCNN_BAD_DATA, "train-labels", "train-images", "images, 5; found 4", NULL);
    write_labels(_i, b, make_labels(b, 0x801, IMAGES + 1, 1));
    expect(FCNN_BAD_DATA, "train-labels", "train-images", "images, 5; found 6", NULL);
}
END_TEST

START_TEST(labels_out_of_range_are_named)
{
    unsigned char b[256];
    size_t length = make_labels(b, 0x801, IMAGES, 0);
    b[8 + 3] = 10;
    write_labels(_i, b, length);
    expect(FCNN_BAD_DATA, "train-labels", "label 3", "expected 0 to 9, found 10", NULL);
    b[8 + 3] = 255;
    write_labels(_i, b, length);
    expect(FCNN_BAD_DATA, "found 255", NULL);
}
END_TEST

START_TEST(empty_and_absurd_sizes_are_refused)
{
    static const uint32_t huge[][3] = {{0xffffffff, 0xffffffff, 0xffffffff}, {0x80000000, 2, 1}, {1, 0x10000, 0x10000},
                                       {0x10000, 0x10000, 0x80000000}, {60000, 28, 28}};
    unsigned char b[256];
    for (size_t i = 0; i < sizeof huge / sizeof *huge; i++) {
        write_images(_i, b, make_images(b, 0x803, huge[i][0], huge[i][1], huge[i][2], 0));
        expect(FCNN_BAD_DATA, "train-images", _i ? "the header announces" : "truncated: expected", NULL);
    }
    write_images(_i, b, make_images(b, 0x803, 0, H, W, 0));
    expect(FCNN_BAD_DATA, "size 1 of 3 in the header is 0", NULL);
    write_images(_i, b, make_images(b, 0x803, IMAGES, H, 0, 0));
    expect(FCNN_BAD_DATA, "size 3 of 3 in the header is 0", NULL);
    write_labels(_i, b, make_labels(b, 0x801, 0, 0));
    expect(FCNN_BAD_DATA, "train-labels", "is 0", NULL);
}
END_TEST

/* Rewrites a gzip file with one byte changed (at >= 0) or cut to `length` bytes. */
static void damage(const char *name, long at, long length)
{
    size_t count;
    unsigned char *b = slurp(path_of(name), &count);
    if (at < 0) at += (long)count;
    b[at] ^= 0x55;
    spill(path_of(name), b, length ? count - (size_t)length : count);
    free(b);
}

START_TEST(corrupt_gzip_is_found)
{
    write_good(1);
    damage("train-images-idx3-ubyte.gz", -8, 0); /* its checksum */
    expect(FCNN_BAD_DATA, "train-images-idx3-ubyte.gz", "gzip data are corrupt", NULL);
    write_good(1);
    damage("train-images-idx3-ubyte.gz", 10, 0); /* the first byte of deflate data */
    expect(FCNN_BAD_DATA, "train-images-idx3-ubyte.gz", NULL);
    write_good(1);
    damage("train-labels-idx1-ubyte.gz", -1, 5); /* cut before the checksum */
    expect(FCNN_BAD_DATA, "train-labels-idx1-ubyte.gz", "truncated", NULL);
    write_good(1);
    damage("train-images-idx3-ubyte.gz", 0, 0); /* no gzip file any more */
    expect(FCNN_BAD_DATA, "train-images-idx3-ubyte.gz", "not an IDX file", NULL);
}
END_TEST

static int reads(const unsigned char *bytes, size_t count, void *name)
{
    struct fcnn_dataset set;
    char path[300];
    snprintf(path, sizeof path, "%s", path_of(name));
    spill(path, bytes, count);
    const fcnn_status status = fcnn_idx_load(&set, folder, 1, 0, CLASSES, message, sizeof message);
    if (status) ck_assert(!set.x && !set.y && !set.n);
    else ck_assert(set.n == IMAGES && set.h * set.w >= 1 && set.h * set.w <= H * W);
    fcnn_dataset_free(&set);
    /* The labels are to blame, too, where the number of images changed. */
    const int other = strncmp(message, path, strlen(path)) != 0;
    const char *blamed = other ? path_of(label_names[strstr(path, ".gz") != NULL]) : path;
    return mutilated_was_read(status, message, blamed);
}

/* _i: plain images and labels, gzip images and labels. What may change without a trace: pixels, labels below 10, and
 * gzip's time, system and flags. */
START_TEST(truncations_and_flipped_bytes_survive)
{
    size_t count;
    char name[64];
    snprintf(name, sizeof name, "%s", _i % 2 ? label_names[_i / 2] : spellings[_i / 2]);
    write_good(_i / 2);
    unsigned char *bytes = slurp(path_of(name), &count);
    const struct mutilated seen = mutilate(bytes, count, reads, name);
    free(bytes);
    ck_assert_uint_eq(seen.cuts_read + seen.longer_read, 0);
    ck_assert_uint_le(seen.flips_read, _i >= 2 ? 8 * MUTILATED_FLIPS : PIXELS * MUTILATED_FLIPS);
}
END_TEST

START_TEST(short_message_buffers_are_respected)
{
    struct fcnn_dataset set;
    char tiny[8] = "1234567";
    clean();
    ck_assert(fcnn_idx_load(&set, folder, 1, 0, CLASSES, tiny, 4) == FCNN_NO_FILE);
    ck_assert(tiny[3] == 0 && tiny[4] == '5');
    ck_assert(fcnn_idx_load(&set, folder, 1, 0, CLASSES, NULL, 0) == FCNN_NO_FILE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("idx");
    TCase *tests = tcase_create("idx");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, good_files_load_in_every_spelling);
    tcase_add_loop_test(tests, limit_keeps_the_first_images, 0, 2);
    tcase_add_loop_test(tests, nothing_is_written_past_the_limit, 0, 2);
    tcase_add_test(tests, missing_files_name_the_spellings_tried);
    tcase_add_test(tests, folders_and_fifos_are_no_files);
    tcase_add_loop_test(tests, wrong_magic_is_recognised, 0, 2);
    tcase_add_loop_test(tests, truncated_files_are_found, 0, 2);
    tcase_add_loop_test(tests, trailing_bytes_are_found, 0, 2);
    tcase_add_loop_test(tests, counts_that_disagree_are_found, 0, 2);
    tcase_add_loop_test(tests, labels_out_of_range_are_named, 0, 2);
    tcase_add_loop_test(tests, empty_and_absurd_sizes_are_refused, 0, 2);
    tcase_add_test(tests, corrupt_gzip_is_found);
    tcase_add_loop_test(tests, truncations_and_flipped_bytes_survive, 0, 4);
    tcase_add_test(tests, short_message_buffers_are_respected);
    suite_add_tcase(suite, tests);
    if (!mkdtemp(folder)) {
        perror(folder);
        return EXIT_FAILURE;
    }
    const int status = run_suite(suite);
    clean();
    rmdir(folder);
    return status;
}
