/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Whether a plan's next execution should use all its threads or one. On quiet cores threads save time. Where another
 * process wants one of the cores, the end of a parallel region waits for a slice of the scheduler, and threads may be 20
 * times slower than one. So a plan keeps an account of what its threads saved and lost. Times decide who computes, never
 * what. Callers of one plan may lose each other's entries, which is harmless. */
#ifndef FCNN_PACE_H
#define FCNN_PACE_H

#include <stdatomic.h>
#include <stdint.h>

/* In nanoseconds. */
struct fcnn_pace {
    _Atomic int64_t balance; /* what threads have saved; bounded above, so that old savings do not hide new losses */
    _Atomic int64_t alone;   /* the last execution by one thread; 0: there was none */
};

void fcnn_pace_begin(struct fcnn_pace *pace);
int fcnn_pace_prefers_one(const struct fcnn_pace *pace); /* threads are in debt */
/* An execution by one thread. It earns threads a small part of its time, to try again. */
void fcnn_pace_one(struct fcnn_pace *pace, int64_t took);
/* An execution by all, which one thread would have done in about `guess`. */
void fcnn_pace_all(struct fcnn_pace *pace, int64_t took, int64_t guess);

#endif
