/* SPDX-License-Identifier: BSD-2-Clause
 * One build against committed floors; and writing them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "bench/gate/compare.h"
#include "bench/gate/floors.h"
#include "bench/output.h"

static const double part = 0.6; /* of what was measured is the floor: between good and bad days lies less */

static int is_naive(const char *kernel)
{
    const size_t length = strlen(kernel);
    return length > 6 && !strcmp(kernel + length - 6, "_naive");
}

/* What a series says of case `i`, behind which the reference's is. */
static struct gate_floor measured(const struct gate_case *cases, int i, const struct gate_series *s)
{
    struct gate_floor m = {.naive = 0};
    double naive[GATE_MOST_ROUNDS], peak[GATE_MOST_ROUNDS];
    for (int round = 0; round < s->rounds; round++) {
        const int at = round * s->cases + i;
        naive[round] = s->seconds[GATE_HEAD][at + 1] / s->seconds[GATE_HEAD][at];
        peak[round] = cases[i].flops / s->seconds[GATE_HEAD][at] * 1e-9 / s->rates[GATE_HEAD][at];
    }
    memcpy(m.kernel, cases[i].kernel, sizeof m.kernel);
    memcpy(m.problem, cases[i].problem, sizeof m.problem);
    m.naive = gate_bootstrap(naive, s->rounds, 0.5).median;
    m.peak = gate_bootstrap(peak, s->rounds, 0.5).median;
    return m;
}

/* Kernels with the reference behind each, as --with-naive lists them; a kernel whose reference failed is left out. */
static int measure(struct gate_experiment *e, const struct gate_case *cases, int count, int rounds,
                   struct gate_floors *found, struct gate_conditions *conditions)
{
    struct gate_series series;
    if (!gate_series_make(&series, count, rounds)) return EX_OSERR;
    const int status = gate_experiment_run(e, GATE_HEAD_ALONE, cases, e->settings->seed, &series);
    *found = (struct gate_floors){.items = calloc((size_t)count + 1, sizeof *found->items)};
    for (int i = 0; !status && found->items && i + 1 < count; i++)
        if (!is_naive(cases[i].kernel) && is_naive(cases[i + 1].kernel))
            found->items[found->count++] = measured(cases, i, &series);
    snprintf(found->machine, sizeof found->machine, "%s", e->lists[1].machine);
    *conditions = gate_series_conditions(&series);
    gate_series_free(&series);
    return status;
}

static int write_floors(struct gate_experiment *e)
{
    struct gate_floors found = {.count = 0};
    struct gate_conditions conditions;
    struct bench_output output;
    const struct gate_list *list = &e->lists[1];
    int status = measure(e, list->cases, list->case_count, e->settings->rounds, &found, &conditions);
    if (!status && !bench_output_open(&output, e->settings->write_floors)) status = EX_CANTCREAT;
    else if (!status) {
        gate_floors_write(&found, part, output.file);
        status = bench_output_close(&output) ? 0 : EX_IOERR;
    }
    if (!status) printf("%d floors, %s\n", found.count, found.machine);
    gate_floors_free(&found);
    return status;
}

/* ---- checking ---- */

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = file ? calloc(1, 1 << 20) : NULL;
    if (text && !fread(text, 1, (1 << 20) - 1, file) && ferror(file)) free(text), text = NULL;
    if (file) fclose(file);
    return text;
}

static const struct gate_floor *find(const struct gate_floors *floors, const char *kernel)
{
    for (int i = 0; i < floors->count; i++)
        if (!strcmp(floors->items[i].kernel, kernel)) return &floors->items[i];
    return NULL;
}

/* The cases of kernels below their floors, with the reference's; `told`: kernels without a floor of that problem are
 * named. Returns their number. */
static int choose_low(const struct gate_floors *floors, const struct gate_floors *found, const struct gate_list *list,
                      struct gate_case *low, int told)
{
    int count = 0;
    for (int i = 0; i < found->count; i++) {
        const struct gate_floor *m = &found->items[i], *floor = find(floors, m->kernel);
        const struct gate_case *c = gate_list_find(list, m->kernel);
        if (!floor || strcmp(floor->problem, m->problem)) {
            if (told) printf("  no floor   %s: make bench-baseline\n", m->kernel);
            continue;
        }
        if (gate_floor_share(floor, m) >= 1) continue;
        low[count++] = c[0];
        low[count++] = c[1];
    }
    return count;
}

static void print_low(const struct gate_floors *floors, const struct gate_floors *found)
{
    for (int i = 0; i < found->count; i++) {
        const struct gate_floor *m = &found->items[i], *floor = find(floors, m->kernel);
        if (gate_floor_share(floor, m) >= 1) continue;
        printf("  below      %-40s %.1f x naive (floor %.1f), %.1f %% of the peak (floor %.1f)\n", m->kernel, m->naive,
               floor->naive, 100 * m->peak, 100 * floor->peak);
        printf("             repeat: bench/check --floors --filter=%s\n", m->kernel);
    }
}

/* Two runs found kernels too slow: red, if the floors are this machine's and it was quiet. */
static int verdict(const struct gate_experiment *e, const struct gate_floors *floors,
                   const struct gate_conditions *conditions)
{
    char noise[512];
    const int noisy = gate_noise(conditions, e->settings->effect, noise, sizeof noise) && !e->settings->despite_noise;
    const int stranger = strcmp(floors->machine, e->lists[1].machine) != 0;
    if (!noisy && !stranger) return puts("slower: below committed floors, found twice"), 1;
    if (noisy) printf("undecided: %s\n", noise);
    if (stranger) printf("undecided: the floors are another machine's (%s), this is %s\n", floors->machine,
                         e->lists[1].machine);
    return 77;
}

static int check(struct gate_experiment *e, const struct gate_floors *floors)
{
    const struct gate_list *list = &e->lists[1];
    struct gate_floors found = {.count = 0}, again = {.count = 0};
    struct gate_conditions conditions;
    struct gate_case *low = calloc((size_t)list->case_count + 1, sizeof *low);
    int status = low ? measure(e, list->cases, list->case_count, e->settings->rounds, &found, &conditions) : EX_OSERR;
    const int count = status ? 0 : choose_low(floors, &found, list, low, 1), measured_count = found.count;
    if (count) status = measure(e, low, count, 2 * e->settings->rounds - 1, &again, &conditions);
    const int confirmed = count && !status ? choose_low(floors, &again, list, low, 0) : 0;
    if (confirmed) print_low(floors, &again);
    if (confirmed) status = verdict(e, floors, &conditions);
    else if (!status) printf("same: %d kernels, none below its floor twice\n", measured_count);
    gate_floors_free(&found);
    gate_floors_free(&again);
    free(low);
    return status;
}

int gate_check_floors(struct gate_experiment *e)
{
    struct gate_floors floors;
    int line, status;
    if (!e->lists[1].case_count) return fputs("fastcnn-compare: no kernel matches\n", stderr), EX_USAGE;
    if (e->settings->write_floors) return write_floors(e);
    char *text = read_file(e->settings->floors);
    if (!text) return fprintf(stderr, "fastcnn-compare: cannot read %s\n", e->settings->floors), EX_NOINPUT;
    if (gate_floors_parse(&floors, text, &line)) status = check(e, &floors);
    else {
        fprintf(stderr, "fastcnn-compare: %s:%d: not a line of floors\n", e->settings->floors, line);
        status = EX_DATAERR;
    }
    gate_floors_free(&floors);
    free(text);
    return status;
}
