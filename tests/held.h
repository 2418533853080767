/* SPDX-License-Identifier: BSD-2-Clause
 * How much memory jansson has at a moment, and had at most, malloc's own bytes for each block with it. */
#ifndef FCNN_TESTS_HELD_H
#define FCNN_TESTS_HELD_H

#include <jansson.h>
#include <malloc.h>
#include <stdlib.h>

static size_t held, held_most;

static void *held_allocate(size_t size)
{
    void *block = malloc(size);
    held += block ? malloc_usable_size(block) + sizeof(size_t) : 0;
    if (held > held_most) held_most = held;
    return block;
}

static void held_free(void *block)
{
    held -= block ? malloc_usable_size(block) + sizeof(size_t) : 0;
    free(block);
}

/* From here on; before jansson has anything. */
static inline void held_count(void) { json_set_alloc_funcs(held_allocate, held_free); }

#endif
