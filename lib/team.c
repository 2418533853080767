/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/team.h"

#include <sched.h>

#include "lib/clock.h"

/* Nanoseconds between two wakes for short phases: what a wake takes from a leader that shares its core with the helper,
 * some 15 us, is little of it. */
#define REST 200000
/* Nanoseconds for which short phases, less than REST apart, must have come for a wake to be worth it. */
#define WAKE 50000

/* Nanoseconds of spinning before a worker sleeps. Who sleeps comes late to the next phase, by what a wake takes, on a
 * virtual machine or from a core's deep sleep tens of microseconds. Where that is more than the patience of the one who
 * waits for him, that one sleeps and comes late himself, and it never ends. On a core that somebody else wants, each
 * turn is taken from what the waiter, or whom it waits for, could do. */
#define LEAST_PATIENCE 2500
#define MOST_PATIENCE 200000

static void ring_for_all(struct fcnn_bell *bell)
{
    if (fcnn_bell_ring(bell)) fcnn_bell_wake(bell, FCNN_MAX_THREADS);
}

/* ---- waiting ---- */

static void note_core(struct fcnn_team *team, int worker, int core)
{
    if (atomic_load_explicit(&team->core[worker], memory_order_relaxed) != core) /* a store takes the line from all */
        atomic_store_explicit(&team->core[worker], core, memory_order_relaxed);
}

int fcnn_team_in_the_way(struct fcnn_team *team, int worker)
{
    const int core = fcnn_waiter_core(), first = worker ? 0 : 1;
    const int end = worker ? 1 : atomic_load_explicit(&team->parts, memory_order_relaxed);
    for (int other = first; core && other < end; other++)
        if (atomic_load_explicit(&team->core[other], memory_order_relaxed) == core) return 1;
    return 0;
}

static void sleep_until(struct fcnn_team *team, struct fcnn_bell *bell, uint32_t seen, int worker)
{
    note_core(team, worker, 0);
    fcnn_bell_sleep(bell, seen, worker);
}

/* Where all cores are taken, the two take turns. Who yields stays ready to run; who sleeps must be woken. */
static int rings_while_yielding(struct fcnn_bell *bell, uint32_t seen)
{
    const int64_t end = fcnn_nanoseconds(CLOCK_MONOTONIC) + MOST_PATIENCE;
    do {
        sched_yield();
        if (atomic_load(&bell->rings) != seen) return 1;
    } while (fcnn_nanoseconds(CLOCK_MONOTONIC) < end);
    return 0;
}

/* A system may wake a helper on the leader's core, though another one is idle, and leave both there for seconds: cores
 * of virtual machines count as busy while the host has something else for them. */
static int gets_out_of_the_way(struct fcnn_team *team, int worker, struct fcnn_waiter *waiter)
{
    *waiter = (struct fcnn_waiter){0}; /* what took its core was no other process */
    return worker && fcnn_waiter_move(team->core, atomic_load_explicit(&team->parts, memory_order_relaxed));
}

static void await(struct fcnn_team *team, struct fcnn_bell *bell, uint32_t seen, int worker,
                  struct fcnn_waiter *waiter)
{
    if (fcnn_bell_rings_within(bell, seen, LEAST_PATIENCE)) return;
    if (fcnn_team_in_the_way(team, worker) && !gets_out_of_the_way(team, worker, waiter)) {
        if (rings_while_yielding(bell, seen)) return;
    } else if (!fcnn_waiter_look(waiter)) {
        if (fcnn_bell_rings_within(bell, seen, MOST_PATIENCE - LEAST_PATIENCE)) return;
        fcnn_waiter_look(waiter); /* sleeping would hide what was taken meanwhile */
    }
    sleep_until(team, bell, seen, worker);
    fcnn_waiter_look(waiter); /* from here on it counts again */
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
    note_core(team, worker, fcnn_waiter_core());
    const int parts = atomic_load(&team->parts);
    if (worker >= parts) return !parts; /* of no phase yet: its first one may come any moment */
    for (int i = 0; i < parts; i++) {
        const int owner = worker + i < parts ? worker + i : worker + i - parts;
        for (int64_t piece; (piece = take(team, owner, worker)) >= 0;) {
            team->piece(team->context, worker, team->base + piece);
            if (atomic_fetch_sub(&team->unfinished, 1) == 1) ring_for_all(&team->done);
        }
    }
    return 1;
}

static void call_helpers(struct fcnn_team *team, enum fcnn_length length)
{
    if (!fcnn_bell_ring(&team->opened)) return;
    const int64_t now = fcnn_nanoseconds(CLOCK_MONOTONIC);
    if (now - team->missed > REST) team->first_missed = now;
    team->missed = now;
    if (length == FCNN_SHORT && (now - team->first_missed < WAKE || now - team->woken < REST)) return;
    team->woken = now;
    fcnn_bell_wake(&team->opened, team->workers - 1);
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
    await(team, &team->done, seen, 0, &team->leader);
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
    ring_for_all(&team->opened);
}

void fcnn_team_help(struct fcnn_team *team, int worker)
{
    struct fcnn_waiter waiter = {0};
    for (;;) {
        const uint32_t seen = atomic_load(&team->opened.rings);
        const int wanted = work(team, worker);
        if (atomic_load(&team->dismissed)) return;
        if (wanted) await(team, &team->opened, seen, worker, &waiter);
        else sleep_until(team, &team->opened, seen, worker);
    }
}
