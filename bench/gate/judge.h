/* SPDX-License-Identifier: BSD-2-Clause
 * From paired log-ratios to verdicts. Nothing here measures or prints. */
#ifndef BENCH_GATE_JUDGE_H
#define BENCH_GATE_JUDGE_H

#include "bench/gate/interval.h"

enum gate_verdict { GATE_SAME, GATE_FASTER, GATE_SLOWER, GATE_UNDECIDED };
const char *gate_verdict_name(enum gate_verdict verdict);

/* Changes below `effect` do not matter; one that does must be sure to exceed `bound`. */
struct gate_rule {
    double effect, bound;
    double alpha; /* one side */
};

/* 5 %, of which 2 % must be sure, at 2.5 % of error. The geometric mean of all kernels moves less: two fifths. */
struct gate_rule gate_rule_of(double effect);
struct gate_rule gate_rule_of_mean(const struct gate_rule *rule);

/* ln(head / base) or ln(control / base): logs[round * cases + case]. NAN: was not timed. */
struct gate_ratios {
    int cases, rounds;
    const double *logs;
};

struct gate_finding {
    enum gate_verdict verdict;
    struct gate_interval change; /* logarithms */
    double control;              /* A/A: median of this kernel's log ratios */
    char why[160];               /* of undecided, and of what a second run changed; else "" */
};

/* The verdict on each kernel: slower if the median exceeds the effect and, after Holm's correction for all kernels, the
 * chance of less than the bound is below alpha; faster the same way; same if the whole interval lies within the effect;
 * else undecided. Undecided, too, where base differs from itself by more than half the effect and not much less than
 * head does. */
void gate_judge(const struct gate_ratios *change, const struct gate_ratios *control, const struct gate_rule *rule,
                struct gate_finding *findings);

/* The same about the geometric mean of all kernels that were timed in each round. */
struct gate_finding gate_judge_mean(const struct gate_ratios *change, const struct gate_ratios *control,
                                    const struct gate_rule *rule);

/* After a second, independent run: slower and faster stand if both runs say so. What either run cannot decide stays
 * undecided, but that "same" of the second, longer run holds. */
struct gate_finding gate_confirm(const struct gate_finding *first, const struct gate_finding *second);

/* On a noisy machine: slower and faster become undecided. */
void gate_doubt(struct gate_finding *finding);

/* What all comes to: SLOWER if anything is and the machine was quiet; UNDECIDED if it was not, or if more than a tenth
 * of the kernels or their mean is; else FASTER if the mean is, else SAME. */
enum gate_verdict gate_overall(const struct gate_finding *findings, int count, const struct gate_finding *mean,
                               int noise);
int gate_exit_status(enum gate_verdict overall);

#endif
