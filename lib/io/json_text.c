/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/io/json_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* What a character outside of texts stands for, in bytes of a machine of 64 bits and with malloc's own (jansson 2.14,
 * whose tables have old and new room at once while they grow):
 *   "   half of a text: its head, and what the shortest block for its bytes has beyond them
 *   ,   one more value: a number, and three pointers in an array's table
 *   :   one more member: its entry, and three rooms in the object's table
 *   [   an array with its first table and one number; {: an object with its first table */
static size_t cost_of(char c)
{
    switch (c) {
    case '"': return 48;
    case ',': return 64;
    case ':': return 144;
    case '[': return 160;
    case '{': return 256;
    default: return 0;
    }
}

/* The longest token is held as text too, in a block that grows: twice as large, and the old one beside it. */
uint64_t io_json_memory(const char *text, size_t length)
{
    uint64_t memory = 1024;
    size_t begin = 0, longest = 0;
    int within = 0;
    for (size_t i = 0; i < length; i++) {
        const size_t cost = within && text[i] != '"' ? 0 : cost_of(text[i]);
        if (within && text[i] == '\\') i++;
        if (!cost) continue;
        if (i - begin > longest) longest = i - begin;
        if (within) memory += i - begin;
        if (text[i] == '"') within = !within;
        memory += cost;
        begin = i;
    }
    if (length - begin > longest) longest = length - begin;
    return memory + 3 * (uint64_t)longest;
}

/* Room for `most` bytes, one more that tells that there are more, and the 0. */
static int read_open(FILE *file, char **text, size_t *length, size_t most)
{
    size_t size = 0;
    for (;;) {
        if (size - *length < 2) {
            size = size ? 2 * size : (size_t)1 << 16;
            char *larger = realloc(*text, size);
            if (!larger) return ENOMEM;
            *text = larger;
        }
        errno = 0;
        const size_t got = fread(*text + *length, 1, size - *length - 1, file);
        if (ferror(file)) return errno ? errno : EIO;
        *length += got;
        if (*length > most) return EFBIG;
        if (!got) return 0;
    }
}

int io_stream_read(char **text, size_t *length, const char *path, size_t most)
{
    *text = NULL;
    *length = 0;
    FILE *file = fopen(path, "r");
    if (!file) return errno;
    const int error = read_open(file, text, length, most);
    fclose(file);
    if (!error) (*text)[*length] = 0;
    else free(*text), *text = NULL;
    return error;
}
