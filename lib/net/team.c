/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/net/team.h"

#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Turns of spinning before a worker sleeps, 20 to 50 ns each. Its patience halves when they were in vain, else doubles:
 * on quiet cores the pieces of a phase mostly end within the most of it; on a shared core each turn is taken from
 * the very worker that is waited for. */
#define LEAST_PATIENCE 250
#define MOST_PATIENCE  2000

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

static void ring(struct net_bell *bell)
{
    atomic_fetch_add(&bell->rings, 1);
    if (atomic_load(&bell->sleepers)) syscall(SYS_futex, &bell->rings, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

/* Until the bell has rung after `seen` rings. No ring is slept through: a sleeper counts itself before it looks at the
 * rings, the ringer counts the ring before it looks at the sleepers. */
static void await(struct net_bell *bell, uint32_t seen, int *patience)
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
    while (atomic_load(&bell->rings) == seen)
        syscall(SYS_futex, &bell->rings, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0); /* or it rang, or a signal came */
    atomic_fetch_sub(&bell->sleepers, 1);
}

static uint64_t range(uint32_t first, uint32_t end) { return (uint64_t)end << 32 | first; }

/* Takes pieces while there are any. Whoever has taken one may read the fields of its phase, which cannot end before the
 * piece does. Which phase that is does not matter; it may have begun after the look at `left`. */
static void work(struct net_team *team, int worker)
{
    uint64_t left = atomic_load(&team->left);
    for (;;) {
        const uint32_t first = (uint32_t)left, end = (uint32_t)(left >> 32), last = worker % 2;
        if (first == end) return;
        if (!atomic_compare_exchange_weak(&team->left, &left, range(first + !last, end - last))) continue;
        team->piece(team->context, worker, last ? end - 1 : first);
        if (atomic_fetch_sub(&team->unfinished, 1) == 1) ring(&team->done);
        left = atomic_load(&team->left);
    }
}

void net_team_share(struct net_team *team, int64_t pieces, net_piece *piece, void *context)
{
    if (team->workers == 1 || pieces < 2) {
        for (int64_t i = 0; i < pieces; i++) piece(context, 0, i);
        return;
    }
    const uint32_t seen = atomic_load(&team->done.rings);
    team->pieces = pieces;
    team->piece = piece;
    team->context = context;
    atomic_store(&team->unfinished, pieces);
    atomic_store(&team->left, range(0, (uint32_t)pieces));
    ring(&team->opened);
    work(team, 0);
    await(&team->done, seen, &team->patience);
}

void net_team_dismiss(struct net_team *team)
{
    atomic_store(&team->dismissed, 1);
    ring(&team->opened);
}

void net_team_help(struct net_team *team, int worker)
{
    int patience = MOST_PATIENCE;
    for (;;) {
        const uint32_t seen = atomic_load(&team->opened.rings);
        work(team, worker);
        if (atomic_load(&team->dismissed)) return;
        await(&team->opened, seen, &patience);
    }
}
