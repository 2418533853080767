/* SPDX-License-Identifier: BSD-2-Clause
 * Counts what must not happen while a kernel runs again and again. The linker sends the allocator's calls here (--wrap,
 * bench.mk): those of the library and the benchmark, which are linked statically; not those inside shared libraries. */
#include "bench/steady.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>

static atomic_llong calls;

static void count(void) { atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed); }

struct bench_events bench_steady_now(void)
{
    struct rusage usage = {0};
    getrusage(RUSAGE_SELF, &usage);
    return (struct bench_events){.allocations = atomic_load_explicit(&calls, memory_order_relaxed),
                                 .page_faults = usage.ru_minflt + usage.ru_majflt};
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t number, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
int __real_posix_memalign(void **memory, size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t number, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
int __wrap_posix_memalign(void **memory, size_t alignment, size_t size);

void *__wrap_malloc(size_t size) { return count(), __real_malloc(size); }
void *__wrap_calloc(size_t number, size_t size) { return count(), __real_calloc(number, size); }
void *__wrap_realloc(void *memory, size_t size) { return count(), __real_realloc(memory, size); }
void *__wrap_aligned_alloc(size_t alignment, size_t size) { return count(), __real_aligned_alloc(alignment, size); }
int __wrap_posix_memalign(void **memory, size_t alignment, size_t size)
{
    return count(), __real_posix_memalign(memory, alignment, size);
}
