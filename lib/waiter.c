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
#else
int fcnn_waiter_core(void) { return 0; }
#endif
