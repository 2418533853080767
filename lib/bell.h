/* SPDX-License-Identifier: BSD-2-Clause
 * A bell: what the workers of a team wait for, spinning or asleep. Any number of threads may wait and ring at once. */
#ifndef FCNN_BELL_H
#define FCNN_BELL_H

#include <stdatomic.h>
#include <stdint.h>

/* Zeroed before use. */
struct fcnn_bell {
    _Alignas(64) _Atomic uint32_t rings;
    _Atomic int sleepers;
};

/* Counts a ring; returns whether somebody sleeps, who must be woken. */
int fcnn_bell_ring(struct fcnn_bell *bell);
/* Wakes the sleepers with numbers up to that of `worker`, and perhaps others. */
void fcnn_bell_wake(struct fcnn_bell *bell, int worker);
/* Whether the bell rings within so many nanoseconds after `seen` rings; returns when it does. */
int fcnn_bell_rings_within(struct fcnn_bell *bell, uint32_t seen, int64_t patience);
/* Until the bell has rung after `seen` rings and somebody has woken the sleepers. */
void fcnn_bell_sleep(struct fcnn_bell *bell, uint32_t seen, int worker);

#endif
