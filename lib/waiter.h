/* SPDX-License-Identifier: BSD-2-Clause
 * What a thread that waits for another one knows of its core. */
#ifndef FCNN_WAITER_H
#define FCNN_WAITER_H

#include <stdatomic.h>
#include <stdint.h>

/* In nanoseconds: when it last looked, for how long it had run by then (and how often slept), when it last shared its
 * core. Zeroed before use. If another thread goes on with it, that is no harm. */
struct fcnn_waiter {
    int64_t looked, ran, crowded;
    long slept;
};

/* Looks at what the calling thread did since it last looked. Returns whether another process shares its core. */
int fcnn_waiter_look(struct fcnn_waiter *waiter);

/* The calling thread's core at this moment, from 1 on; 0: nobody tells. */
int fcnn_waiter_core(void);

/* Moves the calling thread to a core that is not among these, if it may use one: it may use the same cores as before.
 * Returns whether it has moved. */
int fcnn_waiter_move(const _Atomic int *cores, int count);

#endif
