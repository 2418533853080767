/* SPDX-License-Identifier: BSD-2-Clause
 * Committed floors: how many times faster than the reference loops a kernel must at least be, and what part of the FMA
 * peak it must reach. Text, one kernel a line; see bench/baseline/floors.txt. */
#ifndef BENCH_GATE_FLOORS_H
#define BENCH_GATE_FLOORS_H

#include <stdio.h>

struct gate_floor {
    char kernel[64], problem[192];
    double naive, peak; /* ratios; peak 0: no multiply-adds */
};

struct gate_floors {
    char machine[256]; /* where they were measured */
    struct gate_floor *items;
    int count;
};

/* 1, or 0 with *line the line that is not what it should be (0: no memory). To be freed in any case. */
int gate_floors_parse(struct gate_floors *floors, const char *text, int *line);
void gate_floors_free(struct gate_floors *floors);

/* Writes floors at `part` of what was measured. */
void gate_floors_write(const struct gate_floors *measured, double part, FILE *out);

/* How far below its floor a kernel is: the lesser of measured / floor of both ratios. 1 and more is fine. */
double gate_floor_share(const struct gate_floor *floor, const struct gate_floor *measured);

#endif
