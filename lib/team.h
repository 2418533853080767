/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A team: a leader, and helpers that share its work. The leader opens a phase of independent pieces and takes pieces
 * itself; the phase ends when all are done. Nobody waits for a worker, only for pieces that somebody has taken, so that
 * a helper whose core another process has costs nothing between them. Waiting spins for microseconds, then sleeps: a
 * runtime that spins for milliseconds makes threads slower than none on a busy machine. Where the helpers come from is
 * not the team's affair (pool.h; an OpenMP region in lib/net/job.c). */
#ifndef FCNN_TEAM_H
#define FCNN_TEAM_H

#include <stdatomic.h>
#include <stdint.h>

#include "lib/bell.h"
#include "lib/fastcnn.h"
#include "lib/waiter.h"

typedef void fcnn_piece(void *context, int worker, int64_t piece);

/* How much work a phase is for one worker. For less than about 100 us helpers that sleep are woken rarely: where they
 * have no core of their own, a wake costs as much as the work. */
enum fcnn_length { FCNN_SHORT, FCNN_LONG };

/* Zeroed before use. The plain fields change only while no piece of a phase is left or unfinished. */
struct fcnn_team {
    int workers; /* set by the leader, who is number 0, between phases: helpers with higher numbers take nothing */
    int64_t base;
    fcnn_piece *piece;
    void *context;
    struct fcnn_waiter leader;
    int64_t woken; /* when helpers were last woken, nanoseconds */
    int64_t missed, first_missed; /* when phases began while helpers slept: the last one, the first of its series */
    struct fcnn_bell opened, done; /* a phase is */
    _Atomic int dismissed, parts;
    /* The pieces that nobody has taken, in one part per worker. Each takes its own first, so that it mostly keeps the
     * pieces, and their memory, that it had in the phase before; then the last ones of others. */
    _Alignas(64) _Atomic int64_t unfinished;
    _Atomic uint64_t part[FCNN_MAX_THREADS];
    _Atomic int core[FCNN_MAX_THREADS]; /* of each worker when it last began to take pieces; 0: asleep, or unknown */
};

/* The leader: piece(context, worker, i) for each i of 0 .. pieces-1, by any worker; returns when all are done. */
void fcnn_team_share(struct fcnn_team *team, int64_t pieces, enum fcnn_length length, fcnn_piece *piece, void *context);
void fcnn_team_dismiss(struct fcnn_team *team);
/* A helper, number 1 and up, each its own: takes pieces until dismissed. */
void fcnn_team_help(struct fcnn_team *team, int worker);
/* Whether the calling worker has the core of one whom it waits for: a helper that of the leader, the leader that of a
 * helper. Only one of the two can run. */
int fcnn_team_in_the_way(struct fcnn_team *team, int worker);

#endif
