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

/* From the writable pages to the read-only ones. */
static size_t distance(const struct guard *guard) { return guard->room_bytes + page_size(); }

static void map(unsigned char *at, size_t bytes, int access, int file)
{
    must(mmap(at, bytes, access, MAP_SHARED | MAP_FIXED, file, 0) != MAP_FAILED, "mmap");
}

static void reserve(struct guard *guard, size_t bytes)
{
    const size_t page = page_size(), room = (bytes + page - 1) / page * page;
    if (room <= guard->room_bytes) return;
    guard_free(guard);
    const int file = memfd_create("guard", MFD_CLOEXEC);
    must(file >= 0 && !ftruncate(file, (off_t)room), "memfd_create");
    unsigned char *all = mmap(NULL, 2 * room + 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(all != MAP_FAILED, "mmap");
    *guard = (struct guard){.room = all + page, .room_bytes = room};
    map(guard->room, room, PROT_READ | PROT_WRITE, file);
    map(guard->room + distance(guard), room, PROT_READ, file);
    close(file);
}

/* The checked stretch [*lo, *hi) around the data. */
static void stretch(const struct guard *guard, unsigned char **lo, unsigned char **hi)
{
    unsigned char *room = guard->room + (guard->read_only ? distance(guard) : 0);
    unsigned char *end = room + guard->room_bytes, *data_end = guard->data + guard->bytes;
    *lo = guard->data - room > MARGIN ? guard->data - MARGIN : room;
    *hi = end - data_end > MARGIN ? data_end + MARGIN : end;
}

void guard_place(struct guard *guard, const char *name, size_t bytes, enum guard_side side, size_t offset,
                 size_t align)
{
    reserve(guard, bytes + offset + align + MARGIN);
    guard->name = name;
    guard->bytes = bytes;
    guard->read_only = 0;
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
    if (!guard->read_only) guard->data += distance(guard);
    guard->read_only = 1;
}

void guard_free(struct guard *guard)
{
    if (guard->room) munmap(guard->room - page_size(), 2 * guard->room_bytes + 3 * page_size());
    *guard = (struct guard){0};
}

/* The first byte of lo .. hi that is no canary, or hi. Eight at a time: nearly always all of them are. */
static const unsigned char *first_touched(const unsigned char *lo, const unsigned char *hi)
{
    uint64_t eight, canaries;
    memset(&canaries, CANARY, sizeof canaries);
    for (; hi - lo >= 8; lo += 8) {
        memcpy(&eight, lo, sizeof eight);
        if (eight != canaries) break;
    }
    while (lo < hi && *lo == CANARY) lo++;
    return lo;
}

int guard_touched(const struct guard *guard, ptrdiff_t *where)
{
    unsigned char *lo, *hi, *end = guard->data + guard->bytes;
    stretch(guard, &lo, &hi);
    const unsigned char *before = first_touched(lo, guard->data), *after = first_touched(end, hi);
    if (before == guard->data && after == hi) return 0;
    *where = (before < guard->data ? before : after) - guard->data;
    return 1;
}

int guard_explain(const struct guard *guard, const void *address, char *text, size_t size)
{
    const unsigned char *p = address;
    const size_t page = page_size();
    if (!guard->room || p < guard->room - page || p >= guard->room + distance(guard) + guard->room_bytes + page)
        return 0;
    const ptrdiff_t at = p - guard->data, bytes = (ptrdiff_t)guard->bytes;
    if (at < 0) snprintf(text, size, "%td bytes before the start of %s", -at, guard->name);
    else if (at >= bytes) snprintf(text, size, "%td bytes past the end of %s", at - bytes, guard->name);
    else snprintf(text, size, "byte %td of %s, which is read-only", at, guard->name);
    return 1;
}
