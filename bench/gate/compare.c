/* SPDX-License-Identifier: BSD-2-Clause
 * Two builds against each other: control, first run, second run of what the first could not call the same. */
#include "bench/gate/compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "bench/gate/report.h"
#include "bench/output.h"

enum { CONTROL_ROUNDS = 3, NOISE_TEXT = 512 };

struct comparison {
    struct gate_experiment *of;
    struct gate_case *cases;
    struct gate_finding *findings, mean;
    struct gate_remark *others;
    int count, other_count, rounds, again, repeats;
    struct gate_conditions conditions;
    char noise[NOISE_TEXT];
    time_t begin;
};

static void *allocate(int count, size_t size)
{
    void *memory = calloc((size_t)count + 1, size);
    if (memory) return memory;
    fputs("fastcnn-compare: no memory\n", stderr);
    exit(EX_OSERR);
}

/* ---- what is compared ---- */

static void remark(struct comparison *c, const char *kernel, const char *what, const char *why)
{
    struct gate_remark *r = &c->others[c->other_count++];
    snprintf(r->kernel, sizeof r->kernel, "%s", kernel);
    snprintf(r->why, sizeof r->why, "%s%.140s", what, why);
}

/* Head's cases, where base has the kernel and a case for it, too; all others are named. Calibrated on head, the same
 * work for both. */
static void choose_cases(struct comparison *c)
{
    const struct gate_list *base = &c->of->lists[0], *head = &c->of->lists[1];
    c->cases = allocate(head->case_count, sizeof *c->cases);
    c->others = allocate(head->case_count + head->uncovered_count + base->case_count + base->uncovered_count,
                         sizeof *c->others);
    for (int i = 0; i < head->case_count; i++) {
        const char *kernel = head->cases[i].kernel;
        if (gate_list_find(base, kernel)) c->cases[c->count++] = head->cases[i];
        else if (gate_list_has(base, kernel)) remark(c, kernel, "uncovered: base cannot run a case of it", "");
        else remark(c, kernel, "new: only head has it", "");
    }
    for (int i = 0; i < head->uncovered_count; i++)
        remark(c, head->uncovered[i].kernel, "uncovered: ", head->uncovered[i].why);
    for (int i = 0; i < base->case_count; i++)
        if (!gate_list_has(head, base->cases[i].kernel))
            remark(c, base->cases[i].kernel, "vanished: only base has it", "");
    c->findings = allocate(c->count, sizeof *c->findings);
}

/* ---- runs ---- */

static int is_too_noisy(const struct comparison *c) { return *c->noise && !c->of->settings->despite_noise; }

/* Times a series; again, up to --tries times in all, while the machine is too noisy to judge it. Whether it is, base
 * against itself and the machine say, never the change. part: 0 to 2, for an order of its own. */
static int measure(struct comparison *c, unsigned sides, const struct gate_case *cases, double effect, unsigned part,
                   struct gate_series *series)
{
    const struct gate_settings *s = c->of->settings;
    const int count = series->cases, rounds = series->rounds;
    for (unsigned attempt = 0;; attempt++) {
        if (!gate_series_make(series, count, rounds)) return EX_OSERR;
        const int status = gate_experiment_run(c->of, sides, cases, s->seed + 3 * attempt + part, series);
        c->conditions = gate_series_conditions(series);
        gate_noise(&c->conditions, effect, c->noise, sizeof c->noise);
        if (status || !is_too_noisy(c) || attempt + 1 == (unsigned)s->tries) return status;
        fprintf(stderr, "once more: %s\n", c->noise);
        gate_series_free(series);
        c->repeats++;
    }
}

static void judge(struct comparison *c, const struct gate_series *series, struct gate_finding *findings,
                  struct gate_finding *mean)
{
    const struct gate_rule rule = gate_rule_of(c->of->settings->effect), rule_of_mean = gate_rule_of_mean(&rule);
    double *logs = allocate(2 * series->cases * series->rounds, sizeof *logs);
    const struct gate_ratios change = gate_series_ratios(series, GATE_HEAD, logs);
    const struct gate_ratios control =
        gate_series_ratios(series, GATE_CONTROL, logs + series->cases * series->rounds);
    gate_judge(&change, &control, &rule, findings);
    *mean = gate_judge_mean(&change, &control, &rule_of_mean);
    free(logs);
}

/* Base against itself, to leave a machine early on which nothing can be said. Three rounds are few: limits are twice as
 * high. */
static int control_first(struct comparison *c)
{
    struct gate_series series = {.cases = c->count, .rounds = CONTROL_ROUNDS};
    const int status = measure(c, GATE_BASE_ALONE, c->cases, 2 * c->of->settings->effect, 2, &series);
    c->mean = (struct gate_finding){GATE_UNDECIDED, {NAN, NAN, NAN}, NAN, "not measured"};
    for (int i = 0; i < c->count; i++) c->findings[i] = c->mean;
    gate_series_free(&series);
    return status;
}

