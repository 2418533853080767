/* SPDX-License-Identifier: BSD-2-Clause
 * Buffers between two inaccessible pages. */
#include "tests/guard.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* As a float 3.4e38: a sum that swallowed a canary shows it; as an index far out of any range. */
#define CANARY 0x7f
#define MARGIN 256 /* bytes of canary that are checked on either side */

static size_t page_size(void) { return (size_t)sysconf(_SC_PAGESIZE); }

static void must(int ok, const char *what)
{
    if (ok) return;
    perror(what);
    exit(1);
}

static void reserve(struct guard *guard, size_t bytes)
{
    const size_t page = page_size(), room = (bytes + page - 1) / page * page;
    if (room <= guard->room_bytes) {
        if (guard->read_only) must(!mprotect(guard->room, guard->room_bytes, PROT_READ | PROT_WRITE), "mprotect");
        guard->read_only = 0;
        return;
    }
    guard_free(guard);
    unsigned char *map = mmap(NULL, room + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(map != MAP_FAILED, "mmap");
    must(!mprotect(map + page, room, PROT_READ | PROT_WRITE), "mprotect");
    *guard = (struct guard){.room = map + page, .room_bytes = room};
}

/* The checked stretch [*lo, *hi) around the data. */
static void stretch(const struct guard *guard, unsigned char **lo, unsigned char **hi)
{
    unsigned char *end = guard->room + guard->room_bytes, *data_end = guard->data + guard->bytes;
    *lo = guard->data - guard->room > MARGIN ? guard->data - MARGIN : guard->room;
    *hi = end - data_end > MARGIN ? data_end + MARGIN : end;
}

void guard_place(struct guard *guard, const char *name, size_t bytes, enum guard_side side, size_t offset,
                 size_t align)
{
    reserve(guard, bytes + offset + align + MARGIN);
    guard->name = name;
    guard->bytes = bytes;
    if (side == GUARD_BEFORE) {
        guard->data = guard->room + (offset + align - 1) / align * align;
    } else {
        const uintptr_t start = (uintptr_t)(guard->room + guard->room_bytes) - offset - bytes;
        guard->data = guard->room + (start / align * align - (uintptr_t)guard->room);
    }
    unsigned char *lo, *hi;
    stretch(guard, &lo, &hi);
    memset(lo, CANARY, (size_t)(hi - lo));
    memset(guard->data, 0xff, bytes);
}

void guard_protect(struct guard *guard)
{
    if (!guard->read_only) must(!mprotect(guard->room, guard->room_bytes, PROT_READ), "mprotect");
    guard->read_only = 1;
}

void guard_free(struct guard *guard)
{
    if (guard->room) munmap(guard->room - page_size(), guard->room_bytes + 2 * page_size());
    *guard = (struct guard){0};
}

int guard_touched(const struct guard *guard, ptrdiff_t *where)
{
    unsigned char *lo, *hi;
    stretch(guard, &lo, &hi);
    for (const unsigned char *p = lo; p < hi; p++) {
        if (p == guard->data) p += guard->bytes;
        if (p < hi && *p != CANARY) {
            *where = p - guard->data;
            return 1;
        }
    }
    return 0;
}

int guard_explain(const struct guard *guard, const void *address, char *text, size_t size)
{
    const unsigned char *p = address;
    if (!guard->room || p < guard->room - page_size() || p >= guard->room + guard->room_bytes + page_size()) return 0;
    const ptrdiff_t at = p - guard->data, bytes = (ptrdiff_t)guard->bytes;
    if (at < 0) snprintf(text, size, "%td bytes before the start of %s", -at, guard->name);
    else if (at >= bytes) snprintf(text, size, "%td bytes past the end of %s", at - bytes, guard->name);
    else snprintf(text, size, "byte %td of %s, which is read-only", at, guard->name);
    return 1;
}
