/* SPDX-License-Identifier: BSD-2-Clause
 * What the machine was like while it was measured, and whether that allows a verdict. */
#ifndef BENCH_GATE_CONDITIONS_H
#define BENCH_GATE_CONDITIONS_H

#include <sched.h>
#include <stddef.h>

/* Seconds of the cores that a process may use, as /proc/stat counts them; and of our own processes. */
struct gate_ticks { double all, busy, steal, ours; };

/* Reads the lines "cpuN ..." of a text like /proc/stat's for the cores of a set, in clock ticks of `hertz` a second. */
struct gate_ticks gate_ticks_parse(const char *text, const cpu_set_t *cores, double hertz);
struct gate_ticks gate_ticks_now(void);

/* Parts, not percent; 0 of each is best. NAN: not known, which is no reason to doubt. */
struct gate_conditions {
    double steal;       /* of the cores' time, that the host gave to others */
    double others;      /* of the cores' time, that other processes took */
    double waiting;     /* of our processes' time, that they did not have a core */
    double clock;       /* range of the middle half of the FMA rates of processes, relative to the median */
    double clock_bias;  /* |log| of head's FMA rate over base's */
    double spread;      /* A/A: |log ratio| that one kernel in twenty exceeds, base against base */
    double bias;        /* A/A: |log ratio| of the geometric mean over all kernels */
};

void gate_conditions_load(struct gate_conditions *conditions, const struct gate_ticks *from,
                          const struct gate_ticks *to);

/* What speaks against any verdict, as a sentence; returns the number of reasons. */
int gate_noise(const struct gate_conditions *conditions, double effect, char *text, size_t size);

#endif
