/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/pace.h"

#define CREDIT 8000000 /* two slices of a scheduler: one interruption does not count */
#define TRIALS 64      /* threads in debt may cost 1 / 64 of the time */

static int64_t get(const _Atomic int64_t *account) { return atomic_load_explicit(account, memory_order_relaxed); }
static void set(_Atomic int64_t *account, int64_t value) { atomic_store_explicit(account, value, memory_order_relaxed); }

static void enter(struct fcnn_pace *pace, int64_t saved)
{
    const int64_t balance = get(&pace->balance) + saved;
    set(&pace->balance, balance < CREDIT ? balance : CREDIT);
}

void fcnn_pace_begin(struct fcnn_pace *pace)
{
    set(&pace->balance, CREDIT);
    set(&pace->alone, 0);
}

int fcnn_pace_prefers_one(const struct fcnn_pace *pace) { return get(&pace->balance) < 0; }

void fcnn_pace_one(struct fcnn_pace *pace, int64_t took)
{
    set(&pace->alone, took);
    enter(pace, took / TRIALS + 1);
}

void fcnn_pace_all(struct fcnn_pace *pace, int64_t took, int64_t guess)
{
    const int64_t alone = get(&pace->alone);
    enter(pace, (alone && alone < guess ? alone : guess) - took);
}