static int first_run(struct comparison *c)
{
    struct gate_series series = {.cases = c->count, .rounds = c->of->settings->rounds};
    const int status = measure(c, GATE_ALL_SIDES, c->cases, c->of->settings->effect, 0, &series);
    if (!status) judge(c, &series, c->findings, &c->mean);
    c->rounds = series.rounds;
    gate_series_free(&series);
    return status;
}

/* Twice as many rounds of the kernels that are not the same; of all, if their mean is not. */
static int second_run(struct comparison *c)
{
    struct gate_case *cases = allocate(c->count, sizeof *cases);
    int *places = allocate(c->count, sizeof *places);
    struct gate_finding *findings = allocate(c->count, sizeof *findings), mean;
    const int all = c->mean.verdict != GATE_SAME;
    for (int i = 0; i < c->count; i++) {
        if (!all && c->findings[i].verdict == GATE_SAME) continue;
        places[c->again] = i;
        cases[c->again++] = c->cases[i];
    }
    int status = 0;
    if (c->again) {
        struct gate_series series = {.cases = c->again, .rounds = 2 * c->of->settings->rounds - 1};
        status = measure(c, GATE_ALL_SIDES, cases, c->of->settings->effect, 1, &series);
        if (!status) judge(c, &series, findings, &mean);
        gate_series_free(&series);
        for (int i = 0; !status && i < c->again; i++)
            c->findings[places[i]] = gate_confirm(&c->findings[places[i]], &findings[i]);
        if (!status && all) c->mean = gate_confirm(&c->mean, &mean);
    }
    free(cases);
    free(places);
    free(findings);
    return status;
}

/* ---- results ---- */

static int write_file(const char *path, const struct gate_report *report,
                      void (*write)(const struct gate_report *, FILE *))
{
    struct bench_output output;
    if (!path) return 0;
    if (!bench_output_open(&output, path)) return EX_CANTCREAT;
    if (write) write(report, output.file);
    else if (!gate_report_json(report, output.file)) return bench_output_cancel(&output), EX_OSERR;
    return bench_output_close(&output) ? 0 : EX_IOERR;
}

static int tell(struct comparison *c)
{
    const struct gate_settings *s = c->of->settings;
    const struct gate_list *head = &c->of->lists[1];
    const int noisy = is_too_noisy(c);
    for (int i = 0; noisy && i < c->count; i++) gate_doubt(&c->findings[i]);
    if (noisy) gate_doubt(&c->mean);
    const struct gate_report report = {
        .base = s->names[0], .head = s->names[1], .repeat = s->repeat, .machine = head->machine, .cpu = head->cpu,
        .cases = c->cases, .findings = c->findings, .count = c->count, .rounds = c->rounds, .again = c->again,
        .repeats = c->repeats, .mean = c->mean, .conditions = c->conditions, .noise = noisy ? c->noise : "",
        .others = c->others, .other_count = c->other_count, .absent = head->absent_count,
        .overall = gate_overall(c->findings, c->count, &c->mean, noisy),
        .seconds = difftime(time(NULL), c->begin)};
    gate_report_summary(&report, stdout);
    int status = write_file(s->markdown, &report, gate_report_markdown);
    if (!status) status = write_file(s->junit, &report, gate_report_junit);
    if (!status) status = write_file(s->json, &report, NULL);
    return status ? status : gate_exit_status(report.overall);
}

/* Before anything is measured. */
static int probe(const struct gate_settings *s)
{
    const char *const paths[] = {s->markdown, s->junit, s->json};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (paths[i] && !bench_output_probe(paths[i])) return EX_CANTCREAT;
    return 0;
}

int gate_compare(struct gate_experiment *experiment)
{
    struct comparison c = {.of = experiment, .begin = time(NULL)};
    const struct gate_settings *s = experiment->settings;
    int status = probe(s);
    if (status) return status;
    choose_cases(&c);
    if (!c.count) fputs("fastcnn-compare: no kernel that both have matches and can be timed here\n", stderr);
    if (!c.count) status = EX_USAGE;
    else
        fprintf(stderr, "%d kernels, %d rounds: about %.0f s, twice that if anything changed\n", c.count, s->rounds,
                gate_experiment_estimate(s, c.count, CONTROL_ROUNDS, 2) +
                gate_experiment_estimate(s, c.count, s->rounds, GATE_SIDES));
    if (!status) status = control_first(&c);
    if (!status && !is_too_noisy(&c)) status = first_run(&c);
    if (!status && !is_too_noisy(&c)) status = second_run(&c);
    if (!status) status = tell(&c);
    free(c.cases);
    free(c.findings);
    free(c.others);
    return status;
}
