/* SPDX-License-Identifier: BSD-2-Clause
 * What the gate found, and how it is written down. */
#ifndef BENCH_GATE_REPORT_H
#define BENCH_GATE_REPORT_H

#include <stdio.h>

#include "bench/gate/conditions.h"
#include "bench/gate/judge.h"
#include "bench/gate/records.h"

struct gate_report {
    const char *base, *head, *repeat; /* names of both; the command that repeats all, "" if not known */
    const char *machine, *cpu;
    const struct gate_case *cases;    /* compared, with a finding each */
    const struct gate_finding *findings;
    int count, rounds, again;         /* rounds 0: given up after the control; again: kernels of a second run */
    int repeats;                      /* series that were timed again, because the machine was too noisy */
    struct gate_finding mean;
    struct gate_conditions conditions;
    const char *noise;                /* what speaks against a verdict; "" */
    const struct gate_remark *others; /* kernels that were not compared, and why */
    int other_count, absent;          /* absent: that this CPU cannot run */
    enum gate_verdict overall;
    double seconds;
};

int gate_report_count(const struct gate_report *report, enum gate_verdict verdict);

/* One sentence: the verdict and what it is about. */
void gate_report_headline(const struct gate_report *report, char *text, size_t size);

void gate_report_summary(const struct gate_report *report, FILE *out);  /* for people: one screen */
void gate_report_markdown(const struct gate_report *report, FILE *out); /* for a pull request */
void gate_report_junit(const struct gate_report *report, FILE *out);    /* a test case for each kernel */
int gate_report_json(const struct gate_report *report, FILE *out);      /* 0 without memory */

/* Writes text so that it stays text. */
void gate_escape_xml(const char *text, FILE *out);
void gate_escape_markdown(const char *text, FILE *out); /* within a table */

#endif
