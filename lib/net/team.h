/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The barrier of a team of workers inside one parallel region. Waiting spins for a few microseconds, which is what a step's
 * parts differ by on quiet cores, then sleeps: a runtime that spins for milliseconds at every barrier makes two threads many
 * times slower than one as soon as another process wants a core. */
#ifndef FCNN_NET_TEAM_H
#define FCNN_NET_TEAM_H

#include <stdatomic.h>

struct net_team {
    int workers;
    _Atomic int arrived, sleepers;
    _Atomic unsigned generation; /* barriers passed */
};

void net_team_wait(struct net_team *team);

#endif
