/* SPDX-License-Identifier: BSD-2-Clause
 * What a few paired log-ratios say: their median, how sure it is, and what of many such findings is left when they are
 * looked at together. */
#ifndef BENCH_GATE_INTERVAL_H
#define BENCH_GATE_INTERVAL_H

/* An odd number: the median is one of the values, and its bootstrap distribution a sum of binomials. */
enum { GATE_MOST_ROUNDS = 99 };

struct gate_interval { double low, median, high; };

/* The median of `count` (odd) values and the percentile bootstrap's interval that leaves out `alpha` at each end. All
 * NAN if a value is. */
struct gate_interval gate_bootstrap(const double *values, int count, double alpha);

/* The part of the bootstrap's medians that are at most `bound`. Computed, not drawn: of `count` draws with replacement
 * the median is at most the j-th value if more than half of them are. NAN if a value is. */
double gate_chance(const double *values, int count, double bound);

/* Holm: chances of `count` findings become those that may be compared with one alpha for all of them together. NAN (no
 * finding) stays, and does not count. */
void gate_holm(double *chances, int count);

#endif
