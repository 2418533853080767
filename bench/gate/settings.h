/* SPDX-License-Identifier: BSD-2-Clause
 * The command line of fastcnn-compare. */
#ifndef BENCH_GATE_SETTINGS_H
#define BENCH_GATE_SETTINGS_H

#include <stdint.h>

enum { GATE_MOST_WORDS = 32 };

struct gate_settings {
    const char *libraries[2];           /* folders of base and head; --floors and --write-floors have head alone */
    const char *names[2];               /* what people call them */
    const char *timer, *repeat;         /* fastcnn-ab-time; the command that a red line is to be repeated with */
    const char *filters[GATE_MOST_WORDS], *omitted, *plant;
    const char *markdown, *junit, *json, *floors, *write_floors;
    int filter_count, rounds, samples, threads, cpu, tries, despite_noise;
    double effect, sample, timeout;     /* part; seconds */
    uint64_t seed;
};

/* -1, or a status to exit with. */
int gate_settings_read(struct gate_settings *settings, int argc, char **argv);

#endif
