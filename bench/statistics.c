/* SPDX-License-Identifier: BSD-2-Clause
 * Quartiles and geometric means. */
#include "bench/statistics.h"

#include <math.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_quantile(const double *sorted, int count, double q)
{
    const double at = q * (count - 1);
    const int below = (int)at, above = below + 1 < count ? below + 1 : below;
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}

struct bench_summary bench_summarize(double *values, int count)
{
    const struct bench_summary none = {NAN, NAN, NAN};
    for (int i = 0; i < count; i++)
        if (isnan(values[i])) return none;
    if (count <= 0) return none;
    qsort(values, (size_t)count, sizeof *values, ascending);
    const double lower = bench_quantile(values, count, 0.25);
    const double upper = bench_quantile(values, count, 0.75);
    return (struct bench_summary){lower, bench_quantile(values, count, 0.5), upper - lower};
}

int bench_mean_add(struct bench_mean *mean, double ratio)
{
    const int is_least = !mean->count++ || ratio < mean->least;
    if (is_least) mean->least = ratio;
    mean->logarithms += log(ratio);
    return is_least;
}

double bench_mean_of(const struct bench_mean *mean)
{
    return mean->count ? exp(mean->logarithms / mean->count) : NAN;
}
