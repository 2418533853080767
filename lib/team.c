/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/team.h"

#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Turns of spinning before a worker sleeps, 20 to 50 ns each. Its patience halves when they were in vain, else doubles:
 * on quiet cores the pieces of a phase mostly end within the most of it; on a shared core each turn is taken from
 * the very worker that is waited for. */
#define LEAST_PATIENCE 250
#define MOST_PATIENCE  2000
/* Nanoseconds between two wakes for short phases: what a wake takes from a leader that shares its core with the helper,
 * some 15 us, is little of it. */
#define REST 200000

static void pause_briefly(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static int bounded(int patience)
{
    return patience < LEAST_PATIENCE ? LEAST_PATIENCE : patience > MOST_PATIENCE ? MOST_PATIENCE : patience;
}

static int64_t nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- bells ---- */

/* Sleepers are told apart by the size of their numbers, because a team may have more helpers than a phase wants. */
static uint32_t group_of(int worker) { return worker ? 1u << (31 - __builtin_clz((unsigned)worker)) : 1; }
static uint32_t groups_up_to(int worker) { return group_of(worker) * 2 - 1; }

static void wake(struct fcnn_bell *bell, uint32_t groups)
{
    syscall(SYS_futex, &bell->rings, FUTEX_WAKE_BITSET_PRIVATE, INT32_MAX, NULL, NULL, groups);
}

/* Counts a ring; returns whether somebody sleeps. */
static int ring(struct fcnn_bell *bell)
{
    atomic_fetch_add(&bell->rings, 1);
    return atomic_load(&bell->sleepers) != 0;
}

/* Until the bell has rung after `seen` rings, and, for those who sleep, has woken them. No ring that wakes is slept
 * through: a sleeper counts itself before it looks at the rings, the ringer counts the ring before it looks at the
 * sleepers. */
static void await(struct fcnn_bell *bell, uint32_t seen, int worker, int *patience)
{
    for (int turn = *patience; turn >= 0; turn--) {
        if (atomic_load(&bell->rings) != seen) {
            *patience = bounded(*patience * 2);
            return;
        }
        pause_briefly();
    }
    *patience = bounded(*patience / 2);
    atomic_fetch_add(&bell->sleepers, 1);
    while (atomic_load(&bell->rings) == seen) /* or it rang just now, or a signal came */
        syscall(SYS_futex, &bell->rings, FUTEX_WAIT_BITSET_PRIVATE, seen, NULL, NULL, group_of(worker));
    atomic_fetch_sub(&bell->sleepers, 1);
}

/* ---- pieces ---- */

/* A part is one word, so that one look at it is consistent: the pieces first .. end-1, and the workers of the phase. */
enum { INDEX_BITS = 26, MOST_PIECES = (1 << INDEX_BITS) - 1 };

static uint64_t part_of(uint64_t workers, uint64_t first, uint64_t end)
{
    return workers << 2 * INDEX_BITS | end << INDEX_BITS | first;
}

/* The first piece of a worker's own part, the last one of another's; -1: there is none for it. */
static int64_t take(struct fcnn_team *team, int owner, int worker)
{
    uint64_t left = atomic_load(&team->part[owner]);
    for (;;) {
        const uint64_t first = left & MOST_PIECES, end = left >> INDEX_BITS & MOST_PIECES;
        const uint64_t workers = left >> 2 * INDEX_BITS, own = owner == worker;
        if (first == end || (uint64_t)worker >= workers) return -1;
        if (atomic_compare_exchange_weak(&team->part[owner], &left, part_of(workers, first + own, end - !own)))
            return (int64_t)(own ? first : end - 1);
    }
}

/* Takes pieces while there are any. Whoever has taken one may read the fields of its phase, which cannot end before the
 * piece does. Which phase that is does not matter; it may have begun after the look at the part. Returns 0 if the
 * worker is not wanted, by what it has seen. */
static int work(struct fcnn_team *team, int worker)
{
    const int parts = atomic_load(&team->parts);
    if (worker >= parts) return !parts; /* of no phase yet: its first one may come any moment */
    for (int i = 0; i < parts; i++) {
        const int owner = worker + i < parts ? worker + i : worker + i - parts;
        for (int64_t piece; (piece = take(team, owner, worker)) >= 0;) {
            team->piece(team->context, worker, team->base + piece);
            if (atomic_fetch_sub(&team->unfinished, 1) == 1 && ring(&team->done)) wake(&team->done, UINT32_MAX);
        }
    }
    return 1;
}

static void call_helpers(struct fcnn_team *team, enum fcnn_length length)
{
    if (!ring(&team->opened)) return;
    const int64_t now = nanoseconds();
    if (length == FCNN_SHORT && now - team->woken < REST) return;
    team->woken = now;
    wake(&team->opened, groups_up_to(team->workers - 1));
}

static void run_phase(struct fcnn_team *team, int64_t pieces, enum fcnn_length length)
{
    const uint32_t seen = atomic_load(&team->done.rings);
    const int workers = team->workers;
    atomic_store_explicit(&team->unfinished, pieces, memory_order_relaxed);
    atomic_store_explicit(&team->parts, workers, memory_order_relaxed);
    for (int i = 0; i < workers; i++)
        atomic_store_explicit(&team->part[i],
                              part_of((uint64_t)workers, (uint64_t)(i * pieces / workers),
                                      (uint64_t)((i + 1) * pieces / workers)),
                              memory_order_release);
    call_helpers(team, length);
    work(team, 0);
    await(&team->done, seen, 0, &team->patience);
}

void fcnn_team_share(struct fcnn_team *team, int64_t pieces, enum fcnn_length length, fcnn_piece *piece, void *context)
{
    if (team->workers == 1 || pieces < 2) {
        for (int64_t i = 0; i < pieces; i++) piece(context, 0, i);
        return;
    }
    team->piece = piece;
    team->context = context;
    for (int64_t done = 0; done < pieces; done += MOST_PIECES) {
        team->base = done;
        run_phase(team, pieces - done < MOST_PIECES ? pieces - done : MOST_PIECES, length);
    }
}

void fcnn_team_dismiss(struct fcnn_team *team)
{
    atomic_store(&team->dismissed, 1);
    if (ring(&team->opened)) wake(&team->opened, UINT32_MAX);
}

void fcnn_team_help(struct fcnn_team *team, int worker)
{
    int patience = MOST_PATIENCE;
    for (;;) {
        const uint32_t seen = atomic_load(&team->opened.rings);
        if (!work(team, worker)) patience = 0;
        if (atomic_load(&team->dismissed)) return;
        await(&team->opened, seen, worker, &patience);
    }
}
