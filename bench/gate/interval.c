/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/gate/interval.h"

#include <math.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Returns 0 if a value is not a number. */
static int sort(double *sorted, const double *values, int count)
{
    for (int i = 0; i < count; i++)
        if (isnan(sorted[i] = values[i])) return 0;
    qsort(sorted, (size_t)count, sizeof *sorted, ascending);
    return count > 0;
}

/* The probability that more than half of `count` draws are among the `below` least of `count` values. */
static double median_below(int below, int count)
{
    const double p = (double)below / count;
    double sum = 0;
    if (below == count) return 1;
    for (int k = count / 2 + 1; below && k <= count; k++)
        sum += exp(lgamma(count + 1) - lgamma(k + 1) - lgamma(count - k + 1) + k * log(p) + (count - k) * log1p(-p));
    return sum;
}

struct gate_interval gate_bootstrap(const double *values, int count, double alpha)
{
    double sorted[GATE_MOST_ROUNDS];
    int low = 0, high = count - 1;
    if (!sort(sorted, values, count)) return (struct gate_interval){NAN, NAN, NAN};
    while (median_below(low + 1, count) < alpha) low++;
    while (median_below(high, count) > 1 - alpha) high--;
    return (struct gate_interval){sorted[low], sorted[count / 2], sorted[high]};
}

double gate_chance(const double *values, int count, double bound)
{
    int below = 0;
    for (int i = 0; i < count; i++) {
        if (isnan(values[i])) return NAN;
        below += values[i] <= bound;
    }
    return count ? median_below(below, count) : NAN;
}

struct place { double chance; int index; };

static int by_chance(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    return (x->chance > y->chance) - (x->chance < y->chance);
}

void gate_holm(double *chances, int count)
{
    struct place *places = malloc((size_t)count * sizeof *places);
    int found = 0;
    double least = 0;
    for (int i = 0; i < count; i++)
        if (!isnan(chances[i]) && places) places[found++] = (struct place){chances[i], i};
    if (found) qsort(places, (size_t)found, sizeof *places, by_chance);
    for (int i = 0; i < found; i++) {
        least = fmax(least, fmin(1, places[i].chance * (found - i)));
        chances[places[i].index] = least;
    }
    free(places);
}
