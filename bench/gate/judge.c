/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/gate/judge.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

const char *gate_verdict_name(enum gate_verdict verdict)
{
    static const char *const names[] = {"same", "faster", "slower", "undecided"};
    return names[verdict];
}

struct gate_rule gate_rule_of(double effect) { return (struct gate_rule){effect, effect * 0.4, 0.025}; }

struct gate_rule gate_rule_of_mean(const struct gate_rule *rule) { return gate_rule_of(rule->effect * 0.4); }

/* One kernel's ratios. */
static void column(const struct gate_ratios *ratios, int index, double *values)
{
    for (int round = 0; round < ratios->rounds; round++) values[round] = ratios->logs[round * ratios->cases + index];
}

static double median_of(const struct gate_ratios *ratios, int index)
{
    double values[GATE_MOST_ROUNDS];
    column(ratios, index, values);
    return gate_bootstrap(values, ratios->rounds, 0.5).median;
}

static double percent(double logarithm) { return 100 * expm1(logarithm); }

/* slower, faster: chances that the change is not beyond the bound. */
static void decide(struct gate_finding *f, double slower, double faster, const struct gate_rule *rule)
{
    const double effect = log1p(rule->effect);
    f->verdict = GATE_UNDECIDED;
    if (isnan(f->change.median))
        snprintf(f->why, sizeof f->why, "was not timed in every round");
    else if (fabs(f->control) > effect / 2 && fabs(f->change.median) < 4 * fabs(f->control))
        snprintf(f->why, sizeof f->why, "base against itself: %+.1f %%", percent(f->control));
    else if (f->change.median > effect && slower < rule->alpha) f->verdict = GATE_SLOWER;
    else if (f->change.median < -effect && faster < rule->alpha) f->verdict = GATE_FASTER;
    else if (f->change.low > -effect && f->change.high < effect) f->verdict = GATE_SAME;
    else
        snprintf(f->why, sizeof f->why, "anything from %+.1f to %+.1f %%", percent(f->change.low),
                 percent(f->change.high));
}

void gate_judge(const struct gate_ratios *change, const struct gate_ratios *control, const struct gate_rule *rule,
                struct gate_finding *findings)
{
    const int count = change->cases;
    double *slower = malloc(2 * (size_t)count * sizeof *slower), *faster = slower + count;
    double values[GATE_MOST_ROUNDS];
    if (!slower) abort();
    for (int i = 0; i < count; i++) {
        column(change, i, values);
        findings[i] = (struct gate_finding){.change = gate_bootstrap(values, change->rounds, rule->alpha),
                                            .control = median_of(control, i)};
        slower[i] = gate_chance(values, change->rounds, log1p(rule->bound));
        for (int round = 0; round < change->rounds; round++) values[round] = -values[round];
        faster[i] = gate_chance(values, change->rounds, log1p(rule->bound));
    }
    gate_holm(slower, count);
    gate_holm(faster, count);
    for (int i = 0; i < count; i++) decide(&findings[i], slower[i], faster[i], rule);
    free(slower);
}

/* The logarithm of the geometric mean, round by round. */
static void means(const struct gate_ratios *ratios, double *values)
{
    for (int round = 0; round < ratios->rounds; round++) {
        double sum = 0;
        int count = 0;
        for (int i = 0; i < ratios->cases; i++) {
            const double value = ratios->logs[round * ratios->cases + i];
            if (!isnan(value)) sum += value, count++;
        }
        values[round] = sum / count;
    }
}

struct gate_finding gate_judge_mean(const struct gate_ratios *change, const struct gate_ratios *control,
                                    const struct gate_rule *rule)
{
    double changes[GATE_MOST_ROUNDS], controls[GATE_MOST_ROUNDS];
    struct gate_finding finding;
    means(change, changes);
    means(control, controls);
    gate_judge(&(struct gate_ratios){1, change->rounds, changes}, &(struct gate_ratios){1, control->rounds, controls},
               rule, &finding);
    return finding;
}

struct gate_finding gate_confirm(const struct gate_finding *first, const struct gate_finding *second)
{
    struct gate_finding both = *second;
    if (second->verdict == first->verdict || second->verdict == GATE_UNDECIDED) return both;
    if (second->verdict != GATE_SAME) both.verdict = GATE_UNDECIDED;
    if (first->verdict != GATE_UNDECIDED || second->verdict != GATE_SAME)
        snprintf(both.why, sizeof both.why, "not confirmed: %+.1f %%, then %+.1f %%", percent(first->change.median),
                 percent(second->change.median));
    return both;
}

void gate_doubt(struct gate_finding *f)
{
    if (f->verdict != GATE_SLOWER && f->verdict != GATE_FASTER) return;
    snprintf(f->why, sizeof f->why, "%+.1f %%, but the machine was too noisy", percent(f->change.median));
    f->verdict = GATE_UNDECIDED;
}

enum gate_verdict gate_overall(const struct gate_finding *findings, int count, const struct gate_finding *mean,
                               int noise)
{
    int slower = mean->verdict == GATE_SLOWER, undecided = 0;
    for (int i = 0; i < count; i++) {
        slower += findings[i].verdict == GATE_SLOWER;
        undecided += findings[i].verdict == GATE_UNDECIDED;
    }
    if (noise) return GATE_UNDECIDED;
    if (slower) return GATE_SLOWER;
    if (mean->verdict == GATE_UNDECIDED || undecided * 10 > count) return GATE_UNDECIDED;
    return mean->verdict;
}

int gate_exit_status(enum gate_verdict overall)
{
    return overall == GATE_SLOWER ? 1 : overall == GATE_UNDECIDED ? 77 : 0;
}
