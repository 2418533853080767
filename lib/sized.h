/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How public structs can grow. Every public function that reads or writes a caller's struct is an inline wrapper of an
 * exported one whose name ends in _sized and that is told the struct's size as the *caller* was compiled. Structs grow
 * at their ends only, and zero means default in each member: so an older caller's struct is a prefix of today's, the
 * rest of which is zero; a newer caller's has more, which must be zero where this library is to understand it.
 *
 * FCNN_TAKE(type, name, pointer, size) declares `name`, this library's copy of what the caller passed (all zero for
 * NULL), or returns FCNN_BAD_ARGUMENT from the calling function. FCNN_GIVE(pointer, size, value) writes a struct. */
#ifndef FCNN_SIZED_H
#define FCNN_SIZED_H

#include <stddef.h>
#include <string.h>

#include "lib/error.h"

/* Copies the part of `from` (`size` bytes, NULL: nothing) that `to` (`known` bytes) has room for, zeroes the rest.
 * Returns 0 if what found no room is not zero: a member that this library does not know was set. */
static inline int fcnn_sized_take(void *to, size_t known, const void *from, size_t size)
{
    memset(to, 0, known);
    if (!from) return 1;
    memcpy(to, from, size < known ? size : known);
    for (size_t i = known; i < size; i++)
        if (((const unsigned char *)from)[i]) return 0;
    return 1;
}

static inline void fcnn_sized_give(void *to, size_t size, const void *from, size_t known)
{
    memcpy(to, from, size < known ? size : known);
    if (size > known) memset((char *)to + known, 0, size - known);
}

#define FCNN_TAKE(type, name, pointer, size)                                                                           \
    type name;                                                                                                         \
    if (!fcnn_sized_take(&name, sizeof name, pointer, size))                                                           \
        return fcnn_fail(FCNN_BAD_ARGUMENT, #type " has members set that this library (%s) does not know",            \
                         fcnn_version())

#define FCNN_GIVE(pointer, size, value) fcnn_sized_give(pointer, size, &(value), sizeof(value))

#endif
