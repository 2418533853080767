/* SPDX-License-Identifier: BSD-2-Clause
 * Buffers between two inaccessible pages: one element read or written too far is a SIGSEGV, not luck. What lies between
 * the data and the accessible end of its pages is filled with a canary. The pages are mapped twice, writable and
 * read-only, so that protecting a buffer is handing out its other address: no system call. They are shared memory: a
 * buffer is used by the process that placed it, not across a fork(). */
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
    unsigned char *room; /* writable pages, inaccessible one, read-only pages; an inaccessible one before and after */
    size_t room_bytes;   /* of either pages */
    unsigned char *data; /* in the writable pages, or in the read-only ones */
    size_t bytes;
    int read_only;
};

/* Places `bytes` bytes of 0xFF (as floats: NaN), `offset` bytes away from the inaccessible page, aligned to `align`.
 * 0 bytes give a pointer that cannot be read. Exits if the system has no memory. */
void guard_place(struct guard *guard, const char *name, size_t bytes, enum guard_side side, size_t offset,
                 size_t align);
/* From here to the next guard_place() guard->data is another address, at which the same bytes are read-only. */
void guard_protect(struct guard *guard);
void guard_free(struct guard *guard);

/* 0, or nonzero: the canary around the data was overwritten at data[*where]. */
int guard_touched(const struct guard *guard, ptrdiff_t *where);
/* 0, or 1 with a phrase like "4 bytes past the end of src": `address` belongs to this buffer or its pages. */
int guard_explain(const struct guard *guard, const void *address, char *text, size_t size);

#endif
