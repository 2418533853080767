/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/gate/conditions.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct gate_ticks gate_ticks_parse(const char *text, const cpu_set_t *cores, double hertz)
{
    struct gate_ticks sum = {0};
    for (const char *line = text; line; line = strchr(line, '\n'), line += line ? 1 : 0) {
        double user, nice, system, idle, wait, irq, soft, steal;
        int core;
        if (sscanf(line, "cpu%d %lf %lf %lf %lf %lf %lf %lf %lf", &core, &user, &nice, &system, &idle, &wait, &irq,
                   &soft, &steal) != 9 || !CPU_ISSET((unsigned)core, cores))
            continue;
        const double busy = user + nice + system + irq + soft;
        sum.busy += busy / hertz;
        sum.steal += steal / hertz;
        sum.all += (busy + idle + wait + steal) / hertz;
    }
    return sum;
}

static double seconds_of(const struct rusage *usage)
{
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
           1e-6 * (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec);
}

struct gate_ticks gate_ticks_now(void)
{
    static char text[1 << 18];
    cpu_set_t cores;
    struct rusage self, children;
    FILE *file = fopen("/proc/stat", "r");
    const size_t length = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file) fclose(file);
    text[length] = 0;
    CPU_ZERO(&cores);
    sched_getaffinity(0, sizeof cores, &cores);
    struct gate_ticks ticks = gate_ticks_parse(text, &cores, (double)sysconf(_SC_CLK_TCK));
    getrusage(RUSAGE_SELF, &self);
    getrusage(RUSAGE_CHILDREN, &children);
    ticks.ours = seconds_of(&self) + seconds_of(&children);
    return ticks;
}

void gate_conditions_load(struct gate_conditions *c, const struct gate_ticks *from, const struct gate_ticks *to)
{
    const double all = to->all - from->all, others = to->busy - from->busy - (to->ours - from->ours);
    c->steal = (to->steal - from->steal) / all; /* NAN where there is no /proc/stat */
    c->others = (others > 0 ? others : 0) / all;
}

int gate_noise(const struct gate_conditions *c, double effect, char *text, size_t size)
{
    /* The A/A limits follow from the effect that is asked for, the others are what quiet machines stay far below. */
    const struct { double value, most; const char *sentence; } signs[] = {
        {c->steal, 0.02, "the host took %.1f %% of the cores' time (steal)"},
        {c->others, 0.10, "other processes used %.0f %% of the cores' time"},
        {c->waiting, 0.05, "our processes waited for a core %.0f %% of their time"},
        {c->clock, 0.05, "the FMA rate moved by %.1f %% between processes"},
        {c->clock_bias, effect / 2, "base and head had clocks that differ by %.1f %%"},
        {c->spread, effect / 2, "base against itself differs by %.1f %% in one kernel of twenty"},
        {c->bias, effect / 5, "base against itself differs by %.1f %% in the geometric mean"}};
    int count = 0;
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        if (!(signs[i].value > signs[i].most)) continue;
        char sentence[128];
        snprintf(sentence, sizeof sentence, signs[i].sentence, 100 * signs[i].value);
        const int more = snprintf(text + used, size - used, "%s%s", count++ ? "; " : "", sentence);
        used = used + (size_t)more < size ? used + (size_t)more : size - 1;
    }
    return count;
}
