/* SPDX-License-Identifier: BSD-2-Clause
 * See mutilate.h. */
#include "tests/mutilate.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first `count` bytes with the one at `at` changed; what is read beyond them is seen by sanitizers. */
static size_t try(const unsigned char *bytes, size_t count, size_t at, unsigned char flip, mutilated_reader *reader,
                  void *context)
{
    unsigned char *copy = malloc(count ? count : 1);
    ck_assert(copy != NULL);
    if (count) memcpy(copy, bytes, count);
    if (flip) copy[at] ^= flip;
    const int was_read = reader(copy, count, context);
    free(copy);
    return was_read != 0;
}

struct mutilated mutilate_some(const unsigned char *bytes, size_t count, size_t flips, mutilated_reader *reader,
                               void *context)
{
    static const unsigned char flip[MUTILATED_FLIPS] = {0x01, 0x10, 0x80, 0xff}, tails[] = {0, '\n', 0xff};
    struct mutilated seen = {.cuts = count, .flips = count * flips, .longer = sizeof tails};
    ck_assert_msg(try(bytes, count, 0, 0, reader, context) == 1, "the file itself is refused");
    for (size_t i = 0; i < count; i++) seen.cuts_read += try(bytes, i, 0, 0, reader, context);
    for (size_t i = 0; i < seen.flips; i++)
        seen.flips_read += try(bytes, count, i / flips, flip[i % MUTILATED_FLIPS], reader, context);
    unsigned char *longer = malloc(count + 1);
    ck_assert(longer != NULL);
    memcpy(longer, bytes, count);
    for (size_t i = 0; i < sizeof tails; i++) {
        longer[count] = tails[i];
        seen.longer_read += try(longer, count + 1, 0, 0, reader, context);
    }
    free(longer);
    return seen;
}

int mutilated_was_read(fcnn_status status, const char *sentence, const char *path)
{
    if (!status) return 1;
    ck_assert_msg(status == FCNN_BAD_DATA, "status %d: %s", (int)status, sentence);
    const size_t length = strlen(path);
    ck_assert_msg(!strncmp(sentence, path, length) && sentence[length] == ':' && sentence[length + 1],
                  "the sentence does not begin with %s: %s", path, sentence);
    return 0;
}

void spill(const char *path, const void *bytes, size_t count)
{
    remove(path);
    FILE *file = fopen(path, "wb");
    ck_assert_msg(file && fwrite(bytes, 1, count, file) == count && !fclose(file), "%s", path);
}

unsigned char *slurp(const char *path, size_t *count)
{
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file && !fseek(file, 0, SEEK_END), "%s", path);
    const long length = ftell(file);
    unsigned char *bytes = malloc((size_t)length + 1);
    rewind(file);
    ck_assert(bytes && fread(bytes, 1, (size_t)length, file) == (size_t)length);
    fclose(file);
    *count = (size_t)length;
    return bytes;
}
