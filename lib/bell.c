/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/bell.h"

#include <stddef.h>

#include "lib/clock.h"

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

static void pause_briefly(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* How long a pause takes differs from CPU to CPU: only the clock tells. */
int fcnn_bell_rings_within(struct fcnn_bell *bell, uint32_t seen, int64_t patience)
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
