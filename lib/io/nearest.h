/* SPDX-License-Identifier: BSD-2-Clause
 * What was meant by a word that is none: the candidate with the fewest letters to change, if they are few. */
#ifndef FCNN_IO_NEAREST_H
#define FCNN_IO_NEAREST_H

#include <stddef.h>

#define IO_NEAREST_LONGEST 40

struct io_nearest {
    char word[IO_NEAREST_LONGEST + 1];
    size_t distance;  /* of the best so far, from which on others are no better */
    const char *best; /* NULL: none is near */
};

/* A word of more letters than IO_NEAREST_LONGEST is near nothing. */
void io_nearest_begin(struct io_nearest *nearest, const char *word, size_t length);
void io_nearest_try(struct io_nearest *nearest, const char *candidate);

#endif
