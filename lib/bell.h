/* SPDX-License-Identifier: BSD-2-Clause
 * A bell: what the workers of a team wait for. Waiting spins for microseconds, then sleeps. Any number of threads may
 * wait and ring at once. */
#ifndef FCNN_BELL_H
#define FCNN_BELL_H

#include <stdatomic.h>
#include <stdint.h>

/* Zeroed before use. */
struct fcnn_bell {
    _Alignas(64) _Atomic uint32_t rings;
    _Atomic int sleepers;
};

/* What a waiter knows of itself, in nanoseconds: when it last looked, for how long it had run by then (and how often
 * slept), when it last shared its core. Zeroed before use. If another thread goes on with it, that is no harm. */
struct fcnn_waiter {
    int64_t looked, ran, crowded;
    long slept;
};

/* Counts a ring; returns whether somebody sleeps, who must be woken. */
int fcnn_bell_ring(struct fcnn_bell *bell);
/* Wakes the sleepers with numbers up to that of `worker`, and perhaps others. */
void fcnn_bell_wake(struct fcnn_bell *bell, int worker);
/* Until the bell has rung after `seen` rings, and, for those who sleep, has woken them. */
void fcnn_bell_await(struct fcnn_bell *bell, uint32_t seen, int worker, struct fcnn_waiter *waiter);
void fcnn_bell_sleep(struct fcnn_bell *bell, uint32_t seen, int worker); /* the same, at once */

#endif
