/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/gate/floors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int take_line(struct gate_floors *floors, const char *line)
{
    struct gate_floor floor;
    if (!*line || *line == '#') return 1;
    if (!strncmp(line, "machine ", 8)) return snprintf(floors->machine, sizeof floors->machine, "%.255s", line + 8) > 0;
    if (sscanf(line, "%63s %lf %lf %191[^\n]", floor.kernel, &floor.naive, &floor.peak, floor.problem) != 4 ||
        !(floor.naive >= 0) || !(floor.peak >= 0))
        return 0;
    struct gate_floor *more = realloc(floors->items, (size_t)(floors->count + 1) * sizeof *more);
    if (!more) return 0;
    floors->items = more;
    more[floors->count++] = floor;
    return 1;
}

int gate_floors_parse(struct gate_floors *floors, const char *text, int *at)
{
    char line[512];
    *floors = (struct gate_floors){.count = 0};
    for (*at = 1; *text; ++*at) {
        const size_t length = strcspn(text, "\n");
        snprintf(line, sizeof line, "%.*s", (int)length, text);
        if (length >= sizeof line || !take_line(floors, line)) return 0;
        text += length + (text[length] == '\n');
    }
    return 1;
}

void gate_floors_free(struct gate_floors *floors) { free(floors->items); }

void gate_floors_write(const struct gate_floors *measured, double part, FILE *out)
{
    fprintf(out, "# The least speed of each kernel: times faster than the reference, part of the FMA peak (0: no\n"
                 "# multiply-adds), problem. %.0f %% of what was measured on the machine named here; written by\n"
                 "# `make bench-baseline`, checked by `bench/check --floors`.\nmachine %s\n", 100 * part,
            measured->machine);
    for (int i = 0; i < measured->count; i++) {
        const struct gate_floor *m = &measured->items[i];
        fprintf(out, "%-42s %8.2f %6.3f  %s\n", m->kernel, part * m->naive, part * m->peak, m->problem);
    }
}

double gate_floor_share(const struct gate_floor *floor, const struct gate_floor *measured)
{
    return fmin(floor->naive > 0 ? measured->naive / floor->naive : INFINITY,
                floor->peak > 0 ? measured->peak / floor->peak : INFINITY);
}
