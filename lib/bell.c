/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/bell.h"

#include <stddef.h>
#include <sys/resource.h>

#include "lib/clock.h"

/* Nanoseconds of spinning before a worker sleeps. On quiet cores the pieces of a phase mostly end within the most of
 * it, and who sleeps comes late to the next phase, where then somebody waits for him: it never ends. On a core that
 * another process wants, too, each turn is taken from what the waiter, or whom it waits for, could do. */
#define LEAST_PATIENCE 2500
#define MOST_PATIENCE 40000

static void pause_briefly(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* ---- does another process want the waiter's core? ---- */

#if defined(RUSAGE_THREAD)
#define TAKEN 500000     /* nanoseconds at once that a process takes, and interrupts do not */
#define MEMORY 100000000 /* nanoseconds for which a core that was shared counts as shared */

/* Looks at what the calling thread did since it last looked: time in which it neither ran nor slept was another's.
 * Returns whether its core is shared. */
static int look(struct fcnn_waiter *waiter)
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
static int look(struct fcnn_waiter *waiter) { return (void)waiter, 0; }
#endif

/* ---- sleeping: while the bell has not rung after `seen` rings ---- */

#if defined(__linux__) && __has_include(<linux/futex.h>) && !defined(FCNN_PORTABLE)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Sleepers are told apart by the size of their numbers, because a team may have more helpers than a phase wants. */
static uint32_t group_of(int worker) { return worker ? 1u << (31 - __builtin_clz((unsigned)worker)) : 1; }
static uint32_t groups_up_to(int worker) { return group_of(worker) * 2 - 1; }

static void sleep_through(struct fcnn_bell *bell, uint32_t seen, int worker)
{
    while (atomic_load(&bell->rings) == seen) /* or it rang just now, or a signal came */
        syscall(SYS_futex, &bell->rings, FUTEX_WAIT_BITSET_PRIVATE, seen, NULL, NULL, group_of(worker));
}

void fcnn_bell_wake(struct fcnn_bell *bell, int worker)
{
    syscall(SYS_futex, &bell->rings, FUTEX_WAKE_BITSET_PRIVATE, INT32_MAX, NULL, NULL, groups_up_to(worker));
}

#else /* musl without the kernel's headers, macOS, the BSDs */
#include <pthread.h>

/* One for all bells: who wakes wakes everybody, and those whose bell it is not sleep on. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t rung = PTHREAD_COND_INITIALIZER;

/* A child of a fork has the mutex, but not the thread that may hold it. */
static void before_fork(void) { pthread_mutex_lock(&mutex); }
static void after_fork(void) { pthread_mutex_unlock(&mutex); }
__attribute__((constructor)) static void watch_forks(void) { pthread_atfork(before_fork, after_fork, after_fork); }

static void sleep_through(struct fcnn_bell *bell, uint32_t seen, int worker)
{
    (void)worker;
    pthread_mutex_lock(&mutex);
    while (atomic_load(&bell->rings) == seen) pthread_cond_wait(&rung, &mutex);
    pthread_mutex_unlock(&mutex);
}

void fcnn_bell_wake(struct fcnn_bell *bell, int worker)
{
    (void)bell;
    (void)worker;
    pthread_mutex_lock(&mutex);
    pthread_cond_broadcast(&rung);
    pthread_mutex_unlock(&mutex);
}
#endif

/* ---- ringing and waiting ---- */

/* No ring that wakes is slept through: a sleeper counts itself before it looks at the rings, the ringer counts the ring
 * before it looks at the sleepers. */
int fcnn_bell_ring(struct fcnn_bell *bell)
{
    atomic_fetch_add(&bell->rings, 1);
    return atomic_load(&bell->sleepers) != 0;
}

/* How long a pause takes differs from CPU to CPU: only the clock tells. */
static int rings_within(struct fcnn_bell *bell, uint32_t seen, int64_t patience)
{
    enum { TURNS = 16 }; /* from one look at the clock to the next */
    int64_t end = 0, now;
    do {
        for (int turn = 0; turn < TURNS; turn++) {
            if (atomic_load(&bell->rings) != seen) return 1;
            pause_briefly();
        }
        now = fcnn_nanoseconds(CLOCK_MONOTONIC);
        if (!end) end = now + patience;
    } while (now < end);
    return 0;
}

void fcnn_bell_sleep(struct fcnn_bell *bell, uint32_t seen, int worker)
{
    atomic_fetch_add(&bell->sleepers, 1);
    sleep_through(bell, seen, worker);
    atomic_fetch_sub(&bell->sleepers, 1);
}

void fcnn_bell_await(struct fcnn_bell *bell, uint32_t seen, int worker, struct fcnn_waiter *waiter)
{
    if (rings_within(bell, seen, LEAST_PATIENCE)) return;
    if (!look(waiter)) {
        if (rings_within(bell, seen, MOST_PATIENCE - LEAST_PATIENCE)) return;
        look(waiter); /* sleeping would hide what was taken meanwhile */
    }
    fcnn_bell_sleep(bell, seen, worker);
    look(waiter); /* from here on it counts again */
}
