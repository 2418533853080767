/* SPDX-License-Identifier: BSD-2-Clause
 * An allocator that fails on command: FCNN_BREAK_AT=n is the first allocation that fails, FCNN_BREAK_COUNT how many
 * do (default 1). Linked with -Wl,--wrap, so that only the objects of this project meet it: libc, OpenMP's runtime and
 * the loader, which may end a program where they have no memory, allocate as always. The JSON library
 * allocates through us. */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
int __real_posix_memalign(void **memory, size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
int __wrap_posix_memalign(void **memory, size_t alignment, size_t size);

static int breaks(void)
{
    static atomic_long calls;
    const char *at = getenv("FCNN_BREAK_AT"), *count = getenv("FCNN_BREAK_COUNT");
    const long first = at ? atol(at) : 0, call = atomic_fetch_add(&calls, 1) + 1;
    if (!first || call < first || call >= first + (count ? atol(count) : 1)) return 0;
    errno = ENOMEM;
    return 1;
}

void *__wrap_malloc(size_t size)
{
    return breaks() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return breaks() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return breaks() ? NULL : __real_realloc(memory, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return breaks() ? NULL : __real_aligned_alloc(alignment, size);
}

int __wrap_posix_memalign(void **memory, size_t alignment, size_t size)
{
    return breaks() ? ENOMEM : __real_posix_memalign(memory, alignment, size);
}
