/* SPDX-License-Identifier: BSD-2-Clause
 * What every reader of files must survive: each beginning of a small valid file, each of its bytes changed, and bytes
 * behind its end. Crashes are seen by Check, bytes read too far and leaks by the sanitizers, hangs by timeouts. */
#ifndef FCNN_TESTS_MUTILATE_H
#define FCNN_TESTS_MUTILATE_H

#include <stddef.h>

#include "lib/fastcnn.h"

/* Reads what is left of the file, a block of exactly `count` bytes, and asserts that what came of it has bounds or is
 * refused with a sentence. Whether it was read. */
typedef int mutilated_reader(const unsigned char *bytes, size_t count, void *context);

struct mutilated {
    size_t cuts, cuts_read;     /* one for each length below the file's */
    size_t flips, flips_read;   /* so many for each byte as were asked for */
    size_t longer, longer_read; /* with one more byte: 0, a newline, 0xff */
};

/* A byte's lowest bit, one in its middle, its highest, and all of them. Where reading takes long one byte may get only
 * `flips` of them, and the next byte the others. */
#define MUTILATED_FLIPS 4

/* The file itself has to be read. */
struct mutilated mutilate_some(const unsigned char *bytes, size_t count, size_t flips, mutilated_reader *reader,
                               void *context);
static inline struct mutilated mutilate(const unsigned char *bytes, size_t count, mutilated_reader *reader,
                                        void *context)
{
    return mutilate_some(bytes, count, MUTILATED_FLIPS, reader, context);
}

/* The end of most readers: whether `status` is success; asserts that it is success or FCNN_BAD_DATA, and that the
 * sentence begins with the file then. */
int mutilated_was_read(fcnn_status status, const char *sentence, const char *path);

/* Whole files. spill() makes a new one: some file systems wait for the disk when an old one is truncated. slurp(): to
 * be freed. */
void spill(const char *path, const void *bytes, size_t count);
unsigned char *slurp(const char *path, size_t *count);

#endif
