/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/gate/order.h"

#include <string.h>

#include "bench/random.h"

/* Base before head, then head before base. */
static const enum gate_side all[2][3][GATE_SIDES] = {
    {{GATE_BASE, GATE_HEAD, GATE_CONTROL}, {GATE_BASE, GATE_CONTROL, GATE_HEAD}, {GATE_CONTROL, GATE_BASE, GATE_HEAD}},
    {{GATE_HEAD, GATE_BASE, GATE_CONTROL}, {GATE_HEAD, GATE_CONTROL, GATE_BASE}, {GATE_CONTROL, GATE_HEAD, GATE_BASE}}};

static void shuffle(int list[3], uint64_t seed, uint64_t *counter)
{
    for (int i = 2; i > 0; i--) {
        const int j = (int)(bench_random(seed, (*counter)++) % (unsigned)(i + 1)), kept = list[i];
        list[i] = list[j];
        list[j] = kept;
    }
}

void gate_orders(uint64_t seed, int rounds, enum gate_side orders[][GATE_SIDES])
{
    int turns[2][3] = {{0, 1, 2}, {0, 1, 2}}, first = 0;
    uint64_t counter = 0;
    for (int i = 0; i < rounds; i++) {
        if (i % 6 == 0) shuffle(turns[0], seed, &counter), shuffle(turns[1], seed, &counter);
        if (i % 2 == 0) first = (int)(bench_random(seed, counter++) & 1); /* of each pair of rounds */
        const int half = first ^ (i & 1);
        memcpy(orders[i], all[half][turns[half][i % 6 / 2]], sizeof orders[i]);
    }
}
