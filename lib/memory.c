/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "lib/memory.h"

#define HUGE_PAGE ((size_t)2 << 20)

void *fcnn_memory_allocate(size_t bytes)
{
    size_t alignment = bytes < HUGE_PAGE ? 64 : HUGE_PAGE;
    if (bytes > PTRDIFF_MAX - HUGE_PAGE) return NULL;
    bytes = (bytes + !bytes + alignment - 1) / alignment * alignment;
    void *memory = aligned_alloc(alignment, bytes);
    if (memory && alignment == HUGE_PAGE) madvise(memory, bytes, MADV_HUGEPAGE); /* a wish: failure changes nothing */
    return memory;
}

void fcnn_memory_free(void *memory) { free(memory); }
