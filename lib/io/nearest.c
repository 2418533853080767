/* SPDX-License-Identifier: BSD-2-Clause
 * Levenshtein's distance, for which case, '_' and '-' count nothing: "MaxPooling2D" is max_pooling2d. */
#include "lib/io/nearest.h"

#include <ctype.h>
#include <string.h>

/* The letters that count; returns how many, IO_NEAREST_LONGEST + 1 for too many. */
static size_t letters(char *to, const char *from, size_t length)
{
    size_t n = 0;
    for (size_t i = 0; i < length && n <= IO_NEAREST_LONGEST; i++)
        if (from[i] != '_' && from[i] != '-') to[n++] = (char)tolower((unsigned char)from[i]);
    return n;
}

void io_nearest_begin(struct io_nearest *nearest, const char *word, size_t length)
{
    char text[IO_NEAREST_LONGEST + 1];
    const size_t n = letters(text, word, length);
    *nearest = (struct io_nearest){.distance = n > IO_NEAREST_LONGEST ? 0 : n / 3 + 1 + (n > 3)};
    if (n <= IO_NEAREST_LONGEST) memcpy(nearest->word, text, n);
}

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

static size_t distance(const char *a, size_t na, const char *b, size_t nb)
{
    size_t row[IO_NEAREST_LONGEST + 2];
    for (size_t j = 0; j <= nb; j++) row[j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            const size_t changed = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = least(changed, least(row[j - 1], row[j]) + 1);
        }
    }
    return row[nb];
}

void io_nearest_try(struct io_nearest *nearest, const char *candidate)
{
    char text[IO_NEAREST_LONGEST + 1];
    const size_t n = letters(text, candidate, strlen(candidate));
    if (n > IO_NEAREST_LONGEST) return;
    const size_t found = distance(nearest->word, strlen(nearest->word), text, n);
    if (found >= nearest->distance) return;
    nearest->distance = found;
    nearest->best = candidate;
}
