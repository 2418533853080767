/* SPDX-License-Identifier: BSD-2-Clause
 * lib/io/input.c: plain and gzip files to their end, what follows a gzip stream, every truncation, and things that are
 * no regular file. Files are made in a folder below the current one. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/io/input.h"
#include "tests/mutilate.h"
#include "tests/suite.h"

#define LONG 200000 /* more than a buffer */

static char folder[] = "check_input.XXXXXX";
static char path[64];
static unsigned char contents[LONG], bytes[LONG + 1000];
static struct fcnn_input input;

static size_t compress_part(unsigned char *to, size_t room, const void *from, size_t count)
{
    z_stream z = {.next_in = (unsigned char *)(uintptr_t)from, .avail_in = (unsigned)count, .next_out = to,
                  .avail_out = (unsigned)room};
    ck_assert(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    ck_assert(deflate(&z, Z_FINISH) == Z_STREAM_END);
    deflateEnd(&z);
    return room - z.avail_out;
}

/* Reads all in pieces of `step` bytes; what was read is in `bytes`. */
static fcnn_status read_all(int64_t step, int64_t *count)
{
    *count = 0;
    fcnn_status status = fcnn_input_open(&input, path);
    if (status) return status;
    for (int64_t got = 1, room; !status && got && (room = (int64_t)sizeof bytes - *count) > 0; *count += got)
        status = fcnn_input_read(&input, bytes + *count, step < room ? step : room, &got);
    fcnn_input_close(&input);
    return status;
}

static void expect_contents(size_t length)
{
    for (int64_t step = 1, count; step <= 300000; step = step * 7 + 1) {
        if (step * 2000 < (int64_t)length) continue; /* byte by byte only what is short */
        if (step > (int64_t)sizeof bytes) break;
        memset(bytes, 0xee, sizeof bytes);
        ck_assert_msg(read_all(step, &count) == FCNN_OK, "%s", input.problem);
        ck_assert_int_eq(count, (int64_t)length);
        ck_assert(!memcmp(bytes, contents, length));
    }
}

static void expect_problem(fcnn_status status, const char *fragment)
{
    int64_t count;
    ck_assert_int_eq(read_all(1000, &count), status);
    ck_assert_msg(strstr(input.problem, fragment) != NULL, "no \"%s\" in: %s", fragment, input.problem);
}

static void set_up(void)
{
    unsigned random = 1;
    for (int i = 0; i < LONG; i++) contents[i] = (unsigned char)((random = random * 1103515245u + 12345u) >> 28);
    snprintf(path, sizeof path, "%s/file", folder);
}

static void tear_down(void)
{
    unlink(path);
    rmdir(path);
}

START_TEST(plain_and_gzip_files_give_their_contents)
{
    static unsigned char packed[LONG];
    static const size_t lengths[] = {0, 1, 2, 3, 1000, 65535, 65536, 65537, 131072, LONG};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        spill(path, contents, lengths[i]);
        expect_contents(lengths[i]);
        ck_assert(!input.gzip && input.size == (int64_t)lengths[i]);
        spill(path, packed, compress_part(packed, sizeof packed, contents, lengths[i]));
        expect_contents(lengths[i]);
    }
}
END_TEST

START_TEST(streams_in_a_row_are_one)
{
    static unsigned char packed[LONG];
    for (size_t first = 0; first <= 100; first += 50) {
        size_t used = compress_part(packed, sizeof packed, contents, first);
        used += compress_part(packed + used, sizeof packed - used, contents + first, 100000 - first);
        spill(path, packed, used);
        expect_contents(100000);
    }
}
END_TEST

START_TEST(other_bytes_behind_a_stream_are_refused)
{
    static unsigned char packed[LONG];
    static const char *const tails[] = {"x", "\n", "garbage that is long enough", "\x1f", "\x1f\x8b",
                                        "\x1f\x8bgarbage"};
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        size_t used = compress_part(packed, sizeof packed, contents, 1000);
        memcpy(packed + used, tails[i], strlen(tails[i]));
        spill(path, packed, used + strlen(tails[i]));
        expect_problem(FCNN_BAD_DATA, *tails[i] == 0x1f ? "the gzip data" : "other bytes follow the end of the gzip");
    }
    size_t used = compress_part(packed, sizeof packed, contents, 1000);
    packed[used] = 0; /* padding too */
    spill(path, packed, used + 1);
    expect_problem(FCNN_BAD_DATA, "other bytes follow");
}
END_TEST

static int reads(const unsigned char *from, size_t length, void *context)
{
    int64_t count;
    (void)context;
    spill(path, from, length);
    const fcnn_status status = read_all(1000, &count);
    ck_assert(status == FCNN_BAD_DATA ? *input.problem : !status);
    return !status && input.size >= 2 && from[0] == 0x1f && from[1] == 0x8b; /* else it is no gzip file any more */
}

/* What may change without a trace: time, system and flags of gzip's header. */
START_TEST(truncations_and_flipped_bytes_are_found)
{
    unsigned char packed[2000];
    const size_t length = compress_part(packed, sizeof packed, contents, 500);
    const struct mutilated seen = mutilate(packed, length, reads, NULL);
    ck_assert_uint_eq(seen.cuts_read + seen.longer_read, 0);
    ck_assert_uint_le(seen.flips_read, 8 * MUTILATED_FLIPS);
    spill(path, packed, length - 1);
    expect_problem(FCNN_BAD_DATA, "truncated");
}
END_TEST

START_TEST(only_regular_files_are_opened)
{
    expect_problem(FCNN_NO_FILE, "cannot be opened: ");
    ck_assert_int_eq(input.error, ENOENT);
    ck_assert(!mkdir(path, 0700));
    expect_problem(FCNN_NO_FILE, "not a regular file but a folder");
    ck_assert(!rmdir(path));
    ck_assert(!symlink("/dev/null", path));
    expect_problem(FCNN_NO_FILE, "not a regular file but a device");
    unlink(path);
    if (mkfifo(path, 0600)) return; /* not on this file system */
    expect_problem(FCNN_NO_FILE, "not a regular file but a FIFO"); /* and without waiting for a writer */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("input");
    TCase *tests = tcase_create("input");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, plain_and_gzip_files_give_their_contents);
    tcase_add_test(tests, streams_in_a_row_are_one);
    tcase_add_test(tests, other_bytes_behind_a_stream_are_refused);
    tcase_add_test(tests, truncations_and_flipped_bytes_are_found);
    tcase_add_test(tests, only_regular_files_are_opened);
    suite_add_tcase(suite, tests);
    if (!mkdtemp(folder)) {
        perror(folder);
        return EXIT_FAILURE;
    }
    const int status = run_suite(suite);
    rmdir(folder);
    return status;
}
