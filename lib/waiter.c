/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/waiter.h"

#include <sched.h>
#include <sys/resource.h>

#include "lib/clock.h"

#if defined(RUSAGE_THREAD)
#define TAKEN 500000    /* nanoseconds at once that a process takes, and interrupts do not */
#define MEMORY 20000000 /* nanoseconds for which a core that was shared counts as shared: some slices of a scheduler */

/* Time in which it neither ran nor slept was another's. */
int fcnn_waiter_look(struct fcnn_waiter *waiter)
{
    struct rusage use = {0};
    getrusage(RUSAGE_THREAD, &use);
    const int64_t now = fcnn_nanoseconds(CLOCK_MONOTONIC), ran = fcnn_nanoseconds(CLOCK_THREAD_CPUTIME_ID);
    const int64_t passed = now - waiter->looked, taken = passed - (ran - waiter->ran);
    if (waiter->looked && use.ru_nvcsw == waiter->slept && taken > TAKEN && taken > passed / 8) waiter->crowded = now;
    waiter->looked = now, waiter->ran = ran, waiter->slept = use.ru_nvcsw;
    return waiter->crowded && now - waiter->crowded < MEMORY;
}
#else /* nobody tells: it is its own */
int fcnn_waiter_look(struct fcnn_waiter *waiter) { return (void)waiter, 0; }
#endif

#if defined(__linux__) && !defined(FCNN_PORTABLE)
int fcnn_waiter_core(void) { return sched_getcpu() + 1; }

int fcnn_waiter_move(const _Atomic int *cores, int count)
{
    cpu_set_t allowed, others;
    if (sched_getaffinity(0, sizeof allowed, &allowed)) return 0;
    others = allowed;
    for (int i = 0; i < count; i++) {
        const int core = atomic_load_explicit(&cores[i], memory_order_relaxed);
        if (core > 0 && core <= CPU_SETSIZE) CPU_CLR(core - 1, &others);
    }
    if (!CPU_COUNT(&others) || sched_setaffinity(0, sizeof others, &others)) return 0;
    sched_setaffinity(0, sizeof allowed, &allowed);
    return 1;
}
#else
int fcnn_waiter_core(void) { return 0; }
int fcnn_waiter_move(const _Atomic int *cores, int count) { return (void)cores, (void)count, 0; }
#endif
