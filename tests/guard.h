/* SPDX-License-Identifier: BSD-2-Clause
 * Buffers between two inaccessible pages: one element read or written too far is a SIGSEGV, not luck. What lies between
 * the data and the accessible end of its pages is filled with a canary. */
#ifndef FCNN_TESTS_GUARD_H
#define FCNN_TESTS_GUARD_H

#include <stddef.h>

enum guard_side {
    GUARD_AFTER, /* the data ends where the inaccessible page begins */
    GUARD_BEFORE /* the data begins where the inaccessible page ends */
};

/* Zero-initialise; the pages are kept and reused by the next guard_place(). */
struct guard {
    const char *name;
    unsigned char *room; /* accessible pages; one inaccessible page before and one after them */
    size_t room_bytes;
    unsigned char *data;
    size_t bytes;
    int read_only;
};

/* Places `bytes` bytes of 0xFF (as floats: NaN), `offset` bytes away from the inaccessible page, aligned to `align`.
 * 0 bytes give a pointer that cannot be read. Exits if the system has no memory. */
void guard_place(struct guard *guard, const char *name, size_t bytes, enum guard_side side, size_t offset,
                 size_t align);
void guard_protect(struct guard *guard); /* read-only until the next guard_place() */
void guard_free(struct guard *guard);

/* 0, or nonzero: the canary around the data was overwritten at data[*where]. */
int guard_touched(const struct guard *guard, ptrdiff_t *where);
/* 0, or 1 with a phrase like "4 bytes past the end of src": `address` belongs to this buffer or its pages. */
int guard_explain(const struct guard *guard, const void *address, char *text, size_t size);

#endif
