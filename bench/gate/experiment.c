/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/gate/experiment.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "bench/format.h"
#include "bench/gate/child.h"
#include "bench/interrupt.h"

enum { MOST_ARGUMENTS = GATE_MOST_WORDS + 12 };

struct command {
    int count;
    const char *argv[MOST_ARGUMENTS];
    char texts[MOST_ARGUMENTS][512];
};

static void add(struct command *command, const char *option, const char *value)
{
    char *text = command->texts[command->count];
    snprintf(text, sizeof command->texts[0], "%s%s%s", option, *value ? "=" : "", value);
    command->argv[command->count++] = text;
}

static void add_number(struct command *command, const char *option, double value)
{
    char text[32];
    snprintf(text, sizeof text, "%.9g", value);
    add(command, option, text);
}

static int fail(const char *what, const char *name)
{
    return fprintf(stderr, "fastcnn-compare: %s: %s\n", name, what), EX_SOFTWARE;
}

static void start(struct command *command, const struct gate_settings *s)
{
    *command = (struct command){.count = 0};
    add(command, s->timer, "");
    if (s->cpu >= 0) add_number(command, "--cpu", s->cpu);
    add_number(command, "--threads", s->threads);
    add_number(command, "--samples", s->samples);
    add_number(command, "--seconds", s->sample);
}

/* The output of a side's process, whose library must be that of its link; NULL, and a status. */
static char *run(const struct gate_experiment *e, struct command *command, enum gate_side side, int *status)
{
    char libraries[sizeof e->folder + 2], prefix[sizeof libraries + 10];
    snprintf(libraries, sizeof libraries, "%s/%c", e->folder, "abc"[side]);
    snprintf(prefix, sizeof prefix, "library %s/", libraries);
    char *text = gate_child_run(command->argv, libraries, e->settings->timeout);
    *status = text ? 0 : bench_interrupted() ? 128 + bench_interrupted() : EX_SOFTWARE;
    if (!text || strstr(text, prefix)) return text;
    free(text);
    *status = fail("was not run with the shared library in this folder (--disable-shared?)",
                   e->settings->libraries[side == GATE_HEAD]);
    return NULL;
}

/* ---- cases ---- */

static int list(struct gate_experiment *e, int which)
{
    const struct gate_settings *s = e->settings;
    struct command command;
    int status;
    start(&command, s);
    add(&command, "--cases", "");
    for (int i = 0; i < s->filter_count; i++) add(&command, "--filter", s->filters[i]);
    if (s->omitted) add(&command, "--omit", s->omitted);
    if (s->floors || s->write_floors) add(&command, "--with-naive", "");
    char *text = run(e, &command, which ? GATE_HEAD : GATE_BASE, &status);
    if (text && !gate_list_parse(&e->lists[which], text)) status = fail("its list cannot be understood", s->timer);
    free(text);
    return status;
}

static int link_sides(struct gate_experiment *e)
{
    for (int side = 0; side < GATE_SIDES; side++) {
        const char *folder = e->settings->libraries[side == GATE_HEAD];
        char name[sizeof e->folder + 2], *real = realpath(folder, NULL);
        snprintf(name, sizeof name, "%s/%c", e->folder, "abc"[side]);
        const int failed = !real || symlink(real, name);
        free(real);
        if (failed) return fprintf(stderr, "fastcnn-compare: %s: %s\n", folder, strerror(errno)), EX_NOINPUT;
    }
    return 0;
}

int gate_experiment_open(struct gate_experiment *e, const struct gate_settings *settings)
{
    const char *temporary = getenv("TMPDIR");
    if (!temporary || !*temporary) temporary = "/tmp";
    *e = (struct gate_experiment){.settings = settings};
    snprintf(e->folder, sizeof e->folder, "%s/fastcnn-compare.XXXXXX", temporary);
    if (!mkdtemp(e->folder)) {
        *e->folder = 0;
        return fprintf(stderr, "fastcnn-compare: %s: %s\n", temporary, strerror(errno)), EX_CANTCREAT;
    }
    int status = link_sides(e);
    if (!status) status = list(e, 1);
    if (!status) status = list(e, 0);
    return status;
}

void gate_experiment_close(struct gate_experiment *e)
{
    static const char *const names[] = {"a", "b", "c", "plan"};
    char path[sizeof e->folder + 8];
    if (!*e->folder) return;
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", e->folder, names[i]);
        unlink(path);
    }
    rmdir(e->folder);
    gate_list_free(&e->lists[0]);
    gate_list_free(&e->lists[1]);
}

/* ---- rounds ---- */

static int write_plan(const char *path, const struct gate_case *cases, int count)
{
    FILE *file = fopen(path, "w");
    for (int i = 0; file && i < count; i++)
        fprintf(file, "%s %ld %.0f %s\n", cases[i].kernel, cases[i].iterations, cases[i].flops, cases[i].problem);
    const int failed = !file || ferror(file);
    if ((file && fclose(file)) || failed) return fail(strerror(errno), path);
    return 0;
}

static int run_side(struct gate_experiment *e, const char *plan, enum gate_side side, int round,
                    struct gate_series *series)
{
    const struct gate_settings *s = e->settings;
    struct gate_record record = {.seconds = series->seconds[side] + round * series->cases,
                                 .rates = series->rates[side] + round * series->cases};
    struct command command;
    int status;
    start(&command, s);
    add(&command, "--plan", plan);
    if (s->plant && side == GATE_HEAD) add(&command, "--plant", s->plant);
    char *text = run(e, &command, side, &status);
    if (text && !gate_record_parse(&record, series->cases, text))
        status = fail("its times cannot be understood", s->timer);
    series->core[round][side] = record.core;
    free(text);
    return status;
}

int gate_experiment_run(struct gate_experiment *e, unsigned sides, const struct gate_case *cases, uint64_t seed,
                        struct gate_series *series)
{
    enum gate_side orders[GATE_MOST_ROUNDS][GATE_SIDES];
    char plan[sizeof e->folder + 8];
    snprintf(plan, sizeof plan, "%s/plan", e->folder);
    int status = write_plan(plan, cases, series->cases);
    gate_orders(seed, series->rounds, orders);
    series->from = gate_ticks_now();
    for (int round = 0; round < series->rounds; round++) {
        if (bench_is_terminal(stderr)) fprintf(stderr, "\rround %d of %d \r", round + 1, series->rounds);
        for (int turn = 0; !status && turn < GATE_SIDES; turn++)
            if (sides >> orders[round][turn] & 1) status = run_side(e, plan, orders[round][turn], round, series);
    }
    series->to = gate_ticks_now();
    return status;
}

double gate_experiment_estimate(const struct gate_settings *s, int cases, int rounds, int sides)
{
    const double start_of_process = 0.1, around_a_sample = 1.3; /* warming, FMA windows */
    return rounds * sides * (start_of_process + around_a_sample * s->sample * s->samples * cases);
}
