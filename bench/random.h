/* SPDX-License-Identifier: BSD-2-Clause
 * A counter-based generator: the n-th number is a function of n (the finalizer of splitmix64), the same everywhere. */
#ifndef BENCH_RANDOM_H
#define BENCH_RANDOM_H

#include <stdint.h>

static inline uint64_t bench_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Number `counter` of the stream `seed`. */
static inline uint64_t bench_random(uint64_t seed, uint64_t counter)
{
    return bench_mix(seed + counter * 0x9e3779b97f4a7c15u);
}

#endif
