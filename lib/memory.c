/* SPDX-License-Identifier: BSD-2-Clause
 * Memory for workspaces, from the library's allocator or the caller's. */
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "lib/memory.h"
#include "lib/sized.h"

#define HUGE_PAGE ((size_t)2 << 20)

static void *allocate(void *context, size_t bytes, size_t alignment)
{
    (void)context;
    void *memory = aligned_alloc(alignment, bytes);
#ifdef MADV_HUGEPAGE
    if (memory && alignment == HUGE_PAGE) madvise(memory, bytes, MADV_HUGEPAGE); /* a wish: failure changes nothing */
#endif
    return memory;
}

static void release(void *context, void *memory)
{
    (void)context;
    free(memory);
}

static fcnn_allocator current = {.allocate = allocate, .release = release};
static atomic_size_t blocks; /* of the current allocator, in use */

fcnn_status fcnn_set_allocator_sized(const fcnn_allocator *allocator, size_t allocator_size)
{
    FCNN_TAKE(fcnn_allocator, wanted, allocator, allocator_size);
    const size_t used = atomic_load(&blocks);
    if (!wanted.allocate != !wanted.release)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "an allocator needs both functions; %s is NULL",
                         wanted.allocate ? "release" : "allocate");
    if (used)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "the allocator cannot be changed while %zu blocks of the one before are in "
                         "use: destroy plans and models first", used);
    if (!wanted.allocate) wanted = (fcnn_allocator){.allocate = allocate, .release = release};
    current = wanted;
    return FCNN_OK;
}

void *fcnn_memory_allocate(size_t bytes)
{
    const size_t alignment = bytes < HUGE_PAGE ? 64 : HUGE_PAGE;
    if (bytes > PTRDIFF_MAX - HUGE_PAGE) return NULL;
    bytes = (bytes + !bytes + alignment - 1) / alignment * alignment;
    void *memory = current.allocate(current.context, bytes, alignment);
    if (memory) atomic_fetch_add(&blocks, 1);
    return memory;
}

void fcnn_memory_free(void *memory)
{
    if (!memory) return;
    current.release(current.context, memory);
    atomic_fetch_sub(&blocks, 1);
}
