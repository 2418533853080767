/* SPDX-License-Identifier: BSD-2-Clause
 * Numbers about numbers. */
#ifndef BENCH_STATISTICS_H
#define BENCH_STATISTICS_H

#ifdef __cplusplus
extern "C" {
#endif

/* Of times, the lower quartile is what ratios are made of: whatever disturbs a window makes it longer. Quartiles lie
 * between the two nearest values (type 7 of Hyndman and Fan); range: upper minus lower quartile. All NAN of no values,
 * and if any of them is not a number. */
struct bench_summary { double lower, median, range; };

/* values[count] are sorted on return. */
struct bench_summary bench_summarize(double *values, int count);

/* Of one or more sorted values: 0 is the least, 1 the largest. */
double bench_quantile(const double *sorted, int count, double q);

/* A geometric mean of ratios, and their least. Zero-initialise. */
struct bench_mean {
    int count;
    double logarithms, least;
};

int bench_mean_add(struct bench_mean *mean, double ratio); /* 1: it is the least so far */
double bench_mean_of(const struct bench_mean *mean);       /* NAN of none */

#ifdef __cplusplus
}
#endif
#endif
