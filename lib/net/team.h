/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A team inside one parallel region: a leader, and helpers that share its work. The leader opens a phase of independent
 * pieces and takes pieces itself; the phase ends when all are done. Nobody waits for a worker, only for pieces that
 * somebody has taken, so that a helper whose core another process has costs nothing between them. Waiting spins for
 * microseconds, then sleeps: a runtime that spins for milliseconds makes threads slower than none on a busy machine. */
#ifndef FCNN_NET_TEAM_H
#define FCNN_NET_TEAM_H

#include <stdatomic.h>
#include <stdint.h>

/* What workers wait for: its next ring. */
struct net_bell {
    _Alignas(64) _Atomic uint32_t rings;
    _Atomic int sleepers;
};

typedef void net_piece(void *context, int worker, int64_t piece);

/* Zeroed before use. The three fields of a phase change only while none of its pieces is left or unfinished. */
struct net_team {
    int workers; /* the leader is number 0 */
    int64_t pieces;
    net_piece *piece;
    void *context;
    int patience; /* the leader's, see team.c */
    struct net_bell opened, done; /* a phase is */
    _Atomic int dismissed;
    /* Pieces that nobody has taken: the first in the lower half, the end in the upper one. Even workers take the first,
     * odd ones the last, so that with two each mostly keeps the pieces, and their memory, that it had in the phase before. */
    _Alignas(64) _Atomic uint64_t left;
    _Atomic int64_t unfinished;
};

/* The leader: piece(context, worker, i) for each i of 0 .. pieces-1, by any worker; returns when all are done. */
void net_team_share(struct net_team *team, int64_t pieces, net_piece *piece, void *context);
void net_team_dismiss(struct net_team *team);
/* A helper, 1 .. workers-1: takes pieces until dismissed. */
void net_team_help(struct net_team *team, int worker);

#endif
